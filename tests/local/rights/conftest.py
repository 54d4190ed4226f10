"""One embedded AWS with IAM enforced, and a few things in it that nobody changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from constructs_lib.local.emulator import Emulator, Settings
from tests.local.rights.callers import Callers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def aws() -> Iterator[Callers]:
    with Emulator.start(Settings()) as emulator:
        callers = Callers(emulator.endpoint)
        dynamodb = callers.client("dynamodb")
        for name in ("mine", "other"):
            dynamodb.create_table(
                TableName=name,
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[
                    {"AttributeName": "id", "AttributeType": "S"},
                    {"AttributeName": "group", "AttributeType": "S"},
                ],
                BillingMode="PAY_PER_REQUEST",
                GlobalSecondaryIndexes=[
                    {
                        "IndexName": "by-group",
                        "KeySchema": [{"AttributeName": "group", "KeyType": "HASH"}],
                        "Projection": {"ProjectionType": "ALL"},
                    }
                ],
            )
        s3 = callers.client("s3")
        for bucket in ("mine-bucket", "other-bucket"):
            s3.create_bucket(Bucket=bucket)
            for key in ("in/x", "out/x"):
                s3.put_object(Bucket=bucket, Key=key, Body=b"x")
        yield callers
