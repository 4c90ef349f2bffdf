"""``videostyle evaluate``: the command that prints the figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from videostyle.cli.main import main
from videostyle.motion.flow import write_flo

Clip = Callable[[str], Path]


@pytest.fixture
def painted_clip(clip: Clip, tmp_path: Path) -> Path:
    """The plain clip, every other frame lighter: pure flicker."""
    from videostyle.frames import FrameBatch
    from videostyle.media.readers.open import open_reader
    from videostyle.media.writers.base import EncodeOptions
    from videostyle.media.writers.open import open_writer

    with open_reader(clip("silent.mkv")) as source:
        sink = open_writer(tmp_path / "painted.mkv", source.info, EncodeOptions(codec="ffv1"))
        for batch in source:
            lift = np.array([24 * ((batch.index + i) % 2) for i in range(len(batch))]).reshape(-1, 1, 1, 1)
            lighter = np.clip(batch.frames.astype(int) + lift, 0, 255).astype(np.uint8)
            sink.write(FrameBatch(lighter, batch.pts, batch.index))
        return sink.close()


def test_evaluate_prints_every_figure_with_its_definition(
    clip: Clip, painted_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flows = tmp_path / "flow"
    flows.mkdir()
    for i in range(24):
        write_flo(flows / f"frame_{i:04d}.flo", np.zeros((48, 64, 2), np.float32))
    words = ["evaluate", str(clip("silent.mkv")), str(painted_clip), "--baseline", str(clip("silent.mkv"))]
    words += ["--flow", str(flows), "--style", "great-wave", "--report", str(tmp_path / "report.html")]
    assert main([*words, "--samples", "2", "--json", "-q"]) == 0
    data = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert data["frames"] == 25
    assert data["size"] == [64, 48]
    figures = data["figures"]
    assert {"warping_error_8", "sintel_error", "static_flicker", "temporal_distance", "edge_ssim"} <= set(figures)
    assert {"deep", "fine", "texture", "flat", "colour", "deep_quiet", "flat_rest"} <= set(figures)
    for figure in figures.values():
        assert {"painted", "unpainted", "baseline", "label", "definition", "unit"} <= set(figure)
        assert figure["baseline"] == pytest.approx(figure["unpainted"], rel=1e-3, abs=1e-5)
        assert "{" not in figure["definition"]
    warping = figures["warping_error_1"]
    assert warping["painted"] > warping["unpainted"] + 0.5 * (24 / 255) ** 2
    assert figures["content"]["unpainted"] == 0
    assert [line.split(" (")[0] for line in data["verdict"]][:2] == [
        "still places flicker",
        "paint swims against the motion",
    ]
    assert "paint swims" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "flat, quiet third" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert (tmp_path / "report.html").stat().st_size > 5000
    assert main([*words]) == 5  # the report exists and was not to be replaced
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--occlusions", "x"], 2, "no effect without --flow"),
        (["--flow", "nowhere"], 3, "no .flo file"),
        (["--samples", "0"], 2, "at least 1"),
        (["--loss-network", "nowhere.npz"], 4, "no loss network"),
    ],
)
def test_evaluate_refuses_in_one_line(
    clip: Clip, words: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(clip("silent.mkv"))
    assert main(["evaluate", path, path, "-q", *words]) == code
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1
