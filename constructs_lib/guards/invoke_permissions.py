"""What each trigger of a function needs to be let in, and which permissions there are.

https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from constructs_lib.assembly.api_routes import Kind, function_in, routes_of
from constructs_lib.assembly.arn import Arn, could_be_one
from constructs_lib.assembly.function_callers import FUNCTION, Caller, Way, callers_of
from constructs_lib.assembly.patterns.glob import iam_glob
from constructs_lib.assembly.remembered import remembered
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.value import Symbol, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from constructs_lib.assembly.api_routes import Route
    from constructs_lib.assembly.model import Assembly

MADE_UP = frozenset({"name", "attribute"})  # kinds of symbols that AWS makes up for one resource
PERMISSION = "AWS::Lambda::Permission"
INVOKE = "lambda:invokefunction"
VARIABLE = re.compile(r"\{[^}/]*\}")
REST_METHOD, ROUTE, INTEGRATION = (
    "AWS::ApiGateway::Method",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Integration",
)
APIS = ("AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api")
# Who comes in, by the type of what calls, and where that names the source that AWS tells Lambda.
PRINCIPALS: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "AWS::CloudWatch::Alarm": ("lambda.alarms.cloudwatch.amazonaws.com", (), ""),
    "AWS::CodeCommit::Repository": ("codecommit.amazonaws.com", (), ""),
    "AWS::Cognito::UserPool": ("cognito-idp.amazonaws.com", (), ""),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ("elasticloadbalancing.amazonaws.com", (), ""),
    "AWS::Events::Rule": ("events.amazonaws.com", (), ""),
    "AWS::IoT::TopicRule": ("iot.amazonaws.com", (), ""),
    "AWS::Logs::SubscriptionFilter": ("logs.amazonaws.com", ("LogGroupName",), "AWS::Logs::LogGroup"),
    "AWS::S3::Bucket": ("s3.amazonaws.com", (), ""),
    "AWS::SES::ReceiptRule": ("ses.amazonaws.com", (), ""),
    "AWS::SNS::Subscription": ("sns.amazonaws.com", ("TopicArn",), "AWS::SNS::Topic"),
    "AWS::SNS::Topic": ("sns.amazonaws.com", (), ""),
    "AWS::SecretsManager::RotationSchedule": ("secretsmanager.amazonaws.com", ("SecretId",), ""),
    "Custom::S3BucketNotifications": ("s3.amazonaws.com", ("BucketName",), "AWS::S3::Bucket"),
}
STAGE = "any-stage"
# A request to any stage, with its path and as the route has it; then the pattern that means all of them.
PUT_FOR_VARIABLES = ((STAGE, "any-value"), (STAGE, "{}"), ("*", "*"))
# Of each type: where it names its API, of which type that is, and where it names a role.
AUTHORIZERS = (
    ("AWS::ApiGateway::Authorizer", "RestApiId", "AWS::ApiGateway::RestApi", "AuthorizerCredentials"),
    ("AWS::ApiGatewayV2::Authorizer", "ApiId", "AWS::ApiGatewayV2::Api", "AuthorizerCredentialsArn"),
)
API_PRINCIPAL = "apigateway.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Entry:
    """A trigger that Lambda lets in only when a permission says so.

    Args:
        caller: The trigger.
        principal: The service that comes in.
        sources: ARNs it may come from; empty when nobody can tell.
        pattern: The same for a message, as one pattern.
    """

    caller: Caller
    principal: str
    sources: tuple[Text, ...]
    pattern: Text | None


@dataclass(frozen=True, slots=True)
class Permission:
    """A permission to invoke a function.

    Args:
        resource: The permission.
        principal: Who is let in.
        sources: From where; empty for everywhere.
        qualifier: To which version or alias.
    """

    resource: Resource
    principal: Text
    sources: tuple[Text, ...]
    qualifier: Text | None

    def is_for(self, principal: str) -> bool:
        """Whether it lets this service in, from somewhere."""
        told = str(self.principal)
        service = principal.removesuffix(".amazonaws.com")
        return told in {"*", principal} or told.startswith(f"{service}.") or self.principal.literal is None

    def is_from(self, sources: Sequence[Text]) -> bool:
        """Whether it may let in what comes from one of these."""
        return not self.sources or not sources or any(may_be(told, one) for told in self.sources for one in sources)


@remembered
def entries_of(assembly: Assembly) -> tuple[Entry, ...]:
    """Return every trigger that needs a permission."""
    routes = {(route.resource.id, route.at): route for route in routes_of(assembly)}
    found = []
    for callers in callers_of(assembly).values():
        for caller in callers:
            route = routes.get((caller.by.id, caller.at))
            if route is not None:
                if not _route_has_role(assembly, caller):
                    told = tuple(_route_source(caller.by, route, each) for each in PUT_FOR_VARIABLES)
                    found.append(Entry(caller, API_PRINCIPAL, told[:-1], told[-1]))
            elif caller.by.type in PRINCIPALS and not _rule_has_role(caller):
                sources = _sources(assembly, caller.by)
                found.append(Entry(caller, PRINCIPALS[caller.by.type][0], sources, sources[0] if sources else None))
    return (*found, *_authorizers(assembly))


def _authorizers(assembly: Assembly) -> Iterator[Entry]:
    """The functions that decide for an API who may call."""
    for kind, api_key, api_type, role in AUTHORIZERS:
        for authorizer in assembly.of_type(kind):
            text = function_in(authorizer.value("AuthorizerUri"))
            function = assembly.target(text, FUNCTION)
            if text is None or not isinstance(function, Resource) or not authorizer.lacks(role):
                continue
            api = assembly.target(authorizer.value(api_key), api_type)
            name = Text.of("*") if api is None else api.name
            pseudo = authorizer.stack.pseudo_texts
            start = ("arn:", pseudo["partition"], ":execute-api:", pseudo["region"], ":", pseudo["account"], ":")
            source = Text.of(*start, name, "/authorizers/", Symbol("name", authorizer.id))
            caller = Caller(function, authorizer, Way.AWAITED, ("AuthorizerUri",), text)
            yield Entry(caller, API_PRINCIPAL, (source,), Text.of(*start, name, "/authorizers/*"))


@remembered
def permissions_of(assembly: Assembly) -> Mapping[str, tuple[Permission, ...]]:
    """Return the permissions of each function, by the id of what `FunctionName` denotes."""
    found: dict[str, list[Permission]] = defaultdict(list)
    for resource in assembly.of_type(PERMISSION):
        action = (resource.text("Action") or INVOKE).lower()
        if not (iam_glob(action).matches(INVOKE) if "*" in action else action == INVOKE):
            continue
        for name in resource.texts("FunctionName"):
            bare = name if Arn.parse(name) is not None else name.split(":", 1)[0]
            function = assembly.target(bare, FUNCTION)
            qualifier = None
            if isinstance(function, Resource):
                qualifier = Caller(function, resource, Way.AWAITED, ("FunctionName",), name).qualifier
            for principal in resource.texts("Principal"):
                told = Permission(resource, principal, resource.texts("SourceArn"), qualifier)
                found["" if function is None else function.id].append(told)
    return {key: tuple(each) for key, each in found.items()}


def _rule_has_role(caller: Caller) -> bool:
    """Whether a rule comes in as a role of its own, which needs no permission."""
    targets = caller.by.values("Targets", "*") if caller.by.type == "AWS::Events::Rule" else ()
    return any(isinstance(each, dict) and each.get("Arn") == caller.text and "RoleArn" in each for each in targets)


def _route_has_role(assembly: Assembly, caller: Caller) -> bool:
    by = caller.by
    if by.type == REST_METHOD:
        return not by.lacks("Integration", "Credentials")
    if by.type == ROUTE:
        target = by.value("Target")
        behind = target.split("integrations/", 1)[-1] if isinstance(target, Text) else None
        integration = assembly.target(behind, INTEGRATION)
        return isinstance(integration, Resource) and not integration.lacks("CredentialsArn")
    in_body = not by.lacks(*caller.at, "x-amazon-apigateway-integration", "credentials")
    return in_body or not by.lacks("CredentialsArn")


def _route_source(by: Resource, route: Route, put: tuple[str, str]) -> Text:
    """What API Gateway tells Lambda a request comes from: the API, the stage, the method and the path.

    Args:
        by: What calls.
        route: The route.
        put: What to put for the stage, and for each variable of the path.
    """
    pseudo = by.stack.pseudo_texts
    start = ("arn:", pseudo["partition"], ":execute-api:", pseudo["region"], ":", pseudo["account"], ":")
    api = route.api.name if route.api is not by or by.type in APIS else Text.of("*")
    stage, variable = put
    if route.kind is Kind.WEBSOCKET or route.path == "$default":
        return Text.of(*start, api, f"/{stage}/{route.path}" if route.path.startswith("$") else f"/{stage}/*")
    method = "*" if route.method in {"", "ANY"} else route.method
    path = route.path.lstrip("/") if variable == "{}" else VARIABLE.sub(variable, route.path).lstrip("/")
    return Text.of(*start, api, f"/{stage}/{method}/{path}")


def _sources(assembly: Assembly, by: Resource) -> tuple[Text, ...]:
    _, at, kind = PRINCIPALS[by.type]
    if not at:
        return own_sources(by)
    told = by.value(*at)
    if kind == "":
        return ()
    source = assembly.arn_of(told, kind)
    return (source,) if source.parts else ()


def own_sources(by: Resource) -> tuple[Text, ...]:
    """Return the ARNs that a resource may come in by: its own, and for a rule of another bus one with the bus."""
    if by.type != "AWS::Events::Rule" or by.lacks("EventBusName"):
        return (by.arn,)
    pseudo = by.stack.pseudo_texts
    start = ("arn:", pseudo["partition"], ":events:", pseudo["region"], ":", pseudo["account"], ":rule/*")
    return (by.arn, Text.of(*start))


def may_be(pattern: Text, source: Text) -> bool:
    """Return whether a pattern of ARNs may have this one; two names that AWS makes up are never the same."""
    if pattern == source:
        return True
    told, own = Arn.parse(pattern), Arn.parse(source)
    if told is None or own is None:
        both = (*pattern.parts, *source.parts)
        if len(both) == 2 and all(isinstance(each, Symbol) and each.kind in MADE_UP for each in both):  # noqa: PLR2004 - one of each
            return False
        return bool(pattern.symbols or source.symbols) or iam_glob(pattern).may_meet(iam_glob(source))
    if not (could_be_one(told.region, own.region) or "*" in str(told.region)):
        return False
    if not (could_be_one(told.account, own.account) or "*" in str(told.account)):
        return False
    resource = _on_stage(own.resource, told.resource)
    first = iam_glob(Text.of(told.service, ":", _marked(told.resource))).widened
    second = iam_glob(Text.of(own.service, ":", _marked(resource))).widened
    return first.may_meet(second) if second.literal is None else first.matches(second.literal)


def _on_stage(resource: Text, pattern: Text) -> Text:
    """The resource with the stage that a pattern names, if it names one."""
    pieces, named = resource.split("/"), pattern.split("/")
    if len(pieces) < 2 or pieces[1].literal != STAGE or len(named) < 2 or "*" in str(named[1]):  # noqa: PLR2004 - the API, then its stage
        return resource
    return Text.of(pieces[0], "/", named[1], *(part for piece in pieces[2:] for part in ("/", piece)))


def _marked(resource: Text) -> Text:
    """The resource of an ARN with a mark for each made-up name, without the `:*` of log groups and a last slash."""
    marked = Text.of(
        *(f"<{each}>" if isinstance(each, Symbol) and each.kind in MADE_UP else each for each in resource.parts)
    )
    last = marked.parts[-1] if marked.parts else ""
    return Text.of(*marked.parts[:-1], last.removesuffix(":*").rstrip("/")) if isinstance(last, str) else marked
