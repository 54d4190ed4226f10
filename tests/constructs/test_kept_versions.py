"""Versions that stay, and the removal of those before them."""

from __future__ import annotations

import aws_cdk as cdk
import jsonata  # type: ignore[import-untyped]  # it has no types
import pytest

from constructs_lib import Canary, Iam, KeptVersions, PropError, SecureApi, SecureApiFunction, SecureFunction
from constructs_lib.kept_versions import OLD
from tests.findings import findings_of
from tests.templates import permissions_of, resources_of, template_of

ENTRY = "lambda_src/greeting/greet.ts"


@pytest.fixture
def charge(stack: cdk.Stack) -> SecureFunction:
    return SecureFunction(stack, "Charge", entry=ENTRY, canary=Canary())


class TestDefaults:
    def test_without_it_a_version_goes_when_the_next_is_there(self, stack: cdk.Stack, charge: SecureFunction) -> None:
        assert charge.alias is not None
        [version] = resources_of(template_of(stack), "AWS::Lambda::Version").values()
        assert version.get("DeletionPolicy", "Delete") == "Delete"

    def test_keeps_versions_that_were_deployed_and_no_other(self, stack: cdk.Stack, charge: SecureFunction) -> None:
        """A deployment that is rolled back takes its version with it."""
        KeptVersions(stack, "Versions", of=[charge])
        [version] = resources_of(template_of(stack), "AWS::Lambda::Version").values()
        assert version["DeletionPolicy"] == "RetainExceptOnCreate"
        assert version["UpdateReplacePolicy"] == "Retain"

    def test_removes_all_but_the_last_five_every_day(self, stack: cdk.Stack, charge: SecureFunction) -> None:
        KeptVersions(stack, "Versions", of=[charge, charge])
        template = template_of(stack)
        [machine] = resources_of(template, "AWS::StepFunctions::StateMachine").values()
        definition = str(machine["Properties"]["DefinitionString"])
        assert definition.count("$count($numbers) - 5") == 1
        [schedule] = resources_of(template, "AWS::Scheduler::Schedule").values()
        assert schedule["Properties"]["ScheduleExpression"] == "rate(1 day)"

    @pytest.mark.parametrize(
        ("versions", "old"),
        [
            (["$LATEST"], []),
            (["$LATEST", "1", "2", "3"], []),
            (["$LATEST", "1", "2", "3", "4"], ["1"]),
            (["$LATEST", "11", "10", "9", "8", "2"], ["2", "8"]),  # by their numbers, not as texts
        ],
    )
    def test_the_newest_so_many_are_never_among_the_old(self, versions: list[str], old: list[str]) -> None:
        read = jsonata.Jsonata((OLD % 3).removeprefix("{%").removesuffix("%}"))
        read.assign("found", {"Versions": [{"Version": each} for each in versions]})
        assert read.evaluate({}) == old

    def test_names_of_steps_fit_however_long_the_path(self, stack: cdk.Stack) -> None:
        deep = cdk.Stack.of(stack)
        function = SecureFunction(deep, "F" * 200, entry=ENTRY, canary=Canary())
        KeptVersions(stack, "Versions", of=[function])
        assert resources_of(template_of(stack), "AWS::StepFunctions::StateMachine")


class TestGrants:
    def test_may_list_and_remove_versions_of_these_functions_and_no_function(
        self, stack: cdk.Stack, charge: SecureFunction
    ) -> None:
        KeptVersions(stack, "Versions", of=[charge])
        permissions = permissions_of(template_of(stack), "VersionsRemovalIdentityRole")
        function = stack.resolve(charge.function.function_name)["Ref"]
        assert {each for each in permissions if each[0].startswith("lambda")} == {
            ("lambda:ListVersionsByFunction", f"{function}.Arn"),
            ("lambda:DeleteFunction", f"{function}.Arn:*"),
        }

    def test_has_no_findings(self, stack: cdk.Stack, charge: SecureFunction) -> None:
        charge.keep_failed_events()
        KeptVersions(stack, "Versions", of=[charge])
        assert findings_of(stack) == []


class TestNestedFunctions:
    def test_are_kept_from_the_stack_of_their_api(self, stack: cdk.Stack) -> None:
        api = SecureApi(stack, "Api", auth=Iam(), nest_functions=True)
        charge = SecureApiFunction(stack, "Charge", api=api, route="GET /", entry=ENTRY, canary=Canary())
        KeptVersions(stack, "Versions", of=[charge])
        template = template_of(stack)
        permissions = permissions_of(template, "VersionsRemovalIdentityRole")
        [removed] = [on for action, on in permissions if action == "lambda:DeleteFunction"]
        [part] = resources_of(template, "AWS::CloudFormation::Stack")
        assert removed.startswith(f"{part}.Outputs.")
        assert removed.endswith("Arn:*")
        assert findings_of(stack) == []


class TestRefusals:
    @pytest.mark.parametrize("count", [1, 0, 41])
    def test_of_a_number_out_of_bounds(self, stack: cdk.Stack, charge: SecureFunction, count: int) -> None:
        with pytest.raises(PropError) as refused:
            KeptVersions(stack, "Versions", of=[charge], count=count)
        assert str(refused.value) == (
            f"count is {count}, wanted 2 to 40\n  at:  Shop/Versions (KeptVersions)\n  fix: leave count out for 5"
        )

    def test_of_nothing_to_keep(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError, match="of is empty"):
            KeptVersions(stack, "Versions", of=[])

    def test_of_a_function_without_versions(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError) as refused:
            KeptVersions(stack, "Versions", of=[SecureFunction(stack, "Plain", entry=ENTRY)])
        assert str(refused.value) == (
            "Shop/Plain has no versions\n"
            "  at:  Shop/Versions (KeptVersions)\n"
            "  fix: give it provisioned_concurrency, snap_start or canary, or leave it out"
        )

    def test_of_a_function_of_another_stack(self, app: cdk.App, charge: SecureFunction) -> None:
        with pytest.raises(PropError, match="Shop/Charge is in another stack"):
            KeptVersions(cdk.Stack(app, "Other"), "Versions", of=[charge])

    def test_of_a_function_whose_versions_another_keeps(self, stack: cdk.Stack, charge: SecureFunction) -> None:
        KeptVersions(stack, "Versions", of=[charge], count=10)
        other = SecureFunction(stack, "Other", entry=ENTRY, canary=Canary())
        with pytest.raises(PropError) as refused:
            KeptVersions(stack, "Fewer", of=[other, charge], count=2)
        assert str(refused.value) == (
            "Shop/Versions keeps versions of Shop/Charge already, and removes what this one keeps\n"
            "  at:  Shop/Fewer (KeptVersions)\n"
            "  fix: name each function in one KeptVersions alone"
        )
        KeptVersions(stack, "Rest", of=[other])
