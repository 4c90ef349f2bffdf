"""What tests of rendering share: a clip of several chunks, a style that paints quickly."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import X264, ffmpeg
from tests.rendering.pools import FakeWriter
from tests.steps import listed, taken
from videostyle import rendering
from videostyle.inference.device import bfloat16_gain, device_key
from videostyle.media.atomic import write_object
from videostyle.media.readers.open import open_reader
from videostyle.rendering import assembly
from videostyle.rendering.chunked_clip import ChunkedClip
from videostyle.rendering.job_store import Job
from videostyle.rendering.plan import Plan
from videostyle.rendering.render import render
from videostyle.rendering.settings import RenderSettings
from videostyle.styles.style_file import save_style

FRAMES = 375  # of the film


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shots of 125 frames, variable rate, sound: three chunks. Tests must not write to it."""
    folder = tmp_path_factory.mktemp("film")
    shots = [folder / f"shot{i}.mkv" for i in range(3)]
    for path, source in zip(shots, ("testsrc2", "mandelbrot", "rgbtestsrc"), strict=True):
        ffmpeg("-f", "lavfi", "-i", f"{source}=s=64x48:r=25", "-t", "5", *X264, path)
    (folder / "list.txt").write_text("".join(f"file '{path.name}'\n" for path in shots))
    path = folder / "film.mp4"
    ffmpeg("-f", "concat", "-i", folder / "list.txt", "-f", "lavfi", "-i", "sine=f=440:d=15",
           "-vf", "setpts='PTS+if(gt(N,100),0.5/TB,0)'", "-fps_mode", "vfr", "-video_track_timescale", "12800",
           *X264, "-c:a", "aac", path)  # fmt: skip
    return path


@pytest.fixture(scope="session")
def style(tmp_path_factory: pytest.TempPathFactory, random_style) -> str:  # type: ignore[no-untyped-def]
    """The file of a style."""
    path = tmp_path_factory.mktemp("style") / "random.safetensors"
    save_style(random_style, path)
    return str(path)


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty home, but for what was measured of the processor: programs that a test starts choose the same precision.

    Measured anew beside other tests, bfloat16 could pay in one process and not in another.
    """
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(home))
    write_object(home / "processor.json", {f"bfloat16 gain, {device_key('/CPU:0')}": bfloat16_gain()})


def decoded(path: Path) -> tuple[str, list[float]]:
    """Hash of all frames, and their times."""
    digest, times = hashlib.sha256(), []
    with open_reader(path) as source:
        for batch in source:
            digest.update(batch.frames.tobytes())
            times += batch.pts.tolist()
    return digest.hexdigest(), times


@pytest.fixture(scope="session")
def uninterrupted(film: Path, style: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[float]]:
    """What the film painted in one go holds (``decoded``)."""
    output = tmp_path_factory.mktemp("whole") / "out.mp4"
    with taken(rendering) as steps:
        report = render(film, output, RenderSettings(style))
    assert steps == listed(rendering)
    assert report.frames == FRAMES
    assert report.resumed == 0
    assert os.listdir(output.parent) == ["out.mp4"]
    return decoded(output)


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ChunkedClip]:
    """Makes clips of which nothing is painted in truth."""
    monkeypatch.setattr(assembly, "chunk_files", lambda job: [])

    def make(name: str, lengths: list[int], pixels: int = 1000) -> ChunkedClip:
        borders = tuple((sum(lengths[:n]), length) for n, length in enumerate(lengths))
        plan = Plan((), borders, tuple(float(n) for n in range(sum(lengths))))
        job = Job(tmp_path / name, tmp_path / f"{name}.mp4", RenderSettings(""), {}, {}, plan, None)  # type: ignore[arg-type]
        return ChunkedClip([job], [FakeWriter(job.output)], pixels)  # type: ignore[list-item]

    return make
