"""Renders that are broken off anywhere end as if nothing had happened."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.rendering.conftest import FRAMES, decoded
from videostyle.errors import InputError, Interrupted, OutputError
from videostyle.media import atomic as files
from videostyle.media.readers.open import look_at
from videostyle.rendering import chunk_writers, chunks, plan
from videostyle.rendering.chunk_store import finished_chunks
from videostyle.rendering.job_store import Job, load_job, work_folder
from videostyle.rendering.render import render
from videostyle.rendering.settings import RenderSettings

ROOT = Path(__file__).parent.parent.parent


class Crash(BaseException):
    """What nothing catches."""


def test_p5_killed_at_random_moments_it_ends_as_if_it_had_not_been(
    film: Path, style: str, uninterrupted: tuple[str, list[float]], tmp_path: Path
) -> None:
    output = tmp_path / "out.mp4"
    command = [sys.executable, "-m", "videostyle", "render", str(film), "--style", style, "-o", str(output), "-q"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    rng = np.random.default_rng(4)
    folder = work_folder(output)
    painted = 0
    for _ in range(2):
        child = subprocess.Popen([*command, "--resume"], env=environment, stdout=subprocess.DEVNULL)
        before = set(folder.glob("chunk*.json"))
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and child.poll() is None and set(folder.glob("chunk*.json")) == before:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.05))
        child.kill()
        child.wait()
        if (kept := load_job(folder)) is not None:
            painted = sum(kept.plan.chunks[n][1] for n in finished_chunks(kept))
            assert painted > 0
    if not output.exists():
        done = subprocess.run([*command, "--json"], env=environment, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout.splitlines()[-1])["resumed_frames"] == painted
    assert decoded(output) == uninterrupted
    assert os.listdir(tmp_path) == ["out.mp4"]


def test_a_crash_at_every_step_of_committing_loses_nothing(
    film: Path, style: str, uninterrupted: tuple[str, list[float]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every step goes through os.fsync and os.replace of io.files.
    sync, rename = os.fsync, os.replace
    output, steps = tmp_path / "out.mp4", {"left": -1}

    def step(function: Callable[..., None]) -> Callable[..., None]:
        def counted(*arguments: object) -> None:
            steps["left"] -= 1
            if steps["left"] == 0:
                raise Crash
            function(*arguments)

        return counted

    monkeypatch.setattr(files.os, "fsync", step(sync))
    monkeypatch.setattr(files.os, "replace", step(rename))
    crashes = 0
    for at in range(1, 60):
        steps["left"] = at
        try:
            render(film, output, RenderSettings(style))
        except Crash:
            crashes += 1
            assert not output.exists() or decoded(output) == uninterrupted
            if output.exists():
                output.unlink()
            continue
        break
    steps["left"] = -1
    assert crashes >= 8
    assert decoded(output) == uninterrupted
    assert os.listdir(tmp_path) == ["out.mp4"]


def test_p1_a_full_disk_keeps_what_was_painted_and_says_so(
    film: Path, style: str, uninterrupted: tuple[str, list[float]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, commit = tmp_path / "out.mp4", chunk_writers.commit_chunk

    def full(job, number, part, conditions):  # type: ignore[no-untyped-def]
        if number == 2:
            raise OSError(28, "No space left on device")
        commit(job, number, part, conditions)

    with monkeypatch.context() as patch:
        patch.setattr(chunk_writers, "commit_chunk", full)
        with pytest.raises(OutputError, match="no room") as caught:
            render(film, output, RenderSettings(style))
    assert "painted frames are kept" in str(caught.value)
    assert not output.exists()
    report = render(film, output, RenderSettings(style))
    assert report.resumed >= 2 * plan.CHUNK_AT_CUT
    assert decoded(output) == uninterrupted
    assert os.listdir(tmp_path) == ["out.mp4"]


def test_p1_a_disk_that_fills_up_while_encoding_and_has_room_again(
    film: Path, style: str, uninterrupted: tuple[str, list[float]], tmp_path: Path
) -> None:
    output = tmp_path / "out.mp4"
    trial = render(film, tmp_path / "trial.mp4", RenderSettings(style), plan_only=True).output
    job = load_job(trial)
    assert job is not None
    chunks.paint_missing([job], look_at(job.input))
    sizes = [path.stat().st_size for path in trial.glob("*.stream")]
    # Files may be as large as the smallest chunks, as if the disk were full beyond that; for encoders as well.
    limit = max((min(sizes) + max(sizes)) // 2, (trial / "plan.safetensors").stat().st_size)
    assert limit < max(sizes)
    shutil.rmtree(trial)
    command = [sys.executable, "-m", "videostyle", "render", str(film), "--style", style, "-o", str(output), "-q"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    full = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert full.returncode == OutputError.exit_code, full.stderr
    assert len(full.stderr.strip().splitlines()) == 1
    assert not output.exists()
    assert not list(work_folder(output).glob("*.part"))
    done = subprocess.run([*command, "--json"], env=environment, capture_output=True, text=True, check=True)
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["frames"] == FRAMES
    assert decoded(output) == uninterrupted
    assert os.listdir(tmp_path) == ["out.mp4"]


def test_p1_too_little_room_is_said_beforehand(
    film: Path, style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("videostyle.rendering.planning.disk_free", lambda folder: 1000)
    render(film, tmp_path / "out.mp4", RenderSettings(style), plan_only=True)
    assert "needs about" in caplog.text


def test_p1_a_disk_too_full_for_the_plan_is_left_as_it_was(
    film: Path, style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(job: Job) -> None:
        job.folder.mkdir()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("videostyle.rendering.planning.save_job", full)
    with pytest.raises(OutputError, match="no room"):
        render(film, tmp_path / "out.mp4", RenderSettings(style))
    assert not os.listdir(tmp_path)


def test_a_clip_that_became_shorter_is_a_fault_of_the_input() -> None:
    writer = SimpleNamespace(_numbers=[1], _job=SimpleNamespace(input="a.mp4"))
    with pytest.raises(InputError, match="fewer frames than when it was planned"):
        chunk_writers._ChunkWriter._check_complete(writer)


def test_p6_ctrl_c_keeps_finished_chunks_and_says_how_to_go_on(film: Path, style: str, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    command = [sys.executable, "-m", "videostyle", "render", str(film), "--style", style, "-o", str(output), "-q"]
    child = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True)
    folder = work_folder(output)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and not list(folder.glob("chunk*.json")):
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    _, error = child.communicate(timeout=300)
    if child.returncode == 0:
        pytest.skip("it was done before the signal came")
    assert child.returncode == 130
    assert "run the same command again" in error
    assert not list(folder.glob("*.part"))
    assert not output.exists()
    done = subprocess.run(
        [*command, "--json"], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert json.loads(done.stdout.splitlines()[-1])["resumed_frames"] > 0


def test_a_second_process_on_the_same_job_is_refused(film: Path, style: str, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    with files.PendingOutput(output), pytest.raises(OutputError, match="being written by another run"):
        render(film, output, RenderSettings(style))


def test_cancelling_leaves_no_part(film: Path, style: str, tmp_path: Path) -> None:
    import threading

    cancel, seen = threading.Event(), []

    def progress(phase: str, count: int, total: int | None) -> None:
        if phase == "paint":
            seen.append(count)
            if sum(seen) > 200:
                cancel.set()

    with pytest.raises(Interrupted, match="kept"):
        render(film, tmp_path / "out.mp4", RenderSettings(style), on_progress=progress, cancel=cancel)
    folder = work_folder(tmp_path / "out.mp4")
    assert not list(folder.glob("*.part"))
    assert list(folder.glob("chunk*.json"))
