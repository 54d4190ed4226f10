"""Passwords by the properties of GenerateSecretString."""

from __future__ import annotations

import string
from typing import Any

import pytest

from constructs_lib.local.overlay.generated_secret import generate, secret_string


def test_has_each_kind_of_character_by_default() -> None:
    made = generate({})
    assert len(made) == 32
    for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits, string.punctuation):
        assert set(made) & set(kind)


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ({"ExcludePunctuation": True}, string.ascii_letters + string.digits),
        ({"ExcludePunctuation": "true", "ExcludeNumbers": "true"}, string.ascii_letters),
        ({"ExcludePunctuation": True, "ExcludeUppercase": True, "ExcludeLowercase": True}, string.digits),
        (
            {"ExcludeCharacters": string.punctuation + "aA0"},
            "".join(sorted(set(string.ascii_letters + string.digits) - set("aA0"))),
        ),
    ],
)
def test_leaves_out_what_is_excluded(asked: dict[str, Any], left: str) -> None:
    assert set(generate({**asked, "PasswordLength": 400})) <= set(left)


def test_has_a_space_where_one_is_asked_for() -> None:
    assert " " in generate({"IncludeSpace": True})


@pytest.mark.parametrize("asked", [{"ExcludeCharacters": string.printable}, {"PasswordLength": 3}])
def test_refuses_what_leaves_no_password(asked: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="leave no password"):
        generate(asked)


def test_is_another_one_each_time() -> None:
    assert generate({}) != generate({})


def test_keeps_a_value_that_is_given_and_makes_none_unasked() -> None:
    assert secret_string({"SecretString": "given"}) == "given"
    assert secret_string({}) == ""
