"""Makes the pictures of the studio's page in ``samples/studio``, from the page itself, in a Chromium that is installed.

    .venv/bin/python scripts/studio_screenshots.py

It paints the sample clip with ``videostyle studio``, renders its first second, and takes each picture when what it
shows is painted. It needs ``pip install -e '.[dev]'`` and a Chromium (Debian: ``chromium-headless-shell``).
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell")
PATIENCE = 600_000  # milliseconds for what takes long on a busy machine
QUALITY = 82  # of WebP

RENDER_A_SECOND = """async () => {
    const body = { kind: "render", id: "f0/harbour.mp4", settings: { style: "starry-night", end: 1 } };
    const headers = { "Content-Type": "application/json" };
    await fetch("/api/jobs", { method: "POST", headers, body: JSON.stringify(body) });
}"""

# Commands without the folder of this machine.
SHORT_PATHS = """(folder) => {
    for (const code of document.querySelectorAll("code")) code.textContent = code.textContent.replaceAll(folder, "");
}"""


def main() -> int:
    """Takes all pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--output", type=Path, default=ROOT / "samples" / "studio", help="folder to write into")
    options = parser.parse_args()
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        print("no Chromium on this machine", file=sys.stderr)
        return 6
    from playwright.sync_api import sync_playwright

    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work, _studio(Path(work)) as address, sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])

        def page(width: int, height: int, **more: Any) -> Any:
            context = chromium.new_context(viewport={"width": width, "height": height}, **more)
            context.set_default_timeout(PATIENCE)
            opened = context.new_page()
            opened.goto(address)
            _painted(opened)
            return opened

        def keep(shown: Any, name: str) -> None:
            shown.evaluate(SHORT_PATHS, f"{ROOT}/")
            data = np.frombuffer(shown.screenshot(), np.uint8)
            picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
            path = options.output / f"{name}.webp"
            cv2.imwrite(str(path), picture, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
            print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")

        look = page(1360, 820)
        _all_painted(look)
        keep(look, "look")
        look.evaluate(RENDER_A_SECOND)
        look.locator(".views a[data-view=renders]").click()
        look.get_by_role("button", name="Compare").click()
        look.locator(".viewer .clip-line").wait_for()
        look.mouse.move(0, 0)
        look.evaluate("() => document.querySelector('.facts').replaceChildren()")  # how long it took here
        keep(look, "renders")
        keep(_timeline(page(1360, 820, color_scheme="dark")), "timeline")
        phone = page(380, 780, device_scale_factor=2, has_touch=True, is_mobile=True)
        _all_painted(phone)
        keep(phone, "phone")
        chromium.close()
    return 0


@contextmanager
def _studio(work: Path) -> Iterator[str]:
    """A studio with the sample clip open; its address."""
    clip = str(ROOT / "samples" / "harbour.mp4")
    words = ["studio", clip, "--work", str(work / "studio"), "--no-browser"]
    process = subprocess.Popen([sys.executable, "-m", "videostyle", *words], stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip() if process.stdout else ""
    finally:
        process.terminate()
        process.wait()


def _painted(page: Any) -> None:
    page.locator("#stage[data-state=painted]").wait_for()


def _all_painted(page: Any) -> None:
    """Waits until all thumbnails show the frame as it is, and takes the pointer away."""
    page.wait_for_timeout(1000)  # thumbnails begin a moment after the last change
    page.locator(".style .thumb.empty, .style .thumb.old").first.wait_for(state="detached")
    page.mouse.move(0, 0)


def _timeline(page: Any) -> Any:
    """Key frames of style and strength, and a rectangle in another style."""
    scrub = page.get_by_role("slider", name="Frame")
    scrub.fill("30")
    page.keyboard.press("k")
    scrub.fill("90")
    page.keyboard.press("k")
    page.locator(".key-editor").get_by_label("value").fill("0.4")
    page.get_by_role("button", name="Add a key frame: Style").click()
    page.locator("[data-style=starry-night]").click()
    page.get_by_role("button", name="Draw a rectangle").click()
    box = page.locator("#stage").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.52, box["y"] + box["height"] * 0.3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.72, box["y"] + box["height"] * 0.8, steps=4)
    page.mouse.up()
    page.get_by_label("What happens in it").select_option("strength")
    page.locator(".key").nth(2).click()
    _painted(page)
    _all_painted(page)
    return page


if __name__ == "__main__":
    sys.exit(main())
