"""The page for those who use keys, a screen reader, a phone, or a dark room; and closed to pages of other sites."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.studio.browser.conftest import Server, open_clip

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow
Open = Callable[..., "Page"]

UNNAMED = """() => [...document.querySelectorAll("button, a, input, select, [role=slider], [role=radio]")]
    .filter((one) => one.checkVisibility())
    .filter((one) => {
        const labelled = one.getAttribute("aria-labelledby");
        const text = one.getAttribute("aria-label") || (labelled && document.getElementById(labelled)?.textContent)
            || [...(one.labels ?? [])].map((label) => label.textContent).join("") || one.textContent;
        return !text.trim();
    }).map((one) => one.outerHTML)"""

# Text whose contrast with the first ground behind it that is not transparent is below 4.5 (WCAG 2.2, AA); text on
# pictures has a ground of its own, and what is switched off does not count.
WEAK = """() => {
    const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const linear = (c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => [r, g, b].map((c) => linear(c / 255))
        .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
    const ground = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const colour = numbers(getComputedStyle(one).backgroundColor);
            if ((colour[3] ?? 1) > 0.5) return colour;
        }
        return [255, 255, 255];
    };
    const weak = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
        if (element.closest(":disabled, option, noscript")) continue;
        const [one, other] = [numbers(getComputedStyle(element).color), ground(element)].map(light).sort();
        const contrast = (other + 0.05) / (one + 0.05);
        if (contrast < 4.5) weak.push([element.textContent.slice(0, 30), contrast]);
    }
    return weak;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_has_a_name_and_contrast(open_page: Open, scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    open_clip(page)
    page.keyboard.press("k")
    page.locator(".key-editor").wait_for()
    for view in ("look", "renders", "train", "live"):
        page.locator(f".views a[data-view={view}]").click()
        page.locator(f"#view-{view}").wait_for()
        assert page.evaluate(UNNAMED) == [], view
        assert page.evaluate(WEAK) == [], view
    page.keyboard.press("?")
    assert page.evaluate(WEAK) == []
    assert page.get_by_role("dialog", name="Keys and help").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    assert page.locator("html").get_attribute("data-theme") == {"light": "dark", "dark": "light"}[scheme]


def test_the_tab_key_goes_through_the_page_in_its_order(open_page: Open) -> None:
    page = open_page()
    open_clip(page)
    places: list[str] = []
    for _ in range(75):
        page.keyboard.press("Tab")
        place = page.evaluate(
            """() => {
                const parts = "#stage, #transport, #styles, #controls, #regions, #timeline, #command-bar";
                const active = document.activeElement;
                return active.closest(parts)?.id || (active.closest("header") ? "header" : active.className);
            }"""
        )
        if place and (not places or places[-1] != place):
            places.append(place)
    order = ["skip", "header", "stage", "transport", "styles", "controls", "regions", "timeline", "command-bar"]
    begun = places.index("skip")  # the tab key starts where the pointer was last
    assert [place for place in places[begun:] if place in order][: len(order)] == order, places
    # One style of the grid is reached by the tab key, the others by arrows.
    page.locator(".style[tabindex='0']").focus()
    chosen = page.locator(".style[aria-checked=true]").get_attribute("data-style")
    page.keyboard.press("ArrowRight")
    other = page.locator(".style[aria-checked=true]").get_attribute("data-style")
    assert other != chosen
    assert page.evaluate("() => document.activeElement.dataset.style") == other


def test_the_page_fits_a_phone(open_page: Open) -> None:
    page = open_page(380, 780, has_touch=True, is_mobile=True)
    open_clip(page)
    for view in ("look", "renders", "train", "live"):
        page.locator(f".views a[data-view={view}]").click()
        wide = page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= 380, view
    page.locator(".views a[data-view=look]").click()
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, a, select")].filter((one) => one.checkVisibility())
            .filter((one) => !one.matches(".skip, .shot"))
            .map((one) => [one.getBoundingClientRect(), one.outerHTML])
            .filter(([at]) => at.width && (at.width < 24 || at.height < 24)).map(([, html]) => html)"""
    )
    assert small == [], small
    line = page.locator("#stage .clip-line").bounding_box()
    assert line is not None
    assert 0 <= line["x"] <= 380


HOSTILE = """<!doctype html><title>waiting</title><iframe id="frame" src="TARGET/"></iframe><img id="image">
<form id="form" method="post" enctype="text/plain" target="frame" action="TARGET/api/jobs"><input name="{}"></form>
<script type="module">
const mine = { credentials: "include" };
const tries = [
    ["/api/config", {}],
    ["/api/files?folder=f0", mine],
    ["/api/uploads?name=evil.mp4", { method: "POST", body: "evil", mode: "no-cors", ...mine }],
    ["/api/jobs", { method: "POST", body: "{}", headers: { "Content-Type": "application/json" }, ...mine }],
];
const told = [];
for (const [path, options] of tries) {
    try {
        const answer = await fetch("TARGET" + path, options);
        told.push([path, answer.type, answer.status]);
    } catch { told.push([path, "refused", 0]); }
}
const seen = (one, opens) => new Promise((done) => {
    one[opens] = () => done(told.push([opens, "seen", 1]));
    one.onerror = done;
});
const image = document.getElementById("image");
image.src = "TARGET/api/frame?id=f0/small.mp4&frame=0";
await seen(image, "onload");
await seen(new EventSource("TARGET/api/events", { withCredentials: true }), "onopen");
document.getElementById("form").submit();
window.told = told;
document.title = "done";
</script>"""


@pytest.fixture
def hostile(server: Server) -> Iterator[str]:
    """Address of a page of another site that tries all that a browser lets it."""
    page = HOSTILE.replace("TARGET", f"http://127.0.0.1:{server.port}")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{site.server_address[1]}/"
    site.shutdown()
    site.server_close()


def test_h1_a_page_of_another_site_reads_and_does_nothing(open_page: Open, server: Server, hostile: str) -> None:
    page = open_page()  # its cookie is in this browser
    jobs = "async () => (await (await fetch('/api/jobs')).json()).jobs.length"
    before = page.evaluate(jobs)
    other = page.context.new_page()
    other.goto(hostile)
    other.wait_for_function("() => document.title === 'done'")
    told = other.evaluate("() => window.told")
    assert [entry for entry in told if entry[1] not in ("refused", "opaque")] == []
    assert not list(server.work.rglob("evil*"))
    assert page.evaluate(jobs) == before
    frame = next(one for one in other.frames if one.parent_frame is not None)
    assert frame.locator(".brand").count() == 0  # it cannot be framed
