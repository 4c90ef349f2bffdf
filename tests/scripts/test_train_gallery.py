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
    assert following["steps"] < first["steps"]
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
    random_style, little_to_try: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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


def test_on_an_accelerator_styles_share_programs_and_time(  # type: ignore[no-untyped-def]
    random_style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cv2 = pytest.importorskip("cv2")
    from videostyle.styles.card import Style
    from videostyle.styles.style_file import save_style
    from videostyle.training.device.loop import DeviceLoop
    from videostyle.training.device.pairs import DevicePairs

    for name in ("photo.jpg", "shipwreck-of-the-minotaur.jpg", "seurat-parade-detail.jpg"):
        cv2.imwrite(str(tmp_path / name), picture(5))
    save_style(random_style, tmp_path / "start.safetensors")
    arguments = ["--paintings", tmp_path, "--photos", tmp_path, "--output", tmp_path / "out", "--accelerator"]
    start = ["--start", tmp_path / "start.safetensors", "--minutes", 3]
    chosen = ["--only", "minotaur", "--only", "circus-parade", "--skip", "bold", *start]
    command = ["train_gallery.py", *arguments, *chosen, "--set", "batch=1", "--set", "size=64", "--vgg16", "embedded"]
    monkeypatch.setattr("sys.argv", list(map(str, command)))
    script = load_script("train_gallery")
    calls = []

    def train_style(painting, sampler, style, nets, settings, card, **options):  # type: ignore[no-untyped-def]
        assert isinstance(sampler, DevicePairs)
        assert isinstance(options["loop"], DeviceLoop)
        calls.append((card.name, sampler, options["loop"], settings))
        return Style(replace(card, architecture=random_style.architecture), random_style.weights)

    monkeypatch.setattr(script, "train_style", train_style)
    monkeypatch.setattr(script, "targets_of", lambda *arguments: None)
    monkeypatch.setattr(script.gallery, "base", lambda *sizes: random_style)
    script.main()
    # Both styles have the stages next and full, of 500 and 2100 steps: compiled once each, then trained.
    assert sorted(call[0] for call in calls[:2]) == ["none", "none"]
    assert [call[0] for call in calls[2:]] == ["minotaur", "minotaur", "circus-parade", "circus-parade"]
    assert [call[3].steps for call in calls] == [1, 1, 500, 2100, 500, 2100]
    assert len({id(call[2]) for call in calls}) == 1
    assert all(call[1].data["pictures"] is calls[0][1].data["pictures"] for call in calls)
    assert calls[0][3].minutes is None
    # Trainings take no time here, so the second style has all that is left.
    for (next_, full), minutes in ((calls[2:4], 1.5), (calls[4:6], 3.0)):
        assert full[3].minutes == pytest.approx(minutes, rel=0.5)  # less what getting ready took
        assert next_[3].minutes == pytest.approx(full[3].minutes * 500 / 2600, rel=0.1)
    assert (tmp_path / "out" / "circus-parade.safetensors").is_file()


def test_time_is_shared_evenly_with_what_styles_take_beside_their_training() -> None:
    time = [100.0]
    clock = load_script("train_gallery").Clock(10, [1, 1, 1, 1], lambda: time[0])
    assert clock.next_style() == 150
    time[0] += 150 + 20
    shares = [clock.next_style()]
    for _ in range(2):
        time[0] += shares[-1] + 20
        shares.append(clock.next_style())
    assert shares == pytest.approx([430 / 3 - 20] * 3)
    assert time[0] + shares[-1] + 20 == pytest.approx(700)
    late = load_script("train_gallery").Clock(1, [1, 1], lambda: time[0])
    late.next_style()
    time[0] += 100
    assert late.next_style() == 0
    uneven = load_script("train_gallery").Clock(10, [3, 1], lambda: time[0])
    assert uneven.next_style() == pytest.approx(450)


@pytest.mark.parametrize("wrong", [["--minutes", "0"], ["--minutes", "5", "--checkpoints", "state"]])
def test_times_that_cannot_be_kept_are_refused(wrong: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["train_gallery.py", "--paintings", "p", "--photos", "p", *wrong])
    with pytest.raises(SystemExit) as ended:
        load_script("train_gallery").main()
    assert ended.value.code == 2
