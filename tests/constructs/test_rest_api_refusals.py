"""What a REST API refuses, in three lines."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_wafv2 as wafv2

from constructs_lib import (
    Cognito,
    Iam,
    Jwt,
    PropError,
    SecureApi,
    SecureApiFunction,
    SecureRestApi,
    Waf,
)
from tests.constructs.rest_apis import ENTRY, NEW_USER


class TestRefusals:
    def refused(self, stack: cdk.Stack, route: str, **props: Any) -> str:
        api = SecureRestApi(stack, "Api", auth=Iam(), cors_origins=["https://app.example.com"])
        SecureApiFunction(stack, "Known", api=api, route="GET /known/{id}", entry=ENTRY)
        with pytest.raises(PropError) as caught:
            SecureApiFunction(stack, "Greet", **{"api": api, "route": route, "entry": ENTRY, **props})
        return str(caught.value)

    @pytest.mark.parametrize(
        ("route", "fix"),
        [
            ("GET /ping", "call it /health, for instance"),
            ("GET /known/{name}/keys", "write {id} here too"),
            ("GET /known/{all+}", "write {id} here too"),
            ("GET /a,b", "use letters, digits and ._:$-"),
            ("OPTIONS /known", "leave the route out"),
        ],
    )
    def test_routes_that_rest_apis_do_not_take(self, stack: cdk.Stack, route: str, fix: str) -> None:
        assert f"  fix: {fix}" in self.refused(stack, route)

    def test_a_token_of_somebody_else(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError, match="REST APIs check no tokens but those of Cognito"):
            SecureRestApi(stack, "Api", auth=Jwt("https://login.example.com/", "shop"))
        assert "use a SecureApi" in self.refused(stack, "GET /", auth=Jwt("https://login.example.com/", "shop"))

    def test_clients_that_would_not_be_told_apart(self, stack: cdk.Stack) -> None:
        pool = cognito.UserPool(stack, "Pool")
        with pytest.raises(PropError, match="REST APIs take the tokens of every client of the pool"):
            SecureRestApi(stack, "Api", auth=Cognito(pool, clients=[pool.add_client("Web")]))

    def test_scopes_of_callers_without_a_token(self, stack: cdk.Stack) -> None:
        assert self.refused(stack, "GET /", scopes=["users/read"]) == (
            "scopes ['users/read'] are asked for, but callers of Iam() bring no token\n"
            "  at:  Shop/Greet (SecureApiFunction)\n"
            "  fix: leave scopes out, or let callers bring one: auth=Jwt(...) or auth=Cognito(...)"
        )

    @pytest.mark.parametrize(
        ("request_", "said_"),
        [
            ({"type": "array", "contains": {"type": "string"}}, "the schema says contains at #, which JSON Schema"),
            ({"requried": ["name"]}, "which is no keyword of JSON Schema: did you mean required?"),
            ({"properties": {"a": {"$ref": "https://example.com/a"}}}, "refers to https://example.com/a"),
            (5, "request is a int, wanted a JSON Schema"),
            (object, "request is object, wanted a JSON Schema"),
            ("lambda_src/users/user.ts:Nobody", "exports no Zod schema Nobody: it exports NewUser"),
            ("lambda_src/users/nobody.ts:NewUser", "is no TypeScript or JavaScript file that is there"),
            ("NewUser", "'NewUser' names no file and schema"),
            ("tests/end_to_end/handlers/loose_word.ts:LooseWord", "has no flags, and this has: /^[a-z]+$/i"),
            ({"minimum": "a", "maximum": []}, "has 'a' at #, where minimum is a number"),
        ],
    )
    def test_bodies_that_api_gateway_cannot_check(self, stack: cdk.Stack, request_: Any, said_: str) -> None:
        text = self.refused(stack, "POST /users", request=request_)
        assert said_ in text
        assert text.count("\n  fix: ") == 1

    @pytest.mark.parametrize(
        "props",
        [
            {"requests_per_ip": 5},
            {"rule_groups": ["Mine"]},
            {"rule_groups": ["AWSManagedRulesSQLRuleSet"]},
            {"rule_groups": ["AWSManagedRulesATPRuleSet"]},
            {"counted": ["AWSManagedRulesNobody"]},
            {"requests_per_ip": "many"},
        ],
    )
    def test_a_firewall_that_waf_would_not_take(self, props: Any) -> None:
        with pytest.raises(PropError, match=r"Waf\(\.\.\.\)"):
            Waf(**props)

    def test_a_body_of_what_has_none(self, stack: cdk.Stack) -> None:
        assert "such requests have no body: each would be refused" in self.refused(
            stack, "GET /users", request=NEW_USER
        )

    def test_a_body_of_every_verb(self, stack: cdk.Stack) -> None:
        assert self.refused(stack, "ANY /users", request=NEW_USER) == (
            "request is set for 'ANY /users', and its GET requests have no body: each would be refused\n"
            "  at:  Shop/Greet (SecureApiFunction)\n"
            "  fix: write a route for each verb that has a body, like POST /users"
        )

    def test_a_firewall_of_another_kind(self, stack: cdk.Stack) -> None:
        edge = wafv2.CfnWebACL(
            stack,
            "Edge",
            scope="CLOUDFRONT",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=wafv2.CfnWebACL.VisibilityConfigProperty(
                cloud_watch_metrics_enabled=True, metric_name="Edge", sampled_requests_enabled=True
            ),
        )
        for waf, said_ in ((edge, "of scope CLOUDFRONT"), (None, "waf is None")):
            with pytest.raises(PropError, match=said_):
                SecureRestApi(stack, "Api", auth=Iam(), waf=waf)  # type: ignore[arg-type] # the point

    def test_a_firewall_of_another_region(self, app: cdk.App) -> None:
        here, there = (
            cdk.Stack(app, name, env=cdk.Environment(account="111122223333", region=region))
            for name, region in (("Here", "eu-west-1"), ("There", "us-east-1"))
        )
        firewall = SecureRestApi(there, "Api", auth=Iam()).web_acl
        assert firewall is not None
        with pytest.raises(PropError, match="Here/Api is in 111122223333/eu-west-1, There/Api/Firewall/WebAcl in"):
            SecureRestApi(here, "Api", auth=Iam(), waf=firewall)

    def test_every_origin_beside_one(self, stack: cdk.Stack) -> None:
        with pytest.raises(PropError, match="every origin would be let in"):
            SecureRestApi(stack, "Api", auth=Iam(), cors_origins=["*", "https://app.example.com"])

    def test_every_host_of_a_scheme_which_http_apis_know(self, stack: cdk.Stack) -> None:
        with pytest.raises(
            PropError, match=r"cors_origins holds 'https://\*', and REST APIs answer each origin by name"
        ):
            SecureRestApi(stack, "Api", auth=Iam(), cors_origins=["https://*"])
        assert SecureApi(stack, "HttpApi", auth=Iam(), cors_origins=["https://*"])

    def test_origins_that_are_not_known_yet(self, stack: cdk.Stack) -> None:
        origins = cdk.CfnParameter(stack, "Origins", type="CommaDelimitedList").value_as_list
        with pytest.raises(PropError, match="cors_origins is a list that is not known before deployment"):
            SecureRestApi(stack, "Api", auth=Iam(), cors_origins=origins)

    def test_a_refused_route_leaves_its_variables_free(self, stack: cdk.Stack) -> None:
        api = SecureRestApi(stack, "Api", auth=Iam())
        with pytest.raises(PropError):
            SecureApiFunction(stack, "Read", api=api, route="GET /users/{name}", entry=ENTRY, memory_mib=1)
        SecureApiFunction(stack, "Read", api=api, route="GET /users/{id}", entry=ENTRY)

    def test_a_function_that_outlasts_the_api(self, stack: cdk.Stack) -> None:
        text = self.refused(stack, "GET /users", timeout=cdk.Duration.seconds(29))
        assert "outlasts the API (29 s): callers get 504" in text
        assert "lower it to 28 s" in text

    def test_everything_wrong_is_said_at_once(self, stack: cdk.Stack) -> None:
        text = self.refused(stack, "ANY /ping", scopes=["a"], request=5, timeout=cdk.Duration.minutes(1))
        assert text.count("\n  fix: ") == 5
