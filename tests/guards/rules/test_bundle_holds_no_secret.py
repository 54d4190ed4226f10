"""Secrets in the code that an assembly deploys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.finding import Finding
from constructs_lib.guards.rules import rule_of

if TYPE_CHECKING:
    from pathlib import Path

STRIPE = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
NEW = "and issue a new one, since this one has been written down"
FIX = f"take it out of the code and read it from Secrets Manager, {NEW}"
HASH = "ab" * 32


def said_of(folder: Path, bundle: dict[str, str | bytes], **metadata: Any) -> list[str]:
    """What the rule says of one function with these files, and of another with the same bundle."""
    for name, content in bundle.items():
        file = folder / f"asset.{HASH}" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {"Code": {"S3Bucket": "assets", "S3Key": f"{HASH}.zip"}},
        "Metadata": metadata,
    }
    template = folder / "Shop.template.json"
    template.write_text(json.dumps({"Resources": {"Pay": function, "PayAgain": function}}))
    told = rule_of("bundle-holds-no-secret")(Assembly.read(template))
    return [f"{each.severity.value}: {each}" if isinstance(each, Finding) else f"unknown: {each}" for each in told]


def test_finds_a_key_in_a_file_and_says_where_but_not_which(tmp_path: Path) -> None:
    [found] = said_of(tmp_path, {"lib/pay.js": f"// pays\nconst key = '{STRIPE}';\n"})
    assert found == (
        "error: lib/pay.js of the bundle holds a Stripe key at line 2: whoever may read the code reads it\n"
        "  at:  Shop/Pay (AWS::Lambda::Function) Code\n"
        f"  fix: {FIX}"
    )
    assert STRIPE not in found


def test_finds_every_kind_of_every_file_once(tmp_path: Path) -> None:
    aws = "AKIA" + "IOSFODNN7EXAMPLE"
    found = said_of(tmp_path, {"a.py": f"{aws}\n{STRIPE}\n{aws}\n", ".env": f"KEY={STRIPE}\n"})
    assert sorted(each.partition(":")[2].partition(":")[0] for each in found) == [
        " .env of the bundle holds a Stripe key at line 1",
        " a.py of the bundle holds a Stripe key at line 2",
        " a.py of the bundle holds an AWS access key at line 1",
    ]


def test_finds_the_bundle_by_what_the_cdk_wrote_beside_the_function(tmp_path: Path) -> None:
    folder = tmp_path / "asset.elsewhere"
    folder.mkdir()
    (folder / "index.js").write_text(STRIPE)
    assert len(said_of(tmp_path, {}, **{"aws:asset:path": "asset.elsewhere"})) == 1


@pytest.mark.parametrize(
    "bundle",
    [
        {"index.js": "const key = process.env.STRIPE_KEY;"},
        {"node_modules/stripe/README.md": STRIPE},
        {"stripe/__init__.py": STRIPE, "stripe-12.dist-info/METADATA": STRIPE},
        {"other_name/a.py": STRIPE, "stripe-12.dist-info/RECORD": "other_name/a.py,sha256=x,10\n"},
        {"other_name.py": STRIPE, "stripe-12.dist-info/top_level.txt": "other_name\n"},
        {"logo.png": STRIPE},
        {"data.bin2": b"\0\1" + STRIPE.encode()},
        {"large.js": STRIPE + " " * 1_000_000},
        {"empty.js": ""},
    ],
    ids=lambda bundle: next(iter(bundle)),
)
def test_passes_what_others_wrote_and_what_is_no_text(tmp_path: Path, bundle: dict[str, str | bytes]) -> None:
    assert said_of(tmp_path, bundle) == []


def test_looks_at_the_code_beside_an_installed_package(tmp_path: Path) -> None:
    bundle: dict[str, str | bytes] = {"stripe/a.py": STRIPE, "stripe-12.dist-info/METADATA": "", "pay.py": STRIPE}
    assert [each.split()[1] for each in said_of(tmp_path, bundle)] == ["pay.py"]


def test_does_not_leave_the_assembly(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "key.txt").write_text(STRIPE)
    home = tmp_path / "app" / "cdk.out"
    home.mkdir(parents=True)
    assert said_of(home, {}, **{"aws:asset:path": "../../elsewhere"}) == []
    (home / f"asset.{HASH}").mkdir()
    (home / f"asset.{HASH}" / "link.txt").symlink_to(tmp_path / "elsewhere" / "key.txt")
    assert said_of(home, {}) == []


def test_says_what_it_has_not_read(tmp_path: Path) -> None:
    folder = tmp_path / f"asset.{HASH}"
    folder.mkdir()
    for number in range(65):
        with (folder / f"{number}.data").open("wb") as file:
            file.truncate(1_000_000)
    assert said_of(tmp_path, {}) == [
        (
            "unknown: whether the whole bundle is free of secrets\n"
            "  at:  Shop/Pay (AWS::Lambda::Function)\n"
            "  why: more than 64 MB of code were read before it"
        )
    ]
