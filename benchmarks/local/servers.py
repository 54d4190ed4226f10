"""What is measured: the local run, serverless-offline, and Node that calls the handler itself."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_

from benchmarks.local.load import BODY, WANTED

if TYPE_CHECKING:
    from collections.abc import Iterator

HANDLER = """exports.hello = async (event) => ({
  statusCode: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ message: `Hello, ${JSON.parse(event.body).name}!` }),
})
"""
NODE_SERVER = """const { hello } = require('./handler.js')
require('node:http').createServer(async (request, response) => {
  const parts = []
  for await (const part of request) parts.push(part)
  const { statusCode, headers, body } = await hello({ body: Buffer.concat(parts).toString() })
  response.writeHead(statusCode, headers).end(body)
}).listen(Number(process.argv[2]), '127.0.0.1')
"""
PEER = """service: peer
frameworkVersion: '3'
provider: {{ name: aws, runtime: nodejs20.x }}
plugins: [serverless-offline]
functions:
  hello: {{ handler: handler.hello, events: [ {{ httpApi: 'POST /greet' }} ] }}
custom:
  serverless-offline: {{ httpPort: {port}, lambdaPort: {other}, host: 127.0.0.1, noPrependStageInUrl: true }}
"""
PEER_PACKAGES = ("serverless@3.40.0", "serverless-offline@13.9.0")
PATIENCE_SECONDS = 60.0


@dataclass
class Server:
    """A running server.

    Args:
        name: What it is called in the table.
        url: Where the handler answers.
        seconds: From its start to its first answer.
        pid: Its process; it leads a session of its own.
    """

    name: str
    url: str
    seconds: float
    pid: int

    def memory_mib(self) -> float:
        """What its processes hold together, as the system counts their own share (PSS)."""
        every = {int(each.name): each for each in Path("/proc").iterdir() if each.name.isdigit()}
        mine = {self.pid}
        for _ in range(len(every)):
            more = {pid for pid in every if _parent(pid) in mine} - mine
            if not more:
                break
            mine |= more
        return sum(_pss_kib(pid) for pid in mine) / 1024


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _pss_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


@contextlib.contextmanager
def local_run(work: Path) -> Iterator[Server]:
    """The local run of a plain CDK app, IAM enforced."""
    out, port = work / "cdk.out", _free_port()
    app = cdk.App(outdir=str(out))
    stack = cdk.Stack(app, "Peer")
    function = lambda_.Function(
        stack,
        "Hello",
        runtime=lambda_.Runtime.NODEJS_22_X,
        handler="index.hello",
        code=lambda_.Code.from_inline(HANDLER),
    )
    api = apigateway.HttpApi(stack, "Api")
    api.add_routes(
        path="/greet",
        methods=[apigateway.HttpMethod.POST],
        integration=integrations.HttpLambdaIntegration("Hello", function),
    )
    app.synth()
    command = [sys.executable, "-m", "constructs_lib.cli", "local", str(out), "--no-state", "--port", str(port)]
    with _running("local run, IAM enforced", command, work, f"http://127.0.0.1:{port}/greet") as server:
        yield server


@contextlib.contextmanager
def serverless_offline(work: Path, cache: Path) -> Iterator[Server]:
    """serverless-offline on the Node of this environment; its packages are installed into a cache of their own."""
    if not (cache / "node_modules" / "serverless-offline").exists():
        cache.mkdir(parents=True, exist_ok=True)
        (cache / "package.json").write_text('{"private": true}\n')
        subprocess.run(
            ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", *PEER_PACKAGES],
            cwd=cache,
            check=True,
        )
    folder, port = work / "peer", _free_port()
    folder.mkdir()
    (folder / "handler.js").write_text(HANDLER)
    (folder / "serverless.yml").write_text(PEER.format(port=port, other=_free_port()))
    (folder / "node_modules").symlink_to(cache.resolve() / "node_modules")
    command = ["node", str(folder / "node_modules" / "serverless" / "bin" / "serverless.js"), "offline", "start"]
    with _running("serverless-offline", command, folder, f"http://127.0.0.1:{port}/greet") as server:
        yield server


@contextlib.contextmanager
def plain_node(work: Path) -> Iterator[Server]:
    """Node's own HTTP server, calling the handler: no API Gateway, no Lambda, no IAM."""
    folder, port = work / "node", _free_port()
    folder.mkdir()
    (folder / "handler.js").write_text(HANDLER)
    (folder / "server.js").write_text(NODE_SERVER)
    command = ["node", "server.js", str(port)]
    with _running("node alone", command, folder, f"http://127.0.0.1:{port}/greet") as server:
        yield server


@contextlib.contextmanager
def _running(name: str, command: list[str], folder: Path, url: str) -> Iterator[Server]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(Path.cwd()),
        "SLS_TELEMETRY_DISABLED": "1",
        "SLS_NOTIFICATIONS_MODE": "off",
    }
    began = time.perf_counter()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        while not _answers(url):
            if process.poll() is not None or time.perf_counter() - began > PATIENCE_SECONDS:
                raise AssertionError((folder / "log").read_text())
            time.sleep(0.01)
        yield Server(name, url, time.perf_counter() - began, process.pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    try:
        connection.request("POST", parts.path, BODY, {"content-type": "application/json"})
        return WANTED in connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
