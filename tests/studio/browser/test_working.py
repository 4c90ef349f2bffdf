"""The whole way in a real browser: a clip is rendered and compared, a style is learnt, the server is killed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import X264, ffmpeg
from tests.studio.browser.conftest import Server, colour_at, drop, open_clip, painted

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow
Open = Callable[..., "Page"]


def test_a_clip_is_dropped_rendered_and_compared(open_page: Open, server: Server, small_clip: Path) -> None:
    page = open_page()
    drop(page, small_clip, "video/mp4")
    painted(page)
    assert page.locator("#file-name").inner_text() == "small.mp4"
    assert (server.work / "uploads" / "small.mp4").is_file()
    page.get_by_role("button", name="Render").last.click()
    job = page.locator(".job").first
    job.locator(".state-done").wait_for()
    job.get_by_role("button", name="Compare").click()
    viewer = page.locator(".viewer")
    line = viewer.locator(".clip-line")
    line.wait_for()
    line.press("End")
    original = colour_at(page, 0.3, 0.3, ".viewer .stage")
    line.press("Home")
    assert colour_at(page, 0.3, 0.3, ".viewer .stage") != original
    with page.expect_download() as saved:
        job.get_by_role("link", name="Download").click()
    assert saved.value.suggested_filename.endswith(".mp4")
    assert list((server.work / "results").glob("*.mp4"))
    job.get_by_role("button", name="Take off the list").click()
    page.locator(".job").first.wait_for(state="detached")
    assert viewer.is_hidden()


def test_a_style_is_learnt_in_a_few_steps(open_page: Open, server: Server, tmp_path: Path) -> None:
    page = open_page()
    page.locator(".views a[data-view=train]").click()
    painting = tmp_path / "Stripes and Dots.png"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=96x96:d=0.04", "-frames:v", "1", painting)
    drop(page, painting, "image/png")
    page.locator(".painting-drop img").wait_for()
    assert page.get_by_label("Name").input_value() == "stripes-and-dots"
    page.evaluate("() => document.querySelector('#train-steps').append(new Option('a few', '3', true, true))")
    page.get_by_label("How long").dispatch_event("change")
    page.locator("#view-train code", has_text="--steps 3").wait_for()
    page.get_by_label("Network").select_option("small")
    page.get_by_role("button", name="Learn this painting").click()
    page.locator(".train-look").wait_for()
    page.get_by_role("button", name="Paint with it").click()
    page.locator("[data-style=stripes-and-dots][aria-checked=true]").wait_for()
    page.locator(".views a[data-view=train]").click()
    chart = page.locator(".chart")
    assert (chart.get_attribute("aria-label") or "").startswith("Losses over 3 steps")


def test_a_render_goes_on_after_the_server_was_killed(
    open_page: Open, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    long = server.folder / "long.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=10", *X264, long)
    page = open_page()
    open_clip(page, "long.mp4")
    page.get_by_role("button", name="Render").last.click()
    job = page.locator(".job").first
    job.locator(".state-running").wait_for()
    port = server.port
    server.kill()
    page.get_by_text("The server does not answer.").wait_for()
    server.start(port)
    again = page.context.new_page()  # what the user opens; the tab that was open goes on by itself
    again.goto(server.address)
    page.bring_to_front()
    page.locator("#offline").wait_for(state="hidden")
    job.locator(".state-done").wait_for()
    job.get_by_role("button", name="Compare").click()
    page.locator(".viewer .clip-line").wait_for()
    assert page.locator(".viewer input[type=range]").get_attribute("max") == "249"


def test_the_camera_of_the_browser_is_painted(open_page: Open) -> None:
    page = open_page()
    page.locator(".views a[data-view=live]").click()
    page.get_by_text("this browser").click()
    page.locator("#view-live code", has_text="videostyle live").wait_for()
    page.get_by_role("button", name="Start").click()
    page.locator("canvas.live-picture").wait_for()
    page.locator("canvas.live-picture[data-frames]").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.locator(".live-idle").wait_for()
