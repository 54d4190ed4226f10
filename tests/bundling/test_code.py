"""BundledCode in CDK apps: what reaches templates and manifests, when bundling happens, and how its errors look."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_lambda as lambda_

from constructs_lib.bundling.code import BUNDLE_FOR, AppBundler
from constructs_lib.bundling.project import Project
from constructs_lib.problem import BundlingError
from tests.bundling.conftest import CHECKOUT, Sandbox
from tests.bundling.functions import (
    NODE_24,
    PLACE,
    PRICE,
    PYTHON_14,
    STOCK,
    app_in,
    code_of,
    function_in,
    json_of,
    keys_of,
)

ABSENT = "entry does not exist (searched: {})\n  at:  {}\n  fix: {}"
NOT_CODE = """an entry cannot be a ".json" file
  at:  package.json
  fix: name one of: .cjs, .cts, .js, .jsx, .mjs, .mts, .py, .ts, .tsx"""


@pytest.mark.usefixtures("here")
class TestApp:
    def test_bundles_everything_in_one_esbuild_process_at_synth(self, tools: list[str]) -> None:
        app = app_in()
        first, second = cdk.Stack(app, "First"), cdk.Stack(app, "Second")
        nested = cdk.NestedStack(first, "Nested")
        stage = cdk.Stage(app, "Prod")
        inside = cdk.Stack(stage, "Inside")
        function_in(first, "Price", PRICE)
        function_in(nested, "Stock", STOCK)
        function_in(second, "Price", PRICE)
        function_in(inside, "Plain", "handlers/plain.cjs")
        function_in(inside, "Place", PLACE)
        assert tools == []
        app.synth()
        assert tools == ["esbuild"]

        for folder, stack, functions in [
            ("cdk.out", "First", 1),
            ("cdk.out", "Second", 1),
            ("cdk.out/assembly-Prod", "ProdInside*", 2),
        ]:
            (template,) = Path(folder).glob(f"{stack}.template.json")
            keys = keys_of(json_of(str(template)))
            assert len(keys) == functions
            manifest = json_of(str(template).replace(".template.", ".assets."))
            for key in keys:
                file = manifest["files"][key.removesuffix(".zip")]
                assert file["source"]["packaging"] == "zip"
                assert file["source"]["path"].endswith(f"asset.{key.removesuffix('.zip')}")
                assert list(Path(folder, file["source"]["path"]).iterdir()) != []
        nested_template = next(Path("cdk.out").glob("FirstNested*.nested.template.json"))
        (nested_key,) = keys_of(json_of(str(nested_template)))
        assert nested_key.removesuffix(".zip") in json_of("cdk.out/First.assets.json")["files"]

    def test_second_synth_starts_nothing_and_writes_the_same(self, tools: list[str]) -> None:
        written = []
        for name in ("one", "two"):
            app = app_in(name)
            stack = cdk.Stack(app, "Shop")
            function_in(stack, "Price", PRICE)
            function_in(stack, "Place", PLACE)
            app.synth()
            written.append({path.name: path.read_bytes() for path in Path(name).glob("Shop.*")})
        assert tools == ["esbuild"]
        assert written[0] == written[1]

    def test_two_apps_in_one_process_keep_apart(self) -> None:
        one, two = app_in("one"), app_in("two")
        function_in(cdk.Stack(one, "Shop"), "Price", PRICE)
        function_in(cdk.Stack(two, "Shop"), "Stock", STOCK)
        one.synth()
        assert len(list(Path("one").glob("asset.*"))) == 1
        assert AppBundler.of(one) is not AppBundler.of(two)
        two.synth()
        assert keys_of(json_of("one/Shop.template.json")) != keys_of(json_of("two/Shop.template.json"))

    def test_entry_registered_after_the_first_was_asked_for(self, tools: list[str]) -> None:
        app = app_in()
        stack = cdk.Stack(app, "Shop")
        price = function_in(stack, "Price", PRICE)
        early = stack.resolve(price.node.default_child.code)  # type: ignore[union-attr] # it is a CfnFunction
        function_in(stack, "Stock", STOCK)
        template = assertions.Template.from_stack(stack).to_json()
        assert early["s3Key"] == keys_of(template)[0]
        assert len(set(keys_of(template))) == 2
        assert tools == ["esbuild", "esbuild"]

    def test_version_follows_the_code(self, here: Sandbox) -> None:
        def version() -> str:
            stack = cdk.Stack(app_in(f"out{len(list(Path.cwd().glob('out*')))}"), "Shop")
            _ = function_in(stack, "Price", PRICE).current_version
            (name,) = assertions.Template.from_stack(stack).find_resources("AWS::Lambda::Version")
            return str(name)

        before = version()
        assert version() == before
        here.write(PRICE, (here.folder / PRICE).read_text() + "\nconsole.log('changed');")
        assert version() != before

    def test_same_tree_elsewhere_synthesizes_the_same_bytes(
        self, here: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        elsewhere = Sandbox.copy_of("node", tmp_path / "an other" / "place")
        shutil.copytree(here.folder / "functions", elsewhere.folder / "functions")
        written = []
        for folder in (here.folder, elsewhere.folder):
            monkeypatch.chdir(folder)
            app = app_in()
            stack = cdk.Stack(app, "Shop")
            function_in(stack, "Price", PRICE)
            function_in(stack, "Place", PLACE)
            app.synth()
            written.append({path.name: path.read_bytes() for path in Path("cdk.out").glob("Shop.*.json")})
        assert written[0] == written[1]
        assert str(tmp_path).encode() not in b"".join(written[0].values())


@pytest.mark.usefixtures("here")
class TestContext:
    def test_stacks_cdk_wants_no_bundles_of_get_none(self, tools: list[str]) -> None:
        wanted: dict[str, Any] = {"aws:cdk:bundling-stacks": ["Wanted"]}
        app = app_in(**wanted)
        function_in(cdk.Stack(app, "Wanted"), "Price", PRICE)
        function_in(cdk.Stack(app, "Other"), "Stock", STOCK)
        app.synth()
        assert tools == ["esbuild"]
        assert len(list(Path("cdk.out").glob("asset.*"))) == 1

    def test_no_bundles_at_all_need_no_tool_and_give_steady_names(self, here: Sandbox, tools: list[str]) -> None:
        keys = []
        for name in ("one", "two"):
            app = app_in(name, **{"aws:cdk:bundling-stacks": []})
            stack = cdk.Stack(app, "Shop")
            function_in(stack, "Price", PRICE)
            function_in(stack, "Stock", STOCK)
            app.synth()
            keys.append(keys_of(json_of(f"{name}/Shop.template.json")))
            here.write(PRICE, "const = 1;")
        assert tools == []
        assert keys[0] == keys[1]
        assert len(set(keys[0])) == 2

    def test_metadata_names_the_asset_for_tools_that_run_functions_locally(self) -> None:
        metadata: dict[str, Any] = {"aws:cdk:enable-asset-metadata": True}
        app = app_in(**metadata)
        stack = cdk.Stack(cdk.Stage(app, "Prod"), "Shop")
        function_in(stack, "Price", PRICE)
        app.synth()
        (path,) = Path("cdk.out/assembly-Prod").glob("*.template.json")
        (function,) = (r for r in json_of(str(path))["Resources"].values() if r["Type"] == "AWS::Lambda::Function")
        assert function["Metadata"] == {
            "aws:asset:path": f"../asset.{function['Properties']['Code']['S3Key'].removesuffix('.zip')}",
            "aws:asset:is-bundled": True,
            "aws:asset:property": "Code",
        }

    def test_without_metadata_the_template_has_none(self) -> None:
        app = app_in()
        stack = cdk.Stack(app, "Shop")
        function_in(stack, "Price", PRICE)
        template = assertions.Template.from_stack(stack).to_json()
        assert all("Metadata" not in resource for resource in template["Resources"].values())

    def test_this_machine_is_what_the_local_run_bundles_for(self) -> None:
        machines = []
        for context in ({}, {BUNDLE_FOR: "lambda"}, {BUNDLE_FOR: "this-machine"}):
            app = app_in(**context)
            function_in(cdk.Stack(app, "Shop"), "Price", PRICE)
            machines.append([entry.machine.is_lambda for entry in AppBundler.of(app).waiting])
        assert machines == [[True], [True], [False]]

    def test_another_word_for_the_machine_is_refused(self) -> None:
        app = app_in(**{BUNDLE_FOR: "mars"})
        with pytest.raises(RuntimeError, match=f'context {BUNDLE_FOR} is "mars", not "lambda" or "this-machine"'):
            function_in(cdk.Stack(app, "Shop"), "Price", PRICE)

    def test_a_note_reaches_the_user(self, here: Sandbox) -> None:
        here.write("functions/requirements.txt", "boto3==99.0.0\n")
        app = app_in()
        stack = cdk.Stack(app, "Shop")
        function_in(stack, "Place", PLACE)
        app.synth()
        metadata = json_of("cdk.out/manifest.json")["artifacts"]["Shop"].get("metadata") or json_of(
            "cdk.out/Shop.metadata.json"
        )
        assert "pins boto3 99.0.0" in json.dumps(metadata)


@pytest.mark.usefixtures("here")
class TestConstructor:
    def test_knows_the_handler_string_without_bundling(self, tools: list[str]) -> None:
        assert code_of(PRICE).handler == "index.handler"
        assert code_of(STOCK, handler="warm").handler == "index.warm"
        assert code_of(PLACE).handler == "orders.place.handler"
        assert tools == []

    def test_takes_an_absolute_entry(self, here: Sandbox) -> None:
        absolute = str(here.folder / PLACE)
        assert code_of(absolute).handler == "orders.place.handler"

    @pytest.mark.parametrize(
        ("entry", "message"),
        [
            ("handlers/prise.ts", ABSENT.format("handlers", "handlers/prise.ts", 'did you mean "handlers/price.ts"?')),
            ("src/price.ts", ABSENT.format("the current folder", "src/price.ts", 'did you mean "handlers/price.ts"?')),
            ("zebra.mjs", ABSENT.format("the current folder", "zebra.mjs", "create it, or correct the path")),
            ("package.json", NOT_CODE),
        ],
    )
    def test_refuses_an_entry_it_cannot_find(self, entry: str, message: str) -> None:
        with pytest.raises(BundlingError) as caught:
            code_of(entry)
        assert str(caught.value) == message

    def test_refuses_a_folder(self) -> None:
        with pytest.raises(BundlingError, match="entry is a folder"):
            code_of("handlers")

    @pytest.mark.parametrize(
        ("entry", "runtime", "what"),
        [
            (PRICE, PYTHON_14, "entry is Node, but the runtime is python3.14"),
            (PLACE, NODE_24, "entry is Python, but the runtime is nodejs24.x"),
        ],
    )
    def test_refuses_the_runtime_of_another_language(self, entry: str, runtime: lambda_.Runtime, what: str) -> None:
        with pytest.raises(BundlingError) as caught:
            code_of(entry, runtime=runtime)
        assert caught.value.problems[0].what == what


@pytest.mark.usefixtures("here")
class TestErrorsAtSynth:
    def test_of_all_languages_at_once_each_in_three_whole_lines(self, here: Sandbox) -> None:
        here.write("handlers/broken.ts", 'import "gone";\nexport const handler = 1;')
        here.write("functions/orders/broken.py", "import gone\ndef handler(e, c): ...")
        app = app_in()
        stack = cdk.Stack(app, "Shop")
        function_in(stack, "Node", "handlers/broken.ts")
        function_in(stack, "Python", "functions/orders/broken.py")
        with pytest.raises(RuntimeError) as caught:
            app.synth()
        lines = str(caught.value).splitlines()
        for problem in (
            ['"gone" cannot be resolved', "  at:  handlers/broken.ts:1:8", "  fix: npm install gone"],
            [
                '"gone" is not installed',
                "  at:  functions/orders/broken.py:1:1",
                "  fix: add the distribution that brings it to functions/requirements.txt, as name==1.2.3",
            ],
        ):
            start = lines.index(problem[0])
            assert lines[start : start + 3] == problem
        assert list(Path("cdk.out").glob("asset.*")) == []

    def test_reach_the_terminal_of_an_app_that_fails(self, here: Sandbox) -> None:
        here.write("handlers/broken.ts", "const = 1;")
        here.write(
            "app.py",
            "import aws_cdk as cdk\nfrom aws_cdk import aws_lambda as lambda_\n"
            "from constructs_lib.bundling.code import BundledCode\n"
            "app = cdk.App(outdir='out')\n"
            "code = BundledCode('handlers/broken.ts', runtime=lambda_.Runtime.NODEJS_24_X,"
            " architecture=lambda_.Architecture.ARM_64)\n"
            "lambda_.Function(cdk.Stack(app, 'Shop'), 'F', code=code, handler=code.handler,"
            " runtime=lambda_.Runtime.NODEJS_24_X)\napp.synth()\n",
        )
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        done = subprocess.run([sys.executable, "app.py"], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        expected = [
            'expected identifier but found "="',
            "  at:  handlers/broken.ts:1:7",
            "  fix: mend the syntax: const = 1;",
        ]
        lines = done.stderr.splitlines()
        assert any(lines[start : start + 3] == expected for start in range(len(lines)))


def test_the_core_is_imported_without_the_cdk() -> None:
    script = (
        "import sys\n"
        "from constructs_lib.bundling import node, python\n"
        "assert 'aws_cdk' not in sys.modules and 'jsii' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, check=True)


def test_the_project_is_the_current_folder(here: Sandbox) -> None:
    assert Project.current().folder == here.folder.resolve()
