"""A real browser, and a site that serves with the report site's own headers.

The browser comes with npm's lock and is unpacked once, below node_modules; nothing of the machine's
own is needed but the C library. Where it cannot be had, these tests fail and say so.
"""

import fcntl
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Dialog,
    Locator,
    Page,
    Route,
    sync_playwright,
)

from proof_ci.report.store import Page as Object

ROOT = Path(__file__).parents[2]
PACKED = ROOT / "node_modules" / "@sparticuz" / "chromium"
FLAGS = [
    f"--{flag}"
    for flag in (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-sync",
        "disable-background-networking",
        "disable-component-update",
    )
]
PARTS = ("chromium", "al2023.tar", "fonts.tar")
UNPACK = """
const fs = require("fs"), zlib = require("zlib");
const [from, to] = process.argv.slice(1);
fs.createReadStream(from).pipe(zlib.createBrotliDecompress()).pipe(fs.createWriteStream(to));
"""
FONTS = """<?xml version="1.0"?><fontconfig>
<include ignore_missing="yes">/etc/fonts/fonts.conf</include>
<dir>{here}/fonts</dir><dir>/usr/share/fonts</dir><cachedir>{here}/font-cache</cachedir>
</fontconfig>"""


SCRIPTS = """() => [...document.querySelectorAll("*")].filter(e => e.localName === "script"
  || [...e.attributes].some(a => a.name.startsWith("on"))
  || /^javascript:/.test(e.href || e.src || e.action || ""))
  .length"""


@dataclass(frozen=True)
class Chromium:
    """An unpacked browser."""

    folder: Path

    @property
    def program(self) -> Path:
        return self.folder / "chromium"

    def environment(self) -> dict[str, str]:
        """Its own fonts beside the machine's; its own libraries where some are missing."""
        found = {**os.environ, "FONTCONFIG_FILE": str(self.folder / "fonts.conf")}
        needs = subprocess.run(["ldd", self.program], capture_output=True, text=True, check=False)
        if "not found" in needs.stdout:
            found["LD_LIBRARY_PATH"] = str(self.folder / "lib")
        return found


def _unpack(folder: Path) -> None:
    for part in PARTS:
        made = folder / part
        node = Path(sys.executable).parent / "node"
        subprocess.run([node, "-e", UNPACK, PACKED / "bin" / f"{part}.br", made], check=True)
        if made.suffix == ".tar":
            subprocess.run(["tar", "-xf", made, "-C", folder], check=True)
            made.unlink()
    (folder / "fonts.conf").write_text(FONTS.format(here=folder))
    (folder / "chromium").chmod(0o755)
    (folder / "whole").touch()


@pytest.fixture(scope="session")
def chromium() -> Chromium:
    if not PACKED.exists():
        pytest.fail("the browser is not installed: run make setup")
    version = json.loads((PACKED / "package.json").read_text())["version"]
    folder = ROOT / "node_modules" / ".cache" / f"chromium-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "whole").exists():
            _unpack(folder)
    return Chromium(folder)


@pytest.fixture(scope="session")
def browser(chromium: Chromium) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.program, args=FLAGS, env=dict(chromium.environment())
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def headers() -> dict[str, str]:
    """What the template's response headers policy adds to every answer."""
    return site_headers()


def site_headers() -> dict[str, str]:
    """The headers that CloudFront is told to send, read from the synthesised policy."""
    import aws_cdk as cdk
    from aws_cdk.assertions import Template

    from padstone_cdk.proof.report import ReportSite

    stack = cdk.Stack(cdk.App(), "Pages")
    ReportSite(stack, "Site", bucket="reports", visibility="public")
    found = Template.from_stack(stack).find_resources("AWS::CloudFront::ResponseHeadersPolicy")
    (policy,) = found.values()
    security = policy["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    return {
        "Content-Security-Policy": security["ContentSecurityPolicy"]["ContentSecurityPolicy"],
        "X-Content-Type-Options": "nosniff" if security["ContentTypeOptions"]["Override"] else "",
        "X-Frame-Options": security["FrameOptions"]["FrameOption"],
        "Referrer-Policy": security["ReferrerPolicy"]["ReferrerPolicy"],
    }


@dataclass
class LocalSite:
    """A site of objects; what is put on it can be read. `asked` are the paths asked for."""

    headers: dict[str, str]
    objects: dict[str, Object] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def put(self, page: Object) -> None:
        self.objects[page.key] = page

    def page(self, key: str, html: str) -> str:
        """Put a page; its URL."""
        self.put(Object(key, html.encode(errors="replace"), "text/html; charset=utf-8"))
        return f"{self.url}/{key}"


@pytest.fixture
def site(headers: dict[str, str]) -> Iterator[LocalSite]:
    site = LocalSite(dict(headers))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            site.asked.append(path)
            found = site.objects.get(unquote(path)[1:])
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", found.content_type if found else "text/plain")
            for name, value in site.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(found.content if found else b"no such page")

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        site.url = f"http://127.0.0.1:{server.server_port}"
        yield site
        server.shutdown()


@dataclass
class Watched:
    """A tab, and whatever happened in it that must not."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        note = self.complaints.append
        self.page.on("dialog", self._dialog)
        self.page.on("console", lambda message: self._console(message.text))
        self.page.on("pageerror", lambda error: note(f"error {error}"))
        self.page.on("popup", lambda popup: note(f"popup {popup.url}"))
        self.page.context.route("**/*", self._request)

    def _console(self, text: str) -> None:
        """The driver's own way of looking at a sandboxed page is blocked, too; `scripts` counts."""
        if not text.startswith("Blocked script execution in"):
            self.complaints.append(f"console {text}")

    def _dialog(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _request(self, route: Route) -> None:
        """What the policy stopped does not come here; nothing goes further than to the site."""
        if route.request.url.startswith(f"{self.url}/"):
            route.continue_()
        else:
            self.complaints.append(f"request to {route.request.url}")
            route.abort()

    def press(self, link: Locator) -> None:
        """Click as a hand does; the driver's own click would run scripts in the page."""
        link.evaluate('e => e.scrollIntoView({block: "center"})')
        box = link.bounding_box()
        assert box is not None
        self.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        self.page.wait_for_timeout(50)
        self.page.wait_for_load_state()

    def follow(self, link: Locator) -> None:
        """The same, until the other page is there."""
        with self.page.expect_navigation():
            self.press(link)

    def scripts(self) -> int:
        """How many elements would run something."""
        return int(self.page.evaluate(SCRIPTS))


class Tabs:
    """Opens tabs of a width and a colour scheme."""

    def __init__(self, browser: Browser, site: LocalSite) -> None:
        self._browser, self._site = browser, site
        self._open: list[BrowserContext] = []

    def open(self, url: str, *, width: int = 1280, dark: bool = False, wait: int = 0) -> Watched:
        context = self._browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        self._open.append(context)
        tab = Watched(context.new_page(), self._site.url)
        tab.page.goto(url)
        tab.page.wait_for_timeout(wait)
        return tab

    def close(self) -> None:
        for context in self._open:
            context.close()


@pytest.fixture
def tabs(browser: Browser, site: LocalSite) -> Iterator[Tabs]:
    tabs = Tabs(browser, site)
    yield tabs
    tabs.close()


@pytest.fixture
def shots(request: pytest.FixtureRequest) -> Path:
    """Where screenshots are left for people to look at."""
    folder = ROOT / "build" / "pages"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
