"""What a worker remembers of the messages it has handled."""

from __future__ import annotations

import inspect
import re

import aws_cdk as cdk

from constructs_lib import QueueWorker
from tests.templates import permissions_of, resources_of, template_of

ENTRY = "lambda_src/greeting/greet.ts"
ROLE = "EmailsFunctionIdentityRole"


class TestIdempotency:
    def test_what_was_handled_is_remembered_in_a_table_that_forgets(self, stack: cdk.Stack) -> None:
        worker = QueueWorker(stack, "Emails", entry=ENTRY, idempotent=True)
        assert worker.idempotency_table is not None
        [table] = resources_of(template_of(stack), "AWS::DynamoDB::Table").values()
        assert table["Properties"]["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
        assert table["Properties"]["TimeToLiveSpecification"] == {"AttributeName": "expiration", "Enabled": True}
        assert table["DeletionPolicy"] == "Delete"
        assert set(table["Metadata"]["constructs-lib:waived"]) == {
            "point_in_time_recovery",
            "deletion_protection",
            "retain",
        }

    def test_the_function_knows_the_table_and_may_do_what_powertools_does(self, stack: cdk.Stack) -> None:
        QueueWorker(stack, "Emails", entry=ENTRY, idempotent=True)
        template = template_of(stack)
        [table] = resources_of(template, "AWS::DynamoDB::Table")
        [function] = resources_of(template, "AWS::Lambda::Function").values()
        assert function["Properties"]["Environment"]["Variables"]["IDEMPOTENCY_TABLE"] == {"Ref": table}
        assert {each for each in permissions_of(template, ROLE) if each[0].startswith("dynamodb:")} == {
            ("dynamodb:DeleteItem", f"{table}.Arn"),
            ("dynamodb:GetItem", f"{table}.Arn"),
            ("dynamodb:PutItem", f"{table}.Arn"),
            ("dynamodb:UpdateItem", f"{table}.Arn"),
        }

    def test_the_actions_are_those_that_the_utility_calls(self) -> None:
        """The twin of the test above: read from the source of Powertools for Python."""
        from aws_lambda_powertools.utilities.idempotency.persistence import dynamodb as layer  # noqa: PLC0415 - slow

        called = set(re.findall(r"self\.client\.(\w+_item)\(", inspect.getsource(layer)))
        assert called == {"get_item", "put_item", "update_item", "delete_item"}

    def test_there_is_no_table_unless_asked_for(self, stack: cdk.Stack) -> None:
        assert QueueWorker(stack, "Emails", entry=ENTRY).idempotency_table is None
        assert resources_of(template_of(stack), "AWS::DynamoDB::Table") == {}
