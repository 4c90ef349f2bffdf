"""The gallery's script and its table."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")
from tests.conftest import load_script
from tests.training.pictures import picture

ROOT = Path(__file__).parent.parent.parent
SCRIPTS, ASSETS = ROOT / "scripts", ROOT / "videostyle" / "assets"


def test_every_style_of_the_gallery_says_how_it_is_trained() -> None:
    script = load_script("train_gallery")
    table = tomllib.loads((SCRIPTS / "gallery.toml").read_text(encoding="utf-8"))
    stages = table.pop("stages")
    first, following = (script.stage_keys(stages, name) for name in ("first", "next"))
    assert following["interpolation"] > first["interpolation"]
    assert following["loss_network"] == first["loss_network"]
    own = {"like": "next", "steps": 7}
    assert script.keys_of(stages, own, {"steps": 9, "content": 3}) == {**following, "steps": 7, "content": 3}
    for name, entry in table.items():
        assert (ASSETS / "styles" / f"{name}.safetensors").is_file()
        for stage in entry["stages"]:
            chosen = script.keys_of(stages, stage, entry)
            assert chosen.pop("loss_network") in ("embedded", "vgg16")
            assert chosen.pop("size") % 32 == 0 < chosen.pop("batch")
            assert script.read_settings(chosen, "float32").steps == chosen["steps"]  # raises on a key it does not know


def test_the_gallery_is_trained_stage_by_stage(  # type: ignore[no-untyped-def]
    random_style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cv2 = pytest.importorskip("cv2")
    from videostyle.styles.card import Style
    from videostyle.styles.style_file import load_style, save_style

    for name in ("photo.jpg", "woodcut.png"):
        cv2.imwrite(str(tmp_path / name), picture(5))
    arguments = ["--paintings", tmp_path, "--photos", tmp_path, "--only", "woodcut", "--output", tmp_path / "out"]
    small = ["--set", "steps=1", "--set", "size=64", "--set", "scales=1"]
    start = tmp_path / "start.safetensors"
    save_style(random_style, start)
    (tmp_path / "out").mkdir()
    command = ["train_gallery.py", *arguments, *small, "--start", start, "--stage", "first", "--stage", "first"]
    monkeypatch.setattr("sys.argv", list(map(str, command)))
    script = load_script("train_gallery")
    learn, begun, ended = script.train_style, [], []

    def stage(painting, sampler, style, net, settings, card, **options):  # type: ignore[no-untyped-def]
        """The first one learns; where the second begins is all that is asked of it."""
        begun.append(style)
        again = Style(replace(card, architecture=style.architecture), style.weights)
        ended.append(again if ended else learn(painting, sampler, style, net, settings, card, **options))
        return ended[-1]

    monkeypatch.setattr(script, "train_style", stage)
    monkeypatch.setattr(script.gallery, "base", lambda *sizes: random_style)
    script.main()
    assert [style.card.name for style in begun] == ["random", "woodcut"]
    assert begun[1] is ended[0]
    before, after = load_style(start), load_style(tmp_path / "out" / "woodcut.safetensors")
    assert after.card.painting == "Woodcut"
    assert after.card.command.count("--stage first") == 2
    assert any((after.weights[name] != before.weights[name]).any() for name in before.weights)
