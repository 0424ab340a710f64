"""A person at a browser: opens pages, signs in by one tap, and looks for barriers on the way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe

PICTURES = os.environ.get("MAPLEBRIDGE_PICTURES", "")
IN_TIME_MS = 20_000


class Walker:
    """One browser context of a width, in a language, with or without script."""

    def __init__(self, browser: Any, site: str, width: int = 360, **options: Any) -> None:
        self.site = site
        self.width = width
        self.script = options.pop("script", True)
        self.context = browser.new_context(
            viewport={"width": width, "height": options.pop("height", 800)},
            locale=options.pop("locale", "zh-CN"),
            java_script_enabled=self.script,
            **options,
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(IN_TIME_MS)
        self.faults: list[str] = []
        self.page.on("pageerror", lambda fault: self.faults.append(str(fault)))

    def open(self, path: str) -> Any:
        """Loads a page of the site."""
        return self.page.goto(self.site + path)

    def send(self, selector: str) -> None:
        """Presses a button of a form and waits for the page that answers it."""
        with self.page.expect_navigation():
            self.page.click(selector)

    def until(self, said: str) -> None:
        """Waits until an expression is true in the page; its policy forbids what Playwright uses.

        Raises AssertionError after IN_TIME_MS.
        """
        for _turn in range(IN_TIME_MS // 50):
            if self.page.evaluate(said):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"not within {IN_TIME_MS} ms: {said}")

    def sit_down(self, person: str) -> None:
        """Changes role in the demonstration."""
        self.open("/demonstration/")
        self.page.locator("button.role", has_text=person).click()
        self.page.wait_for_url(lambda url: "/demonstration/" not in url)

    def look(self, name: str) -> None:
        """No script fault, nothing wider than the screen, no barrier axe can find; a picture."""
        self.page.wait_for_load_state()
        assert self.faults == []
        if PICTURES:
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            picture = Path(PICTURES) / f"{name}-{self.width}.png"
            self.page.screenshot(path=str(picture), full_page=True)
        if not self.script:
            return
        wide = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{name} is {wide} px wider than a screen of {self.width} px"
        found = Axe().run(self.page).response["violations"]
        said = [
            f"{fault['id']}: {fault['help']}: {[node['target'] for node in fault['nodes']]}"
            for fault in found
        ]
        assert said == [], f"{name}: " + "\n".join(said)

    def close(self) -> None:
        """Ends the context."""
        self.context.close()
