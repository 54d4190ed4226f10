from __future__ import annotations

from pathlib import Path

from constructs_lib.local import LocalAws


def test_the_real_cdk_bootstraps_and_deploys_all_stacks(example_assembly: Path) -> None:
    with LocalAws.from_assembly(example_assembly, via="cdk") as aws:
        names = {stack["StackName"] for stack in aws.client("cloudformation").describe_stacks()["Stacks"]}
        assert names == {"CDKToolkit", "Greeting", "Ledger", "Media", "Orders", "Users"}
        assert aws.call("POST", "/greet", json={"name": "Ada"}).status == 200
        user = {"id": "ada", "name": "Ada Lovelace", "email": "ada@example.com"}
        assert aws.call("POST", "/users", json=user, signed=True).status == 201
        assert aws.call("POST", "/users", json=user).status == 403
