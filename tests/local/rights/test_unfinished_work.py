"""A handler that returns while something it started still runs is told where, in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from constructs_lib.local.executor.executor import Executor, Surroundings
from tests.local.runtime.functions import Runner, Stored, function

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from constructs_lib.local.executor.function import Function
    from constructs_lib.local.executor.unfinished import Unfinished

TOLD: list[tuple[str, Unfinished]] = []
SERVER = """
const http = require("node:http");
const server = http.createServer((q, r) => { q.resume(); setTimeout(() => r.end("{}"), 40).unref(); });
const listening = new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
server.unref();
const url = async () => `http://127.0.0.1:${await listening}/path?secret=1`;
async function get() {
  return (await fetch(await url())).text();
}
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
"""
HANDLER_LINE = SERVER.count("\n") + 2  # the first line inside the handler


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    def tell(function: Function, request_id: str, left: Unfinished) -> None:
        assert request_id
        TOLD.append((function.name, left))

    stored = Stored()
    executor = Executor(
        Surroundings(
            work=tmp_path_factory.mktemp("executor"),
            endpoint="http://127.0.0.1:1",
            log_file=None,
            store=stored,
            credentials=lambda _: {},
            on_unfinished=tell,
        )
    )
    yield Runner(executor, stored)
    executor.close()


def node(watched: Runner, body: str, *, times: int = 1, **configuration: str) -> list[Unfinished]:
    """What a Node handler of these lines leaves behind."""
    TOLD.clear()
    code = f"{SERVER}exports.handler = async (event, context) => {{\n{body}\nreturn 1;\n}};"
    for _ in range(times):
        outcome = watched.run(code, **configuration)
        assert outcome.payload == 1
    return [left for _, left in TOLD]


def python(watched: Runner, code: str, *, times: int = 1) -> list[Unfinished]:
    TOLD.clear()
    for _ in range(times):
        outcome = watched.run(code, name="index.py")
        assert outcome.payload == 1, outcome.payload
    return [left for _, left in TOLD]


class TestNode:
    def test_names_the_line_that_calls_an_async_function_and_does_not_wait(self, watched: Runner) -> None:
        (left,) = node(watched, "get();")
        assert left.what.startswith("the request GET http://127.0.0.1:")
        assert left.what.endswith("/path"), "a query may hold secrets"
        assert left.at == f"index.js:{HANDLER_LINE}:1"
        assert left.fix == "await it before the handler returns"

    def test_names_the_line_after_an_earlier_await(self, watched: Runner) -> None:
        (left,) = node(watched, "await get();\nawait sleep(2);\nget();")
        assert left.at == f"index.js:{HANDLER_LINE + 2}:1"

    def test_names_the_line_inside_a_function_that_is_waited_for(self, watched: Runner) -> None:
        (left,) = node(watched, "async function save() {\nawait sleep(1);\nget();\n}\nawait save();")
        assert left.at == f"index.js:{HANDLER_LINE + 2}:1"

    def test_names_for_each_with_an_async_callback(self, watched: Runner) -> None:
        (left,) = node(watched, "[1, 2].forEach(async () => {\nawait get();\n});")
        assert left.at == f"index.js:{HANDLER_LINE}:8"

    def test_names_a_chain_of_then(self, watched: Runner) -> None:
        (left,) = node(watched, "get()\n  .then(() => 1)\n  .catch(() => 2);")
        assert left.at == f"index.js:{HANDLER_LINE}:1"

    def test_names_a_timer(self, watched: Runner) -> None:
        (left,) = node(watched, "setTimeout(() => console.log('late'), 5000);")
        assert (left.what, left.at) == ("a timer", f"index.js:{HANDLER_LINE}:1")

    def test_names_who_called_a_helper_that_sleeps(self, watched: Runner) -> None:
        (left,) = node(watched, "sleep(5000);")
        assert f"index.js:{HANDLER_LINE}:1" in left.callers

    def test_names_a_file_that_is_being_read(self, watched: Runner) -> None:
        (left,) = node(watched, "require('fs/promises').readFile('/dev/zero').catch(() => 0);")
        assert (left.what, left.at) == ("a file operation", f"index.js:{HANDLER_LINE}:24")

    def test_tells_each_place_once(self, watched: Runner) -> None:
        assert len(node(watched, "get(); /* once */", times=3)) == 1

    def test_tells_what_is_forgotten_later_and_then_where(self, watched: Runner) -> None:
        body = "globalThis.n = (globalThis.n ?? 0) + 1;\nif (n > 2) get();"
        first, second = node(watched, body, times=5)
        assert (first.what, first.at) == (second.what, "index.js:8:17"), "where the request itself was made"
        assert second.at == f"index.js:{HANDLER_LINE + 1}:12"

    def test_names_a_line_of_a_module_in_a_folder_with_a_space_behind_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "a folder").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "a folder")
        found: list[Unfinished] = []
        executor = Executor(
            Surroundings(
                work=tmp_path / "link",
                endpoint="http://127.0.0.1:1",
                log_file=None,
                store=Stored(),
                credentials=lambda _: {},
                on_unfinished=lambda *told: found.append(told[-1]),
            )
        )
        code = "export const handler = async () => {\nsetTimeout(() => 0, 5000);\n};"
        try:
            Runner(executor, Stored()).run(code, name="index.mjs")
        finally:
            executor.close()
        assert [each.at for each in found] == ["index.mjs:2:1"]

    def test_writes_it_into_the_log(self, watched: Runner) -> None:
        code = f"{SERVER}exports.handler = async () => {{ get(); /* log */ return 1; }};"
        log = watched.log(watched.run(code))
        begin = next(index for index, line in enumerate(log) if "was still under way" in line)
        assert log[begin + 1 : begin + 3] == [
            f"  at:  index.js:{HANDLER_LINE - 1}:33",
            "  fix: await it before the handler returns",
        ]

    @pytest.mark.parametrize(
        "body",
        [
            "await get(); await Promise.all([get(), sleep(3)]);",
            "const { readFile } = require('fs/promises'); await readFile(__filename);",
            "require('fs').readFileSync(__filename);",
            "const timer = setTimeout(() => 0, 5000); clearTimeout(timer);",
            "setTimeout(() => 0, 5000).unref();",
            (
                "globalThis.agent ??= new (require('http').Agent)({ keepAlive: true });"
                " await new Promise(async (done) => require('http').get(await url(), { agent },"
                " (r) => r.resume().on('end', done)));"
            ),
            "await new Promise((done) => require('child_process').exec('true', done));",
            "await require('dns').promises.lookup('localhost');",
            "for await (const _ of require('fs').createReadStream(__filename)) ;",
            (
                "await require('stream/promises').pipeline(require('fs').createReadStream(__filename),"
                " require('zlib').createGzip(), require('fs').createWriteStream(process.env.TMPDIR + '/x'));"
            ),
            "console.log('x'.repeat(100_000));",
            "process.nextTick(() => 0); queueMicrotask(() => 0); setImmediate(() => 0);",
            "new Promise(() => 0);",
            "await require('crypto').subtle.digest('SHA-256', Buffer.from('x'));",
            "await Promise.race([get(), new Promise((r) => setTimeout(r, 1000).unref())]);",
        ],
    )
    def test_is_silent_when_everything_was_waited_for(self, watched: Runner, body: str) -> None:
        assert node(watched, body, times=3) == []

    def test_is_silent_about_what_a_package_does(self, watched: Runner) -> None:
        files = {
            "index.js": "const pool = require('pool');\nexports.handler = async () => { pool.use(); return 1; };",
            "node_modules/pool/index.js": "exports.use = () => { setTimeout(() => 0, 9000); };",
        }
        TOLD.clear()
        assert watched.invoke(function(files, "pooled")).payload == 1
        assert TOLD == []

    def test_is_silent_about_a_callback_that_does_not_want_to_be_waited_for(self, watched: Runner) -> None:
        TOLD.clear()
        code = """exports.handler = (event, context, callback) => {
            context.callbackWaitsForEmptyEventLoop = false; setTimeout(() => 0, 9000); callback(null, 1) }"""
        assert watched.run(code).payload == 1
        assert TOLD == []

    def test_is_silent_when_the_handler_fails(self, watched: Runner) -> None:
        TOLD.clear()
        assert watched.run(f"{SERVER}exports.handler = async () => {{ get(); throw new Error('x'); }}").is_error
        assert TOLD == []

    def test_answers_before_it_dies_of_a_rejection_nobody_handles(self, watched: Runner) -> None:
        code = "exports.handler = async () => { Promise.reject(new Error('lost')); return 1; }"
        assert watched.run(code).payload == 1


class TestPython:
    def test_names_the_line_that_starts_a_thread(self, watched: Runner) -> None:
        code = (
            "import threading, time\n\ndef handler(event, context):\n"
            "    threading.Thread(target=time.sleep, args=(5,), name='writer').start()\n    return 1\n"
        )
        (left,) = python(watched, code)
        assert (left.what, left.at) == ("the thread writer", "index.py:4")
        assert left.fix == "join it before the handler returns, or shut its pool down"

    def test_names_the_line_that_submits_to_a_pool(self, watched: Runner) -> None:
        code = (
            "import time\nfrom concurrent.futures import ThreadPoolExecutor\n\npool = ThreadPoolExecutor(2)\n\n"
            "def handler(event, context):\n    pool.submit(time.sleep, 5)\n    return 1\n"
        )
        (left,) = python(watched, code)
        assert left.at == "index.py:7"

    def test_names_the_line_that_makes_a_coroutine_nobody_awaits(self, watched: Runner) -> None:
        code = (
            "import asyncio\n\nasync def save():\n    pass\n\nasync def work():\n    save()\n\n"
            "def handler(event, context):\n    asyncio.run(work())\n    return 1\n"
        )
        (left,) = python(watched, code)
        assert (left.what, left.at) == ("the coroutine save", "index.py:7")

    def test_names_the_line_that_makes_a_coroutine_in_a_plain_handler(self, watched: Runner) -> None:
        code = "async def save():\n    pass\n\ndef handler(event, context):\n    save()\n    return 1\n"
        (left,) = python(watched, code)
        assert left.at == "index.py:5"

    def test_names_the_line_that_makes_a_task_that_is_cancelled(self, watched: Runner) -> None:
        code = (
            "import asyncio\n\nasync def save():\n    await asyncio.sleep(5)\n\nasync def work():\n"
            "    asyncio.create_task(save())\n    await asyncio.sleep(0)\n\n"
            "def handler(event, context):\n    asyncio.run(work())\n    return 1\n"
        )
        (left,) = python(watched, code)
        assert (left.what, left.at) == ("the task save", "index.py:7")

    def test_names_a_task_that_stays_in_a_loop_of_the_function(self, watched: Runner) -> None:
        code = (
            "import asyncio\n\nloop = asyncio.new_event_loop()\n\nasync def save():\n    await asyncio.sleep(5)\n\n"
            "async def work():\n    loop.create_task(save())\n    await asyncio.sleep(0)\n\n"
            "def handler(event, context):\n    loop.run_until_complete(work())\n    return 1\n"
        )
        (left,) = python(watched, code)
        assert (left.what, left.at) == ("the task save", "index.py:9")

    def test_tells_each_place_once(self, watched: Runner) -> None:
        code = "async def twice():\n    pass\n\ndef handler(event, context):\n    twice()\n    return 1\n"
        assert len(python(watched, code, times=3)) == 1

    @pytest.mark.parametrize(
        "body",
        [
            "thread = threading.Thread(target=print); thread.start(); thread.join()",
            "with ThreadPoolExecutor(2) as pool: list(pool.map(str, range(10)))",
            "POOL.submit(str, 1).result()",
            "asyncio.run(gathered())",
            "threading.Thread(target=print).start()",
        ],
    )
    def test_is_silent_when_everything_was_waited_for(self, watched: Runner, body: str) -> None:
        code = (
            "import asyncio, threading\nfrom concurrent.futures import ThreadPoolExecutor\n"
            "POOL = ThreadPoolExecutor(2)\n"
            "async def gathered():\n    task = asyncio.create_task(asyncio.sleep(0.01))\n"
            "    await asyncio.gather(asyncio.sleep(0), asyncio.to_thread(print), task)\n"
            f"def handler(event, context):\n    {body}\n    return 1\n"
        )
        assert python(watched, code, times=3) == []

    def test_is_silent_about_a_thread_of_a_package(self, watched: Runner) -> None:
        files = {
            "index.py": "import agent\ndef handler(event, context):\n    agent.begin()\n    return 1\n",
            "agent.py": "import threading, time\n"
            "def begin():\n    threading.Thread(target=time.sleep, args=(5,)).start()\n",
            "agent-1.0.dist-info/RECORD": "agent.py,,\n",
        }
        TOLD.clear()
        assert watched.invoke(function(files, "with-agent")).payload == 1
        assert TOLD == []
