"""The synthesizer of a stack decides where its code lies, whichever it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_

from tests.bundling.functions import NODE_24, PRICE, app_in, code_of, function_in, json_of, keys_of

_SYNTHESIZERS: dict[str, Callable[[], cdk.StackSynthesizer]] = {
    "default": lambda: cdk.DefaultStackSynthesizer(qualifier="myqual"),
    "own bucket": lambda: cdk.DefaultStackSynthesizer(
        file_assets_bucket_name="mine-${AWS::Region}", bucket_prefix="a/"
    ),
    "legacy": cdk.LegacyStackSynthesizer,
    "cli credentials": lambda: cdk.CliCredentialsStackSynthesizer(qualifier="myqual"),
}


@pytest.mark.usefixtures("here")
class TestSynthesizers:
    @pytest.mark.parametrize("kind", _SYNTHESIZERS)
    @pytest.mark.parametrize("bundles", [True, False])
    def test_of_a_stack_of_its_own_is_asked_as_for_any_asset_of_cdk(
        self, tmp_path: Path, kind: str, *, bundles: bool
    ) -> None:
        plain = tmp_path / "plain"
        plain.mkdir()
        (plain / "index.js").write_text("exports.handler = async () => 1;")
        app = app_in(**{} if bundles else {"aws:cdk:bundling-stacks": []})
        codes = []
        for name in ("Ours", "Theirs"):
            stack = cdk.Stack(app, name, synthesizer=_SYNTHESIZERS[kind]())
            nested = cdk.NestedStack(stack, "Nested")
            for scope in (stack, nested):
                code = code_of(PRICE) if name == "Ours" else lambda_.Code.from_asset(str(plain))
                lambda_.Function(scope, "Price", code=code, handler="index.handler", runtime=NODE_24)
        app.synth()
        for name in ("Ours", "Theirs"):
            templates = sorted(Path("cdk.out").glob(f"{name}*.template.json"))
            texts = [path.read_text().replace(name, "Stack") for path in templates]
            codes.append([_without_hashes(_codes(json.loads(text))) for text in texts])
        assert len(codes[0]) == 2
        assert codes[0] == codes[1]
        if kind != "legacy":
            (key,) = (key for key in keys_of(json_of("cdk.out/Ours.template.json")))
            file = json_of("cdk.out/Ours.assets.json")["files"][Path(key).stem]
            assert file["source"] == {"path": f"asset.{Path(key).stem}", "packaging": "zip"}
            assert Path("cdk.out", file["source"]["path"]).is_dir() == bundles

    def test_of_an_app_is_asked_for_every_stack(self) -> None:
        app = cdk.App(
            outdir=str(Path.cwd() / "cdk.out"),
            analytics_reporting=False,
            default_stack_synthesizer=cdk.DefaultStackSynthesizer(qualifier="myqual"),
        )
        for name in ("First", "Second"):
            function_in(cdk.Stack(app, name), "Price", PRICE)
        app.synth()
        for name in ("First", "Second"):
            (code,) = _codes(json_of(f"cdk.out/{name}.template.json"))
            assert code["S3Bucket"] == {"Fn::Sub": "cdk-myqual-assets-${AWS::AccountId}-${AWS::Region}"}

    def test_names_are_those_of_the_standard_one(self) -> None:
        keys = set()
        for name, synthesizer in (("one", None), ("two", cdk.DefaultStackSynthesizer(qualifier="myqual"))):
            app = app_in(name)
            function_in(cdk.Stack(app, "Shop", synthesizer=synthesizer), "Price", PRICE)
            app.synth()
            keys.update(keys_of(json_of(f"{name}/Shop.template.json")))
            assert [path.name for path in Path(name).glob("asset.*")] == [f"asset.{key[:-4]}" for key in keys]
        assert len(keys) == 1

    def test_an_assembly_without_staging_names_the_bundle_where_it_is(self) -> None:
        app = app_in(**{"aws:cdk:disable-asset-staging": True})
        function_in(cdk.Stack(app, "Shop"), "Price", PRICE)
        app.synth()
        (file,) = (file for file in json_of("cdk.out/Shop.assets.json")["files"].values() if "asset." in str(file))
        assert [path.name for path in Path(file["source"]["path"]).iterdir()] == ["index.js"]


def _codes(template: Any) -> list[Any]:
    resources = template["Resources"].values()
    return [one["Properties"]["Code"] for one in resources if one["Type"] == "AWS::Lambda::Function"]


def _without_hashes(value: object) -> str:
    return re.sub(r"[0-9a-f]{64}|(?<=et|ey)[0-9A-F]{8}", "<hash>", json.dumps(value, sort_keys=True))
