"""``videostyle train``."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import ROOT, Clip, small_painting
from tests.steps import listed, taken
from videostyle import training
from videostyle.cli.main import main
from videostyle.media.readers.pictures import read_picture
from videostyle.styles.style_file import load_style

if TYPE_CHECKING:
    from videostyle.styles.card import Style


def test_train_looks_at_what_it_will_write_before_it_begins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    words = ["train", str(ROOT / "samples" / "harbour.jpg"), "--steps", "1", "--size", "64", "-q"]
    inside, good = str(tmp_path / "file" / "x"), str(tmp_path / "good.safetensors")
    assert main([*words, "-o", f"{inside}.safetensors"]) == 5
    assert main([*words, "-o", good, "--checkpoint", inside]) == 5
    assert main([*words, "-o", good, "--preview", f"{inside}.png"]) == 5
    assert main([*words, "-o", good, "--preview", str(tmp_path / "strip.webm")]) == 2
    assert "training" not in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_train_writes_a_style_that_renders(
    tmp_path: Path, clip: Clip, little_to_try: None, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "train",
        str(ROOT / "samples" / "harbour.jpg"),
        "-o",
        "mine",
        "--steps",
        "2",
        "--size",
        "64",
        "--start",
        "base",
    ]
    content = ["--content", str(ROOT / "videostyle" / "assets" / "content"), "--content", str(clip("plain.mp4"))]
    with taken(training) as steps:
        assert main([*words, *content, "--preview", str(tmp_path / "p.png"), "--title", "Harbour", "-q"]) == 0
    assert steps == listed(training)
    assert load_style(Path(os.environ["VIDEOSTYLE_HOME"]) / "styles" / "mine.safetensors").card.command == (
        "videostyle train harbour.jpg --output mine --content content --content plain.mp4 --start base --steps 2 "
        "--size 64 --title Harbour"
    )
    assert read_picture(tmp_path / "p.png").shape[1] > 600
    assert main(["styles", "list"]) == 0
    assert "Harbour" in capsys.readouterr().out
    assert (
        main(
            ["render", str(clip("one.mp4")), "--style", "mine:0.5,great-wave:0.5", "-o", str(tmp_path / "o.mp4"), "-q"]
        )
        == 0
    )
    assert main(["styles", "verify"]) == 0
    assert main(["styles", "remove", "mine"]) == 0
    assert main([*words[:4], "--content", str(clip("sound.m4a"))]) == 3


def test_every_value_that_cannot_be_used_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--steps", "0", "--stroke", "9", "--batch-size", "0", "--size", "100", "--learning-rate", "-1"]
    assert main(["train", str(ROOT / "samples" / "harbour.jpg"), *words]) == 2
    assert [line.split()[1] for line in capsys.readouterr().err.splitlines()] == [
        "--steps:",
        "--learning-rate:",
        "--stroke:",
        "--size:",
        "--batch-size:",
    ]


def test_minutes_hold_all_of_the_command_and_have_one_bar(
    random_style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from videostyle.media.readers import pictures as reading
    from videostyle.training import session

    asked: list[session.TrainRequest] = []
    read: list[float] = []

    def read_noted(path: Path) -> Any:
        read.append(time.monotonic())
        return read_picture(path)

    def train(painting: Path, pictures: object, neighbours: object, request: Any, *rest: object) -> Style:
        asked.append(request)
        return random_style

    monkeypatch.setattr(session, "train", train)
    monkeypatch.setattr(reading, "read_picture", read_noted)
    before = time.monotonic()
    words = ["train", str(ROOT / "samples" / "harbour.jpg"), "-o", str(tmp_path / "a.safetensors"), "--minutes", "2"]
    assert main(words) == 0
    assert before <= asked[0].began <= read[0]  # type: ignore[operator]
    assert capsys.readouterr().err.splitlines() == ["learning ..."]


@pytest.mark.parametrize(("network", "mixed"), [("small", 4), ("large", 0)], ids=["small", "large"])
def test_a_style_may_have_a_network_of_another_size(
    network: str, mixed: int, tmp_path: Path, clip: Clip, little_to_try: None, capsys: pytest.CaptureFixture[str]
) -> None:
    painting = small_painting(tmp_path / "painting.png")
    words = ["train", str(painting), "-o", network, "--steps", "1", "--size", "64", "-q"]
    assert main([*words, "--network", network]) == 0
    assert main(["styles", "verify", network]) == 0
    assert "another base" not in capsys.readouterr().out
    out = ["-o", str(tmp_path / "o.mp4"), "-q"]
    assert main(["render", str(clip("one.mp4")), "--style", network, "--strength", "0.5", *out]) == 0
    # The large one is the ordinary one with more blocks, the small one is narrower.
    assert main(["render", str(clip("one.mp4")), "--style", f"{network}:0.5,great-wave:0.5", *out, "-y"]) == mixed
    assert ("other sizes" in capsys.readouterr().err) == (mixed != 0)
    assert main(["styles", "remove", network]) == 0


def test_help_names_the_defaults_that_the_trainer_has() -> None:
    import argparse

    from videostyle.cli import train
    from videostyle.training.style_objective import LossWeights
    from videostyle.training.trainer import TrainingSettings

    parser = argparse.ArgumentParser()
    train.configure(parser)
    told = {action.dest: action.help or "" for action in parser._actions}
    weights, settings = LossWeights(), TrainingSettings()
    for option, value in (
        ("content_weight", weights.content),
        ("style_weight", weights.style),
        ("temporal_weight", weights.temporal),
        ("learning_rate", settings.learning_rate),
        ("steps", settings.steps),
        ("stroke", settings.stroke),
    ):
        assert f"(default: {value:g})" in told[option], option
