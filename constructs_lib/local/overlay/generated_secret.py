"""A secret is generated as its template asks.

Stock generates nothing for an empty `GenerateSecretString`, takes no notice of `ExcludePunctuation`, `ExcludeNumbers`,
`IncludeSpace` and their like, and draws from a generator that can be predicted.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-secretsmanager-secret-generatesecretstring.html
"""

from __future__ import annotations

import json
import secrets
import string
from typing import TYPE_CHECKING, Any

from constructs_lib.local.overlay.patching import Patch

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_LENGTH = 32


def generate(asked: Mapping[str, Any]) -> str:
    """One password by the properties of GenerateSecretString.

    Raises:
        ValueError: Every character is excluded, or there are too few for one of each kind.
    """
    kinds = [
        string.ascii_lowercase if not _is_on(asked, "ExcludeLowercase") else "",
        string.ascii_uppercase if not _is_on(asked, "ExcludeUppercase") else "",
        string.digits if not _is_on(asked, "ExcludeNumbers") else "",
        string.punctuation if not _is_on(asked, "ExcludePunctuation") else "",
        " " if _is_on(asked, "IncludeSpace") else "",
    ]
    excluded = set(asked.get("ExcludeCharacters") or "")
    allowed = [kept for kind in kinds if (kept := "".join(each for each in kind if each not in excluded))]
    length = int(asked.get("PasswordLength") or DEFAULT_LENGTH)
    wants_each = _is_on(asked, "RequireEachIncludedType", default=True)
    if not allowed or (wants_each and length < len(allowed)):
        raise ValueError("the password length and the excluded characters of GenerateSecretString leave no password")
    drawn = [secrets.choice(kind) for kind in allowed] if wants_each else []
    drawn += [secrets.choice("".join(allowed)) for _ in range(length - len(drawn))]
    secrets.SystemRandom().shuffle(drawn)
    return "".join(drawn)


def secret_string(props: Mapping[str, Any]) -> str:
    """The value a template declares for a secret; an empty declaration gets a generated one, as on AWS."""
    if props.get("SecretString"):
        return str(props["SecretString"])
    asked = props.get("GenerateSecretString")
    if asked is None:
        return ""
    generated = generate(asked)
    template = asked.get("SecretStringTemplate")
    if template is None:
        return generated
    return json.dumps({**json.loads(template), asked.get("GenerateStringKey", "password"): generated})


def _is_on(asked: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    return str(asked.get(name, default)).lower() == "true"


def _wrap(_stock: Any) -> Any:
    def replaced(props: Any) -> str:
        return secret_string(props)

    return replaced


PATCHES = (Patch("services.cloudformation.provisioners", "_sm_secret_string", ("props",), _wrap),)
