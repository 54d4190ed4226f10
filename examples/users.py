"""Users in a table: four routes, four functions, and each may do one thing to the table."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from constructs_lib import DynamoTable, Iam, SecureApi, SecureApiFunction


class Users(cdk.Stack):
    """Create, read, list and delete users, for callers with AWS credentials."""

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 - CDK's name
        super().__init__(scope, id, description="Users: four routes over one table")
        users = DynamoTable(self, "Users", partition_key="id")
        api = SecureApi(self, "Api", auth=Iam())
        where = {"USERS_TABLE": users.table_name}  # apart from the grants: remove one, and see the call denied

        create = SecureApiFunction(
            self,
            "CreateUser",
            api=api,
            route="POST /users",
            entry="lambda_src/users/create_user.ts",
            environment=where,
            example={"body": {"id": "ada", "name": "Ada Lovelace", "email": "ada@example.com"}},
        )
        users.grant(create, "PutItem")

        read = SecureApiFunction(
            self,
            "ReadUser",
            api=api,
            route="GET /users/{id}",
            entry="lambda_src/users/read_user.ts",
            environment=where,
            example={"path": "/users/ada"},
        )
        users.grant(read, "GetItem")

        list_all = SecureApiFunction(
            self,
            "ListUsers",
            api=api,
            route="GET /users",
            entry="lambda_src/users/list_users.py",
            environment=where,
        )
        users.grant(list_all, "Scan")

        delete = SecureApiFunction(
            self,
            "DeleteUser",
            api=api,
            route="DELETE /users/{id}",
            entry="lambda_src/users/delete_user.ts",
            environment=where,
            example={"path": "/users/ada"},
        )
        users.grant(delete, "DeleteItem")
