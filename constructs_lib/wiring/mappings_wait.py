"""Lambda asks whether a function may read a source when the mapping is made, so the mapping waits for the grants.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
"""

from __future__ import annotations

import aws_cdk as cdk
import jsii
from aws_cdk import aws_lambda as lambda_
from constructs import IConstruct

from constructs_lib.wiring.identity import Identity


@jsii.implements(cdk.IAspect)
class MappingsWait:
    """Make every event source mapping of one function depend on the policies with its grants.

    The mappings of `QueueWorker` and `StreamWorker` do so from the start; this is for `function.add_event_source(...)`
    of the L2, where CDK would have the whole function wait.

    Args:
        identity: The identity of the function.
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def visit(self, node: IConstruct) -> None:
        """Add the dependency, if this is a mapping."""
        if isinstance(node, lambda_.CfnEventSourceMapping):
            for policy in self._identity.grants_policies:
                node.node.add_dependency(policy)
