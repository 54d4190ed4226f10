from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.assembly import AssemblyError, CloudAssembly

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
FIX = "synthesize again, with `cdk synth` or the command of cdk.json"


def stack(template: str = "Shop.template.json", *, needs: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/unknown-region",
        "dependencies": list(needs),
        "properties": {"templateFile": template, **properties},
    }


def write(folder: Path, artifacts: object, **more: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Shop.template.json").write_text(json.dumps(TEMPLATE))
    (folder / "manifest.json").write_text(json.dumps({"version": "53.0.0", "artifacts": artifacts, **more}))
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(AssemblyError) as caught:
        CloudAssembly.read(folder)
    return str(caught.value)


class TestReading:
    def test_stacks_come_after_those_they_depend_on(self, tmp_path: Path) -> None:
        folder = write(tmp_path, {"Api": stack(needs=("Data",)), "Web": stack(needs=("Api",)), "Data": stack()})
        assert [each.name for each in CloudAssembly.read(folder).stacks] == ["Data", "Api", "Web"]

    def test_a_stack_knows_its_name_place_template_and_parameters(self, tmp_path: Path) -> None:
        artifact = stack(stackName="prod-shop", parameters={"Size": "3"}, tags={"team": "shop"})
        artifact.update(environment="aws://111122223333/eu-west-1", displayName="Prod/Shop (prod-shop)")
        [found] = CloudAssembly.read(write(tmp_path, {"ProdShop": artifact})).stacks
        assert (found.name, found.path, found.account, found.region) == (
            "prod-shop", "Prod/Shop", "111122223333", "eu-west-1",
        )  # fmt: skip
        assert (dict(found.parameters), dict(found.tags), found.template) == ({"Size": "3"}, {"team": "shop"}, TEMPLATE)

    def test_an_environment_that_is_not_known_is_none(self, tmp_path: Path) -> None:
        [found] = CloudAssembly.read(write(tmp_path, {"Shop": stack()})).stacks
        assert (found.account, found.region) == (None, None)

    def test_stacks_of_nested_assemblies_are_read_too(self, tmp_path: Path) -> None:
        write(tmp_path / "assembly-Prod", {"ProdShop": stack()})
        nested = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod"}}
        folder = write(tmp_path, {"assembly-Prod": nested, "Shop": stack(), "Tree": {"type": "cdk:tree"}})
        assert [each.name for each in CloudAssembly.read(folder).stacks] == ["ProdShop", "Shop"]

    def test_assets_and_the_bootstrap_parameter_come_with_the_stack(self, tmp_path: Path) -> None:
        (tmp_path / "asset.1").mkdir()
        manifest = {
            "files": {
                "1": {
                    "source": {"path": "asset.1", "packaging": "zip"},
                    "destinations": {"a": {"bucketName": "b", "objectKey": "1.zip", "region": "eu-west-1"}},
                }
            },
            "dockerImages": {"2": {}},
        }
        (tmp_path / "Shop.assets.json").write_text(json.dumps(manifest))
        assets = {
            "type": "cdk:asset-manifest",
            "properties": {"file": "Shop.assets.json", "bootstrapStackVersionSsmParameter": "/cdk-bootstrap/x/version"},
        }
        folder = write(tmp_path, {"Shop": stack(needs=("Shop.assets",)), "Shop.assets": assets})
        [found] = CloudAssembly.read(folder).stacks
        [files] = [manifest.files for manifest in found.assets]
        assert [(each.source, each.packaging, each.bucket, each.key, each.region) for each in files] == [
            (tmp_path / "asset.1", "zip", "b", "1.zip", "eu-west-1")
        ]
        assert (found.assets[0].images, found.bootstrap_parameter) == (("2",), "/cdk-bootstrap/x/version")

    def test_construct_paths_come_from_wherever_the_assembly_tells_them(self, tmp_path: Path) -> None:
        told = {"/Shop/One/Resource": [{"type": "aws:cdk:logicalId", "data": "One1"}], "/Shop": [3], "/x": 4}
        more = {"/Shop/Two/Default": [{"type": "aws:cdk:logicalId", "data": "Two2"}]}
        artifact = {**stack(), "metadata": told, "additionalMetadataFile": "Shop.metadata.json"}
        folder = write(tmp_path, {"Shop": artifact})
        (folder / "Shop.metadata.json").write_text(json.dumps(more))
        resources = {"Three": {"Metadata": {"aws:cdk:path": "Shop/Three/Resource"}}, "Four": {"Metadata": 3}}
        (folder / "Shop.template.json").write_text(json.dumps({"Resources": resources}))
        [found] = CloudAssembly.read(folder).stacks
        paths = [found.construct_path(each) for each in ("One1", "Two2", "Three", "Four")]
        assert paths == ["Shop/One", "Shop/Two", "Shop/Three", "Four"]

    def test_resources_that_are_no_objects_are_left_out(self, tmp_path: Path) -> None:
        folder = write(tmp_path, {"Shop": stack()})
        (folder / "Shop.template.json").write_text(json.dumps({"Resources": {"A": {"Type": "x"}, "B": 3}}))
        assert list(CloudAssembly.read(folder).stacks[0].resources) == ["A"]


class TestRefusals:
    def test_a_folder_without_manifest(self, tmp_path: Path) -> None:
        assert refusal(tmp_path) == (
            "there is no such file\n"
            f"  at:  {tmp_path / 'manifest.json'}\n"
            "  fix: name the folder that `cdk synth` writes (cdk.out), which holds manifest.json"
        )

    @pytest.mark.parametrize(
        "content", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b"null", b"[]", b'"text"', b"{}", b'{"version": 3}']
    )
    def test_a_manifest_that_is_something_else(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "manifest.json").write_bytes(content)
        assert f"at:  {tmp_path / 'manifest.json'}" in refusal(tmp_path)

    @pytest.mark.parametrize(
        ("artifacts", "what"),
        [
            ([], "`artifacts` is a list, not an object"),
            ({"A": 1}, "`artifacts.A` is a number, not an object"),
            ({"A": {}}, "`artifacts.A.type` is missing"),
            ({"A": {"type": "aws:cloudformation:stack"}}, "`artifacts.A.properties.templateFile` is missing"),
            ({"A": stack(needs=("B",))}, "artifact A depends on B, which the manifest does not have"),
            ({"A": stack(needs=("A",))}, "artifacts depend on each other in a circle: A -> A"),
            ({"A": {**stack(), "dependencies": [3]}}, "`artifacts.A.dependencies` is a number, not a string"),
            ({"A": stack(parameters={"P": 3})}, "`artifacts.A.properties.parameters.P` is a number, not a string"),
            ({"A": {**stack(), "environment": "here"}}, "has the environment 'here', not aws://<account>/<region>"),
            ({"A": stack("../secret.json")}, "artifacts.A names a file outside the assembly: ../secret.json"),
            ({"A": stack("/etc/passwd")}, "artifacts.A names a file outside the assembly: /etc/passwd"),
            ({"A": stack("a\0b")}, "artifacts.A names a file that cannot exist: 'a\\x00b'"),
            (
                {"A": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "."}}},
                "the assembly contains itself",
            ),
        ],
    )
    def test_a_manifest_says_what_is_wrong_with_it(self, tmp_path: Path, artifacts: object, what: str) -> None:
        folder = write(tmp_path, artifacts)
        text = refusal(folder)
        assert what in text
        assert text.endswith(f"\n  at:  {folder / 'manifest.json'}\n  fix: {FIX}")

    @pytest.mark.parametrize("template", ["", "[]", "{}", '{"Resources": []}'])
    def test_a_template_without_resources(self, tmp_path: Path, template: str) -> None:
        folder = write(tmp_path, {"Shop": stack()})
        (folder / "Shop.template.json").write_text(template)
        assert f"at:  {folder / 'Shop.template.json'}" in refusal(folder)

    def test_a_template_that_is_missing(self, tmp_path: Path) -> None:
        assert refusal(write(tmp_path, {"A": stack("gone.json")})).startswith("there is no such file")

    def test_every_lookup_that_is_missing_is_named(self, tmp_path: Path) -> None:
        folder = write(tmp_path, {"A": stack()}, missing=[{"key": "vpc-provider:x"}, {"key": "ami:y"}])
        text = refusal(folder)
        assert "looked up in a real account: vpc-provider:x" in text
        assert "looked up in a real account: ami:y" in text
        assert "cdk.context.json" in text

    @pytest.mark.parametrize(
        ("asset", "what"),
        [
            ({"source": {"path": "gone"}}, "asset 1 is missing: "),
            ({"source": {"path": "a\0"}}, "asset 1 is missing: "),
            ({"source": {"path": "x" * 5000}}, "asset 1 is missing: "),
            ({"source": {"path": ".", "packaging": "rar"}}, "wants to be packaged as 'rar'"),
            ({"source": {"executable": ["make"]}}, "asset 1 is made by a program of its own"),
            ({"source": {}}, "`files.1.source.path` is missing"),
            ({"source": {"path": "."}, "destinations": {"a": {}}}, "`files.1.destinations.a.bucketName` is missing"),
        ],
    )
    def test_an_asset_that_cannot_be_uploaded(self, tmp_path: Path, asset: object, what: str) -> None:
        (tmp_path / "Shop.assets.json").write_text(json.dumps({"files": {"1": asset}}))
        assets = {"type": "cdk:asset-manifest", "properties": {"file": "Shop.assets.json"}}
        folder = write(tmp_path, {"Shop": stack(needs=("Shop.assets",)), "Shop.assets": assets})
        assert what in refusal(folder)
