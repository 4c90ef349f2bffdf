"""Network streams to real servers on this machine."""

from __future__ import annotations

import itertools
import socket
import subprocess
import threading
import time
from pathlib import Path

import av
import numpy as np
import pytest

from tests.live.fakes import SIZE, Clock, FakeCamera, Identity, Keep, code_of, coded, play, recorded
from videostyle.errors import UsageError
from videostyle.live.capture import Capture
from videostyle.live.frame import LiveFrame
from videostyle.live.loop import LiveLoop
from videostyle.live.outputs import stream as stream_module
from videostyle.live.outputs.stream import StreamOut
from videostyle.live.pace import Pace
from videostyle.media.ffmpeg.process import ffmpeg_exe
from videostyle.media.readers.camera import open_grabber


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Listener:
    """A server for one stream: ffmpeg, which copies what it receives into a file."""

    ADDRESSES = {  # noqa: RUF012 - scheme -> what it listens on, and what is sent to
        "rtmp": ("rtmp://127.0.0.1:{0}/live/key", "rtmp://127.0.0.1:{0}/live/key"),
        "srt": ("srt://127.0.0.1:{0}?mode=listener", "srt://127.0.0.1:{0}"),
        "udp": ("udp://127.0.0.1:{0}", "udp://127.0.0.1:{0}?pkt_size=1316"),
        "rtp": ("rtp://127.0.0.1:{0}", "rtp://127.0.0.1:{0}"),
        "tcp": ("tcp://127.0.0.1:{0}?listen=1", "tcp://127.0.0.1:{0}"),
    }

    def __init__(self, scheme: str, port: int, path: Path) -> None:
        self.path = path
        words = [ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y", "-fflags", "nobuffer"]
        words += ["-analyzeduration", "300000"]
        words += ["-listen", "1"] if scheme == "rtmp" else []
        words += ["-f", "mpegts"] if scheme in ("srt", "udp", "tcp") else []
        words += ["-i", self.ADDRESSES[scheme][0].format(port), "-c", "copy", "-flush_packets", "1"]
        self.child = subprocess.Popen([*words, "-f", "nut", str(path)], stdin=subprocess.PIPE, stderr=subprocess.PIPE)

    def received(self) -> list[int]:
        """Numbers of the frames received so far."""
        try:
            return recorded(self.path)[0]
        except (OSError, av.error.FFmpegError):
            return []

    def stop(self) -> None:
        self.child.kill()
        self.child.communicate()


@pytest.mark.parametrize("scheme", ["rtmp", "srt", "udp", "rtp", "tcp"])
def test_a_stream_arrives_at_its_server(scheme: str, tmp_path: Path) -> None:
    port = free_port(socket.SOCK_DGRAM if scheme in ("srt", "udp", "rtp") else socket.SOCK_STREAM)
    server = Listener(scheme, port, tmp_path / "got.nut")
    output = StreamOut(Listener.ADDRESSES[scheme][1].format(port))
    capture = Capture(FakeCamera(25), None, mirror=False, stalled=2)
    live = LiveLoop(capture, Identity(), {"stream": output}, Pace(1.0), SIZE, 25.0)
    try:
        play(live, lambda: len(server.received()) > 20, 25)
        codes = server.received()
    finally:
        server.stop()
    assert len(codes) > 20
    assert codes == sorted(set(codes))
    assert max(np.diff(codes)) <= 3


@pytest.mark.parametrize("scheme", ["rtmp", "srt"])
def test_a_stream_reconnects_to_its_server_and_other_outputs_go_on(
    scheme: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port(socket.SOCK_DGRAM if scheme == "srt" else socket.SOCK_STREAM)
    servers = [Listener(scheme, port, tmp_path / "0.nut")]
    output, keep = StreamOut(Listener.ADDRESSES[scheme][1].format(port)), Keep()
    capture = Capture(FakeCamera(25), None, mirror=False, stalled=2)
    live = LiveLoop(capture, Identity(), {"stream": output, "keep": keep}, Pace(1.0), SIZE, 25.0)

    away: list[float] = []  # when the server went, and when the stream was back

    def happened() -> bool:
        if len(servers) == 1 and len(servers[0].received()) > 20:
            servers[0].stop()
            away.append(time.monotonic())
            servers.append(Listener(scheme, port, tmp_path / "1.nut"))
        if len(servers) == 2 and len(servers[1].received()) > 20:
            away.append(time.monotonic())
        return len(away) == 2

    try:
        report = play(live, happened, 45)
    finally:
        for server in servers:
            server.stop()
    assert len(servers) == 2
    assert len(servers[1].received()) > 20
    assert report.outputs["stream"]["reconnects"] >= 1
    assert report.outputs["stream"]["error"] == ""
    # The other output went on meanwhile; a busy machine may drop some of its frames.
    meanwhile = [t for _, t in keep.seen if away[0] < t < away[1]]
    assert len(meanwhile) > 0.4 * 25 * (away[1] - away[0])
    assert max(np.diff(meanwhile)) < 2
    if scheme == "rtmp":
        said = " ".join(record.getMessage() for record in caplog.records)
        assert "is broken" in said
        assert "/key" not in said  # the stream's key is a secret


def test_a_killed_ffmpeg_is_started_again(tmp_path: Path) -> None:
    port = free_port(socket.SOCK_DGRAM)
    server = Listener("udp", port, tmp_path / "got.nut")
    output = StreamOut(f"udp://127.0.0.1:{port}?pkt_size=1316")
    output.open(*SIZE, 25.0)
    try:
        for number in range(120):
            output.write(LiveFrame(coded(number), time.monotonic(), number))
            if number == 20:
                assert output._connection is not None
                output._connection._process._child.kill()
            time.sleep(0.03)
        output.close()
    finally:
        server.stop()
    assert output.reconnects == 1
    assert max(server.received()) > 80


def test_pauses_between_attempts_grow_while_the_server_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, tried = Clock(), []

    class Refused:
        def __init__(self, *words: object) -> None:
            tried.append(clock.now)
            raise OSError("refused")

    monkeypatch.setattr(stream_module, "_Connection", Refused)
    monkeypatch.setattr(stream_module, "time", clock)
    output = StreamOut("tcp://127.0.0.1:9")
    output.open(*SIZE, 25.0)
    for _ in range(25 * 60):
        output.write(LiveFrame(coded(0), clock.now, 0))
        clock.now += 1 / 25
    expected = [0.5, 1, 2, 4, 8, stream_module.LONGEST_PAUSE, stream_module.LONGEST_PAUSE]
    assert np.diff(tried) == pytest.approx(expected, abs=0.041)


def test_a_server_that_reads_nothing_counts_as_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "SILENT", 1.0)
    silent = socket.create_server(("127.0.0.1", 0))  # the kernel accepts the connection, and nothing ever reads
    silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    output = StreamOut(f"tcp://127.0.0.1:{silent.getsockname()[1]}")
    output.open(640, 360, 25.0)
    noise = np.random.default_rng(0).integers(0, 256, (360, 640, 3), np.uint8)
    deadline = time.monotonic() + 40
    while not output.reconnects and time.monotonic() < deadline:
        output.write(LiveFrame(noise, time.monotonic(), 0))
    began = time.monotonic()
    output.close()
    silent.close()
    assert output.reconnects == 1
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("scheme", ["srt", "tcp"])
def test_a_sent_stream_can_be_received_by_open_grabber(scheme: str) -> None:
    port = free_port(socket.SOCK_DGRAM if scheme == "srt" else socket.SOCK_STREAM)
    found: list[int] = []

    def receive() -> None:
        query = "mode=listener" if scheme == "srt" else "listen=1"
        grabber = open_grabber(0, f"{scheme}://127.0.0.1:{port}?{query}")
        while len(found) < 20 and (got := grabber.read()) is not None:
            found.append(code_of(got[0]))
        grabber.close()

    receiver = threading.Thread(target=receive, daemon=True)
    receiver.start()
    time.sleep(0.5)
    output = StreamOut(Listener.ADDRESSES[scheme][1].format(port))
    output.open(*SIZE, 25.0)
    deadline = time.monotonic() + 25
    for number in itertools.count():
        if len(found) >= 20 or time.monotonic() > deadline:
            break
        output.write(LiveFrame(coded(number), time.monotonic(), number))
        time.sleep(0.03)
    output.close()
    receiver.join(5)
    assert len(found) >= 20
    assert found == sorted(set(found))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "out.mp4", "http://x/y"])
def test_addresses_that_are_no_streams_are_refused(url: str) -> None:
    with pytest.raises(UsageError):
        StreamOut(url)
