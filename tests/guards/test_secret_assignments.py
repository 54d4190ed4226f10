from __future__ import annotations

import time

import pytest

from constructs_lib.guards.secret_assignments import assigned_in


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('password = "hunter2"', "password"),
        ("const apiKey = 'a1b2c3d4e5';", "apiKey"),
        ('db.connect(user="app", password="hunter2")', "password"),
        ('{"db_password": "hunter2"}', "db_password"),
        ('{\\"db_password\\": \\"hunter2\\"}', "db_password"),
        ("config.client_secret = 'q8Wzk2'", "client_secret"),
        ("export DB_PASSWORD=hunter2\n", "DB_PASSWORD"),
        ("docker run -e MYSQL_ROOT_PASSWORD=hunter2 mysql", "MYSQL_ROOT_PASSWORD"),
        ("mysql --user app --password=hunter2", "password"),
        ("env:\n  variables:\n    DB_PASSWORD: hunter2\n", "DB_PASSWORD"),
        ("tool --api-key a1b2c3d4e5 run", "api-key"),
    ],
)
def test_finds_a_name_that_is_given_a_secret(text: str, name: str) -> None:
    assert [each.name for each in assigned_in(text)] == [name]


@pytest.mark.parametrize(
    "text",
    [
        'password = os.environ["DB_PASSWORD"]',
        "const apiKey = process.env.API_KEY;",
        "export DB_PASSWORD=$(aws secretsmanager get-secret-value)",
        'export DB_PASSWORD="$PASSWORD"',
        "mysql --password $PASSWORD",
        "tool --token-file /run/token",
        'token = event["token"]',
        '"secret_name": "prod/db"',
        "password: {type: string}",
        "DB_PASSWORD: ${Password}\nDB_PASSWORD: /app/password\n",
        '"token": "string"',
        "nothing of that kind",
    ],
)
def test_passes_what_reads_it_from_elsewhere(text: str) -> None:
    assert list(assigned_in(text)) == []


@pytest.mark.parametrize(
    "text", ["password" + " " * 500_000, "key" * 200_000, "--password " * 80_000, "A_KEY=" * 100_000]
)
def test_takes_a_hostile_text_in_a_moment(text: str) -> None:
    began = time.process_time()
    assert list(assigned_in(text)) == []
    assert time.process_time() - began < 5
