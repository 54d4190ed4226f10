"""A REST API is deployed once its methods are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.api_routes import REST_API
from constructs_lib.assembly.resource import Resource
from constructs_lib.guards.finding import Severity, finding
from constructs_lib.guards.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.guards.finding import Finding, Unknown

METHOD, DEPLOYMENT, API = "AWS::ApiGateway::Method", "AWS::ApiGateway::Deployment", "RestApiId"


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """The deployment of a REST API depends on the methods it deploys.

    Why it matters: CloudFormation makes at once what does not depend on each other. A deployment that comes before the
    methods fails, since the API has none, or takes only those that happen to be there.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-deployment.html

    Refuses: a deployment beside methods of its API, of which `DependsOn` names none.

    Accepts: `DependsOn` one of them or more, as the CDK writes it; an API that is described by its `Body`.
    """
    methods: dict[Resource, list[Resource]] = {}
    for method in assembly.of_type(METHOD):
        api = assembly.target(method.value(API), REST_API)
        if isinstance(api, Resource):
            methods.setdefault(api, []).append(method)
    for deployment in assembly.of_type(DEPLOYMENT):
        api = assembly.target(deployment.value(API), REST_API)
        beside = methods.get(api, []) if isinstance(api, Resource) else []
        names = [each.logical_id for each in beside if each.stack is deployment.stack]
        if names and not set(names) & set(deployment.depends_on):
            yield finding(
                deployment,
                problem=f"it does not wait for {names[0]}: the API may have no methods yet when it is deployed",
                fix=f"set DependsOn to {', '.join(names)}",
            )
