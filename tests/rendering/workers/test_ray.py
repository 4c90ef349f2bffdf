"""Workers of a Ray cluster: one of this machine's own."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rendering.conftest import decoded
from videostyle.cli.main import main
from videostyle.errors import DeviceError, OutputError
from videostyle.rendering import chunks
from videostyle.rendering.chunked_clip import ChunkTask
from videostyle.rendering.render import render
from videostyle.rendering.settings import Engine, RenderSettings
from videostyle.rendering.workers.ray import RayPool


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
    assert not importlib.import_module("ray").is_initialized()


@pytest.fixture
def pool() -> Iterator[RayPool]:
    pool = RayPool(Engine("ray", 1), 4)
    yield pool
    pool.close()


def result_of(pool: RayPool, task: ChunkTask) -> None:
    handle = pool.start(task)
    assert not pool.free()
    while not pool.ended([handle], 1.0):
        pass
    try:
        pool.result(handle)
    finally:
        assert pool.free()


def test_what_a_task_meets_is_raised_here(pool: RayPool, tmp_path: Path) -> None:
    task = ChunkTask(None, (str(tmp_path),), 0, 1, 1.0)  # type: ignore[arg-type]
    with pytest.raises(OutputError, match="no planned render in"):
        result_of(pool, task)


@pytest.mark.parametrize(("address", "message"), [(None, "cannot start a Ray cluster"), ("head:1", "cluster 'head:1'")])
def test_a_cluster_that_does_not_answer_is_named(
    address: str | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent:
        def is_initialized(self) -> bool:
            return False

        def init(self, **options: object) -> None:
            raise Exception("The current node timed out during startup")  # as Ray does

    monkeypatch.setitem(sys.modules, "ray", Silent())  # type: ignore[arg-type]
    with pytest.raises(DeviceError, match=f"{message}.*timed out"):
        RayPool(Engine("ray", address=address), 1)


def test_without_ray_the_extra_is_named(
    film: Path, style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # type: ignore[arg-type]
    words = ["render", str(film), "--style", style, "-o", str(tmp_path / "out.mp4"), "--engine", "ray", "-q"]
    assert main(words) == DeviceError.exit_code
    assert "videostyle[cluster]" in capsys.readouterr().err
