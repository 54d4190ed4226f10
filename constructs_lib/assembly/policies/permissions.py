"""What a role may do in the end: what its policies allow, less what denies it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs_lib.assembly.arn import Arn, are_surely_two, could_be_one, is_generated
from constructs_lib.assembly.frozen import frozen
from constructs_lib.assembly.patterns.glob import iam_glob
from constructs_lib.assembly.policies import aws_managed
from constructs_lib.assembly.policies.actions import any_includes, meant, mentions
from constructs_lib.assembly.policies.documents import policies_of
from constructs_lib.assembly.remembered import remembered
from constructs_lib.assembly.text_set import Extent, TextSet
from constructs_lib.assembly.value import Symbol, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from constructs_lib.assembly.model import Assembly, Node
    from constructs_lib.assembly.policies.documents import Policies
    from constructs_lib.assembly.policies.statement import Statement

EVERYTHING = Text.of("*")
MANY, ONE = "*", "?"
# Keys that ask for how a request is made, which whoever may write can arrange, rather than for what it writes.
ABOUT_THE_REQUEST = frozenset({
    "aws:principalaccount", "aws:principalarn", "aws:principalisawsservice", "aws:principalorgid",
    "aws:requestedregion", "aws:resourceaccount", "aws:resourceorgid", "aws:securetransport", "aws:sourceip",
    "aws:sourcevpc",
    "aws:sourcevpce", "aws:viaawsservice", "lambda:functionurlauthtype",
    "s3:authtype", "s3:dataaccesspointaccount", "s3:resourceaccount",
    "s3:signatureversion", "s3:tlsversion", "s3:x-amz-acl", "s3:x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:x-amz-storage-class",
})  # fmt: skip


@frozen
class Grant:
    """One action that a role is allowed.

    Args:
        action: The action, in lower case.
        pattern: The resource it is allowed on, with wildcards.
        but: Resources it is not allowed on.
        conditions: Under which it is allowed, as in `Statement`.
        by: What allows it, for a message: the path of a policy, or the name of one of AWS's own.
        statement: The statement that allows it; none for a policy of AWS's own.
        is_sure: Whether it is allowed by the defaults of the template's parameters.
    """

    action: str
    pattern: Text
    but: tuple[Text, ...]
    conditions: Mapping[str, Mapping[str, tuple[Text, ...]]]
    by: str
    statement: Statement | None = None
    is_sure: bool = True

    @property
    def is_conditional(self) -> bool:
        """Whether a condition asks for more than how the request is made."""
        keys = {key for wanted in self.conditions.values() for key in wanted}
        return not keys <= ABOUT_THE_REQUEST


class Permissions:
    """What one role may do.

    Args:
        assembly: The assembly.
        policies: Its policies.
        role: The role.
    """

    def __init__(self, assembly: Assembly, policies: Policies, role: Node) -> None:
        self._assembly, self._policies, self.role = assembly, policies, role
        statements = policies.of_role(role)
        self._allows = [each for each in statements if each.allows]
        self._denies = [each for each in statements if not each.allows]
        self._boundary = policies.boundary(role)
        self._denies += [each for each in self._boundary or () if not each.allows]
        self._foreign = policies.managed_by_others(role)

    def unknowns(self) -> Iterator[str]:
        """Say what of it is not known."""
        for arn in self._foreign:
            name = aws_managed.name_of(arn)
            if name is None or name not in aws_managed.ALLOWED:
                yield f"what the managed policy {name or arn} allows is not in any of the templates"
        for statement in self._allows:
            for each in statement.unknowns:
                yield f"a statement of {statement.source.path} cannot be resolved: {each.reason}"

    def grants(self, actions: tuple[str, ...]) -> Iterator[Grant]:
        """Yield what is allowed of some actions, once for every resource that a statement names."""
        for statement in self._allows:
            wanted = (
                meant(statement.actions, actions)
                if statement.actions
                else tuple(each for each in actions if mentions(statement, each))
            )
            for action in wanted:
                for pattern in statement.resources or ((EVERYTHING,) if statement.not_resources else ()):
                    yield Grant(
                        action,
                        pattern,
                        statement.not_resources,
                        statement.conditions,
                        statement.source.path,
                        statement,
                        statement.is_sure and pattern not in statement.unsure,
                    )
        for arn in self._foreign:
            name = aws_managed.name_of(arn)
            for action in _allowed_by_aws(name, actions):
                yield Grant(action, EVERYTHING, (), {}, f"AWS's policy {name}")

    def denials(self, action: str, node: Node) -> Iterator[Statement]:
        """Yield the statements that deny an action whatever is asked for: of the role, or of the resource."""
        for statement in self._denies:
            if mentions(statement, action) and not statement.conditions:
                yield statement
        arns = self._assembly.arns(self.role)
        for statement in self._policies.of_resource(node):
            if not statement.allows and mentions(statement, action) and _speaks_of(statement, arns):
                yield statement

    def conditional_denials(self, action: str) -> Iterator[Statement]:
        """Yield the statements of the role that deny an action under some condition."""
        for statement in self._denies:
            if statement.conditions and mentions(statement, action):
                yield statement

    def is_within_boundary(self, action: str, arn: Text) -> bool:
        """Whether the permissions boundary, if there is one that is known, allows an action."""
        if self._boundary is None:
            return True
        return any(each.allows and mentions(each, action) and _meets(each, arn) for each in self._boundary)

    def boundary_resources(self, action: str) -> tuple[Text, ...] | None:
        """Return the resources on which the boundary lets an action through; none when it has no say."""
        if self._boundary is None:
            return None
        return tuple(
            each
            for statement in self._boundary
            if statement.allows and mentions(statement, action)
            for each in (statement.resources or (EVERYTHING,))
        )


def permissions_of(assembly: Assembly, role: Node) -> Permissions:
    """Return what one role may do: found out once, for all who ask."""
    known = _known_permissions(assembly)
    if role.id not in known:
        known[role.id] = Permissions(assembly, policies_of(assembly), role)
    return known[role.id]


@remembered
def _known_permissions(assembly: Assembly) -> dict[str, Permissions]:  # noqa: ARG001 - whose they are
    return {}


def extent_on(pattern: Text, arns: Sequence[Text]) -> Extent:
    """Return whether a resource pattern means just this resource, this one among others, or not this one.

    `ALL` is for a pattern that names the resource; one with a wildcard in it is `SOME`, even if it happens to fit only
    this one, save behind a whole name that AWS generates. Region and account may be a wildcard, or not known.
    """
    if pattern in arns:
        return Extent.ALL
    if pattern == EVERYTHING:
        return Extent.SOME
    told = Arn.parse(pattern)
    for arn in arns:
        own = Arn.parse(arn)
        if told is None or own is None:
            if has_wildcard(pattern) and _may_meet(pattern, arn):
                return Extent.SOME
            continue
        if not iam_glob(told.service).may_meet(iam_glob(own.service)):
            continue
        if not (_could_be(told.region, own.region) and _could_be(told.account, own.account)):
            continue
        if told.resource in {own.resource, _with_star(own.resource)}:
            return Extent.ALL
        if has_wildcard(told.resource) and _may_meet(told.resource, own.resource):
            return Extent.SOME
    return Extent.NONE


def denied_keys(statement: Statement, bucket: Text) -> TextSet:
    """Return the keys of a bucket that a statement surely means."""
    if statement.not_resources:
        return _keys_of(statement.not_resources, bucket).complement()
    keys = TextSet.none()
    for pattern in statement.resources:
        keys |= surely_keys_in(pattern, bucket)
    return keys


def denies_node(statement: Statement, arn: Text) -> bool:
    """Whether a statement means the whole of a resource."""
    return _covers(statement, arn)


def _keys_of(patterns: Sequence[Text], bucket: Text) -> TextSet:
    keys = TextSet.none()
    for pattern in patterns:
        found = keys_in(pattern, bucket)
        keys = keys if found is None else keys | found[0]
    return keys


def keys_in(pattern: Text, bucket: Text) -> tuple[TextSet, Extent] | None:
    """Return the keys of a bucket that a resource pattern means, and whether it names the bucket; none if no key."""
    if pattern == EVERYTHING:
        return TextSet.any(), Extent.SOME
    told = Arn.parse(pattern)
    if told is None:
        return _keys_below(pattern, bucket)
    if not iam_glob(told.service).may_meet(iam_glob("s3")):
        return None
    name, *rest = told.resource.split("/", 1)
    if name == bucket:
        return (TextSet.glob(rest[0]), Extent.ALL) if rest and rest[0].parts else None
    if name == _with_star(bucket):
        keys = TextSet.glob(rest[0]) | TextSet.glob(Text.of("*/", rest[0])) if rest else TextSet.any()
        return keys, Extent.ALL
    if has_wildcard(name) and not (name.symbols or bucket.symbols):
        left = [each for each in _left_after(told.resource, Text.of(bucket, "/")) if each.parts]
        return (TextSet.glob(*left), Extent.SOME) if left else None
    if not has_wildcard(name) or not (_may_meet(name, bucket) or _may_meet(name, Text.of(bucket, "/*"))):
        return None
    if not rest:
        return TextSet.any(), Extent.SOME
    # A star in the name may go on over the slash, into the key.
    return TextSet.glob(rest[0]) | TextSet.glob(Text.of("*/", rest[0])), Extent.SOME


def surely_keys_in(pattern: Text, bucket: Text) -> TextSet:
    """Return the keys of a bucket that a resource pattern surely means.

    The ARN of the bucket is read by the pattern; what is left of the pattern then reads the key.
    """
    if pattern == EVERYTHING:
        return TextSet.any()
    told = Arn.parse(pattern)
    own = Text.of("arn:aws:s3:::", bucket, "/")
    if told is not None:
        if not iam_glob(told.service).includes(iam_glob(Text.of("s3"))):
            return TextSet.none()
        pattern, own = told.resource, Text.of(bucket, "/")
    return TextSet.glob(*_left_after(pattern, own))


def _left_after(pattern: Text, read: Text) -> list[Text]:
    """What may be left of a pattern when it has surely read a text: one way for each place it may have come to."""
    tokens, places = _letters(pattern), {0}
    for letter in _letters(read):
        following: set[int] = set()
        for place in _beyond_stars(tokens, places):
            token = tokens[place] if place < len(tokens) else None
            if token == MANY:
                following.add(place)
            elif token == letter or (token == ONE and isinstance(letter, str)):
                following.add(place + 1)
        places = following
    return [Text.of(*tokens[place:]) for place in places]


def _beyond_stars(tokens: list[str | Symbol], places: set[int]) -> set[int]:
    """The places, and those beyond stars that read nothing."""
    found = set(places)
    for place in places:
        at = place
        while at < len(tokens) and tokens[at] == MANY:
            at += 1
            found.add(at)
    return found


def _letters(text: Text) -> list[str | Symbol]:
    return [each for part in text.parts for each in (part if isinstance(part, str) else (part,))]


def _keys_below(pattern: Text, bucket: Text) -> tuple[TextSet, Extent] | None:
    """The same for an ARN that begins with something unknown, such as a parameter that holds the bucket's."""
    for own in (Text.of("arn:aws:s3:::", bucket), bucket):
        size = len(own.parts)
        if own.parts and pattern.parts[:size] == own.parts and len(pattern.parts) == size + 1:
            rest = pattern.parts[size]
            if isinstance(rest, str) and rest.startswith("/"):
                return TextSet.glob(rest[1:]), Extent.ALL
    return None


def has_wildcard(text: Text) -> bool:
    """Whether a pattern may mean more than one resource."""
    return any(isinstance(part, str) and ("*" in part or "?" in part) for part in text.parts)


def _may_meet(pattern: Text, told: Text) -> bool:
    return not are_surely_two(pattern, told) and iam_glob(pattern).may_meet(iam_glob(told))


def _with_star(name: Text) -> Text:
    """A name that AWS generates with a star behind it, which means nothing else but its versions and aliases."""
    return Text.of(name, "*") if name.parts and is_generated(name.parts[-1]) else name


def _could_be(pattern: Text, own: Text) -> bool:
    return (
        could_be_one(pattern, own)
        or bool(pattern.symbols)
        or bool(own.symbols)
        or iam_glob(pattern).may_meet(iam_glob(own))
    )


def _covers(statement: Statement, arn: Text) -> bool:
    """Whether a statement surely means the whole of a resource."""
    if statement.not_resources:
        return not any(_may_meet(each, arn) for each in statement.not_resources)
    if not statement.resources:  # the policy of a resource need not name it
        return True
    return any(
        each == arn or (has_wildcard(each) and iam_glob(each).includes(iam_glob(arn))) for each in statement.resources
    )


def _meets(statement: Statement, arn: Text) -> bool:
    """Whether a statement may mean some of a resource."""
    if statement.not_resources:
        return not any(each == arn or iam_glob(each).includes(iam_glob(arn)) for each in statement.not_resources)
    return any(extent_on(each, (arn,)) is not Extent.NONE for each in statement.resources)


def _speaks_of(statement: Statement, arns: Sequence[Text]) -> bool:
    """Whether a resource's policy surely speaks of one of these principals, whatever is asked for."""
    if statement.conditions and not _names_everybody_but_others(statement, arns):
        return False
    if statement.not_principals:
        return not any(each.name in arns for each in statement.not_principals)
    return any(each.kind == "*" or each.name in arns for each in statement.principals)


def _names_everybody_but_others(statement: Statement, arns: Sequence[Text]) -> bool:
    """Whether the only condition is about who asks, and it holds for these principals."""
    for operator, wanted in statement.conditions.items():
        if set(wanted) != {"aws:principalarn"}:
            return False
        named = any(
            value in arns or iam_glob(value).includes(iam_glob(arns[0])) for value in wanted["aws:principalarn"]
        )
        if operator.removesuffix("IfExists") in {"StringEquals", "StringLike", "ArnEquals", "ArnLike"}:
            if not named:
                return False
        elif operator.removesuffix("IfExists") in {"StringNotEquals", "StringNotLike", "ArnNotEquals", "ArnNotLike"}:
            if named:
                return False
        else:
            return False
    return True


def _allowed_by_aws(name: str | None, actions: tuple[str, ...]) -> tuple[str, ...]:
    patterns = aws_managed.ALLOWED.get(name or "", ())
    if patterns[:1] == (aws_managed.ALL_BUT,):
        return tuple(each for each in actions if not any_includes(patterns[1:], each))
    return meant(patterns, actions) if patterns else ()
