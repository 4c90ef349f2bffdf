"""``videostyle render``, on clips made here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.cli.conftest import ROOT, Clip, command, frames_of, inspected, small_painting
from videostyle.cli.main import main
from videostyle.media.probe import probe
from videostyle.media.readers.pictures import read_picture
from videostyle.styles.style_file import load_style

if TYPE_CHECKING:
    from videostyle.styles.card import Style


def test_a_clip_is_painted_from_the_command_line(clip: Clip, tmp_path: Path) -> None:
    done = command("render", clip("variable.mp4"), "--style", "great-wave", "-o", tmp_path / "out.mp4", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    frames = frames_of(clip("variable.mp4"))
    assert report["frames"] == len(frames)
    assert report["warnings"] == []
    painted = frames_of(tmp_path / "out.mp4")
    assert painted.shape == frames.shape
    assert np.abs(painted.astype(int) - frames).mean() > 15
    assert "frames/s" in done.stderr
    shown = command("inspect", tmp_path / "out.mp4")
    assert "style great-wave" in shown.stdout
    assert "compositeWithTrainedAlgorithmicMedia" in shown.stdout
    assert "Great Wave" in probe(tmp_path / "out.mp4").metadata["comment"]


def test_stills_folders_and_several_inputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    still = tmp_path / "a.png"
    frames = frames_of(ROOT / "samples" / "harbour.jpg")[:, 100:164, 200:296]
    import cv2

    cv2.imwrite(str(still), frames[0, ..., ::-1])
    assert main(["render", str(still), "--style", "starry-night", "-q"]) == 0
    painted = tmp_path / "a_stylized_starry-night.png"
    assert read_picture(painted).shape == (64, 96, 3)
    assert "starry-night" in inspected(painted, capsys)
    shots = tmp_path / "shots"
    shots.mkdir()
    for i in range(3):
        cv2.imwrite(str(shots / f"s{i}.jpg"), frames[0, ..., ::-1])
    assert main(["render", str(shots), "--style", "great-wave", "-q", "-o", str(tmp_path / "out_%03d.jpg")]) == 0
    assert len(list(tmp_path.glob("out_*.jpg"))) == 3
    assert main(["render", str(still), str(tmp_path / "none.mp4"), "--style", "great-wave", "-q", "--json"]) == 3
    results = json.loads(capsys.readouterr().out.splitlines()[-1])["results"]
    assert Path(results[0]["output"]).exists()
    assert results[1]["exit_code"] == 3


def test_ctrl_c_stops_cleanly(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = ["render", str(ROOT / "samples" / "harbour.mp4"), "--style", "great-wave", "-o", str(tmp_path / "out.mp4")]
    words += ["--max-size", "320"]
    with subprocess.Popen(
        [sys.executable, "-m", "videostyle", *words], stderr=subprocess.PIPE, env=environment, text=True
    ) as child:
        deadline = time.monotonic() + 300
        while not list(tmp_path.glob(".*stream*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=120)
    assert child.returncode == 130, errors
    assert "stopped" in errors
    assert not list(tmp_path.iterdir())


def test_a_picture_as_style_is_trained_once_and_kept(
    tmp_path: Path, clip: Clip, little_to_try: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from videostyle.training import session as style_module

    monkeypatch.setattr(style_module, "QUICK_STEPS", 1)
    monkeypatch.setattr(style_module, "WINDOW", 64)
    learn, learnt = style_module.train, []

    def learn_once(*arguments: Any) -> Style:
        """Trains the first time; later on it is enough to know that it was asked to."""
        learnt.append(learnt[0] if learnt else learn(*arguments))
        return learnt[-1]

    monkeypatch.setattr(style_module, "train", learn_once)
    painting = small_painting(tmp_path / "my painting.jpg")
    words = ["render", str(clip("silent.mkv")), "--style", str(painting), "-q", "-y", "-o", str(tmp_path / "out.mp4")]
    assert main(words) == 0
    kept = list(Path(os.environ["VIDEOSTYLE_HOME"]).rglob("*.safetensors"))
    assert len(kept) == 1
    before = kept[0].stat().st_mtime_ns
    assert main(words) == 0
    assert kept[0].stat().st_mtime_ns == before
    assert main(["styles", "explain", str(painting), "-o", str(tmp_path / "e.png")]) == 0  # known everywhere
    assert len(learnt) == 1
    kept[0].write_bytes(b"damaged")
    assert main(words) == 0
    assert len(learnt) == 2
    assert load_style(kept[0]).card.painting == "my painting"
    assert kept[0].name == "my-painting.safetensors"
    # Where it cannot be kept, the clip is painted all the same.
    (tmp_path / "file").touch()
    (tmp_path / "out.mp4").unlink()
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path / "file"))
    assert main(words) == 0
    assert len(learnt) == 3
    assert len(frames_of(tmp_path / "out.mp4")) == 25


def test_learning_a_picture_can_be_stopped(
    tmp_path: Path, clip: Clip, little_to_try: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from videostyle.errors import Interrupted
    from videostyle.rendering.render import render
    from videostyle.rendering.settings import RenderSettings
    from videostyle.training import session as style_module
    from videostyle.training.objective import Objective
    from videostyle.training.style_objective import LOSSES

    monkeypatch.setattr(style_module, "WINDOW", 64)
    # What a step learns is no matter here, and the first one takes long.
    monkeypatch.setattr(Objective, "step", lambda self, batch, learning_rate: dict.fromkeys(LOSSES, 0.0))
    home = tmp_path / "home"
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(home))
    settings = RenderSettings(str(small_painting(tmp_path / "painting.jpg")))
    told: list[tuple[str, int]] = []

    def stopped_after(steps: int) -> Interrupted:
        stop = threading.Event()
        told.clear()

        def tell(phase: str, done: int, total: int | None) -> None:
            told.append((phase, done))
            if sum(done for _, done in told) >= steps:
                stop.set()

        with pytest.raises(Interrupted) as caught:
            render(clip("silent.mkv"), tmp_path / "out.mp4", settings, on_progress=tell, cancel=stop)
        return caught.value

    # What comes before the first step takes long as well, and can be stopped.
    stopped_after(0)
    assert told == [("train", 0)]
    assert not [path for path in home.rglob("*") if path.is_file()]
    error = stopped_after(1)
    assert {phase for phase, _ in told} == {"train"}
    assert [done for _, done in told][-1] == 1
    (kept,) = [path for path in home.rglob("*") if path.is_file()]  # what was learnt
    assert not (tmp_path / "out.mp4").exists()
    assert kept.parent.name == "learning"
    assert "resumes it" in error.hint


@pytest.mark.parametrize("link", ["same", "symlink", "hard"])
def test_n8_a_still_is_never_painted_over(link: str, tmp_path: Path) -> None:
    original = tmp_path / "in.jpg"
    original.write_bytes((ROOT / "samples" / "harbour.jpg").read_bytes())
    output = original if link == "same" else tmp_path / "out.jpg"
    if link == "symlink":
        output.symlink_to(original)
    if link == "hard":
        os.link(original, output)
    assert main(["render", str(original), "--style", "great-wave", "-o", str(output), "-y", "-q"]) == 5
    assert original.read_bytes() == (ROOT / "samples" / "harbour.jpg").read_bytes()
