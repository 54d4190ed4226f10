"""The time of a function goes on while it runs, and stands still while the machine does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from constructs_lib.local.executor.deadline import Deadline
from tests.local.runtime.template import function

if TYPE_CHECKING:
    from tests.local.runtime.deployed import App

# Stops the embedded AWS and the function for three seconds, as a machine does that is suspended.
STANDS_STILL = """
import os, subprocess, sys
STILL = '''
import os, signal, sys, time
those = [int(each) for each in sys.argv[1:]]
for each in those:
    os.kill(each, signal.SIGSTOP)
time.sleep(3)
for each in those:
    os.kill(each, signal.SIGCONT)
'''
def handler(event, context):
    those = [str(os.getppid()), str(os.getpid())]
    subprocess.Popen([sys.executable, "-I", "-S", "-c", STILL, *those], start_new_session=True).wait()
    return "ran"
"""


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class TestDeadline:
    def test_time_that_was_waited_for_is_over(self) -> None:
        clock = Clock()
        deadline = Deadline(clock(), 3, clock)
        for _ in range(29):
            deadline.began_to_wait()
            clock.now += 0.1
            deadline.waited(0.1)
            assert not deadline.is_over
        clock.now += 0.11
        deadline.waited(0.1)
        assert deadline.is_over

    def test_what_a_busy_machine_is_late_counts(self) -> None:
        clock = Clock()
        deadline = Deadline(clock(), 3, clock)
        for _ in range(3):
            deadline.began_to_wait()
            clock.now += 1
            deadline.waited(0.1)
        assert deadline.is_over

    def test_what_the_machine_stood_still_is_given_back(self) -> None:
        clock = Clock()
        deadline = Deadline(clock(), 3, clock)
        clock.now += 15.1
        deadline.waited(0.1)
        assert deadline.at == 118

    def test_nothing_is_given_back_twice(self) -> None:
        clock = Clock()
        deadline = Deadline(clock(), 3, clock)
        clock.now += 15.1
        deadline.waited(0.1)
        deadline.waited(0.1)
        assert deadline.at == 118

    def test_what_somebody_did_between_two_waits_counts(self) -> None:
        clock = Clock()
        deadline = Deadline(clock(), 3, clock)
        clock.now += 15
        deadline.began_to_wait()
        deadline.waited(0.1)
        assert deadline.at == 103


def test_function_is_not_late_when_the_machine_stood_still_for_longer_than_its_timeout(mended: App) -> None:
    keys = mended.aws.upload({"stands-still": {"index.py": STANDS_STILL}})
    resources = function("Still", keys["stands-still"], "assets", [], Runtime="python3.13", Timeout=2)
    outputs = {"Name": {"Value": {"Ref": "Still"}}}
    name = mended.aws.deploy("StandsStill", {"Resources": resources, "Outputs": outputs})["Name"]
    answer = mended.aws.client("lambda").invoke(FunctionName=name)
    assert json.loads(answer["Payload"].read()) == "ran"
