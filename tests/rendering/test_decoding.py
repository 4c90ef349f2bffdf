"""A render decodes each frame about once for its plan and once for painting, wherever it begins and whoever paints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import X264, ffmpeg
from videostyle.media.readers.ffmpeg import FFmpegReader
from videostyle.media.readers.opencv import OpenCVReader
from videostyle.media.timecode import TimePoint
from videostyle.rendering import plan
from videostyle.rendering.chunks import paint_in_folders
from videostyle.rendering.job_store import load_job
from videostyle.rendering.render import render
from videostyle.rendering.settings import RenderSettings

FRAMES, KEYS = 300, 10
LEAD = 16 + KEYS + 4  # frames at most that are decoded before the first that is wanted
FILMS = {
    "h264.mp4": X264,
    "ten.mkv": ("-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-pix_fmt", "yuv420p10le"),
}


@pytest.fixture(scope="module", params=FILMS)
def film(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 frames, read by OpenCV and by ffmpeg."""
    path = tmp_path_factory.mktemp("decoding") / request.param
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=12", *FILMS[request.param], "-g", KEYS, path)
    return path


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An entry for each frame that leaves a decoder of this process."""
    found: list[str] = []
    grab, frames = OpenCVReader._grab, FFmpegReader._frames

    def counted_grab(self: OpenCVReader) -> bool:
        waiting = self._grabbed
        grabbed = grab(self)
        if grabbed and not waiting:
            found.append("opencv")
        return grabbed

    def counted_frames(self: FFmpegReader) -> Iterator[object]:
        for frame in frames(self):
            found.append("ffmpeg")
            yield frame

    monkeypatch.setattr(OpenCVReader, "_grab", counted_grab)
    monkeypatch.setattr(FFmpegReader, "_frames", counted_frames)
    return found


@pytest.mark.parametrize("end", [None, TimePoint(seconds=11.6), TimePoint(frame=290)], ids=["open", "time", "frame"])
@pytest.mark.parametrize("start", [TimePoint(seconds=10.0), TimePoint(frame=250)], ids=["time", "frame"])
def test_a_start_deep_in_a_film_is_not_decoded_to(
    film: Path, style: str, decoded: list[str], tmp_path: Path, start: TimePoint, end: TimePoint | None
) -> None:
    report = render(film, tmp_path / "out.mp4", RenderSettings(style, start=start, end=end))
    assert report.frames == (50 if end is None else 40)
    assert 2 * report.frames <= len(decoded) <= 2 * (report.frames + LEAD)


def test_whoever_paints_a_chunk_decodes_little_more_than_it(
    film: Path, style: str, decoded: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "CHUNK", 60)
    monkeypatch.setattr(plan, "CHUNK_AT_CUT", 60)
    planned = render(film, tmp_path / "out.mp4", RenderSettings(style), plan_only=True)
    assert len(decoded) == FRAMES
    job = load_job(planned.output)
    assert job is not None
    assert len(job.plan.chunks) >= 5
    for number, (_, count) in reversed(list(enumerate(job.plan.chunks))):
        decoded.clear()
        paint_in_folders([str(planned.output)], [number])
        assert count <= len(decoded) <= count + LEAD, number
