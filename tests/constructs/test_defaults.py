"""What a team says once: the nearest scope wins, field by field, and an argument before all of them."""

from __future__ import annotations

import dataclasses
import gc
import re
from pathlib import Path
from typing import Any, get_type_hints

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib import Defaults, PropError, defaults_of
from constructs_lib.defaults import Overrides, Settings
from tests.templates import template_of

WEEK, YEAR = logs.RetentionDays.ONE_WEEK, logs.RetentionDays.ONE_YEAR
ODD = [True, 0, -1, 2.5, "", "text", b"bytes", [], ["a"], {}, {"a": 1}, {5: "a"}, object(), print, cdk.Duration.days(1)]
NAMES = [each.name for each in dataclasses.fields(Defaults)]


class TestPrecedence:
    def test_without_any_the_library_decides(self, stack: cdk.Stack) -> None:
        assert defaults_of(stack) == Settings()

    def test_the_nearest_scope_wins_field_by_field(self, app: cdk.App) -> None:
        Defaults(log_retention=WEEK, rate_limit=7).apply(app)
        stage = Defaults(log_retention=YEAR, alarms=False).apply(cdk.Stage(app, "prod"))
        inside = defaults_of(cdk.Stack(stage, "Shop"))
        assert (inside.log_retention, inside.rate_limit, inside.alarms) == (YEAR, 7, False)
        outside = defaults_of(cdk.Stack(app, "Shop"))
        assert (outside.log_retention, outside.rate_limit, outside.alarms) == (WEEK, 7, True)

    def test_what_is_said_last_on_one_scope_is_added(self, stack: cdk.Stack) -> None:
        Defaults(rate_limit=7).apply(stack)
        key = kms.Key(stack, "Key")
        Defaults(encryption_key=key, rate_limit=7).apply(stack)
        assert defaults_of(stack).encryption_key is key
        assert defaults_of(stack).rate_limit == 7

    def test_false_is_said_too(self, app: cdk.App) -> None:
        Defaults(alarms=True, deletion_protection=True).apply(app)
        stack = Defaults(alarms=False, deletion_protection=False).apply(cdk.Stack(app, "Shop"))
        assert not defaults_of(stack).alarms
        assert not defaults_of(stack).deletion_protection

    def test_two_apps_with_the_same_paths_do_not_meet(self) -> None:
        one, two = cdk.App(), cdk.App()
        Defaults(rate_limit=7).apply(one)
        assert defaults_of(cdk.Stack(one, "Shop")).rate_limit == 7
        assert defaults_of(cdk.Stack(two, "Shop")).rate_limit == 100

    def test_a_scope_that_nobody_holds_keeps_them(self) -> None:
        def made() -> cdk.Stack:
            stage = cdk.Stage(cdk.App(), "dev")
            return cdk.Stack(Defaults(rate_limit=7).apply(stage), "Shop")

        stack = made()
        gc.collect()
        assert defaults_of(stack).rate_limit == 7

    def test_they_tell_where_a_value_was_said(self, app: cdk.App) -> None:
        Defaults(rate_limit=7).apply(app)
        stage = Defaults(alarms=False).apply(cdk.Stage(app, "dev"))
        assert dict(defaults_of(stage).said_at) == {"alarms": "dev", "rate_limit": "the app"}
        assert defaults_of(stage).reason("alarms") == "turned off by the Defaults of dev"


class TestStages:
    def test_dev_can_be_removed(self, stack: cdk.Stack) -> None:
        dev = defaults_of(Defaults.dev().apply(stack))
        assert dev.removal_policy is cdk.RemovalPolicy.DESTROY
        assert [dev.deletion_protection, dev.termination_protection, dev.alarms] == [False, False, False]

    def test_prod_cannot(self, stack: cdk.Stack) -> None:
        prod = defaults_of(Defaults.prod().apply(stack))
        assert prod.removal_policy is cdk.RemovalPolicy.RETAIN
        assert prod.deletion_protection
        assert prod.termination_protection
        assert prod.alarms

    def test_each_takes_what_is_said_otherwise(self) -> None:
        for stage in (Defaults.dev, Defaults.staging, Defaults.prod):
            assert stage(log_retention=YEAR, rate_limit=7).log_retention is YEAR
            assert stage(log_retention=YEAR, rate_limit=7).rate_limit == 7

    def test_a_stage_says_everything_that_differs_between_stages(self) -> None:
        stated = [
            {name for name in NAMES if getattr(each, name) is not None}
            for each in (Defaults.dev(), Defaults.staging(), Defaults.prod())
        ]
        assert stated[0] == stated[1] == stated[2]

    def test_what_can_be_overridden_is_what_there_is(self) -> None:
        overrides, settings = get_type_hints(Overrides), get_type_hints(Settings)
        assert list(overrides) == NAMES
        assert [name for name in settings if name != "said_at"] == NAMES

    def test_the_page_shows_the_numbers_that_there_are(self) -> None:
        page = (Path(__file__).parents[2] / "docs/stages.md").read_text()
        shown = dict(re.findall(r"^\| `(\w+)` \| (\w+ \| \w+ \| \w+ \| \w+) \|$", page, re.MULTILINE))
        presets = (Defaults.dev(), Defaults.staging(), Defaults.prod(), Settings())
        for name in (name for name in NAMES if getattr(presets[0], name) is not None):
            values = [getattr(each, name) for each in presets]
            assert shown.pop(name) == " | ".join(getattr(value, "name", str(value)) for value in values)
        assert shown == {}


class TestProtection:
    def test_stacks_with_constructs_of_ours_refuse_to_be_deleted(self, app: cdk.App) -> None:
        stage = Defaults.prod().apply(cdk.Stage(app, "prod"))
        stack = cdk.Stack(stage, "Shop")
        nested = cdk.NestedStack(stack, "Nested")
        defaults_of(Construct(nested, "Inside"))
        assert stack.termination_protection
        assert not nested.termination_protection


class TestTags:
    def test_they_reach_everything_below_and_the_nearest_wins(self, app: cdk.App) -> None:
        Defaults(tags={"team": "payments", "stage": "none"}).apply(app)
        stack = Defaults(tags={"stage": "dev"}).apply(cdk.Stack(app, "Shop"))
        kms.Key(stack, "Key")
        [key] = template_of(stack)["Resources"].values()
        assert key["Properties"]["Tags"] == [{"Key": "stage", "Value": "dev"}, {"Key": "team", "Value": "payments"}]
        assert dict(defaults_of(stack).tags) == {"team": "payments", "stage": "dev"}

    def test_they_are_what_they_were_when_they_were_said(self) -> None:
        said = {"team": "payments"}
        defaults = Defaults(tags=said)
        said["team"] = "nobody"
        assert defaults.tags == {"team": "payments"}

    def test_those_of_a_second_call_are_added(self, stack: cdk.Stack) -> None:
        Defaults(tags={"team": "payments"}).apply(stack)
        Defaults(tags={"stage": "dev", "team": "payments"}).apply(stack)
        assert dict(defaults_of(stack).tags) == {"team": "payments", "stage": "dev"}

    def test_cannot_be_changed_where_nobody_said_any(self, stack: cdk.Stack) -> None:
        tags: Any = defaults_of(stack).tags
        with pytest.raises(TypeError):
            tags["team"] = "payments"

    def test_with_two_values_in_one_place_are_refused(self, app: cdk.App) -> None:
        Defaults(tags={"team": "payments"}).apply(app)
        with pytest.raises(PropError) as caught:
            Defaults(tags={"team": "orders"}).apply(app)
        assert str(caught.value) == (
            "tag 'team' is 'payments' here already, and 'orders' now\n"
            "  at:  the app (App)\n"
            "  fix: say it once, or apply the second to a scope below"
        )

    @pytest.mark.parametrize(
        ("tags", "what"),
        [
            ({"aws:team": "payments"}, "tag 'aws:team' begins as those that AWS sets itself"),
            ({"k" * 129: "v"}, f"tag '{'k' * 20}' has 129 characters and its value 1: AWS takes 128 and 256"),
            ({"k": "v" * 257}, "tag 'k' has 1 characters and its value 257: AWS takes 128 and 256"),
        ],
    )
    def test_that_aws_does_not_take_are_refused(self, tags: dict[str, str], what: str) -> None:
        with pytest.raises(PropError) as caught:
            Defaults(tags=tags)
        assert str(caught.value).splitlines()[0] == what


class TestRefusals:
    def test_refuses_to_come_late(self, app: cdk.App, stack: cdk.Stack) -> None:
        defaults_of(Construct(stack, "Users"))
        with pytest.raises(PropError) as caught:
            Defaults.dev().apply(app)
        assert str(caught.value).splitlines()[:1] == ["Shop/Users was made before these Defaults"]

    def test_refuses_to_come_late_to_what_read_them_itself(self, stack: cdk.Stack) -> None:
        defaults_of(stack)
        with pytest.raises(PropError, match="Shop was made before these Defaults"):
            Defaults.dev().apply(stack)

    def test_refuses_to_say_two_things_in_one_place(self, stack: cdk.Stack) -> None:
        Defaults(rate_limit=7).apply(stack)
        with pytest.raises(PropError) as caught:
            Defaults(rate_limit=8).apply(stack)
        assert str(caught.value) == (
            "rate_limit is 7 here already, and 8 now\n"
            "  at:  Shop (Stack)\n"
            "  fix: say it once, or apply the second to a scope below"
        )

    def test_refuses_data_that_goes_with_the_stack_and_cannot_be_deleted(self, app: cdk.App) -> None:
        with pytest.raises(PropError) as caught:
            Defaults(removal_policy=cdk.RemovalPolicy.DESTROY).apply(app)
        assert "removing a stack would fail" in str(caught.value)
        Defaults(deletion_protection=False).apply(app)
        Defaults(removal_policy=cdk.RemovalPolicy.DESTROY).apply(cdk.Stage(app, "dev"))

    def test_refuses_what_another_stage_defines(self, app: cdk.App) -> None:
        dev, prod = cdk.Stage(app, "dev"), cdk.Stage(app, "prod")
        key = kms.Key(cdk.Stack(dev, "Keys"), "Key")
        with pytest.raises(PropError) as caught:
            Defaults(encryption_key=key).apply(prod)
        assert str(caught.value) == (
            "encryption_key is dev/Keys/Key, and no stack refers to what another stage defines\n"
            "  at:  prod (Stage)\n"
            "  fix: make one in prod, or import it: from_key_arn, from_vpc_attributes"
        )
        Defaults(encryption_key=key).apply(dev)

    @pytest.mark.parametrize("name", ["encryption_key", "vpc"])
    def test_refuses_what_a_stage_inherits_and_cannot_refer_to(self, app: cdk.App, name: str) -> None:
        shared = cdk.Stack(app, "Shared")
        owns: dict[str, Any] = {"encryption_key": kms.Key, "vpc": ec2.Vpc}
        Defaults(**{name: owns[name](shared, "It")}).apply(app)
        dev, prod = cdk.Stage(app, "dev"), cdk.Stage(app, "prod")
        with pytest.raises(PropError) as caught:
            defaults_of(cdk.Stack(dev, "Shop"))
        assert str(caught.value) == (
            f"{name} is Shared/It, and no stack refers to what another stage defines\n"
            "  at:  dev (Stage)\n"
            "  fix: make one in dev, or import it: from_key_arn, from_vpc_attributes"
        )
        own = owns[name](cdk.Stack(prod, "Shared"), "It")
        Defaults(**{name: own}).apply(prod)
        assert getattr(defaults_of(cdk.Stack(prod, "Shop")), name) is own

    def test_refuses_bounds_that_nothing_could_pass(self) -> None:
        with pytest.raises(PropError) as caught:
            Defaults(rate_limit=0, reserved_concurrency=-1, tags={"": "a"})
        assert str(caught.value) == (
            "rate_limit is 0, wanted 1 or more\n"
            "  at:  Defaults(...)\n"
            "  fix: leave rate_limit out, or raise it\n"
            "reserved_concurrency is -1, wanted 0 or more\n"
            "  at:  Defaults(...)\n"
            "  fix: leave reserved_concurrency out, or raise it\n"
            "tag '' is 'a', wanted a name and a string\n"
            "  at:  Defaults(...)\n"
            '  fix: write tags={"team": "payments"}'
        )

    @pytest.mark.parametrize("name", NAMES)
    def test_anything_for_any_field_is_taken_or_refused_in_three_lines(self, app: cdk.App, name: str) -> None:
        escaped = []
        for number, value in enumerate([*ODD, app, cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, WEEK]):
            odd: dict[str, Any] = {name: value}
            try:
                Defaults(**odd).apply(cdk.Stage(app, f"Stage{number}"))
            except PropError:
                continue
            except Exception as error:
                escaped.append(f"{name}={value!r}: {type(error).__name__}: {error}")
        assert escaped == []

    @pytest.mark.parametrize("scope", [None, "app", 5, cdk.App])
    def test_refuses_what_is_no_scope(self, scope: Any) -> None:
        with pytest.raises(PropError, match="wanted a Construct"):
            Defaults.dev().apply(scope)
