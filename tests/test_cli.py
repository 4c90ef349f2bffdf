"""The command line and the Python interface, as a user meets them, on clips made here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from videostyle.cli.main import main
from videostyle.media.probe import probe
from videostyle.media.readers.images import read_picture
from videostyle.media.readers.open import open_reader
from videostyle.styles.style_file import load_style

if TYPE_CHECKING:
    from videostyle.styles.style_file import Style

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "videostyle"
Clip = Callable[[str], Path]


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture
def little_to_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two bundled styles to start a training from, and one picture to set its contrast by: all of them take long."""
    from videostyle.styles import gallery
    from videostyle.training import trainer

    every, few = gallery.entries, ("great-wave", "starry-night")
    monkeypatch.setattr(gallery, "entries", lambda: [e for e in every() if not e.bundled or e.name in few])
    monkeypatch.setattr(trainer, "WHOLE", 1)


def command(*words: str | Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "videostyle", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment,
    )


def frames_of(path: Path) -> np.ndarray:
    with open_reader(path) as source:
        return np.concatenate([b.frames for b in source])


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    heavy = "('tensorflow', 'keras', 'cv2', 'av', 'numpy')"
    code = f"import sys, videostyle.cli.main as m; m._parser('render'); print([k for k in {heavy} if k in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=20)
    assert done.stdout.strip() == "[]"
    began = time.monotonic()
    assert command("--help").returncode == 0
    assert time.monotonic() - began < 2.0  # 0.1 s on a quiet machine


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
    assert "frame/s" in done.stderr
    shown = command("inspect", tmp_path / "out.mp4")
    assert "style great-wave" in shown.stdout
    assert "compositeWithTrainedAlgorithmicMedia" in shown.stdout
    assert "Great Wave" in probe(tmp_path / "out.mp4").metadata["comment"]


def test_api_render_stylizer_and_paint_agree(clip: Clip, tmp_path: Path) -> None:
    import videostyle

    report = videostyle.render(clip("silent.mkv"), "great-wave", tmp_path / "out.mkv", codec="ffv1", batch_size=4)
    painted = np.concatenate([b.frames for b in videostyle.paint(clip("silent.mkv"), "great-wave", batch_size=4)])
    assert report.frames == len(painted) == 25
    # The file went through i420 on its way.
    assert np.abs(frames_of(tmp_path / "out.mkv").astype(int) - painted).mean() < 8
    stylizer = videostyle.Stylizer("great-wave")
    frames = frames_of(clip("silent.mkv"))
    assert stylizer(frames).shape == frames.shape
    assert stylizer(frames[:0]).shape == (0, 48, 64, 3)
    with pytest.raises(ValueError, match="uint8"):
        stylizer(frames.astype(float))


@pytest.mark.parametrize("style", ["great-wave", "the-scream"])
def test_strength_walks_from_the_picture_to_the_painting(style: str) -> None:
    import videostyle

    frames = frames_of(ROOT / "samples" / "harbour.jpg")
    steps = [videostyle.Stylizer(style, strength=s)(frames).astype(int) for s in (0.0, 0.25, 0.5, 0.75, 1.0)]
    left = [np.abs(step - steps[-1]).mean() for step in steps]
    assert left == sorted(left, reverse=True)  # each step is nearer to the painting
    gone = [np.abs(step - frames).mean() for step in steps]
    assert gone == sorted(gone)  # and farther from the picture
    # Neither brighter nor duller on the way than at its ends, nor pinker, greener or greyer.
    for measure, axis, within in (
        (np.mean, (1, 1, 1), 6),
        (np.std, (1, 1, 1), 6),
        (np.std, (3, -3, 0), 4),
        (np.std, (1.5, 1.5, -3), 4),
    ):
        found = [measure(step @ np.array(axis) / 3) for step in steps]
        assert found[1:4] == pytest.approx(np.linspace(found[0], found[-1], 5)[1:4], abs=within)
    assert 10 * np.log10(255**2 / ((steps[0] - frames) ** 2).mean()) > 34
    assert gone[-1] > 15


def test_mixes_are_paintings_of_their_own() -> None:
    import videostyle

    frames = frames_of(ROOT / "samples" / "harbour.jpg")
    wave, night, both = (
        videostyle.Stylizer(s)(frames).astype(int)
        for s in ("great-wave", "starry-night", "great-wave:0.5,starry-night:0.5")
    )
    assert min(np.abs(both - wave).mean(), np.abs(both - night).mean()) > 4


def test_stills_folders_and_several_inputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    still = tmp_path / "a.png"
    frames = frames_of(ROOT / "samples" / "harbour.jpg")[:, 100:164, 200:296]
    import cv2

    cv2.imwrite(str(still), frames[0, ..., ::-1])
    assert main(["render", str(still), "--style", "starry-night", "-q"]) == 0
    painted = tmp_path / "a_stylized_starry-night.png"
    assert read_picture(painted).shape == (64, 96, 3)
    assert "starry-night" in _inspect(painted, capsys)
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


def _inspect(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["inspect", str(path)]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["render", "{clip}", "--style", "nonsense"], 4, "no style named"),
        (["render", "{clip}", "--style", "great-wave", "--strength", "2"], 2, "outside 0..1"),
        (["render", "{clip}", "--style", "great-wave", "--start", "x"], 2, "cannot read the time"),
        (["render", "{clip}", "--style", "great-wave", "--fps", "0"], 2, "cannot use the rate"),
        (["render", "{clip}", "--style", "great-wave", "--codec", "x"], 2, "no codec"),
        (["render", "{clip}", "--style", "great-wave", "--device", "gpu:9"], 6, "no device"),
        (["render", "{clip}", "--style", "missing.jpg"], 3, "no such file"),
        (["render", "nothing.mp4", "--style", "great-wave"], 3, "no such file"),
        (["render", "{clip}", "--style", "great-wave", "-o", "/dev/null/x.mp4"], 5, "cannot write"),
        (["render", "{clip}", "--style", "great-wave", "-o", "a" * 300 + ".mp4"], 5, "too long"),
        (["train", "nothing.jpg"], 3, "no such file"),
        (["styles", "show"], 2, "needs a style"),
        (["styles", "remove", "great-wave"], 2, "comes with"),
    ],
)
def test_mistakes_are_one_line_and_the_right_exit_code(
    clip: Clip, words: list[str], code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = [] if "-o" in words or words[0] != "render" else ["-o", str(tmp_path / "out.mp4")]
    assert main([w.format(clip=clip("plain.mp4")) for w in words] + target) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    last = printed.err.strip().splitlines()[-1]
    assert last.startswith("videostyle: ")
    assert message in last
    assert not list(tmp_path.iterdir())


def test_ctrl_c_stops_cleanly(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = ["render", str(ROOT / "samples" / "harbour.mp4"), "--style", "great-wave", "-o", str(tmp_path / "out.mp4")]
    with subprocess.Popen(
        [sys.executable, "-m", "videostyle", *words], stderr=subprocess.PIPE, env=environment, text=True
    ) as child:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob(".*stream*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=30)
    assert child.returncode == 130, errors
    assert "stopped" in errors
    assert not list(tmp_path.iterdir())


def test_a_picture_as_style_is_trained_once_and_kept(
    tmp_path: Path, clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    from videostyle.training import session as style_module
    from videostyle.training import trainer

    monkeypatch.setattr(style_module, "QUICK_STEPS", 2)
    monkeypatch.setattr(style_module, "WINDOW", 64)
    monkeypatch.setattr(trainer, "WHOLE", 1)
    learn, learnt = style_module.train, []

    def learn_once(*arguments: Any) -> Style:
        """Trains the first time; later on it is enough to know that it was asked to."""
        learnt.append(learnt[0] if learnt else learn(*arguments))
        return learnt[-1]

    monkeypatch.setattr(style_module, "train", learn_once)
    painting = tmp_path / "my painting.jpg"
    painting.write_bytes((ROOT / "samples" / "harbour.jpg").read_bytes())
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
    from videostyle.training.trainer import NAMES

    monkeypatch.setattr(style_module, "WINDOW", 64)
    # What a step learns is no matter here, and the first one takes long.
    monkeypatch.setattr(Objective, "step", lambda self, batch, learning_rate: dict.fromkeys(NAMES, 0.0))
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path / "home"))
    stop, steps = threading.Event(), []

    def told(phase: str, done: int, total: int | None) -> None:
        steps.append(phase)
        stop.set()

    settings = RenderSettings(str(ROOT / "samples" / "harbour.jpg"))
    with pytest.raises(Interrupted):
        render(clip("silent.mkv"), tmp_path / "out.mp4", settings, progress=told, cancel=stop)
    assert steps == ["train"]
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_train_looks_at_what_it_will_write_before_it_begins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    words = ["train", str(ROOT / "samples" / "harbour.jpg"), "--steps", "1", "--size", "64", "-q"]
    inside, good = str(tmp_path / "file" / "x"), str(tmp_path / "good.safetensors")
    assert main([*words, "-o", f"{inside}.safetensors"]) == 5
    assert main([*words, "-o", good, "--checkpoint", inside]) == 5
    assert main([*words, "-o", good, "--preview", f"{inside}.png"]) == 5
    assert main([*words, "-o", good, "--preview", str(tmp_path / "strip.webm")]) == 2
    assert "learning" not in capsys.readouterr().err
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
    assert main([*words, *content, "--preview", str(tmp_path / "p.png"), "--title", "Harbour", "-q"]) == 0
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


@pytest.mark.parametrize(("network", "mixed"), [("small", 4), ("large", 0)], ids=["small", "large"])
def test_a_style_may_have_a_network_of_another_size(
    network: str, mixed: int, tmp_path: Path, clip: Clip, little_to_try: None, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", str(ROOT / "samples" / "harbour.jpg"), "-o", network, "--steps", "1", "--size", "64", "-q"]
    assert main([*words, "--network", network]) == 0
    assert main(["styles", "verify", network]) == 0
    assert "another base" not in capsys.readouterr().out
    out = ["-o", str(tmp_path / "o.mp4"), "-q"]
    assert main(["render", str(clip("one.mp4")), "--style", network, "--strength", "0.5", *out]) == 0
    # The large one is the ordinary one with more blocks, the small one is narrower.
    assert main(["render", str(clip("one.mp4")), "--style", f"{network}:0.5,great-wave:0.5", *out, "-y"]) == mixed
    assert ("other sizes" in capsys.readouterr().err) == (mixed != 0)
    assert main(["styles", "remove", network]) == 0


def test_a_style_of_sizes_without_a_base_is_whole_but_not_weakened(
    random_style: Style, tmp_path: Path, clip: Clip, capsys: pytest.CaptureFixture[str]
) -> None:
    from videostyle.styles.style_file import save_style

    file = tmp_path / "odd.safetensors"
    save_style(random_style, file)
    assert main(["styles", "verify", str(file)]) == 0
    assert "another base" in capsys.readouterr().out
    render = ["render", str(clip("one.mp4")), "--style", str(file), "-o", str(tmp_path / "o.mp4"), "-q"]
    assert main(render) == 0
    assert main([*render, "-y", "--strength", "0.5"]) == 4
    assert "no base" in capsys.readouterr().err
    live = ["live", "--style", str(file), "--input", str(clip("plain.mp4")), "--loop", "--duration", "1", "-q"]
    assert main([*live, "--record", str(tmp_path / "live.mp4"), "--fixed-size"]) == 0


def test_styles_explain_shows_layers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = ROOT / "samples" / "harbour.jpg"
    assert main(["styles", "explain", "great-wave", "--painting", str(picture), "-o", str(tmp_path / "e.png")]) == 0
    printed = [line for line in capsys.readouterr().out.splitlines() if "share" in line]
    assert [line.split()[0] for line in printed] == ["relu1_2", "relu2_2", "relu3_3", "content"]
    assert sum(float(line.split()[-1]) for line in printed) == pytest.approx(1, abs=1e-3)
    assert read_picture(tmp_path / "e.png").shape[0] > 1000


def test_doctor_finds_what_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    checks = {c["what"]: c["ok"] for c in json.loads(capsys.readouterr().out)["checks"]}
    assert all(checks[name] for name in ("OpenCV", "ffmpeg", "TensorFlow", "styles"))


def test_doctor_names_the_package_of_a_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    from videostyle.errors import DeviceError
    from videostyle.media import opencv

    opencv.load_cv2.cache_clear()
    monkeypatch.setitem(sys.modules, "cv2", None)
    real = __import__

    def broken(name: str, *rest: object, **more: object) -> object:
        if name == "cv2":
            raise ImportError("libGL.so.1: cannot open shared object file")
        return real(name, *rest, **more)

    monkeypatch.setattr("builtins.__import__", broken)
    with pytest.raises(DeviceError, match="apt install libgl1"):
        opencv.load_cv2()
    monkeypatch.undo()
    opencv.load_cv2.cache_clear()


def test_version_names_both_ffmpegs() -> None:
    printed = command("--version").stdout
    assert "libavformat" in printed
    assert "ffmpeg version" in printed


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
