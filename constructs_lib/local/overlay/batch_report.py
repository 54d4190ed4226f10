"""Which records of a batch a function says it failed on, by Lambda's rules.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

import json
from typing import Any


def failed_identifiers(answer: Any, identifiers: set[str]) -> set[str] | None:
    """The failed ones; nothing when the whole batch failed, because the report is not one.

    Args:
        answer: What the function answered; nothing at all and an empty list mean that every record succeeded.
        identifiers: The identifiers of the batch.
    """
    if isinstance(answer, str | bytes):
        try:
            answer = json.loads(answer)
        except ValueError:
            return None
    if answer is None:
        return set()
    if not isinstance(answer, dict):
        return None
    reported = answer.get("batchItemFailures")
    if reported is None:
        return set()
    if not isinstance(reported, list):
        return None
    failed = {each.get("itemIdentifier") if isinstance(each, dict) else None for each in reported}
    if not all(isinstance(each, str) and each in identifiers for each in failed):
        return None
    return {str(each) for each in failed}
