"""``bench``: what it measures adds up."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from videostyle.cli.main import main
from videostyle.inference import tuning
from videostyle.inference.classic import ClassicPainter, classic_network
from videostyle.rendering.bench import moving_frames
from videostyle.rendering.bench_limits import advice, limits
from videostyle.rendering.bench_report import BenchReport, DeviceRow, SizeRow, Spread

Clip = Callable[[str], Path]
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def row(batch: int, fps: float, precision: str = "float32", decibels: float = 99.0) -> DeviceRow:
    return DeviceRow((64, 48), precision, batch, 1, Spread(fps, 0.0), 0, 0, 1, 1, 1, 0.5, 10, decibels)


def test_the_best_row_is_the_fastest_that_agrees_and_the_smaller_of_equals() -> None:
    report = BenchReport("cpu", 2, rows=[row(1, 50), row(2, 99), row(4, 100), row(4, 200, "bfloat16", decibels=20.0)])
    assert report.best((64, 48)).batch == 2


def test_spread_is_relative_to_the_median() -> None:
    assert Spread.of([9.0, 10.0, 12.0]) == Spread(10.0, pytest.approx(0.3))


def test_frames_of_the_bench_move_and_are_not_flat() -> None:
    frames = moving_frames(64, 48, 3)
    assert frames.shape == (3, 48, 64, 3)
    assert frames.std() > 20
    assert np.array_equal(frames[1][:-1, :-2], frames[0][1:, 2:])


def measured(milliseconds: tuple[float, float, float], precision: str = "float32", cores: int = 2) -> BenchReport:
    """Decoder, network and encoder that take so much of one core a frame, each on all cores where it is alone."""
    alone = [Spread(1e3 * cores / one, 0.0) for one in milliseconds]
    cost = dict(zip(("decode", "device", "encode"), (one / 1e3 for one in milliseconds), strict=True))
    rate = 1e3 * cores / sum(milliseconds)
    size = SizeRow((64, 48), 24, *alone, Spread(rate, 0.0), rate, 1.0, cost)
    one = row(1, alone[1].median, precision)
    return BenchReport("cpu", cores, {precision: 1.5}, 1.0, [one], [size])


def test_the_limit_of_each_stage_is_named() -> None:
    report = measured((2, 70, 12))
    network, decoder, encoder, together = limits(report, report.sizes[0])
    assert network == "network: matrix peak; it reaches 67% of the matrix peak in float32"
    assert (decoder[:8], encoder[:8]) == ("decoder:", "encoder:")
    assert "12.0 ms" in encoder
    assert together == "together: the 2 cores, of whose time these take: decoder 2%, network 83%, encoder 14%"
    report.bandwidth = 0.05  # bytes are slower than products
    assert limits(report, report.sizes[0])[0].startswith("network: memory bandwidth")
    report.peaks["float32"], report.bandwidth = 100.0, 100.0
    assert limits(report, report.sizes[0])[0].startswith("network: small operations")


@pytest.mark.parametrize(
    ("milliseconds", "precision", "word"),
    [
        ((2, 70, 12), "float32", "bfloat16"),
        ((2, 70, 12), "bfloat16", "More cores"),
        ((2, 10, 12), "float32", "hardware encoder"),
        ((40, 20, 12), "float32", "easier to decode"),
    ],
)
def test_advice_is_one_sentence(milliseconds: tuple[float, float, float], precision: str, word: str) -> None:
    told = advice(measured(milliseconds, precision))
    assert word in told
    assert told.count(". ") == 0
    assert told.endswith(".")


def test_a_stage_that_cannot_use_all_cores_is_named() -> None:
    report = measured((2, 70, 12), cores=64)
    report.sizes = [dataclasses.replace(report.sizes[0], encode=Spread(90.0, 0.0))]
    assert limits(report, report.sizes[0])[-1] == "together: the encoder, the slowest of the three"
    assert "--fast" in advice(report)


def test_the_classic_network_is_that_of_the_paper() -> None:
    assert classic_network("float32").count_params() == 1_679_235  # as in published files
    painter = ClassicPainter("float32", "/CPU:0", 2)
    frames = moving_frames(64, 48, 2)
    painted = painter(frames)
    assert [one.shape for one in painted] == [(1, 48, 64, 3)] * 2
    assert np.ptp(painted[0]) > 20
    painter.close()


# The command, which repeats each measurement for a tenth of the time.
SHORTENED = """
import sys
from videostyle.cli.main import main
from videostyle.inference import roofline
from videostyle.rendering import bench
shortest_seconds = roofline.shortest_seconds
roofline.shortest_seconds = lambda work, seconds: shortest_seconds(work, seconds / 10)
bench.AGAINST_SECONDS /= 10
sys.exit(main(sys.argv[1:]))
"""


def test_bench_measures_and_keeps_the_best(tmp_path: Path, own_home: Path) -> None:
    # A process of its own: how TensorFlow uses its threads can be chosen only once.
    words = ["bench", "--sizes", "96x64", "--batches", "1,2", "--rounds", "1", "--frames", "8", "--json", "-q"]
    words += ["--against", "classic"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SHORTENED, *words, "--plot", str(tmp_path / "roof.svg")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, env=environment)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["bandwidth"] > 1e8
    for found in report["rows"]:
        assert 0 < found["share"] < 10  # of a peak measured a moment earlier on a shared machine
        assert found["p95"] >= found["p50"] > 0
        assert found["decibels"] >= 40
    size = report["sizes"][0]
    assert {"decode", "device", "encode", "together", "ideal"} <= set(size)
    (against,) = report["against"]
    assert against["times"] == pytest.approx(against["ours"]["median"] / against["classic"]["median"])
    assert against["times"] > 1
    assert len(report["limits"][0]) == 4
    assert report["advice"].endswith(".")
    assert "<svg" in (tmp_path / "roof.svg").read_text()
    kept = tuning.load("/CPU:0")
    assert kept is not None
    assert kept.batch_pixels == report["best"]["batch"] * report["best"]["workers"] * 96 * 64
    assert tuning.path() in own_home.iterdir()


@pytest.mark.parametrize(
    "words",
    [["--sizes", "640"], ["--sizes", "ax3"], ["--sizes", "33x32"], ["--batches", "0"], ["--precisions", "int8"]],
)
def test_bench_refuses_what_it_cannot_measure(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", *words]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
