from __future__ import annotations

import io
import threading

from constructs_lib.local.announcements import Announcements
from constructs_lib.local.terminal import Terminal
from constructs_lib.problem import LocalError, Problem


def refuse() -> None:
    raise LocalError(Problem(what="no answer", where="here", fix="wait"))


def test_what_another_thread_says_waits_for_the_one_that_owns_the_terminal() -> None:
    out, deployed = io.StringIO(), []
    announcements = Announcements(Terminal(out), lambda: deployed.append(out.getvalue()))

    def work() -> None:
        announcements.step("reload", "Shop/Fn", 0.21)
        announcements.deployed()
        announcements.problem("it fails \x1b[2J\n  at:  there")

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert out.getvalue() == ""
    announcements.say()
    assert deployed == ["reload   Shop/Fn  0.2 s\n"]
    assert out.getvalue() == (
        "reload   Shop/Fn  0.2 s\nbroken   not taken up; the version before goes on\nit fails \\x1b[2J\n  at:  there\n"
    )
    announcements.say()
    assert out.getvalue().count("reload") == 1


def test_what_follows_a_deployment_and_fails_is_said_and_ends_nothing() -> None:
    out = io.StringIO()
    announcements = Announcements(Terminal(out), refuse)
    announcements.deployed()
    announcements.step("reload", "Shop/Fn")
    announcements.say()
    assert out.getvalue() == "no answer\n  at:  here\n  fix: wait\nreload   Shop/Fn\n"
