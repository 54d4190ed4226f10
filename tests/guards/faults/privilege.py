"""Faults of permissions: what roles allow, who assumes them, who may call, and who is let in."""

from __future__ import annotations

from typing import Any

from tests.guards.faults.fault import Fault, add, change, drop, grant, let, remove, together
from tests.guards.faults.hardened import PHOTOS
from tests.guards.faults.parts import Template, allowed, att, made, permission, ref, role, sub

ACTIONS, RESOURCES, OWN = "actions-are-named", "resources-are-named", "policies-are-ones-own"
WHO, TRUST, PASS = "resource-policy-names-who", "trust-names-who-assumes", "pass-role-names-its-role"
CALLS, SOURCE, TASKS = "trigger-may-invoke", "permission-names-its-source", "workflow-may-run-its-tasks"
POLLS, ALLOWS, IN = "poller-may-read-its-source", "allow-names-what-is-allowed", "delivery-is-let-in"


def managed(name: str, policy: str, also: tuple[str, ...] = ()) -> Fault:
    """A role has a policy of AWS's."""
    arn = sub(f"arn:${{AWS::Partition}}:iam::aws:policy/{policy}")
    return change(name, OWN, "SendRole", "ManagedPolicyArns", to=[arn], also=also)


def trusts(name: str, **statement: Any) -> Fault:
    """A role may be assumed by somebody else, too."""

    def make(template: Template) -> None:
        document = template["Resources"]["SendRole"]["Properties"]["AssumeRolePolicyDocument"]
        document["Statement"].append({"Effect": "Allow", "Action": "sts:AssumeRole", **statement})

    return Fault(name, TRUST, "SendRole", make)


def lets(actions: str | list[str], resource: Any, principal: Any = "*", **condition: Any) -> Template:
    told = {**allowed(actions, resource), "Principal": principal}
    return {**told, "Condition": condition} if condition else told


def without_grant(name: str, rule: str, of: str, at: str, action: str) -> Fault:
    """A role does not allow one action more that it needs."""

    def make(template: Template) -> None:
        for statement in template["Resources"][f"{of}Role"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]:
            if action in statement["Action"] and isinstance(statement["Action"], list):
                statement["Action"].remove(action)

    return Fault(name, rule, at, make)


SENDS, STATEMENTS = "failures-may-be-sent", ("Policies", 0, "PolicyDocument", "Statement")
KEY_OF_ALL = {"Statement": [lets("kms:*", "*")]}
ANY_TABLE = "arn:aws:dynamodb:*:*:table/*"
LOOP = ("recursion",)  # whom everybody's policy lets in, that function too
DELIVERY = {"Service": "sns.amazonaws.com"}

FAULTS = [
    grant("everything", ACTIONS, "Send", allowed("*", "*"), also=[RESOURCES, PASS, "recursion"]),
    grant("every action on a table", ACTIONS, "Send", allowed("dynamodb:*", att("Totals"))),
    grant("every action that reads a bucket", ACTIONS, "Send", allowed("s3:Get*", sub(f"{PHOTOS}/incoming/*"))),
    grant(
        "everything but IAM",
        ALLOWS,
        "Send",
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
        also=[RESOURCES, "recursion"],
    ),
    grant(
        "every table but one",
        ALLOWS,
        "Send",
        {"Effect": "Allow", "Action": "dynamodb:GetItem", "NotResource": att("Orders")},
    ),
    grant("any table by a star", RESOURCES, "Send", allowed("dynamodb:GetItem", "*")),
    grant("any table by its ARN", RESOURCES, "Send", allowed("dynamodb:GetItem", ANY_TABLE)),
    grant("any secret", RESOURCES, "Send", allowed("secretsmanager:GetSecretValue", "*")),
    grant("any parameter", RESOURCES, "Send", allowed("ssm:GetParameter", "arn:aws:ssm:*:*:parameter/*")),
    grant("any key", RESOURCES, "Send", allowed("kms:Decrypt", "*")),
    grant("any object", RESOURCES, "Send", allowed("s3:GetObject", "arn:aws:s3:::*/*")),
    grant("any role of the account to assume", RESOURCES, "Send", allowed("sts:AssumeRole", "*")),
    grant("any role to pass", PASS, "Send", allowed("iam:PassRole", "*"), also=[RESOURCES]),
    grant("any role to pass by its ARN", PASS, "Send", allowed("iam:PassRole", "arn:aws:iam::*:role/*")),
    together(
        add(
            "any table in a policy beside the role",
            RESOURCES,
            "Extra",
            Extra=made(
                "AWS::IAM::Policy",
                PolicyName="extra",
                PolicyDocument={"Statement": [allowed("dynamodb:PutItem", "*")]},
                Roles=[ref("SendRole")],
            ),
        ),
    ),
    add(
        "any table in a managed policy",
        RESOURCES,
        "Extra",
        Extra=made(
            "AWS::IAM::ManagedPolicy",
            PolicyDocument={"Statement": [allowed("dynamodb:PutItem", "*")]},
            Roles=[ref("SendRole")],
        ),
    ),
    managed("an administrator", "AdministratorAccess", ("recursion",)),
    managed("full access to tables", "AmazonDynamoDBFullAccess"),
    managed("the usual policy for logs", "service-role/AWSLambdaBasicExecutionRole"),
    change(
        "two functions with one role",
        "role-serves-one-function",
        "Send",
        "Role",
        to=att("ChargeRole"),
        found_at="ChargeRole",
    ),
    trusts("a role for everybody", Principal="*"),
    trusts("a role for every account", Principal={"AWS": "*"}),
    trusts(
        "a role for every repository of GitHub",
        Action="sts:AssumeRoleWithWebIdentity",
        Principal={"Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},
    ),
    remove("an upload that may not call its function", CALLS, "Photos", "ResizePermission"),
    remove("a rule that may not call its function", CALLS, "Placed", "PlacedPermission"),
    remove("a topic that may not call its function", CALLS, "NewsToNotify", "NewsPermission"),
    remove("an HTTP API that may not call its function", CALLS, "Route", "PlacePermission"),
    remove("a REST API that may not call its function", CALLS, "PostReview", "ReviewPermission"),
    change(
        "a permission for the function where its alias is called",
        CALLS,
        "PlacePermission",
        "FunctionName",
        to=ref("Place"),
        found_at="Route",
    ),
    change(
        "a permission for another topic",
        CALLS,
        "NewsPermission",
        "SourceArn",
        to=ref("OnCall"),
        found_at="NewsToNotify",
    ),
    change(
        "a permission for another service",
        CALLS,
        "PlacedPermission",
        "Principal",
        to="scheduler.amazonaws.com",
        found_at="Placed",
    ),
    change(
        "a permission to read where it takes one to call",
        CALLS,
        "PlacedPermission",
        "Action",
        to="lambda:GetFunction",
        found_at="Placed",
    ),
    drop("a permission for any topic of the world", SOURCE, "NewsPermission", "SourceArn"),
    drop("a permission for any rule", SOURCE, "PlacedPermission", "SourceArn"),
    drop("a permission for any API", SOURCE, "ReviewPermission", "SourceArn"),
    drop("a permission for a bucket of any account", SOURCE, "ResizePermission", "SourceAccount"),
    change("a permission for any source", SOURCE, "NewsPermission", "SourceArn", to="*"),
    add("a permission for everybody", SOURCE, "Open", Open=permission(ref("Send"), "sns", "*")),
    add(
        "a function that everybody may call",
        SOURCE,
        "Open",
        ["recursion"],
        Open=made("AWS::Lambda::Permission", Action="lambda:InvokeFunction", FunctionName=ref("Send"), Principal="*"),
    ),
    change(
        "a workflow that may not call its functions",
        TASKS,
        "FulfilRole",
        "Policies",
        to=[],
        found_at="Fulfil",
    ),
    change(
        "a workflow that may call one of two",
        TASKS,
        "FulfilRole",
        "Policies",
        to=role("states", allowed("lambda:InvokeFunction", att("Charge")))["Properties"]["Policies"],
        found_at="Fulfil",
    ),
    change(
        "a schedule that may not call its function",
        IN,
        "NightlyRole",
        "Policies",
        to=[],
        found_at="Nightly",
    ),
    without_grant("a queue that its function may not read", POLLS, "Work", "WorkMapping", "sqs:ReceiveMessage"),
    without_grant("a queue that its function may not empty", POLLS, "Work", "WorkMapping", "sqs:DeleteMessage"),
    without_grant("a stream that its function may not read", POLLS, "Follow", "FollowMapping", "dynamodb:GetRecords"),
    without_grant("shards that its function may not read", POLLS, "Count", "CountMapping", "kinesis:GetRecords"),
    drop(
        "failed events that the function may not send", SENDS, "NotifyRole", *STATEMENTS, 2, found_at="NotifyFailures"
    ),
    drop(
        "failed records that the function may not send", SENDS, "FollowRole", *STATEMENTS, 5, found_at="FollowMapping"
    ),
    let("a bucket for everybody", WHO, "PhotosPolicy", lets("s3:GetObject", sub(f"{PHOTOS}/*"))),
    let(
        "a bucket for every account", WHO, "PhotosPolicy", lets("s3:PutObject", sub(f"{PHOTOS}/*"), {"AWS": "*"}), LOOP
    ),
    let("a queue for everybody", WHO, "JobsPolicy", lets("sqs:SendMessage", att("Jobs")), LOOP),
    let("a queue for every topic of the world", WHO, "JobsPolicy", lets("sqs:SendMessage", att("Jobs"), DELIVERY)),
    let(
        "a queue for everybody with TLS",
        WHO,
        "JobsPolicy",
        lets("sqs:SendMessage", att("Jobs"), Bool={"aws:SecureTransport": "true"}),
        LOOP,
    ),
    let(
        "a queue for everybody but one",
        WHO,
        "JobsPolicy",
        {
            **allowed("sqs:SendMessage", att("Jobs")),
            "NotPrincipal": {"AWS": "arn:aws:iam::222233334444:root"},
        },
    ),
    add(
        "a topic for everybody",
        WHO,
        "NewsPolicy",
        LOOP,
        NewsPolicy=made(
            "AWS::SNS::TopicPolicy",
            PolicyDocument={"Statement": [lets("sns:Publish", ref("News"))]},
            Topics=[ref("News")],
        ),
    ),
    add(
        "a bus for everybody",
        WHO,
        "BusPolicy",
        LOOP,
        BusPolicy=made(
            "AWS::Events::EventBusPolicy",
            EventBusName=ref("Bus"),
            Statement=lets("events:PutEvents", att("Bus")),
            StatementId="open",
        ),
    ),
    add("a key for everybody", WHO, "Key", Key=made("AWS::KMS::Key", EnableKeyRotation=True, KeyPolicy=KEY_OF_ALL)),
    add(
        "a secret for everybody",
        WHO,
        "LoginPolicy",
        LoginPolicy=made(
            "AWS::SecretsManager::ResourcePolicy",
            ResourcePolicy={"Statement": [lets("secretsmanager:GetSecretValue", "*")]},
            SecretId=ref("Login"),
        ),
    ),
    change(
        "a table for everybody",
        WHO,
        "Orders",
        "ResourcePolicy",
        to={"PolicyDocument": {"Statement": [lets("dynamodb:GetItem", "*")]}},
    ),
    change(
        "a global table for everybody",
        WHO,
        "Totals",
        "Replicas",
        0,
        "ResourcePolicy",
        to={"PolicyDocument": {"Statement": [lets("dynamodb:GetItem", "*")]}},
    ),
    drop("a global table under a key of DynamoDB", "global-table-is-encrypted", "Totals", "SSESpecification"),
    add(
        "a topic that its queue does not let in",
        IN,
        "NewsToLine",
        NewsToLine=made(
            "AWS::SNS::Subscription",
            Endpoint=att("Jobs"),
            Protocol="sqs",
            RedrivePolicy={"deadLetterTargetArn": att("Undelivered")},
            TopicArn=ref("News"),
        ),
    ),
    add(
        "a rule that its queue does not let in",
        IN,
        "ToJobs",
        ToJobs=made(
            "AWS::Events::Rule",
            EventBusName=ref("Bus"),
            EventPattern={"source": ["shop.returns"]},
            Targets=[{"Arn": att("Jobs"), "DeadLetterConfig": {"Arn": att("Undelivered")}, "Id": "Jobs"}],
        ),
    ),
]
