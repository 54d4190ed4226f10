from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from constructs_lib import DynamoTable, PropError, SecureFunction, Waived
from tests.templates import permissions_of, resources_of, template_of

ENTRY = "lambda_src/greeting/greet.ts"


def table_in(template: dict[str, Any]) -> dict[str, Any]:
    [table] = resources_of(template, "AWS::DynamoDB::Table").values()
    assert isinstance(table, dict)
    return table


def granted(template: dict[str, Any]) -> set[tuple[str, str]]:
    """What the function Worker may do with tables and keys, the table's logical id shortened."""
    [name] = resources_of(template, "AWS::DynamoDB::Table")
    return {
        (action, resource.replace(name, "Users"))
        for action, resource in permissions_of(template, "WorkerIdentityRole")
        if action.startswith(("dynamodb:", "kms:"))
    }


@pytest.fixture
def worker(stack: cdk.Stack) -> SecureFunction:
    return SecureFunction(stack, "Worker", entry=ENTRY)


class TestDefaults:
    def test_on_demand_encrypted_recoverable_protected_and_retained(self, stack: cdk.Stack) -> None:
        DynamoTable(stack, "Users", partition_key="id")
        table = table_in(template_of(stack))
        assert table["Properties"] == {
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
            "DeletionProtectionEnabled": True,
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "SSESpecification": {"SSEEnabled": True},
        }
        assert table["DeletionPolicy"] == "Retain"
        assert table["UpdateReplacePolicy"] == "Retain"

    def test_keys_time_to_live_and_stream(self, stack: cdk.Stack) -> None:
        DynamoTable(
            stack,
            "Users",
            partition_key="id",
            sort_key=dynamodb.Attribute(name="at", type=dynamodb.AttributeType.NUMBER),
            time_to_live_attribute="expires_at",
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
        )
        table = table_in(template_of(stack))["Properties"]
        assert table["KeySchema"] == [
            {"AttributeName": "id", "KeyType": "HASH"},
            {"AttributeName": "at", "KeyType": "RANGE"},
        ]
        assert {"AttributeName": "at", "AttributeType": "N"} in table["AttributeDefinitions"]
        assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
        assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}

    @pytest.mark.parametrize(
        ("only", "projection"),
        [
            (None, {"ProjectionType": "ALL"}),
            ([], {"ProjectionType": "KEYS_ONLY"}),
            (["name"], {"NonKeyAttributes": ["name"], "ProjectionType": "INCLUDE"}),
        ],
    )
    def test_indexes(self, stack: cdk.Stack, only: list[str] | None, projection: dict[str, Any]) -> None:
        users = DynamoTable(stack, "Users", partition_key="id")
        assert users.add_index("ByEmail", partition_key="email", only=only) == "ByEmail"
        [index] = table_in(template_of(stack))["Properties"]["GlobalSecondaryIndexes"]
        assert index["IndexName"] == "ByEmail"
        assert index["Projection"] == projection

    def test_the_logical_id_of_the_table_stays(self, stack: cdk.Stack) -> None:
        DynamoTable(stack, "Users", partition_key="id")
        assert list(resources_of(template_of(stack), "AWS::DynamoDB::Table")) == ["UsersTable6D91A5EE"]


class TestGrants:
    def test_exactly_the_actions_on_exactly_the_table(self, stack: cdk.Stack, worker: SecureFunction) -> None:
        users = DynamoTable(stack, "Users", partition_key="id")
        users.grant(worker, "PutItem", "GetItem")
        assert granted(template_of(stack)) == {
            ("dynamodb:PutItem", "Users.Arn"),
            ("dynamodb:GetItem", "Users.Arn"),
        }

    def test_nobody_may_touch_it_before_that(self, stack: cdk.Stack, worker: SecureFunction) -> None:
        DynamoTable(stack, "Users", partition_key="id")
        assert worker.identity.grants_policy is None
        assert granted(template_of(stack)) == set()

    def test_an_index_only_when_named(self, stack: cdk.Stack, worker: SecureFunction) -> None:
        users = DynamoTable(stack, "Users", partition_key="id")
        by_email = users.add_index("ByEmail", partition_key="email")
        users.grant(worker, "GetItem")
        users.grant(worker, "Query", index=by_email)
        assert granted(template_of(stack)) == {
            ("dynamodb:GetItem", "Users.Arn"),
            ("dynamodb:Query", "Users.Arn/index/ByEmail"),
        }

    def test_env_sets_the_variable_to_the_name(self, stack: cdk.Stack, worker: SecureFunction) -> None:
        users = DynamoTable(stack, "Users", partition_key="id")
        users.grant(worker, "PutItem", env="USERS_TABLE")
        template = template_of(stack)
        [name] = resources_of(template, "AWS::DynamoDB::Table")
        [function] = resources_of(template, "AWS::Lambda::Function").values()
        assert function["Properties"]["Environment"]["Variables"]["USERS_TABLE"] == {"Ref": name}

    def test_two_grants_may_name_the_same_variable(self, stack: cdk.Stack, worker: SecureFunction) -> None:
        users = DynamoTable(stack, "Users", partition_key="id")
        users.grant(worker, "PutItem", env="USERS_TABLE")
        users.grant(worker, "GetItem", env="USERS_TABLE")
        assert len(granted(template_of(stack))) == 2

    def test_a_key_of_ones_own_may_be_used_through_dynamodb_only(
        self, stack: cdk.Stack, worker: SecureFunction
    ) -> None:
        users = DynamoTable(stack, "Users", partition_key="id", encryption_key=kms.Key(stack, "Key"))
        users.grant(worker, "GetItem")
        [decrypt] = [resource for action, resource in granted(template_of(stack)) if action == "kms:Decrypt"]
        assert "kms:ViaService" in decrypt
        assert "dynamodb." in decrypt

    def test_roles_of_others_take_grants_too(self, stack: cdk.Stack) -> None:
        users = DynamoTable(stack, "Users", partition_key="id")
        role = iam.Role(stack, "Analyst", assumed_by=iam.AccountPrincipal("111122223333"))
        users.grant(role, "Scan")
        [policy] = resources_of(template_of(stack), "AWS::IAM::Policy").values()
        [statement] = policy["Properties"]["PolicyDocument"]["Statement"]
        assert statement["Action"] == "dynamodb:Scan"

    def test_plain_functions_take_the_variable_too(self, stack: cdk.Stack) -> None:
        users = DynamoTable(stack, "Users", partition_key="id")
        plain = lambda_.Function(
            stack,
            "Plain",
            runtime=lambda_.Runtime.NODEJS_24_X,
            handler="index.handler",
            code=lambda_.Code.from_inline("exports.handler = async () => 1"),
        )
        users.grant(plain, "GetItem", env="USERS_TABLE")
        Template.from_stack(stack).has_resource_properties(
            "AWS::Lambda::Function", {"Environment": {"Variables": {"USERS_TABLE": {"Ref": "UsersTable6D91A5EE"}}}}
        )

    def test_indexes_of_the_l2_are_known(self, stack: cdk.Stack, worker: SecureFunction) -> None:
        users = DynamoTable(stack, "Users", partition_key="id")
        name = dynamodb.Attribute(name="name", type=dynamodb.AttributeType.STRING)
        users.table.add_global_secondary_index(index_name="ByName", partition_key=name)
        users.grant(worker, "Query", index="ByName")
        assert granted(template_of(stack)) == {("dynamodb:Query", "Users.Arn/index/ByName")}


class TestRefusals:
    def refused(self, stack: cdk.Stack, *actions: Any, **props: Any) -> str:
        users = DynamoTable(stack, "Users", partition_key="id")
        users.add_index("ByEmail", partition_key="email")
        with pytest.raises(PropError) as caught:
            users.grant(SecureFunction(stack, "Worker", entry=ENTRY), *actions, **props)
        return str(caught.value)

    def test_a_mistyped_action(self, stack: cdk.Stack) -> None:
        assert self.refused(stack, "PutItems").startswith(
            "'PutItems' is not an action on the items of a table: did you mean PutItem?\n"
            "  at:  Shop/Users (DynamoTable)\n"
            "  fix: grant one of BatchGetItem, "
        )

    @pytest.mark.parametrize(
        ("action", "said"),
        [
            ("*", "'*' is not an action"),
            ("Get*", "'Get*' is not an action"),
            ("dynamodb:PutItem", "did you mean PutItem?"),
            ("putitem", "did you mean PutItem?"),
            ("DeleteTable", "'DeleteTable' is not an action on the items of a table"),
            ("TransactWriteItems", "grant what it is authorized as, of PutItem, UpdateItem, DeleteItem"),
        ],
    )
    def test_actions_that_are_not_exact(self, stack: cdk.Stack, action: str, said: str) -> None:
        assert said in self.refused(stack, action)

    def test_no_action(self, stack: cdk.Stack) -> None:
        assert "no action is granted" in self.refused(stack)

    def test_an_unknown_index(self, stack: cdk.Stack) -> None:
        assert "the table has ByEmail: did you mean ByEmail?" in self.refused(stack, "Query", index="ByEmial")

    def test_an_action_that_no_index_takes(self, stack: cdk.Stack) -> None:
        assert "GetItem does not act on an index" in self.refused(stack, "GetItem", index="ByEmail")

    def test_a_variable_on_something_without_variables(self, stack: cdk.Stack) -> None:
        users = DynamoTable(stack, "Users", partition_key="id")
        role = iam.Role(stack, "Analyst", assumed_by=iam.AccountPrincipal("111122223333"))
        with pytest.raises(PropError, match="needs a function to set it on, got a Role"):
            users.grant(role, "Scan", env="USERS_TABLE")

    def test_a_variable_that_is_no_name(self, stack: cdk.Stack) -> None:
        assert "environment variable 'bad name!'" in self.refused(stack, "GetItem", env="bad name!")

    def test_a_grantee_without_a_policy(self, stack: cdk.Stack) -> None:
        users = DynamoTable(stack, "Users", partition_key="id")
        with pytest.raises(PropError, match="dynamodb:GetItem cannot be granted to a ServicePrincipal"):
            users.grant(iam.ServicePrincipal("states.amazonaws.com"), "GetItem")

    def test_keys_that_collide(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError, match="both 'id'"):
            DynamoTable(stack, "Users", partition_key="id", sort_key="id")

    def test_a_time_to_live_on_a_key(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError, match="is a key of the table"):
            DynamoTable(stack, "Users", partition_key="id", time_to_live_attribute="id")

    @pytest.mark.parametrize("name", ["", "x" * 256])
    def test_key_names_that_dynamodb_does_not_take(self, stack: cdk.Stack, name: str) -> None:
        with pytest.raises(PropError, match="wanted 1 to 255"):
            DynamoTable(stack, "Users", partition_key=name)

    @pytest.mark.parametrize("name", ["ab", "with space", "x" * 256])
    def test_index_names_that_dynamodb_does_not_take(self, stack: cdk.Stack, name: str) -> None:
        with pytest.raises(PropError, match="not one DynamoDB takes"):
            DynamoTable(stack, "Users", partition_key="id").add_index(name, partition_key="email")

    def test_an_index_that_exists(self, stack: cdk.Stack) -> None:
        users = DynamoTable(stack, "Users", partition_key="id")
        users.add_index("ByEmail", partition_key="email")
        with pytest.raises(PropError, match="exists already"):
            users.add_index("ByEmail", partition_key="email")

    @pytest.mark.parametrize("safeguard", ["point_in_time_recovery", "deletion_protection", "retain"])
    def test_a_safeguard_waived_without_a_reason(self, stack: cdk.Stack, safeguard: str) -> None:
        props: dict[str, Any] = {safeguard: False}
        with pytest.raises(PropError, match=f"{safeguard} is False"):
            DynamoTable(stack, "Users", partition_key="id", **props)

    def test_a_table_that_goes_with_the_stack_but_may_not_be_deleted(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError, match="removing the stack would fail"):
            DynamoTable(stack, "Users", partition_key="id", retain=Waived("a cache"))


class TestEscapeHatches:
    def test_waivers_leave_their_reasons_in_the_template(self, stack: cdk.Stack) -> None:
        reason = Waived("a cache: rebuilt every night")
        DynamoTable(
            stack,
            "Users",
            partition_key="id",
            point_in_time_recovery=reason,
            deletion_protection=reason,
            retain=reason,
        )
        table = table_in(template_of(stack))
        assert table["Metadata"]["constructs-lib:waived"] == {
            "point_in_time_recovery": reason.reason,
            "deletion_protection": reason.reason,
            "retain": reason.reason,
        }
        assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": False}
        assert table["Properties"]["DeletionProtectionEnabled"] is False
        assert table["DeletionPolicy"] == "Delete"

    def test_every_l2_is_reachable(self, stack: cdk.Stack) -> None:
        assert isinstance(DynamoTable(stack, "Users", partition_key="id").table, dynamodb.Table)
