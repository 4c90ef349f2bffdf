"""The pictures on which a loss network is distilled: photos, paintings, distorted pictures, and painted pictures.

A style network that is trained with the student's losses finds pictures for which these are low and the teacher's are
high. So the student also learns from painted pictures: by the bundled styles, and by a ``Pupil``, a style network that
is trained with the student's losses while the student is (as in DAgger, *Source:* Ross et al. 2011).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from keras import ops

from videostyle.network import perceptual as loss
from videostyle.network.style_network import forward
from videostyle.network.vgg import VGGNetwork
from videostyle.styles.card import Style
from videostyle.training.losses import total_variation
from videostyle.training.objective import Objective


def read_pictures(folder: Path, side: int) -> list[np.ndarray]:
    """All pictures of a folder in the order of their names, uint8 RGB, shrunk until their short side is ``side``."""
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
    """A random crop at a random scale, mirrored at times: float32 ``[size, size, 3]`` RGB 0..1."""
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


def model_painting(photos: list, paintings: list, size: int, rng: np.random.Generator) -> np.ndarray:
    """What a pupil learns, ``[1, size, size, 3]``: a painting or, now and then, a photo, mostly in other colours.

    Recolouring makes more paintings out of the few that are here; otherwise the student would judge other paintings
    badly.
    """
    source = photos if rng.random() < 0.25 else paintings
    x = crop(source[rng.integers(len(source))], size, rng)
    if rng.random() < 0.6:
        x = x[..., rng.permutation(3)]
        x = 1.0 - x if rng.random() < 0.5 else x
    return x[None]


def paint(style: Style, pictures: np.ndarray) -> np.ndarray:
    """Pictures ``[N, S, S, 3]`` as a style paints them, float32 RGB, hardly outside 0..1."""
    painted = forward(style.architecture, style.weights, ops.convert_to_tensor(pictures))
    return np.clip(ops.convert_to_numpy(painted), -0.1, 1.1)


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
        student: VGGNetwork,
        rng: np.random.Generator,
    ) -> None:
        self._styles, self._next_painting, self._rng = styles, next_painting, rng
        self._arch = styles[0].architecture
        self._age, self._painting = self.LIFE, np.zeros(())

        def losses(weights: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
            arrays = {key[len("net/") :]: value for key, value in batch.items() if key.startswith("net/")}
            # Deep layers teach as the others do: a pupil must find what pleases them, too.
            net = replace(student, arrays=arrays, style_layers=(*student.style_layers, *student.deep_layers))
            targets = loss.style_targets(net, batch["painting"], 1)
            painted = forward(self._arch, weights, batch["x"])
            content, style = loss.perceptual_losses(net, painted, loss.content_features(net, batch["x"]), targets)
            outside = ops.mean(ops.square(painted - ops.clip(painted, 0.0, 1.0)))
            total = content + 30.0 * style + total_variation(painted) + 10.0 * outside
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
        return paint(replace(self._styles[0], weights=self._objective.arrays()), photos), report["style"]
