"""What the page can be asked, with the orders example deployed."""

from __future__ import annotations

import json
import uuid
from typing import Any

from constructs_lib.local import LocalAws
from tests.local.page.asking import WRITE, Asking, eventually
from tests.local.page.extras import HOSTILE


def order(identity: str, card: str = "tok_visa") -> str:
    items = [{"sku": "teapot", "quantity": 1}]
    return json.dumps({"id": identity, "items": items, "email": "ada@example.com", "card": card})


def place(asking: Asking, identity: str, card: str = "tok_visa", *, caller: str = "root") -> Any:
    told = {"method": "POST", "path": "/orders", "headers": "content-type: application/json", "caller": caller}
    return asking.write("routes/call", body=order(identity, card), **told)


class TestRoutes:
    def test_are_called_as_root(self, asking: Asking) -> None:
        answer = place(asking, f"order-{uuid.uuid4()}")
        assert answer["status"] == 202
        assert '"status": "received"' in answer["text"]
        assert answer["trace"].startswith("1-")

    def test_are_called_unsigned_and_as_a_function(self, asking: Asking) -> None:
        assert place(asking, "x", caller="none")["status"] == 403
        assert place(asking, "x", caller="Orders/SendEmail")["status"] == 403

    def test_are_called_on_the_deployed_apis_alone(self, asking: Asking) -> None:
        for path in ("http://evil.example/", "//evil.example/x@", "x", "@evil.example/"):
            reply = asking.ask("POST", "/api/routes/call", headers=WRITE,
                               body=json.dumps({"method": "GET", "path": path}).encode())  # fmt: skip
            assert reply.status == 400 or reply.json()["status"] in {400, 403, 404}

    def test_say_what_is_wrong_with_a_header(self, asking: Asking) -> None:
        [problem] = asking.refused("routes/call", method="GET", path="/", headers="no header\nx: y")
        assert problem == {"what": "'no header' is no header", "where": "Try it", "fix": "write name: value"}


class TestFunctions:
    def test_are_invoked(self, asking: Asking) -> None:
        loud = asking.one("functions", "Extras/Loud")
        answer = asking.write("functions/invoke", function=loud["id"], region=loud["region"], event='{"a": 1}')
        assert answer["error"] == ""
        assert json.loads(answer["text"]) == {"hostile": HOSTILE}
        assert HOSTILE in answer["log"]

    def test_are_not_invoked_with_what_is_no_json(self, asking: Asking) -> None:
        [problem] = asking.refused("functions/invoke", function="x", region="us-east-1", event="{")
        assert problem["what"].startswith("the event is no JSON: ")


class TestQueues:
    def test_are_looked_into_without_receiving(self, aws: LocalAws, asking: Asking) -> None:
        sqs = aws.client("sqs")
        told = {"queue": sqs.create_queue(QueueName=f"quiet-{uuid.uuid4()}")["QueueUrl"], "region": "us-east-1"}
        sent = asking.write("queues/send", body="one", **told)
        for _ in range(3):
            [message] = asking.read("queues/messages", **told)["messages"]
        shown = [message[each] for each in ("id", "body", "received", "hidden_seconds")]
        assert shown == [sent["id"], "one", 0, 0]
        [received] = sqs.receive_message(
            QueueUrl=told["queue"], MessageSystemAttributeNames=["ApproximateReceiveCount"]
        )["Messages"]
        assert received["Attributes"]["ApproximateReceiveCount"] == "1"
        [message] = asking.read("queues/messages", **told)["messages"]
        assert message["received"] == 1
        assert 20 < message["hidden_seconds"] <= 30

    def test_are_counted(self, asking: Asking) -> None:
        queue = asking.one("queues", "Extras/Quiet")
        before = asking.read("queues")["queues"][queue["id"]]
        asking.write("queues/send", queue=queue["id"], region=queue["region"], body="counted")
        after = asking.read("queues")["queues"][queue["id"]]
        assert after == {**before, "waiting": before["waiting"] + 1}

    def test_take_their_dead_letters_back(self, asking: Asking) -> None:
        work, dead = asking.one("queues", "Extras/Work"), asking.one("queues", "Extras/Dead")
        assert dead["dead_letters_of"] == ["Extras/Work"]
        body = f"poison {uuid.uuid4()}"
        asking.write("queues/send", queue=work["id"], region=work["region"], body=body)

        def buried() -> list[dict[str, Any]]:
            told = asking.read("queues/messages", queue=dead["id"], region=dead["region"])["messages"]
            return [each for each in told if each["body"] == body]

        eventually(buried, bool, seconds=30)
        asking.write("queues/redrive", queue=dead["id"], region=dead["region"])
        eventually(buried, lambda found: not found)
        eventually(buried, bool, seconds=30)

    def test_that_do_not_exist_are_named(self, asking: Asking) -> None:
        reply = asking.ask("GET", "/api/queues/messages?queue=http://x/1/nope&region=us-east-1")
        assert reply.what == "there is no queue arn:aws:sqs:us-east-1:000000000000:nope"


class TestTables:
    def test_show_items_as_they_are(self, aws: LocalAws, asking: Asking) -> None:
        table = asking.one("tables", "Extras/Things")
        item = {"id": {"S": HOSTILE}, "n": {"N": "12345678901234567890.5"}, "l": {"L": [{"B": b"\0"}, {"NULL": True}]},
                "s": {"SS": ["b", "a"]}, "m": {"M": {"x": {"BOOL": True}}}, "i": {"N": "7"}}  # fmt: skip
        aws.client("dynamodb").put_item(TableName=table["id"], Item=item)
        found = asking.read("tables/items", table=table["id"], region=table["region"])
        [shown] = [each for each in found["items"] if each["cells"]["id"].startswith("<img")]
        assert json.loads(shown["json"]) == {
            "id": HOSTILE, "n": "12345678901234567890.5", "l": ["base64:AA==", None], "s": ["a", "b"], "m": {"x": True},
            "i": 7,
        }  # fmt: skip
        assert found["keys"] == ["id"]

    def test_show_a_page_at_a_time(self, aws: LocalAws, asking: Asking) -> None:
        table = asking.one("tables", "Extras/Things")
        for number in range(7):
            aws.client("dynamodb").put_item(TableName=table["id"], Item={"id": {"S": f"paged-{number}"}})
        seen: list[str] = []
        start = ""
        while True:
            told = {"table": table["id"], "region": table["region"], "limit": "3", "start": start}
            found = asking.read("tables/items", **told)
            seen += [each["cells"]["id"] for each in found["items"]]
            start = found["next"]
            if not start:
                break
        assert len(seen) == len(set(seen))
        assert {f"paged-{number}" for number in range(7)} <= set(seen)


class TestBuckets:
    def test_take_and_give_objects(self, asking: Asking) -> None:
        bucket = asking.one("buckets", "Extras/Files")
        key, content = 'ü/<b>"x.html', b"\0<script>\xff"
        from urllib.parse import urlencode  # noqa: PLC0415 - only here

        told = urlencode({"bucket": bucket["id"], "region": bucket["region"], "key": key, "type": "text/html"})
        reply = asking.ask("POST", f"/api/buckets/upload?{told}", body=content, headers=WRITE)
        assert (reply.json()["key"], reply.json()["bytes"]) == (key, len(content))
        listed = asking.read("buckets/objects", bucket=bucket["id"], region=bucket["region"], prefix="ü/")["objects"]
        assert [(each["key"], each["bytes"]) for each in listed] == [(key, len(content))]
        download = asking.ask("GET", f"/api/buckets/download?{told}")
        assert download.body == content
        assert download.headers["content-type"] == "application/octet-stream"
        assert download.headers["content-disposition"] == "attachment; filename*=UTF-8''%3Cb%3E%22x.html"


class TestWorkflows:
    def test_show_what_happened_in_each_state(self, asking: Asking) -> None:
        identity = f"order-{uuid.uuid4()}"
        place(asking, identity, "tok_declined")
        machine = asking.one("machines", "Orders/Fulfilment")

        def look() -> dict[str, Any]:
            told = asking.read("workflows/executions", machine=machine["id"], region=machine["region"])
            mine = [each for each in told["executions"] if each["name"] == identity]
            if not mine:
                return {"status": ""}
            found: dict[str, Any] = asking.read(
                "workflows/execution", execution=mine[0]["arn"], region=machine["region"]
            )
            return found

        found = eventually(look, lambda found: found["status"] == "SUCCEEDED", seconds=30)
        statuses = {name: state["status"] for name, state in found["states"].items()}
        assert statuses == {
            "Begin": "succeeded", "Mark in progress": "succeeded", "Process payment": "caught",
            "Mark declined": "succeeded", "Declined": "succeeded",
        }  # fmt: skip
        [payment] = found["states"]["Process payment"]["passages"]
        assert payment["tries"] == 3
        assert [each["error"] for each in payment["failures"]] == ["CardDeclined"] * 3
        assert json.loads(payment["input"])["id"] == identity
        drawn = {each["name"] for each in found["picture"]["boxes"]}
        assert set(statuses) < drawn

    def test_are_started(self, asking: Asking) -> None:
        machine = asking.one("machines", "Extras/Hostile")
        told = {"machine": machine["id"], "region": machine["region"]}
        execution = asking.write("workflows/start", input='{"a": 1}', **told)["execution"]

        def look() -> Any:
            return asking.read("workflows/execution", execution=execution, region=machine["region"])

        found = eventually(look, lambda found: found["status"] == "SUCCEEDED")
        assert found["output"] == '{\n  "a": 1\n}'

    def test_that_do_not_exist_are_named(self, asking: Asking) -> None:
        arn = "arn:aws:states:us-east-1:000000000000:stateMachine:nope"
        [problem] = asking.refused("workflows/start", machine=arn, region="us-east-1")
        assert "StateMachineDoesNotExist" in problem["what"]


class TestSchedules:
    def test_fire_when_told_to(self, aws: LocalAws, asking: Asking) -> None:
        schedule = asking.one("schedules", "Extras/Yearly")
        assert (schedule["expression"], schedule["timezone"]) == ("rate(365 days)", "UTC")
        before = len(aws.logs("Extras/Loud"))
        fired = asking.write("schedules/fire", kind=schedule["kind"], name=schedule["name"], region=schedule["region"])
        assert len(fired["targets"]) == 1
        eventually(lambda: aws.logs("Extras/Loud")[before:], lambda lines: "{'from': 'the clock'}" in lines)


class TestJournal:
    def test_ties_one_order_together_across_functions(self, aws: LocalAws, asking: Asking) -> None:
        trace = place(asking, f"order-{uuid.uuid4()}")["trace"]
        names = aws.function_paths()

        def ran() -> set[str]:
            entries = aws.journal()
            roots, before = {trace}, 0
            while before < len(roots):
                before = len(roots)
                roots |= {each["trace"] for each in entries if roots & set(each.get("links", ()))}
            mine = [each for each in entries if each.get("trace") in roots]
            return {names[each["function"]] for each in mine if each["kind"] == "invocation"}

        expected = {f"Orders/{name}" for name in
                    ("PlaceOrder", "Intake/Function", "ChargeCard", "TakeStock", "SendEmail", "PackingSlip",
                     "CountSales/Function")}  # fmt: skip
        assert eventually(ran, lambda found: expected <= found, seconds=40) == expected

    def test_ties_together_what_the_page_begins(self, aws: LocalAws, asking: Asking) -> None:
        loud, work = asking.one("functions", "Extras/Loud"), asking.one("queues", "Extras/Work")
        schedule = asking.one("schedules", "Extras/Yearly")
        invoked = asking.write("functions/invoke", function=loud["id"], region=loud["region"], event="{}")["trace"]
        sent = asking.write("queues/send", queue=work["id"], region=work["region"], body="x")["trace"]
        told = {name: schedule[name] for name in ("kind", "name", "region")}
        fired = asking.write("schedules/fire", **told)["trace"]

        def followed() -> list[bool]:
            runs = aws.journal("invocation")
            return [any(root in {each["trace"], *each["links"]} for each in runs) for root in (invoked, sent, fired)]

        eventually(followed, all)

    def test_ties_records_of_a_table_to_the_request_that_wrote_them(self, aws: LocalAws, asking: Asking) -> None:
        writing, reading = (asking.one("functions", f"Extras/{name}") for name in ("Writing", "Reading"))
        told = {"function": writing["id"], "region": writing["region"]}
        trace = asking.write("functions/invoke", event=json.dumps({"id": str(uuid.uuid4())}), **told)["trace"]

        def read() -> list[Any]:
            runs = [each for each in aws.journal("invocation") if each["function"] == reading["id"]]
            return [each for each in runs if trace in each["links"]]

        [run] = eventually(read, bool)
        assert (run["cause"], run["trace"] == trace) == ("dynamodb", False)

    def test_tells_how_a_run_went(self, aws: LocalAws, asking: Asking) -> None:
        failing = asking.one("functions", "Extras/Failing")
        asking.write("functions/invoke", function=failing["id"], region=failing["region"], event="{}")
        told = [each for each in aws.journal("invocation") if each["function"] == failing["id"] and not each["cause"]]
        assert (told[-1]["error"], told[-1]["message"], type(told[-1]["cold"])) == ("ValueError", "<b>poison</b>", bool)
        assert told[-1]["milliseconds"] > 0
