"""A studio on a small clip, and a browser that looks at it."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browsers import BROWSER, REASON
from tests.conftest import X264, ffmpeg

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PATIENCE = 120_000  # milliseconds that a browser waits for what should happen at once


class Server:
    """``videostyle studio`` as a process of its own, so that it can be killed.

    Attributes:
        folder: with the clip, which the page may see.
        work: folder of uploads, results and the queue.
        address: to open, token included.
    """

    def __init__(self, folder: Path, work: Path) -> None:
        self.folder, self.work, self.address = folder, work, ""
        self._process: subprocess.Popen[str] | None = None

    def start(self, port: int = 0) -> None:
        words = ["studio", str(self.folder), "--work", str(self.work), "--port", str(port), "--no-browser"]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "videostyle", *words], stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()
        assert self.address.startswith("http://127.0.0.1:")

    @property
    def port(self) -> int:
        return int(self.address.split("/")[2].split(":")[1])

    def kill(self) -> None:
        """Ends it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if BROWSER is None:
        pytest.skip(REASON)
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install -e '.[dev]'"
    )
    with playwright.sync_playwright() as driver:
        flags = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        browser = driver.chromium.launch(executable_path=BROWSER, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def small_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten frames of 64x48."""
    path = tmp_path_factory.mktemp("small") / "small.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.4", *X264, path)
    return path


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, small_clip: Path) -> Iterator[Server]:
    pytest.importorskip("uvicorn")
    folder = tmp_path_factory.mktemp("studio")
    (folder / "clips").mkdir()
    (folder / "clips" / "small.mp4").write_bytes(small_clip.read_bytes())
    started = Server(folder / "clips", folder / "work")
    started.start()
    yield started
    started.kill()


@pytest.fixture
def open_page(chromium: Browser, server: Server) -> Iterator[Callable[..., Page]]:
    """Opens a page in a window of its own; the test fails if one complains, or breaks a rule of its server."""
    complaints: list[str] = []
    contexts = []

    def opened(width: int = 1280, height: int = 800, address: str | None = None, **options: object) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None
        )
        if address is None:
            page.goto(server.address)
            page.locator("html[data-ready]").wait_for(state="attached")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def open_clip(page: Page, name: str = "small.mp4") -> None:
    """Opens a clip of the folder, and waits until it is painted."""
    page.locator("#welcome-files").get_by_role("button", name=name).click()
    painted(page)


def painted(page: Page) -> None:
    """Waits until the frame is painted as it shall be."""
    page.locator("#stage .clip-line").wait_for(timeout=4 * PATIENCE)  # the first of all: programs are compiled
    page.locator("#stage[data-state=painted]").wait_for()


def drop(page: Page, path: Path, kind: str) -> None:
    """Drops a file onto the page."""
    data = base64.b64encode(path.read_bytes()).decode()
    page.evaluate(
        """([data, name, type]) => {
            const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name, { type }));
            const options = { dataTransfer: transfer, bubbles: true, cancelable: true };
            for (const event of ["dragenter", "dragover", "drop"])
                document.body.dispatchEvent(new DragEvent(event, options));
        }""",
        [data, path.name, kind],
    )


def colour_at(page: Page, x: float, y: float, stage: str = "#stage") -> list[int]:
    """Red, green and blue of the stage at a place of the picture, in shares of it."""
    return page.evaluate(
        """([selector, x, y]) => {
            const root = document.querySelector(selector);
            const canvas = root.querySelector("canvas");
            const ratio = Number(getComputedStyle(root).getPropertyValue("--ratio"));
            const wide = Math.min(canvas.width, canvas.height * ratio), high = wide / ratio;
            const left = (canvas.width - wide) / 2 + x * wide, top = (canvas.height - high) / 2 + y * high;
            return [...canvas.getContext("2d").getImageData(left, top, 1, 1).data.slice(0, 3)];
        }""",
        [stage, x, y],
    )
