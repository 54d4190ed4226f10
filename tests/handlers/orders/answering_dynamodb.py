"""DynamoDB on loopback that remembers each call, and answers as a test says: a fake behind the real SDK."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class AnsweringDynamoDb:
    """Accepts everything until it is told to refuse."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refusal: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                action = self.headers["x-amz-target"].removeprefix("DynamoDB_20120810.")
                fake.calls.append((action, json.loads(self.rfile.read(int(self.headers["content-length"])))))
                payload = json.dumps(fake.refusal or {}).encode()
                self.send_response(200 if fake.refusal is None else 400)
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

    def refuse(self, kind: str, **details: object) -> None:
        self.refusal = {"__type": f"com.amazonaws.dynamodb.v20120810#{kind}", "message": kind, **details}

    def cancel(self, *codes: str) -> None:
        """Cancel every transaction, with one code for each of its items."""
        self.refuse("TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes])

    def reset(self) -> None:
        self.calls.clear()
        self.refusal = None

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
