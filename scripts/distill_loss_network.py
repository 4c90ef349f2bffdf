"""Distils the embedded loss network from VGG features and writes it as the package's asset, in two stages.

The student has half of VGG's channels or fewer, and a linear head for each layer that is compared. It learns, through
the heads, the features *and* the Gram matrices of its teachers, on what ``distillation`` makes.

``fine``
    blocks 1 to 3, from VGG-16: relu1_2, relu2_2, relu3_3.
``deep``
    blocks 4 and 5 on top of a student of the first stage, whose arrays stay as they are, from the quarter-width VGG-19
    of Wang et al. 2020: relu4_1 and relu5_1, the features themselves (128 channels), not through its ``_aux`` heads.

    python scripts/distill_loss_network.py fine --photos DIR --paintings DIR --teacher VGG16.npz --kept 100
    python scripts/distill_loss_network.py deep --photos DIR --paintings DIR --teacher QUARTER.npz --minutes 25

Both end with how well distances between pictures agree with the teacher's (``agreement``), on pictures that were not
trained on: every 20th photo, every fifth painting.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from distillation import Pupil, crop, make_batch, model_painting, paint, read_pictures
from keras import ops
from safetensors.numpy import save_file

from videostyle.network import loss_network
from videostyle.network.loss_network import LossNetwork, features, gram, project
from videostyle.network.vgg import VGGNetwork, from_arrays, read_arrays, to_storage
from videostyle.styles import gallery
from videostyle.styles.style_file import load_style
from videostyle.training.objective import Objective
from videostyle.training.trainer import learning_rate_at

FINE_WIDTHS = {
    "conv1_1": 16,
    "conv1_2": 32,
    "conv2_1": 48,
    "conv2_2": 64,
    "conv3_1": 96,
    "conv3_2": 96,
    "conv3_3": 128,
}
DEEP_WIDTHS = {"conv4_1": 160, "conv4_2": 128, "conv4_3": 128, "conv5_1": 160}
TEACHERS = {
    "fine": "VGG-16 (Oxford VGG, CC BY 4.0)",
    "deep": "VGG-19 of quarter width (Wang et al. 2020)",
}
Arrays = dict[str, np.ndarray]


def new_arrays(widths: Mapping[str, int], width: int, heads: Mapping[str, int], rng: np.random.Generator) -> Arrays:
    """He-normal convolutions after ``width`` channels, and heads to so many channels of the teacher's layers."""
    arrays = {}
    for name, out in widths.items():
        arrays[f"{name}/kernel"] = rng.normal(0, np.sqrt(2 / (9 * width)), (3, 3, width, out)).astype(np.float32)
        arrays[f"{name}/bias"] = np.zeros(out, np.float32)
        layer = name.replace("conv", "relu")
        if layer in heads:
            arrays[f"head/{layer}/kernel"] = rng.normal(0, np.sqrt(1 / out), (out, heads[layer])).astype(np.float32)
            arrays[f"head/{layer}/bias"] = np.zeros(heads[layer], np.float32)
        width = out
    return arrays


def distances(net: LossNetwork, layer: str, pictures: list[np.ndarray]) -> np.ndarray:
    """Squared distances of the Gram matrices of pictures over the energy of the second: ``[pictures, pictures]``."""
    grams = np.concatenate([gram(net, layer, features(net, x[None], (layer,))[layer]) for x in pictures])
    flat = grams.reshape(len(grams), -1).astype(np.float64)
    energy = (flat**2).sum(1)
    return (energy[:, None] + energy[None] - 2 * flat @ flat.T).clip(0) / energy[None]


def agreement(
    student: LossNetwork, teacher: LossNetwork, pictures: list[np.ndarray], models: list[np.ndarray]
) -> dict[str, tuple[float, float, float]]:
    """How alike student and teacher find pictures and model paintings, for each layer that both compare.

    Args:
        student: what was distilled.
        teacher: from what.
        pictures: float32 ``[H, W, 3]`` RGB 0..1.
        models: paintings to which the distance is measured, likewise.

    Returns:
        Spearman's rank correlation of the distances over all pairs; the mean over paintings of the rank correlation
        over pictures; the median of the factor by which the two differ.
    """
    found = {}
    for layer in (*student.style_layers, *student.deep_layers):
        if layer not in (*teacher.style_layers, *teacher.deep_layers):
            continue
        own, wanted = (
            distances(net, layer, [*pictures, *models])[: len(pictures), len(pictures) :] for net in (student, teacher)
        )
        single = [spearman(a, b) for a, b in zip(own.T, wanted.T, strict=True)]
        factor = float(np.exp(np.median(np.abs(np.log(own / wanted)))))
        found[layer] = spearman(own.ravel(), wanted.ravel()), float(np.mean(single)), factor
    return found


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation of two rows of numbers without ties."""
    first, second = (np.argsort(np.argsort(values)) for values in (a, b))
    return float(np.corrcoef(first, second)[0, 1])


def distillation(
    student: VGGNetwork, layers: tuple[str, ...]
) -> Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]:
    """The function that is minimised: errors of features and of Gram matrices, summed over layers.

    A batch has "x", what the trained convolutions see, and for each layer the teacher's features, all ``[N, h, w, C]``.
    """
    plain = replace(student, arrays={})  # without heads

    def losses(weights: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
        net = replace(student, arrays=dict(weights))
        own = features(net, batch["x"], layers)
        out: dict[str, Any] = {}
        total: Any = 0.0
        for layer in layers:
            target = batch[layer]
            reached, aim = gram(net, layer, own[layer]), gram(plain, layer, target)
            error = ops.mean(ops.square(project(net, layer, own[layer]) - target))
            distance = ops.sum(ops.square(reached - aim), (1, 2)) / (ops.sum(ops.square(aim), (1, 2)) + 1e-3)
            gram_error = ops.mean(distance)
            out[layer], out[f"gram_{layer}"] = error, gram_error
            total = total + error + 0.3 * ops.minimum(gram_error, 3.0)
        return {"loss": total, **out}

    return losses


class Lessons:
    """Pictures with what the teacher sees in them, kept: each is learnt from many times, and few are computed a step.

    Args:
        see: gives from pictures ``[N, S, S, 3]`` the arrays of a lesson, ``[N, ...]`` each.
        count: lessons kept; the oldest is replaced.
        rng: which ones a batch has.
    """

    def __init__(self, see: Callable[[np.ndarray], Arrays], count: int, rng: np.random.Generator) -> None:
        self._see, self._count, self._rng = see, count, rng
        self._kept: list[Arrays] = []
        self._seen = 0

    def add(self, pictures: np.ndarray) -> None:
        """Takes pictures, one by one."""
        for picture in pictures:
            lesson = {name: value[0].astype(np.float16) for name, value in self._see(picture[None]).items()}
            if len(self._kept) < self._count:
                self._kept.append(lesson)
            else:
                self._kept[self._seen % self._count] = lesson
            self._seen += 1

    def batch(self, size: int) -> Arrays:
        """So many lessons, float32."""
        chosen = [self._kept[i] for i in self._rng.integers(len(self._kept), size=size)]
        return {name: np.stack([lesson[name] for lesson in chosen]).astype(np.float32) for name in chosen[0]}


def fractions(steps: int, minutes: float | None) -> Iterator[float]:
    """The part of a training that is done, 0..1, before each of its steps: of steps, or of processor time."""
    began = time.process_time()
    for step in range(steps):
        done = step / steps
        if minutes is not None:
            done = max(done, (time.process_time() - began) / (60 * minutes))
        if done >= 1:
            return
        yield done


def held_out(items: list, every: int) -> tuple[list, list]:
    """What is trained on, and every so many-th, which is not."""
    return [item for i, item in enumerate(items) if i % every], items[::every]


def main() -> None:
    """Reads the options, distils, writes the asset, reports the agreement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stage", choices=TEACHERS)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True, help="VGG-16 or the quarter-width VGG-19, .npz")
    parser.add_argument("--start", type=Path, help="a network to go on from (deep: default the package's)")
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, help="of processor time, after which it ends even if steps are left")
    parser.add_argument("--size", type=int, default=224, help="side of the windows, pixels")
    parser.add_argument("--batch", type=int, default=6, help="pictures a step")
    parser.add_argument("--kept", type=int, default=800, help="pictures that steps choose from; fine: 100 are a GB")
    parser.add_argument("--styles", type=Path, nargs="*", default=[], help="more styles that paint")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--output", type=Path, default=loss_network.ASSET)
    options = parser.parse_args()

    rng = np.random.default_rng(0)
    photos, test_photos = held_out(read_pictures(options.photos, 384), 20)
    paintings, test_paintings = held_out(read_pictures(options.paintings, 480), 5)
    teacher = from_arrays(read_arrays(options.teacher), "teacher")
    layers = teacher.style_layers if options.stage == "fine" else teacher.deep_layers
    calibration = make_batch(photos, paintings, options.size, 12, rng)
    # The teacher's features are scaled to unit energy per layer: heads and Gram matrices then share one range.
    found = features(teacher, calibration, layers)
    scales = {layer: float(ops.sqrt(ops.mean(ops.square(f)))) for layer, f in found.items()}
    heads = {layer: f.shape[-1] for layer, f in found.items()}
    if options.stage == "fine":
        frozen, taught = {}, new_arrays(FINE_WIDTHS, 3, heads, rng)
    else:
        frozen = {
            name: value
            for name, value in read_arrays(options.start or loss_network.ASSET).items()
            if not name.startswith(("conv4", "conv5", "head/relu4", "head/relu5"))
        }
        taught = new_arrays(DEEP_WIDTHS, FINE_WIDTHS["conv3_3"], heads, rng)
    if options.start:
        taught |= {name: value for name, value in read_arrays(options.start).items() if name in taught}
    student = from_arrays({**frozen, **taught}, "student")
    # The taught convolutions alone: the frozen blocks before them are computed once for each picture, not at each step.
    below = tuple(block for block in student.blocks if f"{block[0]}/kernel" in frozen)
    rest = replace(student, blocks=((),) * bool(below) + student.blocks[len(below) :])

    def see(pictures: np.ndarray) -> Arrays:
        targets = {layer: f / scales[layer] for layer, f in features(teacher, pictures, layers).items()}
        x = features(student, pictures, ("relu3_3",))["relu3_3"] if below else pictures
        return {name: ops.convert_to_numpy(value) for name, value in {"x": x, **targets}.items()}

    styles = [load_style(entry.path) for entry in gallery.entries() if entry.bundled]
    styles += [load_style(path) for path in options.styles]
    pupil = Pupil(styles, lambda: model_painting(photos, paintings, options.size, rng), student, rng)
    names = (*layers, *(f"gram_{layer}" for layer in layers))
    objective = Objective(taught, distillation(rest, layers), names, options.rate)
    lessons = Lessons(see, options.kept, rng)
    lessons.add(make_batch(photos, paintings, options.size, options.batch, rng))

    def save() -> None:
        metadata = {"teacher": TEACHERS["fine"]} | ({"deep teacher": TEACHERS["deep"]} if frozen else {})
        save_file(to_storage({**frozen, **objective.arrays()}), options.output, metadata)

    began, pleased = time.process_time(), math.nan
    for step, fraction in enumerate(fractions(options.steps, options.minutes)):
        # A new picture every other step: two that are not painted, one painted by a style, one by the pupil.
        scene = crop(photos[rng.integers(len(photos))], options.size, rng)[None]
        if step % 8 in (0, 4):
            lessons.add(make_batch(photos, paintings, options.size, 1, rng))
        elif step % 8 == 2:
            lessons.add(paint(styles[rng.integers(len(styles))], scene))
        elif step % 8 == 6:
            painted, pleased = pupil.paint({**frozen, **objective.arrays()}, scene)
            lessons.add(painted)
        report = objective.step(lessons.batch(options.batch), learning_rate_at(fraction, options.rate))
        if step % 50 == 0:
            text = " ".join(f"{name} {value:.3f}" for name, value in (report | {"pupil": pleased}).items())
            print(f"{step} {time.process_time() - began:.0f}s {text}", flush=True)
        if step % 200 == 199:
            save()

    save()
    net = from_arrays(read_arrays(options.output), "embedded")
    windows = [crop(photo, 256, rng) for photo in test_photos]
    painted_windows = [paint(styles[i % len(styles)], x[None])[0] for i, x in enumerate(windows)]
    models = [crop(painting, 256, rng) for painting in (*test_paintings, *paintings)]
    for what, pictures in (("photos", windows), ("painted pictures", painted_windows)):
        for layer, (of_all, of_one, factor) in agreement(net, teacher, pictures, models).items():
            text = f"rank correlation {of_all:.3f}, for one painting {of_one:.3f}, off by a factor of {factor:.2f}"
            print(f"{what}, {layer}: {text}")


if __name__ == "__main__":
    main()
