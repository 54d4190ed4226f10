"""Secrets of a function: where it is in a variable, the right to read it, the value nowhere but in memory.

The handler reads the value at run time, cached, and again when it is refused: `with_secret("STRIPE_KEY", call,
refused=...)` of `constructs_lib.runtime`, `withSecret` of `constructs-lib-runtime/secrets`. Whatever else reads an ARN
does, too, where no field is meant: Powertools' `get_secret(os.environ["STRIPE_KEY"])`.
https://docs.aws.amazon.com/powertools/python/latest/features/parameters/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeGuard

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from constructs_lib.wiring.environments import check_carried_over
from constructs_lib.wiring.key_use import use_through

if TYPE_CHECKING:
    from constructs import IConstruct

    from constructs_lib.wiring.refusals import Refusals

# https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
PATH = re.compile(r"(?:/[A-Za-z0-9_.-]+)+")
MOST_LEVELS = 15
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen
LIKE_A_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}$")


@dataclass(frozen=True, slots=True)
class SecretField:
    """One field of a secret that is a JSON object, as those of databases are.

    The variable holds `<ARN>:<field>::`, as ECS writes it; `secret_value` and `secretValue` of our runtime read that.
    IAM knows no fields: the function may read the whole secret.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html

    Args:
        secret: The secret.
        field: The name of the field; no colon is in it.

    Example:
        >>> password = SecretField(secret, "password")
        >>> read = SecureFunction(stack, "Read", entry="lambda_src/greeting/greet.ts", secrets={"PASSWORD": password})
    """

    secret: secretsmanager.ISecret
    field: str


@dataclass(frozen=True, slots=True)
class ParameterPath:
    """All parameters of Systems Manager below a path, at whatever depth, of the function's own account and region.

    The variable holds the path; `parameters_below` and `parametersBelow` of our runtime read what is below it. The
    function may list the values below that path, and read no other; with a key, decrypt those below it.
    https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html

    Args:
        path: It begins with a slash and ends without one: `/shop/prod`.
        key: The key of your own that encrypts its SecureStrings. Default: the account's `aws/ssm`.

    Example:
        >>> config = ParameterPath("/shop/prod")
        >>> read = SecureFunction(stack, "Read", entry="lambda_src/greeting/greet.ts", secrets={"CONFIG": config})
    """

    path: str
    key: kms.IKey | None = None


SecretSource: TypeAlias = secretsmanager.ISecret | ssm.IParameter | SecretField | ParameterPath


def check_secret(name: str, source: object, reader: IConstruct, refusals: Refusals) -> None:
    """Note a secret that is not a secret or a parameter, most often its value, or one that the reader cannot name."""
    if isinstance(source, SecretField):
        _check_field(name, source, refusals)
    elif _is_secret(source):
        check_is_found_by_its_arn(f"secret {name}", source, refusals)
    elif isinstance(source, ParameterPath):
        _check_path(name, source, refusals)
    elif not _is_parameter(source):
        refusals.refuse(
            f"secret {name} is a {type(source).__name__}, wanted a Secrets Manager secret or an SSM parameter",
            fix=f'pass the construct, never its value: secrets={{"{name}": Secret.from_secret_name_v2(...)}}',
        )
    owner = source.secret if isinstance(source, SecretField) else source
    if isinstance(owner, Construct) and (_is_secret(owner) or _is_parameter(owner)):
        check_carried_over(named_by(owner), owner, reader, refusals)


def check_is_found_by_its_arn(what: str, secret: secretsmanager.ISecret, refusals: Refusals) -> None:
    """Note a secret that was imported by a name such as `api-secret`.

    What is known of its ARN ends in a hyphen and six characters, which Secrets Manager takes for a complete one, of the
    secret `api`.
    """
    if secret.secret_full_arn is None and LIKE_A_SUFFIX.search(secret.secret_arn):
        name = secret.secret_arn.rpartition(":")[2]
        refusals.refuse(
            f"{what} was imported without the end of its ARN, and its name {name} looks as if it had one: "
            "Secrets Manager would look for another secret",
            fix="import it with secretsmanager.Secret.from_secret_complete_arn",
        )


def named_by(source: SecretSource) -> str:
    """What the variable holds, and the handler reads by: an ARN, one with a field behind it, or a path."""
    if isinstance(source, SecretField):
        return f"{source.secret.secret_arn}:{source.field}::"
    if isinstance(source, ParameterPath):
        return source.path
    return source.secret_arn if _is_secret(source) else source.parameter_arn  # type: ignore[union-attr] # either


def read_statements(scope: Construct, source: SecretSource) -> list[iam.PolicyStatement]:
    """What reading one secret takes: one action on it, and decryption where it has a key of its own."""
    if isinstance(source, ParameterPath):
        return _path_statements(scope, source)
    secret = source.secret if isinstance(source, SecretField) else source
    if not _is_secret(secret):
        # A SecureString under the account's own key needs no more: that key's policy admits who may use the parameter.
        # https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html
        # A key of one's own is not to be had from the construct: `key.grant_decrypt(function)` adds it.
        return [iam.PolicyStatement(actions=["ssm:GetParameter"], resources=[named_by(source)])]
    statements = [iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[full_arn_of(secret)])]
    if secret.encryption_key is not None:
        statements.append(via_service_decrypt(scope, secret.encryption_key, "secretsmanager"))
    return statements


def all_read_statements(scope: Construct, sources: Iterable[SecretSource]) -> list[iam.PolicyStatement]:
    """What reading some secrets takes, each permission once: two fields of one secret take the same."""
    statements = (each for source in sources for each in read_statements(scope, source))
    return list({json.dumps(each.to_statement_json(), sort_keys=True): each for each in statements}.values())


def full_arn_of(secret: secretsmanager.ISecret) -> str:
    """The ARN that policies name: one imported by name lacks the six random characters that end every secret's ARN.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html
    """
    return secret.secret_full_arn if secret.secret_full_arn is not None else f"{secret.secret_arn}-??????"


def via_service_decrypt(scope: Construct, key: kms.IKey, service: str) -> iam.PolicyStatement:
    """Decryption with one key, only through the service that stores the data.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    return use_through(scope, key, service, "kms:Decrypt")


def _path_statements(scope: Construct, source: ParameterPath) -> list[iam.PolicyStatement]:
    # Who may list a path sees all levels below it; the path itself is the resource.
    # https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
    arn = cdk.Stack.of(scope).format_arn(service="ssm", resource="parameter", resource_name=source.path[1:])
    statements = [iam.PolicyStatement(actions=["ssm:GetParametersByPath"], resources=[arn])]
    if source.key is not None:
        decrypt = via_service_decrypt(scope, source.key, "ssm")
        # Parameter Store names the parameter in the context of each encryption.
        # https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html
        decrypt.add_conditions({"StringLike": {"kms:EncryptionContext:PARAMETER_ARN": f"{arn}/*"}})
        statements.append(decrypt)
    return statements


def _is_secret(source: object) -> TypeGuard[secretsmanager.ISecret]:
    return hasattr(source, "secret_arn")


def _is_parameter(source: object) -> TypeGuard[ssm.IParameter]:
    return hasattr(source, "parameter_arn")


def _check_field(name: str, source: SecretField, refusals: Refusals) -> None:
    if not _is_secret(source.secret):
        refusals.refuse(
            f"secret {name} is a field of a {type(source.secret).__name__}, wanted a Secrets Manager secret",
            fix=f'pass the construct: secrets={{"{name}": SecretField(secret, "password")}}',
        )
    else:
        check_is_found_by_its_arn(f"secret {name}", source.secret, refusals)
    if not isinstance(source.field, str) or not source.field or ":" in source.field or "${Token[" in source.field:
        refusals.refuse(
            f"secret {name} is the field {source.field!r}, wanted a name without a colon",
            fix=f'write it out: secrets={{"{name}": SecretField(secret, "password")}}',
        )


def _check_path(name: str, source: ParameterPath, refusals: Refusals) -> None:
    fix = f'write a path of yours, without a slash at its end: secrets={{"{name}": ParameterPath("/shop/prod")}}'
    path = source.path
    if not isinstance(path, str) or "${Token[" in path or not PATH.fullmatch(path):
        refusals.refuse(f"secret {name} is the path {path!r}, which no parameters can be below", fix=fix)
    elif path.count("/") >= MOST_LEVELS:
        refusals.refuse(
            f"secret {name} is a path of {path.count('/')} levels, and parameters have {MOST_LEVELS} with their names",
            fix="shorten it",
        )
    elif path.split("/")[1].lower() in {"aws", "ssm"}:
        refusals.refuse(f"secret {name} is the path {path}, which is kept for AWS", fix=fix)
    if source.key is not None and not hasattr(source.key, "key_arn"):
        refusals.refuse(
            f"the key of secret {name} is a {type(source.key).__name__}, wanted a kms.IKey", fix="pass the key itself"
        )
