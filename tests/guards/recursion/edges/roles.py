"""Where permissions come from, and what takes them away; the way round is always the same: a queue and its reader.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from typing import Any

from tests.guards.recursion.parts import (
    Json,
    Resources,
    allow,
    att,
    bucket,
    deny,
    document,
    mapping,
    notifying,
    objects,
    queue,
    ref,
    resource,
    role,
    sub,
    writer,
)
from tests.guards.recursion.topology import guarded, loop, risk, silent

SEND = "sqs:SendMessage"
IN_QUEUE = allow(SEND, att("Queue"))
AWS_POLICY = "arn:aws:iam::aws:policy/"


def reads(*statements: Json, **properties: Any) -> Resources:
    """A function that reads a queue, with a role that has these."""
    return writer(role_of=role(*statements, **properties)) | queue() | mapping(att("Queue"))


def apart(kind: str, *statements: Json, **attached: Any) -> Resources:
    told = {"PolicyName": "Apart"} if kind != "AWS::IAM::ManagedPolicy" else {}
    return {"Apart": resource(kind, PolicyDocument=document(*statements), **told, **attached)}


def managed(*statements: Json) -> Resources:
    return apart("AWS::IAM::ManagedPolicy", *statements)


def bounded(*statements: Json, allowed: Json = IN_QUEUE) -> Resources:
    """A role with a permissions boundary."""
    return reads(allowed, PermissionsBoundary=ref("Apart")) | managed(*statements)


def shared(sends_to: str) -> Resources:
    """Two functions with one role; only one of them reads."""
    other = resource(
        "AWS::Lambda::Function", Role=att("WriterRole"), Handler="i.h", Runtime="nodejs22.x", Code={"ZipFile": "-"}
    )
    return (
        writer(allow(SEND, att(sends_to)))
        | {"Sharer": other}
        | queue()
        | queue("Other")
        | mapping(att("Queue"), "Sharer")
    )


def named_role(read_by: str) -> Resources:
    """A role of another stack, and the policy that this stack attaches to it by its name."""
    policy = resource(
        "AWS::IAM::RolePolicy", RoleName="shop-writer", PolicyName="In", PolicyDocument=document(IN_QUEUE)
    )
    made = resource(
        "AWS::Lambda::Function",
        Role=f"arn:aws:iam::111111111111:role/{read_by}",
        Handler="i.h",
        Runtime="nodejs22.x",
        Code={"ZipFile": "-"},
    )
    return {"Writer": made, "Policy": policy} | queue() | mapping(att("Queue"))


def tells(*statements: Json, **keys: str) -> Resources:
    """A function that writes objects, and is told of them."""
    return writer(*statements) | bucket(NotificationConfiguration=notifying("Lambda", att("Writer"), **keys))


def keys_bounded(keys: str, *more: Json) -> Resources:
    """A function that is told of what is below `in/`, may write there and below `out/`, and has a boundary."""
    may = allow("s3:PutObject", [objects("in/*"), objects("out/*")])
    bounded_role = role(may, PermissionsBoundary=ref("Apart"))
    told = bucket(NotificationConfiguration=notifying("Lambda", att("Writer"), prefix="in/"))
    return writer(role_of=bounded_role) | told | managed(allow("s3:PutObject", objects(keys)), *more)


def protected(
    effect: str,
    principal: Any,
    *,
    keys: str = "*",
    may: Json | None = None,
    action: Any = "s3:PutObject",
    **condition: Any,
) -> Resources:
    """A bucket with a policy."""
    statement = {"Effect": effect, "Principal": principal, "Action": action, "Resource": objects(keys)}
    told = document(statement | ({"Condition": condition} if condition else {}))
    policy = resource("AWS::S3::BucketPolicy", Bucket=ref("Bucket"), PolicyDocument=told)
    return tells(*(() if may is None else (may,))) | {"BucketPolicy": policy}


IN_BUCKET = allow("s3:PutObject", objects())
OWN: Json = {"AWS": att("WriterRole")}
SOMEBODY: Json = {"AWS": "arn:aws:iam::111111111111:role/other"}


def all_but(effect: str, not_resource: Any) -> Json:
    return {"Effect": effect, "Action": "s3:PutObject", "NotResource": not_resource}


def not_action(actions: Any, resources: Any) -> Json:
    return {"Effect": "Allow", "NotAction": actions, "Resource": resources}


def but_not(effect: str, principal: Any) -> Resources:
    """A bucket whose policy speaks of everybody else."""
    statement = {"Effect": effect, "NotPrincipal": principal, "Action": "s3:PutObject", "Resource": objects()}
    policy = resource("AWS::S3::BucketPolicy", Bucket=ref("Bucket"), PolicyDocument=document(statement))
    return tells(IN_BUCKET) | {"BucketPolicy": policy}


def trusting(principal: Any, *statements: Json, name: str = "Other") -> Resources:
    """A role that somebody may assume."""
    told = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    return {name: role(*statements, AssumeRolePolicyDocument=document(told))}


def assuming(principal: Any, may: Any, *statements: Json) -> Resources:
    """A function that reads a queue, and perhaps assumes a role that sends there."""
    own = [allow("sts:AssumeRole", may)] if may is not None else []
    return reads(*own, *statements) | trusting(principal, IN_QUEUE)


def with_path(read_by: str) -> Resources:
    """A role below a path, and a function that names its role by the whole ARN."""
    told = {"Role": f"arn:aws:iam::111111111111:role/{read_by}", "Runtime": "nodejs22.x", "Handler": "i.h"}
    made = resource("AWS::Lambda::Function", Code={"ZipFile": "-"}, **told)
    below = role(IN_QUEUE, Path="/svc/", RoleName="shop")
    return {"Writer": made, "WriterRole": below} | queue() | mapping(att("Queue"))


BY_NAME = {"AWS": att("WriterRole")}
BY_ACCOUNT = {"AWS": sub("arn:aws:iam::${AWS::AccountId}:root")}
VIA = trusting(BY_NAME, allow("sts:AssumeRole", att("Other")), name="Via")

TOPOLOGIES = (
    loop("its role by an ARN with a path", with_path("svc/shop")),
    silent("the role of another by an ARN with a path", with_path("svc/bank")),
    loop("it assumes a role that sends", assuming(BY_NAME, att("Other"))),
    loop("it assumes a role that trusts it, and needs no more", assuming(BY_NAME, None)),
    loop("it assumes a role that trusts the account", assuming(BY_ACCOUNT, att("Other"))),
    risk("it assumes any role", assuming(BY_ACCOUNT, "*")),
    loop("it assumes a role by way of another", assuming({"AWS": att("Via")}, att("Via")) | VIA),
    silent("a role trusts the account, and it may assume none", assuming(BY_ACCOUNT, None)),
    silent("it assumes a role that does not trust it", assuming({"Service": "ec2.amazonaws.com"}, att("Other"))),
    silent(
        "it assumes a role that trusts another",
        assuming({"AWS": att("Via")}, att("Other")) | trusting(BY_ACCOUNT, name="Via"),
    ),
    silent("it is denied to assume a role", assuming(BY_NAME, att("Other"), deny("sts:*", "*"))),
    loop("a policy inside of the role", reads(IN_QUEUE)),
    loop("a policy of its own", reads() | apart("AWS::IAM::Policy", IN_QUEUE, Roles=[ref("WriterRole")])),
    silent(
        "a policy of another role",
        reads() | {"OtherRole": role()} | apart("AWS::IAM::Policy", IN_QUEUE, Roles=[ref("OtherRole")]),
    ),
    loop(
        "a policy of the role, as a resource",
        reads() | apart("AWS::IAM::RolePolicy", IN_QUEUE, RoleName=ref("WriterRole")),
    ),
    silent(
        "a policy of another role, as a resource",
        reads() | {"OtherRole": role()} | apart("AWS::IAM::RolePolicy", IN_QUEUE, RoleName=ref("OtherRole")),
    ),
    loop("a managed policy that the role names", reads(ManagedPolicyArns=[ref("Apart")]) | managed(IN_QUEUE)),
    loop(
        "a managed policy that names the role",
        reads() | apart("AWS::IAM::ManagedPolicy", IN_QUEUE, Roles=[ref("WriterRole")]),
    ),
    silent("a managed policy that nobody has", reads() | managed(IN_QUEUE)),
    risk("AWS's policy that allows everything", reads(ManagedPolicyArns=[f"{AWS_POLICY}AdministratorAccess"])),
    risk(
        "AWS's policy that allows everything about queues",
        reads(ManagedPolicyArns=[f"{AWS_POLICY}AmazonSQSFullAccess"]),
    ),
    silent(
        "AWS's policy that allows to read queues",
        reads(ManagedPolicyArns=[f"{AWS_POLICY}service-role/AWSLambdaSQSQueueExecutionRole"]),
    ),
    risk("AWS's policy that allows nearly everything", reads(ManagedPolicyArns=[f"{AWS_POLICY}PowerUserAccess"])),
    guarded(
        "AWS's policy that allows everything about queues, and a denial",
        reads(deny(SEND, att("Queue")), ManagedPolicyArns=[f"{AWS_POLICY}AmazonSQSFullAccess"]),
    ),
    loop("a role that two functions have", shared("Queue"), ("Sharer",)),
    silent("a role that two functions have, and another queue", shared("Other")),
    loop("a role known by its name", named_role("shop-writer")),
    silent("a role known by another name", named_role("bank-writer")),
    loop("several statements", reads(allow("s3:GetObject", "*"), IN_QUEUE)),
    loop("several actions and resources", reads(allow(["s3:GetObject", SEND], [objects(), att("Queue")]))),
    silent("an effect that denies", reads(deny(SEND, "*"))),
    risk("everything", reads(allow("*", "*"))),
    loop("every action on the queue", reads(allow("*", att("Queue")))),
    loop("all actions but some others", reads(not_action("s3:*", att("Queue")))),
    silent("all actions but this", reads(not_action(["sqs:*"], att("Queue")))),
    risk(
        "all resources but another",
        reads({"Effect": "Allow", "Action": SEND, "NotResource": att("Other")}) | queue("Other"),
    ),
    silent("all resources but this", reads({"Effect": "Allow", "Action": SEND, "NotResource": att("Queue")})),
    guarded("denied by name", reads(IN_QUEUE, deny(SEND, att("Queue")))),
    guarded("denied by a wildcard", reads(IN_QUEUE, deny("sqs:*", "*"))),
    loop("denied for another queue", reads(IN_QUEUE, deny(SEND, att("Other"))) | queue("Other")),
    loop("another action denied", reads(IN_QUEUE, deny("sqs:ReceiveMessage", att("Queue")))),
    guarded(
        "denied on all but others",
        reads(IN_QUEUE, {"Effect": "Deny", "Action": SEND, "NotResource": att("Other")}) | queue("Other"),
    ),
    guarded("all but others denied", reads(IN_QUEUE, {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"})),
    loop(
        "denied under a condition",
        reads(IN_QUEUE, deny(SEND, "*", StringNotEquals={"aws:RequestedRegion": "eu-west-1"})),
    ),
    guarded("a boundary that allows nothing of it", bounded(allow("s3:*", "*"))),
    loop("a boundary that allows it", bounded(allow("sqs:*", "*"))),
    guarded("a boundary that denies it", bounded(allow("*", "*"), deny(SEND, "*"))),
    guarded("a boundary that allows it elsewhere", bounded(allow(SEND, att("Other"))) | queue("Other")),
    guarded("a boundary that allows other keys", keys_bounded("out/*")),
    loop("a boundary that allows its keys", keys_bounded("in/*")),
    loop("a boundary that allows some of its keys, all of which are told", keys_bounded("in/a*")),
    guarded("a boundary that allows no object", keys_bounded("", allow(SEND, "*"))),
    guarded("a boundary that denies its keys", keys_bounded("*", deny("s3:*", objects("in/*")))),
    loop("a boundary that denies other keys", keys_bounded("*", deny("s3:*", objects("out/*")))),
    risk(
        "a condition that nobody can judge",
        reads(allow(SEND, att("Queue"), StringEquals={"aws:PrincipalTag/team": "a"})),
    ),
    loop("a condition on how it is asked", reads(allow(SEND, att("Queue"), Bool={"aws:SecureTransport": "true"}))),
    risk("the queue of every account and region", reads(allow(SEND, "arn:aws:sqs:*:*:*"))),
    loop("a queue by its name in every region", reads(allow(SEND, sub("arn:aws:sqs:*:*:${Queue.QueueName}")))),
    silent(
        "a queue of another service by the same name", reads(allow(SEND, sub("arn:aws:sns:*:*:${Queue.QueueName}")))
    ),
    guarded(
        "a denial of its keys",
        tells(allow("s3:PutObject", objects()), deny("s3:PutObject", objects("in/*")), prefix="in/"),
    ),
    loop(
        "a denial of other keys",
        tells(allow("s3:PutObject", objects("in/*")), deny("s3:PutObject", objects("out/*")), prefix="in/"),
    ),
    risk(
        "a denial of some of its keys",
        tells(allow("s3:PutObject", objects()), deny("s3:PutObject", objects("in/a*")), prefix="in/"),
    ),
    loop(
        "a denial of all that is not told",
        tells(allow("s3:PutObject", objects()), all_but("Deny", objects("in/*")), prefix="in/"),
    ),
    guarded(
        "a denial of all but what is not told",
        tells(allow("s3:PutObject", objects()), all_but("Deny", objects("out/*")), prefix="in/"),
    ),
    guarded("all objects but those that are told", tells(all_but("Allow", objects("in/*")), prefix="in/")),
    guarded("the bucket denies it", protected("Deny", OWN, may=IN_BUCKET)),
    guarded("the bucket denies everybody", protected("Deny", "*", may=IN_BUCKET)),
    loop("the bucket denies somebody else", protected("Deny", SOMEBODY, may=IN_BUCKET)),
    loop(
        "the bucket denies those who do not use TLS",
        protected("Deny", "*", may=IN_BUCKET, Bool={"aws:SecureTransport": "false"}),
    ),
    guarded(
        "the bucket denies all but another role",
        protected("Deny", "*", may=IN_BUCKET, ArnNotEquals={"aws:PrincipalArn": SOMEBODY["AWS"]}),
    ),
    loop(
        "the bucket denies all but its role",
        protected("Deny", "*", may=IN_BUCKET, ArnNotEquals={"aws:PrincipalArn": att("WriterRole")}),
    ),
    loop("the bucket lets it in", protected("Allow", OWN)),
    guarded("the bucket lets it in, and its role is denied", protected("Allow", OWN, may=deny("s3:PutObject", "*"))),
    guarded(
        "the bucket lets everybody in, and its role is denied", protected("Allow", "*", may=deny("s3:*", objects()))
    ),
    silent("the bucket lets it read", protected("Allow", OWN, action="s3:GetObject")),
    silent("the bucket lets somebody else in", protected("Allow", SOMEBODY)),
    risk("the bucket lets everybody in", protected("Allow", "*")),
    loop(
        "a condition on where it is asked from",
        reads(allow(SEND, att("Queue"), IpAddress={"aws:SourceIp": "10.0.0.0/8"})),
    ),
    silent("objects without a name", tells(allow("s3:PutObject", objects("")))),
    loop("the generated name of the bucket with a star", tells(allow("s3:PutObject", sub("${Bucket.Arn}*")))),
    loop(
        "the generated name of the bucket with a star, and keys",
        tells(allow("s3:PutObject", sub("${Bucket.Arn}*/in/*")), prefix=""),
    ),
    silent(
        "the generated name of another bucket with a star",
        tells(allow("s3:PutObject", sub("${Other.Arn}*"))) | bucket("Other"),
    ),
    guarded(
        "an action with a question mark, denied by one",
        reads(allow("sqs:Send?essage", att("Queue")), deny("sqs:?endMessage", "*")),
    ),
    loop(
        "denied on all but what may be the same",
        reads(IN_QUEUE, {"Effect": "Deny", "Action": SEND, "NotResource": {"Ref": "Given"}}),
    ),
    guarded(
        "the bucket denies its role by a condition",
        protected("Deny", "*", may=IN_BUCKET, ArnLike={"aws:PrincipalArn": att("WriterRole")}),
    ),
    loop(
        "the bucket denies another role by a condition",
        protected("Deny", "*", may=IN_BUCKET, ArnLike={"aws:PrincipalArn": SOMEBODY["AWS"]}),
    ),
    guarded("the bucket denies all but somebody else", but_not("Deny", SOMEBODY)),
    loop("the bucket denies all but its role, by name", but_not("Deny", OWN)),
)
