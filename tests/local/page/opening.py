"""Opens the page in a browser, and goes from view to view."""

from __future__ import annotations

import json
from typing import Any

from constructs_lib.local.page import Page
from tests.local.page.browser import Browser, Tab


def opened(browser: Browser, page: Page, **how: Any) -> Tab:
    tab = browser.new_page(**how)
    tab.go(page.url)
    tab.until("document.querySelector('.state.live')")
    return tab


def at(tab: Tab, place: str) -> None:
    tab.run(f"location.hash = {json.dumps('#/' + place)}")
