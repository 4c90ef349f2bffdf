"""Sound that a container does not take is encoded for it, at its own times."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.conftest import ffmpeg
from videostyle.frames import FrameBatch
from videostyle.media.probe import probe
from videostyle.media.writers.base import EncodeOptions
from videostyle.media.writers.mux import Original
from videostyle.media.writers.open import open_writer


def written(source: Path, path: Path, start: float | None = None, **options: object) -> list[str]:
    """Writes grey frames with the sound of ``source``; returns the warnings."""
    media = probe(source)
    assert media.video is not None
    writer = open_writer(path, media.video, EncodeOptions(**options), original=Original(media, start))  # type: ignore[arg-type]
    frames = np.full((10, media.video.height, media.video.width, 3), 128, np.uint8)
    for second in range(5):
        times = (start or 0.0) + np.arange(10) / 10 + second
        writer.write(FrameBatch(frames, times, 10 * second))
    writer.close()
    return list(writer.warnings)


def onset(path: Path) -> float:
    """When the sound of a file begins to be loud, seconds."""
    with av.open(str(path)) as container:
        for frame in container.decode(container.streams.audio[0]):
            samples = np.abs(frame.to_ndarray().astype(float)).reshape(-1)
            loud = samples > 0.3 * (1.0 if frame.format.name.startswith("flt") else 32768.0)
            if loud.any():
                return float(frame.time)
    raise AssertionError("it is silent")


@pytest.fixture(scope="module")
def beep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds, silent but for a tone that begins after three; AAC."""
    path = tmp_path_factory.mktemp("beep") / "beep.mp4"
    tone = "aevalsrc='if(gte(t,3),0.9*sin(2000*t),0)':d=5:s=44100"
    ffmpeg("-f", "lavfi", "-i", "color=gray:s=64x48:r=10:d=5", "-f", "lavfi", "-i", tone,
           "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", path)  # fmt: skip
    return path


def test_aac_becomes_opus_in_webm(beep: Path, tmp_path: Path) -> None:
    warnings = written(beep, tmp_path / "out.webm", preset="8")
    assert warnings == ["audio stream 1 (aac) is encoded as Opus: .webm cannot hold it"]
    with av.open(str(tmp_path / "out.webm")) as container:
        assert [stream.codec_context.name for stream in container.streams.audio] == ["opus"]
        assert Fraction(container.duration or 0, av.time_base) == pytest.approx(5.0, abs=0.1)
    assert onset(tmp_path / "out.webm") == pytest.approx(onset(beep), abs=0.05)


def test_a_cut_shifts_the_sound_with_the_picture(beep: Path, tmp_path: Path) -> None:
    written(beep, tmp_path / "out.webm", start=1.0, preset="8")
    assert onset(tmp_path / "out.webm") == pytest.approx(onset(beep) - 1.0, abs=0.05)


def test_what_mp4_cannot_hold_becomes_aac(beep: Path, tmp_path: Path) -> None:
    ffmpeg("-i", beep, "-c:v", "copy", "-c:a", "pcm_s16le", tmp_path / "in.mkv")
    warnings = written(tmp_path / "in.mkv", tmp_path / "out.mp4")
    assert warnings == ["audio stream 1 (pcm_s16le) is encoded as AAC: .mp4 cannot hold it"] or warnings == []
    assert onset(tmp_path / "out.mp4") == pytest.approx(onset(beep), abs=0.05)


def test_without_sound_nothing_is_encoded(beep: Path, tmp_path: Path) -> None:
    assert written(beep, tmp_path / "out.webm", audio=False, preset="8") == []
    with av.open(str(tmp_path / "out.webm")) as container:
        assert not container.streams.audio
