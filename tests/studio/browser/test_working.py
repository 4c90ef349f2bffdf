"""The whole way in a real browser: a clip is rendered and compared, a style is learnt, the server is killed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import X264, ffmpeg
from tests.studio.browser.conftest import PATIENCE, Server, colour_at, drop, open_clip, painted

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

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


def test_a_training_is_watched_and_stopped_early(open_page: Open, tmp_path: Path) -> None:
    """With answers that are made up: what is shown at which moment does not depend on how fast it is learnt."""
    page = open_page()
    asked: list[tuple[str, object]] = []
    picture = "/api/styles/great-wave/picture"

    def job(state: str, done: int) -> dict[str, object]:
        losses = [[step, 9 / step, 3 / step, 4 / step, 1 / step] for step in range(1, done + 1)]
        train = {"style": "stripes-and-dots", "losses": losses, "preview": None, "strip": [picture] * (done // 20)}
        usual = {"phase": "train", "total": 120, "rate": 2.0, "seconds_left": 30, "seconds": 9, "error": None}
        texts = {"title": "Stripes", "command": "videostyle train", "input": "uploads/x.png", "output": None}
        none = {"warnings": [], "resumed": 0, "result": None, "report": None, "report_job": None, "finished": None}
        return {"id": "t1", "kind": "train", "state": state, "done": done, "train": train, **usual, **texts, **none}

    def tell(state: str, done: int) -> str:
        return "retry: 50\nevent: jobs\ndata: " + json.dumps({"jobs": [job(state, done)], "paused": False}) + "\n\n"

    states = [tell("waiting", 0), tell("running", 20), tell("running", 60)]

    def events(route: Route) -> None:
        stopped = any(path.endswith("/stop") for path, _ in asked)
        body = tell("done", 60) if stopped else states.pop(0) if len(states) > 1 else states[0]
        route.fulfill(body=body, content_type="text/event-stream")

    def jobs(route: Route) -> None:
        asked.append((route.request.url, route.request.post_data_json))
        route.fulfill(status=201, json=job("waiting", 0))

    page.route("**/api/events", events)
    page.route("**/api/jobs**", jobs)
    page.route("**/api/jobs/**", jobs)
    page.reload()
    page.locator("html[data-ready]").wait_for(state="attached")
    page.locator(".views a[data-view=train]").click()
    painting = tmp_path / "Stripes and Dots.png"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=96x96:d=0.04", "-frames:v", "1", painting)
    drop(page, painting, "image/png")
    page.locator(".painting-drop img").wait_for()
    assert page.get_by_label("Name").input_value() == "stripes-and-dots"
    page.get_by_label("How long").select_option("120")
    page.locator("#view-train code", has_text="--steps 120").wait_for()
    page.get_by_role("button", name="Learn this painting").click()
    page.locator(".strip-cell").nth(2).wait_for()
    chart = page.locator(".chart")
    told = chart.get_attribute("aria-label") or ""
    assert told.startswith("Losses over 60 steps, in parts of what they were at first: total 1.7 %, content 1.7 %")
    page.get_by_role("button", name="Stop early and keep it").click()
    page.get_by_role("button", name="Paint with it").wait_for()
    assert asked[0][1] == {
        **{"kind": "train", "id": "uploads/Stripes and Dots.png", "name": "stripes-and-dots", "steps": 120},
        **{"stroke": 1, "network": "medium"},
    }
    assert asked[1][0].endswith("/api/jobs/t1/stop")


def test_a_style_is_learnt_in_a_few_steps(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    page.locator(".views a[data-view=train]").click()
    painting = tmp_path / "few.png"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=96x96:d=0.04", "-frames:v", "1", painting)
    drop(page, painting, "image/png")
    page.locator(".painting-drop img").wait_for()
    page.get_by_label("Begin with").select_option("base")
    page.get_by_label("Network").select_option("small")

    def fewer(route: Route) -> None:
        body = route.request.post_data_json
        route.continue_(post_data=json.dumps({**body, "steps": 3, "size": 64}))

    page.route("**/api/jobs", fewer)
    page.get_by_role("button", name="Learn this painting").click()
    page.get_by_role("button", name="Paint with it").click(timeout=4 * PATIENCE)
    page.locator("[data-style=few][aria-checked=true]").wait_for()
    page.locator(".views a[data-view=train]").click()
    assert (page.locator(".chart").get_attribute("aria-label") or "").startswith("Losses over ")


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
    page.locator("#offline").wait_for(state="hidden")
    job.locator(".state-done").wait_for()
    job.get_by_role("button", name="Compare").click()
    page.locator(".viewer .clip-line").wait_for()
    assert page.locator(".viewer input[type=range]").get_attribute("max") == "249"


def test_the_camera_of_the_browser_is_painted(open_page: Open) -> None:
    page = open_page()
    page.locator(".views a[data-view=live]").click()
    page.get_by_role("radio", name="this browser").check(force=True)
    for _ in range(3):  # one style is compiled sooner than four
        page.locator("#view-live").get_by_role("button", name="Without").first.click()
    page.locator("#view-live code", has_text="videostyle live").wait_for()
    page.get_by_role("button", name="Start").click()
    page.locator("canvas.live-picture").wait_for()
    page.locator("canvas.live-picture[data-frames]").wait_for(timeout=4 * PATIENCE)
    page.get_by_role("button", name="Stop").click()
    page.locator(".live-idle").wait_for()
