"""Which machine may go on with a render that another one planned."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.rendering.conftest import FRAMES, decoded
from videostyle.errors import DeviceError, OutputError
from videostyle.inference import device as devices
from videostyle.rendering import chunks, processor_cache
from videostyle.rendering.chunk_store import conditions_of, finished_chunks
from videostyle.rendering.job_store import Job, load_job
from videostyle.rendering.render import render
from videostyle.rendering.settings import RenderSettings

Machine = Callable[[str], None]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Makes this machine another one: other hardware, other cores, processors that are compiled anew."""

    def become(name: str) -> None:
        monkeypatch.setattr(devices, "device_name", lambda device: name)
        monkeypatch.setattr(os, "cpu_count", lambda: len(name))
        monkeypatch.setenv("VIDEOSTYLE_THREADS", str(len(name)))
        processor_cache.process_cache.cache_clear()

    return become


def planned(film: Path, output: Path, settings: RenderSettings) -> Job:
    job = load_job(render(film, output, settings, plan_only=True).output)
    assert job is not None
    return job


def test_a_job_of_another_machine_is_painted_and_assembled_here(
    film: Path, style: str, uninterrupted: tuple[str, list[float]], machine: Machine, tmp_path: Path
) -> None:
    settings, output = RenderSettings(style), tmp_path / "out.mp4"
    machine("login node")
    job = planned(film, output, settings)
    machine("compute node, larger")
    chunks.paint_in_folders([str(job.folder)], [0])
    machine("desk")
    report = render(film, output, settings)
    assert report.frames == FRAMES
    assert report.resumed == job.plan.chunks[0][1]
    assert [w for w in report.warnings if "different: " in w and "device" in w]
    assert decoded(output)[1] == uninterrupted[1]
    assert os.listdir(tmp_path) == ["out.mp4"]


def test_each_chunk_says_which_machine_painted_it(film: Path, style: str, machine: Machine, tmp_path: Path) -> None:
    machine("one")
    job = planned(film, tmp_path / "out.mp4", RenderSettings(style))
    for number, name in enumerate(("one", "other")):
        machine(name)
        chunks.paint_in_folders([str(job.folder)], [number])
    found = {number: c.machine for number, c in conditions_of(job).items()}
    assert found[0] == job.machine
    assert [found[number]["device"].split(",")[0] for number in range(2)] == ["one", "other"]
    # The encoder's threads change its output: all use as many as the machine that planned.
    assert {m["encoder threads"] for m in found.values()} == {"3"}


def test_a_like_machine_computes_as_the_one_that_planned(
    film: Path, style: str, machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine("one")
    job = planned(film, tmp_path / "out.mp4", RenderSettings(style, precision="bfloat16", batch_size=2))
    job = replace(job, settings=replace(job.settings, precision="auto", batch_size=None))
    monkeypatch.setenv("VIDEOSTYLE_THREADS", "1")
    same = processor_cache.planned_settings(job, None)
    assert (same.precision, same.batch_size) == ("bfloat16", 2)
    machine("other")
    own = processor_cache.planned_settings(job, None)
    assert (own.precision, own.batch_size) == ("auto", None)


def test_strict_refuses_to_mix_machines(film: Path, style: str, machine: Machine, tmp_path: Path) -> None:
    settings, output = RenderSettings(style, strict=True), tmp_path / "out.mp4"
    machine("login node")
    job = planned(film, output, settings)
    machine("compute node")
    chunks.paint_in_folders([str(job.folder)], [0])
    machine("other node")
    with pytest.raises(DeviceError, match=r"different: .*device"):
        chunks.paint_in_folders([str(job.folder)], [1])
    # Assembling is not painting: only the painted chunks must be alike.
    machine("compute node")
    chunks.paint_in_folders([str(job.folder)], range(len(job.plan.chunks)))
    machine("login node")
    assert render(film, output, settings).resumed == FRAMES


def test_strict_refuses_to_assemble_what_differs(film: Path, style: str, machine: Machine, tmp_path: Path) -> None:
    settings, output = RenderSettings(style), tmp_path / "out.mp4"
    machine("one")
    job = planned(film, output, settings)
    chunks.paint_in_folders([str(job.folder)], [0])
    machine("other")
    chunks.paint_in_folders([str(job.folder)], range(len(job.plan.chunks)))
    with pytest.raises(DeviceError, match=r"different: .*device.*leave `strict` out"):
        render(film, output, replace(settings, strict=True))
    assert len(finished_chunks(job)) == len(job.plan.chunks)
    assert render(film, output, settings).resumed == FRAMES


def test_another_precision_from_here_on_is_no_other_render(film: Path, style: str, tmp_path: Path) -> None:
    settings, output = RenderSettings(style, precision="float32"), tmp_path / "out.mp4"
    job = planned(film, output, settings)
    chunks.paint_in_folders([str(job.folder)], [0])
    report = render(film, output, replace(settings, precision="bfloat16", batch_size=1))
    assert report.resumed == job.plan.chunks[0][1]
    assert [w for w in report.warnings if "precision" in w]


@pytest.mark.parametrize("change", ["preserve_color", "crf", "input"])
def test_work_of_another_render_is_not_mixed_in(change: str, film: Path, style: str, tmp_path: Path) -> None:
    clip, output = tmp_path / "film.mp4", tmp_path / "out.mp4"
    clip.write_bytes(film.read_bytes())
    settings = RenderSettings(style)
    folder = render(clip, output, settings, plan_only=True).output
    chunks.paint_in_folders([str(folder)], [0])
    other = {
        "preserve_color": replace(settings, preserve_color=True),
        "crf": replace(settings, crf=40),
        "input": settings,
    }[change]
    if change == "input":
        os.utime(clip, (1, 1))
    told = {
        "preserve_color": "`preserve_color` off instead of on",
        "crf": "`crf` not given instead of 40",
        "input": "the input has changed",
    }[change]
    with pytest.raises(OutputError, match=f"exists, made with .*{told}.*1 finished chunks.*`restart` deletes it"):
        render(clip, output, other)
    assert (folder / "chunk_00000.json").exists()
    report = render(clip, output, other, restart=True)
    assert report.resumed == 0
    assert sorted(os.listdir(tmp_path)) == ["film.mp4", "out.mp4"]


def test_a_chunk_that_could_not_be_joined_is_noticed_before_the_others_are_painted(
    film: Path, style: str, tmp_path: Path
) -> None:
    job = planned(film, tmp_path / "out.mp4", RenderSettings(style))
    chunks.paint_in_folders([str(job.folder)], [0])
    path = job.folder / "chunk_00000.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"header": "of another encoder"}))
    with pytest.raises(OutputError, match="cannot be joined"):
        chunks.paint_in_folders([str(job.folder)], [1])
