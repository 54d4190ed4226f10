"""Where a bundled SDK client finds its credentials, see docs/decisions/credential-chain.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bundling.conftest import CHECKOUT, Sandbox, call_node, index_js

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example"}


@pytest.fixture
def sdk(empty_project: Sandbox) -> Sandbox:
    """A project with a stand-in for the SDK: one client, and a chain that can be told from the reduced one."""
    empty_project.package(
        "@aws-sdk/credential-provider-node",
        {"index.js": "exports.defaultProvider = () => async () => ({ accessKeyId: 'from the whole chain' });"},
    )
    empty_project.package(
        "@aws-sdk/client-things",
        {
            "index.js": "import { defaultProvider } from '@aws-sdk/credential-provider-node';\n"
            "export const client = { credentials: defaultProvider({}) };"
        },
        type="module",
    )
    empty_project.package(
        "@aws-sdk/credential-providers",
        {
            "index.js": "import { defaultProvider } from '@aws-sdk/credential-provider-node';\n"
            "export const fromNodeProviderChain = () => defaultProvider({});"
        },
        type="module",
    )
    empty_project.write(
        "client.ts",
        'import { client } from "@aws-sdk/client-things";\nexport const handler = async () => client.credentials();',
    )
    empty_project.write(
        "chain.ts",
        'import { fromNodeProviderChain } from "@aws-sdk/credential-providers";\n'
        'import { client } from "@aws-sdk/client-things";\n'
        "export const handler = async () => [client, fromNodeProviderChain()].length && fromNodeProviderChain()();",
    )
    empty_project.write(
        "direct.ts",
        'import { defaultProvider } from "@aws-sdk/credential-provider-node";\n'
        "export const handler = async () => defaultProvider()();",
    )
    return empty_project


class TestClient:
    def test_asks_the_environment_only(self, sdk: Sandbox, tmp_path: Path) -> None:
        (asset,) = sdk.node("client.ts")
        assert "from the whole chain" not in index_js(asset)
        folder = asset.stage(tmp_path)
        assert call_node(folder, env=KEYS) == {"accessKeyId": "AKIAEXAMPLE", "secretAccessKey": "example"}

    def test_takes_all_that_lambda_sets(self, sdk: Sandbox, tmp_path: Path) -> None:
        environment = {
            **KEYS,
            "AWS_SESSION_TOKEN": "token",
            "AWS_CREDENTIAL_EXPIRATION": "2026-11-23T00:00:00Z",
            "AWS_ACCOUNT_ID": "123456789012",
            "AWS_CREDENTIAL_SCOPE": "scope",
        }
        assert call_node(sdk.node("client.ts")[0].stage(tmp_path), env=environment) == {
            "accessKeyId": "AKIAEXAMPLE",
            "secretAccessKey": "example",
            "sessionToken": "token",
            "expiration": "2026-11-23T00:00:00.000Z",
            "accountId": "123456789012",
            "credentialScope": "scope",
        }

    def test_says_so_when_there_is_nothing(self, sdk: Sandbox, tmp_path: Path) -> None:
        answer = call_node(sdk.node("client.ts")[0].stage(tmp_path), env={})
        assert answer["name"] == "CredentialsProviderError"
        assert 'credentials="chain"' in answer["message"]

    def test_asks_the_whole_chain_when_told_to(self, sdk: Sandbox, tmp_path: Path) -> None:
        (asset,) = sdk.node("client.ts", credentials="chain")
        assert call_node(asset.stage(tmp_path), env=KEYS) == {"accessKeyId": "from the whole chain"}


class TestHandlerThatNamesTheChainItself:
    @pytest.mark.parametrize("entry", ["chain.ts", "direct.ts"])
    def test_gets_it(self, sdk: Sandbox, tmp_path: Path, entry: str) -> None:
        (asset,) = sdk.node(entry)
        assert call_node(asset.stage(tmp_path), env=KEYS) == {"accessKeyId": "from the whole chain"}

    def test_does_not_change_what_others_get(self, sdk: Sandbox) -> None:
        (alone,) = sdk.node("client.ts")
        other = Sandbox(sdk.folder)
        for record in (other.cache / "records").iterdir():
            record.unlink()
        _, in_company = other.node("chain.ts", "client.ts")
        assert in_company.hash == alone.hash
        assert other.launcher.tools == ["esbuild", "esbuild"]
        other.node("chain.ts", "client.ts")
        assert other.launcher.tools == ["esbuild", "esbuild"]


def test_the_real_sdk_still_asks_for_its_chain_where_the_alias_expects_it() -> None:
    """The alias replaces a package by name; a client that stopped importing it would silently get the whole chain."""
    config = CHECKOUT / "node_modules" / "@aws-sdk" / "client-dynamodb" / "dist-es" / "runtimeConfig.js"
    assert 'from "@aws-sdk/credential-provider-node"' in config.read_text()
    provider = CHECKOUT / "node_modules" / "@aws-sdk" / "credential-provider-node" / "dist-es"
    exported = {
        name.strip()
        for line in [
            *(provider / "index.js").read_text().splitlines(),
            *(provider / "defaultProvider.js").read_text().splitlines(),
        ]
        if line.startswith("export const ")
        for name in [line.removeprefix("export const ").partition(" ")[0]]
    }
    shim = (CHECKOUT / "constructs_lib" / "bundling" / "shims" / "environment_credentials.js").read_text()
    assert exported == {"defaultProvider", "credentialsWillNeedRefresh", "credentialsTreatedAsExpired"}
    assert all(f"export const {name} " in shim for name in exported)
