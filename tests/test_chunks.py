"""Renders in chunks: broken off anywhere, by anybody, they end as if nothing had happened."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import X264, ffmpeg
from videostyle.cli.main import main
from videostyle.errors import DeviceError, InputError, Interrupted, OutputError
from videostyle.media import atomic as files
from videostyle.media.packets import packet_times
from videostyle.media.probe import probe
from videostyle.media.readers.base import ReadOptions
from videostyle.media.readers.open import open_reader
from videostyle.motion.cuts import CutDetector
from videostyle.motion.sampling import SpreadSample
from videostyle.network.statistics import keyframe_segments
from videostyle.network.style_network import Statistics
from videostyle.rendering import chunks, plan
from videostyle.rendering.chunk_store import finished_chunks, missing_runs
from videostyle.rendering.job_store import Job, load_job, work_folder
from videostyle.rendering.plan import Plan, chunk_borders
from videostyle.rendering.render import render
from videostyle.rendering.settings import Engine, RenderSettings
from videostyle.rendering.shots import find_shots, measure_section
from videostyle.rendering.workers import local
from videostyle.styles.style_file import save_style

ROOT = Path(__file__).parent.parent
HAS_RAY = importlib.util.find_spec("ray") is not None


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shots, 600 frames of variable rate, sound."""
    folder = tmp_path_factory.mktemp("film")
    shots = [folder / f"shot{i}.mkv" for i in range(3)]
    for path, source in zip(shots, ("testsrc2", "mandelbrot", "rgbtestsrc"), strict=True):
        ffmpeg("-f", "lavfi", "-i", f"{source}=s=64x48:r=25", "-t", "8", *X264, path)
    (folder / "list.txt").write_text("".join(f"file '{path.name}'\n" for path in shots))
    path = folder / "film.mp4"
    ffmpeg("-f", "concat", "-i", folder / "list.txt", "-f", "lavfi", "-i", "sine=f=440:d=24",
           "-vf", "setpts='PTS+if(gt(N,100),0.5/TB,0)'", "-fps_mode", "vfr", "-video_track_timescale", "12800",
           *X264, "-c:a", "aac", path)  # fmt: skip
    return path


@pytest.fixture(scope="module")
def style(tmp_path_factory: pytest.TempPathFactory, random_style) -> str:  # type: ignore[no-untyped-def]
    path = tmp_path_factory.mktemp("style") / "random.safetensors"
    save_style(random_style, path)
    return str(path)


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path_factory.mktemp("home")))


def decoded(path: Path) -> tuple[str, list[float]]:
    """Hash of all frames, and their times."""
    digest, times = hashlib.sha256(), []
    with open_reader(path) as source:
        for batch in source:
            digest.update(batch.frames.tobytes())
            times += batch.pts.tolist()
    return digest.hexdigest(), times


@pytest.fixture(scope="module")
def uninterrupted(film: Path, style: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[float]]:
    output = tmp_path_factory.mktemp("whole") / "out.mp4"
    report = render(film, output, RenderSettings(style))
    assert report.frames == 600
    assert report.resumed == 0
    assert os.listdir(output.parent) == ["out.mp4"]
    return decoded(output)


class Crash(BaseException):
    """What nothing catches."""


# -- the rule ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frames", [0, 1, 119, 240, 241, 1000])
@pytest.mark.parametrize("cuts", [(0,), (0, 130, 250), (0, 5, 10, 239, 240, 241), tuple(range(0, 1000, 3))])
def test_chunks_cover_the_clip_without_gaps(frames: int, cuts: tuple[int, ...]) -> None:
    chunks = chunk_borders(frames, cuts)
    assert [n for first, count in chunks for n in range(first, first + count)] == list(range(frames))
    assert all(0 < count <= plan.CHUNK for _, count in chunks)


def test_a_chunk_ends_at_the_last_cut_that_is_late_enough() -> None:
    assert chunk_borders(400, (0, 100, 150, 200, 300)) == ((0, 200), (200, 200))
    assert chunk_borders(300, (0, 60)) == ((0, 240), (240, 60))


def test_a_pass_is_what_the_same_outputs_lack_in_a_row() -> None:
    def job(*lengths: int) -> Job:
        borders = tuple((sum(lengths[:n]), length) for n, length in enumerate(lengths))
        return Job(Path("in"), Path("out"), RenderSettings(""), {}, {}, Plan((), borders, ()), None)  # type: ignore[arg-type]

    one, two, other = job(10, 10, 10, 10), job(10, 10, 10, 10), job(9, 10, 11, 10)

    def found(jobs: list[Job], missing: list[set[int]]) -> list[tuple[list[int], list[int]]]:
        names = [id(j) for j in jobs]
        return [([names.index(id(j)) for j in group], numbers) for group, numbers in missing_runs(jobs, missing)]

    assert found([one], [{3, 0, 1}]) == [([0], [0, 1]), ([0], [3])]
    assert found([one, two], [{0, 1, 2, 3}, {1, 2}]) == [([0], [0]), ([0, 1], [1, 2]), ([0], [3])]
    # Chunks with other borders hold other frames.
    assert found([one, other], [{0}, {0}]) == [([1], [0]), ([0], [0])]


def picture(seed: int, height: int, width: int) -> np.ndarray:
    """A textured picture, uint8."""
    coarse = np.random.default_rng(seed).integers(0, 255, (height // 10 + 1, width // 10 + 1, 3))
    return np.kron(coarse, np.ones((10, 10, 1)))[:height, :width].astype(np.uint8)


class Pictures:
    """A source of frames in memory."""

    def __init__(self, frames: np.ndarray) -> None:
        self._frames, self.converted = frames, 0

    def raw_frames(self) -> Iterator[tuple[np.ndarray, float]]:
        return ((frame, n / 25) for n, frame in enumerate(self._frames))

    def delivered(self, picture: np.ndarray) -> np.ndarray:
        self.converted += 1
        return picture


def test_cuts_are_found_and_motion_is_none() -> None:
    first, second = picture(1, 120, 400), 255 - picture(2, 120, 400)
    frames = [first[:, 3 * i : 3 * i + 160] for i in range(20)] + [second[:, 5 * i : 5 * i + 160] for i in range(20)]
    detector = CutDetector()
    assert [i for i, frame in enumerate(frames) if detector(frame)] == [0, 20]


def test_a_cut_between_dark_scenes_is_found_and_a_flash_of_light_is_none() -> None:
    first, second = (picture(seed, 120, 400) // 3 for seed in (1, 2))
    dark = [scene[:, i : i + 160] for scene in (first, second) for i in range(20)]
    detector = CutDetector()
    assert [i for i, frame in enumerate(dark) if detector(frame)] == [0, 20]
    lit = [first[:, :160] + np.uint8(25 * (i >= 20)) for i in range(40)]
    detector = CutDetector()
    assert [i for i, frame in enumerate(lit) if detector(frame)] == [0]


def light_of(frames: np.ndarray) -> Statistics:
    """Statistics of one layer: the frames' light, and a contrast that is the same for all."""
    return {"layer": (np.float32([frames.mean() / 255]), np.float32([1]))}


def even(levels: list[int]) -> Pictures:
    return Pictures(np.stack([np.full((64, 96, 3), level, np.uint8) for level in levels]))


def test_shots_are_measured_on_a_few_frames_each_and_no_others_are_converted() -> None:
    clip = even([20] * 60 + [200] * 150 + [90] * 12)
    shots, times = find_shots(clip, lambda frames: measure_section(frames, light_of))
    found = [
        (shot.first, shot.frames, [(h.samples, float(h.statistics["layer"][0][0])) for h in shot.sections[0]])
        for shot in shots
    ]
    assert [(first, count) for first, count, _ in found] == [(0, 60), (60, 150), (210, 12)]
    assert [holds for *_, holds in found] == [
        [(2, pytest.approx(20 / 255))],
        [(4, pytest.approx(200 / 255))],
        [(1, pytest.approx(90 / 255))],
    ]
    assert clip.converted == 7
    assert times == [n / 25 for n in range(222)]


def test_a_long_shot_is_measured_all_along() -> None:
    clip = even([100] * 700)
    shots, _ = find_shots(clip, lambda frames: measure_section(frames, light_of))
    assert [(shot.first, shot.frames, len(shot.sections)) for shot in shots] == [(0, 700, 3)]
    holds = [hold for part in shots[0].sections for hold in part]
    assert [(span.first, span.ramp) for span in keyframe_segments(holds, 0)] == [(0, 0)]
    assert clip.converted == 12


def test_a_fade_is_painted_with_the_statistics_of_what_fades() -> None:
    scene = picture(1, 64, 96)
    strength = [*np.linspace(0, 1, 40), *[1.0] * 60, *np.linspace(1, 0.6, 20), *[0.6] * 40]
    clip = Pictures(np.stack([(share * scene).astype(np.uint8) for share in strength]))
    seen: list[float] = []

    def contrast(frames: np.ndarray) -> Statistics:
        seen.append(float(frames.std() / scene.std()))
        return {"layer": (np.float32([0]), np.float32([frames.var()]))}

    shots, _ = find_shots(clip, lambda frames: measure_section(frames, contrast))
    assert len(shots) == 1
    assert min(seen) > 0.49
    assert min(seen) < 0.65  # a light that is lower and stays is not a fade


def test_where_a_shot_changes_it_is_measured_closely_and_its_statistics_follow() -> None:
    """A camera that turns from the dark to the light within two seconds, in the middle of eight still ones."""
    levels = [40] * 96 + [40 + 3 * i for i in range(48)] + [184] * 96
    clip = even(levels)
    shots, _ = find_shots(clip, lambda frames: measure_section(frames, light_of))
    assert len(shots) == 1
    found = keyframe_segments([hold for part in shots[0].sections for hold in part], 0)
    assert clip.converted <= 16
    light = np.interp(range(240), [s.first for s in found], [255 * float(s.statistics["layer"][0][0]) for s in found])
    assert np.abs(light - levels).max() < 40
    assert np.abs(light - levels).mean() < 8
    assert all(0 < span.ramp <= span.first - before.first for before, span in pairwise(found))


@pytest.mark.parametrize(
    ("count", "expected"), [(1, [0]), (20, [10]), (30, [7, 22]), (96, [12, 36, 60, 84]), (1000, [128, 384, 640, 896])]
)
def test_a_sample_stays_small_and_lies_in_the_middle_of_equal_parts(count: int, expected: list[int]) -> None:
    sample = SpreadSample(4)
    for i in range(count):
        sample.add(np.full((1, 1, 3), i, np.uint16))  # type: ignore[arg-type]
        assert len(sample._kept) <= 16
    assert sample.chosen() == pytest.approx(expected, abs=count / 16)
    assert all(int(frame[0, 0, 0]) == number for number, frame in sample.frames().items())
    assert {*sample.chosen(), *sample.between(0, count - 1)} <= set(sample.frames())


def test_raw_frames_become_those_of_batches(film: Path) -> None:
    with open_reader(film, ReadOptions(max_size=32)) as source:
        expected = np.concatenate([batch.frames for batch in source])
    with open_reader(film, ReadOptions(max_size=32)) as source:
        found = np.stack([source.delivered(frame) for frame, _ in source.raw_frames()])
    assert np.array_equal(found, expected)


# -- the same frames, whoever paints -----------------------------------------------------------------------------


def test_times_sound_and_size_of_a_chunked_render_are_the_originals(
    film: Path, uninterrupted: tuple[str, list[float]], style: str, tmp_path: Path
) -> None:
    render(film, tmp_path / "out.mp4", RenderSettings(style))
    original, painted = probe(film), probe(tmp_path / "out.mp4")
    assert original.video is not None
    assert painted.video is not None
    assert packet_times(tmp_path / "out.mp4", painted.video_index or 0) == packet_times(film, original.video_index or 0)
    assert [s.kind for s in painted.others] == ["audio"]
    assert len(uninterrupted[1]) == 600


@pytest.mark.parametrize("workers", [2, 3])
def test_processes_paint_the_same_frames(
    workers: int, film: Path, style: str, uninterrupted: tuple[str, list[float]], tmp_path: Path
) -> None:
    render(film, tmp_path / "out.mp4", RenderSettings(style), engine=Engine(workers=workers))
    assert decoded(tmp_path / "out.mp4") == uninterrupted
    assert os.listdir(tmp_path) == ["out.mp4"]


def test_the_length_of_chunks_changes_no_painted_frame(
    film: Path, style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where an encoder begins anew depends on it, so a lossless file holds the same frames."""
    found, settings = [], RenderSettings(style, codec="ffv1")
    for longest in (plan.CHUNK, 130):
        monkeypatch.setattr(plan, "CHUNK", longest)
        monkeypatch.setattr(plan, "CHUNK_AT_CUT", longest // 2)
        render(film, tmp_path / f"{longest}.mkv", settings)
        found.append(decoded(tmp_path / f"{longest}.mkv"))
    assert found[0] == found[1]


def test_a_worker_that_dies_is_said_and_finished_chunks_are_kept(
    film: Path, style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "paint_in_folders", _die)
    with pytest.raises(DeviceError, match=r"a worker died.*run the same command again"):
        render(film, tmp_path / "out.mp4", RenderSettings(style), engine=Engine(workers=2))
    assert os.listdir(tmp_path) == [".out.mp4.videostyle"]


def _die(folders: list[str], numbers: list[int], device: str | None) -> None:
    os._exit(9)


@pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed (the [cluster] extra); processes are tested above")
def test_a_cluster_finishes_what_was_begun_here(
    film: Path, style: str, uninterrupted: tuple[str, list[float]], tmp_path: Path
) -> None:
    output = tmp_path / "out.mp4"
    report = render(film, output, RenderSettings(style), plan_only=True)
    chunks.paint_in_folders([str(report.output)], [1])
    report = render(film, output, RenderSettings(style), engine=Engine("ray", 2))
    assert report.resumed > 0
    assert decoded(output) == uninterrupted
    assert os.listdir(tmp_path) == ["out.mp4"]


@pytest.mark.skipif(HAS_RAY, reason="Ray is installed")
def test_without_ray_the_extra_is_named(
    film: Path, style: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["render", str(film), "--style", style, "-o", str(tmp_path / "out.mp4"), "--engine", "ray", "-q"]
    assert main(words) == 6
    assert "videostyle[cluster]" in capsys.readouterr().err


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
    assert report["resumed_frames"] == report["frames"] == 600
    assert decoded(tmp_path / "out.mp4") == uninterrupted


# -- broken off --------------------------------------------------------------------------------------------------


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
        deadline = time.monotonic() + 60
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
    output, commit = tmp_path / "out.mp4", chunks.commit_chunk

    def full(job, number, part, conditions):  # type: ignore[no-untyped-def]
        if number == 2:
            raise OSError(28, "No space left on device")
        commit(job, number, part, conditions)

    with monkeypatch.context() as patch:
        patch.setattr(chunks, "commit_chunk", full)
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
    chunks.paint_chunks([job], range(len(job.plan.chunks)))
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
    assert report["frames"] == 600
    assert decoded(output) == uninterrupted
    assert os.listdir(tmp_path) == ["out.mp4"]


def test_p1_too_little_room_is_said_beforehand(
    film: Path, style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("videostyle.rendering.resume.disk_free", lambda folder: 1000)
    render(film, tmp_path / "out.mp4", RenderSettings(style), plan_only=True)
    assert "are needed beside" in caplog.text


def test_p6_ctrl_c_keeps_finished_chunks_and_says_how_to_go_on(film: Path, style: str, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    command = [sys.executable, "-m", "videostyle", "render", str(film), "--style", style, "-o", str(output), "-q"]
    child = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True)
    folder = work_folder(output)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list(folder.glob("chunk*.json")):
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    _, error = child.communicate(timeout=60)
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


def test_a_damaged_chunk_is_painted_again(
    film: Path, style: str, uninterrupted: tuple[str, list[float]], tmp_path: Path
) -> None:
    output = tmp_path / "out.mp4"
    folder = render(film, output, RenderSettings(style), plan_only=True).output
    chunks.paint_in_folders([str(folder)], [0, 1])
    data = bytearray((folder / "chunk_00001.stream").read_bytes())
    data[len(data) // 2] ^= 255
    (folder / "chunk_00001.stream").write_bytes(data)
    (folder / "chunk_00000.json").write_text('{"chunk": 0, "fra')  # a torn record
    job = load_job(folder)
    assert job is not None
    assert finished_chunks(job) == set()
    assert render(film, output, RenderSettings(style)).resumed == 0
    assert decoded(output) == uninterrupted


def test_a_second_process_on_the_same_job_is_refused(film: Path, style: str, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    with files.PendingOutput(output), pytest.raises(OutputError, match="being written by another run"):
        render(film, output, RenderSettings(style))


def test_parts_of_dead_processes_are_removed_and_those_of_living_ones_stay(
    film: Path, style: str, tmp_path: Path
) -> None:
    import socket

    from videostyle.rendering.chunk_store import remove_abandoned

    folder = render(film, tmp_path / "out.mp4", RenderSettings(style), plan_only=True).output
    dead = folder / f"chunk_00000.{socket.gethostname()}.999999999.part"
    ours = folder / f"chunk_00001.{socket.gethostname()}.{os.getpid()}.part"
    elsewhere = folder / "chunk_00002.another-machine.999999999.part"
    for part in (dead, ours, elsewhere):
        part.touch()
    remove_abandoned(folder)
    assert (dead.exists(), ours.exists(), elsewhere.exists()) == (False, True, True)


def test_an_input_that_shrank_meanwhile_is_noticed(film: Path, style: str, tmp_path: Path) -> None:
    clip = tmp_path / "film.mp4"
    clip.write_bytes(film.read_bytes())
    folder = render(clip, tmp_path / "out.mp4", RenderSettings(style), plan_only=True).output
    ffmpeg("-i", film, "-t", "3", "-c", "copy", clip)
    job = load_job(folder)
    assert job is not None
    with pytest.raises((OutputError, InputError)):
        chunks.paint_chunks([job], range(len(job.plan.chunks)))
    assert not list(folder.glob("*.part"))


def test_cancelling_leaves_no_part(film: Path, style: str, tmp_path: Path) -> None:
    import threading

    cancel, seen = threading.Event(), []

    def progress(phase: str, count: int, total: int | None) -> None:
        if phase == "paint":
            seen.append(count)
            if sum(seen) > 300:
                cancel.set()

    with pytest.raises(Interrupted, match="kept"):
        render(film, tmp_path / "out.mp4", RenderSettings(style), progress=progress, cancel=cancel)
    folder = work_folder(tmp_path / "out.mp4")
    assert not list(folder.glob("*.part"))
    assert list(folder.glob("chunk*.json"))


# -- sequences of pictures --------------------------------------------------------------------------------------


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: hashlib.sha256(path.read_bytes()).digest() for path in sorted(folder.glob("*.png"))}


def test_a_sequence_of_painted_pictures_is_the_frames_in_colour(film: Path, style: str, tmp_path: Path) -> None:
    from videostyle.media.provenance import read
    from videostyle.media.readers.images import read_picture
    from videostyle.media.timecode import parse_time
    from videostyle.rendering.iterate import iterate

    settings = RenderSettings(style, end=parse_time("30f"))
    report = render(film, tmp_path / "frames" / "f_%03d.png", settings)
    painted = np.concatenate([batch.frames for batch in iterate(film, settings)])
    files = sorted((tmp_path / "frames").iterdir())
    assert report.frames == len(files) == 30
    assert np.array_equal(np.stack([read_picture(file) for file in files]), painted)
    assert read(files[7], {}) is not None
    with pytest.raises(OutputError, match="exists already"):
        render(film, tmp_path / "frames" / "f_%03d.png", settings)


@pytest.mark.parametrize("engine", [Engine(), Engine(workers=2)])
def test_a_sequence_that_was_broken_off_goes_on(
    engine: Engine, film: Path, style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    settings = RenderSettings(style, codec="png")
    render(film, tmp_path / "whole", settings)
    expected = pictures(tmp_path / "whole")
    assert len(expected) == 600
    commit = chunks.commit_pictures

    def crash(job: Job, number: int, conditions: object) -> None:
        if number == 1:
            raise Crash
        commit(job, number, conditions)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(chunks, "commit_pictures", crash)
        with pytest.raises(Crash):
            render(film, tmp_path / "out", settings)
    (tmp_path / "out" / "000003.png").write_bytes(b"damaged meanwhile")
    job = load_job(work_folder(tmp_path / "out"))
    assert job is not None
    assert finished_chunks(job) == set()
    chunks.paint_in_folders([str(job.folder)], [0])
    report = render(film, tmp_path / "out", settings, engine=engine)
    assert report.resumed == job.plan.chunks[0][1]
    assert pictures(tmp_path / "out") == expected
    assert sorted(os.listdir(tmp_path)) == ["out", "whole"]


@pytest.mark.parametrize("name", ["50% done/out_%04d.png", "50% done %/frames", "one/50%_done_%03d.png"])
def test_n5_per_cent_signs_in_names_of_a_sequence_are_names(name: str, film: Path, style: str, tmp_path: Path) -> None:
    from videostyle.media.timecode import parse_time

    settings = RenderSettings(style, end=parse_time("3f"), codec="png")
    report = render(film, tmp_path / name, settings)
    folder, pattern = (tmp_path / name).parent, Path(name).name
    if "%" not in pattern:
        folder, pattern = tmp_path / name, "%06d.png"
    head, tail = pattern.rsplit("%", 1)
    digits = int(tail.split("d")[0])
    assert report.frames == 3
    assert sorted(os.listdir(folder)) == [f"{head}{n:0{digits}d}.png" for n in range(3)]


def test_a_sequence_is_written_by_one_run_at_a_time(film: Path, style: str, tmp_path: Path) -> None:
    from videostyle.media.writers.base import EncodeOptions
    from videostyle.media.writers.open import open_writer

    with open_reader(film) as source:
        sink = open_writer(tmp_path / "out", source.info, EncodeOptions(codec="png"))
    with pytest.raises(OutputError, match="being written by another run"):
        render(film, tmp_path / "out", RenderSettings(style, codec="png"))
    sink.abort()
    assert os.listdir(tmp_path) == ["out"]


@pytest.fixture(scope="module")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 250 pictures: two chunks."""
    folder = tmp_path_factory.mktemp("drawings")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=32x32:r=25", "-t", "10", folder / "in_%04d.png")
    return folder


def test_many_pictures_are_shown_at_the_rate_asked_for(drawings: Path, style: str, tmp_path: Path) -> None:

    settings = RenderSettings(style, fps=10)
    job = load_job(render(drawings, tmp_path / "out.mp4", settings, plan_only=True).output)
    assert job is not None
    assert len(job.plan.chunks) == 2
    assert job.plan.times == pytest.approx([n / 10 for n in range(250)])


def test_pictures_beside_those_of_the_input_do_not_keep_it_from_going_on(
    drawings: Path, style: str, tmp_path: Path
) -> None:
    folder = tmp_path / "both"
    shutil.copytree(drawings, folder)
    settings = RenderSettings(style)
    job = render(folder / "in_%04d.png", folder / "out_%04d.png", settings, plan_only=True).output
    chunks.paint_in_folders([str(job)], [0])
    report = render(folder / "in_%04d.png", folder / "out_%04d.png", settings)
    assert (report.resumed, report.frames) == (240, 250)
    assert len(list(folder.glob("out_*.png"))) == 250


@pytest.mark.parametrize(
    ("source", "output"),
    [
        (".", "out_%04d.png"),
        (".", "out.webp"),
        (".", "."),
        ("in_%04d.png", "in_%06d.png"),
        ("in_%04d.png", "in_%02d.png"),
    ],
)
def test_an_output_that_would_be_read_as_input_is_refused(
    source: str, output: str, drawings: Path, style: str, tmp_path: Path
) -> None:
    folder = tmp_path / "both"
    shutil.copytree(drawings, folder)
    before = sorted(os.listdir(folder))
    settings = RenderSettings(style, codec="png" if output == "." else None)
    with pytest.raises(OutputError, match="among the pictures of the input"):
        render(folder / source, folder / output, settings)
    assert sorted(os.listdir(folder)) == before
    assert os.listdir(tmp_path) == ["both"]


# -- reading a part ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False])
def test_a_part_holds_the_frames_of_the_whole(known: bool, film: Path) -> None:
    with open_reader(film) as source:
        frames, times = zip(*[(f, t) for b in source for f, t in zip(b.frames, b.pts, strict=True)], strict=True)
    for first, count in ((0, 5), (1, 3), (99, 7), (240, 11), (597, 3)):
        with open_reader(film, ReadOptions(batch_size=4)) as source:
            source.read_part(first, count, times if known else None)
            batches = list(source)
        assert batches[0].index == first
        assert np.array_equal(np.concatenate([b.frames for b in batches]), np.stack(frames[first : first + count]))
        assert np.allclose(np.concatenate([b.pts for b in batches]), times[first : first + count], atol=1e-6)


def test_a_wrong_expectation_of_a_seek_costs_time_and_nothing_else(film: Path) -> None:
    with open_reader(film) as source:
        frame = next(b.frames[2] for b in source if b.index == 100)
    with open_reader(film) as source:
        source.read_part(102, 1, [99.0] * 600)
        assert np.array_equal(next(iter(source)).frames[0], frame)
