"""Functions that leave the AWS SDK to Lambda's runtime, as NodejsFunction of the CDK does, find it here, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.local.emulator import Emulator, Settings
from tests.fidelity.outside import NODE, Outside
from tests.fidelity.test_lambda import logged, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CALLS = "new SQSClient({}).config.serviceId"
REQUIRES = f"const {{ SQSClient }} = require('@aws-sdk/client-sqs'); exports.handler = async () => {CALLS};"
IMPORTS = f"import {{ SQSClient }} from '@aws-sdk/client-sqs'; export const handler = async () => {CALLS};"


@pytest.fixture(scope="module")
def aws() -> Iterator[Outside]:
    """Started in this repository, whose node_modules have the SDK."""
    with Emulator.start(Settings()) as emulator:
        yield Outside(emulator.endpoint)


@pytest.mark.parametrize(("file", "code"), [("index.js", REQUIRES), ("index.mjs", IMPORTS)])
def test_the_sdk_is_there_though_nobody_bundled_it(aws: Outside, file: str, code: str) -> None:
    assert run(aws, aws.function(code, **NODE, File=file))[0] == "SQS"


@pytest.mark.parametrize("code", ["require('zod')", "require('esbuild')"])
def test_what_else_the_app_has_installed_is_not_there(aws: Outside, code: str) -> None:
    error, _ = run(aws, aws.function(f"exports.handler = async () => 1; {code};", **NODE))
    assert error["errorType"] == "Runtime.ImportModuleError"


def test_a_function_sees_no_variable_of_ours(aws: Outside) -> None:
    assert "AWS_SDK_FOLDERS" not in run(aws, aws.function("exports.handler = async () => process.env;", **NODE))[0]


def test_the_log_says_how_to_have_it_when_it_is_not_installed(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with Emulator.start(Settings()) as emulator:
        aws = Outside(emulator.endpoint)
        name = aws.function(REQUIRES, **NODE)
        assert run(aws, name)[0]["errorType"] == "Runtime.ImportModuleError"
        assert any("npm install --save-dev @aws-sdk/client-sqs" in line for line in logged(aws, name))
