"""What is said of a clip that was painted in chunks, whoever painted which of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.rendering.pools import FakeWriter
from videostyle.frames import FrameBatch
from videostyle.media.readers.open import look_at
from videostyle.processors.style import StyleProcessor
from videostyle.rendering import assembly, chunks
from videostyle.rendering.job_store import Job, load_job
from videostyle.rendering.pipeline import RunReport
from videostyle.rendering.plan import Plan
from videostyle.rendering.render import render
from videostyle.rendering.settings import RenderSettings


def test_reports_of_outputs_that_lack_different_chunks_are_their_own(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan((), ((0, 10), (10, 10), (20, 10)), tuple(map(float, range(30))))
    jobs = [
        Job(film, tmp_path / name, RenderSettings(""), {}, {}, plan, None)  # type: ignore[arg-type]
        for name in ("a", "b")
    ]
    missing = {jobs[0].folder: {0, 2}, jobs[1].folder: {1}}

    def paint(jobs: list[Job], numbers: list[int], *arguments: object, **options: object) -> list[RunReport]:
        seconds = {0: 1.0, 1: 10.0, 2: 100.0}
        return [RunReport(job.folder, 10, 0, 5.0 + numbers[0], (), {"process": seconds[numbers[0]]}) for job in jobs]

    monkeypatch.setattr(chunks, "paint_chunks", paint)
    monkeypatch.setattr(chunks, "finished_chunks", lambda job: {0, 1, 2} - missing[job.folder])
    monkeypatch.setattr(assembly, "chunk_files", lambda job: [])
    passes = chunks.paint_missing(jobs, look_at(film))
    reports = assembly.assemble(jobs, [FakeWriter(tmp_path)] * 2, 0.0, [10, 20], passes)  # type: ignore[list-item]
    assert [report.busy for report in reports] == [{"process": 101.0}, {"process": 10.0}]
    assert [report.first_frame for report in reports] == [5.0, 6.0]
    assert [report.resumed for report in reports] == [10, 20]


@pytest.mark.parametrize("workers", [False, True])
def test_what_a_painter_warns_of_is_in_the_report(
    workers: bool, film: Path, style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint = StyleProcessor.__call__

    def short_of_memory(self: StyleProcessor, batch: FrameBatch) -> Any:
        if batch.index < 50:
            self.warnings.append("memory ran out: painting 1 frames at once from here on")
        return paint(self, batch)

    monkeypatch.setattr(StyleProcessor, "__call__", short_of_memory)
    output, settings = tmp_path / "out.mp4", RenderSettings(style)
    if workers:
        job = load_job(render(film, output, settings, plan_only=True).output)
        assert job is not None
        chunks.paint_in_folders([str(job.folder)], range(len(job.plan.chunks)))
    report = render(film, output, settings)
    assert [w for w in report.warnings if "memory" in w] == ["memory ran out: painting 1 frames at once from here on"]
