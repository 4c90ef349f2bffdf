"""The same frames, whoever paints which chunk."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ffmpeg
from tests.rendering.conftest import FRAMES, decoded
from tests.rendering.pools import die, nothing
from videostyle.cli.main import main
from videostyle.errors import DeviceError, InputError, OutputError
from videostyle.media.packets import packet_times
from videostyle.media.probe import probe
from videostyle.media.readers.open import look_at
from videostyle.media.timecode import parse_time
from videostyle.rendering import chunks, plan
from videostyle.rendering.job_store import load_job
from videostyle.rendering.render import render
from videostyle.rendering.settings import Engine, RenderSettings
from videostyle.rendering.workers import local


def test_times_sound_and_size_of_a_chunked_render_are_the_originals(
    film: Path, uninterrupted: tuple[str, list[float]], style: str, tmp_path: Path
) -> None:
    render(film, tmp_path / "out.mp4", RenderSettings(style))
    original, painted = probe(film), probe(tmp_path / "out.mp4")
    assert original.video is not None
    assert painted.video is not None
    assert packet_times(tmp_path / "out.mp4", painted.video_index or 0) == packet_times(film, original.video_index or 0)
    assert [s.kind for s in painted.others] == ["audio"]
    assert len(uninterrupted[1]) == FRAMES


def test_processes_paint_the_same_frames(
    film: Path, style: str, uninterrupted: tuple[str, list[float]], tmp_path: Path
) -> None:
    render(film, tmp_path / "out.mp4", RenderSettings(style), engine=Engine(workers=2))
    assert decoded(tmp_path / "out.mp4") == uninterrupted
    assert os.listdir(tmp_path) == ["out.mp4"]


def in_chunks_of(
    lengths: Iterable[int], film: Path, folder: Path, settings: RenderSettings, monkeypatch: pytest.MonkeyPatch
) -> list[Any]:
    """The decoded frames of a film that is painted in chunks of each of these lengths."""
    found = []
    for longest in lengths:
        monkeypatch.setattr(plan, "CHUNK", longest)
        monkeypatch.setattr(plan, "CHUNK_AT_CUT", longest // 2)
        render(film, folder / f"{longest}.mkv", settings)
        found.append(decoded(folder / f"{longest}.mkv"))
    return found


def test_the_length_of_chunks_changes_no_painted_frame(
    film: Path, style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where an encoder begins anew depends on it, so a lossless file holds the same frames."""
    found = in_chunks_of((plan.CHUNK, 70), film, tmp_path, RenderSettings(style, codec="ffv1"), monkeypatch)
    assert found[0] == found[1]


def test_chunks_are_painted_with_strokes_of_the_size_that_was_planned(
    film: Path, style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = RenderSettings(style, codec="ffv1", end=parse_time("12f"), stroke_size=1.6)
    found = in_chunks_of((plan.CHUNK, 5), film, tmp_path, settings, monkeypatch)
    assert found[0] == found[1]
    render(film, tmp_path / "one.mkv", replace(settings, stroke_size=1.0))
    assert decoded(tmp_path / "one.mkv")[0] != found[0][0]


def test_a_worker_that_dies_is_said_and_finished_chunks_are_kept(
    film: Path, style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "paint_in_folders", die)
    monkeypatch.setattr(local, "warm_up", nothing)
    with pytest.raises(DeviceError, match=r"a worker died.*run the same command again"):
        render(film, tmp_path / "out.mp4", RenderSettings(style), engine=Engine(workers=2))
    assert os.listdir(tmp_path) == [".out.mp4.videostyle"]


def test_a_job_array_plans_paints_and_assembles(
    film: Path, style: str, uninterrupted: tuple[str, list[float]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["render", str(film), "--style", style, "-o", str(tmp_path / "out.mp4"), "-q"]
    assert main([*common, "--plan"]) == 0
    count = int(capsys.readouterr().out)
    assert count >= 3
    for number in reversed(range(count)):
        assert main([*common, "--chunk", str(number)]) == 0
    assert main([*common, "--chunk", str(count)]) == 2
    capsys.readouterr()
    assert main([*common, "--json"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["resumed_frames"] == report["frames"] == FRAMES
    assert decoded(tmp_path / "out.mp4") == uninterrupted


def test_an_input_that_shrank_meanwhile_is_noticed(film: Path, style: str, tmp_path: Path) -> None:
    clip = tmp_path / "film.mp4"
    clip.write_bytes(film.read_bytes())
    folder = render(clip, tmp_path / "out.mp4", RenderSettings(style), plan_only=True).output
    ffmpeg("-i", film, "-t", "3", "-c", "copy", clip)
    job = load_job(folder)
    assert job is not None
    with pytest.raises((OutputError, InputError)):
        chunks.paint_missing([job], look_at(job.input))
    assert not list(folder.glob("*.part"))
