from __future__ import annotations

from typing import Any

import pytest

from tests.fidelity.behaviour import behaviour
from tests.fidelity.outside import Outside, allow, refusal

SECRETS = "Secrets Manager"
PARAMETERS = "Systems Manager Parameter Store"
SECRETS_API = "secretsmanager/latest/apireference/"
SECRETS_GUIDE = "secretsmanager/latest/userguide/"
PARAMETERS_GUIDE = "systems-manager/latest/userguide/"
PARAMETERS_API = "systems-manager/latest/APIReference/"


@pytest.fixture
def secrets(aws: Outside) -> Any:
    return aws.client("secretsmanager")


@pytest.fixture
def ssm(aws: Outside) -> Any:
    return aws.client("ssm")


@behaviour(SECRETS, "the ARN of a secret ends with six characters of its own", SECRETS_GUIDE + "getting-started.html")
def test_arns(aws: Outside, secrets: Any) -> None:
    name = aws.name("secret")
    arn = secrets.create_secret(Name=name, SecretString="s")["ARN"]
    assert arn.startswith(f"arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}-")
    assert len(arn.rpartition("-")[2]) == 6


@behaviour(SECRETS, "a new value becomes AWSCURRENT, the old one AWSPREVIOUS", SECRETS_GUIDE + "whats-in-a-secret.html")
def test_stages(aws: Outside, secrets: Any) -> None:
    name = aws.name("secret")
    secrets.create_secret(Name=name, SecretString="1")
    secrets.put_secret_value(SecretId=name, SecretString="2")
    values = [
        secrets.get_secret_value(SecretId=name, VersionStage=stage)["SecretString"]
        for stage in ("AWSCURRENT", "AWSPREVIOUS")
    ]
    assert values == ["2", "1"]


@behaviour(SECRETS, "a deleted secret cannot be read, and can be restored", SECRETS_GUIDE + "manage_delete-secret.html")
def test_restores(aws: Outside, secrets: Any) -> None:
    name = aws.name("secret")
    secrets.create_secret(Name=name, SecretString="1")
    secrets.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    assert refusal(secrets.get_secret_value, SecretId=name)[0] == "InvalidRequestException"
    secrets.restore_secret(SecretId=name)
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "1"


@behaviour(SECRETS, "two secrets of one name: ResourceExistsException", SECRETS_API + "API_CreateSecret.html")
def test_names_are_taken(aws: Outside, secrets: Any) -> None:
    name = aws.name("secret")
    secrets.create_secret(Name=name, SecretString="1")
    assert refusal(secrets.create_secret, Name=name, SecretString="1")[0] == "ResourceExistsException"


@behaviour(SECRETS, "the right to one secret is the right to that one", SECRETS_GUIDE + "auth-and-access_examples.html")
def test_rights(aws: Outside, secrets: Any) -> None:
    mine, other = (secrets.create_secret(Name=aws.name("secret"), SecretString="1")["ARN"] for _ in range(2))
    ada = aws.user("secretsmanager", allow("secretsmanager:GetSecretValue", mine))
    assert ada.get_secret_value(SecretId=mine)["SecretString"] == "1"
    assert refusal(ada.get_secret_value, SecretId=other)[0] == "AccessDeniedException"


@behaviour(SECRETS, "GetRandomPassword obeys length and classes", SECRETS_API + "API_GetRandomPassword.html")
def test_passwords(secrets: Any) -> None:
    password = secrets.get_random_password(PasswordLength=40, ExcludePunctuation=True, ExcludeNumbers=True)
    assert len(password["RandomPassword"]) == 40
    assert password["RandomPassword"].isalpha()


@behaviour(
    PARAMETERS,
    "a SecureString is readable only when decrypted",
    PARAMETERS_GUIDE + "sysman-paramstore-securestring.html",
)
def test_secure_strings(aws: Outside, ssm: Any) -> None:
    name = f"/app/{aws.name()}"
    ssm.put_parameter(Name=name, Value="s", Type="SecureString")
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] != "s"
    assert ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"] == "s"


@behaviour(
    PARAMETERS,
    "a change needs Overwrite, and makes a new version",
    PARAMETERS_GUIDE + "sysman-paramstore-versions.html",
)
def test_versions(aws: Outside, ssm: Any) -> None:
    name = f"/app/{aws.name()}"
    ssm.put_parameter(Name=name, Value="1", Type="String")
    assert refusal(ssm.put_parameter, Name=name, Value="2", Type="String")[0] == "ParameterAlreadyExists"
    ssm.put_parameter(Name=name, Value="2", Type="String", Overwrite=True)
    assert ssm.get_parameter(Name=f"{name}:1")["Parameter"]["Value"] == "1"
    assert ssm.get_parameter(Name=name)["Parameter"]["Version"] == 2


@behaviour(PARAMETERS, "a path is read with everything below it", PARAMETERS_API + "API_GetParametersByPath.html")
def test_paths(aws: Outside, ssm: Any) -> None:
    root = f"/{aws.name('path')}"
    for name in ("a", "deep/b"):
        ssm.put_parameter(Name=f"{root}/{name}", Value="1", Type="String")
    flat = ssm.get_parameters_by_path(Path=root)["Parameters"]
    deep = ssm.get_parameters_by_path(Path=root, Recursive=True)["Parameters"]
    assert ([each["Name"] for each in flat], len(deep)) == ([f"{root}/a"], 2)


@behaviour(PARAMETERS, "names that are not there are listed as invalid", PARAMETERS_API + "API_GetParameters.html")
def test_invalid_names(aws: Outside, ssm: Any) -> None:
    name = f"/app/{aws.name()}"
    ssm.put_parameter(Name=name, Value="1", Type="String")
    answer = ssm.get_parameters(Names=[name, "/nothing"])
    assert ([each["Name"] for each in answer["Parameters"]], answer["InvalidParameters"]) == ([name], ["/nothing"])


@behaviour(PARAMETERS, "each of several names is authorized", PARAMETERS_GUIDE + "sysman-paramstore-access.html")
def test_rights_of_several(aws: Outside, ssm: Any) -> None:
    names = [f"/app/{aws.name()}" for _ in range(2)]
    for name in names:
        ssm.put_parameter(Name=name, Value="1", Type="String")
    ada = aws.user("ssm", allow("ssm:GetParameters", f"arn:aws:ssm:us-east-1:000000000000:parameter{names[0]}"))
    ada.get_parameters(Names=names[:1])
    assert refusal(ada.get_parameters, Names=names)[0] == "AccessDeniedException"


@behaviour(PARAMETERS, "a name that is not there is ParameterNotFound", PARAMETERS_API + "API_GetParameter.html")
def test_no_parameter(ssm: Any) -> None:
    assert refusal(ssm.get_parameter, Name="/nothing")[0] == "ParameterNotFound"
