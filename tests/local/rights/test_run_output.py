"""What a run on the command line says of rights and of work left unfinished."""

from __future__ import annotations

import json
import signal
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.cli.local_process import LocalProcess
from tests.local.session.example_app import ExampleApp, function, http_api, route

if TYPE_CHECKING:
    from pathlib import Path

CODE = """
import threading, time
import boto3

def handler(event, context):
    if event.get("rawPath") == "/tables":
        boto3.client("dynamodb").list_tables()
    else:
        threading.Thread(target=time.sleep, args=(5,), name="writer").start()
    return {"statusCode": 200}
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    example = ExampleApp(tmp_path / "cdk.out")
    resources = {
        **http_api("shop"),
        **function(example.code(CODE), "index.handler", statement=None, path="Shop/Sell"),
        **route("GET /tables", "ShopSell"),
        "Default": {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "RouteKey": "GET /threads",
                "Target": {"Fn::Join": ["", ["integrations/", {"Ref": "ShopSellIntegration"}]]},
            },
        },
    }
    example.add_stack("Shop", {"Resources": resources})
    return tmp_path


def get(url: str) -> int:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return int(answer.status)


def test_says_once_what_passed_and_what_was_left_behind_and_the_rest_at_the_end(app: Path) -> None:
    with LocalProcess(app, "cdk.out", "--iam", "warn", "--port", "0") as run:
        url = run.ready()
        for _ in range(2):
            assert get(f"{url}/tables") == 200
        assert (
            run.line_with("ListTables on")
            == "dynamodb:ListTables on * is denied on AWS, and passed here: --iam is warn"
        )
        assert run.line_with("  at:") == "  at:  Shop/Sell"
        statement = json.dumps({"Effect": "Allow", "Action": "dynamodb:ListTables", "Resource": "*"})
        assert run.line_with("  fix:") == f"  fix: allow it in the role of Shop/Sell: {statement}"
        for _ in range(2):
            assert get(f"{url}/threads") == 200
        run.line_with("the thread writer was not finished when the handler returned")
        assert run.line_with("  at:") == "  at:  index.py:9 (Shop/Sell)"
        assert run.line_with("  fix:").startswith("  fix: join it before the handler returns")
        run.signal(signal.SIGINT)
        assert run.line_with(" never used, ").endswith("0 permissions used, 0 never used, 1 denied")
        assert run.line_with("  denied  ") == "  denied      Shop/Sell  dynamodb:ListTables on *  (2 times)"
        assert run.end() == (0, "")
        assert sum("not finished when" in line or "is denied on AWS" in line for line in run.lines) == 2


def test_says_nothing_of_rights_when_nothing_ran(app: Path) -> None:
    with LocalProcess(app, "cdk.out", "--port", "0", "--no-state") as run:
        run.ready()
        run.signal(signal.SIGINT)
        run.line_with("stopping")
        with pytest.raises(AssertionError, match="ended before 'never used'"):
            run.line_with("never used")
