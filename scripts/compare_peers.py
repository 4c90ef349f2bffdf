"""Measures styles and well-known per-frame networks on the same clips: paint, content, warping error, noise.

    python scripts/compare_peers.py --clips DIR --names chaplin,bikes --painting wave.jpg --vgg16 FILE.npz \
        [--deep FILE.npz] [--peer wave.npz]... [--style great-wave]... [--strips DIR] [--true-flow DIR]

Frames are 640x360, 24 of each clip. Style and content are measured under VGG-16 (relu1_2, relu2_2, relu3_3)
against the painting at a short side of 384; the figures of ``videostyle.metrics.paint`` (deep, fine, texture, flat,
colour; of whole frames, and of the third of a frame where the unpainted one shows least) with relu4_1 and relu5_1 of
the network of ``--deep``; the warping error along DIS flow of the unpainted frames, and along the true flow of pairs
of frames where a folder of such is given.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf
from flow_report import true_pairs
from train_gallery import read_rgb

from videostyle.frames import FrameBatch, VideoInfo, evenly_spread
from videostyle.inference.canvas_sampling import CanvasSettings
from videostyle.metrics import temporal
from videostyle.metrics.paint import PaintJudge
from videostyle.metrics.perceptual import PerceptualJudge
from videostyle.motion.cuts import CutDetector
from videostyle.motion.dis import flow_and_mask
from videostyle.network import loss_network
from videostyle.processors.style import StyleProcessor
from videostyle.rendering.canvas import CanvasFollower
from videostyle.rendering.shots import find_shots, measure_section, segments_of
from videostyle.styles.resolve import resolve

Paint = Callable[[np.ndarray], np.ndarray]
Build = Callable[[np.ndarray, int], Paint]  # from a clip and the number of the first frame that will be painted

PLANNED = 250  # frames of a clip that are planned, as in a render
# What is printed of each network, and how.
FIGURES = {
    "style": ".4f",
    "content": ".3f",
    "deep": ".3f",
    "fine": ".3f",
    "texture": ".2f",
    "flat": ".2f",
    "colour": ".1f",
    "deep_quiet": ".3f",
    "fine_quiet": ".3f",
    "texture_quiet": ".2f",
    "flat_quiet": ".2f",
    "warping error, e-3": ".3f",
    "noise gain": ".2f",
    "frames/s": ".1f",
}


def normalised(x: tf.Tensor, shift: np.ndarray, scale: np.ndarray, epsilon: float) -> tf.Tensor:
    """Instance normalisation."""
    mean, variance = tf.nn.moments(x, (1, 2), keepdims=True)
    return (x - mean) / tf.sqrt(variance + epsilon) * scale + shift


def peer(path: Path) -> Paint:
    """A classic network (9x9x3x32, 32-64-128, 5 residual blocks) with the weights of a file."""
    z = np.load(path, allow_pickle=False)
    if "Variable" in z:
        sets = iter(
            [tuple(z[f"Variable_{3 * i + j}" if 3 * i + j else "Variable"] for j in range(3)) for i in range(16)]
        )

        def layer(x: tf.Tensor, stride: int = 1, relu: bool = True) -> tf.Tensor:
            kernel, shift, scale = next(sets)
            if stride < 0:
                shape = (x.shape[0], -stride * x.shape[1], -stride * x.shape[2], kernel.shape[2])
                x = tf.nn.conv2d_transpose(x, kernel, shape, -stride, "SAME")
            else:
                x = tf.nn.conv2d(x, kernel, stride, "SAME")
            x = normalised(x, shift, scale, 1e-3)
            return tf.nn.relu(x) if relu else x

        def network(x: tf.Tensor) -> tf.Tensor:
            x = layer(layer(layer(x), 2), 2)
            for _ in range(5):
                x = x + layer(layer(x), relu=False)
            x = layer(layer(x, -2), -2)
            return 150 * tf.tanh(layer(x, relu=False)) + 127.5

        program = tf.function(network)
    else:

        def convolve(
            x: tf.Tensor, name: str, stride: int = 1, norm: str = "", relu: bool = True, up: bool = False
        ) -> tf.Tensor:
            if up:
                x = tf.image.resize(x, (2 * x.shape[1], 2 * x.shape[2]), "nearest")
            kernel = z[f"{name}/kernel"]
            p = kernel.shape[0] // 2
            x = (
                tf.nn.conv2d(tf.pad(x, ((0, 0), (p, p), (p, p), (0, 0)), "REFLECT"), kernel, stride, "VALID")
                + z[f"{name}/bias"]
            )
            x = normalised(x, z[f"{norm}/beta"], z[f"{norm}/gamma"], 1e-5) if norm else x
            return tf.nn.relu(x) if relu else x

        def network(x: tf.Tensor) -> tf.Tensor:
            x = convolve(x, "conv1", norm="in1")
            x = convolve(convolve(x, "conv2", 2, "in2"), "conv3", 2, "in3")
            for i in range(1, 6):
                x = x + convolve(
                    convolve(x, f"res{i}.conv1", norm=f"res{i}.in1"), f"res{i}.conv2", norm=f"res{i}.in2", relu=False
                )
            x = convolve(convolve(x, "deconv1", norm="in4", up=True), "deconv2", norm="in5", up=True)
            return convolve(x, "deconv3", relu=False)

        program = tf.function(network)

    def paint(frames: np.ndarray) -> np.ndarray:
        out = [
            np.clip(np.rint(program(tf.constant(f[None], tf.float32)).numpy()[0]), 0, 255).astype(np.uint8)
            for f in frames
        ]
        return np.stack(out)

    return paint


class InMemory:
    """Frames as a source that can be planned."""

    def __init__(self, frames: np.ndarray) -> None:
        self._frames = frames

    def raw_frames(self) -> Iterator[tuple[np.ndarray, float]]:
        """Frames and their times."""
        return ((frame, number / 25) for number, frame in enumerate(self._frames))

    def delivered(self, picture: np.ndarray) -> np.ndarray:
        """The frame itself."""
        return picture


def ours(name: str, whole: np.ndarray, first: int) -> Paint:
    """A style of ours that paints frames from ``first`` on with the statistics and canvas of a render of ``whole``."""
    style = resolve(name, 1.0)
    stylize = StyleProcessor(style, batch_size=4, canvas=CanvasSettings(style.card.canvas))
    stylize.open(VideoInfo(width=whole.shape[2], height=whole.shape[1]))
    shots, _ = find_shots(InMemory(whole), lambda frames: [measure_section(frames, stylize.statistics_of)])
    stylize.use_shots(segments_of(shots, 0))
    if stylize.on_canvas:
        follow, cut = CanvasFollower(whole.shape[2] / whole.shape[1]), CutDetector()
        for frame in whole:
            follow(frame, cut(frame))
        track = follow.track()
        stylize.use_meshes(track, track.offsets)
        follow.close()
    return lambda frames: stylize(FrameBatch(frames, np.zeros(len(frames)), first)).frames


def read_clip(path: Path, count: int) -> tuple[np.ndarray, int]:
    """The first ten seconds of a clip at 640x360, uint8 RGB, and where among them the ``count`` to look at begin."""
    capture = cv2.VideoCapture(str(path))
    frames: list[np.ndarray] = []
    while len(frames) < max(PLANNED, count):
        ok, frame = capture.read()
        if not ok:
            break
        frames.append(cv2.resize(frame, (640, 360), interpolation=cv2.INTER_AREA)[..., ::-1])
    return np.stack(frames), max(0, min(30, len(frames) - count))


def true_clips(folder: Path) -> list[tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]]:
    """Pairs as clips of two frames, with their true flow; it counts where it is known and DIS sees both frames."""
    clips = []
    for _, current, before, truth in true_pairs(folder):
        known = np.isfinite(truth).all(axis=2, keepdims=True)
        mask = flow_and_mask(current, before)[1] * known
        clips.append((np.stack([before, current]), [(np.where(known, truth, 0.0), mask)]))
    return clips


def one_by_one(paint: Paint, frames: np.ndarray) -> np.ndarray:
    """Paints each as the same frame of the clip."""
    return np.concatenate([paint(frame[None]) for frame in frames])


def measured(
    paint: Paint,
    frames: np.ndarray,
    flows: list[tuple[np.ndarray, np.ndarray]],
    judge: PerceptualJudge,
    paint_judge: PaintJudge,
) -> tuple[dict[str, float], np.ndarray]:
    """The figures of what paints a clip, and the last painted frame."""
    paint(frames[evenly_spread(len(frames), 4)])  # compiles
    began = time.perf_counter()
    painted = paint(frames)
    values = {"frames/s": len(frames) / (time.perf_counter() - began)}
    sampled: dict[str, list[float]] = {}
    for i in range(0, len(frames), max(1, len(frames) // 3)):
        found = paint_judge.figures(painted[i], frames[i])
        found |= {"style": judge.style(painted[i]), "content": judge.content(painted[i], frames[i])}
        for figure, value in found.items():
            sampled.setdefault(figure, []).append(value)
    values |= {figure: float(np.mean(samples)) for figure, samples in sampled.items()}
    values["warping error, e-3"] = 1e3 * temporal.warping_error(painted, flows)
    values["noise gain"] = temporal.noise_gain(partial(one_by_one, paint), frames[0], count=6)
    return values, painted[-1]


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--names", default="chaplin,bikes,bigbuckbunny,paragliding,cat,car-turn")
    parser.add_argument("--painting", type=Path, required=True)
    parser.add_argument("--vgg16", type=Path, required=True)
    parser.add_argument("--deep", default="embedded", help="network of the deep layers: a file, or a name (embedded)")
    parser.add_argument("--peer", type=Path, action="append", default=[])
    parser.add_argument("--torch-peer", type=Path, action="append", default=[], help="the same network in PyTorch")
    parser.add_argument("--style", action="append", default=[])
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--strips", type=Path)
    parser.add_argument("--true-flow", type=Path, help="pairs of frames, as scripts/flow_report.py reads them")
    options = parser.parse_args()

    net, painting = loss_network.load(str(options.vgg16)), read_rgb(options.painting)
    judges = PerceptualJudge.of(net, painting), PaintJudge.of(net, [painting], loss_network.load(options.deep))
    models: dict[str, Build] = {"unpainted": lambda *_: lambda frames: frames}
    models |= {path.stem + " (peer)": (lambda *_, path=path: peer(path)) for path in options.peer}
    if options.torch_peer:
        import classic_torch  # PyTorch is needed for nothing else

        for path in options.torch_peer:
            model = classic_torch.load(path)
            models[f"{path.stem} (peer, PyTorch)"] = lambda *_, model=model: partial(classic_torch.paint, model)
    models |= {style: partial(ours, style) for style in options.style}
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in models}
    for name in options.names.split(","):
        whole, first = read_clip(options.clips / f"{name}.mp4", options.frames)
        frames = whole[first : first + options.frames]
        flows = temporal.clip_flows(frames, flow_and_mask)
        strip = []
        for model, build in models.items():
            values, last = measured(build(whole, first), frames, flows, *judges)
            rows[model].append(values)
            strip.append(last)
            text = " ".join(f"{figure} {values[figure]:{form}}" for figure, form in FIGURES.items() if figure in values)
            print(f"{name:14} {model:34} {text}", flush=True)
        if options.strips:
            options.strips.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(options.strips / f"{name}.png"), np.concatenate(strip, 1)[..., ::-1])
    print("mean over clips; frames/s of the network alone, in TensorFlow, frames as arrays")
    shown = {figure: form for figure, form in FIGURES.items() if figure in next(iter(rows.values()))[0]}
    print(f"| network | {' | '.join(shown)} |")
    print("|---" * (len(shown) + 1) + "|")
    for model, found in rows.items():
        means = {figure: float(np.mean([row[figure] for row in found])) for figure in shown}
        print(f"| {model} | {' | '.join(f'{means[figure]:{form}}' for figure, form in shown.items())} |")
    if options.true_flow:
        pairs = true_clips(options.true_flow)
        for model, build in models.items():
            error = float(np.mean([temporal.warping_error(build(f, 0)(f), flows) for f, flows in pairs]))
            print(f"{model:34} along true flow: {1e3 * error:.3f}e-3", flush=True)


if __name__ == "__main__":
    main()
