"""Bodies no handler should meet, and every handler will."""

from __future__ import annotations

import json

HOSTILE_BODIES: dict[str, bytes] = {
    "not JSON": b"name=Ada",
    "half JSON": b'{"name": "Ada"',
    "invalid UTF-8": b'{"name": "\xff\xfe"}',
    "UTF-16": '{"name": "Ada"}'.encode("utf-16"),
    "an array": b'["Ada"]',
    "a number": b"42",
    "a string": b'"Ada"',
    "null": b"null",
    "NaN": b'{"name": NaN}',
    "a number as name": b'{"name": 42}',
    "an object as name": b'{"name": {"first": "Ada"}}',
    "an array as name": b'{"name": ["Ada"]}',
    "__proto__": b'{"__proto__": {"name": "Ada"}, "name": {"__proto__": null}}',
    "constructor": b'{"constructor": {"prototype": {"polluted": true}}, "name": 1}',
    "a name of 10,000 letters": json.dumps({"name": "A" * 10_000}).encode(),
    "1 MB": json.dumps({"name": "A" * 1_000_000}).encode(),
    "1 MB of brackets": b"[" * 1_000_000,
    "a lone surrogate": b'{"name": "\\ud800", "email": 1}',
    "NUL bytes": b'{"name": "A\x00da"}',
}
