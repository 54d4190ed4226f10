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

        create = SecureApiFunction(
            self,
            "CreateUser",
            api=api,
            route="POST /users",
            entry="lambda_src/users/create_user.ts",
            example={"body": {"id": "ada", "name": "Ada Lovelace", "email": "ada@example.com"}},
        )
        users.grant(create, "PutItem", env="USERS_TABLE")

        read = SecureApiFunction(
            self,
            "ReadUser",
            api=api,
            route="GET /users/{id}",
            entry="lambda_src/users/read_user.ts",
            example={"path": "/users/ada"},
        )
        users.grant(read, "GetItem", env="USERS_TABLE")

        list_all = SecureApiFunction(
            self, "ListUsers", api=api, route="GET /users", entry="lambda_src/users/list_users.py"
        )
        users.grant(list_all, "Scan", env="USERS_TABLE")

        delete = SecureApiFunction(
            self,
            "DeleteUser",
            api=api,
            route="DELETE /users/{id}",
            entry="lambda_src/users/delete_user.ts",
            example={"path": "/users/ada"},
        )
        users.grant(delete, "DeleteItem", env="USERS_TABLE")
