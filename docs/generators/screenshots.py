"""Pictures of the pages, for the README and the guides: taken of a demonstration that is made and served for it.

``python -m docs.generators.screenshots``. Needs Chromium. Everything that is seen is invented and marked as without legal effect.
"""

from __future__ import annotations

import io
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.error import URLError
from urllib.request import urlopen

from PIL import Image
from playwright.sync_api import sync_playwright

from docs.generators import first_look
from docs.generators.clause_matrix import PROJECT
from yinxin.demo.prepare import Demo, prepare_demo

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

IMAGES: Final = PROJECT / "docs" / "images"
WIDE: Final = {"width": 1280, "height": 800}
PHONE: Final = {"width": 390, "height": 844}
COLOURS: Final = 192  # of a palette: pages have few
START_SECONDS: Final = 120
PAGE_MS: Final = 60_000
ONESELF: Final = "本人"


class Camera:
    """A browser that visits pages of one deployment and keeps what it saw."""

    def __init__(self, browser: Browser, base_url: str) -> None:
        self._browser = browser
        self._base_url = base_url

    def visitor(self, login: str = "", password: str = "", *, size: dict[str, int] | None = None, start: str = "/console") -> Page:
        """A window; signed in where a login is given."""
        shape: Any = size or WIDE
        context = self._browser.new_context(base_url=self._base_url, viewport=shape, locale="zh-CN", reduced_motion="reduce")
        page = context.new_page()
        page.set_default_timeout(PAGE_MS)
        if login:
            page.goto(start)
            page.fill("input[name=login]", login)
            page.fill("input[name=password]", password)
            page.press("input[name=password]", "Enter")
            whom = page.get_by_role("button", name=ONESELF)  # asked of who may act for an organisation too
            page.wait_for_function(
                "word => !location.pathname.startsWith('/sign-in') || document.body.innerText.includes(word)", arg=ONESELF
            )
            if whom.count():
                whom.first.click()
                page.wait_for_url(lambda url: "/sign-in" not in url)
        return page

    def keep(self, page: Page, name: str) -> None:
        """Write what the window shows."""
        page.wait_for_load_state("load")
        page.evaluate("window.scrollTo(0, 0)")
        picture = Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
        picture.quantize(COLOURS, dither=Image.Dither.NONE).save(IMAGES / f"{name}.png", optimize=True)
        print(IMAGES / f"{name}.png")


def take(camera: Camera, demo: Demo) -> None:
    """Every picture."""
    people = {each.login: each.password for each in demo.accounts}
    # The console, as those see it who work with seals
    page = camera.visitor("seal-admin", people["seal-admin"])
    camera.keep(page, "console-home")
    page.goto("/console/seals")
    camera.keep(page, "console-seals")
    page.locator("main tr", has_text="使用中").first.locator("a").first.click()
    camera.keep(page, "console-seal")
    page = camera.visitor("reviewer", people["reviewer"])
    camera.keep(page, "console-review")
    # The verification page: a file that holds, and one that was changed
    for name, path, tone in (("verify-valid", demo.licence_pdf, "ok"), ("verify-forged", demo.forged_pdf, "bad")):
        page = camera.visitor()
        page.goto("/v")
        page.set_input_files("#file", path)
        page.locator(f"#place .sentence.is-{tone}").wait_for()  # a picture of another verdict would be a wrong picture
        camera.keep(page, name)
    # A citizen's telephone
    page = camera.visitor(demo.demo_user, demo.demo_password, size=PHONE, start="/my")
    camera.keep(page, "my-licences")
    # Help, and the API with its forms
    page = camera.visitor()
    page.goto("/help")
    camera.keep(page, "help")
    page.goto("/docs")
    page.locator("#operations .opblock-tag").first.wait_for()
    camera.keep(page, "api")


def main() -> int:
    """Make a demonstration, serve it, take the pictures. Exit status 1 without a browser."""
    program = shutil.which("chromium")
    if program is None:
        print("chromium is not installed", file=sys.stderr)
        return 1
    first_look.main()
    with tempfile.TemporaryDirectory(prefix="yinxin-screenshots-") as folder:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        demo = prepare_demo(Path(folder) / "demo", {"listen": {"port": port}})
        serve = "from yinxin.command_line import main; main()"
        with (Path(folder) / "serve.log").open("wb") as log:
            server = subprocess.Popen([sys.executable, "-c", serve, "serve", "--dir", demo.dir], cwd=PROJECT, stdout=log, stderr=log)
        try:
            _wait(f"http://127.0.0.1:{port}/livez")
            with sync_playwright() as driver:
                browser = driver.chromium.launch(executable_path=program)
                take(Camera(browser, f"http://127.0.0.1:{port}"), demo)
                browser.close()
        finally:
            server.terminate()
            server.wait(timeout=60)
    return 0


def _wait(address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urlopen(address, timeout=5):  # noqa: S310 - our own server on loopback
                return
        except (URLError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
