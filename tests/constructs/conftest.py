"""What the tests of buckets and workflows start from."""

from __future__ import annotations

import aws_cdk as cdk
import pytest

from constructs_lib import SecureFunction, UploadBucket
from tests.constructs.uploads import ENTRY


@pytest.fixture
def uploads(stack: cdk.Stack) -> UploadBucket:
    return UploadBucket(stack, "Uploads")


@pytest.fixture
def thumbnail(stack: cdk.Stack) -> SecureFunction:
    return SecureFunction(stack, "Thumbnail", entry=ENTRY)


@pytest.fixture
def function(stack: cdk.Stack) -> SecureFunction:
    return SecureFunction(stack, "Charge", entry=ENTRY)
