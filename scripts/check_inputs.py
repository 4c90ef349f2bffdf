"""Reads and writes inputs of many kinds, unpainted, and compares what arrives with what the ffmpeg program decodes.

    python scripts/check_inputs.py [--only WORD] [--every N] [--folder DIR]

Of each input of ``awkward_inputs.py``: number, times, shape and colours of the frames that are read and of those that
are written, number and length of the tracks of sound, length of the file, and the words of all warnings.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from awkward_inputs import Case, cases

from videostyle.errors import OutputError, VideostyleError
from videostyle.frames import FrameBatch
from videostyle.media.ffmpeg.process import output_of
from videostyle.media.readers.base import FrameReader, ReadOptions
from videostyle.media.readers.open import open_reader
from videostyle.media.writers.base import EncodeOptions
from videostyle.media.writers.mux import Original
from videostyle.media.writers.open import open_writer
from videostyle.rendering.pipeline import run

WORST_COLOUR = 1.0  # mean difference of a picture, of 255
CLOCK = 0.0021  # seconds; Matroska and FLV round to milliseconds, before and after
HEARD = 0.06  # seconds; encoders of sound begin with silence and end with whole packets
UNTIMED = (".avi", ".m2v")  # inputs in which the time of the first frame is a guess
# How ffmpeg may spread samples of colour that are fewer than pixels: repeated, or interpolated.
SPREAD = ("neighbor+accurate_rnd+full_chroma_int", "bicubic+accurate_rnd+full_chroma_int")


class Recorded:
    """Passes batches on and remembers them."""

    def __init__(self, reader: FrameReader) -> None:
        self.info, self.warnings, self._reader = reader.info, reader.warnings, reader
        self.batches: list[FrameBatch] = []

    def __iter__(self) -> Iterator[FrameBatch]:
        for batch in self._reader:
            self.batches.append(batch)
            yield batch

    def stop(self) -> None:
        """Ends the iteration."""
        self._reader.stop()

    def close(self) -> None:
        """Closes the reader."""
        self._reader.close()


def decoded(path: Path, case: Case, spread: str) -> tuple[np.ndarray, np.ndarray]:
    """Frames uint8 ``[T, H, W, 3]`` and times of a file as the ffmpeg program decodes them."""
    chain = ",".join(filter(None, (case.filters, f"scale=flags={spread}{case.matrix}")))
    arguments = ["-v", "error", "-nostdin", "-i", f"file:{path}", "-map", "0:v:0", "-vf", chain]
    arguments += ["-fps_mode", "passthrough", "-enc_time_base", "demux", "-c:v", "rawvideo", "-pix_fmt", "rgb24"]
    frames, times = [], []
    with av.open(io.BytesIO(output_of([*arguments, "-f", "nut", "-"]))) as container:
        (stream,) = container.streams.video
        shape = stream.codec_context.height, stream.codec_context.width, 3
        for packet in container.demux(stream):
            if packet.size:
                frames.append(np.frombuffer(bytes(packet), np.uint8, np.prod(shape)).reshape(shape))
                times.append(float(packet.pts * packet.time_base))
    return np.stack(frames), np.array(times)


def sounds(path: Path) -> list[float]:
    """How long each track of sound of a file lasts, seconds."""
    with av.open(f"file:{path}") as container:
        tracks = container.streams.audio
        lengths = {track.index: 0.0 for track in tracks}
        for packet in container.demux(*tracks) if tracks else ():
            with contextlib.suppress(av.error.FFmpegError):
                for frame in packet.decode():
                    lengths[packet.stream.index] += frame.samples / frame.sample_rate
        return list(lengths.values())


def shown(path: Path) -> tuple[float, float]:
    """Width over height with which the first frame of a file is shown, and when, seconds from the file's start."""
    with av.open(f"file:{path}") as container:
        stream = container.streams.video[0]
        aspect = float(stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or 1)
        frame = next(container.decode(stream))
        shape = frame.width * aspect / frame.height
        begins = float(frame.time or 0.0) - (container.start_time or 0) / av.time_base * (path.stem != "out")
        return (1 / shape if frame.rotation % 180 else shape), begins


def check(case: Case, folder: Path) -> list[str]:
    """What is wrong with an input; [] if nothing is."""
    path = case.make(folder)
    try:
        reader = open_reader(path, ReadOptions(batch_size=8))
    except VideostyleError as error:
        return [] if case.refused and case.refused in str(error) else [f"refused: {error}"]
    if case.refused:
        return ["is not refused"]
    source, info, media = Recorded(reader), reader.input.info, reader.input.media
    output = folder / f"out{case.output}"
    halved = "420" in info.pixel_format and not (info.width % 2 or info.height % 2)
    options = EncodeOptions("h264", 0, "ultrafast", None if halved else "yuv444p", overwrite=True)
    original = Original(media, shown_until=reader.shown_until) if media is not None else None
    try:
        report = run(source, [], lambda info: open_writer(output, info, options, original=original))
    except VideostyleError as error:
        return [f"fails: {error}"]
    wrong = [f"warns: {text}" for text in report.warnings if not any(word in text for word in case.words)]
    wrong += [f"no warning '{word}'" for word in case.words if not any(word in text for text in report.warnings)]
    frames = np.concatenate([batch.frames for batch in source.batches])
    times = np.concatenate([batch.pts for batch in source.batches])
    found: dict[str, float] = {}
    for spread in SPREAD:
        expected, due = decoded(path, case, spread)
        written, at = decoded(output, Case("", ()), spread)
        if not len(expected) == len(frames) == len(written):
            return [*wrong, f"frames: {len(expected)} in the input, {len(frames)} read, {len(written)} written"]
        if not expected.shape == frames.shape == written.shape:
            return [*wrong, f"sizes: {expected.shape[1:]}, {frames.shape[1:]} read, {written.shape[1:]} written"]
        for what, pictures in (("read", frames), ("written", written)):
            found[what] = min(found.get(what, 255.0), float(np.abs(pictures.astype(np.int16) - expected).mean()))
    if case.colours:
        wrong += [f"colours {what}: {off:.2f} of 255 off" for what, off in found.items() if off > WORST_COLOUR]
    clock = max(CLOCK, 1.1 * float(info.time_base)) if info.time_base < 0.011 else CLOCK
    for what, stamps in (("read", times), ("written", at)):
        worst = float(np.abs(stamps - stamps[0] - due + due[0]).max())
        wrong += [f"times {what}: {worst:.4f} s off"] if worst > clock else []
    before, after = sounds(path), sounds(output)
    if len(before) != len(after) or any(abs(a - b) > HEARD for a, b in zip(before, after, strict=True)):
        wrong.append(f"sound: {[round(s, 3) for s in before]} becomes {[round(s, 3) for s in after]}")
    with contextlib.suppress(av.error.FFmpegError):  # animated WebP
        (shape, begins), (kept, began) = shown(path), shown(output)
        wrong += [f"shape: {shape:.3f} becomes {kept:.3f}"] if abs(kept / shape - 1) > 0.01 else []
        if path.suffix not in UNTIMED:
            wrong += [f"begins at {began:.3f} instead of {begins:.3f} s"] if abs(began - begins) > clock else []
    return wrong


def main() -> int:
    """Checks all inputs, or some; the number of those with something wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="inputs with this in their name")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th of them")
    parser.add_argument("--folder", type=Path, help="where to make them; they are kept")
    options = parser.parse_args()
    began, bad, unmade = time.monotonic(), 0, 0
    chosen = [case for case in cases() if options.only in case.name][:: options.every]
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for case in chosen:
            try:
                wrong = check(case, folder)
            except OutputError as error:
                unmade += 1
                print(f"{case.name:28} cannot be made: {error}", flush=True)
                continue
            except Exception as error:
                wrong = [f"CRASH {type(error).__name__}: {error}"]
            bad += bool(wrong)
            if wrong:
                print(f"{case.name:28} {'; '.join(wrong)}", flush=True)
    print(f"{len(chosen)} inputs, {bad} with something wrong, {unmade} not made, {time.monotonic() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
