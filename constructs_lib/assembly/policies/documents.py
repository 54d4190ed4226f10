"""Where the policies of an assembly stand, and what each is attached to."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from constructs_lib.assembly.policies.statement import Principal, Statement, statements_at, statements_in
from constructs_lib.assembly.remembered import remembered
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.value import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constructs_lib.assembly.model import Assembly, External, Node

ROLE, USER, GROUP = "AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group"
MANAGED = "AWS::IAM::ManagedPolicy"
BUCKET, QUEUE, TOPIC, BUS = "AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::Events::EventBus"
FUNCTION, TABLE, STREAM = "AWS::Lambda::Function", "AWS::DynamoDB::Table", "AWS::Kinesis::Stream"
DOCUMENT = "PolicyDocument"

# Policies of a type of their own: where they name what they protect, of which type that is, and where the document is.
APART: Mapping[str, tuple[tuple[str, ...], str, str]] = {
    "AWS::Kinesis::ResourcePolicy": (("ResourceArn",), STREAM, "ResourcePolicy"),
    "AWS::S3::BucketPolicy": (("Bucket",), BUCKET, DOCUMENT),
    "AWS::SNS::TopicInlinePolicy": (("TopicArn",), TOPIC, DOCUMENT),
    "AWS::SNS::TopicPolicy": (("Topics", "*"), TOPIC, DOCUMENT),
    "AWS::SQS::QueueInlinePolicy": (("Queue",), QUEUE, DOCUMENT),
    "AWS::SQS::QueuePolicy": (("Queues", "*"), QUEUE, DOCUMENT),
    "AWS::SecretsManager::ResourcePolicy": (("SecretId",), "AWS::SecretsManager::Secret", "ResourcePolicy"),
}
# Policies that what they protect carries itself.
OWN: Mapping[str, tuple[str, ...]] = {
    TABLE: ("ResourcePolicy", DOCUMENT),
    BUS: ("Policy",),
    "AWS::KMS::Key": ("KeyPolicy",),
}


@remembered
def policies_of(assembly: Assembly) -> Policies:
    """Return the policies of an assembly."""
    return Policies(assembly)


class Policies:
    """The policies of an assembly.

    Args:
        assembly: The assembly.
    """

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly

    def of_role(self, role: Node | None) -> tuple[Statement, ...]:
        """Return the statements of the identity policies of a role: its own, and those attached to it."""
        return self._of_identity.get(role.id, ()) if role is not None else ()

    def managed_by_others(self, role: Node | None) -> tuple[Text, ...]:
        """Return the ARNs of a role's managed policies that are not in the assembly: AWS's own, and imported ones."""
        if not isinstance(role, Resource):
            return ()
        arns = role.texts("ManagedPolicyArns", "*")
        return tuple(arn for arn in arns if not isinstance(self._assembly.target(arn, MANAGED), Resource))

    def boundary(self, role: Node | None) -> tuple[Statement, ...] | None:
        """Return the statements of a role's permissions boundary; none when it has none that is known."""
        told = role.value("PermissionsBoundary") if isinstance(role, Resource) else None
        policy = self._assembly.target(told, MANAGED) if told is not None else None
        return tuple(statements_at(policy, DOCUMENT)) if isinstance(policy, Resource) else None

    def of_resource(self, node: Node) -> tuple[Statement, ...]:
        """Return the statements of the policies that protect a bucket, queue, topic, bus, function and so on."""
        return self._of_resource.get(node.id, ())

    @cached_property
    def _of_identity(self) -> Mapping[str, tuple[Statement, ...]]:
        attached: dict[str, dict[Resource, None]] = defaultdict(dict)
        own: dict[str, list[Statement]] = defaultdict(list)
        for role in self._assembly.of_type(ROLE, USER, GROUP):
            own[role.id] += statements_at(role, "Policies", "*", DOCUMENT)
            for arn in role.texts("ManagedPolicyArns", "*"):
                policy = self._assembly.target(arn, MANAGED)
                if isinstance(policy, Resource):
                    attached[role.id][policy] = None
        for policy in self._assembly.of_type("AWS::IAM::Policy", "AWS::IAM::RolePolicy", MANAGED):
            for node in self._holders(policy):
                attached[node.id][policy] = None
        spoken = {policy: tuple(statements_at(policy, DOCUMENT)) for held in attached.values() for policy in held}
        return {
            key: (*own[key], *(each for policy in attached[key] for each in spoken[policy]))
            for key in (*own, *(key for key in attached if key not in own))
        }

    def _holders(self, policy: Resource) -> Iterator[Node]:
        """The roles, users and groups a policy says it is attached to."""
        for at, kind in (
            (("Roles", "*"), ROLE),
            (("Users", "*"), USER),
            (("Groups", "*"), GROUP),
            (("RoleName",), ROLE),
        ):
            yield from self._nodes(policy, at, kind)

    @cached_property
    def _of_resource(self) -> Mapping[str, tuple[Statement, ...]]:
        found: dict[str, list[Statement]] = defaultdict(list)
        for kind, (target, target_type, document) in APART.items():
            for policy in self._assembly.of_type(kind):
                statements = list(statements_at(policy, document))
                for node in self._nodes(policy, target, target_type):
                    found[node.id] += statements
        for kind, at in OWN.items():
            for resource in self._assembly.of_type(kind):
                found[resource.id] += statements_at(resource, *at)
        for policy in self._assembly.of_type("AWS::Events::EventBusPolicy"):
            bus = self._assembly.target(policy.value("EventBusName") or Text.of("default"), BUS)
            if bus is not None:
                found[bus.id] += _bus_policy(policy)
        for permission in self._assembly.of_type("AWS::Lambda::Permission"):
            function = self._assembly.target(permission.value("FunctionName"), FUNCTION)
            if function is not None:
                found[function.id].append(_permission(permission))
        return {key: tuple(each) for key, each in found.items()}

    def _nodes(self, policy: Resource, at: tuple[str, ...], kind: str) -> Iterator[Resource | External]:
        for value in policy.values(*at):
            node = self._assembly.target(value, kind)
            if node is not None:
                yield node


def _bus_policy(policy: Resource) -> Iterator[Statement]:
    """The older form of a bus's policy has an action and an account, the newer one a statement."""
    if not policy.lacks("Statement"):
        yield from statements_in(policy, ("Statement",), policy.value("Statement"))
        return
    name = policy.value("Principal")
    if isinstance(name, Text):
        kind = "*" if name.literal == "*" else "AWS"
        action = policy.text("Action") or "events:PutEvents"
        yield Statement(policy, (), allows=True, actions=(action.lower(),), principals=(Principal(kind, name),))


def _permission(permission: Resource) -> Statement:
    """What lets somebody invoke a function, as the statement that Lambda makes of it."""
    conditions: dict[str, dict[str, tuple[Text, ...]]] = {}
    for name, operator, key in (
        ("SourceArn", "ArnLike", "aws:sourcearn"),
        ("SourceAccount", "StringEquals", "aws:sourceaccount"),
        ("PrincipalOrgID", "StringEquals", "aws:principalorgid"),
        ("FunctionUrlAuthType", "StringEquals", "lambda:functionurlauthtype"),
    ):
        told = permission.texts(name)
        if told:
            conditions.setdefault(operator, {})[key] = told
    principals = tuple(_named(each) for each in permission.texts("Principal"))
    action = permission.text("Action") or "lambda:InvokeFunction"
    return Statement(
        permission, (), allows=True, actions=(action.lower(),), principals=principals, conditions=conditions
    )


def _named(name: Text) -> Principal:
    literal = name.literal
    if literal == "*":
        return Principal("*", name)
    is_service = literal is not None and (".amazonaws.com" in literal or literal.endswith(".amazon.com"))
    return Principal("Service" if is_service else "AWS", name)
