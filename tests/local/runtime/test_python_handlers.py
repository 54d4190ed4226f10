"""What a Python handler does, and what its caller and its log see of it."""

from __future__ import annotations

import json

import pytest

from tests.local.runtime.functions import Runner, function

PYTHON = "index.py"


class TestAnswers:
    def test_returns_what_the_handler_returns(self, runner: Runner) -> None:
        outcome = runner.run("def handler(event, context): return {'got': event}", {"a": "ü\U0001f600"}, name=PYTHON)
        assert outcome.payload == {"got": {"a": "ü\U0001f600"}}

    def test_describes_the_invocation(self, runner: Runner) -> None:
        code = """
def handler(event, context):
    return [context.function_name, context.memory_limit_in_mb, context.aws_request_id,
            context.get_remaining_time_in_millis() > 19000, context.log_group_name]
"""
        made = function({PYTHON: code}, "described-python")
        expected = ["described-python", "512", f"request-{runner.count + 1}", True, "/aws/lambda/described-python"]
        assert runner.invoke(made).payload == expected

    def test_sees_its_bundle_and_what_lambda_provides_and_nothing_else(self, runner: Runner) -> None:
        code = """
import importlib, sys
def handler(names, context):
    found = []
    for name in names:
        try: found.append(importlib.import_module(name).__name__)
        except ImportError: pass
    return found
"""
        wanted = ["boto3", "botocore", "dateutil", "json", "beside", "pytest", "ministack", "aws_cdk", "constructs_lib"]
        made = function({PYTHON: code, "beside.py": ""}, "isolated")
        assert runner.invoke(made, wanted).payload == ["boto3", "botocore", "dateutil", "json", "beside"]

    def test_prefers_its_own_copy_of_what_lambda_provides(self, runner: Runner) -> None:
        made = function(
            {PYTHON: "import six\ndef handler(e, c): return six.OWN", "six.py": "OWN = 'bundled'"}, "shadows"
        )
        assert runner.invoke(made).payload == "bundled"

    def test_renders_decimals_as_numbers(self, runner: Runner) -> None:
        code = "from decimal import Decimal\ndef handler(e, c): return {'price': Decimal('1.5')}"
        assert runner.run(code, name=PYTHON).payload == {"price": 1.5}


class TestFailures:
    @pytest.mark.parametrize(
        ("code", "error_type", "message"),
        [
            ("def handler(e, c): raise ValueError('bad')", "ValueError", "bad"),
            ("def handler(e, c): return {1, 2}", "Runtime.MarshalError", "Object of type set is not JSON serializable"),
            (
                "import left_out",
                "Runtime.ImportModuleError",
                "Unable to import module 'index': No module named 'left_out'",
            ),
            ("def handler(", "Runtime.UserCodeSyntaxError", "Syntax error in module 'index'"),
            ("other = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'index'"),
            ("1 / 0", "ZeroDivisionError", "division by zero"),
        ],
    )
    def test_keeps_the_type_and_the_message_of_an_error(
        self, runner: Runner, code: str, error_type: str, message: str
    ) -> None:
        outcome = runner.run(code, name=PYTHON)
        assert outcome.is_error
        assert outcome.payload["errorType"] == error_type
        assert message in outcome.payload["errorMessage"]

    def test_says_how_the_process_ended(self, runner: Runner) -> None:
        outcome = runner.run("import sys\ndef handler(e, c): sys.exit(4)", name=PYTHON)
        assert outcome.payload["errorMessage"].endswith("Runtime exited with error: exit status 4")

    def test_ends_a_function_that_outgrows_its_memory(self, runner: Runner) -> None:
        code = "import time\ndef handler(e, c):\n    kept = bytearray(400_000_000)\n    time.sleep(9)"
        outcome = runner.run(code, name=PYTHON, MemorySize=128)
        assert outcome.payload["errorMessage"].endswith("Runtime exited with error: signal: killed")
        assert "Error Type: Runtime.OutOfMemory" in outcome.log

    def test_names_a_malformed_handler(self, runner: Runner) -> None:
        outcome = runner.run("def handler(e, c): pass", name=PYTHON, Handler="handler")
        assert outcome.payload["errorType"] == "Runtime.MalformedHandlerName"


class TestLog:
    def test_writes_records_of_the_logging_module_in_text(self, runner: Runner) -> None:
        code = "import logging\ndef handler(e, c): logging.getLogger('mine').warning('two\\nlines')"
        outcome = runner.run(code, name=PYTHON)
        assert f"Z\trequest-{runner.count}\ttwo\nlines" in outcome.log
        assert "[WARNING]\t" in outcome.log

    def test_writes_records_of_the_logging_module_in_json(self, runner: Runner) -> None:
        code = "import logging\ndef handler(e, c): logging.getLogger('mine').info('told')"
        outcome = runner.run(code, name=PYTHON, LoggingConfig={"LogFormat": "JSON"})
        told = [json.loads(line) for line in runner.log(outcome)]
        record = next(each for each in told if each.get("message") == "told")
        assert (record["level"], record["logger"], record["requestId"]) == ("INFO", "mine", f"request-{runner.count}")

    def test_writes_an_error_as_one_event(self, runner: Runner) -> None:
        made = function({PYTHON: "def handler(e, c):\n    raise ValueError('bad')"}, "failing-python")
        runner.invoke(made)
        events = runner.stored.events["/aws/lambda/failing-python"]
        told = next(each for each in events if each.startswith("[ERROR] ValueError: bad"))
        assert "Traceback (most recent call last):" in told
        assert "raise ValueError('bad')" in told
