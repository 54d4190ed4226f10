"""APIs that are called by what they run.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
"""

from typing import Any

from tests.guards.recursion.parts import (
    Json,
    Resources,
    allow,
    att,
    bus,
    function,
    machine,
    ref,
    resource,
    role,
    rule,
    sub,
    task,
    topic,
    writer,
)
from tests.guards.recursion.topology import guarded, loop, risk, silent

INVOKE = "execute-api:Invoke"
URI = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Writer.Arn}/invocations"


def on(calls: str, api: str = "Api") -> Json:
    return sub(f"arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{{api}}}/{calls}")


def http(*keys: str, name: str = "Api", function_name: str = "Writer") -> Resources:
    """An HTTP API with these routes to a function."""
    integration = resource(
        "AWS::ApiGatewayV2::Integration",
        ApiId=ref(name),
        IntegrationType="AWS_PROXY",
        IntegrationUri=att(function_name),
    )
    target = {"Fn::Join": ["/", ["integrations", ref(f"{name}Integration")]]}
    routes = {
        f"{name}Route{at}": resource("AWS::ApiGatewayV2::Route", ApiId=ref(name), RouteKey=key, Target=target)
        for at, key in enumerate(keys)
    }
    return {name: resource("AWS::ApiGatewayV2::Api", ProtocolType="HTTP"), f"{name}Integration": integration} | routes


def calls(allowed: Any, *keys: str) -> Resources:
    return writer(allow(INVOKE, allowed)) | http(*keys)


def rest(allowed: Any, verb: str = "POST") -> Resources:
    """A REST API with the method `verb /orders/{id}`."""
    integration = {"Type": "AWS_PROXY", "Uri": sub(URI)}
    orders = resource(
        "AWS::ApiGateway::Resource", RestApiId=ref("Api"), ParentId=att("Api", "RootResourceId"), PathPart="orders"
    )
    order = resource("AWS::ApiGateway::Resource", RestApiId=ref("Api"), ParentId=ref("Orders"), PathPart="{id}")
    told = {"RestApiId": ref("Api"), "ResourceId": ref("Order"), "HttpMethod": verb, "Integration": integration}
    return (
        writer(allow(INVOKE, allowed))
        | {"Api": resource("AWS::ApiGateway::RestApi", Name="shop"), "Orders": orders, "Order": order}
        | {"Method": resource("AWS::ApiGateway::Method", **told)}
    )


def described(allowed: Any, kind: str = "AWS::ApiGatewayV2::Api") -> Resources:
    """An API that is written as an OpenAPI document."""
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": sub(URI)}
    paths = {"/orders/{id}": {"post": {"x-amazon-apigateway-integration": integration}}}
    return writer(allow(INVOKE, allowed)) | {"Api": resource(kind, Body={"openapi": "3.0.1", "paths": paths})}


def addressed(variable: Json, *statements: Json) -> Resources:
    """A function that is told an address."""
    told = {"Variables": {"ORDERS": variable}}
    return (
        writer(*statements, Environment=told)
        | http("POST /orders")
        | http("POST /orders", name="Other", function_name="Another")
        | function("Another")
    )


def by_rule(endpoint: Json) -> Resources:
    """A rule calls an address."""
    destination = resource(
        "AWS::Events::ApiDestination", InvocationEndpoint=endpoint, HttpMethod="POST", ConnectionArn="c"
    )
    return (
        writer(allow("events:PutEvents", att("Bus")))
        | bus()
        | http("POST /orders")
        | {"Destination": destination}
        | rule(att("Destination"), {"source": [{"prefix": ""}]}, on=ref("Bus"))
    )


def by_workflow(path: str, endpoint: str = "${Api}.execute-api.${AWS::Region}.amazonaws.com") -> Resources:
    parameters = {"ApiEndpoint": endpoint, "Method": "POST", "Path": path, "Stage": "$default"}
    return (
        machine(task("arn:aws:states:::apigateway:invoke", Parameters=parameters))
        | function("Writer", allow("states:StartExecution", ref("Machine")))
        | http("POST /orders")
    )


def starts_workflow(allowed: Any) -> Resources:
    """A route starts a workflow by itself, which invokes a function that calls the route."""
    told = {"StateMachineArn": ref("Machine"), "Input": "$request.body"}
    integration = resource(
        "AWS::ApiGatewayV2::Integration",
        ApiId=ref("Api"),
        IntegrationType="AWS_PROXY",
        IntegrationSubtype="StepFunctions-StartExecution",
        RequestParameters=told,
    )
    return (
        writer(allow(INVOKE, allowed))
        | http("POST /orders")
        | {"ApiIntegration": integration}
        | machine(task("${Writer.Arn}"))
        | {"ApiRole": role(service="apigateway")}
    )


BOTH = ("Machine", "Writer")


def by_topic(endpoint: Any) -> Resources:
    """A topic calls an address."""
    told = {"TopicArn": ref("Topic"), "Protocol": "https", "Endpoint": endpoint}
    subscription = {"Subscription": resource("AWS::SNS::Subscription", **told)}
    return writer(allow("sns:Publish", ref("Topic"))) | http("POST /orders") | topic() | subscription


def any_method(allowed: Any) -> Resources:
    system = described(allowed)
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": sub(URI)}
    methods = {"x-amazon-apigateway-any-method": {"x-amazon-apigateway-integration": integration}}
    body = {"openapi": "3.0.1", "paths": {"/orders/{id}": methods}}
    return system | {"Api": resource("AWS::ApiGatewayV2::Api", Body=body)}


TOPOLOGIES = (
    loop("the route that runs it", calls(on("*/POST/orders"), "POST /orders")),
    loop("the route of a stage", calls(on("prod/POST/orders"), "POST /orders")),
    guarded("another method of its route", calls(on("*/GET/orders"), "POST /orders")),
    guarded("another route", calls(on("*/POST/carts"), "POST /orders")),
    risk("every route, of which one runs it", calls(on("*"), "POST /orders")),
    risk("every method of its route", calls(on("*/*/orders"), "POST /orders")),
    loop("every method of its route, which takes any", calls(on("*/*/orders"), "ANY /orders")),
    loop("every route, and all run it", calls(on("*/*/*"), "$default")),
    loop("a route with a variable", calls(on("*/GET/orders/*"), "GET /orders/{id}")),
    loop("a route below a variable that takes the rest", calls(on("*/GET/orders/*"), "GET /orders/{rest+}")),
    guarded("a route below another one", calls(on("*/GET/carts/*"), "GET /orders/{rest+}")),
    risk("every API", calls("*", "POST /orders")),
    silent(
        "another API",
        calls(on("*/POST/orders", "Other"), "POST /orders")
        | http("POST /orders", name="Other", function_name="Another")
        | function("Another"),
    ),
    loop("the method of a REST API", rest(on("*/POST/orders/*"))),
    guarded("another method of a REST API", rest(on("*/GET/orders/*"))),
    guarded("another path of a REST API", rest(on("*/POST/carts/*"))),
    loop("a path of an OpenAPI document", described(on("*/POST/orders/*"))),
    guarded("another method of an OpenAPI document", described(on("*/GET/orders/*"))),
    loop("a path of an OpenAPI document of a REST API", described(on("*/POST/orders/*"), "AWS::ApiGateway::RestApi")),
    risk("it has the address", addressed(sub("${Api.ApiEndpoint}/orders"))),
    risk(
        "it has the address, put together",
        addressed(sub("https://${Api}.execute-api.${AWS::Region}.amazonaws.com/orders")),
    ),
    silent("it has the address of another", addressed(sub("${Other.ApiEndpoint}/orders"))),
    silent("it has only the id of the API", addressed(ref("Api"))),
    risk("a rule calls the address", by_rule(sub("${Api.ApiEndpoint}/orders"))),
    silent("a rule calls another address", by_rule(sub("https://example.com/orders"))),
    loop("a workflow calls the route of who starts it", by_workflow("/orders"), BOTH),
    guarded("a workflow calls another route", by_workflow("/carts"), BOTH),
    silent("a workflow calls another API", by_workflow("/orders", "elsewhere.execute-api.eu-west-1.amazonaws.com")),
    loop("a route starts the workflow that invokes it", starts_workflow(on("*/POST/orders")), BOTH),
    guarded("another route starts the workflow that invokes it", starts_workflow(on("*/POST/carts")), BOTH),
    risk("its route of every API", calls("arn:aws:execute-api:*:*:*/*/POST/orders", "POST /orders")),
    guarded("another route of every API", calls("arn:aws:execute-api:*:*:*/*/POST/carts", "POST /orders")),
    silent("another service", calls("arn:aws:sqs:*:*:*/*/POST/orders", "POST /orders")),
    risk("a topic calls the address", by_topic(sub("${Api.ApiEndpoint}/orders"))),
    silent("a topic calls another address", by_topic("https://example.com/orders")),
    loop("any method of an OpenAPI document", any_method(on("*/PUT/orders/*"))),
    guarded("any method of another path of an OpenAPI document", any_method(on("*/PUT/carts/*"))),
)
