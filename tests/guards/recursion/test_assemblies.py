"""Circles in synthesized assemblies: through nested stacks, and over accounts and regions that stacks are bound to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.assembly.model import Assembly
from constructs_lib.guards.finding import Verdict
from tests.guards.recursion.parts import Json, allow, att, mapping, queue, ref, resource, writer
from tests.guards.recursion.verdicts import worst_in

LOOP = frozenset({(Verdict.LOOP, frozenset({"Writer"}))})


def written(folder: Path, templates: dict[str, Json], places: dict[str, str]) -> Assembly:
    """An assembly of templates; those with a place are stacks of it, the others are nested."""
    for name, template in templates.items():
        (folder / f"{name}.template.json").write_text(json.dumps(template))
    stacks = {
        name: {
            "type": "aws:cloudformation:stack",
            "environment": f"aws://{place}",
            "properties": {"templateFile": f"{name}.template.json"},
        }
        for name, place in places.items()
    }
    (folder / "manifest.json").write_text(json.dumps({"version": "53.0.0", "artifacts": stacks}))
    return Assembly.read(folder)


class TestNestedStacks:
    """A stack inside of another, that is given the ARN of a queue, and gives back that of its own."""

    def assembly(self, folder: Path, given: Any) -> Assembly:
        nested = {
            "Parameters": {"Jobs": {"Type": "String"}},
            "Resources": writer(allow("sqs:SendMessage", ref("Jobs"))) | queue() | mapping(att("Queue")),
            "Outputs": {"Queue": {"Value": att("Queue")}},
        }
        inside = resource("AWS::CloudFormation::Stack", Parameters={"Jobs": given})
        relay = resource("AWS::Pipes::Pipe", Source=att("Jobs"), Target=att("Nested", "Outputs.Queue"))
        resources = queue("Jobs") | queue("Other") | {"Relay": relay}
        resources["Nested"] = inside | {"Metadata": {"aws:asset:path": "Nested.template.json"}}
        templates = {"Nested": nested, "Shop": {"Resources": resources}}
        return written(folder, templates, {"Shop": "unknown-account/unknown-region"})

    def test_a_circle_goes_in_and_out(self, tmp_path: Path) -> None:
        assert worst_in(self.assembly(tmp_path, att("Jobs"))) == LOOP

    def test_there_is_none_when_another_queue_is_given(self, tmp_path: Path) -> None:
        assert worst_in(self.assembly(tmp_path, att("Other"))) == frozenset()


class TestPlaces:
    """A function that reads the queue `jobs` of its stack, and sends to `jobs` somewhere."""

    def found(self, folder: Path, sends_to: str, place: str = "111111111111/eu-west-1") -> object:
        system = writer(allow("sqs:SendMessage", sends_to)) | queue(QueueName="jobs") | mapping(att("Queue"))
        return worst_in(written(folder, {"Shop": {"Resources": system}}, {"Shop": place}))

    def test_is_a_loop_in_the_same_place(self, tmp_path: Path) -> None:
        assert self.found(tmp_path, "arn:aws:sqs:eu-west-1:111111111111:jobs") == LOOP

    def test_is_a_loop_in_any_place(self, tmp_path: Path) -> None:
        assert self.found(tmp_path, "arn:aws:sqs:*:*:jobs") == LOOP

    @pytest.mark.parametrize("place", ["us-east-1:111111111111", "eu-west-1:222222222222", "*:222222222222", "us-*:*"])
    def test_is_none_in_another_account_or_region(self, place: str, tmp_path: Path) -> None:
        assert self.found(tmp_path, f"arn:aws:sqs:{place}:jobs") == frozenset()

    def test_is_a_loop_where_the_stack_is_bound_to_no_place(self, tmp_path: Path) -> None:
        arn = "arn:aws:sqs:us-east-1:222222222222:jobs"
        assert self.found(tmp_path, arn, "unknown-account/unknown-region") == LOOP

    def test_is_none_between_queues_of_one_name_in_two_regions(self, tmp_path: Path) -> None:
        there = {"Resources": queue(QueueName="jobs")}
        sends = writer(allow("sqs:SendMessage", "arn:aws:sqs:us-east-1:111111111111:jobs"))
        here = {"Resources": sends | queue(QueueName="jobs") | mapping(att("Queue"))}
        places = {"There": "111111111111/us-east-1", "Here": "111111111111/eu-west-1"}
        assert worst_in(written(tmp_path, {"There": there, "Here": here}, places)) == frozenset()
