"""DynamoDB on loopback, as far as listing users calls it: a fake behind the real SDK, not a patch inside it."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Item = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Refusal:
    type: str
    status: int
    message: str


@dataclass
class FakeDynamoDb:
    """Answers Scan over `items`, in their order, and remembers each call."""

    items: list[Item] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refusal: Refusal | None = None

    def __post_init__(self) -> None:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                action = self.headers["x-amz-target"].removeprefix("DynamoDB_20120810.")
                sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
                fake.calls.append((action, sent))
                status, body = fake.answer(action, sent)
                payload = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/x-amz-json-1.0")
                self.send_header("content-length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def reset(self) -> None:
        self.items.clear()
        self.calls.clear()
        self.refusal = None

    def answer(self, action: str, sent: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.refusal is not None:
            refusal = self.refusal
            return refusal.status, {
                "__type": f"com.amazonaws.dynamodb.v20120810#{refusal.type}",
                "message": refusal.message,
            }
        if action != "Scan":
            return 400, {"__type": "UnknownOperationException", "message": action}
        after = sent.get("ExclusiveStartKey")
        ids = [item["id"] for item in self.items]
        start = ids.index(after["id"]) + 1 if after else 0
        page = self.items[start : start + sent["Limit"]]
        names = [sent["ExpressionAttributeNames"][name] for name in sent["ProjectionExpression"].split(", ")]
        body: dict[str, Any] = {"Items": [{name: item[name] for name in names if name in item} for item in page]}
        if len(page) == sent["Limit"]:  # as DynamoDB does, also when nothing is left
            body["LastEvaluatedKey"] = {"id": page[-1]["id"]}
        return 200, body
