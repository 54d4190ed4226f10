"""Functions that read logs: those they write themselves, or those of whom they run.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
"""

import json
from typing import Any

from tests.guards.recursion.parts import Resources, allow, att, function, mapping, ref, resource, stream, sub, writer
from tests.guards.recursion.topology import loop, risk, silent

LOGS = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


def group(name: Any, logical_id: str = "Group") -> Resources:
    return {logical_id: resource("AWS::Logs::LogGroup", LogGroupName=name)}


def passes(target: Any, log_group: Any, pattern: str = "") -> Resources:
    told = {"LogGroupName": log_group, "FilterPattern": pattern, "DestinationArn": target}
    return {"Filter": resource("AWS::Logs::SubscriptionFilter", **told)}


def own(pattern: str = "") -> Resources:
    """A function reads the group it logs to."""
    return writer() | group(sub("/aws/lambda/${Writer}")) | passes(att("Writer"), ref("Group"), pattern)


def of_another(may_invoke: str) -> Resources:
    return (
        writer(allow("lambda:InvokeFunction", att(may_invoke)))
        | function("Other")
        | function("Another")
        | group(sub("/aws/lambda/${Other}"))
        | passes(att("Writer"), ref("Group"))
    )


def configured(read: str) -> Resources:
    """The function names the group that it logs to."""
    return (
        writer(LoggingConfig={"LogGroup": ref("Group")})
        | group("shop")
        | group("bank", "Other")
        | passes(att("Writer"), ref(read))
    )


def by_stream(read: str) -> Resources:
    return (
        writer() | stream() | stream("Other") | passes(att("Stream"), sub("/aws/lambda/${Writer}")) | mapping(att(read))
    )


def written(may: Any, on: Any) -> Resources:
    """It writes to a group that is not its own."""
    return writer(allow(may, on)) | group("shop") | passes(att("Writer"), ref("Group"))


def calls_logged(destination: str, calls: str = "*/POST/orders") -> Resources:
    """A function reads what an API logs of its calls, and calls the API."""
    arn = sub(f"arn:aws:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{Api}}/{calls}")
    stage = resource(
        "AWS::ApiGatewayV2::Stage",
        ApiId=ref("Api"),
        StageName="$default",
        AccessLogSettings={"DestinationArn": att(destination)},
    )
    return (
        writer(allow("execute-api:Invoke", arn))
        | {"Api": resource("AWS::ApiGatewayV2::Api", ProtocolType="HTTP"), "Stage": stage}
        | group("calls")
        | group("others", "Other")
        | passes(att("Writer"), ref("Group"))
    )


def rest_calls_logged(destination: str) -> Resources:
    """The same of a REST API."""
    arn = sub("arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/prod/POST/orders")
    settings = {"DestinationArn": att(destination), "Format": "$context.requestId"}
    told = {"RestApiId": ref("Api"), "StageName": "prod", "AccessLogSetting": settings}
    return (
        writer(allow("execute-api:Invoke", arn))
        | {
            "Api": resource("AWS::ApiGateway::RestApi", Name="shop"),
            "Stage": resource("AWS::ApiGateway::Stage", **told),
        }
        | group("calls")
        | group("others", "Other")
        | passes(att("Writer"), ref("Group"))
    )


def by_destination(target: str) -> Resources:
    told = {"DestinationName": "all", "TargetArn": att(target), "RoleArn": "arn:aws:iam::111111111111:role/r"}
    made = {"Destination": resource("AWS::Logs::Destination", **told)}
    to = passes(att("Destination"), sub("/aws/lambda/${Writer}"))
    return writer() | stream() | stream("Other") | made | to | mapping(att("Stream"))


def of_all(
    but: Any = None, pattern: str = "", target: str = "Writer", kind: str = "SUBSCRIPTION_FILTER_POLICY"
) -> Resources:
    """Every group of the account is passed on, save some."""
    document = sub(json.dumps({"DestinationArn": f"${{{target}.Arn}}", "FilterPattern": pattern}))
    told = {"PolicyName": "all", "PolicyType": kind, "Scope": "ALL", "PolicyDocument": document}
    less = {} if but is None else {"SelectionCriteria": but}
    return {"Policy": resource("AWS::Logs::AccountPolicy", **told, **less)}


NOT_OWN = sub('LogGroupName NOT IN ["/aws/lambda/${Writer}", "shop"]')
NOT_ITS_OWN = sub('LogGroupName NOT IN ["/aws/lambda/${Writer}"]')
NOT_THE_OTHERS = sub('LogGroupName NOT IN ["/aws/lambda/${Other}"]')
NOT_OTHERS = 'LogGroupName NOT IN ["shop"]'

TOPOLOGIES = (
    loop("by a destination in front of a stream", by_destination("Stream")),
    silent("by a destination in front of another stream", by_destination("Other")),
    loop("it reads all groups of the account", writer() | of_all()),
    loop(
        "it reads all groups of the account, by a stream",
        writer() | stream() | mapping(att("Stream")) | of_all(target="Stream"),
    ),
    risk("it reads some lines of all groups of the account", writer() | of_all(pattern="ERROR")),
    silent("it reads all groups of the account but its own", writer() | of_all(NOT_OWN)),
    loop("it reads all groups of the account but others", writer() | of_all(NOT_OTHERS)),
    risk("it reads groups of the account that cannot be told", writer() | of_all({"Ref": "Criteria"})),
    loop(
        "it puts lines into one of all groups",
        writer(allow("logs:PutLogEvents", att("Group"))) | group("shop") | of_all(NOT_ITS_OWN),
    ),
    silent("a policy of the account on something else", writer() | of_all(kind="DATA_PROTECTION_POLICY")),
    silent(
        "another reads all groups of the account", writer() | function("Other") | of_all(NOT_THE_OTHERS, target="Other")
    ),
    loop("it reads what an API logs of its calls", calls_logged("Group")),
    silent("it reads another group than an API logs to", calls_logged("Other")),
    loop("it reads the lines it writes", own()),
    risk("it reads some of the lines it writes", own("ERROR")),
    loop("it reads the group by its name", writer(FunctionName="shop") | passes(att("Writer"), "/aws/lambda/shop")),
    silent("it reads another group", writer(FunctionName="shop") | passes(att("Writer"), "/aws/lambda/bank")),
    loop("it reads the lines of whom it invokes", of_another("Other"), ("Other", "Writer")),
    silent("it reads the lines of another than it invokes", of_another("Another")),
    loop("it reads the group that it is told to log to", configured("Group")),
    silent("it reads another group than it is told to log to", configured("Other")),
    loop("by a stream", by_stream("Stream")),
    silent("by a stream that nobody reads", by_stream("Other")),
    loop("it puts lines into the group it reads", written("logs:PutLogEvents", att("Group"))),
    risk("it puts lines into every group", written("logs:PutLogEvents", "*")),
    silent("it only looks at the group it reads", written("logs:DescribeLogStreams", att("Group"))),
    loop("it reads what a REST API logs of its calls", rest_calls_logged("Group")),
    silent("it reads another group than a REST API logs to", rest_calls_logged("Other")),
)
