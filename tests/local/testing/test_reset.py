"""After a reset everything is as it was deployed, seen from outside."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local import LocalAws
from constructs_lib.problem import LocalError
from tests.local.session.example_app import ExampleApp, table
from tests.local.testing.test_clock import change_schedule
from tests.local.testing.work_stack import SEED, write_work

Eventually = Callable[..., Any]
Reset = Callable[[], None]


def items(aws: LocalAws) -> list[Any]:
    return list(aws.client("dynamodb").scan(TableName=aws.outputs["Work"]["Items"])["Items"])


class TestData:
    def test_items_go_and_seeds_of_the_deployment_come_back(self, local_app: LocalAws, reset: Reset) -> None:
        dynamodb, name = local_app.client("dynamodb"), local_app.outputs["Work"]["Items"]
        dynamodb.put_item(TableName=name, Item={"id": {"S": "mine"}})
        dynamodb.delete_item(TableName=name, Key=SEED)
        reset()
        assert items(local_app) == [SEED]

    def test_objects_and_what_was_uploaded_in_part_go(self, local_app: LocalAws, reset: Reset) -> None:
        s3, bucket = local_app.client("s3"), local_app.outputs["Work"]["Bucket"]
        s3.put_object(Bucket=bucket, Key="a/b", Body=b"x" * 10_000)
        s3.create_multipart_upload(Bucket=bucket, Key="c")
        reset()
        assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
        assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)

    def test_messages_go_also_those_in_flight(self, local_app: LocalAws, reset: Reset) -> None:
        sqs, inbox = local_app.client("sqs"), local_app.outputs["Work"]["Inbox"]
        for body in ("one", "two"):
            sqs.send_message(QueueUrl=inbox, MessageBody=body)
        sqs.receive_message(QueueUrl=inbox)
        reset()
        numbers = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = sqs.get_queue_attributes(QueueUrl=inbox, AttributeNames=numbers)["Attributes"]
        assert found == {"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0"}

    def test_parameters_have_the_value_they_were_deployed_with(self, local_app: LocalAws, reset: Reset) -> None:
        ssm = local_app.client("ssm")
        ssm.put_parameter(Name="/jobs/setting", Value="changed", Overwrite=True)
        ssm.put_parameter(Name="/jobs/other", Value="mine", Type="String")
        reset()
        assert ssm.get_parameter(Name="/jobs/setting")["Parameter"]["Value"] == "deployed"
        with pytest.raises(ssm.exceptions.ParameterNotFound):
            ssm.get_parameter(Name="/jobs/other")

    def test_executions_are_gone(self, local_app: LocalAws, reset: Reset) -> None:
        workflows, machine = local_app.client("stepfunctions"), local_app.outputs["Work"]["WaitADay"]
        started = workflows.start_execution(stateMachineArn=machine)["executionArn"]
        reset()
        assert workflows.list_executions(stateMachineArn=machine)["executions"] == []
        with pytest.raises(workflows.exceptions.ExecutionDoesNotExist):
            workflows.describe_execution(executionArn=started)

    def test_logs_and_the_journal_are_forgotten(
        self, local_app: LocalAws, reset: Reset, eventually: Eventually
    ) -> None:
        send(local_app, {"for": "log"})
        eventually(lambda: any(line.startswith("REPORT") for line in local_app.logs("Work/Worker")))
        logs = local_app.client("logs")
        groups = [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]]
        assert any(logs.filter_log_events(logGroupName=group)["events"] for group in groups if "Worker" in group)
        reset()
        assert local_app.logs("Work/Worker") == []
        assert local_app.journal() == []
        mine = [group for group in groups if "Worker" in group]
        assert [each for group in mine for each in logs.filter_log_events(logGroupName=group)["events"]] == []

    def test_what_is_deployed_still_works(self, local_app: LocalAws, reset: Reset, eventually: Eventually) -> None:
        for purpose in ("first", "second"):
            reset()
            send(local_app, {"for": purpose})
            eventually(lambda: len(items(local_app)) == 2)
            assert sorted(each["id"]["S"].split()[0] for each in items(local_app)) == sorted([purpose, "seed"])

    def test_a_stream_is_read_from_where_it_is(self, local_app: LocalAws, reset: Reset, eventually: Eventually) -> None:
        dynamodb, source = local_app.client("dynamodb"), local_app.outputs["Work"]["Source"]
        for number in range(3):
            reset()
            dynamodb.put_item(TableName=source, Item={"id": {"S": str(number)}})
            eventually(lambda: len(items(local_app)) == 2)
            assert sorted(each["id"]["S"].split()[0] for each in items(local_app)) == ["record", "seed"]

    def test_what_was_made_at_run_time_is_gone(self, local_app: LocalAws, reset: Reset) -> None:
        local_app.client("sqs").create_queue(QueueName="mine")
        reset()
        assert local_app.client("sqs").list_queues(QueueNamePrefix="mine").get("QueueUrls", []) == []

    def test_a_service_that_was_first_used_by_a_test_begins_anew(self, local_app: LocalAws, reset: Reset) -> None:
        ec2, route53 = local_app.client("ec2"), local_app.client("route53")
        before = [each["IsDefault"] for each in ec2.describe_vpcs()["Vpcs"]]
        ec2.create_vpc(CidrBlock="10.7.0.0/16")
        route53.create_hosted_zone(Name="a.test", CallerReference="1")
        reset()
        assert before == [True]
        assert [each["IsDefault"] for each in ec2.describe_vpcs()["Vpcs"]] == [True]
        assert route53.list_hosted_zones()["HostedZones"] == []

    def test_it_takes_less_than_a_tenth_of_a_second(self, local_app: LocalAws, reset: Reset) -> None:
        took = []
        for _ in range(5):
            items(local_app)
            began = time.monotonic()
            reset()
            took.append(time.monotonic() - began)
        assert min(took) < 0.1


class TestWhatRuns:
    def test_a_function_is_ended_and_its_message_is_not_handled_again(
        self, local_app: LocalAws, reset: Reset, eventually: Eventually
    ) -> None:
        reset()
        send(local_app, {"for": "slow", "sleep": 0.7})
        eventually(lambda: "sleeping" in local_app.logs("Work/Worker"))
        reset()
        time.sleep(0.8)
        assert items(local_app) == [SEED]
        assert local_app.logs("Work/Worker") == []

    def test_a_workflow_goes_no_further(self, local_app: LocalAws, reset: Reset, eventually: Eventually) -> None:
        reset()
        machine = local_app.outputs["Work"]["TryAgain"]
        told = json.dumps({"for": "task", "fails": True})
        local_app.client("stepfunctions").start_execution(stateMachineArn=machine, input=told)
        eventually(lambda: len(items(local_app)) == 2)
        time.sleep(0.2)  # it waits for its second try
        reset()
        change_schedule(local_app, State="DISABLED")
        local_app.clock.advance(hours=2)
        time.sleep(0.3)
        assert items(local_app) == [SEED]
        reset()

    def test_an_event_is_not_tried_again(self, local_app: LocalAws, reset: Reset, eventually: Eventually) -> None:
        reset()
        local_app.clock.freeze()
        name = next(each for each, path in local_app.function_paths().items() if path == "Work/Recorder")
        told = json.dumps({"for": "event", "fails": True})
        local_app.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=told)
        eventually(lambda: len(items(local_app)) == 2)
        time.sleep(0.2)
        reset()
        time.sleep(0.8)  # the pause before the second try is half a second
        assert items(local_app) == [SEED]

    def test_faults_end(self, local_app: LocalAws, reset: Reset) -> None:
        local_app.faults.throttle("dynamodb:Scan", by="*")
        reset()
        assert items(local_app) == [SEED]


class TestBaseline:
    def test_what_is_kept_comes_back(self, local_app: LocalAws, reset: Reset) -> None:
        reset()
        dynamodb, name = local_app.client("dynamodb"), local_app.outputs["Work"]["Items"]
        dynamodb.put_item(TableName=name, Item={"id": {"S": "mine"}})
        local_app.keep()
        dynamodb.delete_item(TableName=name, Key={"id": {"S": "mine"}})
        reset()
        assert sorted(each["id"]["S"] for each in items(local_app)) == ["mine", "seed"]
        dynamodb.delete_item(TableName=name, Key={"id": {"S": "mine"}})
        local_app.keep()

    def test_another_deployment_adds_what_it_brings_and_nothing_else(
        self, local_app: LocalAws, reset: Reset, tmp_path: Path
    ) -> None:
        reset()
        dynamodb, name = local_app.client("dynamodb"), local_app.outputs["Work"]["Items"]
        dynamodb.put_item(TableName=name, Item={"id": {"S": "of a test"}})
        stacks = local_app.stacks
        app = ExampleApp(tmp_path / "more")
        app.add_stack("More", {"Resources": table(), "Outputs": {"Table": {"Value": {"Ref": "Users"}}}})
        local_app.redeploy(tmp_path / "more")
        more = local_app.outputs["More"]["Table"]
        local_app.stacks = stacks
        dynamodb.put_item(TableName=more, Item={"id": {"S": "of a test"}})
        reset()
        assert items(local_app) == [SEED]
        assert dynamodb.scan(TableName=more)["Items"] == []

    def test_a_change_set_is_a_deployment_too(self, local_app: LocalAws, reset: Reset) -> None:
        cloudformation, dynamodb = local_app.client("cloudformation"), local_app.client("dynamodb")
        template = json.dumps({"Resources": table(), "Outputs": {"Table": {"Value": {"Ref": "Users"}}}})
        cloudformation.create_change_set(
            StackName="Changed", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=template
        )
        cloudformation.execute_change_set(StackName="Changed", ChangeSetName="first")
        cloudformation.get_waiter("stack_create_complete").wait(StackName="Changed", WaiterConfig={"Delay": 1})
        [described] = cloudformation.describe_stacks(StackName="Changed")["Stacks"]
        name = described["Outputs"][0]["OutputValue"]
        dynamodb.put_item(TableName=name, Item={"id": {"S": "of a test"}})
        reset()
        assert dynamodb.scan(TableName=name)["Items"] == []

    def test_nothing_deployed_is_nothing_to_go_back_to(self, tmp_path: Path) -> None:
        ExampleApp(tmp_path)
        (tmp_path / "manifest.json").write_text('{"version": "53.0.0", "artifacts": {}}')
        with LocalAws.from_assembly(tmp_path) as aws, pytest.raises(LocalError) as refused:
            aws.reset()
        assert str(refused.value) == (
            "there is nothing to go back to: no stack was deployed by this version of constructs-lib\n"
            "  at:  reset\n"
            "  fix: deploy something; a state folder of an older version has to be removed first"
        )

    def test_a_kept_state_is_reset_in_a_later_run(self, tmp_path: Path) -> None:
        assembly, state = write_work(tmp_path / "cdk.out"), tmp_path / "state"
        with LocalAws.from_assembly(assembly, state=state) as aws:
            aws.client("s3").put_object(Bucket=aws.outputs["Work"]["Bucket"], Key="kept", Body=b"by a deployment")
            aws.keep()
        with LocalAws.from_assembly(assembly, state=state) as aws:
            s3, bucket = aws.client("s3"), aws.outputs["Work"]["Bucket"]
            s3.put_object(Bucket=bucket, Key="kept", Body=b"changed")
            s3.put_object(Bucket=bucket, Key="mine", Body=b"mine")
            aws.client("dynamodb").put_item(TableName=aws.outputs["Work"]["Items"], Item={"id": {"S": "mine"}})
            aws.reset()
            assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["kept"]
            assert s3.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"by a deployment"
            assert items(aws) == [SEED]
        with LocalAws.from_assembly(assembly, state=state) as aws:
            keys = [each["Key"] for each in aws.client("s3").list_objects_v2(Bucket=bucket)["Contents"]]
            assert (keys, items(aws)) == (["kept"], [SEED])


def send(aws: LocalAws, told: dict[str, Any]) -> None:
    aws.client("sqs").send_message(QueueUrl=aws.outputs["Work"]["Jobs"], MessageBody=json.dumps(told))
