"""Measures a live run from time codes: delay, rates, drops, memory, the gap at a change of style.

A made-up camera plays a clip at an exact rate and draws the number of each frame into its lower edge; a reader
asks the page for its pictures, as a browser does, and reads the numbers back from what was painted. So the
delay is that from camera to browser: capture, painting, encoding and transport. Each case is one run:

    scripts/bench_live.py                      # all cases, half a minute each
    scripts/bench_live.py adaptive --seconds 600 --json
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from videostyle.frames import UInt8Array, VideoInfo
from videostyle.media.opencv import load_cv2

ROOT = Path(__file__).resolve().parent.parent
BITS = 14  # of the number; two more cells are black and white, to know both in whatever colours they come
CLIP_FRAMES = 150  # of the clip that are kept in memory, played forwards and backwards: no cut where it ends

# name: width, height, frames per second, fixed size, recording
CASES: dict[str, tuple[int, int, int, bool, bool]] = {
    "fixed": (640, 360, 30, True, False),
    "adaptive": (640, 360, 30, False, False),
    "small": (424, 240, 60, False, False),
    "recording": (640, 360, 30, False, True),
    "fixed-recording": (640, 360, 30, True, True),
}


class Code:
    """Numbers drawn into frames as a row of black and white cells, and read back from the painting."""

    def __init__(self, width: int, height: int) -> None:
        self._cell, self._height = width // (BITS + 3), max(24, height // 10)
        self._top = height - self._height

    def draw(self, frame: UInt8Array, number: int) -> None:
        """Draws the number (modulo 2^``BITS``) and its parity into uint8 ``[H, W, 3]``."""
        bits = [number >> i & 1 for i in range(BITS)]
        for i, bit in enumerate([0, 1, *bits, sum(bits) & 1]):
            frame[self._top :, i * self._cell : (i + 1) * self._cell] = 255 * bit

    def read(self, frame: UInt8Array) -> int | None:
        """The number; None if the parity is wrong."""
        inner = frame[self._top + self._height // 4 : self._top + 3 * self._height // 4].mean(axis=(0, 2))
        quarter = self._cell // 4
        cells = [inner[i * self._cell + quarter : (i + 1) * self._cell - quarter].mean() for i in range(BITS + 3)]
        middle = (cells[0] + cells[1]) / 2
        bits = [int(value > middle) for value in cells[2:]]
        return sum(bit << i for i, bit in enumerate(bits[:-1])) if sum(bits[:-1]) & 1 == bits[-1] else None


class CodedCamera:
    """Plays a clip at an exact rate with the number of each frame in it; knows when each was there.

    Args:
        clip: a video.
        width: of the frames.
        height: of the frames.
        fps: frames a second.
    """

    def __init__(self, clip: Path, width: int, height: int, fps: int) -> None:
        from videostyle.media.readers.base import ReadOptions
        from videostyle.media.readers.open import open_reader

        cv2 = load_cv2()
        self.info = VideoInfo(width=width, height=height, fps=Fraction(fps))
        self.warnings: list[str] = []
        self.device_time: float | None = None
        self.code = Code(width, height)
        self.times: dict[int, float] = {}
        with open_reader(clip, ReadOptions(batch_size=1)) as source:
            frames = [
                cv2.resize(batch.frames[0], (width, height), interpolation=cv2.INTER_AREA)
                for batch, _ in zip(source, range(CLIP_FRAMES), strict=False)
            ]
        self._frames = frames + frames[-2:0:-1]
        self._number, self._period = 0, 1.0 / fps
        self._due = time.monotonic()
        self._closed = threading.Event()

    def read(self) -> tuple[UInt8Array, float] | None:
        """Waits for the next frame."""
        self._due += self._period
        if self._closed.wait(max(0.0, self._due - time.monotonic())):
            return None
        frame = self._frames[self._number % len(self._frames)].copy()
        self.code.draw(frame, self._number)
        self.times[self._number % 2**BITS] = self._due
        self._number += 1
        return frame, self._due

    def close(self) -> None:
        """Ends it."""
        self._closed.set()


class PageReader(threading.Thread):
    """Looks at the page as a browser does and notes when which frame came."""

    def __init__(self, address: str, camera: CodedCamera) -> None:
        super().__init__(name="reader", daemon=True)
        self._address, self._camera = address, camera
        self.seen: list[tuple[float, int, float]] = []  # when, number, delay in seconds
        self.unreadable = 0

    def run(self) -> None:
        """Reads until the page ends."""
        cv2 = load_cv2()
        try:
            for data in jpegs(self._address):
                now = time.monotonic()
                number = self._camera.code.read(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
                captured = self._camera.times.get(number) if number is not None else None
                if number is None or captured is None or not 0 <= now - captured < 10:
                    self.unreadable += 1
                else:
                    self.seen.append((now, number, now - captured))
        except (OSError, http.client.HTTPException):
            pass  # the page has closed


def jpegs(address: str) -> Iterator[bytes]:
    """The pictures of a page, as they come."""
    host, _, path = address.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=300)  # the first frame comes when all is compiled
    connection.request("GET", f"/{path}frames")
    answer = connection.getresponse()
    while line := answer.readline():
        if line.startswith(b"Content-Length:"):
            answer.readline()
            yield answer.read(int(line.split(b":")[1]))


def resident() -> float:
    """Memory of this process in MB; nan where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return float("nan")
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(case: str, options: argparse.Namespace) -> dict[str, Any]:
    """One run; its figures by name."""
    started = time.monotonic()
    from videostyle.inference.startup import load_backend
    from videostyle.live.outputs.page import Page
    from videostyle.live.outputs.recording import Recording
    from videostyle.live.session import LiveSettings, run_live

    width, height, fps, fixed, record = CASES[case]
    load_backend()
    camera = CodedCamera(options.clip, width, height, fps)
    page = Page(0)
    reader = PageReader(page.address, camera)
    reader.start()
    memory: list[tuple[float, float]] = []
    switches: list[float] = []

    def watch(painter: Any, now: float) -> None:
        if not reader.seen:
            return
        if not memory or now - memory[-1][0] >= 5.0:
            memory.append((now, resident()))
        if options.switch_every and now - (switches[-1] if switches else reader.seen[0][0]) >= options.switch_every:
            switches.append(now)
            painter.select_style(painter.style_index + 1, now, options.crossfade if len(switches) % 2 else 0.0)

    settings = LiveSettings(options.style, target_fps=fps, adaptive=not fixed, duration=options.seconds)
    with tempfile.TemporaryDirectory() as folder:
        outputs: dict[str, Any] = {"page": page}
        if record:
            outputs["recording"] = Recording(Path(folder) / "live.mp4")
        report = run_live(settings, camera, outputs, threading.Event(), watch=watch, started=started)
    reader.join(5)
    if not reader.seen:
        sys.exit(f"{case}: no frame number could be read back; {report.painted} frames were painted")
    return {"case": case, **figures(reader, report, memory, switches, fps)}


def figures(reader: PageReader, report: Any, memory: list[tuple[float, float]], switches: list[float], fps: int) -> Any:
    """Figures from what was read back, beside what the program says of itself."""
    times = np.array([when for when, _, _ in reader.seen])
    numbers = np.unwrap(np.array([number for _, number, _ in reader.seen], float), period=2**BITS)
    delays = 1e3 * np.array([delay for _, _, delay in reader.seen])
    missing = float(numbers[-1] - numbers[0] + 1 - len(numbers))
    # A gap is counted in frames of the camera, by their numbers: within a second after each change.
    gaps = [
        float(np.diff(numbers[(times > when - 0.2) & (times < when + 1.0)], prepend=np.nan)[1:].max(initial=0))
        for when in switches
    ]
    levels = [value for _, value in memory]
    return {
        "fps_in": report.fps_in,
        "fps_out": float((len(times) - 1) / (times[-1] - times[0])),
        "delay_p50_ms": float(np.percentile(delays, 50)),
        "delay_p95_ms": float(np.percentile(delays, 95)),
        "delay_max_ms": float(delays.max()),
        "not_seen_percent": 100 * missing / (numbers[-1] - numbers[0] + 1),
        "dropped_percent": 100 * report.dropped / max(1, report.captured),
        "longest_gap_frames": float(np.diff(numbers).max()),
        "switches": len(switches),
        "switch_gap_frames": max(gaps, default=0.0),
        "first_frame_s": report.first_frame,
        "painted_at": f"{report.size[0]}x{report.size[1]}",
        "rss_first_mb": levels[0] if levels else float("nan"),
        "rss_last_mb": levels[-1] if levels else float("nan"),
        "rss_highest_mb": max(levels, default=float("nan")),
        "unreadable": reader.unreadable,
        "own_p50_ms": report.latency_p50,
        "own_p95_ms": report.latency_p95,
        "seconds": report.seconds,
        "target_fps": fps,
    }


def first_picture(options: argparse.Namespace) -> float:
    """Seconds from the start of the command to the first painted picture on its page."""
    command = [sys.executable, "-m", "videostyle", "live", "--style", options.style[0], "--page", "0", "--loop"]
    began = time.monotonic()
    child = subprocess.Popen(
        [*command, "--input", str(options.clip), "--duration", "2", "-q"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for line in child.stderr or ():
            if line.startswith("open "):
                next(jpegs(line.split()[1]))
                return time.monotonic() - began
        return float("nan")
    finally:
        child.terminate()
        child.communicate()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", choices=[*CASES, "start", []], help="default: all")
    parser.add_argument("--clip", type=Path, default=ROOT / "samples" / "harbour.mp4")
    parser.add_argument("--style", action="append", help="may be given several times (default: two of the bundled)")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each run")
    parser.add_argument("--switch-every", type=float, default=5.0, metavar="SECONDS", help="change of style; 0 = none")
    parser.add_argument("--crossfade", type=float, default=1.0, metavar="SECONDS", help="of every other change")
    parser.add_argument("--json", action="store_true", help="one JSON object for each case")
    options = parser.parse_args()
    options.style = options.style or ["great-wave", "starry-night"]
    wanted = options.cases or ["start", *CASES]
    if len(wanted) == 1 and wanted[0] != "start":
        found = measure(wanted[0], options)
        print(json.dumps(found) if options.json else table(found))
        return 0
    for case in wanted:
        if case == "start":
            seconds = first_picture(options)
            print(json.dumps({"case": case, "seconds": seconds}) if options.json else f"first picture: {seconds:.1f} s")
            continue
        # A process each: memory and compiled programs of one case are none of the next one's.
        again = [sys.executable, __file__, case, "--clip", str(options.clip), "--seconds", str(options.seconds)]
        again += ["--switch-every", str(options.switch_every), "--crossfade", str(options.crossfade)]
        again += [word for style in options.style for word in ("--style", style)] + ["--json"] * options.json
        subprocess.run(again, check=True)
    return 0


def table(found: dict[str, Any]) -> str:
    """The figures for people."""
    return "\n".join(
        [
            "{case}: painted at {painted_at} for {seconds:.0f} s, target {target_fps} frames/s",
            "  frames/s in {fps_in:.1f}, out {fps_out:.1f}; dropped {dropped_percent:.2f} %, "
            "not seen {not_seen_percent:.2f} %, longest gap {longest_gap_frames:.0f} frames",
            "  delay {delay_p50_ms:.0f} ms (p50), {delay_p95_ms:.0f} ms (p95), {delay_max_ms:.0f} ms (longest); "
            "the program says {own_p50_ms:.0f} and {own_p95_ms:.0f} ms",
            "  {switches} changes of style, gap {switch_gap_frames:.0f} frames at most; "
            "first frame painted after {first_frame_s:.1f} s",
            "  memory {rss_first_mb:.0f} MB at the start, {rss_last_mb:.0f} MB at the end, "
            "{rss_highest_mb:.0f} MB at most; {unreadable} pictures had no readable number",
        ]
    ).format(**found)


if __name__ == "__main__":
    sys.exit(main())
