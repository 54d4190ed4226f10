from __future__ import annotations

import pytest

from constructs_lib.guards.secret_names import Certainty, judged, may_be_a_name, secret_named

PROMISES = {
    "password": "DB_PASSWORD dbPassword DBPASSWORD MYSQL_ROOT_PASSWORD DB_PASS PASS PGPASSWORD pwd DbPwd passwd "
    "MasterUserPassword password2 REDIS_PASSWORD_1 USER_PW PASSWORD_DB passphrase BASIC_AUTH adminpassword "
    "PGPASS dbpass MYSQLPWD",
    "secret": "JWT_SECRET clientSecret CLIENT_SECRET SecretString WEBHOOK_SECRET credentials DB_CREDENTIALS AppSecret "
    "clientsecret SECRET",
    "token": "SLACK_TOKEN GITHUB_TOKEN authToken AUTHTOKEN SecretToken OAuthToken TOKEN_SLACK accesstoken",
    "key": "STRIPE_API_KEY apikey ApiKeyValue AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY PRIVATE_KEY SIGNING_KEY "
    "ENCRYPTION_KEY X_API_KEY openaiApiKey OPENAI_KEY SENDGRID_KEY APP_KEY api-key secretkey",
}
PROMISED = [(name, kind) for kind, names in PROMISES.items() for name in names.split()]
NAMES_AND_LIMITS = """
    SECRET_ARN SECRET_NAME TOKEN_URL PASSWORD_MIN_LENGTH DB_SECRET_ID TOKEN_PARAMETER KEY_ID KMS_KEY_ID SortKey S3_KEY
    PARAMETERS_SECRETS_EXTENSION_HTTP_PORT MAX_TOKENS ServerSideTokenCheck AllowCredentials NextToken ClientToken
    ClientRequestToken GenerateSecret PasswordPolicy SecretStringTemplate PasswordLength ApiKeyRequired ApiKeySourceType
    TokenValidityUnits RESET_PASSWORD_URL TABLE_KEY PARTITION_KEY PUBLIC_KEY TOKEN_TTL SECRETS_PREFIX ApiKeyName
    ApiKeySelectionExpression passthroughBehavior CredentialParameterName CredentialProviderType CredentialLocation
    EnableTokenRevocation PartitionKey ManageMasterUserPassword IsValueSecret SecretTargetAttachment TOKEN_EXPIRY bypass
    compass UserName TemporaryPasswordValidityDays BOOTSTRAP author AUTHORIZER_ACCESS_ROLE_ARN PASSWORD_RESET_TEMPLATE
""".split()  # noqa: SIM905 - a list of so many names reads worse


@pytest.mark.parametrize(("name", "kind"), PROMISED)
def test_a_name_promises_a_secret(name: str, kind: str) -> None:
    assert secret_named(name) == kind


@pytest.mark.parametrize("name", NAMES_AND_LIMITS)
def test_a_name_promises_none_when_it_names_places_or_limits_one(name: str) -> None:
    assert secret_named(name) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", "hunter2"),
        ("PASSWORD", "changeme"),
        ("PASSWORD", "CHANGE_ME"),
        ("PASSWORD", "password"),
        ("PASSWORD", "1234"),
        ("PASSWORD", 12345678),
        ("JWT_SECRET", "supersecret"),
        ("JWT_SECRET", "secret"),
        ("SIGNING_KEY", "changeme"),
        ("API_KEY", "12345"),
        ("API_KEY", "supersecret"),
        ("API_TOKEN", "1abc23d4-567f-8ab9-cde0-1fab234c5d67"),
        ("API_KEY", "abc123"),
        ("API_KEY", "2f8a9c1e7d"),
        ("CLIENT_SECRET", "q8Wz!k2#"),
        ("DB_CREDENTIALS", "app:hunter2"),
    ],
)
def test_a_literal_under_such_a_name_is_a_secret(name: str, value: str | int) -> None:
    assert judged(name, value) is Certainty.SURE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET", "my-db-secret"),
        ("DB_SECRET", "orders-db"),
        ("TOKEN", "github-token"),
        ("APP_KEY", "my-app"),
        ("ACCOUNT_KEY", "orders"),
        ("ENCRYPTION_KEY", "1abc23d4-567f-8ab9-cde0-1fab234c5d67"),
    ],
)
def test_words_under_such_a_name_may_be_the_name_of_a_secret(name: str, value: str) -> None:
    assert judged(name, value) is Certainty.MAYBE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", ""),
        ("DB_PASSWORD", "   "),
        ("DB_PASSWORD", "{{resolve:secretsmanager:db:SecretString:password}}"),
        ("DB_PASSWORD", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf"),
        ("DB_PASSWORD", "${DbPassword}"),
        ("DB_PASSWORD", "$DB_PASSWORD"),
        ("DB_PASSWORD", "/orders/prod/db-password"),
        ("DB_PASSWORD", "<your password>"),
        ("DB_PASSWORD", "xxxx"),
        ("DB_PASSWORD", "****"),
        ("DB_PASSWORD", "replace-me"),
        ("DB_PASSWORD", True),
        ("DB_PASSWORD", "true"),
        ("DB_PASSWORD", "12"),
        ("API_KEY", "CHANGE_ME"),
        ("API_KEY", "your-api-key"),
        ("API_KEY", "dummy"),
        ("CLIENT_SECRET", "example"),
        ("ACCESS_TOKEN", 3600),
        ("API_KEY", "YOUR_API_KEY_HERE"),
        ("API_TOKEN", 4096),
        ("SECRET", "prod/orders/db"),
        ("x-api-key", "method.request.header.x-api-key"),
        ("OAUTH_TOKEN", "https://example.com/oauth"),
        ("TABLE_NAME", "hunter2"),
    ],
)
def test_references_settings_and_placeholders_are_none(name: str, value: str | int) -> None:
    assert judged(name, value) is None


@pytest.mark.parametrize(
    ("name", "description", "expected"),
    [
        ("DbSecret", "", True),
        ("GitHubToken", "Name of the secret that holds the token", True),
        ("GitHubToken", "A personal access token", False),
        ("ClientSecret", "", False),
        ("DB_SECRET_ARN", "", True),
    ],
)
def test_tells_parameters_that_may_take_a_name(name: str, description: str, expected: bool) -> None:
    assert may_be_a_name(name, description) is expected
