"""What a queue and its event source mapping take, and what fits the function behind them."""

from __future__ import annotations

import aws_cdk as cdk

from constructs_lib.wiring.dead_letters import RETENTION
from constructs_lib.wiring.durations import check_duration
from constructs_lib.wiring.refusals import Refusals

VISIBILITY_TIMEOUTS = 6  # function timeouts a message stays hidden
LONGEST_VISIBILITY_SECONDS = 12 * 3600
WINDOW_SECONDS = range(300 + 1)
BATCH_SIZE = range(1, 10_000 + 1)
BATCH_SIZE_WITHOUT_WINDOW = 10
BATCH_SIZE_FIFO = 10
MAX_CONCURRENCY = range(2, 1000 + 1)
MAX_RECEIVE_COUNT = range(2, 1000 + 1)
MAX_RECEIVE_COUNT_DEFAULT = 5
RETENTION_SECONDS = range(60, 14 * 24 * 3600)


def visibility_of(
    timeout: cdk.Duration, window: cdk.Duration | None, stated: cdk.Duration | None, refusals: Refusals
) -> cdk.Duration | None:
    """How long a message stays hidden: as stated, if that covers one call; six timeouts and the window otherwise.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """
    if timeout.is_unresolved() or (window is not None and window.is_unresolved()):
        if stated is None:
            refusals.refuse(
                "visibility_timeout cannot be computed: the timeout or the batching window is known at deploy only",
                fix="state visibility_timeout, six times the timeout plus the window",
            )
        return stated
    gathering = 0 if window is None else window.to_seconds(integral=False)
    if stated is None:
        return cdk.Duration.seconds(VISIBILITY_TIMEOUTS * timeout.to_seconds() + gathering)
    if stated.is_unresolved():
        return stated
    seconds, covered = stated.to_seconds(integral=False), timeout.to_seconds() + gathering
    if seconds < covered:
        refusals.refuse(
            f"visibility_timeout ({seconds:g} s) is shorter than the timeout of the function"
            f"{' and the batching window' if gathering else ''} ({covered:g} s): messages would be delivered twice",
            fix="leave visibility_timeout out, or lower the timeout of the function",
        )
    elif seconds > LONGEST_VISIBILITY_SECONDS or seconds != int(seconds):
        refusals.refuse(
            f"visibility_timeout ({seconds:g} s) is not one SQS takes (whole seconds up to 43200)",
            fix="leave visibility_timeout out for six times the timeout of the function",
        )
    return stated


def check_retention(retention: cdk.Duration, refusals: Refusals) -> None:
    """Note a message that would outlive its own dead letter.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
    """
    if retention.is_unresolved():
        return
    days = retention.to_days(integral=False)
    if days >= RETENTION.to_days():
        refusals.refuse(
            f"retention ({days:g} days) leaves a dead letter no time: it keeps its age, and is gone after 14 days",
            fix="leave retention out for 4 days, or stay well below 14",
        )
    else:
        check_duration(
            "retention",
            retention,
            RETENTION_SECONDS,
            refusals,
            wanted="is not one SQS keeps anything for (60 s at least, in whole seconds)",
            fix="leave retention out for 4 days",
        )


def check_window(window: cdk.Duration | None, refusals: Refusals) -> None:
    """Note a batching window that is not one of Lambda's.

    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
    """
    check_duration(
        "batching_window",
        window,
        WINDOW_SECONDS,
        refusals,
        wanted="is not one Lambda waits (0 to 300 whole seconds)",
        fix="lower it, or leave it out",
    )


def check_batch(batch_size: int, window: cdk.Duration | None, *, fifo: bool, refusals: Refusals) -> None:
    """Note a batch or a window that Lambda does not gather.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html
    """
    gathering = 0.0
    if window is not None and not window.is_unresolved():
        gathering = window.to_seconds(integral=False)
    if fifo and window is not None:
        refusals.refuse("batching_window is not for FIFO queues", fix="leave batching_window out")
    else:
        check_window(window, refusals)
    if cdk.Token.is_unresolved(batch_size):
        return
    if batch_size not in BATCH_SIZE:
        refusals.refuse(f"batch_size is {batch_size}, wanted 1 to 10000", fix="leave batch_size out for 10")
    elif fifo and batch_size > BATCH_SIZE_FIFO:
        refusals.refuse(
            f"batch_size is {batch_size}, and a FIFO queue gives 10 at most", fix="leave batch_size out for 1"
        )
    elif batch_size > BATCH_SIZE_WITHOUT_WINDOW and (window is None or (not window.is_unresolved() and gathering < 1)):
        refusals.refuse(
            f"batch_size is {batch_size}, and more than 10 take a batching window of one second at least",
            fix="set batching_window=Duration.seconds(1), or lower batch_size",
        )


def check_concurrency(max_concurrency: int | None, reserved: int | None, refusals: Refusals) -> None:
    """Note a concurrency that the mapping does not take, or the function does not have.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
    """
    if max_concurrency is None or cdk.Token.is_unresolved(max_concurrency):
        return
    if max_concurrency not in MAX_CONCURRENCY:
        refusals.refuse(
            f"max_concurrency is {max_concurrency}, wanted 2 to 1000",
            fix="for one message at a time, in order, use fifo=True with one message group",
        )
    elif reserved is not None and not cdk.Token.is_unresolved(reserved) and max_concurrency > reserved:
        refusals.refuse(
            f"max_concurrency ({max_concurrency}) is more than reserved_concurrency ({reserved}): Lambda would "
            "throttle the rest, and each throttled message counts as received",
            fix="lower max_concurrency, or reserve more",
        )


def what_is_reserved(reserved: int | None) -> int | None:
    """The concurrency a mapping is held to where its function has some reserved, and nothing else was said.

    Without it Lambda takes more messages than it has environments for, and puts back those that are throttled, each of
    them one receive nearer to the dead letters without anybody having tried it.
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
    """
    is_number = reserved is not None and not cdk.Token.is_unresolved(reserved)
    return reserved if is_number and reserved in MAX_CONCURRENCY else None


def check_receives(count: int, refusals: Refusals, *, is_retried: bool) -> None:
    """Note a number of receives that is none, gives a message a single chance, or is never reached."""
    if not is_retried:
        if count not in (1, MAX_RECEIVE_COUNT_DEFAULT):
            refusals.refuse(
                f"max_receive_count is {count}, and retries are waived: a message is dead after one receive",
                fix="leave out one of the two",
            )
        return
    if cdk.Token.is_unresolved(count) or count in MAX_RECEIVE_COUNT:
        return
    if count == 1:
        refusals.refuse(
            "max_receive_count is 1: a message is dead as soon as one call is throttled or fails",
            fix='leave max_receive_count out for 5, or say why: retries=Waived("...")',
        )
    else:
        refusals.refuse(f"max_receive_count is {count}, wanted 2 to 1000", fix="leave max_receive_count out for 5")
