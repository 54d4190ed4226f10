"""One mended and one stock AWS for the whole session, with the same stack deployed to both, and one executor."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local.emulator import Emulator, Settings
from constructs_lib.local.executor.executor import Executor, Surroundings
from tests.local.runtime import handlers
from tests.local.runtime.apis import Apis
from tests.local.runtime.deployed import BUCKET, App, Deployed
from tests.local.runtime.functions import Runner, Stored
from tests.local.runtime.template import template
from tests.local.runtime.workflow_bench import Bench, set_up

CODE = {
    "create": {"index.js": handlers.CREATE},
    "read": {"index.py": handlers.READ},
    "echo": {"index.js": handlers.ECHO},
}


def deploy_app(aws: Deployed) -> App:
    keys = aws.upload(CODE)
    return App(aws, aws.deploy("App", template(BUCKET, keys)))


@pytest.fixture(scope="session")
def log_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs") / "functions.jsonl"


@pytest.fixture(scope="session")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journal") / "journal.jsonl"


@pytest.fixture(scope="session")
def mended(log_file: Path, journal: Path) -> Iterator[App]:
    with Emulator.start(Settings(log_file=log_file, journal=journal)) as emulator:
        yield deploy_app(Deployed(emulator.endpoint))


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The base as its authors ship it."""
    work = tmp_path_factory.mktemp("stock")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with (work / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "hypercorn", "ministack.app:app", "--bind", f"fd://{listener.fileno()}"],
                env={
                    "PATH": os.environ["PATH"],
                    "AUTH": "true",
                    "GATEWAY_PORT": str(port),
                    "HOME": str(work),
                    "TMPDIR": str(work),
                    "STATE_DIR": str(work),
                    "S3_DATA_DIR": str(work),
                    "IOT_MTLS_ENABLED": "0",
                    "SFTP_ENABLED": "0",
                    "A_SECRET_OF_THE_SERVER": "leaked",
                },
                cwd=work,
                stdout=log,
                stderr=log,
                pass_fds=[listener.fileno()],
            )
    try:
        yield deploy_app(Deployed(f"http://127.0.0.1:{port}"))
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def apis_template(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the CDK makes of the stack of REST and HTTP APIs."""
    from tests.local.runtime import api_stack  # noqa: PLC0415 - tests that need no CDK must not pay for it

    return api_stack.template(tmp_path_factory.mktemp("apis"))


@pytest.fixture(scope="session")
def apis(mended: App, apis_template: dict[str, Any]) -> Apis:
    return Apis(mended.aws, mended.aws.deploy("Apis", apis_template))


@pytest.fixture(scope="session")
def stock_apis(stock: App, apis_template: dict[str, Any]) -> Apis:
    return Apis(stock.aws, stock.aws.deploy("Apis", apis_template))


@pytest.fixture(scope="session")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """An executor without any AWS around it."""
    stored = Stored()
    executor = Executor(
        Surroundings(
            work=tmp_path_factory.mktemp("executor"),
            endpoint="http://127.0.0.1:1",
            log_file=None,
            store=stored,
            credentials=lambda function: {"AWS_ACCESS_KEY_ID": f"key of {function.role}"},
        )
    )
    yield Runner(executor, stored)
    executor.close()


@pytest.fixture(scope="session")
def stock_bench(stock: App) -> Bench:
    return set_up(stock)


@pytest.fixture(scope="session")
def bench(mended: App) -> Bench:
    return set_up(mended)
