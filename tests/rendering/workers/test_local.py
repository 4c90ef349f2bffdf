"""Worker processes of this machine."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import pytest

from videostyle.errors import DeviceError, UsageError
from videostyle.rendering import assembly
from videostyle.rendering.chunked_clip import ChunkedClip
from videostyle.rendering.job_store import work_folder
from videostyle.rendering.scheduler import Scheduler
from videostyle.rendering.settings import Engine
from videostyle.rendering.workers import local
from videostyle.rendering.workers.local import ProcessPool, visible_gpu


def _note(folders: list[str], numbers: list[int], device: str | None) -> None:
    """Stands for painting in a worker process: says where it is."""
    words = [
        str(os.getpid()),
        str(device),
        os.environ.get("CUDA_VISIBLE_DEVICES", "-"),
        os.environ["VIDEOSTYLE_THREADS"],
    ]
    Path(folders[0]).mkdir(exist_ok=True)
    (Path(folders[0]) / f"{numbers[0]}.txt").write_text(" ".join(words))
    time.sleep(0.3)


def _nothing() -> None:
    pass


def test_each_gpu_gets_a_worker_that_sees_no_other(
    clips: Callable[..., ChunkedClip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "paint_in_folders", _note)
    monkeypatch.setattr(local, "warm_up", _nothing)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    monkeypatch.setenv("VIDEOSTYLE_THREADS", "6")  # the cores that the workers share
    scheduler: Scheduler[str] = Scheduler(Engine(devices=("gpu:0", "gpu:1")), 4)
    clip = clips("a", [10, 10, 10, 10])
    scheduler.add("a", lambda: clip)
    monkeypatch.setattr(assembly, "remove_job", lambda folder: None)
    assert isinstance(dict(scheduler.results())["a"], list)
    notes = [path.read_text().split() for path in work_folder(clip.jobs[0].output).glob("*.txt")]
    assert len(notes) == 4
    assert {tuple(note[1:3]) for note in notes} == {("gpu:0", "4"), ("gpu:0", "7")}
    assert len({note[0] for note in notes}) == 2
    assert {note[3] for note in notes} == {"3"}


def test_a_gpu_is_named_as_the_process_that_sees_it_alone_must_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert visible_gpu("gpu:1") == ("1", "gpu:0")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert visible_gpu("/GPU:1") == ("5", "gpu:0")
    assert visible_gpu("cpu") is None
    assert visible_gpu("auto") is None


@pytest.mark.parametrize(
    ("words", "devices", "workers"),
    [(["--device", "gpu:0,gpu:1"], ("gpu:0", "gpu:1"), None), (["--device", "gpu:1"], (), None), ([], (), None)],
)
def test_several_devices_are_an_option(words: list[str], devices: tuple[str, ...], workers: int | None) -> None:
    import argparse

    from videostyle.cli.options import add_chunk_options, add_render_options, engine_from, render_settings

    parser = argparse.ArgumentParser()
    add_render_options(parser)
    add_chunk_options(parser)
    options = parser.parse_args(words)
    engine = engine_from(options)
    assert (engine.devices, engine.workers, engine.alone) == (devices, workers, not devices)
    assert render_settings(options, "a").device == (devices or (options.device,))[0]


@pytest.mark.parametrize(
    "engine",
    [
        {"devices": ("gpu:0", "gpu:1"), "workers": 3},
        {"devices": ("gpu:0", "gpu:1"), "name": "ray"},
    ],
)
def test_devices_that_do_not_fit_the_engine_are_refused(engine: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Engine(**engine)


def _sleep_or_die(folders: list[str], numbers: list[int], device: str | None) -> None:
    if numbers[0] == 0:
        os._exit(9)


def test_a_worker_that_dies_takes_no_other_with_it_and_is_replaced(
    clips: Callable[..., ChunkedClip], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "paint_in_folders", _sleep_or_die)
    monkeypatch.setattr(local, "warm_up", _nothing)
    pool = ProcessPool(1)
    try:
        tasks = clips("a", [10, 10]).tasks()
        for task, fails in ((tasks[0], True), (tasks[1], False)):
            handle = pool.start(task)
            while not pool.ended([handle], 1.0):
                pass
            if fails:
                with pytest.raises(DeviceError, match="a worker died"):
                    pool.result(handle)
            else:
                pool.result(handle)
    finally:
        pool.close()


def _interrupted(folders: list[str], numbers: list[int], device: str | None) -> None:
    """Stands for painting while somebody presses Ctrl-C: the terminal sends the signal to every process."""
    blocked = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.1)
    Path(folders[0]).mkdir(exist_ok=True)
    (Path(folders[0]) / "finished.txt").write_text(str(blocked))


def test_p6_ctrl_c_does_not_reach_the_workers_and_their_chunks_are_finished(
    clips: Callable[..., ChunkedClip], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "paint_in_folders", _interrupted)
    monkeypatch.setattr(local, "warm_up", _nothing)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    resource_tracker._resource_tracker._stop()  # as in a program whose first worker this is
    pool = ProcessPool(1)
    clip = clips("a", [10])
    try:
        handle = pool.start(clip.tasks()[0])
        while not pool.ended([handle], 1.0):
            pass
        pool.result(handle)
    finally:
        pool.close()
    # It was deaf before its first line ran: it takes a while until a process is ready.
    assert (work_folder(clip.jobs[0].output) / "finished.txt").read_text() == "True"
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import os, time, signal\n"
        "from videostyle.rendering.workers import local\n"
        "from tests.rendering.workers.test_local import _nothing\n"
        "local.warm_up = _nothing\n"
        "if __name__ == '__main__':\n"
        "    pool = local.ProcessPool(1)\n"
        "    pid = pool._pools[0].submit(os.getpid).result()\n"
        "    print(pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    script = tmp_path / "parent.py"
    script.write_text(code)
    root = str(Path(__file__).parent.parent.parent.parent)
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and _alive(worker):
        time.sleep(0.05)
    assert not _alive(worker)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False
