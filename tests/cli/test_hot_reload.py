"""Saving a handler: the new answer comes without a synthesis, in Node and in Python, and the old code is gone."""

from __future__ import annotations

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.local.running import RunningAws
from tests.cli.local_process import LocalProcess, await_gone, descendants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
APP = """
import aws_cdk as cdk
from constructs_lib import SecureFunction

class Shop(cdk.Stack):
    def __init__(self, scope, id):
        super().__init__(scope, id)
        SecureFunction(self, "Node", entry="handlers/greet.ts", environment={"WORD": "first"})
        SecureFunction(self, "Python", entry="handlers/greet.py")

class Quiet(cdk.Stack):
    def __init__(self, scope, id):
        super().__init__(scope, id)
        SecureFunction(self, "Function", entry="handlers/quiet.py")

class Warm(cdk.Stack):
    def __init__(self, scope, id):
        super().__init__(scope, id)
        SecureFunction(self, "Function", entry="handlers/warm.py", provisioned_concurrency=1)

app = cdk.App(analytics_reporting=False)
Shop(app, "Shop")
Quiet(app, "Quiet")
Warm(app, "Warm")
app.synth()
"""
NODE = """
import { price } from './price.js';
const environment = Math.random();
export const handler = async () => ({ price, environment, word: process.env.WORD });
"""
PYTHON = """
import random
from price import PRICE
ENVIRONMENT = random.random()
def handler(event, context):
    return {"price": PRICE, "environment": ENVIRONMENT}
"""
WARM = "def handler(event, context):\n    return {{'price': {}, 'version': context.function_version}}\n"
SECONDS = 60.0  # what a loaded machine may take; the docs tell what an idle one takes


class Shop:
    """The run, and the functions in it."""

    def __init__(self, folder: Path, local: LocalProcess) -> None:
        self.folder = folder
        self.local = local
        self.aws = RunningAws.find(folder / ".local")

    def call(self, function: str) -> Any:
        name = next(name for name, path in self.aws.function_paths().items() if path == function)
        # What callers call: the alias, where there is one.
        alias = ":live" if function.startswith("Warm/") else ""
        return json.loads(self.aws.client("lambda").invoke(FunctionName=f"{name}{alias}")["Payload"].read())

    def save(self, name: str, text: str) -> None:
        """As most editors save: aside, then in place."""
        aside = self.folder / f".{name.replace('/', '-')}.swp"
        aside.write_text(text)
        aside.replace(self.folder / name)

    def until(self, function: str, is_so: Callable[[Any], bool]) -> Any:
        deadline = time.monotonic() + SECONDS
        while True:
            answer = self.call(function)
            if is_so(answer):
                return answer
            assert time.monotonic() < deadline, answer
            time.sleep(0.02)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    for name, text in {
        "app.py": APP,
        "cdk.json": json.dumps({"app": "python app.py"}),
        "package.json": json.dumps({"name": "shop", "private": True}),
        "handlers/greet.ts": NODE,
        "handlers/price.ts": "export const price = 1;\n",
        "handlers/greet.py": PYTHON,
        "handlers/price.py": "PRICE = 1\n",
        "handlers/warm.py": WARM.format(1),
        "handlers/quiet.py": "def handler(event, context):\n    return 'quiet'\n",
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    with LocalProcess(folder, "--watch", "--port", "0") as local:
        local.ready()
        yield Shop(folder, local)
        below = descendants(local.pid)
        local.signal(signal.SIGINT)
        assert local.end() == (0, "")
        assert await_gone(below) == set()


class TestAnAlias:
    def test_leads_to_a_new_version_with_the_new_code(self, shop: Shop) -> None:
        """A version keeps its code, so its stack is deployed, with what else was saved before; the others are not."""
        before = shop.call("Warm/Function")
        said = len(shop.local.lines)
        shop.save("handlers/warm.py", WARM.format(2))
        after = shop.until("Warm/Function", lambda answer: answer["price"] == 2)
        assert int(after["version"]) == int(before["version"]) + 1
        shop.local.line_with("Warm ")
        assert not any(" Quiet " in line for line in shop.local.lines[said:])


@pytest.mark.parametrize(
    ("function", "part", "text"),
    [
        ("Shop/Node", "handlers/price.ts", "export const price = {};\n"),
        ("Shop/Python", "handlers/price.py", "PRICE = {}\n"),
    ],
)
class TestAHandler:
    def test_answers_anew_without_a_synthesis_and_nothing_runs_the_old_code(
        self, shop: Shop, function: str, part: str, text: str
    ) -> None:
        with ThreadPoolExecutor(4) as pool:
            before = list(pool.map(lambda _: shop.call(function), range(8)))
        said = len(shop.local.lines)
        shop.save(part, text.format(2))
        shop.until(function, lambda answer: answer["price"] == 2)
        with ThreadPoolExecutor(4) as pool:
            after = list(pool.map(lambda _: shop.call(function), range(8)))
        assert {each["price"] for each in after} == {2}
        assert {each["environment"] for each in before} & {each["environment"] for each in after} == set()
        assert shop.local.line_with("reload ").startswith(f"reload   {function}  ")
        labels = {line.split()[0] for line in shop.local.lines[said:] if not line[0].isdigit()}
        assert labels == {"reload"}

    def test_a_syntax_error_is_shown_and_the_version_before_goes_on(
        self, shop: Shop, function: str, part: str, text: str
    ) -> None:
        before = shop.call(function)
        shop.save(part, text.format("("))
        assert shop.local.line_with("broken") == "broken   not taken up; the version before goes on"
        assert shop.local.line_with("  at:  ").startswith(f"  at:  {part}:")
        assert shop.call(function) == before  # from the very same environment
        shop.save(part, text.format(3))
        assert shop.until(function, lambda answer: answer["price"] == 3)["environment"] != before["environment"]
        shop.local.line_with("reload ")

    def test_a_change_of_no_consequence_keeps_the_environments(
        self, shop: Shop, function: str, part: str, text: str
    ) -> None:
        shop.save(part, text.format(4))
        before = shop.until(function, lambda answer: answer["price"] == 4)
        shop.local.line_with("reload ")
        shop.save(part, text.format(5))
        shop.until(function, lambda answer: answer["price"] == 5)
        shop.local.line_with("reload ")
        shop.save(part, text.format(4))
        after = shop.until(function, lambda answer: answer["price"] == 4)
        shop.local.line_with("reload ")
        assert before["environment"] != after["environment"]
        shop.save(part, text.format(4))
        assert shop.local.line_with("reload ").startswith(f"reload   {function}  the bundle is as it was  ")
        assert shop.call(function) == after


class TestAStack:
    def test_a_saved_stack_is_deployed_and_no_other(self, shop: Shop) -> None:
        shop.save("app.py", APP.replace('"first"', '"second"'))
        assert shop.local.line_with("deploy ").startswith("deploy   Shop  updated")
        assert shop.call("Shop/Node")["word"] == "second"
        said = len(shop.local.lines)
        shop.save("app.py", APP.replace('"first"', '"second"') + "\n)\n")
        shop.local.line_with("broken")
        assert "SyntaxError: unmatched ')'" in shop.local.line_with("SyntaxError")
        assert shop.call("Shop/Node")["word"] == "second"
        shop.save("app.py", APP)
        assert shop.local.line_with("deploy ").startswith("deploy   Shop  updated")
        assert shop.call("Shop/Node")["word"] == "first"
        assert not any("Quiet" in line for line in shop.local.lines[said:])
