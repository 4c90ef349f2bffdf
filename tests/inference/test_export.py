"""Styles as programs for other runtimes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
from videostyle.cli.export import SUFFIXES
from videostyle.cli.main import main
from videostyle.errors import DeviceError, OutputError, UsageError
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.inference import export as exporting
from videostyle.inference.canvas_sampling import CanvasSettings, still_canvas
from videostyle.inference.export import export
from videostyle.network.statistics import KeyframeSegment
from videostyle.processors.style import StyleProcessor
from videostyle.styles.card import CANVAS, Style
from videostyle.styles.style_file import save_style

WIDTH, HEIGHT = 50, 36  # no multiples of the network's stride


def picture(seed: int = 0) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (HEIGHT // 4, WIDTH // 5, 3), np.uint8)
    return np.kron(coarse, np.ones((4, 5, 1), np.uint8))


def run_elsewhere(kind: str, path: Path, frame: np.ndarray) -> np.ndarray:
    """Runs an exported program as software that knows nothing of videostyle would."""
    if kind == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        (put,), (got,) = session.get_inputs(), session.get_outputs()
        assert (put.name, put.type, put.shape) == ("frame", "tensor(uint8)", [1, HEIGHT, WIDTH, 3])
        assert (got.name, got.type, got.shape) == ("painted", "tensor(uint8)", [1, HEIGHT, WIDTH, 3])
        return session.run(None, {"frame": frame[None]})[0][0]
    if kind == "litert":
        interpreter = tf.lite.Interpreter(str(path))
        return interpreter.get_signature_runner()(frame=frame[None])["painted"][0]
    program = tf.saved_model.load(str(path)).signatures["serving_default"]
    return program(frame=tf.constant(frame[None]))["painted"].numpy()[0]


@pytest.fixture(params=list(SUFFIXES))
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "onnx":
        pytest.importorskip("tf2onnx", reason="the extra [export] is not installed")
        pytest.importorskip("onnxruntime", reason="the extra [export] is not installed")
    return str(request.param)


def painted_by_render(style: Style, scene: np.ndarray, frame: np.ndarray, stroke_size: float = 1.0) -> np.ndarray:
    processor = StyleProcessor(style, precision="float32", batch_size=1, stroke_size=stroke_size)
    info = VideoInfo(width=WIDTH, height=HEIGHT)
    processor.open(info)
    processor.use_shots([KeyframeSegment(0, processor.statistics_of(scene[None]))])
    return processor(FrameBatch(frame[None], np.zeros(1), 0)).frames[0]


@pytest.mark.parametrize("own", [False, True], ids=["scene", "own"])
def test_an_exported_program_paints_what_a_render_paints(
    random_style: Style, kind: str, own: bool, tmp_path: Path
) -> None:
    scene, frame = picture(1), picture(2)
    processor = StyleProcessor(random_style, precision="float32", batch_size=1)
    processor.open(VideoInfo(width=WIDTH, height=HEIGHT))
    statistics = None if own else processor.statistics_of(scene[None])
    target = tmp_path / f"program{SUFFIXES[kind]}"
    assert export(random_style, kind, target, scene, statistics) < 0.2
    found = run_elsewhere(kind, target, frame).astype(int)
    wanted = painted_by_render(random_style, frame if own else scene, frame).astype(int)
    assert found.std() > 5
    assert np.abs(found - wanted).max() <= 1
    assert [path.name for path in tmp_path.iterdir()] == [target.name]  # nothing else is left
    if kind == "onnx":
        import onnx

        card = {prop.key: prop.value for prop in onnx.load(target).metadata_props}["style"]
        assert json.loads(card)["name"] == random_style.card.name


def test_a_program_paints_strokes_of_the_size_asked_for(random_style: Style, kind: str, tmp_path: Path) -> None:
    scene, frame = picture(1), picture(2)
    processor = StyleProcessor(random_style, precision="float32", stroke_size=1.6)
    target = tmp_path / f"program{SUFFIXES[kind]}"
    assert export(random_style, kind, target, scene, processor.statistics_of(scene[None]), stroke_size=1.6) < 0.2
    found = run_elsewhere(kind, target, frame).astype(int)
    assert np.abs(found - painted_by_render(random_style, scene, frame, 1.6).astype(int)).max() <= 1


def test_what_is_there_is_replaced_only_when_asked(random_style: Style, tmp_path: Path) -> None:
    target = tmp_path / "program"
    target.mkdir()
    (target / "letters.txt").write_text("dear")
    for overwrite in (False, True):  # a folder that is no SavedModel stays in any case
        with pytest.raises(OutputError):
            export(random_style, "saved_model", target, picture(), overwrite=overwrite)
    assert (target / "letters.txt").read_text() == "dear"
    other = tmp_path / "other"
    export(random_style, "saved_model", other, picture())
    with pytest.raises(OutputError, match="exists"):
        export(random_style, "saved_model", other, picture())
    export(random_style, "saved_model", other, picture(), overwrite=True)
    assert json.loads((other / "style.json").read_text())["name"] == random_style.card.name
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "program"]


def test_a_program_that_paints_something_else_is_not_kept(
    random_style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_run_litert", lambda data: lambda inputs: 255 - inputs["frame"])
    with pytest.raises(DeviceError, match="failed verification"):
        export(random_style, "litert", tmp_path / "program.tflite", picture())
    assert not list(tmp_path.iterdir())


def test_a_program_has_the_canvas_inside_or_takes_it(random_style: Style, tmp_path: Path) -> None:
    kernel = np.random.default_rng(1).normal(0, 0.3, random_style.weights[CANVAS].shape).astype(np.float32)
    style = replace(random_style, weights={**random_style.weights, CANVAS: kernel})
    frame = picture(2)
    processor = StyleProcessor(style, precision="float32", batch_size=1)
    processor.open(VideoInfo(width=WIDTH, height=HEIGHT))
    wanted = processor(FrameBatch(frame[None], np.zeros(1), 0)).frames[0].astype(int)
    export(style, "litert", tmp_path / "inside.tflite", frame)
    assert np.abs(run_elsewhere("litert", tmp_path / "inside.tflite", frame) - wanted).max() <= 1
    export(style, "litert", tmp_path / "taken.tflite", frame, canvas_input=True)
    runner = tf.lite.Interpreter(str(tmp_path / "taken.tflite")).get_signature_runner()
    shape = runner.get_input_details()["canvas"]["shape"]
    noise = still_canvas(HEIGHT, WIDTH, 8, CanvasSettings())[None]
    assert tuple(shape) == noise.shape
    assert np.abs(runner(frame=frame[None], canvas=noise)["painted"][0] - wanted).max() <= 1
    assert np.abs(runner(frame=frame[None], canvas=0 * noise)["painted"][0] - wanted).mean() > 1
    with pytest.raises(UsageError, match="canvas"):
        export(random_style, "litert", tmp_path / "none.tflite", frame, canvas_input=True)


def test_the_command_exports_a_style_for_a_scene(
    random_style: Style, clip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # type: ignore[no-untyped-def]
    style, target = tmp_path / "mine.safetensors", tmp_path / "mine.tflite"
    save_style(random_style, style)
    words = ["export", str(style), "--format", "litert", "--size", f"{WIDTH}x{HEIGHT}", "-o", str(target), "--json"]
    assert main([*words, "--scene", str(clip("plain.mp4"))]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["output"] == str(target)
    assert report["size"] == [WIDTH, HEIGHT]
    assert run_elsewhere("litert", target, picture()).shape == (HEIGHT, WIDTH, 3)
    assert main(words) == 5  # it exists


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["great-wave", "--size", "640"], 2, "WIDTHxHEIGHT"),
        (["great-wave", "--size", "8x8"], 2, "16 to 8192"),
        (["painting.jpg"], 4, "cannot read the picture"),
        (["great-wave", "--strength", "0.5"], 2, "--scene"),
        (["no-such-style"], 4, "no style named"),
        (["great-wave", "--scene", "missing.mp4"], 3, "no such file"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_a_line(
    words: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--format", "litert", *words]) == code
    assert message in capsys.readouterr().err
