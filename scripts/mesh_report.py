"""Measures how well the canvas follows a scene: its slip, distortion and renewal, cost and size.

    python scripts/mesh_report.py CLIP... [--frames 150] [--side 320] [--preset fast] [--strips DIR]
    python scripts/mesh_report.py --harbour            the drawn sample scene, whose true flow is known
    python scripts/mesh_report.py --harbour --live     the same, each frame by itself as `live` sees it, not as in plans
    python scripts/mesh_report.py --true-flow DIR      Middlebury pairs: frame10.png, frame11.png, flow10.flo

Slip is measured along true flow where it is known, else along DIS "medium" where that agrees forwards and backwards.
Columns: slip of the canvas against the scene from one frame to the next, in pixels of the frame (percentiles);
distortion |b|/|a| (percentiles; 0.33 is twice as long as wide); part of the picture that is distorted by more than
that; part that is exchanged in a second of 25 frames; milliseconds of one core a frame, and of those for flow; bytes a
frame as they are stored. ``--strips`` writes the frames, the canvas alone, both together, and distortion (red) and
share (grey).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from flow_report import true_pairs

from videostyle.frames import CanvasMesh, UInt8Array
from videostyle.inference.canvas_sampling import CanvasSettings, sample_canvas
from videostyle.media.readers.open import open_reader
from videostyle.motion.canvas_tracker import CanvasTracker
from videostyle.motion.cuts import CutDetector
from videostyle.motion.dis import flow_and_mask
from videostyle.motion.flow import Float
from videostyle.motion.lookahead_tracker import LookaheadTracker
from videostyle.motion.mesh_quality import TWICE, interpolated, seen_distortion, slip
from videostyle.motion.mesh_store import LONGEST, pack
from videostyle.motion.scene_motion import SIDE

Truth = Callable[[int], Float]  # flow from frame t to the one before, NaN where it is unknown
SHOWN = (0.25, 0.5, 0.75, 0.98)  # of a clip; frames on a strip
STEP = 4  # pixels between places that are measured


def frames_of(path: Path, most: int) -> list[UInt8Array]:
    """The first frames of a clip, uint8 ``[H, W, 3]``."""
    found: list[UInt8Array] = []
    with open_reader(path) as reader:
        for batch in reader:
            found += list(batch.frames[: most - len(found)])
            if len(found) >= most:
                break
    return found


def estimated(frames: list[UInt8Array]) -> Truth:
    """DIS flow where it can be trusted."""

    def flow(t: int) -> Float:
        found, mask = flow_and_mask(frames[t], frames[t - 1])
        return np.where(mask > 0, found, np.nan)

    return flow


def harbour(most: int) -> tuple[list[UInt8Array], Truth]:
    """The drawn sample scene and its true flow."""
    import make_samples

    scene = make_samples.layers(np.random.default_rng(3))
    shares = np.array([share for share, _ in scene], np.float32)
    seen = [make_samples.render(scene, t) for t in range(min(most, make_samples.RATE * make_samples.SECONDS))]

    def flow(t: int) -> Float:
        (now_x, now_y), (x, y) = make_samples.camera(t), make_samples.camera(t - 1)
        share = shares[seen[t][1]]
        found = np.dstack([share * (now_x - x), share * (now_y - y)]).astype(np.float32)
        height, width = share.shape
        row, column = np.mgrid[0:height, 0:width]
        u, v = np.rint(column + found[..., 0]).astype(int), np.rint(row + found[..., 1]).astype(int)
        inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)
        visible = inside & (seen[t - 1][1][v.clip(0, height - 1), u.clip(0, width - 1)] == seen[t][1])
        return np.where(visible[..., None], found, np.nan)

    return [(picture * 255 + 0.5).astype(np.uint8) for picture, _ in seen], flow


def _constant(flow: Float, _: int) -> Float:
    return flow


def strip(frame: UInt8Array, mesh: CanvasMesh) -> UInt8Array:
    """A frame, its canvas, both together, and distortion and share, one below the other; 320 pixels wide."""
    height, width = frame.shape[0] * 320 // frame.shape[1] // 4 * 4, 320
    small = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
    noise = sample_canvas(mesh, height * 2, width * 2, CanvasSettings()).sum(axis=-1)
    noise = np.clip(128 + 22 * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255)
    canvas = np.repeat(noise[..., None], 3, axis=-1)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    share = interpolated(mesh.share[..., None], x, y, (height, width))[..., 0]
    distorted = cv2.resize(seen_distortion(mesh, frame.shape[:2]), (width, height), interpolation=cv2.INTER_NEAREST)
    maps = np.dstack([np.maximum(share * 0.5, np.clip(distorted, 0, 1)), share * 0.5, share * 0.5]) * 255
    return np.vstack([small, canvas, small * 0.5 + canvas * 0.5, maps]).astype(np.uint8)


def carried(frames: list[UInt8Array], options: argparse.Namespace, cuts: bool) -> tuple[list[CanvasMesh], float]:
    """The mesh of each frame, and the processor time of all in seconds."""
    exact, cut = CanvasTracker(options.side, options.preset), CutDetector()
    tracker = LookaheadTracker(exact)
    meshes: list[CanvasMesh] = []
    cost = 0.0
    for t, frame in enumerate(frames):
        first = (cut(frame) and cuts) or t == 0
        began = time.thread_time()
        if options.live:
            if first:
                exact.restart()
            meshes.append(exact(frame))
        else:
            meshes += [mesh for seen in tracker(frame, first) for mesh in seen.meshes()]
        cost += time.thread_time() - began
    return meshes + [mesh for seen in tracker.rest() for mesh in seen.meshes()], cost


def measure(
    name: str, frames: list[UInt8Array], truth: Truth, options: argparse.Namespace, cuts: bool = True
) -> list[float]:
    """One row of the table; writes the strip."""
    meshes, cost = carried(frames, options, cuts)
    cut = CutDetector()
    slips: list[Float] = []
    exchanged: list[Float] = []
    distortions: list[Float] = []
    strips: list[UInt8Array] = []
    shown = {min(int(part * len(frames)), len(frames) - 1) for part in SHOWN}
    for t, (frame, mesh) in enumerate(zip(frames, meshes, strict=True)):
        if not (cut(frame) and cuts) and t > 0:
            flow = truth(t)
            known = np.isfinite(flow[::STEP, ::STEP]).all(axis=-1)
            slipped, changed = slip(mesh, meshes[t - 1], flow, STEP)
            slips.append(slipped[known])
            exchanged.append(changed[known])
        distortions.append(seen_distortion(mesh, frame.shape[:2]).ravel())
        if t in shown:
            strips.append(strip(frame, mesh))
    if options.strips:
        options.strips.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(options.strips / f"{name}.png"), np.hstack(strips)[..., ::-1])
    stored = sum(len(pack(meshes[k : k + LONGEST])) for k in range(0, len(meshes), LONGEST))
    slipped, distorted = np.concatenate(slips), np.concatenate(distortions)
    return [
        *np.percentile(slipped, (50, 90, 99)),
        *np.percentile(distorted, (50, 90, 99)),
        float((distorted > TWICE).mean()) * 100,
        float(np.concatenate(exchanged).mean()) * 25 * 100,
        cost / len(frames) * 1e3,
        stored / len(frames),
    ]


def rows(options: argparse.Namespace) -> Iterator[tuple[str, list[float]]]:
    """Name and figures of all that is asked for."""
    if options.harbour:
        frames, truth = harbour(options.frames)
        yield "harbour", measure("harbour", frames, truth, options)
    for path in options.clips:
        frames = frames_of(path, options.frames)
        yield path.stem, measure(path.stem, frames, estimated(frames), options)
    if options.true_flow:
        for name, first, second, flow in true_pairs(options.true_flow):
            # The flow is that from the first frame to the second: the mesh goes the other way.
            yield name, measure(name, [second, first], partial(_constant, flow), options, cuts=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path, nargs="*")
    parser.add_argument("--harbour", action="store_true", help="the drawn sample scene")
    parser.add_argument("--true-flow", type=Path, help="folder of pairs with true flow")
    parser.add_argument("--frames", type=int, default=150, help="of each clip")
    parser.add_argument("--side", type=int, default=SIDE, help="longer side of the picture that flow is measured on")
    parser.add_argument("--preset", default="fast", choices=("ultrafast", "fast", "medium"), help="of DIS")
    parser.add_argument("--live", action="store_true", help="as `live` carries it, not as plans do")
    parser.add_argument("--strips", type=Path, help="folder for pictures of what was carried")
    options = parser.parse_args()
    cv2.setNumThreads(1)  # so that the time of one thread is that of one core
    heads = ("slip 50", "90", "99 %", "dist 50", "90", "99 %", "twice %", "new %/s", "ms", "bytes")
    print(f"{'':18}" + "".join(f"{head:>9}" for head in heads))
    for name, figures in rows(options):
        print(f"{name:18}" + "".join(f"{figure:9.0f}" if figure >= 100 else f"{figure:9.3f}" for figure in figures))


if __name__ == "__main__":
    main()
