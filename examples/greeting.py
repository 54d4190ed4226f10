"""Hello, world: one public route, one function, no data."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from constructs_lib import Public, SecureApi, SecureApiFunction


class Greeting(cdk.Stack):
    """Greet whoever asks: `POST /greet` with `{"name": "Ada"}`."""

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 - CDK's name
        super().__init__(scope, id, description="Greeting: one public route, one function")
        api = SecureApi(self, "Api", auth=Public("a demonstration: it greets anybody and keeps nothing"))
        SecureApiFunction(
            self,
            "Greet",
            api=api,
            route="POST /greet",
            entry="lambda_src/greeting/greet.ts",
            example={"body": {"name": "Ada"}},
        )
