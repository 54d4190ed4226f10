"""Methods of a REST API with mapping templates: a mock, a function, and services with nothing in between."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn

PLAIN = """
exports.handler = async (event) => {
  if (event.fail) throw new Error(event.fail);
  return {seen: event};
};
"""


class MappedMethods:
    """Adds the methods to an API."""

    def __init__(self, stack: cdk.Stack, api: apigateway.RestApi) -> None:
        self.stack = stack
        self.api = api

    def add(self) -> None:
        """Add them all."""
        api = self.api
        mock = apigateway.MockIntegration(
            request_templates={"application/json": '{"statusCode": 200}'},
            integration_responses=[
                apigateway.IntegrationResponse(
                    status_code="200",
                    response_templates={
                        "application/json": '{"stage": "$context.stage", "color": "$stageVariables.color"}'
                    },
                    response_parameters={"method.response.header.x-mock": "'yes'"},
                )
            ],
        )
        api.root.add_resource("mock").add_method(
            "GET",
            mock,
            method_responses=[
                apigateway.MethodResponse(
                    status_code="200", response_parameters={"method.response.header.x-mock": True}
                )
            ],
        )
        self._plain()
        self._services()

    def _plain(self) -> None:
        """A function that gets what a template makes of the request."""
        request = """{"id": "$input.params('id')", "fail": "$input.params('fail')", "name": $input.json('$.name'),
            "first": "$input.path('$.items')[0].sku", "ip": "$context.identity.sourceIp",
            "all": "#foreach($item in $input.path('$.items'))$item.sku#if($foreach.hasNext),#end#end"}"""
        found = """#set($seen = $input.path('$.seen'))
{"name": "$util.escapeJavaScript($seen.name)", "id": "$seen.id", "first": "$seen.first", "all": "$seen.all"
#if($seen.name == "teapot"), "tea": true#set($context.responseOverride.status = 418)#end}"""
        missing = "{\"error\": $input.json('$.errorMessage')}"
        plain = apigateway.LambdaIntegration(
            lambda_.Function(
                self.stack,
                "Plain",
                runtime=lambda_.Runtime.NODEJS_22_X,
                handler="index.handler",
                code=lambda_.Code.from_inline(PLAIN.strip()),
            ),
            proxy=False,
            passthrough_behavior=apigateway.PassthroughBehavior.NEVER,
            request_templates={"application/json": request},
            integration_responses=[
                apigateway.IntegrationResponse(
                    status_code="200",
                    response_templates={"application/json": found},
                    response_parameters={"method.response.header.x-name": "integration.response.body.seen.name"},
                ),
                apigateway.IntegrationResponse(
                    status_code="404", selection_pattern="missing.*", response_templates={"application/json": missing}
                ),
            ],
        )
        headers = {"method.response.header.x-name": True}
        answers = [
            apigateway.MethodResponse(status_code="200", response_parameters=headers),
            apigateway.MethodResponse(status_code="404"),
        ]
        self.api.root.add_resource("plain").add_method("POST", plain, method_responses=answers)

    def _services(self) -> None:
        """A table, a workflow and a queue with nothing in between."""
        table = dynamodb.Table(
            self.stack, "Items", partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
        )
        item = """{"id": {"S": "$input.params('id')"}, "name": {"S": $input.json('$.name')}}"""
        put = f'{{"TableName": "{table.table_name}", "Item": {item}}}'
        queue = sqs.Queue(self.stack, "Sent")
        roles = {name: iam.Role(self.stack, name, assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"))
                 for name in ("Writer", "Reader", "Sender")}  # fmt: skip
        table.grant(roles["Writer"], "dynamodb:PutItem")
        table.grant(roles["Reader"], "dynamodb:GetItem")
        queue.grant_send_messages(roles["Sender"])
        answers = [
            apigateway.IntegrationResponse(status_code="200", response_templates={"application/json": '{"ok": true}'}),
            apigateway.IntegrationResponse(status_code="403", selection_pattern="4\\d{2}"),
        ]
        statuses = [apigateway.MethodResponse(status_code=each) for each in ("200", "403")]

        def method(name: str, service: str, role: str, template: str, **call: Any) -> None:
            kind = "application/x-www-form-urlencoded" if service == "sqs" else "application/json"
            form = {"integration.request.header.Content-Type": f"'{kind}'"}
            integration = apigateway.AwsIntegration(
                service=service,
                integration_http_method="POST",
                options=apigateway.IntegrationOptions(
                    credentials_role=roles[role],
                    request_parameters=form,
                    request_templates={"application/json": template},
                    integration_responses=answers,
                ),
                **call,
            )
            self.api.root.add_resource(name).add_method("POST", integration, method_responses=statuses)

        method("put", "dynamodb", "Writer", put, action="PutItem")
        method("put-denied", "dynamodb", "Reader", put, action="PutItem")
        send = "Action=SendMessage&MessageBody=$util.urlEncode($input.json('$.text'))"
        path = f"{self.stack.account}/{queue.queue_name}"
        method("send", "sqs", "Sender", send, path=path)
        method("send-denied", "sqs", "Reader", send, path=path)
        workflow = sfn.StateMachine(
            self.stack,
            "Quick",
            state_machine_type=sfn.StateMachineType.EXPRESS,
            definition_body=sfn.DefinitionBody.from_chainable(
                sfn.Pass(self.stack, "Say", parameters={"said.$": "$.body"})
            ),
        )
        self.api.root.add_resource("run").add_method(
            "POST", apigateway.StepFunctionsIntegration.start_execution(workflow)
        )
        for name, value in {"ItemsName": table.table_name, "SentUrl": queue.queue_url}.items():
            cdk.CfnOutput(self.stack, name, value=value)
