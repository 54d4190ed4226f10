"""A topic, whoever made it: who may publish, and who receives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib.wiring.dead_letters import DeadLetters
from constructs_lib.wiring.delivery_alarms import SubscriptionAlarms, check_subscription_alarms
from constructs_lib.wiring.destination import HasQueue, publish_statements
from constructs_lib.wiring.environments import check_same_environment
from constructs_lib.wiring.event_pattern import ALTERNATIVES, check_values
from constructs_lib.wiring.existing import check_existing
from constructs_lib.wiring.granting import grant_exactly
from constructs_lib.wiring.guarded import guard
from constructs_lib.wiring.json_values import as_json, check_json
from constructs_lib.wiring.key_use import admit_to_key
from constructs_lib.wiring.kinds import check_id, checks_kinds
from constructs_lib.wiring.queue_access import admit_to_queue
from constructs_lib.wiring.receiver import HasFunction, HasStateMachine, allow_invocation, is_receiver, key_of, place_of
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.upload_loops import loops_of, passing_on, run_with
from constructs_lib.wiring.variables import check_takes_variable, set_variable
from constructs_lib.wiring.waiver import Waived

SERVICE = "sns.amazonaws.com"
REACH = "a subscription made here joins a topic and a receiver of one account and region"
REACH_FIX = "put both into one, or subscribe with CDK's L2 and the topic's ARN written out"
# https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
MOST_FILTER_KEYS = 5
MOST_COMBINATIONS = 150

FilterOn = Literal["attributes", "body"]
FILTER_SCOPES = {"attributes": "MessageAttributes", "body": "MessageBody"}


class KnownTopic(Construct):
    """Stand for a topic: `Topic` for one of ours, `ExistingTopic` for any other.

    Attributes:
        topic: The L2.
    """

    topic: sns.ITopic

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 - CDK's name
        super().__init__(scope, id)
        guard(self)
        self._receivers: set[str] = set()
        self._loops = loops_of(self)

    @property
    def topic_arn(self) -> str:
        """The ARN of the topic."""
        return self.topic.topic_arn

    @checks_kinds(except_for=("receiver", "filter_on"))
    def subscribe(
        self,
        receiver: HasQueue | HasFunction,
        *,
        filter: Mapping[str, object] | None = None,  # noqa: A002 - SNS's name
        filter_on: FilterOn = "attributes",
        id: str | None = None,  # noqa: A002 - CDK's name
        alarms: SubscriptionAlarms | Waived | None = None,
    ) -> TopicSubscription:
        """Deliver messages to a worker or a function, which from then on may be reached by this topic alone.

        The subscription belongs to the receiver, so that the receiver's stack depends on the topic's and never the
        other way. A worker's queue gets the bare message; a function gets SNS's event, asynchronously.

        Args:
            receiver: A `QueueWorker` or a `SecureFunction`.
            filter: A filter policy as SNS documents it, `{"kind": ["placed", "cancelled"]}`. Default: every message.
                https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
            filter_on: Whether the filter looks at the attributes of a message or into its JSON body.
            id: Name of the subscription below the receiver. Default: the place of the topic.
            alarms: Another threshold than that of `SubscriptionAlarms`, or `Waived(reason)` for none.

        Raises:
            PropError: The receiver is neither, its queue is FIFO, it is subscribed already or deployed elsewhere, the
                filter is not one SNS takes, or an upload would set off the next one by it.
        """
        refusals = Refusals(self)
        if not is_receiver(receiver) or isinstance(receiver, HasStateMachine):
            refusals.refuse(
                f"a {type(receiver).__name__} cannot subscribe", fix="subscribe a QueueWorker or a SecureFunction"
            )
        elif isinstance(receiver, HasQueue) and receiver.queue.fifo:
            refusals.refuse(
                f"{receiver.queue.node.path} is FIFO, and a standard topic does not deliver to it",
                fix="subscribe a standard queue: fifo=False",
            )
        if filter_on not in tuple(FILTER_SCOPES):
            refusals.refuse(f"filter_on is {filter_on!r}", fix='use "attributes" or "body"')
        if filter is not None:
            _check_filter(filter, filter_on, refusals)
        check_subscription_alarms(alarms, refusals)
        refusals.stop_if_any()
        if not isinstance(receiver, Construct):  # pragma: no cover - what was not refused is one
            raise TypeError("a receiver outside the tree")
        place = place_of(self, seen_from=receiver) if id is None else id
        if receiver.node.path in self._receivers:
            refusals.refuse(
                f"{receiver.node.path} is subscribed already, and SNS knows one subscription of each",
                fix='subscribe once; a filter can name several values: {"kind": ["placed", "cancelled"]}',
            )
        else:
            check_id(receiver, place, refusals, fix='name this subscription: subscribe(..., id="Cancelled")')
        check_same_environment(self, receiver, refusals, why=REACH, fix=REACH_FIX)
        if filter is None and refusals.are_none:
            self._loops.add_calls(passing_on(self), "deliver to", run_with(receiver), refusals)
        refusals.stop_if_any()
        self._receivers.add(receiver.node.path)
        return TopicSubscription(self, receiver, place, filter=filter, filter_on=filter_on, alarms=alarms)

    @checks_kinds()
    def grant_publish(self, grantee: iam.IGrantable, *, env: str | None = None) -> iam.Grant:
        """Let somebody publish, one by one or in batches: exactly `sns:Publish` on the topic.

        Args:
            grantee: A function, or anything else with a role; for an AWS service see `admit_service`.
            env: Also set this variable of the function to the topic's ARN.

        Raises:
            PropError: There is no function to set the variable on, or the grantee is an AWS service.
        """
        refusals = Refusals(self)
        check_takes_variable(grantee, env, refusals)
        if isinstance(grantee, iam.ServicePrincipal):
            refusals.refuse(
                f"{grantee.service} is a service, and would publish on behalf of anybody",
                fix=f'say on whose behalf: admit_service("{grantee.service}", source_arn=...)',
            )
        refusals.stop_if_any()
        granted = grant_exactly(self, grantee, ["sns:Publish"], self.topic_arn)
        for statement in publish_statements(self, self.topic)[1:]:
            grantee.grant_principal.add_to_principal_policy(statement)
        set_variable(grantee, env, self.topic_arn)
        return granted


class ExistingTopic(KnownTopic):
    """Stand for a topic that was made elsewhere; see `Topic.from_existing`.

    Args:
        topic: The L2.

    Raises:
        PropError: It is in another account or region.
    """

    @checks_kinds()
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, id)
        check_existing("topic", topic, topic.topic_arn, self)
        self.topic = topic


class TopicSubscription(Construct):
    """Define one receiver's subscription and its dead letters; made by `Topic.subscribe`.

    Args:
        topic: The topic.
        receiver: Who receives.
        filter: What it receives; everything if none.
        filter_on: What the filter looks at.
        alarms: What raises an alarm, as `SubscriptionAlarms` says.
    """

    def __init__(
        self,
        topic: KnownTopic,
        receiver: HasQueue | HasFunction,
        id: str,  # noqa: A002 - CDK's name
        *,
        filter: Mapping[str, object] | None,  # noqa: A002 - SNS's name
        filter_on: FilterOn,
        alarms: SubscriptionAlarms | Waived | None = None,
    ) -> None:
        if not isinstance(receiver, Construct):  # pragma: no cover - what has a queue or a function is a construct
            raise TypeError("a receiver outside the tree")
        super().__init__(receiver, id)
        key = key_of(receiver)
        if key is None and not _is_of_others(topic):
            key = topic.topic.master_key
        self.dead_letters = DeadLetters(self, "Undelivered", encryption_key=key, alarms=alarms)
        key = self.dead_letters.queue.encryption_master_key
        if key is not None:
            admit_to_key(key, SERVICE, _key_source(topic, key))
        self.permission: lambda_.CfnPermission | None = None
        if isinstance(receiver, HasQueue):
            admit_to_queue(receiver.queue, SERVICE, topic.topic_arn, key_source=_key_source(topic, key))
        else:
            self.permission = allow_invocation(self, receiver, SERVICE, topic.topic_arn)
        self.subscription = sns.Subscription(
            self,
            "Subscription",
            topic=topic.topic,
            protocol=sns.SubscriptionProtocol.SQS
            if isinstance(receiver, HasQueue)
            else sns.SubscriptionProtocol.LAMBDA,
            endpoint=receiver.queue.queue_arn if isinstance(receiver, HasQueue) else receiver.called.function_arn,
            raw_message_delivery=True if isinstance(receiver, HasQueue) else None,
            dead_letter_queue=self.dead_letters.queue,  # the L2 admits the topic to it
        )
        if filter is not None:
            cfn = resource_of(self.subscription, sns.CfnSubscription)
            cfn.filter_policy = as_json(filter)
            cfn.filter_policy_scope = FILTER_SCOPES[filter_on]


def _is_of_others(topic: KnownTopic) -> bool:
    """Whether the key of a topic is one that admits nobody for our sake: SNS could not write a dead letter under it."""
    return isinstance(topic, ExistingTopic) and not isinstance(topic.topic.master_key, kms.Key)


def _key_source(topic: KnownTopic, key: kms.IKey | None) -> str:
    """Whom the key of a queue admits: the topic; any of the account where naming the topic could close a cycle.

    It could where the topic has a key too (each key's policy would name what the other encrypts), and where the key
    lives in another stack than the topic, on which that stack would depend.
    """
    is_elsewhere = key is not None and cdk.Stack.of(key).node.path != cdk.Stack.of(topic).node.path
    if topic.topic.master_key is None and not is_elsewhere:
        return topic.topic_arn
    return cdk.Stack.of(topic).format_arn(service="sns", resource="*")


def _check_filter(policy: Mapping[str, object], filter_on: str, refusals: Refusals) -> None:
    if not check_json("filter", policy, refusals):
        return
    if not policy:
        refusals.refuse("filter is empty: it would let every message through", fix="leave filter out")
    if len(policy) > MOST_FILTER_KEYS:
        refusals.refuse(f"filter has {len(policy)} keys, and SNS takes {MOST_FILTER_KEYS}", fix="filter on fewer keys")
    for key, wanted in policy.items():
        _check_wanted(key, wanted, filter_on, refusals)
    if prod(_choices(policy)) > MOST_COMBINATIONS:
        refusals.refuse(
            f"filter has {prod(_choices(policy))} combinations of values, and SNS takes {MOST_COMBINATIONS}",
            fix="filter on fewer values",
        )


def _check_wanted(key: str, wanted: object, filter_on: str, refusals: Refusals) -> None:
    if isinstance(wanted, Mapping) and filter_on == "body":
        for below, each in wanted.items():
            _check_wanted(f"{key}.{below}", each, filter_on, refusals)
    elif key == ALTERNATIVES and isinstance(wanted, Sequence) and all(isinstance(each, Mapping) for each in wanted):
        for each in wanted:
            for below, inner in each.items():
                _check_wanted(below, inner, filter_on, refusals)
    else:
        check_values(f"filter asks {key} for", wanted, refusals, fix=f'write a list: filter={{"{key}": ["..."]}}')


def _choices(policy: Mapping[str, object]) -> Iterator[int]:
    """How many values each key may have, the keys inside of others among them."""
    for wanted in policy.values():
        if isinstance(wanted, Mapping):
            yield from _choices(wanted)
        elif isinstance(wanted, Sequence):
            yield len(wanted)
