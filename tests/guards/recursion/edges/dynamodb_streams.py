"""Tables whose changes run somebody.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
"""

from typing import Any

from tests.guards.recursion.parts import (
    Json,
    Resources,
    allow,
    att,
    document,
    mapping,
    resource,
    stream,
    sub,
    table,
    writer,
)
from tests.guards.recursion.topology import guarded, loop, risk, silent

PUT, UPDATE, DELETE = "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"


def changes(*patterns: Json, may: Any = PUT, on: Any = None, **condition: Any) -> Resources:
    """A function that reads the stream of a table, and may change the table."""
    target = att("Table") if on is None else on
    return writer(allow(may, target, **condition)) | table() | mapping(att("Table", "StreamArn"), "Writer", *patterns)


def named(*names: str) -> Json:
    return {"eventName": list(names)}


def of_item(**keys: str) -> Json:
    return {"dynamodb": {"Keys": {name: {"S": [{"prefix": value}]} for name, value in keys.items()}}}


def for_leading_keys(pattern: Json, *keys: str, may: str = PUT) -> Resources:
    condition: dict[str, Any] = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(keys)}}
    return changes(pattern, may=may, **condition)


def by_kinesis(*patterns: Json, to: str = "Stream") -> Resources:
    told = {"StreamArn": att(to)}
    return (
        writer(allow(PUT, att("Table")))
        | table(KinesisStreamSpecification=told)
        | stream()
        | stream("Other")
        | mapping(att("Stream"), "Writer", *patterns)
    )


def global_table() -> Resources:
    keys = [{"AttributeName": "id", "KeyType": "HASH"}]
    made = resource("AWS::DynamoDB::GlobalTable", KeySchema=keys, StreamSpecification={"StreamViewType": "NEW_IMAGE"})
    return writer(allow(PUT, att("Table"))) | {"Table": made} | mapping(att("Table", "StreamArn"))


def protected(effect: str) -> Resources:
    """A table with a policy of its own."""
    told = {"Effect": effect, "Principal": {"AWS": att("WriterRole")}, "Action": PUT, "Resource": "*"}
    own = table(ResourcePolicy={"PolicyDocument": document(told)})
    role = (allow(PUT, att("Table")),) if effect == "Deny" else ()
    return writer(*role) | own | mapping(att("Table", "StreamArn"))


BY_ARN = sub("arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${Table}")


def for_sorted_keys(pattern: Json) -> Resources:
    """A table with a sort key, of which the condition says nothing."""
    keys = [{"AttributeName": name, "KeyType": kind} for name, kind in (("id", "HASH"), ("sort", "RANGE"))]
    system = for_leading_keys(pattern, "shop#*")
    made = system["Table"]["Properties"] | {"KeySchema": keys}
    return system | {"Table": resource("AWS::DynamoDB::Table", **made)}


FORGOTTEN: Json = {"userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]}}
ONE_OF_ITS_KEYS = {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": ["shop#*"]}}


def forgotten(may: str, *patterns: Json) -> Resources:
    """A table that removes items by itself."""
    own = table(TimeToLiveSpecification={"AttributeName": "until", "Enabled": True})
    return writer(allow(may, att("Table"))) | own | mapping(att("Table", "StreamArn"), "Writer", *patterns)


def of_image(image: str) -> Json:
    return {"dynamodb": {image: {"kind": {"S": ["again"]}}}}


def seen(view: str, image: str) -> Resources:
    """A table whose stream has some images, and a reader of one."""
    own = {"Table": resource("AWS::DynamoDB::Table", **table()["Table"]["Properties"])}
    own["Table"]["Properties"] |= {"StreamSpecification": {"StreamViewType": view}}
    return writer(allow(PUT, att("Table"))) | own | mapping(att("Table", "StreamArn"), "Writer", of_image(image))


TOPOLOGIES = (
    loop("it puts what it is told of", changes()),
    loop("it updates what it is told of", changes(may=UPDATE)),
    loop("it deletes what it is told of", changes(may=DELETE)),
    silent("it only reads", changes(may=["dynamodb:GetItem", "dynamodb:Query", "dynamodb:DescribeStream"])),
    silent("it puts into another table", changes(on=att("Other")) | table("Other")),
    silent(
        "it may do everything to the indexes, where nobody writes",
        changes(may="dynamodb:*", on=sub("${Table.Arn}/index/*")),
    ),
    silent(
        "the mapping is off",
        writer(allow(PUT, att("Table"))) | table() | mapping(att("Table", "StreamArn"), Enabled=False),
    ),
    guarded("it is told of removals, and puts", changes(named("REMOVE"))),
    guarded("it is told of what is put, and deletes", changes(named("INSERT", "MODIFY"), may=DELETE)),
    risk("it is told of new items, and puts, which may replace", changes(named("INSERT"))),
    risk("it is told of changed items, and updates, which may insert", changes(named("MODIFY"), may=UPDATE)),
    loop("it is told of both that putting does", changes(named("INSERT", "MODIFY"))),
    loop("two filters cover both that putting does", changes(named("INSERT"), named("MODIFY"))),
    loop("it is told of removals, and deletes", changes(named("REMOVE"), may=DELETE)),
    loop("one of two permissions is enough", changes(named("REMOVE"), may=[PUT, DELETE])),
    risk("a batch may put and delete", changes(named("REMOVE"), may="dynamodb:BatchWriteItem")),
    loop("a statement of PartiQL that inserts", changes(named("INSERT"), may="dynamodb:PartiQLInsert")),
    guarded("a statement of PartiQL that deletes", changes(named("INSERT"), may="dynamodb:PartiQLDelete")),
    risk("it is told of some items", changes({"dynamodb": {"NewImage": {"kind": {"S": ["again"]}}}})),
    loop("only keys below its prefix, and told of those", for_leading_keys(of_item(id="shop#"), "shop#*")),
    guarded("only keys below its prefix, and told of others", for_leading_keys(of_item(id="user#"), "shop#*")),
    risk(
        "only keys below its prefixes, and told of one of them",
        for_leading_keys(of_item(id="user#"), "shop#*", "user#*"),
    ),
    risk(
        "told of an attribute that is no key",
        for_leading_keys({"dynamodb": {"Keys": {"sort": {"S": ["x"]}}}}, "shop#*"),
    ),
    risk("every table", changes(on="*")),
    risk("every table of the account", changes(on=sub("arn:aws:dynamodb:*:${AWS::AccountId}:table/*"))),
    loop("the table by an ARN that is put together", changes(on=BY_ARN)),
    loop("every action on items", changes(may="dynamodb:*")),
    loop("by a Kinesis stream", by_kinesis()),
    silent("by a Kinesis stream that nobody reads", by_kinesis(to="Other")),
    risk("by a Kinesis stream, of which it reads some", by_kinesis({"data": {"eventName": ["INSERT"]}})),
    loop("a table of several regions", global_table()),
    loop("the table lets its reader in", protected("Allow")),
    guarded("the table denies what the role allows", protected("Deny")),
    guarded(
        "only some keys and attributes, and told of other keys",
        changes(
            of_item(id="user#"),
            **{"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["shop#*"], "dynamodb:Attributes": ["id"]}},
        ),
    ),
    loop(
        "only some attributes",
        changes(**{"ForAllValues:StringEquals": {"dynamodb:Attributes": ["id"]}}),
    ),
    guarded(
        "only keys below its prefix, and told of others in the new image",
        for_leading_keys({"dynamodb": {"NewImage": {"id": {"S": [{"prefix": "user#"}]}}}}, "shop#*"),
    ),
    risk("a batch inserts or modifies among others", changes(named("MODIFY"), may="dynamodb:BatchWriteItem")),
    loop("told of everything but removals, and puts", changes({"eventName": [{"anything-but": ["REMOVE"]}]})),
    risk("it puts what the table forgets by itself, and is told of removals", forgotten(PUT, named("REMOVE"))),
    risk("it puts what the table forgets by itself, and is told of that alone", forgotten(PUT, FORGOTTEN)),
    loop("it puts what the table forgets by itself, and is told of what is put", forgotten(PUT)),
    guarded("it deletes, and is told of what the table forgets by itself", forgotten(DELETE, FORGOTTEN)),
    guarded("it puts, and is told of what the table forgets, which forgets nothing", changes(FORGOTTEN)),
    guarded("told of something that no record has", changes({"kind": ["again"]})),
    guarded("told of an image that the stream has not", seen("KEYS_ONLY", "NewImage")),
    guarded("told of the image after, and has that before", seen("OLD_IMAGE", "NewImage")),
    guarded("told of the image before, and has that after", seen("NEW_IMAGE", "OldImage")),
    risk("told of an image that the stream has", seen("NEW_IMAGE", "NewImage")),
    risk("told of the image before, and has both", seen("NEW_AND_OLD_IMAGES", "OldImage")),
    guarded("it deletes, and is told of an image after it", changes(of_image("NewImage"), may=DELETE)),
    risk("it deletes, and is told of an image before it", changes(of_image("OldImage"), may=DELETE)),
    guarded(
        "it inserts, and is told of an image before it", changes(of_image("OldImage"), may="dynamodb:PartiQLInsert")
    ),
    risk("one of its keys is below its prefix", changes(of_item(id="user#"), **ONE_OF_ITS_KEYS)),
    risk("only keys below its prefix, and told of sort keys", for_sorted_keys(of_item(id="shop#", sort="user#"))),
    guarded(
        "only keys below its prefix, and told of others with sort keys", for_sorted_keys(of_item(id="user#", sort="x"))
    ),
)
