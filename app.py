"""The example app: `cdk deploy --all` for AWS, `make run` for localhost."""

import aws_cdk as cdk

from examples.greeting import Greeting
from examples.media import Media
from examples.orders import Orders
from examples.users import Users


def compose(app: cdk.App) -> None:
    """Put the example stacks into an app, one story each."""
    Greeting(app, "Greeting")
    Media(app, "Media")
    Orders(app, "Orders")
    Users(app, "Users")


if __name__ == "__main__":
    example_app = cdk.App(analytics_reporting=False)  # the version of Python must not reach a template
    compose(example_app)
    example_app.synth()
