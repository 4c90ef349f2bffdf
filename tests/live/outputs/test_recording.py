"""Recordings: times, remains of killed runs, full disks."""

from __future__ import annotations

import errno
import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.fakes import ROOT, SIZE, FakeCamera, Keep, frames_at, recorded, run, times_of
from videostyle.errors import OutputError, UsageError
from videostyle.live.frame import LiveFrame
from videostyle.live.outputs.encoder import Encoder
from videostyle.live.outputs.recording import Recording


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_recording_keeps_the_times_of_capture(suffix: str, tmp_path: Path) -> None:
    times = [100.0, 100.031, 100.08, 100.3, 100.31, 101.5]
    output = Recording(tmp_path / f"out{suffix}")
    output.open(*SIZE, 30.0)
    for frame in frames_at(times):
        output.write(frame)
    output.close()
    output.close()
    codes, found = recorded(tmp_path / f"out{suffix}")
    assert codes == list(range(6))
    assert found == pytest.approx([t - 100 for t in times], abs=0.0011)
    assert os.listdir(tmp_path) == [f"out{suffix}"]


def test_a_recording_of_a_killed_process_can_be_played(tmp_path: Path) -> None:
    # A separate process that is killed while the recording is open.
    code = f"""
import os, sys, signal
sys.path.insert(0, {str(ROOT)!r})
from tests.live.fakes import *
from videostyle.live.outputs.recording import Recording
output = Recording({str(tmp_path / "out.mp4")!r})
output.open(*SIZE, 30.0)
for frame in frames_at([i / 30 for i in range(150)]):
    output.write(frame)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], timeout=60, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not (tmp_path / "out.mp4").exists()
    codes, _ = recorded(tmp_path / "out.recording.mp4")
    assert len(codes) >= 90  # at most the last of five seconds is lost
    assert codes == list(range(len(codes)))


def test_a_recording_without_a_frame_leaves_no_file(tmp_path: Path) -> None:
    output = Recording(tmp_path / "out.mp4")
    output.open(*SIZE, 30.0)
    output.close()
    assert os.listdir(tmp_path) == []
    with pytest.raises(UsageError):
        Recording(tmp_path / "out.gif")
    (tmp_path / "out.mp4").touch()
    with pytest.raises(OutputError, match="exists"):
        Recording(tmp_path / "out.mp4")


def test_an_unfinished_recording_is_never_overwritten(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "out.recording.mp4").write_bytes(b"all that is left of the show")
    (tmp_path / "out.recording-2.mp4").write_bytes(b"and of the one after it")
    output = Recording(tmp_path / "out.mp4")
    output.open(*SIZE, 30.0)
    assert output.running.name == "out.recording-3.mp4"
    for frame in frames_at([0.0, 0.1]):
        output.write(frame)
    output.close()
    assert sorted(os.listdir(tmp_path)) == ["out.mp4", "out.recording-2.mp4", "out.recording.mp4"]
    assert (tmp_path / "out.recording.mp4").read_bytes() == b"all that is left of the show"
    assert (tmp_path / "out.recording-2.mp4").read_bytes() == b"and of the one after it"
    assert "out.recording.mp4' is left of an unfinished recording and is kept" in caplog.text


def test_the_hint_names_the_running_file_only_if_it_exists(tmp_path: Path) -> None:
    for gone in (False, True):
        output = Recording(tmp_path / f"{gone}.mp4")
        output.open(*SIZE, 30.0)
        for frame in frames_at([0.0, 0.1]):
            output.write(frame)
        output._pending.temporary.unlink()
        output._pending.temporary.mkdir()  # so that the final file cannot be written
        if gone:
            output.running.unlink()
        with pytest.raises(OutputError, match="was not finished") as caught:
            output.close()
        assert ("recording.mp4' holds the recording" in str(caught.value)) is not gone


def test_a_full_disk_ends_the_recording_alone_and_keeps_what_was_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, keep = Recording(tmp_path / "out.mp4"), Keep()
    encode, count = Encoder.write, itertools.count()

    def full(self: Encoder, frame: LiveFrame) -> None:
        if next(count) >= 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        encode(self, frame)

    monkeypatch.setattr(Encoder, "write", full)
    broke: list[int] = []  # frames of the other output when the disk was full

    def done() -> bool:
        if not broke and recording._frames == 20:
            broke.append(len(keep.seen))
        return bool(broke) and len(keep.seen) > broke[0] + 10

    report = run(FakeCamera(50), {"recording": recording, "keep": keep}, until=done)
    assert "disk" in report.outputs["recording"]["error"].lower() or "space" in report.outputs["recording"]["error"]
    assert report.outputs["recording"]["frames"] == 20
    assert len(keep.seen) > broke[0] + 10
    assert len(times_of(tmp_path / "out.mp4")) == 20  # what was recorded until then is kept
