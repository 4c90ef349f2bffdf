"""Bad inputs and faults: one clear error of the right kind, nothing lost, nothing left behind.

Each test names its row of the fault list. Faults of chunks and workers are tested in tests/rendering, of cameras and
streams in tests/live. Without a test here: F8 (8K: frames are cut into tiles, tests/inference), F19 (the limit of
packets is set, nothing more), M8 (versions are printed, tests/cli).
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.conftest import ffmpeg as make
from videostyle.errors import InputError, OutputError
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.media import opencv
from videostyle.media.atomic import PendingOutput, check_writable, process_name, write_whole
from videostyle.media.ffmpeg.process import Process
from videostyle.media.probe import probe
from videostyle.media.readers.base import ReadOptions
from videostyle.media.readers.open import open_reader
from videostyle.media.timecode import TimePoint
from videostyle.media.writers.base import EncodeOptions
from videostyle.media.writers.images import ImageWriter
from videostyle.media.writers.mux import Original
from videostyle.media.writers.open import open_writer
from videostyle.rendering.pipeline import run

Clip = Callable[[str], Path]
INFO = VideoInfo(64, 48, fps=Fraction(25))


def batches(count: int) -> Iterator[FrameBatch]:
    rng = np.random.default_rng(0)
    for i in range(count):
        yield FrameBatch(rng.integers(0, 255, (4, 48, 64, 3), dtype=np.uint8), np.arange(4 * i, 4 * i + 4) / 25, 4 * i)


def read_all(path: Path, **options: object) -> tuple[int, list[str]]:
    with open_reader(path, ReadOptions(**options)) as source:
        return sum(len(b) for b in source), source.warnings


def refused(path: Path | str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_all(Path(path))
    assert "\n" not in str(caught.value)


# -- files ---------------------------------------------------------------------------------------------------


def test_f1_no_moov(clip: Clip) -> None:
    refused(clip("nomoov.mp4"), "moov missing")


def test_f2_cut_in_the_middle_is_said_or_refused(clip: Clip) -> None:
    count, warnings = read_all(clip("cut.mp4"))
    assert 0 < count < 25
    assert any("25 frames" in w for w in warnings)
    with pytest.raises(InputError, match="25 frames"):
        read_all(clip("cut.mp4"), strict=True)


@pytest.mark.parametrize(
    ("name", "remux", "kept"),
    [
        *(("plain.mp4", ".mkv", 70), ("silent.mkv", ".mkv", 70), ("shifted.mkv", ".mkv", 70)),
        *(("variable.mp4", ".mkv", 70), ("ten.mp4", ".mp4", 95), ("ten.mp4", ".mkv", 85)),
        *(("interlaced.mp4", ".mp4", 70), ("interlaced.mp4", ".mkv", 70)),
        *(("odd.mkv", ".avi", 60), ("silent.mkv", ".flv", 70)),
    ],
)
def test_f2_every_kind_of_video_says_that_it_is_cut_off(
    clip: Clip, name: str, remux: str, kept: int, tmp_path: Path
) -> None:
    whole, cut = tmp_path / f"whole{remux}", tmp_path / f"cut{remux}"
    make("-i", clip(name), "-c", "copy", *(("-movflags", "+faststart") if remux == ".mp4" else ()), whole)
    count, warnings = read_all(whole, strict=True)
    assert not any("early" in w for w in warnings)
    data = whole.read_bytes()
    cut.write_bytes(data[: len(data) * kept // 100])
    fewer, warnings = read_all(cut)
    assert 0 < fewer < count
    assert any("ends early" in w for w in warnings)
    with pytest.raises(InputError, match="could be read"):
        read_all(cut, strict=True)


def test_f2_a_whole_file_is_not_said_to_be_cut_off(clip: Clip, tmp_path: Path) -> None:
    """Cut without encoding (an edit list hides frames), a sound that is longer, pictures that stay for seconds."""
    hidden, longer, slow = tmp_path / "hidden.mp4", tmp_path / "longer.mkv", tmp_path / "slow.mkv"
    make("-ss", "0.3", "-i", clip("plain.mp4"), "-c", "copy", hidden)
    make("-t", "0.4", "-i", clip("silent.mkv"), "-i", clip("plain.mp4"), "-map", "0:v", "-map", "1:a", "-c", "copy",
         longer)  # fmt: skip
    make("-f", "lavfi", "-i", "testsrc2=s=64x48:r=1/3:d=15", "-c:v", "libx264", "-pix_fmt", "yuv420p", slow)
    for path, frames in ((hidden, 17), (longer, 10), (slow, 5)):
        count, warnings = read_all(path, strict=True)
        assert abs(count - frames) <= 1
        assert not warnings


def test_f2_times_of_packets_that_are_there_are_given(
    clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import av
    from av.error import InvalidDataError

    from videostyle.media import packets

    class Broken:
        """A container whose end cannot be read."""

        def __init__(self) -> None:
            self.inner = av.open(str(clip("silent.mkv")))
            self.streams = self.inner.streams

        def demux(self, stream: object = None) -> Iterator[object]:
            for number, packet in enumerate(self.inner.demux(video=0)):
                if number == 10:
                    raise InvalidDataError(1, "broken")
                yield packet

        def __enter__(self) -> Broken:
            return self

        def __exit__(self, *_: object) -> None:
            self.inner.close()

    monkeypatch.setattr(packets, "open_container", lambda path: Broken())
    assert len(packets.packet_times(tmp_path, 0)) == 10


def test_f3_what_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("this is not a video\n" * 50)
    refused(tmp_path / "empty.mp4", "0 bytes")
    refused(tmp_path / "text.mp4", "cannot read")
    refused(tmp_path / "missing.mp4", "no such file")
    refused(tmp_path, "no pictures")


def test_f4_sound_only(clip: Clip) -> None:
    refused(clip("sound.m4a"), "no video stream")


@pytest.mark.parametrize(
    ("name", "frames"), [("variable.mp4", 31), ("raw.h264", 25), ("shifted.mkv", 25), ("one.mp4", 1)]
)
def test_f10_f11_f12_f22_every_frame_of_a_clip_with_odd_times_has_its_own(clip: Clip, name: str, frames: int) -> None:
    with open_reader(clip(name)) as source:
        times = np.concatenate([batch.pts for batch in source])
        warnings = source.warnings
    assert len(times) == frames
    assert (np.diff(times) > 0).all()
    assert not warnings


def test_f18_damage_in_the_middle_is_passed_and_said(clip: Clip) -> None:
    count, warnings = read_all(clip("damaged.mp4"))
    assert 60 < count < 100  # what follows the damage is not lost
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{100 - count} damaged frames")


def test_f19_n4_opencv_is_limited() -> None:
    opencv.load_cv2()
    assert "protocol_whitelist;file" in os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"]
    assert "concat" not in os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"]
    assert int(os.environ["OPENCV_FFMPEG_READ_ATTEMPTS"]) > 4096


# -- names and protocols -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "-dash.mp4",
        "a:b.mp4",
        "new\nline.mp4",
        "sp ace.mp4",
        "$(touch pwned).mp4",
        "p%03d.mp4",
        "\U0001f600.mp4",
        "concat:a|b.mp4",
    ],
)
def test_n1_n2_n5_any_name_works_in_and_out(
    clip: Clip, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(clip("plain.mp4").read_bytes())
    source = open_reader(name)
    run(source, [], open_writer(f"out{name}", source.info, original=Original(source.input.media)))
    assert read_all(Path(f"out{name}"))[0] == 25
    assert not (tmp_path / "pwned").exists()


def test_n3_n4_playlists_and_addresses_are_not_followed(
    clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.3)
    address = f"http://127.0.0.1:{server.getsockname()[1]}/x.mp4"
    (tmp_path / "neighbour.mp4").write_bytes(clip("plain.mp4").read_bytes())
    lists = {
        "ff.mp4": "ffconcat version 1.0\nfile neighbour.mp4\n",
        "hls.mp4": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}\n#EXT-X-ENDLIST\n",
    }
    for name, text in lists.items():
        (tmp_path / name).write_text(text)
        refused(name, "cannot read")
    refused(address, "no such file")
    refused("concat:neighbour.mp4|neighbour.mp4", "no such file")
    with pytest.raises(TimeoutError):
        server.accept()
    server.close()


@pytest.mark.parametrize(
    "name",
    ["a" * 251 + ".mp4", "\u7d75" * 75 + "a" * 20 + ".mp4", "\u7d75" * 83 + "ab.mp4"],
    ids=["255 letters", "249 bytes", "255 bytes"],
)
def test_n5_the_longest_names_work_in_and_out(clip: Clip, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(clip("silent.mkv").read_bytes())
    (tmp_path / "o").mkdir()
    source = open_reader(tmp_path / name)
    run(source, [], open_writer(tmp_path / "o" / name, source.info, original=Original(source.input.media)))
    assert read_all(tmp_path / "o" / name)[0] == 25
    assert os.listdir(tmp_path / "o") == [name]
    write_whole(tmp_path / "o" / name, b"whole")
    assert (tmp_path / "o" / name).read_bytes() == b"whole"
    numbered = ImageWriter(tmp_path / f"{name[:70]}%06d.png", INFO, EncodeOptions(), lock=True)
    numbered.write(next(batches(1)))
    numbered.close()
    assert len(list(tmp_path.glob("*.png"))) == 4


def test_n5_long_names_that_begin_alike_are_two_outputs(tmp_path: Path) -> None:
    with PendingOutput(tmp_path / ("a" * 240 + "1.mp4")), PendingOutput(tmp_path / ("a" * 240 + "2.mp4")):
        assert len(list(tmp_path.iterdir())) == 4
    with PendingOutput(tmp_path / "out.mp4") as output:  # an ordinary name is kept whole
        assert output.temporary.name == f".out.mp4.videostyle.{process_name()}.part.mp4"


def test_n5_names_that_are_too_long_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / ("a" * 300 + ".mp4"), tmp_path / ("\u7d75" * 100) / "out.mp4"):
        refused(path, "too long")
        with pytest.raises(OutputError, match="too long"):
            open_writer(path, INFO)
        with pytest.raises(OutputError, match="too long"):
            check_writable(path)
    with pytest.raises(OutputError, match="too long"):
        open_writer(tmp_path / ("a" * 300), INFO, EncodeOptions(codec="png"))
    refused(tmp_path / ("a" * 300 + "%04d.png"), "no file matches|too long")
    assert not list(tmp_path.iterdir())


def test_n6_names_that_are_not_text(tmp_path: Path) -> None:
    refused(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.mp4"), "UTF-8")


def test_n7_pipes_do_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    began = time.monotonic()
    refused(tmp_path / "pipe.mp4", "not a regular file")
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("link", ["same", "symlink", "hard"])
def test_n8_the_input_is_never_written(clip: Clip, link: str, tmp_path: Path) -> None:
    original = tmp_path / "in.mp4"
    original.write_bytes(clip("plain.mp4").read_bytes())
    output = original if link == "same" else tmp_path / "out.mp4"
    if link == "symlink":
        output.symlink_to(original)
    if link == "hard":
        os.link(original, output)
    with pytest.raises(OutputError, match="input itself"):
        open_writer(output, INFO, EncodeOptions(overwrite=True), original=Original(probe(original)))
    assert original.read_bytes() == clip("plain.mp4").read_bytes()


def test_n9_an_existing_output_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    output.write_text("precious")
    with pytest.raises(OutputError, match="exists already"):
        open_writer(output, INFO)
    sink = open_writer(output, INFO, EncodeOptions(overwrite=True))
    for batch in batches(2):
        sink.write(batch)
    assert output.read_text() == "precious"
    sink.close()
    assert read_all(output)[0] == 8


# -- disk and processes --------------------------------------------------------------------------------------


def fake_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    script = tmp_path / "ffmpeg"
    script.write_text(f"#!{sys.executable}\nimport os, sys, time\n{textwrap.dedent(body)}")
    script.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(script))


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def encode(output: Path) -> None:
    sink = open_writer(output, INFO)
    try:
        for batch in batches(40):
            sink.write(batch)
        sink.close()
    finally:
        sink.abort()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("sys.stdin.buffer.read(9000); os._exit(9)", "died"),
        ("sys.stdin.buffer.read(); print('No space left on device', file=sys.stderr); sys.exit(228)", "free some"),
        ("sys.stdin.buffer.read(); os.kill(os.getpid(), 9)", "signal 9"),
        ("sys.stderr.write('noise\\n' * 200000); sys.stdin.buffer.read(); sys.exit(1)", "noise"),
    ],
)
def test_p1_p3_a_dying_encoder_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, words: str
) -> None:
    output = tmp_path / "out" / "x.mp4"
    output.parent.mkdir()
    fake_ffmpeg(tmp_path, monkeypatch, body)
    with pytest.raises(OutputError, match=words):
        encode(output)
    assert not list(output.parent.iterdir())


def test_p1_disk_full(tmp_path: Path) -> None:
    """A limit on file size stands for a full disk; ffmpeg sees the same refusal to write."""
    code = f"""
        import resource, signal, sys
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from pathlib import Path
        from tests.media.test_faults import encode
        from videostyle.errors import OutputError
        try:
            encode(Path({str(tmp_path / "out.mp4")!r}))
        except OutputError as error:
            print("refused", error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("refused"), done.stderr
    assert not list(tmp_path.iterdir())


def test_p1_a_disk_that_is_full_at_the_end_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise av.error.OSError(errno.ENOSPC, "No space left on device", "out.mp4")

    monkeypatch.setattr("videostyle.media.writers.mux.Muxer.write", full)
    with pytest.raises(OutputError, match="no room to write"):
        encode(tmp_path / "out.mp4")
    assert not list(tmp_path.iterdir())


def test_f3_a_file_that_vanished_is_said_to_be_gone(clip: Clip, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    shutil.copy(clip("plain.mp4"), path)
    with open_reader(path) as reader:
        path.unlink()
        with pytest.raises(InputError, match="no longer there"):
            next(iter(reader))


def test_p2_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot write .*Not a directory \(choose another place\)"):
        open_writer(tmp_path / "file" / "out.mp4", INFO)
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # the administrator may write everywhere
    with pytest.raises(OutputError, match=r"may not write into .* \(choose another place\)"):
        open_writer(tmp_path / "out.mp4", INFO)
    monkeypatch.undo()
    with pytest.raises(OutputError, match="create the folder"):
        open_writer(tmp_path / "no" / "out.mp4", INFO)


def test_p4_the_encoder_does_not_hear_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_ffmpeg(tmp_path, monkeypatch, "sys.stdin.read()")
    process = Process([], write=True)
    assert os.getpgid(process._child.pid) != os.getpgid(0)
    process.kill()


def test_p5_killed_midway_leaves_no_output_and_does_not_block_the_next_run(clip: Clip, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    code = f"""
        import sys, time
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from tests.media.test_faults import batches, INFO
        from videostyle.media.writers.open import open_writer
        sink = open_writer({str(output)!r}, INFO)
        for batch in batches(10):
            sink.write(batch)
        print("written", flush=True)
        time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == b"written"
        child.send_signal(signal.SIGKILL)
    assert not output.exists()
    encode(output)
    assert read_all(output)[0] == 160
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_p5_an_encoder_that_outlives_its_killed_run_does_not_write_into_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It still holds frames when its run is killed, and writes them when nobody waits for it any more."""
    late = tmp_path / "late"
    late.mkdir()
    fake_ffmpeg(
        late,
        monkeypatch,
        """
        target = sys.argv[-1].removeprefix("file:")
        file = open(target, "wb")
        open(os.path.join(os.path.dirname(__file__), "begun"), "w").close()
        sys.stdin.buffer.read()
        time.sleep(1.0)
        file.write(b"late")
        file.close()
        open(os.path.join(os.path.dirname(__file__), "done"), "w").close()
        """,
    )
    output = tmp_path / "out.mp4"
    code = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from tests.media.test_faults import batches, INFO
        from videostyle.media.writers.open import open_writer
        writer = open_writer({str(output)!r}, INFO)
        writer.write(next(batches(1)))
        sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
        wait_for(late / "begun")
        child.kill()
    monkeypatch.delenv("IMAGEIO_FFMPEG_EXE")
    writer = open_writer(output, INFO)
    for batch in batches(4):
        writer.write(batch)
    wait_for(late / "done")
    writer.close()
    assert read_all(output, strict=True)[0] == 16
    assert sorted(os.listdir(tmp_path)) == ["late", "out.mp4"]


def test_two_runs_do_not_write_one_output(tmp_path: Path) -> None:
    with PendingOutput(tmp_path / "out.mp4"), pytest.raises(OutputError, match="another run"):
        PendingOutput(tmp_path / "out.mp4")


def test_m6_a_picture_bomb_is_refused_at_once(tmp_path: Path) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20000, 20000, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(60001) * 2000)
    (tmp_path / "bomb.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )
    began = time.process_time()
    with pytest.raises(InputError):
        read_all(tmp_path / "bomb.png")
    assert time.process_time() - began < 5


def test_small_fuzz(clip: Clip, tmp_path: Path) -> None:
    """Damaged bytes give frames or an InputError, never a crash or a hang; in one child with a limit."""
    data = clip("silent.mkv").read_bytes()
    for seed in range(25):
        rng = np.random.default_rng(seed)
        broken = bytearray(data)
        for _ in range(20):
            broken[int(rng.integers(len(broken)))] = int(rng.integers(256))
        (tmp_path / f"{seed}.mkv").write_bytes(broken)
    code = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from pathlib import Path
        from tests.media.test_faults import read_all
        from videostyle.errors import InputError
        for path in sorted(Path({str(tmp_path)!r}).glob("*.mkv")):
            try:
                read_all(path)
            except InputError:
                pass
        print("survived")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert "survived" in done.stdout, done.stderr[-2000:]


def test_f18_damage_in_a_ten_bit_clip_leaves_a_gap_and_shifts_nothing(tmp_path: Path) -> None:
    # Every frame shows its number as a grey level, so that a frame and its time can be held against each other.
    whole = tmp_path / "whole.mp4"
    source = "nullsrc=s=64x48:r=25:d=4,format=yuv420p10le,geq=lum='80+8*N':cb=512:cr=512"
    make("-f", "lavfi", "-i", source, "-c:v", "libx265", "-x265-params", "log-level=none:keyint=5:bframes=0",
           "-movflags", "+faststart", whole)  # fmt: skip

    def levels(path: Path) -> dict[float, float]:
        with open_reader(path) as opened:
            return {
                round(t, 3): float(f.mean()) for b in opened for f, t in zip(b.frames, b.pts, strict=True)
            }  # fmt: skip

    expected = levels(whole)
    assert len(expected) == 100
    data = bytearray(whole.read_bytes())
    start = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2
    data[start : start + 200] = bytes(200)
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(data)
    found = levels(damaged)
    late = [t for t in expected if t > 3.2]
    assert late
    for moment in late:  # well behind the damage, each time still has its own picture
        assert found[moment] == pytest.approx(expected[moment], abs=1.5)


def test_a_copied_stream_that_is_not_in_the_written_file_is_noticed(
    clip: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from videostyle.media.writers.mux import Muxer

    def lost(self: Muxer, source: object, copies: object, origin: float) -> Iterator[object]:
        self.copied |= {1, 99}
        return iter(())

    monkeypatch.setattr(Muxer, "_copied_packets", lost)
    with open_reader(clip("plain.mp4")) as source:
        sink = open_writer(tmp_path / "out.mp4", source.info, EncodeOptions(), original=Original(source.input.media))
        for batch in source:
            sink.write(batch)
        with pytest.raises(OutputError, match="of 2 copied streams"):
            sink.close()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_cut_in_which_a_track_is_silent_is_written(clip: Clip, suffix: str, tmp_path: Path) -> None:
    late, kind = tmp_path / "late.mov", "subtitle" if suffix == ".mkv" else "audio"
    if kind == "audio":  # sound that begins at 0.6 s
        make("-i", clip("plain.mp4"), "-itsoffset", "0.6", "-i", clip("plain.mp4"), "-map", "0:v", "-map", "1:a",
             "-c", "copy", late)  # fmt: skip
    else:
        late = clip("subtitles.mkv")  # its words are shown from 0.1 s on
    end = 0.4 if kind == "audio" else 0.08
    with open_reader(late, ReadOptions(end=TimePoint(seconds=end))) as source:
        sink = open_writer(tmp_path / f"out{suffix}", source.info, original=Original(source.input.media, 0.0, end))
        for batch in source:
            sink.write(batch)
        sink.close()
    assert read_all(tmp_path / f"out{suffix}")[0] == round(25 * end)
    assert [w for w in sink.warnings if w.startswith(kind) and "has nothing" in w]
