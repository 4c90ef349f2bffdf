"""Passes every clip of a folder through reader and writer, unpainted, and compares the result.

    python scripts/check_clips.py DIR [--suffix .mp4] [--codec h264]

For each clip: frames out = in, largest difference of a timestamp in ticks of the output's time base, sound
packets (md5 over their bytes) equal, displayed size equal, mean difference of the pictures.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from videostyle.errors import VideostyleError
from videostyle.frames import FrameBatch
from videostyle.media.probe import probe
from videostyle.media.readers.base import FrameReader, ReadOptions
from videostyle.media.readers.open import open_reader
from videostyle.media.writers.base import EncodeOptions
from videostyle.media.writers.mux import Original
from videostyle.media.writers.open import open_writer
from videostyle.rendering.pipeline import run


def sound_md5(path: Path) -> list[str]:
    """md5 over the packets of each sound stream."""
    with av.open(f"file:{path}") as container:
        digests = {stream.index: hashlib.md5(usedforsecurity=False) for stream in container.streams.audio}
        try:
            for packet in container.demux(*container.streams.audio) if digests else []:
                digests[packet.stream.index].update(bytes(packet))
        except av.error.FFmpegError:
            pass
        return [digest.hexdigest() for digest in digests.values()]


class Recording:
    """Passes batches on and remembers times and pictures, thinned."""

    def __init__(self, source: FrameReader) -> None:
        self.source, self.info, self.warnings = source, source.info, source.warnings
        self.times: list[float] = []
        self.pictures: list[np.ndarray] = []

    def __iter__(self) -> Iterator[FrameBatch]:
        for batch in self.source:
            for offset, time in enumerate(batch.pts):
                if len(self.times) % 10 == 0:
                    self.pictures.append(batch.frames[offset].copy())
                self.times.append(float(time))
            yield batch

    def stop(self) -> None:
        """Ends the iteration of the source."""
        self.source.stop()

    def close(self) -> None:
        """Closes the source."""
        self.source.close()


def check(clip: Path, output: Path, codec: str) -> str:
    """One line on what became of one clip."""
    source = Recording(open_reader(clip, ReadOptions()))
    sink = open_writer(
        output,
        source.info,
        EncodeOptions(codec=codec, crf=4, preset="ultrafast" if codec == "h264" else None, overwrite=True),
        original=Original(probe(clip)),
    )
    report = run(source, [], sink)
    back = Recording(open_reader(output))
    for _ in back:
        pass
    video = probe(output).video
    if video is None:
        return f"{clip.name}: no video was written"
    base = video.time_base
    shift = source.times[0] - back.times[0]
    drift = max(abs(a - shift - b) for a, b in zip(source.times, back.times, strict=False)) / base
    error = np.mean([np.abs(a.astype(int) - b).mean() for a, b in zip(source.pictures, back.pictures, strict=False)])
    one, two = source.info, back.info
    shape = Fraction(one.width, one.height) * one.sample_aspect == Fraction(two.width, two.height) * two.sample_aspect
    size = (one.width, one.height) == (two.width, two.height) and shape and not two.rotation
    sound, copied = sound_md5(clip), sound_md5(output)
    verdict = "ok" if len(source.times) == len(back.times) and drift <= 1 and size and sound == copied else "DIFFERS"
    notes = "; ".join(report.warnings)
    heard, seen = ("same" if same else "differs" for same in (sound == copied, size))
    counts = f"{len(source.times)}/{len(back.times)} frames, {float(drift):.2f} ticks"
    return f"{verdict:8} {counts}, sound {len(sound)} {heard}, size {seen}, picture {error:.2f}/255 {notes}"


def main() -> None:
    """Checks every file of the folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--suffix", default=".mp4")
    parser.add_argument("--codec", default="h264")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for clip in sorted(options.folder.iterdir()):
            try:
                line = check(clip, Path(scratch) / f"out{options.suffix}", options.codec)
            except VideostyleError as error:
                line = f"exit {error.exit_code}   {error}"
            print(f"{clip.name:34} {line}", flush=True)


if __name__ == "__main__":
    main()
