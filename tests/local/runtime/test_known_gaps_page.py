"""The page of known gaps tells of every patch, and of no other."""

from __future__ import annotations

import re
from pathlib import Path

from constructs_lib.local.overlay import PATCHES
from tests.local.runtime import (
    test_gaps,
    test_gaps_asynchronous,
    test_gaps_callers,
    test_gaps_databases,
    test_gaps_executions,
    test_gaps_filters,
    test_gaps_function_settings,
    test_gaps_gateway,
    test_gaps_lambda,
    test_gaps_lambda_rights,
    test_gaps_mappings,
    test_gaps_messaging,
    test_gaps_moves,
    test_gaps_occasions,
    test_gaps_pipes,
    test_gaps_provisioned,
    test_gaps_recursion,
    test_gaps_refusals,
    test_gaps_rights,
    test_gaps_schedules,
    test_gaps_secrets,
    test_gaps_stand_ins,
    test_gaps_streams,
    test_gaps_traces,
    test_gaps_workflows,
    test_stopping,
)

GAPS = (
    test_gaps,
    test_gaps_asynchronous,
    test_gaps_callers,
    test_gaps_databases,
    test_gaps_filters,
    test_gaps_function_settings,
    test_gaps_gateway,
    test_gaps_lambda,
    test_gaps_lambda_rights,
    test_gaps_mappings,
    test_gaps_messaging,
    test_gaps_moves,
    test_gaps_occasions,
    test_gaps_provisioned,
    test_gaps_recursion,
    test_gaps_refusals,
    test_gaps_executions,
    test_gaps_schedules,
    test_gaps_secrets,
    test_gaps_stand_ins,
    test_gaps_streams,
    test_gaps_pipes,
    test_gaps_traces,
    test_gaps_rights,
    test_gaps_workflows,
    test_stopping,
)
ROOT = Path(__file__).parents[3]
OVERLAY = ROOT / "constructs_lib" / "local" / "overlay"
CLUSTER = "services.cloudformation.provisioners._RESOURCE_HANDLERS/AWS::RDS::DBCluster"
DATABASE_HOOKS = {
    *(f"{CLUSTER}/{each}" for each in ("create", "update", "delete")),
    CLUSTER.removesuffix("Cluster") + "Proxy",
    CLUSTER.removesuffix("Cluster") + "ProxyTargetGroup",
    *(
        f"{CLUSTER.partition('AWS::')[0]}AWS::EC2::{each}"
        for each in ("FlowLog", "SecurityGroupEgress", "SecurityGroupIngress")
    ),
    "services.rds.load_persisted_state",
    "services.rds_data.handle_request",
}
EXECUTOR_HOOKS = {
    "services.lambda_svc._acquire_execution_slot",
    "services.lambda_svc._execute_function_dispatch",
    "services.lambda_svc._put_provisioned_concurrency",
}


def rows() -> list[list[str]]:
    mended = (ROOT / "docs" / "known-gaps.md").read_text().partition("## Mended")[2].partition("## Open")[0]
    table = [line.strip("|").split("|") for line in mended.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in table[2:]]


def test_names_every_hook_and_no_other() -> None:
    named = set()
    for row in rows():
        last = ""
        for hook in re.findall(r"`([^`]+)`", row[2]):
            last = last.rpartition("/")[0] + hook if hook.startswith("/") else hook
            named.add(last)
    assert named == {*EXECUTOR_HOOKS, *DATABASE_HOOKS, *(f"{patch.module}.{patch.name}" for patch in PATCHES)}


def test_names_files_and_tests_that_exist() -> None:
    for row in rows():
        assert (OVERLAY / row[1].strip("`")).is_file()
        assert row[3].strip("`") in classes()


def test_leaves_out_no_test_of_a_gap() -> None:
    assert {row[3].strip("`") for row in rows()} == classes()


def classes() -> set[str]:
    return {name for module in GAPS for name in vars(module) if name.startswith("Test")}
