"""cdk-monitoring-constructs beside ours: it takes the L2s inside our constructs, and our alerts tell of its alarms."""

from __future__ import annotations

import json

import aws_cdk as cdk
import cdk_monitoring_constructs as monitoring

from constructs_lib import Alerts, DynamoTable, QueueWorker, SecureFunction, Waived
from tests.templates import resources_of, template_of

ENTRY = "lambda_src/greeting/greet.ts"


def test_it_takes_ours_and_our_alerts_take_its_alarms(stack: cdk.Stack) -> None:
    function = SecureFunction(stack, "Read", entry=ENTRY, alarms=Waived("the facade has them"))
    worker = QueueWorker(stack, "Emails", entry=ENTRY)
    table = DynamoTable(stack, "Users", partition_key="id")
    Alerts(stack, "Alerts", email="ada@example.com", others=True)
    facade = monitoring.MonitoringFacade(stack, "Monitoring")
    facade.monitor_lambda_function(
        lambda_function=function.function,
        add_fault_count_alarm={"Warning": monitoring.ErrorCountThreshold(max_error_count=2)},
    )
    facade.monitor_sqs_queue_with_dlq(queue=worker.queue, dead_letter_queue=worker.dead_letters.queue)
    facade.monitor_dynamo_table(table=table.table)

    template = template_of(stack)
    alarms = resources_of(template, "AWS::CloudWatch::Alarm")
    assert [name[:-8] for name in alarms if name.startswith("Monitoring")] == [
        "MonitoringMonitoringFunctionFaultCountWarning"
    ]
    assert {len(alarm["Properties"]["AlarmActions"]) for alarm in alarms.values()} == {1}
    [page] = resources_of(template, "AWS::CloudWatch::Dashboard").values()
    shown = json.dumps(page["Properties"]["DashboardBody"])
    for name in (function.function.function_name, worker.dead_letters.queue.queue_name, table.table.table_name):
        assert json.dumps(stack.resolve(name)) in shown
