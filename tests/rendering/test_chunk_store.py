"""Finished chunks on the disk, and what is left of processes that ended."""

from __future__ import annotations

import os
from pathlib import Path

from tests.rendering.conftest import decoded
from videostyle.rendering import chunks
from videostyle.rendering.chunk_store import finished_chunks, missing_runs
from videostyle.rendering.job_store import Job, load_job
from videostyle.rendering.plan import Plan
from videostyle.rendering.render import render
from videostyle.rendering.settings import RenderSettings


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
