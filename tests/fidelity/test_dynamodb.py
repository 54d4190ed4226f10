from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fidelity.behaviour import behaviour
from tests.fidelity.outside import Outside, refusal

DYNAMODB = "DynamoDB"
GUIDE = "amazondynamodb/latest/developerguide/"
API = "amazondynamodb/latest/APIReference/"
ONCE = "attribute_not_exists(id)"


@pytest.fixture
def dynamodb(aws: Outside) -> Any:
    return aws.client("dynamodb")


@pytest.fixture
def table(aws: Outside, dynamodb: Any) -> str:
    """Keys: `id` and `at`; an index by `kind`; a stream of both images."""
    name = aws.name("table")
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[
            {"AttributeName": each, "AttributeType": kind} for each, kind in (("id", "S"), ("at", "N"), ("kind", "S"))
        ],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-kind",
                "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    return name


def item(key: str = "a", at: int = 1, **more: Any) -> dict[str, Any]:
    texts = {key: {"S": value} if isinstance(value, str) else value for key, value in more.items()}
    return {"id": {"S": key}, "at": {"N": str(at)}, **texts}


@behaviour(
    DYNAMODB,
    "a condition that does not hold refuses the write and keeps the item",
    GUIDE + "Expressions.ConditionExpressions.html",
)
def test_conditions(dynamodb: Any, table: str) -> None:
    dynamodb.put_item(TableName=table, Item=item(kind="first"), ConditionExpression=ONCE)
    code, message = refusal(dynamodb.put_item, TableName=table, Item=item(kind="second"), ConditionExpression=ONCE)
    assert (code, message) == ("ConditionalCheckFailedException", "The conditional request failed")
    assert dynamodb.get_item(TableName=table, Key=item())["Item"]["kind"] == {"S": "first"}


@behaviour(
    DYNAMODB,
    "a failed condition returns the item when asked to",
    API + "API_PutItem.html#DDB-PutItem-request-ReturnValuesOnConditionCheckFailure",
)
def test_returns_what_failed_the_condition(dynamodb: Any, table: str) -> None:
    dynamodb.put_item(TableName=table, Item=item(kind="first"))
    with pytest.raises(ClientError) as raised:
        dynamodb.put_item(
            TableName=table, Item=item(), ConditionExpression=ONCE, ReturnValuesOnConditionCheckFailure="ALL_OLD"
        )
    assert dict(raised.value.response)["Item"] == item(kind="first")


@behaviour(DYNAMODB, "an update makes the item if there is none", API + "API_UpdateItem.html")
def test_updates_make_items(dynamodb: Any, table: str) -> None:
    answer = dynamodb.update_item(
        TableName=table,
        Key=item(),
        UpdateExpression="ADD n :one SET #k = if_not_exists(#k, :k)",
        ExpressionAttributeNames={"#k": "kind"},
        ExpressionAttributeValues={":one": {"N": "1"}, ":k": {"S": "x"}},
        ReturnValues="UPDATED_NEW",
    )
    assert answer["Attributes"] == {"n": {"N": "1"}, "kind": {"S": "x"}}


@behaviour(
    DYNAMODB, "counters added by many are exact", GUIDE + "WorkingWithItems.html#WorkingWithItems.AtomicCounters"
)
def test_counters(dynamodb: Any, table: str) -> None:
    for _ in range(20):
        dynamodb.update_item(
            TableName=table, Key=item(), UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": {"N": "0.1"}}
        )
    assert Decimal(dynamodb.get_item(TableName=table, Key=item())["Item"]["n"]["N"]) == Decimal(2)


@behaviour(DYNAMODB, "a name that is a reserved word needs a placeholder", GUIDE + "ReservedWords.html")
def test_reserved_words(dynamodb: Any, table: str) -> None:
    code, message = refusal(
        dynamodb.update_item,
        TableName=table,
        Key=item(),
        UpdateExpression="SET status = :v",
        ExpressionAttributeValues={":v": {"S": "x"}},
    )
    assert code == "ValidationException"
    assert "reserved keyword: status" in message


@behaviour(DYNAMODB, "a key that lacks a part is a ValidationException", API + "API_GetItem.html")
def test_keys_are_whole(dynamodb: Any, table: str) -> None:
    code, message = refusal(dynamodb.get_item, TableName=table, Key={"id": {"S": "a"}})
    assert (code, message) == ("ValidationException", "The provided key element does not match the schema")


@behaviour(DYNAMODB, "an empty string is no key", GUIDE + "HowItWorks.NamingRulesDataTypes.html")
def test_empty_keys(dynamodb: Any, table: str) -> None:
    assert refusal(dynamodb.put_item, TableName=table, Item=item(""))[0] == "ValidationException"


@behaviour(DYNAMODB, "an item above 400 KB is refused", GUIDE + "Constraints.html")
def test_large_items(dynamodb: Any, table: str) -> None:
    code, message = refusal(dynamodb.put_item, TableName=table, Item=item(text="x" * 400 * 1024))
    assert (code, message) == ("ValidationException", "Item size has exceeded the maximum allowed size")


@behaviour(DYNAMODB, "a query returns one partition in the order of the sort key, by pages", GUIDE + "Query.html")
def test_queries(dynamodb: Any, table: str) -> None:
    for at in (3, 1, 20, 2):
        dynamodb.put_item(TableName=table, Item=item(at=at))
    dynamodb.put_item(TableName=table, Item=item("other"))
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="id = :a AND #at > :one",
        ExpressionAttributeNames={"#at": "at"},
        ExpressionAttributeValues={":a": {"S": "a"}, ":one": {"N": "1"}},
        PaginationConfig={"PageSize": 2},
    )
    assert [[each["at"]["N"] for each in page["Items"]] for page in pages] == [["2", "3"], ["20"]]


@behaviour(
    DYNAMODB,
    "a filter is applied after the limit: Count and ScannedCount differ",
    GUIDE + "Query.FilterExpression.html",
)
def test_filters_come_after_limits(dynamodb: Any, table: str) -> None:
    for at, kind in ((1, "x"), (2, "y"), (3, "y")):
        dynamodb.put_item(TableName=table, Item=item(at=at, kind=kind))
    answer = dynamodb.query(
        TableName=table,
        KeyConditionExpression="id = :a",
        FilterExpression="kind = :y",
        Limit=2,
        ExpressionAttributeValues={":a": {"S": "a"}, ":y": {"S": "y"}},
    )
    assert (answer["Count"], answer["ScannedCount"]) == (1, 2)
    assert answer["LastEvaluatedKey"] == item(at=2)


@behaviour(DYNAMODB, "an index holds items that have its key, with what it projects", GUIDE + "GSI.html")
def test_indexes(dynamodb: Any, table: str) -> None:
    dynamodb.put_item(TableName=table, Item=item(kind="x", text="long"))
    dynamodb.put_item(TableName=table, Item=item("b"))
    items = dynamodb.scan(TableName=table, IndexName="by-kind")["Items"]
    assert items == [item(kind="x")]


@behaviour(DYNAMODB, "consistent reads are not offered on a global index", GUIDE + "GSI.html#GSI.Reading")
def test_indexes_read_eventually(dynamodb: Any, table: str) -> None:
    code, _ = refusal(
        dynamodb.query,
        TableName=table,
        IndexName="by-kind",
        ConsistentRead=True,
        KeyConditionExpression="kind = :x",
        ExpressionAttributeValues={":x": {"S": "x"}},
    )
    assert code == "ValidationException"


@behaviour(DYNAMODB, "a transaction is all or nothing, and says which part failed", GUIDE + "transaction-apis.html")
def test_transactions(dynamodb: Any, table: str) -> None:
    dynamodb.put_item(TableName=table, Item=item())
    with pytest.raises(ClientError) as raised:
        dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": table, "Item": item("b")}},
                {"Put": {"TableName": table, "Item": item(), "ConditionExpression": ONCE}},
            ]
        )
    assert raised.value.response["Error"]["Code"] == "TransactionCanceledException"
    reasons = [each["Code"] for each in raised.value.response["CancellationReasons"]]
    assert reasons == ["None", "ConditionalCheckFailed"]
    assert "Item" not in dynamodb.get_item(TableName=table, Key=item("b"))


@behaviour(DYNAMODB, "a transaction with the same token is done once", GUIDE + "transaction-apis.html")
def test_transactions_once(dynamodb: Any, table: str) -> None:
    add = {
        "Update": {
            "TableName": table,
            "Key": item(),
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }
    for _ in range(2):
        dynamodb.transact_write_items(TransactItems=[add], ClientRequestToken="one")
    assert dynamodb.get_item(TableName=table, Key=item())["Item"]["n"] == {"N": "1"}


@behaviour(DYNAMODB, "one batch writes 25 items at most", API + "API_BatchWriteItem.html")
def test_batches(dynamodb: Any, table: str) -> None:
    puts = [{"PutRequest": {"Item": item(at=at)}} for at in range(26)]
    assert refusal(dynamodb.batch_write_item, RequestItems={table: puts})[0] == "ValidationException"
    assert dynamodb.batch_write_item(RequestItems={table: puts[:25]})["UnprocessedItems"] == {}
    keys = [item(at=at) for at in range(30)]
    assert len(dynamodb.batch_get_item(RequestItems={table: {"Keys": keys}})["Responses"][table]) == 25


@behaviour(DYNAMODB, "a batch with one key twice is refused", API + "API_BatchWriteItem.html")
def test_batches_without_duplicates(dynamodb: Any, table: str) -> None:
    puts = [{"PutRequest": {"Item": item()}}] * 2
    code, message = refusal(dynamodb.batch_write_item, RequestItems={table: puts})
    assert (code, message) == ("ValidationException", "Provided list of item keys contains duplicates")


@behaviour(DYNAMODB, "a stream tells each change with old and new image, in order", GUIDE + "Streams.html")
def test_streams(aws: Outside, dynamodb: Any, table: str) -> None:
    dynamodb.put_item(TableName=table, Item=item(kind="x"))
    dynamodb.put_item(TableName=table, Item=item(kind="x"))  # no change, no record
    dynamodb.put_item(TableName=table, Item=item(kind="y"))
    dynamodb.delete_item(TableName=table, Key=item())
    records = stream_records(aws, dynamodb, table)
    assert [each["eventName"] for each in records] == ["INSERT", "MODIFY", "REMOVE"]
    assert records[1]["dynamodb"]["OldImage"]["kind"] == {"S": "x"}
    assert records[1]["dynamodb"]["NewImage"]["kind"] == {"S": "y"}
    assert "NewImage" not in records[2]["dynamodb"]


def stream_records(aws: Outside, dynamodb: Any, table: str) -> list[dict[str, Any]]:
    streams = aws.client("dynamodbstreams")
    arn = dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    records = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records += streams.get_records(ShardIterator=iterator)["Records"]
    return records


@behaviour(DYNAMODB, "a protected table is not deleted", GUIDE + "WorkingWithTables.Basics.html")
def test_protection(dynamodb: Any, table: str) -> None:
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)
    assert refusal(dynamodb.delete_table, TableName=table)[0] == "ValidationException"


@behaviour(DYNAMODB, "PartiQL reads and writes what the API does", GUIDE + "ql-reference.html")
def test_partiql(dynamodb: Any, table: str) -> None:
    dynamodb.execute_statement(Statement=f"INSERT INTO \"{table}\" VALUE {{'id': 'a', 'at': 1, 'kind': 'x'}}")
    found = dynamodb.execute_statement(Statement=f'SELECT kind FROM "{table}" WHERE id = ?', Parameters=[{"S": "a"}])[
        "Items"
    ]
    assert found == [{"kind": {"S": "x"}}]


@behaviour(DYNAMODB, "a table that is not there is ResourceNotFoundException", GUIDE + "Programming.Errors.html")
def test_no_table(dynamodb: Any) -> None:
    assert refusal(dynamodb.get_item, TableName="nothing", Key=item())[0] == "ResourceNotFoundException"


@behaviour(DYNAMODB, "sets have no order and no duplicates", GUIDE + "HowItWorks.NamingRulesDataTypes.html")
def test_sets(dynamodb: Any, table: str) -> None:
    dynamodb.put_item(TableName=table, Item=item(tags={"SS": ["b", "a"]}))
    dynamodb.update_item(
        TableName=table,
        Key=item(),
        UpdateExpression="ADD tags :t",
        ExpressionAttributeValues={":t": {"SS": ["a", "c"]}},
    )
    assert sorted(dynamodb.get_item(TableName=table, Key=item())["Item"]["tags"]["SS"]) == ["a", "b", "c"]
    assert refusal(dynamodb.put_item, TableName=table, Item=item(tags={"SS": []}))[0] == "ValidationException"
