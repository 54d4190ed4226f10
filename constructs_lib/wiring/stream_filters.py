"""Which changes of a table a function receives, as Lambda documents it.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from aws_cdk import aws_dynamodb as dynamodb

from constructs_lib.wiring.json_values import check_json
from constructs_lib.wiring.refusals import Refusals, did_you_mean

MOST_FILTERS = 5  # https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
ALTERNATIVES = "$or"

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
RECORD = frozenset(
    {"awsRegion", "dynamodb", "eventID", "eventName", "eventSource", "eventSourceARN", "eventVersion", "userIdentity"}
)
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html
CHANGE = frozenset(
    {
        "ApproximateCreationDateTime",
        "Keys",
        "NewImage",
        "OldImage",
        "SequenceNumber",
        "SizeBytes",
        "StreamViewType",
    }
)
CARRIED: Mapping[dynamodb.StreamViewType, frozenset[str]] = {
    dynamodb.StreamViewType.KEYS_ONLY: CHANGE - {"NewImage", "OldImage"},
    dynamodb.StreamViewType.NEW_IMAGE: CHANGE - {"OldImage"},
    dynamodb.StreamViewType.OLD_IMAGE: CHANGE - {"NewImage"},
}
EVENT_NAMES = frozenset({"INSERT", "MODIFY", "REMOVE"})


def check_filters(
    filters: Sequence[Mapping[str, object]], refusals: Refusals, *, images: dynamodb.StreamViewType | None
) -> None:
    """Note filters that match everything, or nothing a stream ever has.

    Args:
        filters: The filters.
        refusals: Where problems are noted.
        images: What the stream carries.
    """
    if len(filters) > MOST_FILTERS:
        refusals.refuse(f"there are {len(filters)} filters, and Lambda takes {MOST_FILTERS}", fix="join some of them")
    for each in filters:
        if each:
            _check_filter(each, refusals, CARRIED.get(images, CHANGE) if images is not None else CHANGE)
        else:
            refusals.refuse("a filter is empty: it would let every change through", fix="leave filters out")


def _check_filter(one: Mapping[str, object], refusals: Refusals, carried: frozenset[str]) -> None:
    if not check_json("a filter", one, refusals):
        return
    _check_names("a filter", one, RECORD, refusals)
    for key, wanted in one.items():
        if isinstance(wanted, str) or not isinstance(wanted, Sequence | Mapping):
            refusals.refuse(
                f"a filter asks {key} for {_shown(wanted)}, wanted a list of what it may be",
                fix=f'write a list: filters=[{{"{key}": ["..."]}}]',
            )
    names, change = one.get("eventName"), one.get("dynamodb")
    for name in names if isinstance(names, Sequence) and not isinstance(names, str) else ():
        if isinstance(name, str) and name not in EVENT_NAMES:
            refusals.refuse(
                f"a filter asks eventName for {name!r}, which no change is{did_you_mean(name, EVENT_NAMES)}",
                fix=f"use {', '.join(sorted(EVENT_NAMES))}",
            )
    if isinstance(change, Mapping):
        _check_names("dynamodb in a filter", change, CHANGE, refusals)
        for image in sorted(CHANGE - carried):
            if image in change:
                refusals.refuse(
                    f"a filter asks for {image}, which the stream does not carry",
                    fix="give the table more: stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES",
                )


def _check_names(place: str, asked: Mapping[str, object], known: Collection[str], refusals: Refusals) -> None:
    for key in asked:
        if key not in known and key != ALTERNATIVES:
            refusals.refuse(
                f"{place} asks for {key!r}, which no change has{did_you_mean(str(key), known)}",
                fix=f"use {', '.join(sorted(known))}",
            )


def _shown(value: object) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        return f"a {type(value).__name__}"
