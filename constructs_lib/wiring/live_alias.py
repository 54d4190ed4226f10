"""The alias that everything calls, where a function needs one: for warm environments, snapshots and safe deployments.

Each deployment with other code or settings publishes a version, and the alias goes on to it. The version before is
removed when the deployment has succeeded; until then it is what a rollback goes back to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import aws_lambda as lambda_

from constructs_lib.wiring.canary import Canary, CanaryDeployment
from constructs_lib.wiring.provisioned import Provisioned
from constructs_lib.wiring.resource import resource_of

if TYPE_CHECKING:
    from constructs import Construct

    from constructs_lib.wiring.function_alarms import AlarmsOfFunction
    from constructs_lib.wiring.refusals import Refusals

LIVE = "live"

# Which properties of a function make another version. Without these the hash of a version holds metadata and tags as
# well, and Lambda refuses to publish a version that differs from the last in nothing else.
# https://docs.aws.amazon.com/cdk/v2/guide/featureflags.html
VERSION_FLAGS = ("@aws-cdk/aws-lambda:recognizeVersionProps", "@aws-cdk/aws-lambda:recognizeLayerVersion")


@dataclass(frozen=True, slots=True)
class LiveAlias:
    """What a function says about its starts and its deployments; see `SecureFunction` for meaning and defaults."""

    provisioned_concurrency: int | Provisioned | None
    snap_start: bool
    canary: Canary | None

    @property
    def is_wanted(self) -> bool:
        """Whether the function needs an alias."""
        return self.provisioned_concurrency is not None or self.snap_start or self.canary is not None

    @property
    def provisioned(self) -> Provisioned | None:
        """How many environments are kept ready."""
        if isinstance(self.provisioned_concurrency, int | float):  # a token of a number is a float
            return Provisioned(self.provisioned_concurrency)
        return self.provisioned_concurrency

    def prepare(self, bearer: Construct) -> None:
        """Make the names of versions the same whatever the flags of the app are; before anything is in the bearer."""
        for flag in VERSION_FLAGS if self.is_wanted else ():
            bearer.node.set_context(flag, True)

    def check(
        self, bearer: Construct, runtime: lambda_.Runtime, reserved_concurrency: int | None, refusals: Refusals
    ) -> None:
        """Note what does not go together, or is out of bounds."""
        if self.provisioned is not None:
            self.provisioned.check(reserved_concurrency, refusals)
        if self.canary is not None:
            self.canary.check(bearer, refusals)
        # https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
        if self.snap_start and self.provisioned is not None:
            refusals.refuse(
                "snap_start and provisioned_concurrency exclude each other",
                fix="leave one out: a snapshot starts within a second, an environment that is kept ready at once",
            )
        if self.snap_start and not runtime.supports_snap_start:
            refusals.refuse(
                f"snap_start is not for {runtime.name}: Lambda takes no snapshots of it",
                fix="leave it out; provisioned_concurrency=1 keeps an environment ready"
                if runtime.family is lambda_.RuntimeFamily.NODEJS
                else "use Python 3.12 or later",
            )

    def define(self, bearer: Construct, function: lambda_.Function, watched: AlarmsOfFunction) -> lambda_.Alias | None:
        """Define the alias on the current version, and what moves and scales it; none where none is wanted.

        Args:
            bearer: The function's construct.
            function: The function.
            watched: The alarms that a deployment goes back on, and that of cold starts, which it does not.
        """
        if not self.is_wanted:
            return None
        provisioned = self.provisioned
        if self.snap_start:
            resource_of(function, lambda_.CfnFunction).snap_start = lambda_.CfnFunction.SnapStartProperty(
                apply_on="PublishedVersions"
            )
        alias = lambda_.Alias(
            bearer,
            "Live",
            alias_name=LIVE,
            version=function.current_version,
            provisioned_concurrent_executions=None if provisioned is None else provisioned.environments,
        )
        if provisioned is not None:
            provisioned.scale(alias)
        if self.canary is not None:
            CanaryDeployment(bearer, self.canary, alias, tuple(watched.raised))
        if provisioned is not None:
            watched.raise_for_spillover(alias)
        return alias
