"""Runs one PostgreSQL until standard input ends: a program of its own, with nothing but the standard library.

    python -I -S supervisor.py '{"binaries": ..., "data": ..., "sockets": ..., "log": ...}'

However its parent ends, killed outright included, the pipe to it closes, and the database is shut down. If the database
ends before that, killed for its memory for example, it is started again. Root cannot run
PostgreSQL: then it runs as nobody, who keeps from root the right to read files alone, so that a database below root's
own folders is found. https://www.postgresql.org/docs/16/app-postgres.html
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

SUPERUSER = "rdsadmin"  # as on AWS: nobody else is one
READY_SECONDS = 60.0
STOP_SECONDS = 4.0
TRIES = 50  # a server that was left behind may still be shutting down
PAUSE_SECONDS = 0.02

PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_SET_SECUREBITS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 8, 28, 47, 2
# Without it access(2), by which PostgreSQL finds its own programs, does not count what is kept.
SECBIT_NO_SETUID_FIXUP, SECBIT_KEEP_CAPS = 4, 16
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522

SETTINGS = {
    "listen_addresses": "",  # nobody reaches it but through its socket
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "16MB",
    "fsync": "off",  # what a crash of this machine loses, a deployment makes again; one of PostgreSQL loses nothing
    "full_page_writes": "off",
    "max_wal_size": "64MB",
    "log_min_messages": "warning",
}


def main(told: dict[str, str]) -> int:
    """Start, tell that it is ready, start again what ends by itself, stop."""
    binaries, data, sockets = (Path(told[name]) for name in ("binaries", "data", "sockets"))
    sockets.mkdir(parents=True, exist_ok=True)
    data.parent.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        for folder in (data.parent, sockets):
            _give(folder, nobody.pw_uid, nobody.pw_gid)
        _become(nobody.pw_uid, nobody.pw_gid)
    running: list[subprocess.Popen[bytes]] = []
    is_asked = threading.Event()  # to stop
    threading.Thread(target=_stop_at_end_of_input, args=(running, is_asked), daemon=True).start()
    with Path(told["log"]).open("ab") as log:
        _initialize(binaries, data, log)
        code = 1
        while (server := _start(binaries, data, sockets, log, is_asked)) is not None:
            is_first = not running
            running[:] = [server]
            if is_asked.is_set():  # while it started: nobody else knows of it
                _stop(server)
            elif is_first:
                sys.stdout.write("ready\n")
                sys.stdout.flush()
            code = server.wait()
            if is_asked.is_set():
                break
    if is_asked.is_set():
        shutil.rmtree(sockets, ignore_errors=True)  # whoever made the folder may have been killed
    return code


def _initialize(binaries: Path, data: Path, log: IO[bytes]) -> None:
    """Make the folder of the data, unless it is there; an interrupted attempt leaves none."""
    if (data / "PG_VERSION").exists():
        return
    begun = data.with_name(f"{data.name}.new")
    shutil.rmtree(begun, ignore_errors=True)
    options = ["--auth-local=trust", "--auth-host=reject", "--no-sync", "--locale=C", "-E", "UTF8", "--no-instructions"]
    command = [str(binaries / "initdb"), "-D", str(begun), "-U", SUPERUSER, *options]
    subprocess.run(command, check=True, stdout=log, stderr=log)  # noqa: S603 - a program of the package
    begun.rename(data)


def _start(
    binaries: Path, data: Path, sockets: Path, log: IO[bytes], is_asked: threading.Event
) -> subprocess.Popen[bytes] | None:
    settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    command = [str(binaries / "postgres"), "-D", str(data), "-k", str(sockets), *settings]
    for _ in range(TRIES):
        if is_asked.is_set():
            return None
        server = subprocess.Popen(  # noqa: S603 - likewise
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - the one other thread reads, and holds no lock
        )
        if _await_ready(server, data):
            return server
        time.sleep(PAUSE_SECONDS * 5)
    return None


def _await_ready(server: subprocess.Popen[bytes], data: Path) -> bool:
    """Wait until the last line of its file says so."""
    deadline = time.monotonic() + READY_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            lines = (data / "postmaster.pid").read_text().split()
            if lines[:1] == [str(server.pid)] and lines[-1] == "ready":
                return True
        time.sleep(PAUSE_SECONDS)
    server.kill()
    server.wait()
    return False


def _stop_at_end_of_input(running: list[subprocess.Popen[bytes]], is_asked: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    is_asked.set()
    for server in running:
        _stop(server)


def _stop(server: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):  # fast, at once, and whatever happens
        server.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(STOP_SECONDS)
            return


def _die_with_parent() -> None:
    """Let nobody outlive this program, even if it is killed; on Linux alone is there a way to say so."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def _give(folder: Path, user: int, group: int) -> None:
    os.chown(folder, user, group)
    for path in folder.rglob("*"):
        os.chown(path, user, group, follow_symlinks=False)


def _become(user: int, group: int) -> None:
    """Be another user from now on, who may still go through the folders of root."""
    keeps = sys.platform == "linux" and ctypes.CDLL(None).prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0
    if keeps:
        ctypes.CDLL(None).prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS, 0, 0, 0)
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
    if keeps:
        _keep_one_capability()


def _keep_one_capability() -> None:
    """Keep one right of root's and hand it on to the programs started; without it, open folders still work.

    https://man7.org/linux/man-pages/man7/capabilities.7.html
    """
    bit = 1 << CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)  # effective, permitted, inheritable; then the upper halves
    system = ctypes.CDLL(None)
    if system.capset(header, sets) != 0:
        none = (ctypes.c_uint32 * 6)()
        if system.capset(header, none) != 0:
            raise PermissionError("the rights of root cannot be given up")
    else:
        system.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
