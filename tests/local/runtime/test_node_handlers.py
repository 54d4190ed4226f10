"""What a Node handler does, and what its caller and its log see of it."""

from __future__ import annotations

import pytest

from tests.local.runtime.functions import Runner, function

MODULE = "index.mjs"


class TestAnswers:
    def test_returns_what_an_async_handler_returns(self, runner: Runner) -> None:
        outcome = runner.run("exports.handler = async (event) => ({ got: event })", {"a": [1, None, "ü\U0001f600"]})
        assert outcome.payload == {"got": {"a": [1, None, "ü\U0001f600"]}}
        assert not outcome.is_error

    def test_returns_null_when_the_handler_returns_nothing(self, runner: Runner) -> None:
        assert runner.run("exports.handler = async () => {}").payload is None

    def test_runs_a_module_with_top_level_await(self, runner: Runner) -> None:
        code = """
            const later = await new Promise((resolve) => setTimeout(() => resolve("later"), 20));
            export const handler = async () => later;
        """
        assert runner.run(code, name=MODULE).payload == "later"

    def test_runs_a_module_by_the_type_of_its_package(self, runner: Runner) -> None:
        made = function(
            {"index.js": "export const handler = async () => 'module'", "package.json": '{"type": "module"}'}, "typed"
        )
        assert runner.invoke(made).payload == "module"

    def test_finds_a_handler_in_a_folder(self, runner: Runner) -> None:
        made = function(
            {"src/api/users.js": "exports.list = async () => 'found'"}, "nested", Handler="src/api/users.list"
        )
        assert runner.invoke(made).payload == "found"

    def test_waits_for_a_callback(self, runner: Runner) -> None:
        code = "exports.handler = (event, context, callback) => { setTimeout(() => callback(null, 'called'), 20) }"
        assert runner.run(code).payload == "called"

    def test_waits_for_the_event_loop_after_a_callback(self, runner: Runner) -> None:
        code = """exports.handler = (event, context, callback) => {
            setTimeout(() => console.log("still done"), 50); callback(null, 1) }"""
        assert any("still done" in line for line in runner.log(runner.run(code)))

    def test_does_not_wait_for_the_event_loop_when_told_so(self, runner: Runner) -> None:
        code = """exports.handler = (event, context, callback) => {
            context.callbackWaitsForEmptyEventLoop = false;
            setTimeout(() => console.log("too late"), 1000); callback(null, 1) }"""
        assert not any("too late" in line for line in runner.log(runner.run(code)))

    def test_refuses_a_callback_from_node_24_on(self, runner: Runner) -> None:
        outcome = runner.run("exports.handler = (event, context, callback) => callback(null, 1)", Runtime="nodejs24.x")
        assert outcome.payload["errorType"] == "Runtime.CallbackHandlerDeprecated"

    @pytest.mark.parametrize(
        ("way", "payload", "is_error"),
        [
            ("context.succeed('done')", "done", False),
            ("context.done(null, 'done')", "done", False),
            ("context.done(new RangeError('bad'))", "RangeError", True),
            ("context.fail(new RangeError('bad'))", "RangeError", True),
        ],
    )
    def test_ends_at_once_in_the_ways_of_old(self, runner: Runner, way: str, payload: str, is_error: bool) -> None:
        code = f"exports.handler = (event, context) => {{ setTimeout(() => console.log('late'), 5000); {way} }}"
        outcome = runner.run(code)
        told = outcome.payload["errorType"] if is_error else outcome.payload
        assert (told, outcome.is_error, "late" in outcome.log) == (payload, is_error, False)

    def test_describes_the_invocation(self, runner: Runner) -> None:
        code = """exports.handler = async (event, context) => [
            context.functionName, context.memoryLimitInMB, context.awsRequestId, context.invokedFunctionArn,
            context.logGroupName, context.getRemainingTimeInMillis() > 19000, process.env._X_AMZN_TRACE_ID]"""
        made = function({"index.js": code}, "described", MemorySize=256)
        payload = runner.invoke(made).payload
        arn = "arn:aws:lambda:us-east-1:000000000000:function:described"
        group = "/aws/lambda/described"
        assert payload == ["described", "256", f"request-{runner.count}", arn, group, True, "Root=1-2-3;Sampled=1"]

    def test_takes_an_event_and_returns_an_answer_of_almost_six_megabytes(self, runner: Runner) -> None:
        large = "x" * 6_000_000
        assert runner.run("exports.handler = async (event) => event", large).payload == large

    def test_refuses_a_larger_answer(self, runner: Runner) -> None:
        outcome = runner.run("exports.handler = async () => 'x'.repeat(7e6)")
        assert outcome.payload["errorType"] == "Function.ResponseSizeTooLarge"


class TestFailures:
    @pytest.mark.parametrize(
        ("code", "error_type", "message"),
        [
            ("exports.handler = async () => { throw new TypeError('bad') }", "TypeError", "bad"),
            ("exports.handler = async () => { throw 'a text' }", "string", "a text"),
            ("exports.handler = () => { throw new RangeError('at once') }", "RangeError", "at once"),
            (
                "class NoUser extends Error { name = 'NoUser' }; exports.handler = () => { throw new NoUser('x') }",
                "NoUser",
                "x",
            ),
            (
                "exports.handler = async () => { const a = {}; a.a = a; return a }",
                "Error",
                "Unable to stringify response body",
            ),
            (
                "exports.handler = (e, c, callback) => callback(new Error('passed'))",
                "Error",
                "passed",
            ),
            (
                "exports.handler = () => { Promise.reject(Error('lost')); return new Promise(() => {}) }",
                "Runtime.UnhandledPromiseRejection",
                "Error: lost",
            ),
            (
                "exports.handler = (e, c, callback) => { setTimeout(() => { throw new Error('late') }, 5) }",
                "Error",
                "late",
            ),
            (
                "exports.handler = async () => new Promise(() => {})",
                "Runtime.NodeJsExit",
                "the promise of the handler was never settled, and nothing is left to run",
            ),
            ("exports.handler = async (", "Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected end of input"),
            ("exports.other = 1", "Runtime.HandlerNotFound", "index.handler is undefined or not exported"),
            ("exports.handler = 7", "Runtime.HandlerNotFound", "index.handler is not a function"),
            ("throw new Error('while loading')", "Error", "while loading"),
        ],
    )
    def test_keeps_the_type_and_the_message_of_an_error(
        self, runner: Runner, code: str, error_type: str, message: str
    ) -> None:
        outcome = runner.run(code)
        assert outcome.is_error
        assert (outcome.payload["errorType"], outcome.payload["errorMessage"]) == (error_type, message)

    def test_names_a_module_that_is_missing(self, runner: Runner) -> None:
        outcome = runner.run("require('left-out'); exports.handler = 1")
        assert outcome.payload["errorType"] == "Runtime.ImportModuleError"
        assert "Cannot find module 'left-out'" in outcome.payload["errorMessage"]

    def test_names_a_file_that_is_missing(self, runner: Runner) -> None:
        outcome = runner.run("exports.handler = 1", Handler="other.handler")
        assert outcome.payload["errorMessage"] == "Error: Cannot find module 'other'"

    @pytest.mark.parametrize(
        ("code", "ending"),
        [
            ("process.exit(3)", "Runtime exited with error: exit status 3"),
            ("process.exit(0)", "Runtime exited without providing a reason"),
            ("process.kill(process.pid, 'SIGKILL')", "Runtime exited with error: signal: killed"),
        ],
    )
    def test_says_how_the_process_ended(self, runner: Runner, code: str, ending: str) -> None:
        outcome = runner.run(f"exports.handler = async (again) => {{ if (again) return 'well'; {code}; await null }}")
        assert outcome.payload == {
            "errorType": "Runtime.ExitError",
            "errorMessage": f"RequestId: request-{runner.count} Error: {ending}",
        }
        report = next(line for line in runner.log(outcome) if line.startswith("REPORT"))
        assert "\tStatus: error\tError Type: Runtime.ExitError" in report

    def test_serves_the_next_call_after_the_process_ended(self, runner: Runner) -> None:
        made = function({"index.js": "exports.handler = async (end) => end ? process.exit(1) : 'well'"}, "ends")
        assert runner.invoke(made, True).is_error
        assert runner.invoke(made, False).payload == "well"

    def test_ends_a_function_that_outgrows_its_memory(self, runner: Runner) -> None:
        code = "exports.handler = () => { const kept = []; for (;;) kept.push(new Array(1e5).fill(Math.random())) }"
        outcome = runner.run(code, MemorySize=128)
        assert outcome.payload["errorType"] == "Runtime.ExitError"
        assert "signal: " in outcome.payload["errorMessage"]

    def test_ends_a_function_at_its_timeout_to_the_millisecond(self, runner: Runner) -> None:
        made = function(
            {"index.js": "exports.handler = async (wait) => { while (wait) {} return 'fast' }"}, "slow", Timeout=1
        )
        assert runner.invoke(made, False).payload == "fast"
        outcome = runner.invoke(made, True)
        assert outcome.payload == {
            "errorType": "Sandbox.Timedout",
            "errorMessage": f"RequestId: request-{runner.count} Error: Task timed out after 1.00 seconds",
        }
        report = next(line for line in runner.log(outcome) if line.startswith("REPORT"))
        assert "\tDuration: 1000.00 ms\tBilled Duration: 1000 ms\t" in report
        assert report.rstrip().endswith("Status: timeout")
        assert any(line.endswith("Task timed out after 1.00 seconds") for line in runner.log(outcome))
