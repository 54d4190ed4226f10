"""A stack of REST and HTTP APIs as the CDK writes them, for every rule of API Gateway that the tests ask about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_apigatewayv2_authorizers as http_authorizers
from aws_cdk import aws_apigatewayv2_integrations as http_integrations
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from tests.local.runtime.api_stack_mapped import MappedMethods

ECHO = """
exports.handler = async (event) => {
  const query = event.queryStringParameters ?? {};
  switch (query.do) {
    case "throw": throw new RangeError("secret text");
    case "wait": await new Promise((done) => setTimeout(done, 2500)); break;
    case "answer": return JSON.parse(event.body);
    case "text": return "just text";
    case "nothing": return;
  }
  return {statusCode: 200, headers: {"x-one": "1"}, body: JSON.stringify(event)};
};
"""
AUTHORIZER = """
let count = 0;
const policy = (effect, arn, action) => ({Version: "2012-10-17",
  Statement: [{Effect: effect, Action: action ?? "execute-api:Invoke", Resource: arn}]});
const EVERYTHING = {principalId: "p", policyDocument: policy("Allow", "*")};
exports.handler = async (event) => {
  count += 1;
  const sent = Object.entries(event.headers ?? {}).find(([name]) => name.toLowerCase() === "x-word");
  const word = (event.authorizationToken ?? sent?.[1] ?? "").split(" ")[0];
  const [all] = (event.methodArn ?? event.routeArn).split("/");
  const context = {count, name: "ada", open: true};
  switch (word) {
    case "throw": throw new Error("broken");
    case "unauthorized": throw new Error("Unauthorized");
    case "deny": return {principalId: "p", policyDocument: policy("Deny", "*")};
    case "other": return {principalId: "p", policyDocument: policy("Allow", `${all}/*/GET/elsewhere`)};
    case "action": return {principalId: "p", policyDocument: policy("Allow", "*", "s3:GetObject")};
    case "nothing": return {principalId: "p"};
    case "key": return {...EVERYTHING, usageIdentifierKey: event.queryStringParameters.key};
    case "nested": return {...EVERYTHING, context: {nested: {a: 1}}};
    case "event": return {...EVERYTHING, context: {event: JSON.stringify(event)}};
  }
  return {principalId: "p", policyDocument: policy("Allow", `${all}/*/GET/*`), context};
};
"""
SIMPLE = """
let count = 0;
exports.handler = async (event) => {
  count += 1;
  const [word] = event.identitySource ?? [""];
  if (word === "throw") throw new Error("broken");
  if (word === "event") return {isAuthorized: true, context: {event}};
  return {isAuthorized: word.startsWith("allow"), context: {count, name: "ada", open: true}};
};
"""


def template(folder: Path) -> dict[str, Any]:
    """Synthesize it."""
    app = cdk.App(outdir=str(folder), analytics_reporting=False)
    stack = cdk.Stack(app, "Rest", synthesizer=cdk.LegacyStackSynthesizer())
    _Apis(stack)
    app.synth()
    found: dict[str, Any] = json.loads((folder / "Rest.template.json").read_text())
    return found


def _function(stack: cdk.Stack, name: str, code: str, **properties: Any) -> lambda_.Function:
    return lambda_.Function(
        stack,
        name,
        runtime=lambda_.Runtime.NODEJS_22_X,
        handler="index.handler",
        code=lambda_.Code.from_inline(code.strip()),
        timeout=cdk.Duration.seconds(10),
        **properties,
    )


def _everybody() -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=["execute-api:Invoke"], principals=[iam.AnyPrincipal()], resources=["execute-api:/*"]
    )


def _nobody_to(path: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        effect=iam.Effect.DENY,
        actions=["execute-api:Invoke"],
        principals=[iam.AnyPrincipal()],
        resources=[f"execute-api:/{path}"],
    )


class _Apis:
    def __init__(self, stack: cdk.Stack) -> None:
        self.stack = stack
        self.echo = _function(stack, "Echo", ECHO)
        self.authorizer = _function(stack, "Authorizer", AUTHORIZER)
        self._whole()
        self._simple()
        self._http()

    def _say(self, **outputs: str) -> None:
        for name, value in outputs.items():
            cdk.CfnOutput(self.stack, name, value=value)

    def _simple(self) -> None:
        """The API of the CDK's first page: one function for everything."""
        lambda_api = apigateway.LambdaRestApi(self.stack, "Simple", handler=self.echo, cloud_watch_role=False)
        self._say(SimpleId=lambda_api.rest_api_id)

    def _whole(self) -> None:
        """An API with everything API Gateway does before and after a function."""
        stack, lambda_integration = self.stack, apigateway.LambdaIntegration(self.echo)
        group = logs.LogGroup(stack, "AccessLog")
        api = apigateway.RestApi(
            stack,
            "Whole",
            rest_api_name="whole",
            cloud_watch_role=True,
            binary_media_types=["image/png"],
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            default_cors_preflight_options=apigateway.CorsOptions(
                allow_origins=["https://shop.example"], allow_credentials=True, max_age=cdk.Duration.hours(1)
            ),
            deploy_options=apigateway.StageOptions(
                stage_name="live",
                variables={"color": "blue"},
                access_log_destination=apigateway.LogGroupLogDestination(group),
                access_log_format=apigateway.AccessLogFormat.custom(
                    json.dumps(
                        {
                            "requestId": apigateway.AccessLogField.context_request_id(),
                            "status": apigateway.AccessLogField.context_status(),
                            "method": apigateway.AccessLogField.context_http_method(),
                            "path": apigateway.AccessLogField.context_path(),
                            "resource": apigateway.AccessLogField.context_resource_path(),
                            "ip": apigateway.AccessLogField.context_identity_source_ip(),
                            "principal": apigateway.AccessLogField.context_authorizer_principal_id(),
                            "name": apigateway.AccessLogField.context_authorizer("name"),
                            "error": apigateway.AccessLogField.context_error_message(),
                            "type": apigateway.AccessLogField.context_error_response_type(),
                            "length": apigateway.AccessLogField.context_response_length(),
                            "backend": "$context.integration.status",
                            "latency": apigateway.AccessLogField.context_response_latency(),
                        }
                    )
                ),
                method_options={
                    "/slow/GET": apigateway.MethodDeploymentOptions(throttling_rate_limit=1, throttling_burst_limit=2)
                },
            ),
        )
        resource = api.root.add_resource
        resource("echo").add_method("ANY", lambda_integration)
        resource("items").add_resource("{id}").add_method("GET", lambda_integration)
        resource("slow").add_method("GET", lambda_integration)
        late = apigateway.LambdaIntegration(self.echo, timeout=cdk.Duration.millis(300))
        resource("late").add_method("GET", late)
        forbidden = apigateway.LambdaIntegration(
            lambda_.Function.from_function_attributes(
                stack, "Unpermitted", function_arn=self.echo.function_arn, skip_permissions=True
            )
        )
        resource("unpermitted").add_method("GET", forbidden)
        self._validated(api, lambda_integration)
        self._authorized(api, lambda_integration)
        self._keys(api, lambda_integration)
        MappedMethods(stack, api).add()
        api.add_gateway_response(
            "NoKey",
            type=apigateway.ResponseType.INVALID_API_KEY,
            status_code="401",
            response_headers={"x-why": "'no key'", "x-id": "context.requestId"},
            templates={
                "application/json": '{"message":$context.error.messageString,"type":"$context.error.responseType"}'
            },
        )
        self._say(WholeId=api.rest_api_id, AccessLogName=group.log_group_name)

    def _validated(self, api: apigateway.RestApi, integration: apigateway.LambdaIntegration) -> None:
        schema = apigateway.JsonSchema(
            type=apigateway.JsonSchemaType.OBJECT,
            required=["name"],
            additional_properties=False,
            properties={
                "name": apigateway.JsonSchema(type=apigateway.JsonSchemaType.STRING, min_length=2),
                "age": apigateway.JsonSchema(type=apigateway.JsonSchemaType.INTEGER, minimum=0),
            },
        )
        model = api.add_model("Person", schema=schema, content_type="application/json", model_name="Person")
        both = apigateway.RequestValidatorOptions(validate_request_body=True, validate_request_parameters=True)
        api.root.add_resource("people").add_method(
            "POST",
            integration,
            request_models={"application/json": model},
            request_parameters={
                "method.request.querystring.team": True,
                "method.request.header.x-source": True,
                "method.request.querystring.page": False,
            },
            request_validator_options=both,
        )
        api.root.add_resource("anybody").add_method(
            "POST",
            integration,
            request_models={"$default": model},
            request_validator=api.add_request_validator("Bodies", validate_request_body=True),
        )

    def _authorized(self, api: apigateway.RestApi, integration: apigateway.LambdaIntegration) -> None:
        resource = api.root.add_resource
        resource("signed").add_method("GET", integration, authorization_type=apigateway.AuthorizationType.IAM)
        pool = cognito.UserPool(self.stack, "Pool")
        client = pool.add_client("Client", auth_flows=cognito.AuthFlow(admin_user_password=True, user_password=True))
        people = apigateway.CognitoUserPoolsAuthorizer(self.stack, "People", cognito_user_pools=[pool])
        resource("me").add_method(
            "GET", integration, authorizer=people, authorization_type=apigateway.AuthorizationType.COGNITO
        )
        token = apigateway.TokenAuthorizer(
            self.stack, "Token", handler=self.authorizer, validation_regex="[a-z]+( .*)?"
        )
        tokens = resource("token")
        tokens.add_method("ANY", integration, authorizer=token)
        tokens.add_resource("{id}").add_method("ANY", integration, authorizer=token)
        fresh = apigateway.RequestAuthorizer(
            self.stack,
            "Fresh",
            handler=self.authorizer,
            identity_sources=[apigateway.IdentitySource.header("x-word")],
            results_cache_ttl=cdk.Duration.seconds(0),
        )
        resource("fresh").add_method("GET", integration, authorizer=fresh)
        request = apigateway.RequestAuthorizer(
            self.stack,
            "Request",
            handler=self.authorizer,
            identity_sources=[
                apigateway.IdentitySource.header("x-word"),
                apigateway.IdentitySource.query_string("q"),
                apigateway.IdentitySource.context("httpMethod"),
            ],
        )
        resource("request").add_method("GET", integration, authorizer=request)
        self._say(AuthorizerName=self.authorizer.function_name)
        self._say(PoolId=pool.user_pool_id, ClientId=client.user_pool_client_id)

    def _keys(self, api: apigateway.RestApi, integration: apigateway.LambdaIntegration) -> None:
        api.root.add_resource("keyed").add_method("GET", integration, api_key_required=True)
        key = api.add_api_key("Key", value="a-key-of-at-least-twenty-characters")
        other = api.add_api_key("Other", value="another-key-of-twenty-characters")
        plan = api.add_usage_plan(
            "Plan",
            throttle=apigateway.ThrottleSettings(rate_limit=1000, burst_limit=1000),
            quota=apigateway.QuotaSettings(limit=3, period=apigateway.Period.DAY),
            api_stages=[apigateway.UsagePlanPerApiStage(api=api, stage=api.deployment_stage)],
        )
        plan.add_api_key(key)
        by_authorizer = apigateway.RestApi(
            self.stack,
            "Named",
            api_key_source_type=apigateway.ApiKeySourceType.AUTHORIZER,
            cloud_watch_role=False,
            policy=iam.PolicyDocument(statements=[_everybody(), _nobody_to("*/GET/closed")]),
        )
        names = apigateway.RequestAuthorizer(
            self.stack,
            "Names",
            handler=self.authorizer,
            identity_sources=[
                apigateway.IdentitySource.header("x-word"),
                apigateway.IdentitySource.query_string("key"),
            ],
        )
        for path in ("named", "closed"):
            named = by_authorizer.root.add_resource(path)
            if path == "closed":
                named.add_method("GET", integration)
            else:
                named.add_method("GET", integration, authorizer=names, api_key_required=True)
        named_plan = by_authorizer.add_usage_plan(
            "NamedPlan",
            api_stages=[apigateway.UsagePlanPerApiStage(api=by_authorizer, stage=by_authorizer.deployment_stage)],
        )
        named_plan.add_api_key(other)
        self._say(NamedId=by_authorizer.rest_api_id)
        self._say(KeyId=key.key_id, OtherKeyId=other.key_id)

    def _http(self) -> None:
        """An HTTP API with what this project's own constructs do not use."""
        group = logs.LogGroup(self.stack, "HttpAccessLog")
        api = http.HttpApi(self.stack, "Http", create_default_stage=False)
        http.CfnStage(
            self.stack,
            "HttpStage",
            api_id=api.api_id,
            stage_name="$default",
            auto_deploy=True,
            access_log_settings=http.CfnStage.AccessLogSettingsProperty(
                destination_arn=group.log_group_arn,
                format="$context.requestId $context.routeKey $context.status $context.identity.sourceIp"
                " $context.authorizer.name $context.error.message $context.integrationStatus",
            ),
            default_route_settings=http.CfnStage.RouteSettingsProperty(
                throttling_burst_limit=500, throttling_rate_limit=500
            ),
            route_settings={"GET /narrow": {"ThrottlingBurstLimit": 2, "ThrottlingRateLimit": 1}},
        )
        integration = http_integrations.HttpLambdaIntegration("Echo", self.echo)
        simple = http_authorizers.HttpLambdaAuthorizer(
            "SimpleAnswer",
            _function(self.stack, "SimpleAuthorizer", SIMPLE),
            response_types=[http_authorizers.HttpLambdaResponseType.SIMPLE],
            identity_source=["$request.header.x-word"],
        )
        policies = http_authorizers.HttpLambdaAuthorizer(
            "PolicyAnswer",
            self.authorizer,
            response_types=[http_authorizers.HttpLambdaResponseType.IAM],
            identity_source=["$request.header.x-word"],
            results_cache_ttl=cdk.Duration.seconds(0),
        )
        routes: list[tuple[str, Any]] = [("open", None), ("narrow", None), ("simple", simple), ("policy", policies)]
        for path, authorizer in routes:
            api.add_routes(
                path=f"/{path}", methods=[http.HttpMethod.GET], integration=integration, authorizer=authorizer
            )
        self._say(HttpId=api.api_id, HttpAccessLogName=group.log_group_name)
