"""Expressions of schedules, right and wrong."""

from __future__ import annotations

import pytest

from constructs_lib.assembly.schedule_expressions import wrong_with
from tests.guards.rules.judged import judged, ref, resource

ID, RULE, SCHEDULE = "schedule-says-when", "AWS::Events::Rule", "AWS::Scheduler::Schedule"


class TestExpressions:
    @pytest.mark.parametrize(
        "expression",
        [
            "rate(1 minute)",
            "rate(5 minutes)",
            "rate(1 hour)",
            "rate(7 days)",
            "cron(0 10 * * ? *)",
            "cron(15 12 * * ? *)",
            "cron(0 18 ? * MON-FRI *)",
            "cron(0 8 1 * ? *)",
            "cron(0/15 * * * ? *)",
            "cron(0/10 * ? * MON-FRI *)",
            "cron(0/30 20-2 ? * mon-fri *)",
            "cron(0 10 ? * 6L 2022-2030)",
            "cron(0 9 ? * 2#1 *)",
            "cron(0 9 ? * MON#1 *)",
            "cron(0 9 L * ? *)",
            "cron(0 9 LW * ? *)",
            "cron(0 9 15W * ? *)",
            "cron(0 9 L-3 JAN,JUL ? *)",
            "cron(0,30 9 ? * 1,7 1970/2)",
            " cron(0  9 ? * * *) ",
            "cron(5, 0, 1, *, ?, *)",
        ],
    )
    def test_rules_and_the_scheduler_take_what_the_guide_shows(self, expression: str) -> None:
        assert wrong_with(expression, of_scheduler=False) is None
        assert wrong_with(expression, of_scheduler=True) is None

    @pytest.mark.parametrize(
        ("expression", "what"),
        [
            ("rate(0 minutes)", "rate(0 minutes) is no positive whole number of minutes, hours or days"),
            ("rate(1.5 hours)", "rate(1.5 hours) is no positive whole number of minutes, hours or days"),
            ("rate(-1 hours)", "rate(-1 hours) is no positive whole number of minutes, hours or days"),
            ("rate(5 weeks)", "rate(5 weeks) is no positive whole number of minutes, hours or days"),
            ("rate(5)", "rate(5) is no positive whole number of minutes, hours or days"),
            ("cron(0 12 * * ?)", "cron(0 12 * * ?) has 5 fields, wanted are 6"),
            ("cron(0 12 * * * *)", "cron(0 12 * * * *) has both a day of month and a day of week"),
            ("cron(0 12 1 * MON *)", "cron(0 12 1 * MON *) has both a day of month and a day of week"),
            ("cron(0 12 ? * ? *)", "cron(0 12 ? * ? *) names no day"),
            ("cron(60 12 * * ? *)", "'60' is no minutes in cron(60 12 * * ? *)"),
            ("cron(0 24 * * ? *)", "'24' is no hours in cron(0 24 * * ? *)"),
            ("cron(0 9 32 * ? *)", "'32' is no day of month in cron(0 9 32 * ? *)"),
            ("cron(0 9 1 13 ? *)", "'13' is no month in cron(0 9 1 13 ? *)"),
            ("cron(0 9 ? * 0 *)", "'0' is no day of week in cron(0 9 ? * 0 *)"),
            ("cron(0 9 ? * MON-8 *)", "'MON-8' is no day of week in cron(0 9 ? * MON-8 *)"),
            ("cron(0 9 ? * * 1969)", "'1969' is no year in cron(0 9 ? * * 1969)"),
            ("cron(, 9 ? * * *)", "',' is no minutes in cron(, 9 ? * * *)"),
            ("cron(*/0 9 ? * * *)", "'*/0' is no minutes in cron(*/0 9 ? * * *)"),
            ("0 9 * * *", "0 9 * * * is not rate(...) or cron(...)"),
            ("at(2030-01-31T08:00:00)", "at(2030-01-31T08:00:00) is not rate(...) or cron(...)"),
        ],
    )
    def test_rules_refuse_the_others(self, expression: str, what: str) -> None:
        wrong = wrong_with(expression, of_scheduler=False)
        assert wrong is not None
        assert wrong[0] == what
        assert wrong[1]

    def test_the_scheduler_knows_moments_and_takes_either_plural(self) -> None:
        for right in ("at(2030-01-31T08:00:00)", "rate(1 minutes)", "rate(5 minute)"):
            assert wrong_with(right, of_scheduler=True) is None
        for moment in ("at(2030-02-30T08:00:00)", "at(tomorrow)"):
            wrong = wrong_with(moment, of_scheduler=True)
            assert wrong == (f"{moment} is no date and time", "write at(2030-01-31T08:00:00)")


class TestScheduleSaysWhen:
    def test_refuses_a_plural_for_one(self) -> None:
        assert judged(ID, {"Tick": resource(RULE, ScheduleExpression="rate(1 minutes)")}) == [
            (
                "error: rate(1 minutes) has a plural for one\n"
                "  at:  Shop/Tick (AWS::Events::Rule) ScheduleExpression\n"
                "  fix: write rate(1 minute)"
            )
        ]
        [found] = judged(ID, {"Tick": resource(RULE, ScheduleExpression="rate(5 minute)")})
        assert found.endswith("fix: write rate(5 minutes)")

    def test_accepts_patterns_and_what_each_service_takes(self) -> None:
        resources = {
            "Pattern": resource(RULE, EventPattern={"source": ["shop"]}),
            "Tick": resource(RULE, ScheduleExpression="rate(1 minute)"),
            "Once": resource(SCHEDULE, ScheduleExpression="at(2030-01-31T08:00:00)"),
        }
        assert judged(ID, resources) == []

    def test_reads_the_default_of_a_parameter_and_says_what_it_does_not_know(self) -> None:
        tick = {"Tick": resource(RULE, ScheduleExpression=ref("Every"))}
        wrong = {"Every": {"Type": "String", "Default": "rate(0 days)"}}
        [found] = judged(ID, tick, Parameters=wrong)
        assert found.startswith("error: rate(0 days) is no positive whole number")
        assert judged(ID, tick, Parameters={"Every": {"Type": "String"}}) == [
            (
                "unknown: whether AWS understands its schedule\n"
                "  at:  Shop/Tick (AWS::Events::Rule)\n"
                "  why: it is known at deploy only"
            )
        ]
