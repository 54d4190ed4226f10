"""A ledger with double entry: one function posts transfers, one reads balances, each as a user of its own."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from constructs_lib import Iam, RelationalDatabase, SecureApi, SecureApiFunction


class Ledger(cdk.Stack):
    """Post a transfer, read a balance, for callers with AWS credentials."""

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 - CDK's name
        super().__init__(scope, id, description="Ledger: double entry in PostgreSQL, behind a proxy")
        ledger = RelationalDatabase(self, "Ledger", database_name="ledger", migrations="lambda_src/ledger/migrations")
        api = SecureApi(self, "Api", auth=Iam())

        post = SecureApiFunction(
            self,
            "PostTransfer",
            api=api,
            route="POST /transfers",
            entry="lambda_src/ledger/post_transfer.ts",
            reserved_concurrency=20,
            example={"body": {"id": "salary-1", "from": "bank", "to": "ada", "amount": 125000}},
        )
        ledger.grant_connect(post, user="ledger_writer")

        read = SecureApiFunction(
            self,
            "ReadBalance",
            api=api,
            route="GET /accounts/{id}",
            entry="lambda_src/ledger/read_balance.py",
            reserved_concurrency=20,
            example={"path": "/accounts/ada"},
        )
        ledger.grant_connect(read, user="ledger_reader")
