"""A page on another port of this machine, in a browser in which ours is open: same site, other origin."""

from __future__ import annotations

import json
from typing import Any

import pytest

from constructs_lib.local import LocalAws
from constructs_lib.local.page import Page
from tests.local.page.asking import Asking, eventually
from tests.local.page.browser import Browser, Tab
from tests.local.page.opening import opened


class TestOtherPages:
    @pytest.fixture
    def elsewhere(self, browser: Browser, page: Page, aws: LocalAws) -> Tab:
        """A page of another port of this machine, in a browser in which ours is open: same site, other origin."""
        tab = opened(browser, page)
        tab.go(f"{aws.url}/nowhere")
        tab.until(f"location.href.startsWith({json.dumps(aws.url)}) && document.body")
        return tab

    def test_read_nothing(self, elsewhere: Tab, page: Page) -> None:
        for how in ("{credentials: 'include'}", "{credentials: 'include', mode: 'no-cors'}"):
            read = ".then(async (told) => (await told.text()).length, () => 'refused')"
            assert elsewhere.run(f"fetch('http://127.0.0.1:{page.port}/api/app', {how}){read}") in {"refused", 0}

    def test_follow_nothing(self, elsewhere: Tab, page: Page) -> None:
        for made in (f"new EventSource('http://127.0.0.1:{page.port}/api/events', {{withCredentials: true}})",
                     f"new WebSocket('ws://127.0.0.1:{page.port}/api/events')"):  # fmt: skip
            listen = "it.onopen = () => done('open'); it.onerror = () => done('refused');"
            told = elsewhere.run(f"new Promise((done) => {{ const it = {made}; {listen} }})")
            assert told == "refused"

    def test_write_nothing(self, elsewhere: Tab, page: Page, asking: Asking) -> None:
        queue = asking.one("queues", "Extras/Quiet")
        told = {"queue": queue["id"], "region": queue["region"], "body": "from elsewhere"}

        def arrived() -> list[Any]:
            found = asking.read("queues/messages", queue=queue["id"], region=queue["region"])["messages"]
            return [each for each in found if each["body"] == "from elsewhere"]

        url, body = json.dumps(f"http://127.0.0.1:{page.port}/api/queues/send"), json.dumps(json.dumps(told))
        for headers in ("{}", "{'content-type': 'application/json', 'x-constructs-lib': 'page'}"):
            for mode in ("cors", "no-cors"):
                how = f"method: 'POST', mode: '{mode}', credentials: 'include', headers: {headers}, body: {body}"
                elsewhere.run(f"fetch({url}, {{{how}}}).then(() => 'sent', () => 'refused')")
        elsewhere.run(f"""(() => {{
            const form = document.createElement("form"); form.method = "post"; form.action = {url};
            form.enctype = "text/plain"; const field = document.createElement("input");
            field.name = {body}; form.append(field); document.body.append(form); form.submit(); }})()""")
        elsewhere.until(f"location.port === '{page.port}'")
        assert arrived() == []
        asking.write("queues/send", **told)
        assert len(arrived()) == 1

    def test_show_it_in_no_frame(self, elsewhere: Tab, page: Page) -> None:
        elsewhere.run(f"""(() => {{ const frame = document.createElement("iframe");
            frame.src = "http://127.0.0.1:{page.port}/"; document.body.append(frame); }})()""")

        def refused() -> list[int]:
            elsewhere.run("1")  # what the browser has told meanwhile comes with the answer
            return [each["status"] for each in elsewhere.responses() if each["url"].endswith(f":{page.port}/")]

        assert eventually(refused, lambda found: found[-1] == 403)[-1] == 403
