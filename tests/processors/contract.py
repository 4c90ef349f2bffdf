"""What every processor must keep to, whoever wrote it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import cv2
import numpy as np

from videostyle.frames import FrameBatch, VideoInfo, joined
from videostyle.processors.chain import Chain, Part, needs_together
from videostyle.processors.protocol import Processor, needs_of

Make = Callable[[], Processor]  # a new processor, not opened
FRAMES, CHUNK = 13, 5


def clip(height: int = 24, width: int = 34, dtype: type = np.uint8, count: int = FRAMES) -> FrameBatch:
    """A moving scene with grain, painted: the originals differ from the frames. It begins at 3 seconds."""
    rng = np.random.default_rng(7)
    white = np.iinfo(dtype).max
    wide = cv2.resize(rng.uniform(0, 1, (5, 9, 3)), (width + 2 * count, height), interpolation=cv2.INTER_CUBIC)
    scene = np.stack([wide.reshape(height, -1, 3)[:, 2 * n : 2 * n + width] for n in range(count)])
    originals = np.clip(scene + rng.normal(0, 0.02, scene.shape), 0, 1)
    painted = np.clip(0.2 + 0.7 * scene[..., ::-1], 0, 1)
    times = 3.0 + np.cumsum(rng.uniform(0.02, 0.06, count))
    pixels = "rgb24" if dtype == np.uint8 else "rgb48"
    frames, original = ((white * picture).astype(dtype) for picture in (painted, originals))
    return FrameBatch(frames, times, 0, pixels, original=original)


def info_of(batch: FrameBatch) -> VideoInfo:
    return VideoInfo(batch.frames.shape[2], batch.frames.shape[1], fps=Fraction(25), start=3.0)


def in_batches(batch: FrameBatch, size: int, first: int = 0, last: int = FRAMES) -> Iterator[FrameBatch]:
    for begin in range(first, last, size):
        yield batch.part(begin, min(begin + size, last))


def run(make: Make, batch: FrameBatch, size: int, part: Part | None = None) -> FrameBatch:
    """What a chain of one processor delivers of a clip."""
    processor = make()
    history, lookahead = needs_together([processor])
    first = 0 if part is None else max(0, part.first - history)
    last = len(batch) if part is None or part.count is None else min(len(batch), int(part.end) + lookahead)
    chain = Chain([processor], part)
    chain.open(info_of(batch))
    found = [*map(chain, in_batches(batch, size, first, last)), chain.finish()]
    chain.close()
    chain.close()
    return joined([done for done in found if done is not None])


def check_frames_and_times(make: Make, dtype: type) -> None:
    """One frame for each frame, at its time, of the announced size and of the format that came in."""
    batch = clip(dtype=dtype)
    kept = batch.frames.copy(), batch.original.copy()
    chain = Chain([make()])
    info = chain.open(info_of(batch))
    done = run(make, batch, 4)
    assert done.frames.shape == (FRAMES, info.height, info.width, 3)
    assert done.frames.dtype == dtype
    assert done.pixel_format == batch.pixel_format
    np.testing.assert_array_equal(done.pts, batch.pts)
    assert done.index == 0
    np.testing.assert_array_equal(batch.frames, kept[0])
    np.testing.assert_array_equal(batch.original, kept[1])
    resizes = (info.width, info.height) != (batch.frames.shape[2], batch.frames.shape[1])
    assert resizes == needs_of(make()).resizes


def check_batches(make: Make, tolerance: int = 0) -> None:
    """A frame does not depend on how many are processed at once."""
    alone, together = run(make, clip(), 1).frames, run(make, clip(), 8).frames
    assert np.abs(alone.astype(int) - together).max() <= tolerance


def check_chunks(make: Make, tolerance: int = 0) -> None:
    """Chunks that are processed apart, with the frames around them that are needed, are as those processed together."""
    batch = clip()
    if not needs_of(make()).chunkable:
        return
    borders = list(range(0, FRAMES, CHUNK))
    whole = run(make, batch, 4, Part(chunks=borders))
    parts = [run(make, batch, 3, Part(begin, min(CHUNK, FRAMES - begin), borders)) for begin in borders]
    assert [part.index for part in parts] == borders
    assert np.abs(joined(parts).frames.astype(int) - whole.frames).max() <= tolerance


def check_sizes(make: Make) -> None:
    """Any size is possible."""
    for height, width in ((1, 1), (1, 7), (5, 1), (2, 2), (17, 3)):
        done = run(make, clip(height, width, count=3), 2)
        assert len(done) == 3
        assert done.frames.shape[1] >= 1


def check_alone(make: Make) -> None:
    """One frame without originals and without neighbours, as a still is."""
    batch = clip(count=1)
    processor = make()
    processor.open(info_of(batch))
    assert len(processor(FrameBatch(batch.frames, batch.pts, 0))) == 1
    processor.close()
