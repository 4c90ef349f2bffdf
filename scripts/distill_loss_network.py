"""Distils the embedded loss network from VGG features and writes it as the package's asset.

The student has half of VGG's channels or fewer. It learns, through one linear head per layer, the features
*and* the Gram matrices of its teachers: VGG-16 for relu1_2, relu2_2 and relu3_3, and a quarter-width
VGG-19 with `_aux` heads for relu4_1 (Wang et al. 2020). It is shown photos, paintings, pictures that are
neither (noise, blends, hard contrasts), and above all what its own pupils paint: a style network is trained
with the student's losses at the same time, and the frames it paints join the batch (as in DAgger, Ross et
al. 2011). Without them a style finds pictures that please the student and not the teacher.

    python scripts/distill_loss_network.py --photos DIR --paintings DIR --teacher VGG16.npz --deep DEEP.npz
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from keras import ops
from keras.optimizers.schedules import CosineDecay
from safetensors.numpy import save_file

from videostyle.network import loss_network
from videostyle.network.loss_network import LossNetwork, features, from_arrays, gram, project, read_arrays
from videostyle.network.style_network import forward
from videostyle.styles import gallery
from videostyle.styles.style_file import Style, load_style
from videostyle.training import losses as loss
from videostyle.training.objective import Objective

WIDTHS = {
    "conv1_1": 16,
    "conv1_2": 32,
    "conv2_1": 48,
    "conv2_2": 64,
    "conv3_1": 96,
    "conv3_2": 96,
    "conv3_3": 128,
    "conv4_1": 128,
}
HEADS = {"relu1_2": 64, "relu2_2": 128, "relu3_3": 256}
DEEP_LAYER = "relu4_1"


def read_pictures(folder: Path, side: int) -> list[np.ndarray]:
    """All pictures of a folder, uint8 RGB, shrunk until their short side is ``side``."""
    pictures = []
    for path in sorted(folder.iterdir()):
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is not None:
            scale = max(side / min(picture.shape[:2]), 0.1)
            if scale < 1:
                picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            pictures.append(picture[..., ::-1].copy())
    return pictures


def crop(picture: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """A random crop at a random scale, float32 RGB 0..1."""
    short = min(picture.shape[:2])
    scale = rng.uniform(min(size / short, 1.0), 1.0)
    window = min(int(size / scale), short)
    top, left = (rng.integers(0, s - window + 1) for s in picture.shape[:2])
    cut = cv2.resize(picture[top : top + window, left : left + window], (size, size), interpolation=cv2.INTER_AREA)
    cut = cut.astype(np.float32) / 255.0
    return cut[:, ::-1] if rng.random() < 0.5 else cut


def make_batch(photos: list, paintings: list, size: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """``[count, size, size, 3]``: photos, paintings, and disturbed blends of them."""
    batch = []
    for _ in range(count):
        source = paintings if rng.random() < 0.4 else photos
        x = crop(source[rng.integers(len(source))], size, rng)
        kind = rng.random()
        if kind < 0.2:  # what an unfinished style looks like: a blend, a strange palette, grain, wrong contrast
            other = crop(paintings[rng.integers(len(paintings))], size, rng)
            share = rng.uniform(0.2, 0.8)
            x = (1 - share) * x + share * other
        elif kind < 0.4:
            x = np.clip((x - 0.5) * rng.uniform(0.4, 2.0) + rng.uniform(0.3, 0.7), 0, 1)[..., rng.permutation(3)]
        elif kind < 0.55:
            grain = rng.normal(0, rng.uniform(0.02, 0.2), (size // 2, size // 2, 3)).astype(np.float32)
            x = x + cv2.resize(grain, (size, size), interpolation=cv2.INTER_LINEAR)
            x = x + rng.normal(0, rng.uniform(0.0, 0.1), x.shape)
        batch.append(x)
    return np.clip(np.stack(batch), -0.1, 1.1).astype(np.float32)


def initial_student(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """He-normal convolutions and heads."""
    arrays, width = {}, 3
    heads = {**HEADS, DEEP_LAYER: 512}
    for name, out in WIDTHS.items():
        arrays[f"{name}/kernel"] = rng.normal(0, np.sqrt(2 / (9 * width)), (3, 3, width, out)).astype(np.float32)
        arrays[f"{name}/bias"] = np.zeros(out, np.float32)
        layer = name.replace("conv", "relu")
        if layer in heads:
            arrays[f"head/{layer}/kernel"] = rng.normal(0, np.sqrt(1 / out), (out, heads[layer])).astype(np.float32)
            arrays[f"head/{layer}/bias"] = np.zeros(heads[layer], np.float32)
        width = out
    return arrays


def model_painting(photos: list, paintings: list, size: int, rng: np.random.Generator) -> np.ndarray:
    """What a pupil learns, ``[1, size, size, 3]``: a painting or, now and then, a photo, mostly in other colours.

    There are few paintings here and many elsewhere: a network that has met these ones only in their own colours is
    pleased too easily with what is painted after another.
    """
    source = photos if rng.random() < 0.25 else paintings
    x = crop(source[rng.integers(len(source))], size, rng)
    if rng.random() < 0.6:
        x = x[..., rng.permutation(3)]
        x = 1.0 - x if rng.random() < 0.5 else x
    return x[None]


class Pupil:
    """A style network that is trained with the student's losses as they are now, and paints for it.

    Args:
        styles: where a pupil may start; all of one architecture.
        next_painting: gives another painting to learn, float32 ``[1, S, S, 3]``.
        student: for its layout; its arrays as they are now come with each call of ``paint``.
        rng: everything random.
    """

    LIFE = 300  # steps after which another pupil with another painting takes its place

    def __init__(
        self,
        styles: list[Style],
        next_painting: Callable[[], np.ndarray],
        student: LossNetwork,
        rng: np.random.Generator,
    ) -> None:
        self._styles, self._next_painting, self._rng = styles, next_painting, rng
        self._arch = styles[0].architecture
        self._age, self._painting = self.LIFE, np.zeros(())

        def losses(weights: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
            arrays = {key[len("net/") :]: value for key, value in batch.items() if key.startswith("net/")}
            net = LossNetwork("student", student.blocks, arrays, student.style_layers, student.content_layer)
            targets = loss.style_targets(net, batch["painting"], 1)
            painted = forward(self._arch, weights, batch["x"])
            content, style = loss.perceptual_losses(net, painted, loss.content_features(net, batch["x"]), targets)
            outside = ops.mean(ops.square(painted - ops.clip(painted, 0.0, 1.0)))
            total = content + 30.0 * style + loss.total_variation(painted) + 10.0 * outside
            return {"loss": total, "style": style}

        self._objective = Objective(styles[0].weights, losses, ("style",), 2e-3)

    def paint(self, arrays: dict, photos: np.ndarray) -> tuple[np.ndarray, float]:
        """Trains the pupil for a step on ``photos`` and returns them painted, with its style loss."""
        if self._age >= self.LIFE:
            self._age = 0
            self._painting = self._next_painting()
            self._objective.set_arrays(self._styles[self._rng.integers(len(self._styles))].weights)
        self._age += 1
        batch = {"x": photos, "painting": self._painting, **{f"net/{key}": value for key, value in arrays.items()}}
        report = self._objective.step(batch)
        painted = forward(self._arch, self._objective.arrays(), ops.convert_to_tensor(photos))
        return np.asarray(ops.convert_to_numpy(painted)), report["style"]


def grown(arrays: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """An older student's arrays in today's layout: a convolution it lacks begins as the identity."""
    student = initial_student(rng)
    for name, value in student.items():
        if name in arrays and arrays[name].shape == value.shape:
            student[name] = arrays[name].astype(np.float32)
        elif value.ndim == 4 and value.shape[2] == value.shape[3]:
            student[name] = 0.02 * value
            student[name][1, 1] += np.eye(value.shape[2], dtype=np.float32)
    return student


def main() -> None:
    """Reads the options, distils, writes the asset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True, help="VGG-16 to relu3_3, .npz")
    parser.add_argument("--deep", type=Path, required=True, help="quarter-width VGG-19 with _aux heads, .npz")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=6, help="pictures a step; two more come from the pupil")
    parser.add_argument("--start", type=Path, help="an embedded loss network to go on from")
    parser.add_argument("--styles", type=Path, nargs="*", default=[], help="more styles that a pupil may start from")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--output", type=Path, default=loss_network.ASSET)
    options = parser.parse_args()

    rng = np.random.default_rng(0)
    photos, paintings = read_pictures(options.photos, 320), read_pictures(options.paintings, 480)
    teacher = from_arrays(read_arrays(options.teacher), "vgg16")
    deep_arrays = read_arrays(options.deep)
    deep = from_arrays(deep_arrays, "deep")
    calibration = make_batch(photos, paintings, options.size, 12, rng)
    # The teacher's features are scaled to unit energy per layer: heads and Gram matrices then share one range.
    scales = {layer: float(ops.sqrt(ops.mean(ops.square(f)))) for layer, f in features(teacher, calibration).items()}
    deep_kernel = deep_arrays["conv4_1_aux/kernel"][0, 0]

    def deep_target(x: Any) -> Any:
        return ops.relu(
            ops.matmul(features(deep, x, (DEEP_LAYER,))[DEEP_LAYER], deep_kernel) + deep_arrays["conv4_1_aux/bias"]
        )

    scales[DEEP_LAYER] = float(ops.sqrt(ops.mean(ops.square(deep_target(calibration)))))
    student = grown(read_arrays(options.start), rng) if options.start else initial_student(rng)
    template = from_arrays(student, "embedded")
    blocks, style_layers = template.blocks, tuple(scales)
    bundled = [load_style(entry.path) for entry in gallery.entries() if entry.bundled]
    starts = [*bundled, *(load_style(path) for path in options.styles)]
    pupil = Pupil(starts, lambda: model_painting(photos, paintings, 2 * options.size, rng), template, rng)

    def losses(weights: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
        x = batch["x"]
        net = LossNetwork("embedded", blocks, dict(weights), style_layers)
        target: dict[str, Any] = {layer: f / scales[layer] for layer, f in features(teacher, x).items()}
        target[DEEP_LAYER] = deep_target(x) / scales[DEEP_LAYER]
        own = features(net, x, style_layers)
        out: dict[str, Any] = {}
        total: Any = 0.0
        for layer in style_layers:
            plain = LossNetwork("target", blocks, {}, style_layers)
            wanted = gram(plain, layer, target[layer])
            reached = gram(net, layer, own[layer])
            error = ops.mean(ops.square(project(net, layer, own[layer]) - target[layer]))
            gram_error = ops.mean(
                ops.sum(ops.square(reached - wanted), (1, 2)) / (ops.sum(ops.square(wanted), (1, 2)) + 1e-3)
            )
            out[layer], out[f"gram_{layer}"] = error, gram_error
            total = total + (0.3 if layer == DEEP_LAYER else 1.0) * (error + 0.3 * ops.minimum(gram_error, 3.0))
        return {"loss": total, **out}

    names = (*scales, *(f"gram_{layer}" for layer in scales))
    objective = Objective(
        student,
        losses,
        names,
        CosineDecay(options.rate, options.steps, 0.02, warmup_target=options.rate, warmup_steps=50),
    )
    began = time.time()
    for step in range(options.steps):
        lesson = np.stack([crop(photos[rng.integers(len(photos))], options.size, rng) for _ in range(2)])
        painted, pleased = pupil.paint(objective.arrays(), lesson)
        x = make_batch(photos, paintings, options.size, options.batch, rng)
        report = objective.step({"x": np.concatenate([x, np.clip(painted, -0.1, 1.1)])}) | {"pupil": pleased}
        if step % 20 == 0 or step == options.steps - 1:
            text = " ".join(f"{name} {value:.3f}" for name, value in report.items())
            print(f"{step} {time.time() - began:.0f}s {text}", flush=True)
        if step % 200 == 199 or step == options.steps - 1:
            options.output.parent.mkdir(parents=True, exist_ok=True)
            save_file(
                loss_network.to_storage(objective.arrays()),
                options.output,
                metadata={"teacher": "VGG-16 (Oxford VGG, CC BY 4.0)"},
            )
    net = from_arrays(objective.arrays(), "embedded")
    print(f"{teacher.multiplications() / net.multiplications():.1f} times cheaper than the teacher")


if __name__ == "__main__":
    main()
