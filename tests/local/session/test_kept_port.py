"""URLs in the outputs of a stack hold the port of the AWS API; they stay true from run to run."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from constructs_lib.local import LocalAws
from constructs_lib.local.emulator import Emulator, Settings
from tests.local.session.example_app import ExampleApp, function, http_api, route

if TYPE_CHECKING:
    from pathlib import Path

HELLO = "def handler(event, context): return {'statusCode': 200, 'body': 'hello'}"


def test_the_address_of_an_api_answers_in_the_next_run_too(tmp_path: Path) -> None:
    app = ExampleApp(tmp_path / "cdk.out")
    resources = http_api("Shop") | function(app.code(HELLO), "index.handler", statement=None, path="Shop/Hello")
    outputs = {"Url": {"Value": {"Fn::GetAtt": ["Api", "ApiEndpoint"]}}}
    app.add_stack("Shop", {"Resources": {**resources, **route("GET /hello", "ShopHello")}, "Outputs": outputs})
    addresses = []
    for _ in range(2):
        with LocalAws.from_assembly(app.folder, state=tmp_path / "state") as aws:
            address = urlsplit(aws.outputs["Shop"]["Url"])
            addresses.append(address)
            assert aws.endpoint == f"http://127.0.0.1:{address.port}"
            assert aws.call("GET", "/hello", headers={"host": address.netloc}).text == "hello"
    assert addresses[0] == addresses[1]


@pytest.mark.parametrize("remembered", ["taken", "no number", "99999999", ""])
def test_another_port_is_taken_when_the_one_before_cannot_be_had(tmp_path: Path, remembered: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "aws-port").write_text(str(port) if remembered == "taken" else remembered)
        with Emulator.start(Settings(state=tmp_path)) as emulator:
            used = urlsplit(emulator.endpoint).port
            assert emulator.lost_port == {"taken": port, "99999999": 99999999}.get(remembered, 0)
    assert used != port
    assert (tmp_path / "aws-port").read_text() == f"{used}\n"
