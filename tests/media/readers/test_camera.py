"""Cameras, files played at their own pace, and network streams that are received."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests.conftest import X264, ffmpeg
from tests.live.fakes import SIZE, Clock, Keep, Waits, code_of, coded, run
from videostyle.cli.main import main
from videostyle.errors import DeviceError, UsageError
from videostyle.live.capture import Capture
from videostyle.media.address import INPUTS, parse_address
from videostyle.media.readers import camera as camera_module
from videostyle.media.readers.camera import PacedFile, open_grabber
from videostyle.media.readers.open import open_reader

Clip = Callable[[str], Path]


@pytest.fixture
def paced(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[PacedFile, Clock]]:
    """Plays a file on a fake clock."""

    def play(path: Path, *, repeat: bool = False) -> tuple[PacedFile, Clock]:
        clock = Clock()
        monkeypatch.setattr(camera_module, "time", clock)
        camera = PacedFile(path, repeat=repeat)
        camera._closed = Waits(clock)
        return camera, clock

    return play


def test_a_file_is_played_at_its_own_pace(clip: Clip, paced: Callable[..., tuple[PacedFile, Clock]]) -> None:
    camera, clock = paced(clip("variable.mp4"))
    stamps, when = [], []
    while (found := camera.read()) is not None:
        stamps.append(found[1])
        when.append(clock.now)
    with open_reader(clip("variable.mp4")) as source:
        times = np.concatenate([b.pts for b in source])
    assert np.diff(when) == pytest.approx(np.diff(times), abs=1e-6)
    assert np.diff(stamps) == pytest.approx(np.diff(times), abs=1e-6)
    camera.close()


def test_a_file_that_is_held_stays_at_its_first_frame(
    clip: Clip, paced: Callable[..., tuple[PacedFile, Clock]]
) -> None:
    camera, clock = paced(clip("plain.mp4"))
    camera.hold()
    first = camera.read()
    assert first is not None
    clock.now += 100  # as long as the painter takes to get ready
    camera.play()
    pictures, stamps = [], []
    while (found := camera.read()) is not None:
        pictures.append(found[0])
        stamps.append(found[1])
    with open_reader(clip("plain.mp4")) as source:
        whole = np.concatenate([batch.frames for batch in source])
    assert np.array_equal(np.stack(pictures), whole)
    assert np.diff(stamps) == pytest.approx(0.04, abs=1e-6)
    camera.close()


def test_late_frames_of_a_slowly_decoded_file_are_given_at_once(
    clip: Clip, paced: Callable[..., tuple[PacedFile, Clock]]
) -> None:
    camera, clock = paced(clip("silent.mkv"))
    for _ in range(25):
        found = camera.read()
        assert found is not None
        assert clock.now - 0.5 <= found[1] <= clock.now
        clock.now += 0.2  # five frames' time
    assert camera.read() is None
    camera.close()


def test_a_repeated_still_is_paced_and_opened_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paced: Callable[..., tuple[PacedFile, Clock]]
) -> None:
    cv2.imwrite(str(tmp_path / "slide.png"), coded(7))
    opened: list[object] = []
    monkeypatch.setattr(camera_module, "open_reader", lambda *words: opened.append(words) or open_reader(*words))
    camera, clock = paced(tmp_path / "slide.png", repeat=True)
    began, frames = clock.now, [camera.read() for _ in range(11)]
    assert clock.now - began == pytest.approx(0.4)  # 25 a second
    assert len(opened) == 1
    assert all(found is not None and code_of(found[0]) == 7 for found in frames)
    assert camera.device_time is None
    camera.close()


def test_a_repeated_clip_shows_its_last_frame_for_its_duration(
    clip: Clip, paced: Callable[..., tuple[PacedFile, Clock]]
) -> None:
    camera, _ = paced(clip("silent.mkv"), repeat=True)
    stamps = [found[1] for found in (camera.read() for _ in range(60)) if found is not None]
    camera.close()
    assert np.diff(stamps) == pytest.approx([0.04] * 59, abs=0.001)


def test_a_frame_shown_for_long_is_given_again(tmp_path: Path, paced: Callable[..., tuple[PacedFile, Clock]]) -> None:
    """Without that, the file would count as stalled."""
    slides = tmp_path / "slides.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=1/10", "-t", "20", *X264, slides)
    camera, _ = paced(slides)
    frames = []
    while (found := camera.read()) is not None:
        frames.append(found)
    camera.close()
    assert len(frames) == 11
    assert max(np.diff([moment for _, moment in frames])) <= camera_module.HELD + 0.001
    assert all(np.array_equal(frames[0][0], picture) for picture, _ in frames[:-1])
    assert not np.array_equal(frames[0][0], frames[-1][0])
    assert frames[-1][1] - frames[0][1] == pytest.approx(10.0, abs=0.01)


class Device:
    """A fake ``cv2.VideoCapture``: stores what it was asked for, in order."""

    def __init__(self, opens: bool = True, gives: int = 100, size: tuple[int, int] = (64, 48), fps: float = 30,
                 fourcc: str = "MJPG") -> None:  # fmt: skip
        self.opens, self.size, self.fps, self.fourcc = opens, size, fps, fourcc
        self.gives = self.left = gives
        self.asked: list[tuple[int, float]] = []
        self.released = False

    def isOpened(self) -> bool:
        return self.opens

    def set(self, name: int, value: float) -> bool:
        self.asked.append((name, value))
        return True

    def get(self, name: int) -> float:
        if name == cv2.CAP_PROP_POS_MSEC:
            return 40.0 * (self.gives - self.left)
        return {cv2.CAP_PROP_FPS: self.fps, cv2.CAP_PROP_FOURCC: cv2.VideoWriter_fourcc(*self.fourcc)}[name]

    def grab(self) -> bool:
        self.left -= 1
        return self.left >= 0

    def retrieve(self) -> tuple[bool, np.ndarray]:
        return True, np.full((self.size[1], self.size[0], 3), (10, 20, 30), np.uint8)

    def release(self) -> None:
        self.released = True


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Callable[[Device], Device]:
    def put(made: Device) -> Device:
        monkeypatch.setattr(cv2, "VideoCapture", lambda number: made)
        return made

    return put


def test_a_camera_is_asked_for_mjpeg_first_then_size_and_rate(device: Callable[[Device], Device]) -> None:
    found = device(Device())
    camera = open_grabber(0, size=(64, 48), fps=30)
    assert found.asked == [
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*"MJPG")),
        (cv2.CAP_PROP_FRAME_WIDTH, 64),
        (cv2.CAP_PROP_FRAME_HEIGHT, 48),
        (cv2.CAP_PROP_FPS, 30),
        (cv2.CAP_PROP_BUFFERSIZE, 1),
    ]
    assert camera.warnings == []
    assert (camera.info.width, camera.info.height, camera.info.fps) == (64, 48, 30)
    before = time.monotonic()
    got = camera.read()
    assert got is not None
    assert got[0][0, 0].tolist() == [30, 20, 10]  # RGB
    assert before <= got[1] <= time.monotonic()
    assert camera.device_time == pytest.approx(0.08)  # its own clock, after the second frame
    camera.close()
    assert found.released


def test_differences_from_what_the_camera_was_asked_for_are_warnings(device: Callable[[Device], Device]) -> None:
    found = device(Device(size=(96, 64), fps=15, fourcc="MJPG"))
    camera = open_grabber(0, size=(64, 48), fps=30, pixels="yuyv")
    assert found.asked[0] == (cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*"YUYV"))
    assert camera.warnings == [
        "camera 0 gives 96x64 instead of 64x48",
        "camera 0 gives 15 frames/s instead of 30",
        "camera 0 gives the format 'MJPG' instead of 'YUYV'",
    ]
    assert camera.info.width == 96  # frames are painted as they are delivered
    capture = Capture(camera, None, mirror=False)
    assert capture.warnings == camera.warnings  # and the report has them
    capture.close()


def test_a_busy_camera_is_reported_as_busy(
    device: Callable[[Device], Device], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("videostyle.media.readers.camera.list_cameras", lambda: ["/dev/video0"])
    device(Device(opens=False))
    with pytest.raises(DeviceError, match="another program uses it"):
        open_grabber(0)
    found = device(Device(gives=0))  # it opens, but another program has the stream
    assert main(["live", "--style", "great-wave", "--page", "0"]) == 6
    assert "another program may use it" in capsys.readouterr().err
    assert found.released


def test_an_unplugged_camera_ends_the_run(device: Callable[[Device], Device]) -> None:
    device(Device(gives=5))
    with pytest.raises(DeviceError, match="was it unplugged"):
        run(open_grabber(0), {"keep": Keep()}, seconds=5)


def test_p9_the_error_for_a_missing_camera_lists_the_cameras_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("videostyle.media.readers.camera.list_cameras", lambda: ["/dev/video3"])
    with pytest.raises(DeviceError, match="/dev/video3") as caught:
        open_grabber(77)
    assert caught.value.exit_code == 6


@pytest.fixture(scope="module")
def packets(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """A transport stream of 250 frames with a key frame every three seconds, in 250 pieces."""
    path = tmp_path_factory.mktemp("stream") / "sent.ts"
    keys = ("-g", "75", "-keyint_min", "75", "-sc_threshold", "0")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25", "-t", "10", *X264, *keys, "-f", "mpegts", path)
    data = path.read_bytes()
    count = len(data) // 188
    borders = [188 * (count * n // 250) for n in range(251)]
    return [data[low:high] for low, high in itertools.pairwise(borders)]


def sent(pieces: list[bytes]) -> str:
    """Serves these to the first who connects; returns the address."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        server.close()
        with connection:
            for piece in pieces:
                try:
                    connection.sendall(piece)
                except OSError:
                    return

    threading.Thread(target=serve, daemon=True).start()
    return f"tcp://127.0.0.1:{server.getsockname()[1]}"


def test_a_stream_joined_between_key_frames_begins_with_the_next_key_frame(packets: list[bytes]) -> None:
    grabber = open_grabber(0, sent(packets[30:]))
    assert (grabber.info.width, grabber.info.height) == (64, 48)
    pictures = []
    while (found := grabber.read()) is not None:
        pictures.append(found[0])
    grabber.close()
    assert len(pictures) == 250 - 75
    assert pictures[0].shape == (48, 64, 3)
    assert not np.array_equal(pictures[0], pictures[-1])


def test_packets_of_a_stream_that_cannot_be_decoded_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    class Packet:
        def __init__(self, number: int) -> None:
            self.number = number

        def decode(self) -> list[av.VideoFrame]:
            if self.number in (0, 1, 5):
                raise av.error.InvalidDataError(1, "Invalid data")
            return [av.VideoFrame.from_ndarray(coded(self.number), format="rgb24")]

    class Container:
        def __init__(self) -> None:
            self.streams, self.average_rate = self, Fraction(25)
            self.video = [self]
            self.closed = False

        def demux(self, stream: object) -> list[Packet]:
            return [Packet(number) for number in range(8)]

        def decode(self, stream: object) -> Iterator[av.VideoFrame]:
            return (frame for packet in self.demux(stream) for frame in packet.decode())

        def close(self) -> None:
            self.closed = True

    container = Container()
    monkeypatch.setattr(av, "open", lambda *words, **options: container)
    grabber = open_grabber(0, "tcp://127.0.0.1:1")
    assert (grabber.info.width, grabber.info.height) == SIZE
    found = []
    while (got := grabber.read()) is not None:
        found.append(code_of(got[0]))
    assert found == [2, 3, 4, 6, 7]
    grabber.close()
    assert container.closed


@pytest.mark.parametrize(("aspect", "size"), [("16:9", (86, 48)), ("1:1", (64, 64)), ("4:3", (64, 48))])
@pytest.mark.parametrize("network", [False, True])
def test_pixels_of_a_shape_that_the_container_states_are_made_square(
    aspect: str, size: tuple[int, int], network: bool, tmp_path: Path
) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=2", *X264, "-g", "1", tmp_path / "plain.mkv")
    film = tmp_path / "wide.mkv"
    ffmpeg("-i", tmp_path / "plain.mkv", "-c", "copy", "-aspect", aspect, film)
    grabber = open_grabber(0, sent([film.read_bytes()]) if network else str(film))
    assert (grabber.info.width, grabber.info.height) == size
    assert grabber.info.sample_aspect == 1
    for _ in range(3):
        found = grabber.read()
        assert found is not None
        assert found[0].shape == (size[1], size[0], 3)
    grabber.close()


def test_interlaced_frames_of_a_stream_are_deinterlaced(tmp_path: Path) -> None:
    moving = "color=gray:s=64x48:r=50:d=2,geq=lum='if(lt(mod(X-4*N,32),16),40,210)':cb=128:cr=128"
    fields = (
        "-vf",
        "tinterlace=interleave_top,fieldorder=tff",
        *X264,
        "-flags",
        "+ilme+ildct",
        "-x264-params",
        "tff=1",
    )
    film = tmp_path / "fields.ts"
    ffmpeg("-f", "lavfi", "-i", moving, *fields, "-g", "5", film)

    def combed(picture: np.ndarray) -> float:
        lines = picture[..., 1].astype(float)
        return float(np.abs(2 * lines[1:-1] - lines[:-2] - lines[2:]).mean())

    with av.open(str(film)) as container:
        stored = [combed(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    grabber = open_grabber(0, sent([film.read_bytes()]))
    shown = []
    while (found := grabber.read()) is not None:
        shown.append(combed(found[0]))
    grabber.close()
    assert len(shown) > 20
    assert np.mean(shown) < 0.2 * np.mean(stored)


@pytest.mark.parametrize("seconds", [0.0, 15.0])
def test_a_stream_without_a_key_frame_in_time_is_an_error(
    seconds: float, packets: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_module, "FIRST_FRAME", seconds)
    with pytest.raises(DeviceError, match="gives no picture"):
        # Joined just after a key frame: there is no other, or the next one comes too late.
        open_grabber(0, sent(packets[230:] if seconds else packets[80:]))


@pytest.mark.parametrize("url", ["ftp://x/y", "concat://x", "subfile://x"])
def test_n3_only_addresses_of_streams_are_opened(url: str) -> None:
    with pytest.raises(UsageError):
        open_grabber(0, url)


def test_addresses_are_shown_without_their_secrets() -> None:
    for url, shown in (
        ("rtmp://live.example/app/sECRET", "rtmp://live.example/app/..."),
        ("srt://host:9000?passphrase=sECRET", "srt://host:9000/..."),
        ("rtsp://me:sECRET@host/cam", "rtsp://host/..."),
        ("udp://239.0.0.1:1234", "udp://239.0.0.1:1234"),
        ("rtp://[::1]:5004", "rtp://[::1]:5004"),
    ):
        assert str(parse_address(url, [*INPUTS], "open")) == shown
    with pytest.raises(UsageError, match="cannot open 'srt://'"):
        parse_address("srt://", INPUTS, "open")
