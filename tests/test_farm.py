"""Several outputs of one decode, and the chunks of several clips through one pool."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Collection
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import X264, ffmpeg
from tests.test_chunks import decoded
from videostyle.errors import DeviceError, Interrupted, ModelError, OutputError, UsageError
from videostyle.media.readers.opencv import OpenCVReader
from videostyle.rendering import chunked_clip, chunks
from videostyle.rendering import scheduler as scheduling
from videostyle.rendering.batch import Task, groups_of, run_tasks
from videostyle.rendering.chunk_store import finished_chunks
from videostyle.rendering.chunked_clip import ChunkedClip, ChunkTask
from videostyle.rendering.job_store import Job, load_job, work_folder
from videostyle.rendering.outputs import OutputRequest
from videostyle.rendering.plan import Plan
from videostyle.rendering.render import render, render_all
from videostyle.rendering.scheduler import Scheduler
from videostyle.rendering.settings import Engine, RenderSettings
from videostyle.rendering.workers import local
from videostyle.rendering.workers.local import ProcessPool, visible_gpu
from videostyle.styles.style_file import Style, StyleCard, save_style


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 frames: two chunks."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25", "-t", "12", *X264, path)
    return path


@pytest.fixture(scope="module")
def styles(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two styles that paint quickly and differently."""
    pytest.importorskip("tensorflow")
    from videostyle.network.style_network import Architecture, initial_weights

    folder = tmp_path_factory.mktemp("styles")
    arch = Architecture(channels=8, blocks=1, deep_channels=8, deep_blocks=1, head_channels=4)
    for name, seed in (("one", 5), ("two", 6)):
        style = Style(StyleCard(name=name, architecture=arch), initial_weights(arch, seed=seed))
        save_style(style, folder / f"{name}.safetensors")
    return [str(folder / "one.safetensors"), str(folder / "two.safetensors")]


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="module")
def alone(film: Path, styles: list[str], tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Frames and times of each style's own render."""
    folder = tmp_path_factory.mktemp("alone")
    for number, style in enumerate(styles):
        render(film, folder / f"{number}.mp4", RenderSettings(style))
    return [decoded(folder / f"{number}.mp4") for number in range(2)]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Frames that leave the decoder, one entry for each time a file is read."""
    counts: list[int] = []
    frames = OpenCVReader._frames

    def counted(self: OpenCVReader) -> Any:
        counts.append(0)
        place = len(counts) - 1
        for frame in frames(self):
            counts[place] += 1
            yield frame

    monkeypatch.setattr(OpenCVReader, "_frames", counted)
    return counts


# -- one decode --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [None, "100f"])
def test_styles_share_a_decode_and_paint_what_each_paints_alone(
    end: str | None, film: Path, styles: list[str], alone: list[Any], reads: list[int], tmp_path: Path
) -> None:
    from videostyle.media.timecode import parse_time

    settings = [RenderSettings(style, end=parse_time(end) if end else None) for style in styles]
    outputs = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    reports = render_all(film, [OutputRequest(o, s) for o, s in zip(outputs, settings, strict=True)])
    # Once to plan and once to paint, whatever the number of styles.
    frames = 100 if end else 300
    assert [report.frames for report in reports] == [frames, frames]
    assert len(reads) == 2
    assert sum(reads) <= 2 * (frames + 1)
    if end:
        for number in range(2):
            render(film, tmp_path / f"alone{number}.mp4", settings[number])
        alone = [decoded(tmp_path / f"alone{number}.mp4") for number in range(2)]
        for number in range(2):
            (tmp_path / f"alone{number}.mp4").unlink()
    assert [decoded(output) for output in outputs] == alone
    assert alone[0][0] != alone[1][0]
    assert sorted(os.listdir(tmp_path)) == ["a.mp4", "b.mp4"]


def test_outputs_that_were_broken_off_at_different_places_go_on_together(
    film: Path, styles: list[str], alone: list[Any], reads: list[int], tmp_path: Path
) -> None:
    outputs = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    # The first was planned and its second chunk painted; the other was not begun.
    folder = render(film, outputs[0], RenderSettings(styles[0]), plan_only=True).output
    chunks.paint_in_folders([str(folder)], [1])
    reads.clear()
    reports = render_all(film, [OutputRequest(o, RenderSettings(s)) for o, s in zip(outputs, styles, strict=True)])
    assert [report.resumed for report in reports] == [60, 0]
    assert [report.frames for report in reports] == [300, 300]
    # Planned for the second, then the chunk that both lack, then the one that the second lacks.
    assert len(reads) == 3
    assert [decoded(output) for output in outputs] == alone
    assert sorted(os.listdir(tmp_path)) == ["a.mp4", "b.mp4"]


def test_a_worker_paints_a_chunk_for_all_outputs_that_lack_it(
    film: Path, styles: list[str], reads: list[int], tmp_path: Path
) -> None:
    folders = []
    for number, style in enumerate(styles):
        report = render(film, tmp_path / f"{number}.mp4", RenderSettings(style), plan_only=True)
        folders.append(str(report.output))
    reads.clear()
    chunks.paint_in_folders(folders, [0])
    assert reads == [240]
    for folder in folders:
        job = load_job(Path(folder))
        assert job is not None
        assert finished_chunks(job) == {0}
    chunks.paint_in_folders(folders, [0])
    assert reads == [240]


def test_what_reads_a_clip_alike_is_one_group(tmp_path: Path) -> None:
    from dataclasses import replace

    settings, clip = RenderSettings("a"), tmp_path / "x.mp4"
    tasks = [
        Task(clip, tmp_path / "1.mp4", settings, 1, 1),
        Task(clip, tmp_path / "2.mp4", replace(settings, style="b", strength=0.5), 1, 1),
        Task(clip, tmp_path / "3.mp4", replace(settings, max_size=64), 1, 1),
        Task(tmp_path / "y.mp4", tmp_path / "4.mp4", settings, 1, 1),
        Task(clip, tmp_path / "5.mkv", replace(settings, preserve_color=True), 1, 1),
        Task(clip, tmp_path / "6.gif", settings, 1, 1),
        Task(clip, tmp_path / "7", replace(settings, codec="png"), 1, 1),
    ]
    groups = [[task.output.stem for task in group] for group in groups_of(tasks)]
    assert groups == [["1", "2", "5", "7"], ["3"], ["4"], ["6"]]


@pytest.mark.parametrize("engine", [Engine(), Engine(workers=2)])
def test_a_style_that_cannot_be_used_does_not_cost_the_others(
    engine: Engine, film: Path, styles: list[str], alone: list[Any], tmp_path: Path
) -> None:
    names = [styles[0], str(tmp_path / "missing.safetensors"), styles[1]]
    tasks = [Task(film, tmp_path / f"{n}.mp4", RenderSettings(s), 300, 64 * 48) for n, s in enumerate(names)]
    outcomes = {outcome.task.output.stem: outcome for outcome in run_tasks(tasks, engine)}
    assert {name: outcome.status for name, outcome in outcomes.items()} == {"0": "done", "1": "failed", "2": "done"}
    assert outcomes["1"].exit_code == ModelError.exit_code
    assert [decoded(tmp_path / "0.mp4"), decoded(tmp_path / "2.mp4")] == alone
    assert sorted(os.listdir(tmp_path)) == ["0.mp4", "2.mp4"]


# -- a pool ------------------------------------------------------------------------------------------------------


class Hands:
    """A pool whose tasks end when the test says so; without being told, in the order they were begun."""

    def __init__(self, workers: int = 2, attempts: int = 1, *, copies: bool = False) -> None:
        self.attempts, self.copies = attempts, copies
        self.begun: list[tuple[str, int]] = []
        self.most = 0
        self.outcome: Callable[[ChunkTask, int], Exception | None] = lambda task, number: None
        self.slow: set[tuple[str, int]] = set()
        self.closed = False
        self._workers = workers
        self._tasks: dict[int, ChunkTask] = {}

    def free(self) -> bool:
        return len(self._tasks) < self._workers

    def start(self, task: ChunkTask) -> int:
        self.begun.append((task.clip.jobs[0].input.name, task.number))
        self._tasks[len(self.begun)] = task
        self.most = max(self.most, len(self._tasks))
        return len(self.begun)

    def ended(self, handles: Collection[int], seconds: float) -> list[int]:
        names = {h: (self._tasks[h].clip.jobs[0].input.name, self._tasks[h].number) for h in handles}
        # A slow worker ends only when a second one paints the same.
        able = [h for h in handles if names[h] not in self.slow or self.begun.count(names[h]) > 1]
        if not able:
            time.sleep(0.01)
            return []
        return [max(able) if self.slow else min(able)]

    def result(self, handle: int) -> None:
        task = self._tasks.pop(handle)
        error = self.outcome(task, handle)
        if error is not None:
            raise error

    def close(self) -> None:
        self.closed = True


class FakeSink:
    def __init__(self, output: Path) -> None:
        self.output, self.warnings, self.aborted = output, [], 0  # type: ignore[var-annotated]

    def assemble(self, parts: object, times: object) -> Path:
        return self.output

    def abort(self) -> None:
        self.aborted += 1


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ChunkedClip]:
    """Makes clips of which nothing is painted in truth."""
    monkeypatch.setattr(chunked_clip, "chunk_files", lambda job: [])

    def make(name: str, lengths: list[int], pixels: int = 1000) -> ChunkedClip:
        borders = tuple((sum(lengths[:n]), length) for n, length in enumerate(lengths))
        plan = Plan((), borders, tuple(float(n) for n in range(sum(lengths))))
        job = Job(tmp_path / name, tmp_path / f"{name}.mp4", RenderSettings(""), {}, {}, plan, None)  # type: ignore[arg-type]
        return ChunkedClip([job], [FakeSink(job.output)], pixels)  # type: ignore[list-item]

    return make


def scheduler_of(pool: Hands, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Scheduler[str]:
    monkeypatch.setattr(scheduling, "make_pool", lambda engine, most: pool)
    return Scheduler(Engine("ray"), 100, **options)


def all_planned(scheduler: Scheduler[str]) -> None:
    while not all(future.done() for future in scheduler._planned):
        time.sleep(0.005)


def test_chunks_of_all_clips_are_handed_out_at_once_and_the_longest_first(
    clips: Callable[..., ChunkedClip], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, reported = Hands(3), []
    scheduler = scheduler_of(pool, monkeypatch, on_progress=reported.append)
    made = {"a": clips("a", [10, 30]), "b": clips("b", [20]), "c": clips("c", [5, 5], 10_000)}
    for name, clip in made.items():
        scheduler.add(name, lambda clip=clip: clip)  # type: ignore[misc]
    all_planned(scheduler)
    results = dict(scheduler.results())
    assert pool.begun == [("c", 0), ("c", 1), ("a", 1), ("b", 0), ("a", 0)]
    assert pool.most == 3
    assert {name: result[0].frames for name, result in results.items()} == {"a": 40, "b": 20, "c": 10}  # type: ignore[index, union-attr]
    assert sum(reported) == 70
    assert pool.closed


def test_workers_paint_while_another_clip_is_being_planned(
    clips: Callable[..., ChunkedClip], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Hands()
    scheduler = scheduler_of(pool, monkeypatch)
    first, second = clips("a", [10]), clips("b", [10])

    def late() -> ChunkedClip:
        deadline = time.monotonic() + 10
        while not pool.begun:
            assert time.monotonic() < deadline, "nothing was painted while this was planned"
            time.sleep(0.005)
        return second

    scheduler.add("a", lambda: first)
    scheduler.add("b", late)
    assert [name for name, _ in scheduler.results()] == ["a", "b"]


def test_a_clip_that_fails_does_not_cost_the_others(
    clips: Callable[..., ChunkedClip], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Hands(1)
    pool.outcome = lambda task, _: ModelError("not finite") if task.clip.jobs[0].input.name == "a" else None
    scheduler = scheduler_of(pool, monkeypatch)
    made = {"a": clips("a", [30, 30, 30]), "b": clips("b", [20, 20])}
    for name, clip in made.items():
        scheduler.add(name, lambda clip=clip: clip)  # type: ignore[misc]

    def broken() -> ChunkedClip:
        raise OutputError("locked")

    scheduler.add("c", broken)
    all_planned(scheduler)
    results = dict(scheduler.results())
    assert isinstance(results["a"], ModelError)
    assert isinstance(results["b"], list)
    assert isinstance(results["c"], OutputError)
    # Nothing more of it was begun after its failure.
    assert pool.begun == [("a", 0), ("b", 0), ("b", 1)]
    assert all(clip._sinks[0].aborted for clip in made.values())  # type: ignore[attr-defined]


@pytest.mark.parametrize("where", ["planning", "painting", "finishing"])
def test_a_bug_met_in_one_clip_does_not_cost_the_others(
    where: str, clips: Callable[..., ChunkedClip], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Hands(1)
    scheduler = scheduler_of(pool, monkeypatch)
    bad, good = clips("a", [30, 30]), clips("b", [20])

    def fail(*arguments: object) -> Any:
        raise ZeroDivisionError

    if where == "painting":
        pool.outcome = lambda task, _: ZeroDivisionError() if task.clip is bad else None
    if where == "finishing":
        monkeypatch.setattr(bad, "finish", fail)
    scheduler.add("a", fail if where == "planning" else lambda: bad)
    scheduler.add("b", lambda: good)
    results = dict(scheduler.results())
    assert isinstance(results["a"], ZeroDivisionError)
    assert isinstance(results["b"], list)
    assert pool.closed
    assert where == "planning" or bad._sinks[0].aborted  # type: ignore[attr-defined]


def test_what_may_pass_is_tried_again_on_a_cluster(
    clips: Callable[..., ChunkedClip], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Hands(1, attempts=3)
    pool.outcome = lambda _, number: OutputError("node lost") if number < 3 else None
    scheduler = scheduler_of(pool, monkeypatch)
    clip = clips("a", [30])
    scheduler.add("a", lambda: clip)
    assert isinstance(dict(scheduler.results())["a"], list)
    assert pool.begun == [("a", 0)] * 3
    pool = Hands(1, attempts=3)
    pool.outcome = lambda _, number: OutputError("node lost")
    scheduler = scheduler_of(pool, monkeypatch)
    scheduler.add("a", lambda: clips("a", [30]))
    assert isinstance(dict(scheduler.results())["a"], OutputError)
    assert pool.begun == [("a", 0)] * 3


def test_an_idle_worker_paints_what_another_is_late_with(
    clips: Callable[..., ChunkedClip], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, reported = Hands(2, copies=True), []
    pool.slow = {("a", 0)}
    scheduler = scheduler_of(pool, monkeypatch, on_progress=reported.append)
    clip = clips("a", [30, 20, 20])
    scheduler.add("a", lambda: clip)
    assert isinstance(dict(scheduler.results())["a"], list)
    assert pool.begun.count(("a", 0)) == 2
    assert sum(reported) == 70


def test_a_farm_that_is_stopped_keeps_what_is_finished_and_lets_the_outputs_go(
    clips: Callable[..., ChunkedClip], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, cancel = Hands(1), threading.Event()
    pool.outcome = lambda task, number: cancel.set() if number == 2 else None
    scheduler = scheduler_of(pool, monkeypatch, cancel=cancel)
    clip = clips("a", [30, 30, 30])
    scheduler.add("a", lambda: clip)
    with pytest.raises(Interrupted, match="finished chunks are kept"):
        list(scheduler.results())
    assert len(pool.begun) == 2
    assert pool.closed
    assert clip._sinks[0].aborted  # type: ignore[attr-defined]


def test_a_batch_through_processes_gives_what_one_process_gives(
    film: Path, styles: list[str], alone: list[Any], tmp_path: Path
) -> None:
    other = tmp_path / "other.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=48x32:r=25", "-t", "2", *X264, other)
    tasks = [
        *(Task(film, tmp_path / f"{n}.mp4", RenderSettings(s), 300, 64 * 48) for n, s in enumerate(styles)),
        Task(other, tmp_path / "2.mp4", RenderSettings(styles[0]), 50, 48 * 32),
        Task(other, tmp_path / "3.gif", RenderSettings(styles[0]), 50, 48 * 32),
    ]
    reported: list[tuple[str, int, int | None]] = []
    outcomes = run_tasks(tasks, Engine(workers=2), progress=lambda tasks: lambda *a: reported.append(a))
    assert [(outcome.status, outcome.error) for outcome in outcomes] == [("done", "")] * 4
    assert [decoded(tmp_path / f"{n}.mp4") for n in range(2)] == alone
    render(other, tmp_path / "alone.mp4", RenderSettings(styles[0]))
    assert decoded(tmp_path / "2.mp4") == decoded(tmp_path / "alone.mp4")
    # One bar for everything that is painted in chunks.
    assert {(phase, total) for phase, _, total in reported} == {("paint", 700)}
    assert sum(count for _, count, _ in reported) == 650
    assert not list(tmp_path.glob(".*"))


# -- devices -----------------------------------------------------------------------------------------------------


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
    monkeypatch.setattr(chunked_clip, "remove_job", lambda folder: None)
    assert isinstance(dict(scheduler.results())["a"], list)
    notes = [path.read_text().split() for path in work_folder(clip.jobs[0].output).glob("*.txt")]
    assert len(notes) == 4
    assert {tuple(note[1:3]) for note in notes} == {("gpu:0", "4"), ("gpu:0", "7")}
    assert len({note[0] for note in notes}) == 2
    assert {note[3] for note in notes} == {"3"}


def _nothing() -> None:
    pass


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
        "from tests.test_farm import _nothing\n"
        "local.warm_up = _nothing\n"
        "if __name__ == '__main__':\n"
        "    pool = local.ProcessPool(1)\n"
        "    pid = pool._pools[0].submit(os.getpid).result()\n"
        "    print(pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    script = tmp_path / "parent.py"
    script.write_text(code)
    root = str(Path(__file__).parent.parent)
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
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and _alive(worker):
        time.sleep(0.05)
    assert not _alive(worker)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False
