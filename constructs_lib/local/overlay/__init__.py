"""What we mend of the base, one file per gap, and the check that it is the base we mended."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

from constructs_lib.local.overlay import (
    alarm_expressions,
    alias_routing,
    api_access_log,
    asynchronous_invocation,
    authorized_actions,
    bucket_notifications,
    callers_are_verified,
    condition_keys,
    custom_resource_failure,
    data_api,
    database_resources,
    decisions,
    denial_names_resource,
    destination_permissions,
    dynamodb_conditions,
    event_archive,
    event_conditions,
    event_input,
    event_refusals,
    for_tests,
    function_dead_letters,
    function_invocation,
    function_settings,
    function_url,
    further_checks,
    generated_secret,
    http_api_authorizer,
    http_api_integration,
    http_api_limits,
    http_api_refusals,
    http_api_sendable,
    http_api_settings,
    lambda_authorization,
    log_filter,
    log_stream_arn,
    loopback_is_secure,
    mapping_permissions,
    message_moves,
    multipart_sizes,
    nested_updates,
    parameter_by_arn,
    pipes,
    queue_lock,
    queue_mapping,
    queue_trace,
    queue_urls,
    reasons,
    resource_policies,
    rest_api_answers,
    rest_api_authorizer,
    rest_api_integration,
    rest_api_models,
    rest_api_settings,
    rest_api_templates,
    schedule_settings,
    secret_reference_is_arn,
    secret_rotation,
    stand_ins,
    stream_mapping,
    stream_state,
    stream_trace,
    table_settings,
    taken_names,
    target_delivery,
    task_token_resource,
    template_circles,
    token_signatures,
    topic_default_policy,
    topic_delivery,
    topic_filter,
    values_between_stacks,
    workflow_branches,
    workflow_definition,
    workflow_errors,
    workflow_history,
    workflow_logs,
    workflow_redrive,
    workflow_run,
    workflow_settings,
    workflow_tasks,
    workflow_versions,
    zones_elsewhere,
)
from constructs_lib.local.overlay import (
    grants as _grants,  # noqa: F401 (a command is registered where it is imported)
)
from constructs_lib.local.overlay import (
    page_commands as _page_commands,  # noqa: F401 (likewise)
)
from constructs_lib.local.overlay.base import BASE, BASE_VERSION
from constructs_lib.local.overlay.deployed_function import stopping
from constructs_lib.local.overlay.journal import flush as flush_journal
from constructs_lib.local.overlay.journal import open_journal
from constructs_lib.local.overlay.lambda_executor import LambdaExecutor
from constructs_lib.local.overlay.relational_databases import Databases
from constructs_lib.local.overlay.warm_path import WarmPath
from constructs_lib.problem import LocalError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs_lib.local.overlay.base import Orders
    from constructs_lib.local.overlay.patching import Addition, Patch

PATCHES: tuple[Patch | Addition, ...] = (
    *api_access_log.PATCHES,
    *alarm_expressions.PATCHES,
    *alias_routing.PATCHES,
    *asynchronous_invocation.PATCHES,
    *authorized_actions.PATCHES,
    *bucket_notifications.PATCHES,
    *callers_are_verified.PATCHES,
    *condition_keys.PATCHES,
    *custom_resource_failure.PATCHES,
    *resource_policies.PATCHES,
    *reasons.PATCHES,
    *decisions.PATCHES,
    *denial_names_resource.PATCHES,
    *dynamodb_conditions.PATCHES,
    *destination_permissions.PATCHES,
    *event_archive.PATCHES,
    *event_conditions.PATCHES,
    *event_input.PATCHES,
    *event_refusals.PATCHES,
    *function_dead_letters.PATCHES,
    *function_invocation.PATCHES,
    *function_settings.PATCHES,
    *function_url.PATCHES,
    *generated_secret.PATCHES,
    *http_api_authorizer.PATCHES,
    *http_api_integration.PATCHES,
    *http_api_limits.PATCHES,
    *http_api_refusals.PATCHES,
    *http_api_sendable.PATCHES,
    *http_api_settings.PATCHES,
    *lambda_authorization.PATCHES,
    *log_filter.PATCHES,
    *log_stream_arn.PATCHES,
    *loopback_is_secure.PATCHES,
    *mapping_permissions.PATCHES,
    *message_moves.PATCHES,
    *multipart_sizes.PATCHES,
    *nested_updates.PATCHES,
    *parameter_by_arn.PATCHES,
    *pipes.PATCHES,
    *queue_lock.PATCHES,
    *queue_mapping.PATCHES,
    *queue_trace.PATCHES,
    *queue_urls.PATCHES,
    *rest_api_answers.PATCHES,
    *rest_api_authorizer.PATCHES,
    *rest_api_integration.PATCHES,
    *rest_api_models.PATCHES,
    *rest_api_settings.PATCHES,
    *rest_api_templates.PATCHES,
    *schedule_settings.PATCHES,
    *secret_reference_is_arn.PATCHES,
    *secret_rotation.PATCHES,
    *stand_ins.PATCHES,
    *stream_mapping.PATCHES,
    *stream_state.PATCHES,
    *table_settings.PATCHES,
    *taken_names.PATCHES,
    *target_delivery.PATCHES,
    *task_token_resource.PATCHES,
    *template_circles.PATCHES,
    *token_signatures.PATCHES,
    *topic_default_policy.PATCHES,
    *topic_delivery.PATCHES,
    *topic_filter.PATCHES,
    *values_between_stacks.PATCHES,
    *workflow_branches.PATCHES,
    *workflow_definition.PATCHES,
    *workflow_errors.PATCHES,
    *workflow_logs.PATCHES,
    *workflow_history.PATCHES,
    *workflow_redrive.PATCHES,
    *workflow_run.PATCHES,
    *workflow_settings.PATCHES,
    *workflow_tasks.PATCHES,
    *zones_elsewhere.PATCHES,
    *workflow_versions.PATCHES,
    *further_checks.PATCHES,  # around all others that say what a call is authorized on
)


class Overlay:
    """The mended base of this process.

    Args:
        orders: What the process was told.

    Raises:
        LocalError: Another version of the base is installed, or it is not what the patches were written for.
    """

    def __init__(self, orders: Orders) -> None:
        """Check the base and mend it."""
        check_version(metadata.version(BASE))
        open_journal(orders.journal)
        decisions.begin(lets_denied_pass=orders.lets_denied_pass)
        self._databases = Databases.of_process(orders.work)
        self._executor = LambdaExecutor(orders, self._databases)
        hold = for_tests.Hold(self._executor.executor)
        patches = [*PATCHES, *self._executor.patches(), *hold.hooks(), *stream_trace.HOOKS]
        patches += [*database_resources.patches(self._databases), *data_api.patches(self._databases)]
        try:
            check_patches(patches)
        except LocalError:
            self.close()
            raise
        for patch in patches:
            patch.apply()
        hold.install()

    def shortcut(self, app_port: int) -> WarmPath:
        """The short way of requests to the port of the deployed APIs."""
        return WarmPath(self._executor, app_port)

    def end_functions(self) -> None:
        """End every function that runs, so that nobody waits for one any more."""
        stopping.set()
        self._executor.executor.end_functions()

    def close(self) -> None:
        """End what the mended base has started."""
        self._executor.executor.close()
        self._databases.close()
        decisions.flush()
        flush_journal()


def check_version(version: str) -> None:
    """Refuse a base other than the one this overlay was written for.

    Raises:
        LocalError: It is another version.
    """
    if version != BASE_VERSION:
        raise LocalError(
            Problem(
                what=f"{BASE} {version} is installed, but the embedded AWS is built on {BASE} {BASE_VERSION} exactly",
                where="the Python environment",
                fix=f"pip install '{BASE}=={BASE_VERSION}'",
            )
        )


def check_patches(patches: Sequence[Patch | Addition]) -> None:
    """Refuse a base whose functions are not those the patches replace.

    Raises:
        LocalError: Some are missing or have another signature; all are named.
    """
    problems = [
        Problem(
            what=f"{BASE} {BASE_VERSION} is not as released: {mismatch}",
            where="the Python environment",
            fix=f"pip install --force-reinstall '{BASE}=={BASE_VERSION}'",
        )
        for patch in patches
        if (mismatch := patch.mismatch())
    ]
    if problems:
        raise LocalError(*problems)
