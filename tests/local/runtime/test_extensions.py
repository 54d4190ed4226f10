"""Layers, and the extensions they bring.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
"""

from __future__ import annotations

import dataclasses
import textwrap
from pathlib import Path

from constructs_lib.local.executor.executor import Executor
from tests.local.runtime.custom import custom, layered, runtime
from tests.local.runtime.functions import Runner, function
from tests.local.runtime.processes import are_gone

CLIENT = """
import http.client, json, os, sys, time

def call(method, path, body=None, headers={}):
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection.request(method, "/2020-01-01/extension" + path, body, headers)
    answer = connection.getresponse()
    return answer.status, dict(answer.headers), answer.read()

def register(name, *events):
    told = call("POST", "/register", json.dumps({"events": events}), {"Lambda-Extension-Name": name})
    return told, {"Lambda-Extension-Identifier": told[1].get("Lambda-Extension-Identifier", "")}

def following(me):
    return json.loads(call("GET", "/event/next", headers=me)[2])
"""
ECHO = "exports.handler = async (event) => event"


def external(code: str) -> str:
    """A program of `/opt/extensions`."""
    return f"#!/usr/bin/env python3\n{CLIENT}\nNAME = os.path.basename(sys.argv[0])\n{textwrap.dedent(code)}"


FOLLOWS = external("""
    told, me = register(NAME, "INVOKE", "SHUTDOWN")
    print("registered", told[0], told[2].decode(), flush=True)
    while True:
        event = following(me)
        print("heard", json.dumps(event), flush=True)
        if event["eventType"] == "SHUTDOWN":
            break
""")


class TestLayers:
    def test_puts_a_later_layer_over_an_earlier_one(self, runner: Runner) -> None:
        code = "exports.handler = async () => [require('both'), require('first'), require('second')]"
        made = layered(
            function({"index.js": code}, "layers"),
            {"nodejs/node_modules/both.js": "module.exports = 1", "nodejs/node_modules/first.js": "module.exports = 1"},
            {
                "nodejs/node_modules/both.js": "module.exports = 2",
                "nodejs/node22/node_modules/second.js": "module.exports = 2",
            },
        )
        assert runner.invoke(made).payload == [2, 1, 2]

    def test_imports_the_python_of_a_layer(self, runner: Runner) -> None:
        code = "import other, mine\ndef handler(event, context): return [other.VALUE, mine.VALUE]"
        made = layered(
            function({"index.py": code, "mine.py": "VALUE = 'function'"}, "python-layers"),
            {"python/other.py": "VALUE = 'layer'", "python/mine.py": "VALUE = 'layer'"},
        )
        assert runner.invoke(made).payload == ["layer", "function"]

    def test_finds_the_programs_of_a_layer(self, runner: Runner) -> None:
        code = "exports.handler = async () => require('child_process').execFileSync('greets').toString()"
        made = layered(function({"index.js": code}, "programs"), {"bin/greets": "#!/bin/sh\nprintf hello"})
        assert runner.invoke(made).payload == "hello"

    def test_starts_the_runtime_through_a_wrapper(self, runner: Runner) -> None:
        wrapper = {"wrap.sh": '#!/bin/sh\nexport WRAPPED="$0"\nexec "$@"'}
        made = function(
            {"index.js": "exports.handler = async () => process.env.WRAPPED"},
            "wrapped",
            Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap.sh"}},
        )
        assert runner.invoke(layered(made, wrapper)).payload.endswith("/wrap.sh")


class TestExtensions:
    def test_tells_an_external_extension_of_each_invocation(self, runner: Runner) -> None:
        made = layered(function({"index.js": ECHO}, "followed"), {"extensions/follows": FOLLOWS})
        outcome = runner.invoke(made, "event")
        assert outcome.payload == "event"
        assert 'registered 200 {"functionName": "followed", "functionVersion": "$LATEST"' in outcome.log
        heard = next(line for line in runner.log(outcome) if line.startswith("heard"))
        assert '"eventType": "INVOKE", "deadlineMs": ' in heard
        assert f'"requestId": "request-{runner.count}"' in heard
        assert '"tracing": {"type": "X-Amzn-Trace-Id", "value": "Root=1-2-3;Sampled=1"}' in heard
        assert "heard" in runner.invoke(made).log

    def test_tells_an_external_extension_of_the_end(self, runner: Runner, tmp_path: Path) -> None:
        other = Executor(dataclasses.replace(runner.executor._surroundings, work=tmp_path / "work"))
        code = external(f"""
            told, me = register(NAME, "SHUTDOWN")
            event = following(me)
            open({str(tmp_path / "told")!r}, "w").write(event["shutdownReason"])
        """)
        made = layered(function({"index.js": ECHO}, "ends-well"), {"extensions/ends": code})
        other.invoke(made, 1, request_id="r", trace=None)
        other.close()
        assert (tmp_path / "told").read_text() == "spindown"

    def test_waits_for_an_extension_after_the_answer(self, runner: Runner, tmp_path: Path) -> None:
        code = external(f"""
            told, me = register(NAME, "INVOKE")
            while following(me):
                time.sleep(0.3)
                open({str(tmp_path / "done")!r}, "a").write("done ")
        """)
        made = layered(function({"index.js": ECHO}, "waits"), {"extensions/slow": code})
        runner.invoke(made)
        assert (tmp_path / "done").read_text() == "done "

    def test_fails_when_an_extension_crashes(self, runner: Runner) -> None:
        code = external("register(NAME, 'INVOKE'); sys.exit(3)")
        made = layered(function({"index.js": ECHO}, "crashes"), {"extensions/crashes": code})
        outcome = runner.invoke(made)
        assert outcome.payload == {
            "errorType": "Extension.Crash",
            "errorMessage": f"RequestId: request-{runner.count} Error: exit status 3",
        }

    def test_fails_when_an_extension_gives_up(self, runner: Runner) -> None:
        code = external("""
            told, me = register(NAME, "INVOKE")
            kind = {"Lambda-Extension-Function-Error-Type": "Extension.NoConfiguration"}
            call("POST", "/init/error", "{}", {**me, **kind})
            time.sleep(60)
        """)
        made = layered(function({"index.js": ECHO}, "gives-up"), {"extensions/gives-up": code})
        assert runner.invoke(made).payload["errorType"] == "Extension.NoConfiguration"

    def test_ends_an_extension_with_its_environment(self, runner: Runner) -> None:
        code = external("""
            told, me = register(NAME, "INVOKE")
            print("pid", os.getpid(), flush=True)
            while following(me):
                pass
        """)
        made = layered(
            function({"index.js": "exports.handler = async () => process.exit(1)"}, "ends-both"),
            {"extensions/ends": code},
        )
        outcome = runner.invoke(made)
        assert outcome.is_error
        pid = next(int(line.split()[1]) for line in runner.log(outcome) if line.startswith("pid"))
        assert are_gone([pid])

    def test_serves_an_extension_inside_the_runtime(self, runner: Runner) -> None:
        code = CLIENT + textwrap.dedent("""
            import threading
            heard = []
            told, me = register("inside", "INVOKE")
            refused, _ = register("ends", "SHUTDOWN")
            def follow():
                while True:
                    heard.append(following(me)["requestId"])
            threading.Thread(target=follow, daemon=True).start()
            def handler(event, context):
                while context.aws_request_id not in heard:
                    time.sleep(0.01)
                return [refused[0], json.loads(refused[2])["errorType"], call("GET", "/event/next")[0]]
        """)
        made = layered(function({"index.py": code}, "inside"), {"python/none.py": ""})
        assert runner.invoke(made).payload == [400, "ShutdownEventNotSupportedForInternalExtension", 403]

    def test_says_that_there_is_no_telemetry(self, runner: Runner) -> None:
        code = runtime("""
            def handle(event, headers, path):
                told = call("PUT", "/2022-07-01/telemetry", "{}")
                call("POST", path + "/response", json.dumps([told[0], json.loads(told[2])["errorType"]]))
            serve(handle)
        """)
        assert runner.invoke(custom(code, "telemetry")).payload == [202, "Telemetry.NotSupported"]
