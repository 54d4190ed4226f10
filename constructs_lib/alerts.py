"""Whom the alarms of an app tell: an inbox, a chat, a list of open cases, or a topic of one's own.

The numbers, and why:

- A topic under a key of its own, $1 a month: CloudWatch may not use the key `aws/sns`, whose policy AWS keeps, and an
  alarm whose message cannot be encrypted tells nobody.
  https://repost.aws/knowledge-center/cloudwatch-configure-alarm-sns
- Also when all is well again: who was woken wants to know that it is over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
import jsii
from aws_cdk import aws_chatbot as chatbot
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct, IConstruct

from constructs_lib.defaults import defaults_of
from constructs_lib.topic import Topic
from constructs_lib.wiring.alarm_registry import alarms_of, stage_of
from constructs_lib.wiring.environments import check_same_environment, check_same_region
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.known_topic import ExistingTopic
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.topic_access import admit_to_topic, has_key_of_aws
from constructs_lib.wiring.waiver import Waived, acknowledge

CLOUDWATCH = "cloudwatch.amazonaws.com"
CHATBOT = "chatbot.amazonaws.com"
LONGEST_NAME = 128
MOST_ACTIONS = 5  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-chatbot-slackchannelconfiguration.html
SLACK_ID = re.compile(r"[0-9A-Z]{1,255}")
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-chatbot-microsoftteamschannelconfiguration.html
UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
TEAMS_CHANNEL = re.compile(r"[\w=+/.,-]*%3[aA][\w=+/.,-]*%40[\w=+/.,-]*", re.ASCII)
# https://docs.aws.amazon.com/incident-manager/latest/APIReference/API_CreateResponsePlan.html
PLAN = re.compile(r"[\w-]{1,200}", re.ASCII)
SHAPES = {
    SLACK_ID: "capital letters and digits, T012AB3CD",
    UUID: "a UUID",
    TEAMS_CHANNEL: "what stands in its link, 19%3A...%40thread.tacv2",
}
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
REACH = "an alarm tells topics of its own account and region alone"
REACH_FIX = "make one Alerts in each region: Alerts(stack, ..., of=stack)"
NOT_BY_ITSELF = Waived("what tells of alarms cannot tell that it does not: its own failures would take the same way")
READ_BY_PEOPLE = (
    "a mailbox or a channel is at the end of this subscription: what SNS could not deliver there is in the history of "
    "the alarm, https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions.html"
)


@dataclass(frozen=True, slots=True)
class Slack:
    """A channel of Slack, whose workspace is authorized once in the console of Amazon Q Developer in chat applications.

    https://docs.aws.amazon.com/chatbot/latest/adminguide/slack-setup.html

    Args:
        workspace_id: What the console shows there: `T012AB3CD`.
        channel_id: The last part of the channel's link: `C0123456789`.
    """

    workspace_id: str
    channel_id: str


@dataclass(frozen=True, slots=True)
class Teams:
    """A channel of Microsoft Teams, whose team is authorized once in the console of Amazon Q Developer.

    https://docs.aws.amazon.com/chatbot/latest/adminguide/teams-setup.html

    Args:
        team_id: The group of the team's link, a UUID.
        tenant_id: The tenant of the team's link, a UUID.
        channel_id: The channel of its link, `19%3A...%40thread.tacv2`.
    """

    team_id: str
    tenant_id: str
    channel_id: str


class Alerts(Construct):
    """Tell people of every alarm below a scope, when it goes off and when all is well again.

    Alarms of our constructs are found wherever they are below the scope, in nested stacks and in other stacks, and
    whether they are made before or after. Several may cover one alarm: each tells its own people. Whoever reads one
    finds in it what is wrong, where, and which article of the runbook to open: `constructs-lib runbook ARTICLE`.

    Where `Defaults` turn alarms off, there is nobody to tell of anything, and nothing is made.

    Email, Slack and Teams share one topic, which only CloudWatch of this account may publish to; each inbox has to
    confirm once.

    Args:
        email: One address, or several.
        slack: A channel of Slack: `Slack("T012AB3CD", "C0123456789")`.
        teams: A channel of Microsoft Teams.
        topic: A topic of yours instead of a new one; a `Topic` needs a key of its own. Whoever subscribes to it hears.
        ops_item: Also open a case of this severity in OpsCenter (Systems Manager), with the alarm as its source.
        response_plan: Also start an incident, by the name of a response plan of Incident Manager.
        of: The scope whose alarms it is about: a stack, a stage, the app. Default: where it stands itself.
        others: Also alarms below the scope that are not made by our constructs: an `Alarm` or `CompositeAlarm` of the
            CDK, not a bare `CfnAlarm`.
        encryption_key: A key of your own for the topic; one that was imported must admit CloudWatch by itself. Default:
            that of the `Defaults`, or else one that is made for it.

    Raises:
        PropError: Nobody would be told, or an id is malformed; the topic is in another region, or an alarm when it is
            made; a `Dashboard` in the same stack shows alarms of other stacks.

    Example:
        >>> alerts = Alerts(stack, "Alerts", email="oncall@example.com", slack=Slack("T012AB3CD", "C0123456789"))
    """

    @checks_kinds(except_for=("email", "topic", "of"))
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        email: str | Sequence[str] = (),
        slack: Slack | None = None,
        teams: Teams | None = None,
        topic: Topic | ExistingTopic | sns.ITopic | None = None,
        ops_item: actions.OpsItemSeverity | None = None,
        response_plan: str | None = None,
        of: IConstruct | None = None,
        others: bool = False,
        encryption_key: kms.IKey | None = None,
    ) -> None:
        super().__init__(scope, id)
        covered: IConstruct = scope if of is None else of
        addresses = [email] if isinstance(email, str) else email
        topic = topic.topic if isinstance(topic, ExistingTopic) else topic
        refusals = Refusals(self)
        _check_addresses(addresses, refusals)
        _check_channels(slack, teams, refusals)
        if not (addresses or slack or teams or topic or ops_item or response_plan):
            refusals.refuse("nobody is told", fix='say whom: email="oncall@example.com", slack=Slack(...) or topic=...')
        _check_plan(response_plan, refusals)
        _check_topic(topic, self, refusals)
        if not isinstance(covered, Construct):
            refusals.refuse(f"of is a {type(covered).__name__}, wanted a Construct", fix="pass a stack, stage or app")
        if topic is not None and encryption_key is not None:
            refusals.refuse("topic and encryption_key are both set", fix="give the key to the topic")
        refusals.stop_if_any()

        self._actions: list[cloudwatch.IAlarmAction] = []
        self.topic: sns.ITopic | None = None
        self._told: set[str] = set()
        self._registry = alarms_of(covered)
        self._rings_only: list[cloudwatch.IAlarmAction] = []  # a case is opened once, and closed by who worked on it
        if not defaults_of(self).alarms and not others:
            return
        if addresses or slack or teams or topic:
            self.topic = self._open(topic, encryption_key)
            self._actions.append(actions.SnsAction(self.topic))
        if ops_item is not None:
            self._rings_only.append(actions.SsmAction(ops_item, actions.OpsItemCategory.AVAILABILITY))
        if response_plan is not None:
            self._rings_only.append(actions.SsmIncidentAction(response_plan))
        if self.topic is not None:
            _write_to(self, self.topic, addresses)
            self._join_chats(self.topic, slack, teams)
        if isinstance(self.topic, sns.Topic):  # an imported one is no reference
            self._registry.watch(self, covered, by=self.topic, is_shown=False)
        self._registry.listen(covered, self._tell_of)
        if others:
            cdk.Aspects.of(covered).add(_Others(self), priority=cdk.AspectPriority.MUTATING)

    def _open(self, topic: Topic | sns.ITopic | None, key: kms.IKey | None) -> sns.ITopic:
        """The topic that alarms publish to, which from then on takes what CloudWatch says of this account."""
        if topic is None:
            key = defaults_of(self).encryption_key if key is None else key
            if key is None:  # nothing is kept under it, so it goes with the topic
                key = kms.Key(self, "Key", enable_key_rotation=True, removal_policy=cdk.RemovalPolicy.DESTROY)
            topic = Topic(self, "Topic", encryption_key=key, alarms=NOT_BY_ITSELF)
        stack = cdk.Stack.of(self)
        any_alarm = stack.format_arn(
            service="cloudwatch", resource="alarm", resource_name="*", arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
        )
        if isinstance(topic, Topic):
            topic.admit_service(CLOUDWATCH, source_arn=any_alarm)
            return topic.topic
        if isinstance(topic, sns.Topic):
            admit_to_topic(topic, CLOUDWATCH, any_alarm)
        return topic

    def _join_chats(self, topic: sns.ITopic, slack: Slack | None, teams: Teams | None) -> None:
        if slack is None and teams is None:
            return
        role = iam.Role(self, "ChatRole", assumed_by=iam.ServicePrincipal(CHATBOT))  # may do nothing: it only listens
        # Without guardrails, whoever is in the channel could be given any right of the account by a change of the role.
        guardrail = iam.ManagedPolicy(
            self,
            "ChatGuardrail",
            statements=[iam.PolicyStatement(effect=iam.Effect.DENY, actions=["*"], resources=["*"])],
        )
        name = cdk.Names.unique_resource_name(self, max_length=LONGEST_NAME - len("-teams"), separator="-")
        if slack is not None:
            chatbot.CfnSlackChannelConfiguration(
                self,
                "Slack",
                configuration_name=f"{name}-slack",
                iam_role_arn=role.role_arn,
                slack_workspace_id=slack.workspace_id,
                slack_channel_id=slack.channel_id,
                sns_topic_arns=[topic.topic_arn],
                guardrail_policies=[guardrail.managed_policy_arn],
                logging_level="ERROR",
            )
        if teams is not None:
            chatbot.CfnMicrosoftTeamsChannelConfiguration(
                self,
                "Teams",
                configuration_name=f"{name}-teams",
                iam_role_arn=role.role_arn,
                team_id=teams.team_id,
                teams_tenant_id=teams.tenant_id,
                teams_channel_id=teams.channel_id,
                sns_topic_arns=[topic.topic_arn],
                guardrail_policies=[guardrail.managed_policy_arn],
                logging_level="ERROR",
            )

    def _tell_of(self, alarm: cloudwatch.AlarmBase) -> None:
        path = alarm.node.path
        if path in self._told:
            return
        refusals = Refusals(alarm)
        if isinstance(self.topic, sns.Topic) and stage_of(self) != stage_of(alarm):
            refusals.refuse(
                f"{self.node.path} is deployed apart, with another stage",
                fix="make one Alerts in each stage: Alerts(stack, ..., of=stage)",
            )
        elif self.topic is not None:
            check_same_environment(self, alarm, refusals, why=REACH, fix=REACH_FIX)
            self._registry.check_circle(alarm, refusals)
        number = self._registry.actions[path] + len(self._actions) + len(self._rings_only)
        if number > MOST_ACTIONS:
            refusals.refuse(
                f"the alarm would tell {number}, and CloudWatch takes {MOST_ACTIONS}",
                fix="let several subscribe to one topic: Alerts(..., topic=...)",
            )
        refusals.stop_if_any()
        self._registry.actions[path] = number
        self._told.add(path)
        if self._actions or self._rings_only:
            alarm.add_alarm_action(*self._actions, *self._rings_only)
        if self._actions:
            alarm.add_ok_action(*self._actions)


@jsii.implements(cdk.IAspect)
class _Others:
    """Tells of alarms that our constructs did not make."""

    def __init__(self, alerts: Alerts) -> None:
        self._alerts = alerts

    def visit(self, node: IConstruct) -> None:
        if isinstance(node, cloudwatch.AlarmBase):
            self._alerts._tell_of(node)


def _write_to(alerts: Alerts, topic: sns.ITopic, addresses: Sequence[str]) -> None:
    for number, address in enumerate(addresses, start=1):
        subscription = sns.Subscription(
            alerts,
            "Email" if number == 1 else f"Email{number}",
            topic=topic,
            protocol=sns.SubscriptionProtocol.EMAIL,
            endpoint=address,
        )
        acknowledge(subscription, READ_BY_PEOPLE, "Serverless-SNSRedrivePolicy")


def _check_addresses(addresses: Sequence[str], refusals: Refusals) -> None:
    if not isinstance(addresses, Sequence):
        refusals.refuse(f"email is {addresses!r}, wanted a string or a list", fix='write email="oncall@example.com"')
        return
    for address in addresses:
        if not isinstance(address, str) or not (cdk.Token.is_unresolved(address) or ADDRESS.fullmatch(address)):
            refusals.refuse(f"email is {address!r}, which is no address", fix='write email="oncall@example.com"')
    if len(set(map(repr, addresses))) < len(addresses):
        refusals.refuse("email names an address twice", fix="leave the second out")


def _check_channels(slack: Slack | None, teams: Teams | None, refusals: Refusals) -> None:
    told = []
    if slack is not None:
        told += [("slack.workspace_id", slack.workspace_id, SLACK_ID), ("slack.channel_id", slack.channel_id, SLACK_ID)]
    if teams is not None:
        told += [("teams.team_id", teams.team_id, UUID), ("teams.tenant_id", teams.tenant_id, UUID)]
        told += [("teams.channel_id", teams.channel_id, TEAMS_CHANNEL)]
    for name, value, pattern in told:
        if isinstance(value, str) and (cdk.Token.is_unresolved(value) or pattern.fullmatch(value)):
            continue
        refusals.refuse(f"{name} is {value!r}, wanted {SHAPES[pattern]}", fix="copy it from the link of the channel")


def _check_plan(response_plan: str | None, refusals: Refusals) -> None:
    if response_plan and not cdk.Token.is_unresolved(response_plan) and not PLAN.fullmatch(response_plan):
        refusals.refuse(
            f"response_plan is {response_plan!r}, wanted the name of a plan", fix="write what its ARN ends in"
        )


def _check_topic(topic: object, bearer: Construct, refusals: Refusals) -> None:
    if topic is not None and not isinstance(topic, Topic) and not hasattr(topic, "topic_arn"):
        refusals.refuse(f"topic is a {type(topic).__name__}, wanted a Topic", fix="pass the topic itself")
    if isinstance(topic, sns.Topic) and has_key_of_aws(topic):
        refusals.refuse(
            f"{topic.node.path} is under the key aws/sns, which alarms may not use: they would tell nobody",
            fix="give the topic a key of its own: master_key=kms.Key(..., enable_key_rotation=True)",
        )
    check_same_region("topic", topic, bearer, refusals)
    if getattr(topic, "fifo", None) is True:
        refusals.refuse(
            "topic is FIFO, and alarms name no message group: they would tell nobody", fix="pass a standard topic"
        )
