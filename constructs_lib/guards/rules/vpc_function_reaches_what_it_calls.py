"""A function in a VPC has a way to the services it calls."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from constructs_lib.assembly.function_callers import FUNCTION, own_functions
from constructs_lib.assembly.policies.actions import includes
from constructs_lib.assembly.policies.documents import policies_of
from constructs_lib.assembly.policies.permissions import extent_on
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.text_set import Extent
from constructs_lib.assembly.value import Text
from constructs_lib.guards.finding import Severity, finding, unknown
from constructs_lib.guards.role_permissions import permissions_of_role
from constructs_lib.guards.rule import rule
from constructs_lib.guards.vpc_network import IN_VPC, network_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constructs_lib.assembly.model import Assembly
    from constructs_lib.assembly.policies.permissions import Grant
    from constructs_lib.guards.finding import Finding, Unknown

# What code calls itself, by the name of the endpoint that leads there. What Lambda does in the name of the role (to
# poll, to log, to trace, to join the VPC) it does from outside of the VPC; what services decrypt, likewise.
CALLED: Mapping[str, tuple[str, ...]] = {
    "appconfigdata": ("appconfig:getlatestconfiguration", "appconfig:startconfigurationsession"),
    "bedrock-runtime": ("bedrock:invokemodel", "bedrock:invokemodelwithresponsestream"),
    "dynamodb": (
        "dynamodb:batchgetitem", "dynamodb:batchwriteitem", "dynamodb:deleteitem", "dynamodb:getitem",
        "dynamodb:putitem", "dynamodb:query", "dynamodb:scan", "dynamodb:updateitem",
    ),
    "events": ("events:putevents",),
    "execute-api": ("execute-api:invoke",),
    "kinesis-firehose": ("firehose:putrecord", "firehose:putrecordbatch"),
    "kinesis-streams": ("kinesis:putrecord", "kinesis:putrecords"),
    "kms": ("kms:generatemac", "kms:sign", "kms:verify", "kms:verifymac"),
    "lambda": ("lambda:invokefunction",),
    "monitoring": ("cloudwatch:putmetricdata",),
    "rds-data": ("rds-data:batchexecutestatement", "rds-data:executestatement"),
    "s3": ("s3:deleteobject", "s3:getobject", "s3:listbucket", "s3:putobject"),
    "secretsmanager": ("secretsmanager:getsecretvalue", "secretsmanager:putsecretvalue"),
    "sns": ("sns:publish",),
    "sqs": ("sqs:sendmessage",),
    "ssm": ("ssm:getparameter", "ssm:getparameters", "ssm:getparametersbypath", "ssm:putparameter"),
    "states": (
        "states:sendtaskfailure", "states:sendtaskheartbeat", "states:sendtasksuccess", "states:startexecution",
    ),
    "sts": ("sts:assumerole",),
    "sync-states": ("states:startsyncexecution",),
}  # fmt: skip
BY_GATEWAY = frozenset({"dynamodb", "s3"})  # which costs nothing
POLLED = frozenset({"dynamodb", "kinesis-streams", "sqs"})  # what Lambda reads for a function, often let by a wildcard
# Services that do it in the caller's name, from outside of the VPC: the login of the Data API, a text read aloud.
THROUGH: Mapping[str, frozenset[str]] = {
    "s3": frozenset({
        "athena", "bedrock", "cloudformation", "comprehend", "glue", "polly", "rekognition", "textract", "transcribe",
        "translate",
    }),
    "secretsmanager": frozenset({"rds-data", "redshift-data"}),
    "sns": frozenset({"polly"}),
}  # fmt: skip
MAPPING = "AWS::Lambda::EventSourceMapping"
# Where Lambda itself sends what a function failed on or gave back, and which property names the function.
SENT: tuple[tuple[str, tuple[str, ...], str | None], ...] = (
    ("AWS::Lambda::EventInvokeConfig", ("DestinationConfig", "*", "Destination"), "FunctionName"),
    (MAPPING, ("DestinationConfig", "OnFailure", "Destination"), "FunctionName"),
    (FUNCTION, ("DeadLetterConfig", "TargetArn"), None),
)
DESTINATIONS = frozenset({"events", "lambda", "sns", "sqs"})  # buckets, too, which are compared by their keys
# Conditions by which a call does not come from the function, or comes through what its author knows of.
ROUNDABOUT = frozenset({"aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:viaawsservice", "aws:vpcsourceip"})


@rule(severity=Severity.WARNING)
def check(assembly: Assembly) -> Iterator[Finding | Unknown]:
    """A function in a VPC has a way to the services that its role lets it call.

    Why it matters: a function in a VPC has no way to AWS but a NAT gateway or an endpoint. Without one the call does
    not fail, it hangs until the timeout; and an internet gateway is none, as a function has no public address.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html

    Refuses: a function whose policies name what code calls itself (a secret, a parameter, a table, objects, a queue, a
    topic, a bus, a workflow, another function and the like), in a VPC of the stacks whose routes lead none of its
    subnets out, and which has no endpoint for that service; a gateway endpoint for other route tables is none.

    Accepts: any other route or network that is joined; an endpoint in any stack of the app, whatever its policy; a
    proxy or an endpoint that the environment names; what Lambda does for the function: polling, destinations, logs,
    traces; what another service does in its name. A VPC of other stacks is left to whoever made it. Of a role that
    serves several functions it is said to be unknown which of them calls.
    """
    functions = own_functions(assembly)
    served = Counter(each.arn for each in (_role(assembly, one) for one in functions) if each is not None)
    for function in functions:
        if function.lacks(*IN_VPC) or _goes_another_way(function):
            continue
        called = _called(assembly, function)
        if not called:
            continue
        network = network_of(function)
        if network is None:
            continue
        endpoints = network.endpoints()
        lost = [each for each in called if endpoints is not None and each not in endpoints]
        if not lost or network.may_lead_out(by_ipv6=not function.lacks("VpcConfig", "Ipv6AllowedForDualStack")):
            continue
        role = _role(assembly, function)
        if role is not None and served[role.arn] > 1:
            what = f"whether it calls {_listed(lost)}, which nothing leads to from its VPC"
            yield unknown(function, what=what, reason=f"{role} serves other functions, too")
            continue
        yield finding(
            function,
            problem=f"it may call {_listed(lost)}, and nothing leads there from its VPC: such a call hangs",
            fix=f"add {_endpoints(lost)} to {network.vpc}, or give the function subnets with a route to a NAT gateway",
            at=("VpcConfig",),
            through=(network.vpc,),
        )


def _role(assembly: Assembly, function: Resource) -> Resource | None:
    held = permissions_of_role(assembly, function.value("Role"))
    return None if held is None else held.node


def _goes_another_way(function: Resource) -> bool:
    """Whether its environment names a proxy or an endpoint, or is not known."""
    if function.lacks("Environment", "Variables"):
        return False
    names = [each.lower() for each in function.keys("Environment", "Variables")]
    told = all(isinstance(each, dict) for each in function.values("Environment", "Variables"))
    return not told or any(
        each.endswith(("http_proxy", "https_proxy", "all_proxy")) or each.startswith("aws_endpoint_url")
        for each in names
    )


def _called(assembly: Assembly, function: Resource) -> list[str]:
    """The services whose calls its policies name, in the order of the alphabet."""
    role = permissions_of_role(assembly, function.value("Role"))
    if role is None:
        return []
    places = tuple(_sent_by_lambda(assembly, function))
    fed = [
        each for each in assembly.of_type(MAPPING) if assembly.target(each.value("FunctionName"), FUNCTION) is function
    ]
    named = {
        action.partition(":")[0]
        for statement in policies_of(assembly).of_role(role.node)
        if statement.allows
        for action in statement.actions
    }
    found = []
    for service, actions in CALLED.items():
        if THROUGH.get(service, frozenset()) & named:
            continue
        if service == "secretsmanager" and any(not each.lacks("SourceAccessConfigurations") for each in fed):
            continue  # Lambda reads the login of a broker
        if service == "s3" and any(each.startswith("arn:aws:s3") or _is_bucket(assembly, each) for each in places):
            continue
        grants = role.permissions.grants(actions)
        if any(_is_for_code(each, places, polled=bool(fed) and service in POLLED) for each in grants):
            found.append(service)
    return found


def _is_for_code(grant: Grant, places: tuple[Text, ...], *, polled: bool) -> bool:
    """Whether somebody who wrote a policy meant the code of the function to do this."""
    if grant.statement is None or not grant.is_sure:
        return False
    if any(
        key in ROUNDABOUT or key.endswith((":viaservice", ":calledvia"))
        for each in grant.conditions.values()
        for key in each
    ):
        return False
    service = grant.action.partition(":")[0]
    named = [
        each for each in grant.statement.actions if each.startswith(f"{service}:") and includes(each, grant.action)
    ]
    if not named or (polled and named == [f"{service}:*"]):
        return False
    if service == "lambda":
        places = (*places, *(Text.of(each, ":*") for each in places))  # with its versions, as the CDK grants it
    return service not in DESTINATIONS or not places or extent_on(grant.pattern, places) is Extent.NONE


def _sent_by_lambda(assembly: Assembly, function: Resource) -> Iterator[Text]:
    for kind, at, named in SENT:
        for each in (function,) if named is None else assembly.of_type(kind):
            if named is None or assembly.target(each.value(named), FUNCTION) is function:
                yield from each.texts(*at)


def _is_bucket(assembly: Assembly, place: Text) -> bool:
    node = assembly.target(place, "AWS::S3::Bucket")
    return isinstance(node, Resource)


def _listed(services: list[str]) -> str:
    *others, last = services
    return f"{', '.join(others)} and {last}" if others else last


def _endpoints(services: list[str]) -> str:
    """The endpoints to add, of two kinds."""
    kinds = {"a gateway": [each for each in services if each in BY_GATEWAY]}
    kinds["an interface"] = [each for each in services if each not in BY_GATEWAY]
    return " and ".join(
        f"{kind} endpoint for {_listed(each)}" if len(each) == 1 else f"{kind.split()[1]} endpoints for {_listed(each)}"
        for kind, each in kinds.items()
        if each
    )
