"""Functions that invoke each other, by whichever name they have.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
"""

from typing import Any

from tests.guards.recursion.parts import Json, Resources, allow, att, deny, function, ref, resource, sub, writer
from tests.guards.recursion.topology import guarded, loop, risk, silent

INVOKE = "lambda:InvokeFunction"
ARN = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function"


def apart(*statements: Json) -> Resources:
    """A policy of its own: with a policy inside of the role, the template would be a circle itself."""
    told = {"PolicyName": "Apart", "Roles": [ref("WriterRole")], "PolicyDocument": {"Statement": list(statements)}}
    return {"Apart": resource("AWS::IAM::Policy", **told)}


def invokes(on: Any, may: str = INVOKE, **properties: Any) -> Resources:
    return writer(**properties) | apart(allow(may, on))


def two(second_invokes: str) -> Resources:
    return (
        function("First", allow(INVOKE, att("Last")))
        | function("Last", allow(INVOKE, att(second_invokes)))
        | function("Other")
    )


def three(last_invokes: str) -> Resources:
    return (
        function("First", allow(INVOKE, att("Second")))
        | function("Second", allow(INVOKE, att("Last")))
        | function("Last", allow(INVOKE, att(last_invokes)))
        | function("Other")
    )


def side_circle() -> Resources:
    """The second may run the last, which may run both of the others: only a longer way leads back to the first."""
    return (
        function("First", allow(INVOKE, att("Second")), FunctionName="first-one")
        | function("Second", allow(INVOKE, sub(f"{ARN}:last-*")), FunctionName="second-one")
        | function("Last", allow(INVOKE, att("Second")), allow(INVOKE, att("First")), FunctionName="last-one")
    )


def versioned(on: Json) -> Resources:
    return (
        invokes(on)
        | {"Version": resource("AWS::Lambda::Version", FunctionName=ref("Writer"))}
        | {"Alias": resource("AWS::Lambda::Alias", FunctionName=ref("Writer"), FunctionVersion="1", Name="live")}
    )


def permitted(principal: Any) -> Resources:
    told = {"FunctionName": ref("Writer"), "Action": INVOKE, "Principal": principal}
    return writer() | {"Permission": resource("AWS::Lambda::Permission", **told)}


def url(auth: str, variable: Any, may: str | None = None) -> Resources:
    """A function with an address of its own."""
    environment = {"Variables": {"ADDRESS": variable}} if variable is not None else {}
    return (
        function("Other")
        | writer(Environment=environment)
        | (apart(allow(may, att("Writer"))) if may else {})
        | {"Url": resource("AWS::Lambda::Url", TargetFunctionArn=att("Writer"), AuthType=auth)}
        | {"OtherUrl": resource("AWS::Lambda::Url", TargetFunctionArn=att("Other"), AuthType=auth)}
    )


NAMED: Json = {"FunctionName": "shop-writer"}


def permission(principal: Any, auth: str) -> Resources:
    told = {"FunctionName": ref("Writer"), "Action": "lambda:InvokeFunctionUrl", "Principal": principal}
    return {"Permission": resource("AWS::Lambda::Permission", FunctionUrlAuthType=auth, **told)}


TOPOLOGIES = (
    loop("itself", invokes(att("Writer"))),
    loop("itself, by an ARN that is put together", invokes(sub(f"{ARN}:${{Writer}}"))),
    loop(
        "itself, by the name it is given",
        invokes("arn:aws:lambda:eu-west-1:111111111111:function:shop-writer", **NAMED),
    ),
    loop("itself, by every qualifier", invokes(sub("${Writer.Arn}:*"))),
    loop("itself, by one qualifier", invokes(sub("${Writer.Arn}:live"))),
    loop("itself, by its generated name with a star, as SAM writes it", invokes(sub(f"{ARN}:${{Writer}}*"))),
    silent("another, by its generated name with a star", invokes(sub(f"{ARN}:${{Other}}*")) | function("Other")),
    risk("itself, by its name with a star, which others may have too", invokes(sub(f"{ARN}:shop-writer*"), **NAMED)),
    loop("itself, by an alias", versioned(ref("Alias"))),
    loop("itself, by a version", versioned(ref("Version"))),
    loop("itself, asynchronously as it used to be called", invokes(att("Writer"), may="lambda:InvokeAsync")),
    risk("every function", invokes("*")),
    risk("every function that begins alike", invokes(sub(f"{ARN}:shop-*"), **NAMED)),
    silent("every function that begins otherwise", invokes(sub(f"{ARN}:bank-*"), **NAMED)),
    silent("a function whose name goes on after its own", invokes(sub(f"{ARN}:shop-writer-2"), **NAMED)),
    silent("another function", invokes(att("Other")) | function("Other")),
    silent("it may only look at itself", invokes(att("Writer"), may="lambda:GetFunction")),
    guarded(
        "itself, though another statement denies it", writer() | apart(allow(INVOKE, "*"), deny(INVOKE, att("Writer")))
    ),
    loop(
        "itself, though another function is denied",
        writer() | apart(allow(INVOKE, att("Writer")), deny(INVOKE, att("Other"))) | function("Other"),
    ),
    loop("two functions, each other", two("First"), ("First", "Last")),
    silent("two functions, one the other", two("Other")),
    loop("three functions", three("First"), ("First", "Second", "Last")),
    loop("three functions, the last of which goes back to the second", three("Second"), ("Second", "Last")),
    silent("three functions in a row", three("Other")),
    risk("three functions, the long way", side_circle(), ("Second", "Last")).and_also(("First", "Second", "Last")),
    loop("a permission lets its role in", permitted(att("WriterRole"))),
    silent("a permission lets a service in", permitted("events.amazonaws.com")),
    loop("its address, with a permission", url("AWS_IAM", None, "lambda:InvokeFunctionUrl")),
    silent(
        "its address, of which it has none",
        function("Other") | writer() | apart(allow("lambda:InvokeFunctionUrl", att("Writer"))),
    ),
    risk("its address, which it is told", url("NONE", att("Url", "FunctionUrl"))),
    silent("the address of another function", url("NONE", att("OtherUrl", "FunctionUrl"))),
    silent("its address, which everybody may call and it is not told", url("NONE", None) | permission("*", "NONE")),
    risk(
        "its address, which everybody may call, and it is told",
        url("NONE", att("Url", "FunctionUrl")) | permission("*", "NONE"),
    ),
    loop("its address, which its role may call", url("AWS_IAM", None) | permission(att("WriterRole"), "AWS_IAM")),
)
