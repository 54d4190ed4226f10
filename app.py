"""The example app: `cdk deploy --all`, or `make run` for localhost."""

import aws_cdk as cdk

from examples.greeting import Greeting
from examples.users import Users

app = cdk.App(analytics_reporting=False)  # the version of Python must not reach a template
Greeting(app, "Greeting")
Users(app, "Users")
app.synth()
