"""Gaps of the base in provisioned concurrency; see `test_gaps`."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

from tests.local.runtime.deployed import BUCKET, App
from tests.local.runtime.event_handlers import att, ref, until
from tests.local.runtime.template import function

_numbers = itertools.count()

CODE = """
const loaded = Date.now();
exports.handler = async ({ asked }) => [loaded < asked, process.env.AWS_LAMBDA_INITIALIZATION_TYPE];
"""


def deployed(app: App) -> dict[str, str]:
    key = app.aws.upload({"provisioned": {"index.js": CODE}})["provisioned"]
    resources = {
        **function("Ready", key, BUCKET, []),
        "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": ref("Ready")}},
        "Live": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "FunctionName": ref("Ready"),
                "FunctionVersion": att("Version", "Version"),
                "Name": "live",
                "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 1},
            },
        },
    }
    outputs = {name: {"Value": ref(name)} for name in ("Ready", "ReadyLogs")}
    return app.aws.deploy(f"Provisioned{next(_numbers)}", {"Resources": resources, "Outputs": outputs})


def answered(app: App, name: str) -> Any:
    """Whether the handler was loaded before this call, and how."""
    asked = int(time.time() * 1000)
    answer = app.aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps({"asked": asked}))
    return json.loads(answer["Payload"].read())


class TestProvisionedConcurrency:
    def test_has_loaded_the_handler_before_the_first_call_of_the_alias(self, stock: App, mended: App) -> None:
        assert answered(stock, f"{deployed(stock)['Ready']}:live")[0] is False
        made = deployed(mended)
        assert until(lambda: any("provisioned-concurrency" in each for each in mended.aws.messages(made["ReadyLogs"])))
        assert answered(mended, f"{made['Ready']}:live") == [True, "provisioned-concurrency"]
        assert answered(mended, made["Ready"]) == [False, "on-demand"]
