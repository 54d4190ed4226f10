"""A REST API behind a firewall, that checks requests before any function runs, and knows who is calling.

The numbers, and why:

- 100 requests a second, bursts of 200, one month of access logs: as for `SecureApi`.
- A firewall of $9 a month and $0.60 for a million requests; one may serve several APIs.
  https://aws.amazon.com/waf/pricing/
- A REST API costs $3.50 for a million requests, and an HTTP API $1. https://aws.amazon.com/api-gateway/pricing/
- Execution logs hold errors only: they say why API Gateway refused or failed, and at `INFO` they are the larger bill.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, cast

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from constructs_lib.defaults import defaults_of
from constructs_lib.wiring.api_alarms import AlarmsOfApi, ApiAlarms, MeasuredStage
from constructs_lib.wiring.auth import Auth
from constructs_lib.wiring.cors import HEADERS, PREFLIGHT_MAX_AGE, check_cors, let_pages_read_refusals
from constructs_lib.wiring.domains import Domain, check_domain, name_rest_api
from constructs_lib.wiring.environments import check_same_environment
from constructs_lib.wiring.firewall import Firewall, Waf, check_waf
from constructs_lib.wiring.guarded import guard
from constructs_lib.wiring.kinds import checks_kinds
from constructs_lib.wiring.log_groups import log_group
from constructs_lib.wiring.nested_functions import NestedFunctions
from constructs_lib.wiring.refusals import Refusals
from constructs_lib.wiring.request_model import schema_of
from constructs_lib.wiring.resource import resource_of
from constructs_lib.wiring.rest_logs import logs_of_account
from constructs_lib.wiring.rest_route import RestRoutes, check_rest_auth
from constructs_lib.wiring.room import FUNCTIONS
from constructs_lib.wiring.routed_api import Asked, Granted, RoutedApi, check_auth, with_scopes
from constructs_lib.wiring.stated import stated
from constructs_lib.wiring.throttle import limits_of_stage
from constructs_lib.wiring.waiver import Waived, acknowledge, check_safeguards, record_waiver

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_

    from constructs_lib.wiring.route import Route

# What an access log line says: the words of `SecureApi`'s, and why the firewall or a check refused.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
ACCESS_LOG = {
    "requestId": "$context.requestId",
    "requestTime": "$context.requestTime",
    "ip": "$context.identity.sourceIp",
    "routeKey": "$context.httpMethod $context.resourcePath",
    "path": "$context.path",
    "status": "$context.status",
    "protocol": "$context.protocol",
    "responseLength": "$context.responseLength",
    "responseLatency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
    "integrationError": "$context.integrationErrorMessage",
    "authorizerError": "$context.authorizer.error",
    "error": "$context.error.message",
    "validationError": "$context.error.validationErrorString",
    "firewall": "$context.waf.status",
    "trace": "$context.xrayTraceId",
}
STAGE = "live"
BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
LONGEST_NAME = 128  # characters of an API's name
NO_CACHE = (
    "nothing is cached, so nothing is cached in the clear: what one caller was answered would be given to the next, "
    "unless each route said what it depends on, "
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-caching.html"
)
NO_CACHE_FINDINGS = tuple(
    f"{pack}-APIGWCacheEnabledAndEncrypted" for pack in ("NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321")
)


class SecureRestApi(RoutedApi):
    """Define a REST API with its stage, access logs, throttle, metrics, traces, and a firewall in front.

    Routes are added by the functions that serve them, see `SecureApiFunction`; `request=` there says what a body must
    be. Where neither a firewall nor such checks are wanted, `SecureApi` does the same for a third of the price.

    Args:
        auth: Who may call, for every route that does not say otherwise: `Iam()`, `Cognito(...)` or `Public("reason")`.
            REST APIs check no other tokens than those of Cognito.
        waf: What the firewall lets through: `Waf(...)`; another API's `web_acl`, to share its firewall and its price;
            or `Waived(reason)` for none. Default: AWS's managed rules and 1,000 requests of one address in 5 minutes.
        cors_origins: Origins whose pages may call, like `https://app.example.com`. The functions still answer with
            `Access-Control-Allow-Origin` themselves; what API Gateway refuses has it. Default: none.
        rate_limit: Requests a second, on average, over all routes. Default: what the `Defaults` say, or else 100.
        burst_limit: Requests at once. Default: what the `Defaults` say, or else 200.
        route_metrics: Count and time each method by itself; CloudWatch bills these as custom metrics. Default: where
            there are alarms, as the `Defaults` say.
        execution_logs: What API Gateway tells of its own work: `ERROR`, or `INFO` for each step of each request.
        account_logs: `Waived(reason)` where the account has a role for the logs of REST APIs already.
        log_retention: How long logs are kept. Default: what the `Defaults` say, or else one month.
        tracing: `Waived(reason)` turns X-Ray off for the stage.
        domain: The API's own name. Default: the one API Gateway makes up.
        nest_functions: Put the functions of the routes into nested stacks, for more routes than one stack has room for;
            see docs/apis.md. Default: they stay where they are written.
        alarms: Other thresholds than those of `ApiAlarms`, or `Waived(reason)` for one or all of them.

    Raises:
        PropError: `auth` is none that REST APIs know, an origin is not an origin, or a limit is below one.

    Example:
        >>> shop = SecureRestApi(stack, "Shop", auth=Iam())
    """

    # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
    longest_seconds = 29
    late_status = 504

    @checks_kinds(except_for=("auth", "cors_origins"))
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        auth: Auth,
        waf: Waf | wafv2.CfnWebACL | Waived = Waf(),  # noqa: B008 - frozen
        cors_origins: Sequence[str] = (),
        rate_limit: int | None = None,
        burst_limit: int | None = None,
        route_metrics: bool | None = None,
        execution_logs: Literal["ERROR", "INFO"] = "ERROR",
        account_logs: Literal[True] | Waived = True,
        log_retention: logs.RetentionDays | None = None,
        tracing: Literal[True] | Waived = True,
        domain: Domain | None = None,
        nest_functions: bool = False,
        alarms: ApiAlarms | Waived | None = None,
    ) -> None:
        super().__init__(scope, id)
        guard(self)
        defaults = defaults_of(self)
        has_metrics = stated(route_metrics, defaults.alarms)
        refusals = Refusals(self)
        rate, burst = limits_of_stage(rate_limit, burst_limit, defaults, refusals)
        check_auth(auth, refusals)
        check_rest_auth(auth, refusals)
        check_cors(cors_origins, refusals, by_name=True)
        check_waf(waf, refusals)
        if isinstance(waf, wafv2.CfnWebACL):
            check_same_environment(
                waf,
                self,
                refusals,
                why="a firewall stands in front of APIs of its own account and region",
                fix="leave waf out, or share the firewall of an API there",
            )
        check_safeguards({"account_logs": account_logs, "tracing": tracing}, refusals)
        watched = AlarmsOfApi(alarms)
        watched.check(refusals)
        check_domain(domain, self, refusals)
        refusals.stop_if_any()

        self.auth = auth
        self.domain = domain
        self._nested = NestedFunctions(self) if nest_functions else None
        self.access_logs = log_group(self, "AccessLogs", retention=log_retention)
        self.rest_api = apigateway.RestApi(
            self,
            "RestApi",
            rest_api_name=self.node.path.replace("/", "-")[-LONGEST_NAME:],
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            cloud_watch_role=False,  # one of the CDK's has a policy of AWS's own
            disable_execute_api_endpoint=True if domain is not None and not domain.default_endpoint else None,
            deploy_options=apigateway.StageOptions(
                stage_name=STAGE,
                tracing_enabled=tracing is True,
                access_log_destination=apigateway.LogGroupLogDestination(self.access_logs),
                access_log_format=apigateway.AccessLogFormat.custom(json.dumps(ACCESS_LOG)),
                throttling_rate_limit=rate,
                throttling_burst_limit=burst,
                metrics_enabled=has_metrics,
                logging_level=apigateway.MethodLoggingLevel[execution_logs],
                data_trace_enabled=False,
            ),
        )
        if defaults.hardened:  # the functions do not ask for it; auditors do
            certificate = apigateway.CfnClientCertificate(self, "ClientCertificate")
            resource_of(self.rest_api.deployment_stage, apigateway.CfnStage).client_certificate_id = certificate.ref
        self.rest_api.node.try_remove_child("Endpoint")  # the CDK's output of the URL; ours is below
        self.stage = self.rest_api.deployment_stage
        if defaults.hardened:
            acknowledge(self.stage, NO_CACHE, *NO_CACHE_FINDINGS)
        if isinstance(account_logs, Waived):
            record_waiver(self.stage, "account_logs", account_logs)
        else:
            self.stage.node.add_dependency(logs_of_account(self).account)
        if isinstance(tracing, Waived):
            record_waiver(self.stage, "tracing", tracing, "Serverless-APIGWXrayEnabled")
        # API Gateway makes it by itself with the first line, and keeps it for ever.
        self.execution_logs = log_group(
            self,
            "ExecutionLogs",
            retention=log_retention,
            name=f"API-Gateway-Execution-Logs_{self.rest_api.rest_api_id}/{STAGE}",
        )
        self.stage.node.add_dependency(self.execution_logs)
        validator = self.rest_api.add_request_validator(
            "Requests", validate_request_body=True, validate_request_parameters=True
        )
        self._rest_routes = RestRoutes(
            self,
            self.rest_api,
            validator,
            settings={
                "data_trace_enabled": False,
                "logging_level": execution_logs,
                "metrics_enabled": has_metrics,
                "throttling_burst_limit": burst,
                "throttling_rate_limit": rate,
            },
            cors=apigateway.CorsOptions(
                allow_origins=list(cors_origins), allow_headers=list(HEADERS), max_age=PREFLIGHT_MAX_AGE
            )
            if cors_origins
            else None,
        )
        if cors_origins:
            let_pages_read_refusals(self.rest_api, cors_origins)
        self.web_acl = self._firewall(waf, log_retention)
        self.domain_name = None if domain is None else name_rest_api(self, domain, self.stage)
        # By its name: a canary of a route may go back on these alarms, and the stage waits for every route. The CDK
        # declares it as an interface that measures nothing, and answers with a stage that does.
        measured = apigateway.Stage.from_stage_attributes(self, "Measured", rest_api=self.rest_api, stage_name=STAGE)
        self.alarms: Sequence[cloudwatch.IAlarm] = watched.raise_for(self, cast("MeasuredStage", measured), self.stage)
        cdk.CfnOutput(self, "Url", value=self.url, description=f"Base URL of {self.node.path}")

    @property
    def crowd(self) -> Mapping[str, int]:
        """The resources that routes put into the stack of the API, by what they are."""
        return {**self._rest_routes.crowd, FUNCTIONS: self.functions_here}

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end; functions of this API may have it as a variable."""
        if self.domain is not None:
            return self.domain.url
        stack = cdk.Stack.of(self)
        host = f"{self.rest_api.rest_api_id}.execute-api.{stack.region}.{stack.url_suffix}"
        return f"https://{host}/{STAGE}"  # not by the stage, which waits for the functions behind it

    def claim(self, asked: Asked, claimant: Construct, place: Construct, refusals: Refusals) -> Granted:
        """Take a route for a function, and note everything about it that cannot be had."""
        del place  # methods stand below the API, wherever their functions are
        route = self.claim_route(asked.text, claimant, refusals)
        self._rest_routes.check(route, refusals)
        auth = self.auth if asked.auth is None else asked.auth
        check_auth(auth, refusals)
        auth = with_scopes(auth, asked.scopes, refusals)
        check_rest_auth(auth, refusals)
        if asked.request is not None and route.verb in BODILESS:
            refusals.refuse(
                f"request is set for {str(route)!r}, and such requests have no body: each would be refused",
                fix="leave request out, or use another verb",
            )
        if asked.request is not None and route.verb == "ANY":
            refusals.refuse(
                f"request is set for {str(route)!r}, and its GET requests have no body: each would be refused",
                fix=f"write a route for each verb that has a body, like POST {route.path}",
            )
        request = None if asked.request is None else schema_of(asked.request, refusals)
        return Granted(route, auth, asked.throttle, request)

    def serve(
        self, granted: Granted, claimant: Construct, place: Construct, function: lambda_.IFunction
    ) -> apigateway.Method:
        """Add the route, and allow it alone to invoke the function."""
        del place
        self.count(granted.route, claimant)
        return self._rest_routes.add(granted, claimant, function, default=self.auth)

    def arn_of(self, route: Route) -> str:
        """The ARN that calls of a route are made on, at any stage."""
        return self._rest_routes.arn_of(route)

    def _firewall(
        self, waf: Waf | wafv2.CfnWebACL | Waived, retention: logs.RetentionDays | None
    ) -> wafv2.CfnWebACL | None:
        """The firewall in front of the stage, if there is one."""
        if isinstance(waf, Waived):
            record_waiver(self.stage, "waf", waf, "AwsSolutions-APIG3")
            return None
        if isinstance(waf, wafv2.CfnWebACL):
            web_acl = waf
        else:
            web_acl = Firewall(self, "Firewall", waf=waf, log_retention=retention).web_acl
        stack, stage = cdk.Stack.of(self), resource_of(self.stage, apigateway.CfnStage)
        wafv2.CfnWebACLAssociation(
            self,
            "Firewalled",
            web_acl_arn=web_acl.attr_arn,
            resource_arn=f"arn:{stack.partition}:apigateway:{stack.region}::/restapis/{stage.rest_api_id}/stages/{stage.ref}",
        )
        return web_acl
