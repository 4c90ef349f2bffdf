"""``videostyle live``."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.live.fakes import ROOT, Clock, FakeLibrary, InStep, times_of
from videostyle.cli.main import main
from videostyle.cli.progress import Bars
from videostyle.errors import OutputError
from videostyle.live import capture as capture_module
from videostyle.live import loop as loop_module
from videostyle.live.frame import LiveFrame
from videostyle.live.outputs import output as output_module
from videostyle.live.outputs.recording import Recording
from videostyle.media.readers import camera as camera_module
from videostyle.media.readers.camera import PacedFile

Clip = Callable[[str], Path]


def test_live_paints_a_file_into_a_recording(
    clip: Clip, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from videostyle.media.probe import probe
    from videostyle.media.provenance import read

    clock = Clock()

    def await_(self: PacedFile, due: float) -> bool:
        clock.now = max(clock.now, due)
        if clock.now > 1004.0 and not self._closed.wait(60):
            raise TimeoutError("the run goes on and on")
        return not self._closed.is_set()

    monkeypatch.setattr(PacedFile, "_await", await_)
    for module in (camera_module, capture_module, loop_module, output_module):
        monkeypatch.setattr(module, "time", clock)
    for module in (capture_module, output_module):
        monkeypatch.setattr(module, "LatestSlot", InStep)
    counted = []
    monkeypatch.setattr(Bars, "__call__", lambda self, phase, done, total: counted.append(done))
    out = tmp_path / "out.mp4"
    words = ["live", "--style", "great-wave", "--style", "starry-night", "--every", "0.5", "--crossfade", "0.2"]
    words += ["--input", str(clip("plain.mp4")), "--loop", "--record", str(out), "--duration", "2.5", "--json", "-q"]
    assert main(words) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert 2.5 <= report["seconds"] < 4.1
    assert report["painted"] == pytest.approx(25 * report["seconds"], abs=4)  # at the clip's own pace
    assert report["outputs"]["recording"]["frames"] == report["painted"]
    assert report["latency_p95"] < 200
    assert 0 < sum(counted) <= report["painted"]  # a terminal shows meanwhile that frames are painted
    times = times_of(out)
    assert len(times) == report["painted"]
    assert np.diff(times) == pytest.approx(0.04, abs=0.001)
    painted = read(out, probe(out).metadata)
    assert painted is not None
    assert "great-wave" in painted.style


def test_a_failed_recording_sets_the_exit_code(
    clip: Clip, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Recording, frame: LiveFrame) -> None:
        raise OutputError("the disk is full")

    monkeypatch.setattr(Recording, "write", broken)
    words = ["live", "--style", "great-wave", "--input", str(clip("plain.mp4")), "--page", "0", "--json", "-q"]
    assert main([*words, "--record", str(tmp_path / "out.mp4"), "--fixed-size"]) == 5
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert "the disk is full" in report["outputs"]["recording"]["error"]
    assert report["outputs"]["page"]["frames"] > 0
    assert report["seconds"] > 0.8  # the clip, of a second, did not run out while the network was compiled


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_the_recording(number: int, clip: Clip, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    command = [sys.executable, "-m", "videostyle", "live", "--style", "great-wave", "--loop", "--input"]
    command += [str(clip("plain.mp4")), "--record", str(out), "--json", "-q"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    running = out.with_name("out.recording.mp4")
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and not (running.exists() and running.stat().st_size > 3000):
        time.sleep(0.05)
    child.send_signal(number)
    output, _ = child.communicate(timeout=120)
    assert child.returncode == 0
    assert json.loads(output.splitlines()[-1])["painted"] > 0
    assert len(times_of(out)) > 0
    assert not running.exists()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 6, "--page"),
        (["--camera", "77", "--page", "0"], 6, "cannot open camera 77"),
        (["--input", "missing.mp4", "--page", "0"], 3, "no such file"),
        (["--strength", "2", "--page", "0"], 2, "outside 0..1"),
        (["--canvas", "1.5", "--page", "0"], 2, "--canvas: 1.5 is outside 0..1"),
        (["--seed", "-1", "--page", "0"], 2, "--seed"),
        (["--stroke-size", "0.2", "--page", "0"], 2, "--stroke-size"),
        (["--target-fps", "0", "--page", "0"], 2, "--target-fps"),
        (["--size", "big", "--page", "0"], 2, "cannot use the size"),
        (["--record", "x.gif"], 2, "use .mp4"),
        (["--record", "EXISTING"], 5, "use --overwrite to replace it, or another name"),
        (["--stream-to", "file:///x"], 2, "cannot stream"),
    ],
)
def test_refusals_take_one_line(
    words: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    (tmp_path / "show.mp4").touch()
    words = [str(tmp_path / "show.mp4") if word == "EXISTING" else word for word in words]
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert main(["live", "--style", "great-wave", *words]) == code
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("videostyle:")]
    assert len(lines) == 1
    assert message in lines[0]


@pytest.mark.parametrize("kind", ["the input itself", "a link to it"])
def test_n8_a_recording_never_replaces_the_input(
    kind: str, clip: Clip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show, record = tmp_path / "show.mp4", tmp_path / ("show.mp4" if kind == "the input itself" else "link.mp4")
    shutil.copy(clip("plain.mp4"), show)
    if record != show:
        os.link(show, record)
    words = ["live", "--style", "great-wave", "--page", "0", "--input", str(show), "--record", str(record), "-y", "-q"]
    assert main(words) == 5
    assert "is the input itself" in capsys.readouterr().err
    assert show.read_bytes() == clip("plain.mp4").read_bytes()


def test_the_error_without_a_virtual_camera_says_how_to_create_one(
    monkeypatch: pytest.MonkeyPatch, clip: Clip, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", FakeLibrary("'v4l2loopback' backend: no device"))
    monkeypatch.setattr(sys, "platform", "linux")
    words = ["live", "--style", "great-wave", "--input", str(clip("plain.mp4")), "--virtual-camera"]
    assert main(words) == 6
    said = capsys.readouterr().err
    assert "there is no virtual camera: 'v4l2loopback' backend: no device (sudo modprobe v4l2loopback" in said


def test_a_display_that_cannot_be_reached_is_an_error_with_alternatives(
    clip: Clip, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for display in (":9871", "127.0.0.1:50000", "nonsense"):
        monkeypatch.setenv("DISPLAY", display)
        assert main(["live", "--style", "great-wave", "--window", "--input", str(clip("one.mp4"))]) == 6
        said = capsys.readouterr().err
        assert display in said
        assert "--page" in said
