"""The examples in the docstrings of the constructs, executed."""

from __future__ import annotations

import doctest
import importlib
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs

import constructs_lib
from constructs_lib import Iam, QueueWorker, SecureApi, SecureFunction

NAMES = [
    "Canary",
    "Defaults",
    "DynamoTable",
    "EventBus",
    "KeptVersions",
    "Provisioned",
    "QueueWorker",
    "RelationalDatabase",
    "Schedule",
    "ParameterPath",
    "SecretField",
    "SecretRotation",
    "SecureApi",
    "SecureApiFunction",
    "SecureFunction",
    "StreamWorker",
    "Topic",
    "UploadBucket",
]


def examples_of(name: str, known: dict[str, Any]) -> doctest.DocTest:
    construct = getattr(constructs_lib, name)
    module = importlib.import_module(construct.__module__)
    [found] = [
        each for each in doctest.DocTestFinder(recurse=False).find(construct, name, module, known) if each.examples
    ]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_a_construct_is_true(app: cdk.App, stack: cdk.Stack, name: str) -> None:
    entry = "lambda_src/greeting/greet.ts"
    known = {
        **{each: getattr(constructs_lib, each) for each in constructs_lib.__all__},
        "dynamodb": dynamodb,
        "logs": logs,
        "scope": cdk.Stage(app, "prod"),
        "cdk": cdk,
        "stack": stack,
        "secret": secretsmanager.Secret(stack, "GivenSecret"),
        "api": SecureApi(stack, "GivenApi", auth=Iam()),
        "queue": sqs.Queue(stack, "GivenQueue"),
        "greet": SecureFunction(stack, "GivenGreet", entry=entry),
        "worker": QueueWorker(stack, "GivenWorker", entry=entry),
    }
    results = doctest.DocTestRunner(verbose=False).run(examples_of(name, known))
    assert results.attempted > 0
    assert results.failed == 0
