"""A preview shows what a render paints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.conftest import X264, ffmpeg
from tests.studio.asking import PORT, TOKEN, Client
from tests.studio.test_jobs import until
from videostyle.frames import UInt8Array
from videostyle.rendering.iterate import iterate
from videostyle.studio.app import make_app
from videostyle.studio.painting.choices import settings_of
from videostyle.studio.painting.preview import PreviewPainter
from videostyle.studio.studio import Studio

NEAR = 2  # levels of 255

CHOICES: list[dict[str, Any]] = [
    {"style": "starry-night", "strength": 0.6, "canvas": 0.4, "seed": 5},
    {
        "style": "great-wave",
        "regions": [{"kind": "rectangle", "box": "0.2 0.2 0.5 0.5", "style": "the-scream", "feather": 2}],
        "processors": [{"name": "degrain"}, {"name": "sharpen", "amount": 0.8}],
    },
    {"style": "great-wave", "timeline": [{"at": 0.2, "style": "the-scream", "ease": 0.4}]},
]


@pytest.fixture(scope="module")
def two_shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of two shots, 12 frames each."""
    path = tmp_path_factory.mktemp("shots") / "shots.mp4"
    sources = "testsrc2=s=64x48:r=25:d=0.48", "mandelbrot=s=64x48:r=25:start_scale=0.3,trim=duration=0.48"
    words = [word for source in sources for word in ("-f", "lavfi", "-i", source)]
    ffmpeg(*words, "-filter_complex", "[0][1]concat=n=2", *X264, path)
    return path


@pytest.fixture(scope="module")
def painting(two_shots: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    studio = Studio([two_shots], tmp_path_factory.mktemp("work"))
    yield studio
    studio.close()


def test_the_first_picture_waits_for_no_compiler(
    two_shots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs are compiled behind it, for another style, for a control that moves, and for a weaker style."""
    asked: list[tuple[bool, bool, bool]] = []

    def paint(self: PreviewPainter, *what: Any, quick: bool = False) -> None:
        asked.append((self.at_once, quick, what[3].strength < 1))

    monkeypatch.setattr(PreviewPainter, "paint", paint)
    monkeypatch.setattr("videostyle.studio.studio.load", lambda: None)
    studio = Studio([two_shots], tmp_path / "work")
    try:
        studio.start()
        until(lambda: len(asked) == 4, 10)
        assert asked == [(True, False, False), (False, False, False), (False, True, False), (False, True, True)]
    finally:
        studio.close()


@pytest.mark.slow
def test_a_preview_equals_the_render(painting: Studio, two_shots: Path) -> None:
    client = Client(make_app(painting, PORT, TOKEN))
    client.get("/api/shots", id="f0/shots.mp4")
    until(lambda: client.get("/api/shots", id="f0/shots.mp4").json["state"] == "ready", 300)
    assert [one["first"] for one in client.get("/api/shots", id="f0/shots.mp4").json["shots"]] == [0, 12]
    farthest = {}
    for number, chosen in enumerate(CHOICES):
        settings = settings_of(chosen, painting.folders)
        batches = [batch.frames for batch in iterate(two_shots, settings)]
        rendered = np.concatenate(batches)
        body = {"id": "f0/shots.mp4", "settings": chosen, "size": 64, "format": "png"}
        client.post("/api/plan", {name: body[name] for name in ("id", "settings", "size")})
        until(lambda body=body: plan_of(client, body) == "ready", 300)  # type: ignore[misc]
        apart = []
        for frame in (0, 7, 11, 12, 23):
            found = client.post("/api/preview", {**body, "frame": frame})
            assert (found.status, found.headers["x-plan"]) == (200, "planned"), found.body
            apart.append(int(np.abs(picture(found.body).astype(int) - rendered[frame].astype(int)).max()))
        farthest[number] = max(apart)
    assert max(farthest.values()) <= NEAR, farthest


def plan_of(client: Client, body: dict[str, Any]) -> str:
    return str(client.post("/api/plan", {name: body[name] for name in ("id", "settings", "size")}).json["state"])


def picture(data: bytes) -> UInt8Array:
    return np.asarray(cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), 1), cv2.COLOR_BGR2RGB), np.uint8)


@pytest.mark.slow
def test_a_picture_and_a_quick_look_and_a_grid(painting: Studio) -> None:
    client = Client(make_app(painting, PORT, TOKEN))
    body = {"id": "f0/shots.mp4", "settings": {"style": "great-wave"}, "size": 64, "frame": 3}
    quick = client.post("/api/preview", {**body, "quick": True, "view": "main", "sequence": 5})
    assert (quick.status, quick.headers["x-plan"], quick.headers["content-type"]) == (200, "approximate", "image/jpeg")
    late = client.post("/api/preview", {**body, "view": "main", "sequence": 4})
    assert (late.status, late.code) == (409, "overtaken")
    lines = client.post("/api/grid", {"id": "f0/shots.mp4", "size": 64, "styles": ["the-scream", "none", "great-wave"]})

    rows = [json.loads(line) for line in lines.body.splitlines()]
    assert [row.get("style") for row in rows] == ["the-scream", "none", "great-wave", None]
    assert rows[0]["image"].startswith("data:image/jpeg;base64,")
    assert "no style" in rows[1]["error"]["what"]
    assert rows[3] == {"done": True}
