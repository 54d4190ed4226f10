"""One circle over several stacks, whichever way one of them knows of the other.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
"""

from collections.abc import Mapping
from typing import Any

from tests.guards.recursion.parts import Json, Resources, allow, att, mapping, queue, ref, resource, sub, table, writer
from tests.guards.recursion.topology import loop, risk, silent

SEND = "sqs:SendMessage"
Stacks = Mapping[str, Json]


def two(data: Json, functions: Json) -> Stacks:
    return {"Data": data, "Functions": functions}


def exporting(resources: Resources, **outputs: Any) -> Json:
    told = {name: {"Value": value, "Export": {"Name": f"Shop-{name}"}} for name, value in outputs.items()}
    return {"Resources": resources, "Outputs": told}


def imported(name: str) -> Json:
    return {"Fn::ImportValue": f"Shop-{name}"}


def reading(source: Any, to: Any, **template: Any) -> Json:
    """A stack with a function that reads a queue, and may send to one."""
    return {"Resources": writer(allow(SEND, to)) | mapping(source)} | template


def exported(read: str, sent: str) -> Stacks:
    data = exporting(queue() | queue("Other"), Queue=att("Queue"), Other=att("Other"))
    return two(data, reading(imported(read), imported(sent)))


def by_name(sent: Any, name: str = "jobs") -> Stacks:
    """The other stack knows the queue by its name only."""
    return two(
        {"Resources": queue(QueueName=name)}, reading(sub("arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:jobs"), sent)
    )


def by_parameter(sent: str) -> Json:
    """A queue that is given from outside."""
    parameters = {name: {"Type": "String"} for name in ("Jobs", "Others")}
    return {"Shop": reading(ref("Jobs"), ref(sent), Parameters=parameters)}


def by_stored_parameter(sent: str) -> Json:
    """A queue whose ARN Systems Manager keeps, and each template asks for."""
    kind = "AWS::SSM::Parameter::Value<String>"
    parameters = {
        "Jobs": {"Type": kind, "Default": "/shop/jobs"},
        "JobsAgain": {"Type": kind, "Default": "/shop/jobs"},
        "Others": {"Type": kind, "Default": "/shop/others"},
    }
    return {"Shop": reading(ref("Jobs"), ref(sent), Parameters=parameters)}


def by_dynamic_reference(sent: str) -> Json:
    return {"Shop": reading("{{resolve:ssm:/shop/jobs}}", f"{{{{resolve:ssm:/shop/{sent}}}}}")}


def by_mapping(sent: str) -> Json:
    """Names that a mapping of the template holds."""
    mappings = {"Names": {"eu-west-1": {"jobs": "jobs", "others": "others"}}}

    def named(key: str) -> Json:
        name = {"Fn::FindInMap": ["Names", "eu-west-1", key]}
        return {"Fn::Join": [":", ["arn", "aws", "sqs", ref("AWS::Region"), ref("AWS::AccountId"), name]]}

    return {"Shop": reading(named("jobs"), named(sent), Mappings=mappings)}


def by_split(at: int) -> Json:
    """The name is cut out of a list."""
    name = {"Fn::Select": [at, {"Fn::Split": [",", "jobs,others"]}]}
    sent = {"Fn::Sub": ["arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Name}", {"Name": name}]}
    return {"Shop": {"Resources": queue(QueueName="jobs") | writer(allow(SEND, sent)) | mapping(att("Queue"))}}


def three(last: str) -> Stacks:
    """Each stack sends to the queue of the next."""

    def stack(name: str, following: str) -> Json:
        return exporting(
            queue() | writer(allow(SEND, imported(following))) | mapping(att("Queue")), **{name: att("Queue")}
        )

    return {
        "First": stack("First", "Second"),
        "Second": stack("Second", "Third"),
        "Third": stack("Third", last),
        "Fourth": exporting(queue(), Fourth=att("Queue")),
    }


def table_apart(allowed: Any) -> Stacks:
    data = exporting(table(TableName="orders"), Table=att("Table"), Stream=att("Table", "StreamArn"))
    functions = writer(allow("dynamodb:PutItem", allowed)) | mapping(imported("Stream"))
    return two(data, {"Resources": functions})


def role_apart(name: str) -> Stacks:
    """The role is of one stack, the function of the other."""
    told = writer(allow(SEND, sub("arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:jobs")))
    roles = {"WriterRole": told["WriterRole"], "OtherRole": {"Type": "AWS::IAM::Role", "Properties": {}}}
    data = exporting(roles, WriterRole=att("WriterRole"), OtherRole=att("OtherRole"))
    function = resource(
        "AWS::Lambda::Function", Role=imported(name), Handler="i.h", Runtime="nodejs22.x", Code={"ZipFile": "-"}
    )
    return two(data, {"Resources": {"Writer": function} | queue(QueueName="jobs") | mapping(att("Queue"))})


def notified(bucket: Json, allowed: Any) -> Resources:
    """A function that a bucket of elsewhere tells, as CDK has it for imported buckets."""
    told = {"LambdaFunctionConfigurations": [{"Events": ["s3:ObjectCreated:*"], "LambdaFunctionArn": att("Writer")}]}
    custom = resource("Custom::S3BucketNotifications", BucketName=bucket, NotificationConfiguration=told)
    return writer(allow("s3:PutObject", allowed)) | {"Notifications": custom}


def bucket_by_parameter(allowed: str) -> Json:
    parameters = {name: {"Type": "String"} for name in ("Bucket", "Other")}
    return {"Shop": {"Parameters": parameters, "Resources": notified(ref("Bucket"), sub(allowed))}}


def bucket_by_import(allowed: str) -> Json:
    """The names of buckets that no given stack exports."""
    arn = {"Fn::Join": ["", ["arn:aws:s3:::", imported(allowed), "/*"]]}
    return {"Shop": {"Resources": notified(imported("Bucket"), arn)}}


TOPOLOGIES = (
    loop("by exports", exported("Queue", "Queue")),
    silent("by exports of two queues", exported("Queue", "Other")),
    loop("by a name that both have", by_name("arn:aws:sqs:eu-west-1:111111111111:jobs")),
    loop("by a URL that both have", by_name(sub("arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:jobs"))),
    silent("by two names", by_name("arn:aws:sqs:eu-west-1:111111111111:others")),
    silent("by a name that is the beginning of another", by_name("arn:aws:sqs:eu-west-1:111111111111:job")),
    loop("by a parameter", by_parameter("Jobs")),
    silent("by two parameters", by_parameter("Others")),
    loop("by a parameter of Systems Manager", by_stored_parameter("Jobs")),
    loop("by a parameter of Systems Manager that has two names here", by_stored_parameter("JobsAgain")),
    silent("by two parameters of Systems Manager", by_stored_parameter("Others")),
    loop("by a dynamic reference", by_dynamic_reference("jobs")),
    silent("by two dynamic references", by_dynamic_reference("others")),
    loop("by a mapping", by_mapping("jobs")),
    silent("by two entries of a mapping", by_mapping("others")),
    loop("by an item of a list", by_split(0)),
    silent("by another item of a list", by_split(1)),
    loop("three stacks in a circle", three("First"), ("Writer",)),
    silent("three stacks in a row", three("Fourth")),
    loop("a table and its stream", table_apart(imported("Table"))),
    loop("a table by its name", table_apart(sub("arn:aws:dynamodb:${AWS::Region}:${AWS::AccountId}:table/orders"))),
    silent(
        "another table by its name", table_apart(sub("arn:aws:dynamodb:${AWS::Region}:${AWS::AccountId}:table/carts"))
    ),
    risk("every table that begins alike", table_apart("arn:aws:dynamodb:*:*:table/ord*")),
    loop("a role of another stack", role_apart("WriterRole")),
    silent("another role of another stack", role_apart("OtherRole")),
    loop("a bucket by a parameter", bucket_by_parameter("arn:aws:s3:::${Bucket}/*")),
    silent("another bucket by a parameter", bucket_by_parameter("arn:aws:s3:::${Other}/*")),
    loop("a bucket by an import", bucket_by_import("Bucket")),
    silent("another bucket by an import", bucket_by_import("Other")),
)
