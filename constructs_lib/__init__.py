"""Serverless on AWS with the safeguards in: the public names, nothing else.

Names load on first use, so that the tools which only read templates never pay for the CDK.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from constructs_lib.alerts import Alerts, Slack, Teams
    from constructs_lib.dashboard import Dashboard
    from constructs_lib.defaults import Defaults, defaults_of
    from constructs_lib.dynamo_table import DynamoTable
    from constructs_lib.event_bus import EventBus
    from constructs_lib.guards.allow_recursion import allow_recursion
    from constructs_lib.guards.plugin import ServerlessGuards
    from constructs_lib.guards.testing import assert_guarded
    from constructs_lib.kept_versions import KeptVersions
    from constructs_lib.problem import BundlingError, LocalError, Problem, ProblemError, PropError
    from constructs_lib.queue_worker import QueueWorker
    from constructs_lib.relational_database import RelationalDatabase
    from constructs_lib.schedule import Schedule
    from constructs_lib.secret_rotation import SecretRotation
    from constructs_lib.secure_api import SecureApi
    from constructs_lib.secure_api_function import SecureApiFunction
    from constructs_lib.secure_function import FunctionProps, SecureFunction
    from constructs_lib.secure_rest_api import SecureRestApi
    from constructs_lib.stream_worker import StreamWorker
    from constructs_lib.topic import Topic
    from constructs_lib.upload_bucket import UploadBucket
    from constructs_lib.wiring.auth import Auth, Cognito, Iam, Jwt, Public
    from constructs_lib.wiring.canary import Canary
    from constructs_lib.wiring.database_checks import DataApiAction
    from constructs_lib.wiring.domains import Domain
    from constructs_lib.wiring.dynamo_actions import TableAction
    from constructs_lib.wiring.firewall import Waf
    from constructs_lib.wiring.provisioned import Provisioned
    from constructs_lib.wiring.secrets import ParameterPath, SecretField, SecretSource
    from constructs_lib.wiring.throttle import Throttle
    from constructs_lib.wiring.waiver import Waived
    from constructs_lib.workflow import Workflow
    from constructs_lib.workflow_steps.bucket_items import from_bucket
    from constructs_lib.workflow_steps.control import choice, each, fail, on, parallel, succeed, wait, when
    from constructs_lib.workflow_steps.message_tasks import publish, put_event, send
    from constructs_lib.workflow_steps.retries import Retry
    from constructs_lib.workflow_steps.step import Step, Task
    from constructs_lib.workflow_steps.table_tasks import delete_item, get_item, put_item, update_item
    from constructs_lib.workflow_steps.tasks import call, run, start, step

_HOMES = {
    "Alerts": "alerts",
    "Auth": "wiring.auth",
    "BundlingError": "problem",
    "Canary": "wiring.canary",
    "Cognito": "wiring.auth",
    "DataApiAction": "wiring.database_checks",
    "Dashboard": "dashboard",
    "Defaults": "defaults",
    "Domain": "wiring.domains",
    "DynamoTable": "dynamo_table",
    "EventBus": "event_bus",
    "FunctionProps": "secure_function",
    "Iam": "wiring.auth",
    "Jwt": "wiring.auth",
    "KeptVersions": "kept_versions",
    "LocalError": "problem",
    "ParameterPath": "wiring.secrets",
    "Problem": "problem",
    "ProblemError": "problem",
    "PropError": "problem",
    "Provisioned": "wiring.provisioned",
    "Public": "wiring.auth",
    "QueueWorker": "queue_worker",
    "RelationalDatabase": "relational_database",
    "Retry": "workflow_steps.retries",
    "Schedule": "schedule",
    "SecretField": "wiring.secrets",
    "SecretRotation": "secret_rotation",
    "SecretSource": "wiring.secrets",
    "SecureApi": "secure_api",
    "SecureApiFunction": "secure_api_function",
    "SecureFunction": "secure_function",
    "SecureRestApi": "secure_rest_api",
    "ServerlessGuards": "guards.plugin",
    "Slack": "alerts",
    "Step": "workflow_steps.step",
    "StreamWorker": "stream_worker",
    "TableAction": "wiring.dynamo_actions",
    "Task": "workflow_steps.step",
    "Teams": "alerts",
    "Throttle": "wiring.throttle",
    "Topic": "topic",
    "UploadBucket": "upload_bucket",
    "Waf": "wiring.firewall",
    "Waived": "wiring.waiver",
    "Workflow": "workflow",
    "allow_recursion": "guards.allow_recursion",
    "assert_guarded": "guards.testing",
    "call": "workflow_steps.tasks",
    "choice": "workflow_steps.control",
    "defaults_of": "defaults",
    "delete_item": "workflow_steps.table_tasks",
    "each": "workflow_steps.control",
    "fail": "workflow_steps.control",
    "from_bucket": "workflow_steps.bucket_items",
    "get_item": "workflow_steps.table_tasks",
    "on": "workflow_steps.control",
    "parallel": "workflow_steps.control",
    "publish": "workflow_steps.message_tasks",
    "put_event": "workflow_steps.message_tasks",
    "put_item": "workflow_steps.table_tasks",
    "run": "workflow_steps.tasks",
    "send": "workflow_steps.message_tasks",
    "start": "workflow_steps.tasks",
    "step": "workflow_steps.tasks",
    "succeed": "workflow_steps.control",
    "update_item": "workflow_steps.table_tasks",
    "wait": "workflow_steps.control",
    "when": "workflow_steps.control",
}

__all__ = [
    "Alerts",
    "Auth",
    "BundlingError",
    "Canary",
    "Cognito",
    "Dashboard",
    "DataApiAction",
    "Defaults",
    "Domain",
    "DynamoTable",
    "EventBus",
    "FunctionProps",
    "Iam",
    "Jwt",
    "KeptVersions",
    "LocalError",
    "ParameterPath",
    "Problem",
    "ProblemError",
    "PropError",
    "Provisioned",
    "Public",
    "QueueWorker",
    "RelationalDatabase",
    "Retry",
    "Schedule",
    "SecretField",
    "SecretRotation",
    "SecretSource",
    "SecureApi",
    "SecureApiFunction",
    "SecureFunction",
    "SecureRestApi",
    "ServerlessGuards",
    "Slack",
    "Step",
    "StreamWorker",
    "TableAction",
    "Task",
    "Teams",
    "Throttle",
    "Topic",
    "UploadBucket",
    "Waf",
    "Waived",
    "Workflow",
    "allow_recursion",
    "assert_guarded",
    "call",
    "choice",
    "defaults_of",
    "delete_item",
    "each",
    "fail",
    "from_bucket",
    "get_item",
    "on",
    "parallel",
    "publish",
    "put_event",
    "put_item",
    "run",
    "send",
    "start",
    "step",
    "succeed",
    "update_item",
    "wait",
    "when",
]


if not TYPE_CHECKING:  # a type checker sees the imports above, and that a mistyped name is none of them

    def __getattr__(name: str) -> object:
        """Load a public name from the one file that defines it."""
        try:
            home = _HOMES[name]
        except KeyError:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message) from None
        return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    """List the public names without loading them."""
    return sorted(__all__)
