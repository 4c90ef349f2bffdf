"""Several outputs of one input: one decode serves them all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import X264, ffmpeg
from tests.rendering.conftest import decoded
from videostyle.errors import ModelError
from videostyle.media.readers.opencv import OpenCVReader
from videostyle.rendering import chunks
from videostyle.rendering.batch import run_tasks
from videostyle.rendering.batch_tasks import Task
from videostyle.rendering.chunk_store import finished_chunks
from videostyle.rendering.job_store import load_job
from videostyle.rendering.outputs import OutputRequest
from videostyle.rendering.render import render, render_all
from videostyle.rendering.settings import Engine, RenderSettings
from videostyle.styles.card import Style, StyleCard
from videostyle.styles.style_file import save_style


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
    from videostyle.network.architecture import Architecture, initial_weights

    folder = tmp_path_factory.mktemp("styles")
    arch = Architecture(channels=8, blocks=1, deep_channels=8, deep_blocks=1, head_channels=4)
    for name, seed in (("one", 5), ("two", 6)):
        style = Style(StyleCard(name=name, architecture=arch), initial_weights(arch, seed=seed))
        save_style(style, folder / f"{name}.safetensors")
    return [str(folder / "one.safetensors"), str(folder / "two.safetensors")]


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
    assert [report.resumed for report in reports] == [148, 0]
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
    assert reads == [152]
    for folder in folders:
        job = load_job(Path(folder))
        assert job is not None
        assert finished_chunks(job) == {0}
    chunks.paint_in_folders(folders, [0])
    assert reads == [152]


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
    outcomes = run_tasks(tasks, Engine(workers=2), bars=lambda tasks: lambda *a: reported.append(a))
    assert [(outcome.status, outcome.error) for outcome in outcomes] == [("done", "")] * 4
    assert [decoded(tmp_path / f"{n}.mp4") for n in range(2)] == alone
    render(other, tmp_path / "alone.mp4", RenderSettings(styles[0]))
    assert decoded(tmp_path / "2.mp4") == decoded(tmp_path / "alone.mp4")
    # One bar for everything that is painted in chunks.
    assert {(phase, total) for phase, _, total in reported} == {("paint", 700)}
    assert sum(count for _, count, _ in reported) == 650
    assert not list(tmp_path.glob(".*"))
