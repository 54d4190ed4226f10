"""Schedules that a function makes, with a role that it passes on.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/security_iam_id-based-policies.html
"""

from typing import Any

from tests.guards.recursion.parts import (
    Resources,
    allow,
    att,
    bucket,
    function,
    mapping,
    notifying,
    objects,
    queue,
    resource,
    role,
    writer,
)
from tests.guards.recursion.topology import guarded, loop, risk, silent

CREATE, PASS = "scheduler:CreateSchedule", "iam:PassRole"


def schedules(
    *,
    passed: str = "ScheduleRole",
    may: str = "lambda:InvokeFunction",
    on: Any = None,
    service: str = "scheduler",
    makes: str = CREATE,
    passes: str = PASS,
) -> Resources:
    """A function that makes schedules with a role, which may invoke it."""
    target = att("Writer") if on is None else on
    return (
        writer(allow(makes, "*"), allow(passes, att(passed)))
        | {"ScheduleRole": role(allow(may, target), service=service)}
        | {"OtherRole": role(service="scheduler")}
    )


def of_queue(read: str) -> Resources:
    return schedules(may="sqs:SendMessage", on=att("Queue")) | queue() | queue("Other") | mapping(att(read))


def of_bucket(keys: str) -> Resources:
    """A schedule may call every action: here it writes an object."""
    return schedules(may="s3:PutObject", on=objects(keys)) | bucket(
        NotificationConfiguration=notifying("Lambda", att("Writer"), prefix="in/")
    )


def fixed(target: str) -> Resources:
    """A schedule of the template, which nobody makes again."""
    told = {"Arn": att(target), "RoleArn": att("ScheduleRole")}
    schedule = resource("AWS::Scheduler::Schedule", ScheduleExpression="rate(1 hour)", Target=told)
    return function("Writer") | {
        "ScheduleRole": role(allow("lambda:InvokeFunction", att(target)), service="scheduler"),
        "Schedule": schedule,
    }


TOPOLOGIES = (
    risk("it makes schedules that may invoke it", schedules()),
    risk("it changes schedules that may invoke it", schedules(makes="scheduler:UpdateSchedule")),
    silent("it makes schedules that may do nothing", schedules(passed="OtherRole")),
    silent("it makes schedules that may invoke another", schedules(on=att("Other")) | function("Other")),
    silent("it may not pass on the role", schedules(passes="iam:GetRole")),
    silent("it may not make schedules", schedules(makes="scheduler:GetSchedule")),
    silent("the role is not for schedules", schedules(service="events")),
    risk("it makes schedules that may send to a queue it reads", of_queue("Queue")),
    silent("it makes schedules that may send to a queue that another reads", of_queue("Other")),
    risk("it makes schedules that may write where it is told of", of_bucket("in/*")),
    guarded("it makes schedules that may write elsewhere", of_bucket("out/*")),
    silent("a schedule of the template", fixed("Writer")),
    loop(
        "it makes schedules, and may invoke itself at once",
        schedules()
        | {
            "Apart": resource(
                "AWS::IAM::RolePolicy",
                RoleName={"Ref": "WriterRole"},
                PolicyName="Apart",
                PolicyDocument={"Statement": allow("lambda:InvokeFunction", att("Writer"))},
            )
        },
    ),
)
