"""Actions are shown as AWS writes them."""

from __future__ import annotations

from constructs_lib.assembly.flow.writes import ACTIONS
from constructs_lib.assembly.policies.action_names import SPELLED, spelled


def test_every_action_that_makes_something_run_has_its_spelling() -> None:
    assert set(SPELLED) == set(ACTIONS)


def test_others_stay_as_they_are() -> None:
    assert (spelled("s3:putobject"), spelled("iam:passrole")) == ("s3:PutObject", "iam:passrole")
