"""The page in a browser, with the orders example deployed: seen, clicked, typed into, and attacked."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from constructs_lib.local import LocalAws
from constructs_lib.local.page import Page
from tests.local.page.asking import Asking, eventually
from tests.local.page.browser import CONTROL, SHIFT, Browser, Tab
from tests.local.page.extras import HOSTILE
from tests.local.page.opening import at, opened
from tests.local.page.test_endpoints import order, place

AXE = Path(__file__).parents[3] / "node_modules" / "axe-core" / "axe.min.js"
VIEWS = {
    "routes": "Routes",
    "requests": "Requests",
    "functions": "Functions",
    "queues": "Queues",
    "tables": "Tables",
    "buckets": "Buckets",
    "workflows": "Workflows",
    "schedules": "Schedules",
    "denied": "Denied calls",
    "unfinished": "Unfinished work",
}
FOCUSED = "document.activeElement.innerText || document.activeElement.value || document.activeElement.tagName"


@pytest.fixture
def tab(browser: Browser, page: Page) -> Iterator[Tab]:
    """The page, freshly opened; a test after which the browser complains has failed."""
    found = opened(browser, page)
    yield found
    assert found.complaints() == []
    assert {each for each in found.asked() if not each.startswith(f"http://127.0.0.1:{page.port}/")} <= {"about:blank"}


@pytest.fixture(scope="module")
def fulfilled(asking: Asking) -> dict[str, Any]:
    """An order that has gone all the way, and the trace of its request."""
    identity = f"order-{uuid.uuid4()}"
    trace = place(asking, identity)["trace"]
    machine = asking.one("machines", "Orders/Fulfilment")

    def look() -> list[dict[str, Any]]:
        told = asking.read("workflows/executions", machine=machine["id"], region=machine["region"])["executions"]
        return [each for each in told if each["name"] == identity and each["status"] == "SUCCEEDED"]

    [execution] = eventually(look, bool, seconds=40)
    return {"id": identity, "trace": trace, "execution": execution["arn"]}


@pytest.fixture(scope="module")
def mischief(aws: LocalAws, asking: Asking) -> None:
    """Hostile content wherever an app can put some."""
    loud, quiet = asking.one("functions", "Extras/Loud"), asking.one("queues", "Extras/Quiet")
    asking.write("functions/invoke", function=loud["id"], region=loud["region"], event='{"denied": true}')
    asking.write("functions/invoke", function=loud["id"], region=loud["region"], event="{}")
    asking.write("queues/send", queue=quiet["id"], region=quiet["region"], body=HOSTILE)
    asking.write("routes/call", method="GET", path="/%3Cimg%20src=x%20onerror=%22window.harmed=1%22%3E", caller="none")
    machine, things = asking.one("machines", "Extras/Hostile"), asking.one("tables", "Extras/Things")
    told = json.dumps({"hostile": HOSTILE})
    asking.write("workflows/start", machine=machine["id"], region=machine["region"], input=told)
    aws.client("dynamodb").put_item(TableName=things["id"], Item={"id": {"S": HOSTILE}, HOSTILE[:40]: {"S": HOSTILE}})
    bucket = asking.one("buckets", "Extras/Files")
    aws.client("s3").put_object(Bucket=bucket["id"], Key=HOSTILE, Body=b"x")
    entries: list[dict[str, Any]] = [
        {"kind": "unfinished", "function": loud["id"], "request_id": HOSTILE, "what": HOSTILE, "at": HOSTILE},
        {"kind": "authorization", "function": "", "principal": HOSTILE, "action": HOSTILE, "resource": HOSTILE,
         "allowed": False, "reason": HOSTILE},
        {"kind": HOSTILE, "trace": HOSTILE, "what": HOSTILE},
    ]  # fmt: skip
    with aws.paths.journal.open("a") as file:
        for each in entries:
            file.write(json.dumps({"time": 1.0, "trace": HOSTILE, **each}) + "\n")


def details_of(fulfilled: dict[str, Any]) -> dict[str, str]:
    """Places where something is chosen, and what is there once it is shown."""
    return {
        "routes/Orders%2FPlaceOrder%2FRoute": ".main-button",
        f"requests/{fulfilled['trace']}": ".timeline li",
        "functions/Extras%2FLoud": ".log",
        "queues/Extras%2FQuiet": ".messages",
        "tables/Extras%2FThings": ".plain",
        "buckets/Extras%2FFiles": "a[download]",
        "workflows/Orders%2FFulfilment": "svg",
        f"workflows/Orders%2FFulfilment/{quote(fulfilled['execution'], safe='')}": "svg .succeeded",
    }


class TestViews:
    @pytest.mark.usefixtures("fulfilled", "mischief")
    @pytest.mark.parametrize("name", VIEWS)
    def test_show_what_is_deployed(self, tab: Tab, name: str) -> None:
        at(tab, name)
        tab.until(f"document.querySelector('h1')?.innerText === {json.dumps(VIEWS[name])}")
        tab.until("document.querySelectorAll('main tbody tr').length > 0")
        assert tab.run("document.querySelector('nav [aria-current]').innerText").startswith(VIEWS[name])

    def test_tell_a_request_that_was_turned_away(self, tab: Tab, asking: Asking) -> None:
        path = f"/nowhere-{uuid.uuid4()}"
        asking.write("routes/call", method="GET", path=path, caller="none")
        at(tab, "requests")
        row = (
            f"[...document.querySelectorAll('main tbody tr')].find((row) => row.innerText.includes({json.dumps(path)}))"
        )
        tab.until(f"{row}?.querySelector('.badge.warn')?.innerText === '404'")

    def test_say_what_to_do_where_there_is_nothing(self, browser: Browser, tmp_path: Path) -> None:
        from tests.local.page.test_guard import Nothing  # noqa: PLC0415 - only here

        nothing: Any = Nothing(tmp_path)
        with Page.start(nothing) as page:
            tab = opened(browser, page)
            for name, title in VIEWS.items():
                at(tab, name)
                tab.until(f"document.querySelector('h1')?.innerText === {json.dumps(title)}")
                assert len(tab.run("document.querySelector('main .empty').innerText")) > 40

    def test_say_when_the_run_has_ended(self, browser: Browser, tmp_path: Path) -> None:
        from tests.local.page.test_guard import Nothing  # noqa: PLC0415 - only here

        nothing: Any = Nothing(tmp_path)
        page = Page.start(nothing)
        tab = opened(browser, page)
        page.stop()
        tab.until("document.querySelector('.state:not(.live)')")


class TestTrying:
    def test_a_route_and_following_its_request(self, tab: Tab) -> None:
        at(tab, "routes")
        tab.until_says("/orders")
        tab.run("[...document.querySelectorAll('main a')].find((each) => each.innerText === '/orders').click()")
        identity = f"order-{uuid.uuid4()}"
        tab.fill("#field-body", order(identity))
        tab.click(".main-button")
        tab.until_says("202 Accepted")
        tab.click(".answer a")
        tab.until_says("Orders/SendEmail", seconds=40)
        tab.until("document.querySelectorAll('.timeline li.ran').length >= 8", seconds=40)
        ran = tab.run("[...document.querySelectorAll('.timeline li.ran .words a')].map((each) => each.innerText)")
        assert ran[0] == "Orders/PlaceOrder"
        assert {"Orders/Intake/Function", "Orders/ChargeCard", "Orders/TakeStock", "Orders/SendEmail"} <= set(ran)
        tab.click(".timeline summary")
        tab.until("/requestid/i.test(document.querySelector('.timeline pre')?.innerText)")

    def test_a_function(self, tab: Tab) -> None:
        at(tab, "functions/Extras%2FLoud")
        tab.fill("#field-event", '{"said": "by the page"}')
        tab.click(".main-button")
        tab.until("document.querySelector('.outcome .badge')?.innerText === 'ok'")
        tab.until("document.querySelector('.log')?.innerText.includes('by the page')")
        tab.fill("#log-filter", "no line has this")
        tab.until_says("No line has this text")

    def test_sending_looking_and_sending_back(self, tab: Tab, asking: Asking) -> None:
        at(tab, "queues/Extras%2FWork")
        body = f"poison {uuid.uuid4()}"
        tab.fill("#field-message", body)
        tab.click(".main-button")
        tab.until_says("sent")
        at(tab, "queues/Extras%2FDead")
        tab.until(f"document.querySelector('.messages')?.innerText.includes({json.dumps(body)})", seconds=30)
        tab.until("[...document.querySelectorAll('button')].some((each) => each.innerText === 'Redrive all')")
        tab.click(".detail-head button")
        tab.until_says("on their way back")
        queue = asking.one("queues", "Extras/Dead")

        def tried() -> list[Any]:
            told = asking.read("queues/messages", queue=queue["id"], region=queue["region"])["messages"]
            return [each for each in told if each["body"] == body]

        eventually(tried, bool, seconds=30)

    def test_an_item_of_a_table(self, tab: Tab, fulfilled: dict[str, Any]) -> None:
        at(tab, "tables/Orders%2FOrders")
        wanted = json.dumps(fulfilled["id"])
        tab.until(f"[...document.querySelectorAll('.plain')].some((each) => each.innerText === {wanted})")
        tab.run(f"[...document.querySelectorAll('.plain')].find((each) => each.innerText === {wanted}).click()")
        tab.until("document.querySelector('pre')?.innerText.includes('\"status\": \"fulfilled\"')")

    def test_an_upload(self, tab: Tab) -> None:
        at(tab, "buckets/Extras%2FFiles")
        tab.until("document.querySelector('input[type=file]')")
        tab.run("""(() => {
            const held = new DataTransfer(); held.items.add(new File(["content"], "from-the-page.txt"));
            const input = document.querySelector("input[type=file]"); input.files = held.files;
            input.dispatchEvent(new Event("change")); })()""")
        tab.click(".main-button")
        tab.until_says("from-the-page.txt, 7 B")
        tab.until(
            "[...document.querySelectorAll('main a[download]')].some((each) => each.innerText === 'from-the-page.txt')"
        )

    def test_a_schedule(self, tab: Tab) -> None:
        at(tab, "schedules")
        tab.click("main td button")
        tab.until_says("fired at 1 target")

    def test_what_fails_says_how_to_mend_it(self, tab: Tab) -> None:
        at(tab, "functions/Extras%2FLoud")
        tab.fill("#field-event", "{")
        tab.click(".main-button")
        tab.until("document.querySelector('.problem')?.innerText.includes('the event is no JSON')")
        tab.until("document.querySelector('.problem')?.innerText.includes('fix mend the JSON')")
        # the browser logs every status of 400 by itself; that one was meant
        told = [each for each in tab.complaints() if "400 (Bad Request)" not in each]
        assert told == []
        tab.forget_complaints()


class TestPicture:
    def test_shows_an_execution_state_by_state(self, tab: Tab, fulfilled: dict[str, Any]) -> None:
        at(tab, f"workflows/Orders%2FFulfilment/{quote(fulfilled['execution'], safe='')}")
        tab.until("document.querySelectorAll('svg .state.succeeded').length >= 7")
        names = tab.run(
            "[...document.querySelectorAll('svg .state.succeeded')].map((each) => each.dataset.key.slice(6))"
        )
        assert {"Process payment", "Update inventory", "Send email", "Mark fulfilled"} <= set(names)
        assert "Mark declined" not in names
        tab.run("document.querySelector('svg .state[data-key=\"state:Process payment\"]').focus()")
        tab.press("Enter")
        tab.until("document.querySelector('.detail h3')?.innerText.startsWith('Process payment')")
        assert json.loads(tab.run("document.querySelector('.detail pre').innerText"))["id"] == fulfilled["id"]
        assert tab.run("document.activeElement.dataset.key") == "state:Process payment"

    def test_of_a_workflow_that_has_not_run_leads_to_its_start(self, tab: Tab) -> None:
        at(tab, "workflows/Extras%2FHostile")
        tab.until("document.querySelectorAll('svg .state').length === 2")
        tab.fill("#field-input", '{"a": 1}')
        tab.click(".main-button")
        tab.until("document.querySelectorAll('svg .state.succeeded').length === 2")
        tab.until_says("succeeded")


class TestKeyboard:
    def test_reaches_everything_in_the_order_it_is_read(self, tab: Tab) -> None:
        at(tab, "routes")
        tab.until("document.querySelector('main tbody a')")
        tab.run("document.activeElement.blur()")
        seen = []
        for _ in range(13):
            tab.press("Tab")
            seen.append(tab.run(FOCUSED).split("\n")[0])
        assert seen[0] == "Skip to content"
        assert seen[1:11] == list(VIEWS.values())
        visible = tab.run(
            "(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle + s.outlineWidth; })()"
        )
        assert visible == "solid2px"
        tab.press("Tab", modifiers=SHIFT)
        assert tab.run(FOCUSED).split("\n")[0] == seen[11]

    def test_opens_with_enter_and_closes_with_escape(self, tab: Tab) -> None:
        at(tab, "functions")
        tab.until("document.querySelector('main tbody a')")
        tab.run("document.querySelector('main tbody a').focus()")
        tab.press("Enter")
        tab.until("document.querySelector('.detail')")
        tab.press("Escape")
        tab.until("!document.querySelector('.detail')")
        assert tab.run("location.hash") == "#/functions"

    def test_sends_with_control_and_enter(self, tab: Tab) -> None:
        at(tab, "functions/Extras%2FLoud")
        tab.fill("#field-event", '{"by": "keys"}')
        tab.press("Enter", modifiers=CONTROL)
        tab.until("document.querySelector('.outcome .badge')?.innerText === 'ok'")

    def test_goes_to_the_filter_with_a_slash(self, tab: Tab) -> None:
        at(tab, "functions/Extras%2FLoud")
        tab.until("document.querySelector('#log-filter')")
        tab.press("/")
        tab.until("document.activeElement.id === 'log-filter'")
        assert tab.run("document.activeElement.value") == ""

    def test_keeps_its_place_while_news_comes(self, tab: Tab, asking: Asking) -> None:
        at(tab, "functions")
        tab.until("document.querySelector('main tbody a')")
        tab.run("[...document.querySelectorAll('main tbody a')].at(-1).focus()")
        before = tab.run(FOCUSED)
        row = "[...document.querySelectorAll('main tbody tr')].find((each) => each.innerText.includes('Loud'))"
        runs = f"Number({row}.children[2].innerText)"
        count = tab.run(runs)
        loud = asking.one("functions", "Extras/Loud")
        asking.write("functions/invoke", function=loud["id"], region=loud["region"], event="{}")
        tab.until(f"{runs} > {count}")
        assert tab.run(FOCUSED) == before


class TestLook:
    @pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
    def test_follows_the_system(self, browser: Browser, page: Page, dark: bool) -> None:
        tab = opened(browser, page, dark=dark)
        back = tab.run("getComputedStyle(document.body).backgroundColor")
        [red, green, blue] = [int(each) for each in back.removeprefix("rgb(").removesuffix(")").split(",")]
        assert (red + green + blue < 150) == dark

    @pytest.mark.usefixtures("mischief")
    def test_fits_a_narrow_window(self, browser: Browser, page: Page, fulfilled: dict[str, Any]) -> None:
        tab = opened(browser, page, width=400)
        for place_, ready in {**dict.fromkeys(VIEWS, "h1"), **details_of(fulfilled)}.items():
            at(tab, place_)
            tab.until(f"document.querySelector('main {ready}')")
            assert tab.run("document.documentElement.scrollWidth") <= 400, place_


class TestAccessibility:
    @pytest.mark.usefixtures("mischief")
    @pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
    def test_axe_finds_nothing_in_any_view(
        self, browser: Browser, page: Page, fulfilled: dict[str, Any], dark: bool
    ) -> None:
        tab = opened(browser, page, dark=dark)
        tab.ask("Runtime.evaluate", expression=AXE.read_text())
        found = "told.violations.map((each) => [each.id, each.nodes.map((node) => node.html)])"
        for place_, ready in {**dict.fromkeys(VIEWS, "h1"), **details_of(fulfilled)}.items():
            at(tab, place_)
            tab.until(f"document.querySelector('main {ready}')")
            assert tab.run(f"axe.run().then((told) => {found})") == [], place_


class TestHostileContent:
    @pytest.mark.usefixtures("mischief")
    def test_is_text_wherever_it_is_shown(self, tab: Tab) -> None:
        places = {
            "functions/Extras%2FLoud": ".log",
            "queues/Extras%2FQuiet": ".messages",
            "tables/Extras%2FThings": "table",
            "buckets/Extras%2FFiles": "a[download]",
            "unfinished": "td",
            "denied": "td",
            "requests": "table",
            "workflows/Extras%2FHostile": "svg title",
        }
        for place_, holder in places.items():
            at(tab, place_)
            shown = "(each) => each.textContent.includes('<img src=x')"
            tab.until(f"[...document.querySelectorAll('main {holder}')].some({shown})")
            assert tab.run("document.querySelectorAll('main img, main script').length") == 0, place_
        assert tab.run("window.harmed") is None

    def test_cannot_become_markup_even_by_mistake(self, tab: Tab) -> None:
        """The policy refuses what the page's own code never does."""
        tried = (
            "(() => { try { document.body.innerHTML = '<img src=x>'; return 'taken'; } catch { return 'refused'; } })()"
        )
        assert tab.run(tried) == "refused"
        tab.forget_complaints()
