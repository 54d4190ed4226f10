"""Functions of small CDK apps, and what became of them at synth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_

from constructs_lib.bundling.code import BundledCode

NODE_24, PYTHON_14 = lambda_.Runtime.NODEJS_24_X, lambda_.Runtime.PYTHON_3_14
ARM64 = lambda_.Architecture.ARM_64
PRICE, STOCK, PLACE = "handlers/price.ts", "handlers/stock.ts", "functions/orders/place.py"


def app_in(name: str = "cdk.out", /, **context: Any) -> cdk.App:
    return cdk.App(outdir=str(Path.cwd() / name), analytics_reporting=False, context=context)


def code_of(entry: str, **settings: Any) -> BundledCode:
    runtime = PYTHON_14 if entry.endswith(".py") else NODE_24
    return BundledCode(entry, **{"runtime": runtime, "architecture": ARM64, **settings})


def function_in(scope: Any, name: str, entry: str, **settings: Any) -> lambda_.Function:
    code = code_of(entry, **settings)
    runtime = PYTHON_14 if entry.endswith(".py") else NODE_24
    return lambda_.Function(scope, name, code=code, handler=code.handler, runtime=runtime, architecture=ARM64)


def json_of(path: str) -> Any:
    return json.loads(Path(path).read_bytes())


def keys_of(template: Any) -> list[str]:
    """Return the object keys of the functions of a template, in the order of their ids."""
    return [
        resource["Properties"]["Code"]["S3Key"]
        for _, resource in sorted(template["Resources"].items())
        if resource["Type"] == "AWS::Lambda::Function"
    ]
