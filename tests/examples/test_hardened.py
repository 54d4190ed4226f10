"""The examples as auditors want them: what NIST 800-53, HIPAA and PCI DSS still find, each of it in docs/stages.md."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import cdk_nag
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_secretsmanager as secretsmanager
from syrupy.extensions.json import JSONSnapshotExtension

import constructs_lib
from app import compose
from constructs_lib import (
    Alerts,
    Canary,
    Dashboard,
    Defaults,
    Iam,
    KeptVersions,
    ParameterPath,
    Provisioned,
    QueueWorker,
    RelationalDatabase,
    Schedule,
    SecretField,
    SecretRotation,
    SecureApi,
    SecureApiFunction,
    SecureFunction,
    SecureRestApi,
    Throttle,
    Topic,
    defaults_of,
)
from constructs_lib.assembly import CloudAssembly
from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.check import check
from constructs_lib.guards.finding import Severity
from tests.constructs.test_keys_elsewhere import cycle_in
from tests.templates import resources_of
from tests.test_docs import blocks_of

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/stages.md").read_text()

# Everything that is still found, and by whom. docs/stages.md says of each why it stays.
LEFT = {
    "NIST80053R5Checks": {
        "NIST.800.53.R5-DynamoDBInBackupPlan",
        "NIST.800.53.R5-S3BucketReplicationEnabled",
        "NIST.800.53.R5-S3DefaultEncryptionKMS",
        "NIST.800.53.R5-RDSInBackupPlan",
    },
    "HIPAASecurityChecks": {
        "HIPAA.Security-DynamoDBInBackupPlan",
        "HIPAA.Security-S3BucketReplicationEnabled",
        "HIPAA.Security-S3DefaultEncryptionKMS",
        "HIPAA.Security-RDSInBackupPlan",
    },
    "PCIDSS321Checks": {"PCI.DSS.321-S3BucketReplicationEnabled", "PCI.DSS.321-S3DefaultEncryptionKMS"},
    "AwsSolutionsChecks": set(),
    "ServerlessChecks": set(),
}
MOST = 4
GREET = "lambda_src/greeting/greet.ts"
HASHES = re.compile(r"[0-9a-f]{64}(?=\.(zip|json))|(?<=CurrentVersion)[0-9A-Fa-f]{40}")  # of what is bundled


def compose_more(stack: cdk.Stack) -> None:
    """Put the constructs and arguments into a stack that the examples do without."""
    api = SecureRestApi(stack, "Api", auth=Iam())
    function = SecureApiFunction(
        stack,
        "Greet",
        api=api,
        route="POST /greet",
        entry=GREET,
        request={"type": "object", "required": ["name"]},
        throttle=Throttle(5, 10),
        provisioned_concurrency=Provisioned(2, up_to=8, schedule={"cron(30 7 * * ? *)": 4}),
    )
    Topic(stack, "Topic").subscribe(function)
    Schedule(stack, "Nightly", expression="rate(1 day)", target=function)
    QueueWorker(stack, "Emails", entry=GREET, fifo=True, idempotent=True)

    key = secretsmanager.Secret(stack, "Key", encryption_key=defaults_of(stack).encryption_key)
    SecretRotation(stack, "Rotation", secret=key, entry=GREET)
    wide = SecureApi(stack, "Wide", auth=Iam(), nest_functions=True)
    SecureApiFunction(stack, "Nested", api=wide, route="GET /nested", entry=GREET)
    charge = SecureApiFunction(
        stack,
        "Charge",
        api=api,
        route="POST /charges",
        entry=GREET,
        secrets={"STRIPE_KEY": SecretField(key, "password"), "CONFIG": ParameterPath("/shop/prod")},
        canary=Canary(percent=10, minutes=15, before=SecureFunction(stack, "Probe", entry=GREET)),
    )
    KeptVersions(stack, "Versions", of=[charge], count=3)
    SecureApiFunction(
        stack, "List", api=api, route="GET /users", entry="lambda_src/users/list_users.py", snap_start=True
    )
    archive = RelationalDatabase(stack, "Archive", engine="mysql", data_api=True)
    archive.grant_data_api(charge, "ExecuteStatement", user="archivist")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> cdk.Stage:
    """Production, hardened, in the VPC of a landing zone."""
    context = {**json.loads((ROOT / "cdk.json").read_text())["context"], "aws:cdk:bundling-stacks": []}
    folder = tmp_path_factory.mktemp("hardened")
    app = cdk.App(outdir=str(folder), analytics_reporting=False, context=context)
    stage = Defaults.prod(hardened=True).apply(cdk.Stage(app, "prod"))
    operations = cdk.Stack(stage, "Operations")
    vpc = ec2.Vpc.from_vpc_attributes(
        operations,
        "Vpc",
        vpc_id="vpc-0a1b2c3d4e5f60718",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        isolated_subnet_ids=["subnet-0a1b2c3d4e5f60718", "subnet-1a1b2c3d4e5f60718"],
    )
    Defaults(vpc=vpc).apply(stage)
    Alerts(operations, "Alerts", of=stage, email="oncall@example.com")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        compose(stage)
        compose_more(cdk.Stack(stage, "More"))
        Dashboard(cdk.Stack(stage, "Overview"), "Dashboard", of=stage)
        app.synth()
    return stage


@pytest.fixture(scope="module")
def assembly(stage: cdk.Stage) -> CloudAssembly:
    return CloudAssembly.read(Path(stage.outdir).parent, deployable=False)


@pytest.mark.parametrize("pack", LEFT)
def test_what_is_still_found_is_exactly_what_is_explained(stage: cdk.Stage, pack: str) -> None:
    stacks = [each for each in stage.node.children if isinstance(each, cdk.Stack)]
    rules: Any = getattr(cdk_nag, pack)()
    found = {violation.rule_name for each in stacks for violation in rules.validate_scope(each).violations}
    assert found == LEFT[pack]
    assert len(found) <= MOST
    explained = set(re.findall(r"^\| `([A-Z][A-Za-z0-9]+)` \|", PAGE, re.MULTILINE))
    assert {name.rpartition("-")[2] for name in found} <= explained


def test_the_page_explains_nothing_that_is_not_found() -> None:
    explained = set(re.findall(r"^\| `([A-Z][A-Za-z0-9]+)` \|", PAGE, re.MULTILINE))
    assert explained == {name.rpartition("-")[2] for names in LEFT.values() for name in names}


def test_a_vpc_of_ones_own_and_backups_are_found_as_the_page_says(app: cdk.App) -> None:
    known: dict[str, Any] = {name: getattr(constructs_lib, name) for name in constructs_lib.__all__}
    known |= {"__name__": "docs", "app": app, "cdk": cdk}
    for runs, code in blocks_of(ROOT / "docs/stages.md"):
        if runs:
            exec(compile(code, "docs/stages.md", "exec"), known)
    app.synth()
    stacks = [each for each in known["sealed"].node.children if isinstance(each, cdk.Stack)]
    found = {
        violation.rule_name.rpartition("-")[2]
        for pack in ("NIST80053R5Checks", "HIPAASecurityChecks", "PCIDSS321Checks")
        for each in stacks
        for violation in getattr(cdk_nag, pack)().validate_scope(each).violations
    }
    assert found == {"VPCDefaultSecurityGroupClosed"}


@pytest.mark.parametrize("name", ["More", "Operations"])
def test_template_is_as_it_was_reviewed(assembly: CloudAssembly, name: str, snapshot: SnapshotAssertion) -> None:
    """Of what the examples do without, and who is told; the examples have theirs as they stand."""
    [template] = [dict(each.template) for each in assembly.stacks if each.path == f"prod/{name}"]
    assert json.loads(HASHES.sub("[hash]", json.dumps(template))) == snapshot(extension_class=JSONSnapshotExtension)


def test_the_guards_find_nothing(assembly: CloudAssembly) -> None:
    report = check(Assembly.read(assembly.folder))
    assert [str(each) for each in report.findings if each.severity is not Severity.INFO] == []
    assert [str(each) for each in (*report.unknowns, *report.failures)] == []


def test_nothing_waits_for_itself(assembly: CloudAssembly) -> None:
    assert {each.path: cycle_in(dict(each.template)) for each in assembly.stacks} == {
        each.path: [] for each in assembly.stacks
    }


def test_every_function_is_inside_has_a_limit_and_keeps_what_failed(assembly: CloudAssembly) -> None:
    functions = [
        (each.construct_path(name), function["Properties"])
        for each in assembly.stacks
        for name, function in resources_of(dict(each.template), "AWS::Lambda::Function").items()
    ]
    assert len(functions) > 15
    for path, properties in functions:
        assert properties["ReservedConcurrentExecutions"] in {10, 20}, path  # 20 where the example says so
        assert len(properties["VpcConfig"]["SubnetIds"]) == 2, path
        assert "TargetArn" in properties["DeadLetterConfig"], path


def test_each_stack_has_one_key_that_turns_every_year(assembly: CloudAssembly) -> None:
    for each in assembly.stacks:
        keys = resources_of(dict(each.template), "AWS::KMS::Key")
        assert all(key["Properties"]["EnableKeyRotation"] is True for key in keys.values()), each.path
        assert len(keys) == 1, each.path


@pytest.mark.parametrize(
    ("kind", "names_key"),
    [
        ("AWS::DynamoDB::Table", lambda properties: properties["SSESpecification"]["KMSMasterKeyId"]),
        ("AWS::SQS::Queue", lambda properties: properties["KmsMasterKeyId"]),
        ("AWS::Logs::LogGroup", lambda properties: properties["KmsKeyId"]),
        ("AWS::SecretsManager::Secret", lambda properties: properties["KmsKeyId"]),
        ("AWS::RDS::DBCluster", lambda properties: properties["KmsKeyId"]),
        ("AWS::RDS::DBCluster", lambda properties: properties["MasterUserSecret"]["KmsKeyId"]),
    ],
)
def test_what_is_stored_is_under_it(assembly: CloudAssembly, kind: str, names_key: Any) -> None:
    found = 0
    for each in assembly.stacks:
        [key] = resources_of(dict(each.template), "AWS::KMS::Key")
        for resource in resources_of(dict(each.template), kind).values():
            assert names_key(resource["Properties"]) == {"Fn::GetAtt": [key, "Arn"]}, each.path
            found += 1
    assert found > 0
