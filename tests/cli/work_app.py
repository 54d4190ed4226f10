"""The example stacks, and one with what commands work on: queues, a bucket, and a function that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.local.session.example_app import GREET, ExampleApp, function, greeting, users

if TYPE_CHECKING:
    from pathlib import Path

FAIL = "def handler(event, context):\n    print('about to fail')\n    raise ValueError('no such luck')\n"
ECHO = "def handler(event, context):\n    print('echo', event)\n    return event\n"


def write_work(folder: Path) -> Path:
    app = ExampleApp(folder)
    app.add_stack("Greeting", greeting(app, GREET))
    app.add_stack("Users", users(app))
    app.add_stack(
        "Work",
        {
            "Resources": {
                **function(app.code(ECHO), "index.handler", statement=None, path="Work/Echo"),
                **function(app.code(FAIL), "index.handler", statement=None, path="Work/Fail"),
                "Jobs": named("AWS::SQS::Queue", "Work/Jobs/Queue"),
                "Dead": named("AWS::SQS::Queue", "Work/Jobs/DeadLetters"),
                "Steps": named("AWS::SQS::Queue", "Work/Steps/Queue", FifoQueue=True),
                "Files": named("AWS::S3::Bucket", "Work/Files/Bucket"),
            }
        },
    )
    return folder


def named(kind: str, path: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties, "Metadata": {"aws:cdk:path": f"{path}/Resource"}}
