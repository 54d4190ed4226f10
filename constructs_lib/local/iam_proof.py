"""Proof that roles are enforced: one call a deployed function may make, one it may not, both really made.

Neither can change anything: reads ask for a key that does not exist, and writes carry a condition that cannot hold.
"""

from __future__ import annotations

import http.client
import json
import uuid
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from botocore.exceptions import ClientError

from constructs_lib.local.role_policies import RolePolicies
from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

    from constructs_lib.local.aws_clients import AwsClients
    from constructs_lib.local.deploy import DeployedStack

FUNCTION = "AWS::Lambda::Function"
TABLES = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")
READS_FIRST = ("GetItem", "Query", "Scan", "DeleteItem", "UpdateItem", "PutItem")
WRITES_FIRST = ("DeleteItem", "PutItem", "UpdateItem", "Scan", "Query", "GetItem")
SESSION_PATH = "/_constructs_lib/role-session"
KEY_HEADER = "x-constructs-lib-key"
DENIED = {"AccessDenied", "AccessDeniedException"}
UNCHANGED = {"ConditionalCheckFailedException", "ResourceNotFoundException"}
NO_SUCH_TABLE = "no-such-table"


@dataclass(frozen=True, slots=True)
class Proof:
    """One call made with the role of a deployed function.

    Args:
        function: The construct path of the function.
        action: The action that was called.
        resource: What it was called on, as a user would say it.
        expected: Whether the role grants the action.
        denial: What the embedded AWS said when it refused; empty when it allowed the call.
    """

    function: str
    action: str
    resource: str
    expected: bool
    denial: str

    @property
    def holds(self) -> bool:
        """Whether the call went as the policies of the role say."""
        return self.expected is not bool(self.denial)


@dataclass(frozen=True, slots=True)
class _Function:
    path: str
    name: str
    region: str
    policies: RolePolicies
    arn_prefix: str


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    path: str
    region: str
    description: TableDescriptionTypeDef

    @property
    def arn(self) -> str:
        return self.description["TableArn"]


def prove(stacks: Sequence[DeployedStack], clients: AwsClients) -> list[Proof]:
    """Make one allowed and one denied call with the role of a function.

    Returns:
        Both calls; nothing when no function is deployed whose role says enough.
    """
    functions = list(_functions(stacks, clients))
    pairs = list(product(functions, _tables(stacks, clients)))
    for action in READS_FIRST:
        for function, table in pairs:
            missing = [each for each in WRITES_FIRST if not function.policies.may_allow(f"dynamodb:{each}", table.arn)]
            if missing and function.policies.surely_allow(f"dynamodb:{action}", table.arn):
                session = role_session(clients, function.name, function.region, to_prove=True)
                dynamodb = clients.client_as(session, "dynamodb", table.region)
                return [
                    _try_table(function, table, dynamodb, action, expected=True),
                    _try_table(function, table, dynamodb, missing[0], expected=False),
                ]
    for function in functions:
        if not function.policies.may_allow("dynamodb:GetItem", f"{function.arn_prefix}:table/{NO_SUCH_TABLE}"):
            return _try_elsewhere(function, clients)
    return []


def check(proofs: Iterable[Proof]) -> None:
    """Refuse to go on when a call did not go as the policies say.

    Raises:
        LocalError: A call that no policy allows was allowed, or one that is granted was denied.
    """
    problems = [
        Problem(
            what=f"{proof.action} on {proof.resource} "
            + (
                f"is granted but was denied: {proof.denial}" if proof.expected else "is granted nowhere but was allowed"
            ),
            where=proof.function,
            fix="IAM is not enforced as it should be; please report it, and run with --iam off until it is mended",
        )
        for proof in proofs
        if not proof.holds
    ]
    if problems:
        raise LocalError(*problems)


def role_session(clients: AwsClients, function: str, region: str, *, to_prove: bool = False) -> dict[str, str]:
    """Return the credentials a deployed function runs with, named as the variables of its environment.

    Args:
        clients: Clients of the embedded AWS.
        function: Its physical name.
        region: Its region.
        to_prove: Whether they are of a session of its own, which is always enforced and not told in the journal.

    Raises:
        LocalError: There is no such function.
    """
    connection = http.client.HTTPConnection(urlsplit(clients.endpoint).netloc, timeout=60)
    try:
        purpose = {"for": "proof"} if to_prove else {}
        question = urlencode({"function": function, "region": region, **purpose})
        connection.request("GET", f"{SESSION_PATH}?{question}", headers={KEY_HEADER: clients.key})
        answer = connection.getresponse()
        content: dict[str, str] = json.loads(answer.read())
    finally:
        connection.close()
    if answer.status != http.client.OK:
        problem = Problem(
            what=content.get("message", "no credentials"),
            where=function,
            fix="name a function of a deployed stack, by its physical name",
        )
        raise LocalError(problem)
    return content


def _functions(stacks: Sequence[DeployedStack], clients: AwsClients) -> Iterator[_Function]:
    account = clients.account()
    for stack in stacks:
        lambda_ = clients.client("lambda", stack.region)
        for each in stack.of_type(FUNCTION):
            role = lambda_.get_function_configuration(FunctionName=each.physical_id)["Role"].rpartition("/")[2]
            yield _Function(
                path=stack.path_of(each),
                name=each.physical_id,
                region=stack.region,
                policies=RolePolicies.read(role, clients.client("iam", stack.region)),
                arn_prefix=f"arn:aws:dynamodb:{stack.region}:{account}",
            )


def _tables(stacks: Sequence[DeployedStack], clients: AwsClients) -> list[_Table]:
    return [
        _Table(
            name=each.physical_id,
            path=stack.path_of(each).removeprefix(f"{stack.artifact.path}/"),
            region=stack.region,
            description=clients.client("dynamodb", stack.region).describe_table(TableName=each.physical_id)["Table"],
        )
        for stack in stacks
        for each in stack.of_type(*TABLES)
    ]


def _try_table(function: _Function, table: _Table, dynamodb: DynamoDBClient, action: str, *, expected: bool) -> Proof:
    described = table.description
    types = {each["AttributeName"]: each["AttributeType"] for each in described["AttributeDefinitions"]}
    nobody = uuid.uuid4().hex
    values = {"S": nobody, "N": "-1", "B": nobody.encode()}
    key: dict[str, Any] = {}
    for each in described["KeySchema"]:
        kind = types.get(each["AttributeName"], "S")
        key[each["AttributeName"]] = {kind: values[kind]}
    first = described["KeySchema"][0]["AttributeName"]
    names, must_exist = {"#key": first}, "attribute_exists(#key)"
    condition: Any = {"ConditionExpression": must_exist, "ExpressionAttributeNames": names}
    calls = {
        "GetItem": lambda: dynamodb.get_item(TableName=table.name, Key=key),
        "Query": lambda: dynamodb.query(
            TableName=table.name,
            KeyConditionExpression="#key = :key",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={":key": key[first]},
            Limit=1,
        ),
        "Scan": lambda: dynamodb.scan(TableName=table.name, Limit=1),
        "DeleteItem": lambda: dynamodb.delete_item(TableName=table.name, Key=key, **condition),
        "UpdateItem": lambda: dynamodb.update_item(TableName=table.name, Key=key, **condition),
        "PutItem": lambda: dynamodb.put_item(TableName=table.name, Item=key, **condition),
    }
    return Proof(function.path, f"dynamodb:{action}", f"table {table.path}", expected, _denial(calls[action]))


def _try_elsewhere(function: _Function, clients: AwsClients) -> list[Proof]:
    """For a function without a table: the one call that AWS allows everybody, and a table that is not there."""
    session = role_session(clients, function.name, function.region, to_prove=True)
    sts = clients.client_as(session, "sts", function.region)
    dynamodb = clients.client_as(session, "dynamodb", function.region)
    allowed = _denial(sts.get_caller_identity)
    denied = _denial(lambda: dynamodb.get_item(TableName=NO_SUCH_TABLE, Key={"id": {"S": "nobody"}}))
    return [
        Proof(function.path, "sts:GetCallerIdentity", "itself", expected=True, denial=allowed),
        Proof(function.path, "dynamodb:GetItem", f"table {NO_SUCH_TABLE}", expected=False, denial=denied),
    ]


def _denial(call: Any) -> str:
    """What AWS says when it refuses a call for lack of permission; empty when it does not."""
    try:
        call()
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        if code in DENIED:
            return message
        if code not in UNCHANGED:
            raise
    return ""
