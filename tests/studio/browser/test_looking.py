"""Looking at a clip in a real browser: picture, clip line, controls, regions, key frames."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.studio.browser.conftest import Server, colour_at, open_clip, painted

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow
Open = Callable[..., "Page"]


def _command(page: Page, part: str) -> str:
    """The command that is shown, once it has this part."""
    code = page.locator("#command-bar code", has_text=part)
    code.wait_for()
    return code.inner_text()


def _set(page: Page, control: str, value: float) -> None:
    page.locator(f"#control-{control}").fill(str(value))


def test_the_clip_line_is_dragged_with_pointer_and_keys(open_page: Open) -> None:
    page = open_page()
    open_clip(page)
    line = page.get_by_role("slider", name="Clip line between original and painting").first
    assert line.get_attribute("aria-valuenow") == "50"
    stage = page.locator("#stage").bounding_box()
    assert stage is not None
    page.mouse.move(stage["x"] + stage["width"] * 0.5, stage["y"] + stage["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] * 0.7, stage["y"] + stage["height"] * 0.5, steps=5)
    page.mouse.up()
    right = int(line.get_attribute("aria-valuenow") or 0)
    assert right > 60
    line.press("ArrowLeft")
    assert line.get_attribute("aria-valuenow") == str(right - 2)
    line.press("End")
    original = colour_at(page, 0.3, 0.3)
    line.press("Home")
    assert line.get_attribute("aria-valuetext") == "0 % original, 100 % painted"
    assert colour_at(page, 0.3, 0.3) != original
    page.keyboard.down("o")  # the original alone, while the key is held
    assert colour_at(page, 0.3, 0.3) == original
    page.keyboard.up("o")
    assert colour_at(page, 0.3, 0.3) != original
    page.keyboard.press("+")
    assert page.locator("#stage .zoom-text").inner_text() == "1.5×"
    page.keyboard.press("0")
    assert page.locator("#stage .zoom-text").inner_text() == "Fit"


def test_controls_show_at_once_and_can_be_taken_back(open_page: Open) -> None:
    page = open_page()
    open_clip(page)
    page.locator("#stage .clip-line").press("Home")
    before = colour_at(page, 0.3, 0.3)
    assert _command(page, "great-wave").startswith("videostyle render ")
    _set(page, "strength", 0)
    painted(page)
    page.locator("#stage .clip-line").press("End")
    original = colour_at(page, 0.3, 0.3)
    page.locator("#stage .clip-line").press("Home")
    assert max(abs(a - b) for a, b in zip(colour_at(page, 0.3, 0.3), original, strict=True)) <= 6
    assert "--strength 0" in _command(page, "--strength")
    page.keyboard.press("Control+z")
    painted(page)
    assert colour_at(page, 0.3, 0.3) == before
    page.locator("[data-style=the-scream]").click()
    painted(page)
    assert page.get_by_role("radio", name="The Scream").get_attribute("aria-checked") == "true"
    assert colour_at(page, 0.3, 0.3) != before
    assert "--style the-scream" in _command(page, "the-scream")


def test_all_styles_are_painted_those_in_sight_first(open_page: Open) -> None:
    page = open_page()
    with page.expect_request("**/api/grid") as asked:
        open_clip(page)
    order = asked.value.post_data_json["styles"]
    seen = page.evaluate(
        """() => {
            const bounds = document.querySelector("#styles").getBoundingClientRect();
            return [...document.querySelectorAll(".style")]
                .filter((style) => style.getBoundingClientRect().top < bounds.bottom)
                .map((style) => style.dataset.style);
        }"""
    )
    assert 2 <= len(seen) < len(order)
    assert set(order[: len(seen)]) >= set(seen[:-2])
    page.locator(".style .thumb:not(.empty)").nth(len(order) - 1).wait_for(state="attached")


def test_frames_are_stepped_and_played(open_page: Open) -> None:
    page = open_page()
    open_clip(page)
    scrub = page.get_by_role("slider", name="Frame")
    page.keyboard.press(".")
    page.keyboard.press(".")
    page.keyboard.press(",")
    assert scrub.input_value() == "1"
    page.keyboard.press("End")
    painted(page)
    assert scrub.get_attribute("aria-valuetext") == "frame 9 of 10, 0:00.36"
    page.locator(".shot").first.click()
    assert scrub.input_value() == "0"
    page.get_by_role("button", name="Play").first.click()
    page.get_by_role("button", name="Pause").first.wait_for()
    frames = set()
    while len(frames) < 3:
        frames.add(scrub.input_value())
        page.wait_for_timeout(20)
    page.keyboard.press(" ")
    painted(page)


def test_a_region_is_drawn_and_only_it_is_painted(open_page: Open) -> None:
    page = open_page()
    open_clip(page)
    page.get_by_role("button", name="Draw a rectangle").click()
    stage = page.locator("#stage").bounding_box()
    assert stage is not None
    page.mouse.move(stage["x"] + stage["width"] * 0.5, stage["y"] + stage["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] * 0.6, stage["y"] + stage["height"] * 0.8, steps=4)
    page.mouse.up()
    page.get_by_label("soft edge, px").fill("0")
    page.keyboard.press("Tab")
    painted(page)
    line = page.locator("#stage .clip-line")
    line.press("Home")
    outside, inside = colour_at(page, 0.1, 0.5), colour_at(page, 0.55, 0.5)
    line.press("End")
    assert max(abs(a - b) for a, b in zip(outside, colour_at(page, 0.1, 0.5), strict=True)) <= 6
    assert inside != colour_at(page, 0.55, 0.5)
    assert "--region" in _command(page, "box=")
    page.get_by_label("left in %").fill("10")
    page.keyboard.press("Tab")
    assert "box=0.1 " in _command(page, "box=0.1 ")


def test_a_key_frame_is_put_moved_copied_deleted_and_saved(open_page: Open, server: Server) -> None:
    page = open_page()
    open_clip(page)
    page.keyboard.press("k")
    key = page.locator(".key[data-key]")
    key.wait_for()
    page.locator(".key-editor").get_by_label("value").fill("0.3")
    _set(page, "strength", 0.2)  # a control belongs to the chosen key frame
    assert "strength=0.2" in _command(page, "strength=0.2")
    key.press("ArrowRight")
    assert "frame 1" in (key.get_attribute("aria-label") or "")
    lane = page.locator("[data-lane=strength]").bounding_box()
    mark = key.bounding_box()
    assert lane is not None
    assert mark is not None
    page.mouse.move(mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2)
    page.mouse.down()
    page.mouse.move(lane["x"] + lane["width"] * 4 / 9, mark["y"] + 4, steps=6)
    page.mouse.up()
    assert "--at 4f" in _command(page, "--at 4f")
    assert page.get_by_role("slider", name="Frame").input_value() == "4"
    key.press("Control+c")
    page.keyboard.press("End")
    page.keyboard.press("Control+v")
    assert page.locator(".key[data-key]").count() == 2
    page.keyboard.press("Control+s")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name of the file").fill("keys.toml")
    dialog.get_by_role("button", name="Save").click()
    page.get_by_text("Saved: ").wait_for()
    saved = tomllib.loads((server.folder / "keys.toml").read_text(encoding="utf-8"))
    (clip,) = saved["clip"]
    assert Path(clip["input"]).name == "small.mp4"
    assert [(moment["at"], moment["strength"]) for moment in clip["timeline"]] == [("4f", 0.2), ("9f", 0.2)]
    page.locator(".key[data-key]").last.press("Delete")
    page.locator(".key[data-key]").first.press("Delete")
    assert page.locator(".key[data-key]").count() == 0
    page.get_by_role("button", name="Load").click()
    page.get_by_role("dialog").get_by_role("button", name="keys.toml").click()
    page.locator(".key[data-key]").nth(1).wait_for()


def test_what_the_page_writes_it_reads_again(open_page: Open) -> None:
    page = open_page()
    told = page.evaluate(
        """async () => {
            const look = await import("/js/look.js");
            const settings = {
                style: "great-wave:0.75,starry-night:0.25",
                strength: 0.5, canvas: 0.4, seed: 3, stroke_size: 2, crf: 20,
                processors: [{ name: "preserve-color", amount: 0.5, mode: "mean" }, { name: "sharpen", amount: 0.3 }],
                regions: [
                    { kind: "rectangle", box: "0s 0 0 0.5 1; 0.2s 0.5 0 1 1", feather: 3, strength: 0.2 },
                    { kind: "polygon", points: "0.1 0.1 0.9 0.1 0.5 0.8", invert: true },
                    { kind: "faces", hold: 8, style: "the-scream" },
                ],
                timeline: [
                    { at: "2f", style: "woodcut", ease: 2, curve: "linear" }, { at: "5f", strength: 0.1, snap: true },
                    { at: "7f", "preserve-color.amount": 0.9 },
                ],
            };
            return [settings, look.toSettings(look.fromSettings(settings, 25), 25)];
        }"""
    )
    assert told[0] == told[1]


def test_a_second_tab_does_not_take_the_first_ones_pictures(open_page: Open) -> None:
    first = open_page()
    open_clip(first)
    second = first.context.new_page()
    second.goto(first.url)
    open_clip(second)
    for strength in (0.2, 0.4, 0.6):
        _set(first, "strength", strength)
        _set(second, "strength", 1 - strength)
    painted(first)
    painted(second)
    assert "--strength 0.6" in _command(first, "--strength 0.6")
    assert "--strength 0.4" in _command(second, "--strength 0.4")


def test_a_slow_connection_gets_the_newest_picture_only(open_page: Open) -> None:
    page = open_page()
    open_clip(page)
    page.locator("#stage .clip-line").press("Home")
    _set(page, "strength", 0)
    painted(page)
    unpainted = colour_at(page, 0.3, 0.3)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/api/preview") else None)
    tools = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 300, "downloadThroughput": 40_000, "uploadThroughput": 40_000}
    tools.send("Network.emulateNetworkConditions", slow)
    for step in range(20):
        _set(page, "strength", (step % 10) / 10)
    _set(page, "strength", 0)
    _set(page, "canvas", 0.5)
    painted(page)
    assert max(abs(a - b) for a, b in zip(colour_at(page, 0.3, 0.3), unpainted, strict=True)) <= 12
    assert len(asked) <= 24  # not one for each step and its exact picture
