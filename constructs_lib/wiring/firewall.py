"""The firewall in front of a REST API: what AWS knows to be hostile, and whoever asks too often.

The numbers, and why:

- 1,000 requests in 5 minutes from one address: far more than a person clicks, far less than a flood. A shared address
  (an office, a mobile carrier) may need more.
- Bodies above 8 KB are refused by the common rules, unless `large_bodies` says that they are meant.
- What was blocked or counted is logged, for as long as the access logs; what passed is in the access log already.

It costs $5 a month, $1 for each of its rules ($9 with the four it has), and $0.60 for a million requests.
https://aws.amazon.com/waf/pricing/
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from constructs_lib.wiring.kinds import check_fields
from constructs_lib.wiring.log_groups import log_group
from constructs_lib.wiring.refusals import Refusals, did_you_mean
from constructs_lib.wiring.waiver import Waived

# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html
REPUTATION = "AWSManagedRulesAmazonIpReputationList"
COMMON = "AWSManagedRulesCommonRuleSet"
BAD_INPUTS = "AWSManagedRulesKnownBadInputsRuleSet"
KNOWN = (  # of AWS; those with settings of their own are below
    REPUTATION, COMMON, BAD_INPUTS, "AWSManagedRulesAdminProtectionRuleSet", "AWSManagedRulesAnonymousIpList",
    "AWSManagedRulesBotControlRuleSet", "AWSManagedRulesLinuxRuleSet", "AWSManagedRulesPHPRuleSet",
    "AWSManagedRulesSQLiRuleSet", "AWSManagedRulesUnixRuleSet", "AWSManagedRulesWindowsRuleSet",
    "AWSManagedRulesWordPressRuleSet",
)  # fmt: skip
WITH_SETTINGS = ("AWSManagedRulesACFPRuleSet", "AWSManagedRulesATPRuleSet", "AWSManagedRulesAntiDDoSRuleSet")
BODY_SIZE = "SizeRestrictions_BODY"
WINDOW_SECONDS = 300
# https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statement-type-rate-based-high-level-settings.html
FEWEST, MOST = 10, 2_000_000_000
LOG_PREFIX = "aws-waf-logs-"  # WAF writes to no other group
UNTOLD = re.compile(r"[^A-Za-z0-9_+=:#@/,. -]")  # what a description cannot have
HIDDEN_HEADERS = ("authorization", "cookie", "x-amz-security-token")


@dataclass(frozen=True, slots=True)
class Waf:
    """What the firewall of a REST API lets through: AWS's managed rules, and a limit for each address.

    Three managed groups (IP reputation, common rules, known bad inputs) and the limit; $9 a month and $0.60 for a
    million requests, https://aws.amazon.com/waf/pricing/. One firewall may serve several APIs: pass `api.web_acl`.

    Args:
        requests_per_ip: Requests of one address in 5 minutes, from 10 on; more are answered with 403.
        rule_groups: Further managed groups of AWS by name, such as `AWSManagedRulesSQLiRuleSet`; $1 a month each, and
            $10 for `AWSManagedRulesBotControlRuleSet`, which also bills requests.
        counted: Groups that only count what they would block, to see first whom they would hit.
        large_bodies: Let bodies above 8 KB through, which the common rules refuse.

    Raises:
        PropError: A number is out of range, or a group is named that is not there.

    Example:
        >>> strict = Waf(requests_per_ip=300, rule_groups=["AWSManagedRulesSQLiRuleSet"])
    """

    requests_per_ip: int = 1_000
    rule_groups: Sequence[str] = ()
    counted: Sequence[str] = ()
    large_bodies: bool = False

    def __post_init__(self) -> None:
        """Refuse limits that WAF does not take, and groups it would not find."""
        refusals = Refusals.at("Waf(...)")
        check_fields(self, refusals)
        refusals.stop_if_any()
        if not cdk.Token.is_unresolved(self.requests_per_ip) and not FEWEST <= self.requests_per_ip <= MOST:
            refusals.refuse(
                f"requests_per_ip is {self.requests_per_ip}, wanted {FEWEST} to {MOST:,} in 5 minutes",
                fix="leave requests_per_ip out for 1,000",
            )
        for name in self.rule_groups:
            if name in WITH_SETTINGS:
                refusals.refuse(
                    f"rule_groups holds {name}, which wants settings of its own, such as the page where people sign in",
                    fix="write a CfnWebACL with them, and pass it: waf=web_acl",
                )
            elif name not in KNOWN:
                refusals.refuse(
                    f"rule_groups holds {name!r}, which is no managed group of AWS{did_you_mean(name, KNOWN)}",
                    fix=f"use {', '.join(each for each in KNOWN[3:])}; other groups go to a CfnWebACL, waf=web_acl",
                )
        for name in self.counted:
            if name not in self.groups:
                refusals.refuse(
                    f"counted holds {name!r}, which is no group of this firewall", fix=f"use {', '.join(self.groups)}"
                )
        refusals.stop_if_any()

    @property
    def groups(self) -> list[str]:
        """The managed groups, in the order in which they are asked."""
        return list(dict.fromkeys([REPUTATION, COMMON, BAD_INPUTS, *self.rule_groups]))


def check_waf(waf: object, refusals: Refusals) -> None:
    """Note what is no firewall, and no reason for none."""
    if not isinstance(waf, Waf | wafv2.CfnWebACL | Waived):
        refusals.refuse(
            f"waf is {waf!r}, wanted Waf(...), the web_acl of another API, or Waived(reason)",
            fix='leave waf out, or say why there is none: waf=Waived("...")',
        )
    elif isinstance(waf, wafv2.CfnWebACL) and waf.scope != "REGIONAL":
        refusals.refuse(
            f"waf is {waf.node.path}, of scope {waf.scope}, and APIs take REGIONAL ones",
            fix='make it with scope="REGIONAL", or leave waf out',
        )


class Firewall(Construct):
    """Define a web ACL and its log.

    Args:
        waf: What it lets through.
        log_retention: How long it is remembered what was blocked. Default: what the Defaults say.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's name
        *,
        waf: Waf,
        log_retention: logs.RetentionDays | None,
    ) -> None:
        super().__init__(scope, id)
        self.web_acl = wafv2.CfnWebACL(
            self,
            "WebAcl",
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow=wafv2.CfnWebACL.AllowActionProperty()),
            visibility_config=_visible("WebAcl"),
            rules=[_limit(waf), *(_group(name, at, waf) for at, name in enumerate(waf.groups, 1))],
            description=UNTOLD.sub("-", f"In front of {scope.node.path}")[:256],
        )
        name = LOG_PREFIX + cdk.Names.unique_resource_name(
            self, max_length=100, separator="-", allowed_special_characters="-"
        )
        self.log_group = log_group(self, "Logs", retention=log_retention, name=name)
        logging = wafv2.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=self.web_acl.attr_arn,
            # without the `:*` at the end of the ARN that CloudFormation tells
            log_destination_configs=[
                cdk.Stack.of(self).format_arn(
                    service="logs",
                    resource="log-group",
                    resource_name=name,
                    arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                )
            ],
            logging_filter={
                "DefaultBehavior": "DROP",
                "Filters": [
                    {
                        "Behavior": "KEEP",
                        "Requirement": "MEETS_ANY",
                        "Conditions": [{"ActionCondition": {"Action": action}} for action in ("BLOCK", "COUNT")],
                    }
                ],
            },
            redacted_fields=[
                wafv2.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": header})
                for header in HIDDEN_HEADERS
            ],
        )
        logging.node.add_dependency(self.log_group)


def _limit(waf: Waf) -> wafv2.CfnWebACL.RuleProperty:
    return wafv2.CfnWebACL.RuleProperty(
        name="RequestsPerIp",
        priority=0,
        action=wafv2.CfnWebACL.RuleActionProperty(block=wafv2.CfnWebACL.BlockActionProperty()),
        statement=wafv2.CfnWebACL.StatementProperty(
            rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                limit=waf.requests_per_ip, aggregate_key_type="IP", evaluation_window_sec=WINDOW_SECONDS
            )
        ),
        visibility_config=_visible("RequestsPerIp"),
    )


def _group(name: str, priority: int, waf: Waf) -> wafv2.CfnWebACL.RuleProperty:
    is_counted = name in waf.counted
    override = (
        wafv2.CfnWebACL.OverrideActionProperty(count=wafv2.CfnWebACL.CountActionProperty())
        if is_counted
        else wafv2.CfnWebACL.OverrideActionProperty(none={})
    )
    counted = wafv2.CfnWebACL.RuleActionOverrideProperty(
        name=BODY_SIZE,
        action_to_use=wafv2.CfnWebACL.RuleActionProperty(count=wafv2.CfnWebACL.CountActionProperty()),
    )
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        override_action=override,
        statement=wafv2.CfnWebACL.StatementProperty(
            managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                vendor_name="AWS",
                name=name,
                rule_action_overrides=[counted] if name == COMMON and waf.large_bodies else None,
            )
        ),
        visibility_config=_visible(name),
    )


def _visible(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
    )
