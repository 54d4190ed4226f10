"""Clients that a handler makes on every call, in the code of the template and of the bundles beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from constructs_lib import SecureFunction
from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.finding import Finding
from constructs_lib.guards.rules import rule_of
from tests.guards.rules.judged import function, judged
from tests.templates import resources_of, template_of

RULE = "clients-are-made-once"
HASH = "cd" * 32
S3 = 'import { S3Client } from "@aws-sdk/client-s3";\n'


def python(code: str) -> dict[str, Any]:
    return {"Report": function(Runtime="python3.14", Handler="index.handler", Code={"ZipFile": code})}


def script(code: str) -> dict[str, Any]:
    return {"Report": function(Runtime="nodejs24.x", Handler="index.handler", Code={"ZipFile": code})}


class TestPython:
    def test_says_where_and_how_to_mend_it(self) -> None:
        code = "import boto3\n\ndef handler(event, context):\n    return boto3.client('s3')\n"
        [found] = judged(RULE, python(code))
        assert found == (
            "warning: index.py makes a client on every call: boto3.client at line 4\n"
            "  at:  Shop/Report (AWS::Lambda::Function)\n"
            "  fix: make it once, outside of the handler"
        )

    @pytest.mark.parametrize(
        "code",
        [
            "import boto3 as aws\ndef handler(e, c):\n    return aws.resource('s3')",
            "from boto3 import client as make\nasync def handler(e, c):\n    return make('s3', region_name='eu')",
            "import boto3\ndef handler(e, c):\n    return boto3.Session().client('s3')",
            "import boto3\ndef handler(e, c):\n    return table()\ndef table():\n    return boto3.client('s3')",
            "import boto3\ndef handler(e, c):\n    for each in e:\n        boto3.client('s3').put_object(Key=each)",
            "import boto3\n@traced\ndef handler(e, c):\n    if e:\n        return boto3.client('s3')",
            "import boto3.session\nimport boto3\ndef handler(e, c):\n    return boto3.session.Session()",
            "import boto3\ndef handler(e, c):\n    if e:\n        return None\n    return boto3.client('s3')",
        ],
    )
    def test_sees_it_in_whatever_form(self, code: str) -> None:
        assert len(judged(RULE, python(code))) == 1

    @pytest.mark.parametrize(
        "code",
        [
            "import boto3\ns3 = boto3.client('s3')\ndef handler(e, c):\n    return s3.get_object()",
            "import boto3\ns3 = None\ndef handler():\n    global s3\n    if s3 is None:\n        s3 = boto3.client('')",
            "import boto3\ns3 = None\ndef handler(e, c):\n    global s3\n    s3 = s3 or boto3.client('s3')",
            "import boto3\nkept = {}\ndef handler(e, c):\n    if 3 not in kept:\n        kept[3] = boto3.client('s3')",
            "import boto3\ndef handler(e, c):\n    return boto3.client('s3', region_name=e['region'])",
            "import boto3\ndef handler(e, c):\n    key = e['key']\n    return boto3.client('s3', endpoint_url=key)",
            "import boto3\ndef handler(e, c):\n    return boto3.client('s3', aws_session_token=TOKEN)",
            "import boto3\ndef handler(e, c):\n    return boto3.client('s3', **SETTINGS)",
            "import boto3\ndef handler(e, c):\n    return s3()\n@cache\ndef s3():\n    return boto3.client('s3')",
            "import boto3\ndef other():\n    return boto3.client('s3')\ndef handler(e, c):\n    return 1",
            "import boto3\ndef handler(e, c):\n    class Later:\n        s3 = boto3.client('s3')",
            "import boto3\ndef handler(e):\n    s()\ndef s():\n    if k:\n        return k\n    k = boto3.client('')",
            "import other as boto3\ndef handler(e, c):\n    return boto3.client('s3')",
            "def handler(e, c):\n    return boto3.client(",
            "",
        ],
    )
    def test_says_nothing_of_what_is_made_once_or_differs(self, code: str) -> None:
        assert judged(RULE, python(code)) == []


class TestScript:
    def test_says_where(self) -> None:
        code = S3 + "export const handler = async () => {\n  const s3 = new S3Client({});\n};\n"
        [found] = judged(RULE, script(code))
        assert found == (
            "warning: index.js makes a client on every call: new S3Client at line 3\n"
            "  at:  Shop/Report (AWS::Lambda::Function)\n"
            "  fix: make it once, outside of the handler"
        )

    @pytest.mark.parametrize(
        "code",
        [
            "export async function handler(event: Event): Promise<A> { new S3Client({ region: process.env.REGION }) }",
            "export const handler: Handler<A, B> = middy(async (e) => {\n  new S3Client();\n}).use(logs());",
            "const handler = async () => { new S3Client({ maxAttempts: 3 }); };\nexport { handler };",
            "exports.handler = async () => { new S3Client({}); };",
            "export const handler = async (e) => { const t = `${e} {`; const r = /[{]/; new S3Client({}); };",
            "export const handler = async (e) => new S3Client({});",
            "export const handler = async () => { made().send(); };\nfunction made() { return new S3Client({}); }",
            "const listed = async () => { new S3Client({}); };\nexport const handler = middy(listed).use(logs());",
            "const made = (): S3Client => new S3Client({});\nexport const handler = async (e) => { made(); made(); };",
            "export const handler = async (e) => { if (e) { return; }\n new S3Client({}); };",
            'import * as sdk from "@aws-sdk/client-sqs";\nexport async function handler() { new sdk.SQSClient({}); }',
            'var sdk = require("@aws-sdk/client-sqs");\nexports.handler = async (e) => { new sdk.SQS({}); };',
            'import { AppMesh } from "@aws-sdk/client-app-mesh";\nlet handler = e => new AppMesh()',
        ],
    )
    def test_sees_it_in_whatever_form(self, code: str) -> None:
        assert len(judged(RULE, script(S3 + code))) == 1

    @pytest.mark.parametrize(
        "code",
        [
            "const s3 = new S3Client({});\nexport const handler = async () => { await s3.send(x); };",
            "export const handler = wrap({ client: new S3Client({}) }, async () => { return 1; });",
            "let s3;\nexport const handler = async () => { s3 ??= new S3Client({}); };",
            "let s3;\nexport const handler = async () => { if (!s3) { s3 = new S3Client({}); } };",
            "let s3;\nexport const handler = async () => { if (s3 === undefined) s3 = new S3Client({}); };",
            "export const handler = async (e) => { new S3Client({ region: e.region }); };",
            "export const handler = async (e) => { new S3Client({ credentials: await assumed() }); };",
            "export const handler = async () => { // new S3Client({})\n  const a = 'new S3Client({})'; };",
            "function made() { if (s3) return s3; s3 = new S3Client({}); }\nexports.handler = () => { made(); };",
            "let s3;\nconst made = () => new S3Client({});\nexport const handler = async () => { s3 ??= made(); };",
            "const made = once(() => { return new S3Client({}); });\nexport const handler = async () => { made(); };",
            "const made = (region) => new S3Client({ region });\nexport const handler = async (e) => { made(e); };",
            "export const handler = async () => { other.made(); };\nfunction made() { return new S3Client({}); }",
            "export const handler = async () => { return; };\nexport const other = async () => { new S3Client({}); };",
        ],
    )
    def test_says_nothing_of_what_is_made_once_or_differs(self, code: str) -> None:
        assert judged(RULE, script(S3 + code)) == []

    def test_knows_no_client_that_is_not_of_the_sdk(self) -> None:
        code = 'import { S3Client } from "./mine";\nexport const handler = async () => { new S3Client({}); };'
        assert judged(RULE, script(code)) == []

    def test_knows_a_client_by_the_name_the_file_gives_it(self) -> None:
        code = (
            'const { S3Client: Bucket } = require("@aws-sdk/client-s3");\nexports.handler = () => { new Bucket({}); };'
        )
        [found] = judged(RULE, script(code))
        assert "new Bucket at line 2" in found


class TestBundles:
    def test_reads_the_file_with_the_handler(self, tmp_path: Path) -> None:
        code = "import boto3\ndef handler(e, c):\n    return boto3.client('s3')\n"
        file = tmp_path / f"asset.{HASH}" / "users" / "list.py"
        file.parent.mkdir(parents=True)
        file.write_text(code)
        (file.parent / "other.py").write_text(code)
        told = {"Runtime": "python3.14", "Handler": "users.list.handler", "Code": {"S3Key": f"{HASH}.zip"}}
        template = tmp_path / "Shop.template.json"
        template.write_text(json.dumps({"Resources": {"List": {"Type": "AWS::Lambda::Function", "Properties": told}}}))
        [found] = rule_of(RULE)(Assembly.read(template))
        assert isinstance(found, Finding)
        assert found.problem.startswith("users/list.py makes a client")

    @pytest.mark.parametrize("handler", ["../../outside.handler", "handler", "", "absent.handler"])
    def test_reads_nothing_else(self, tmp_path: Path, handler: str) -> None:
        (tmp_path / f"asset.{HASH}").mkdir()
        (tmp_path / "outside.py").write_text("import boto3\ndef handler(e, c):\n    return boto3.client('s3')\n")
        told = {"Runtime": "python3.14", "Handler": handler, "Code": {"S3Key": f"{HASH}.zip"}}
        template = tmp_path / "Shop.template.json"
        template.write_text(json.dumps({"Resources": {"List": {"Type": "AWS::Lambda::Function", "Properties": told}}}))
        assert list(rule_of(RULE)(Assembly.read(template))) == []


class TestOurOwn:
    """A TypeScript handler is minified in its bundle, so what it makes stands in the metadata of the function."""

    def test_is_said_of_typescript(self, stack: cdk.Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "cdk.json").write_text("{}")
        (tmp_path / "save.ts").write_text(S3 + "export const handler = async () => {\n  new S3Client({});\n};\n")
        monkeypatch.chdir(tmp_path)
        SecureFunction(stack, "Save", entry="save.ts")
        template = template_of(stack)
        [told] = resources_of(template, "AWS::Lambda::Function").values()
        assert told["Metadata"] == {
            "constructs-lib:clients-in-handler": [{"file": "save.ts", "line": 3, "what": "new S3Client"}]
        }
        [found] = rule_of(RULE)(Assembly.of({"Shop": template}))
        assert isinstance(found, Finding)
        assert found.problem == "save.ts makes a client on every call: new S3Client at line 3"

    @pytest.mark.parametrize(
        "told", ["text", [], [None], [{"line": "x"}], [{}], {"line": 1}, [{"line": True, "what": 5}]]
    )
    def test_takes_whatever_the_metadata_say(self, told: Any) -> None:
        report = {**function(Runtime="nodejs24.x"), "Metadata": {"constructs-lib:clients-in-handler": told}}
        assert all("makes a client" in each for each in judged(RULE, {"Report": report}))
