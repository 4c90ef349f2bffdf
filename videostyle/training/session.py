"""From a STYLE argument to a style: a name, a file, a mix, or a picture that is trained on first."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle import __version__
from videostyle.errors import ModelError, OutputError, UsageError
from videostyle.frames import UInt8Array
from videostyle.media.readers.images import read_picture
from videostyle.training.content import Neighbours, enlarged, read_content, shrunk

if TYPE_CHECKING:
    from videostyle.styles.card import Style, StyleCard
    from videostyle.training.pairs import ClipPair
    from videostyle.training.trainer import Observer, TrainingSettings

log = logging.getLogger("videostyle")

QUICK_STEPS = 500
QUICK_MINUTES = 5.0
WINDOW = 256  # pixels; side of the windows that are trained on
PairProgress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class TrainRequest:
    """What ``train`` needs beside a painting.

    Attributes:
        settings: how to train; None = a quick training.
        loss_network: "embedded", a classifier of ``keras.applications`` by name, or a file.
        start: "nearest", "base", or a style's name or file, or a mix.
        network: size of the network, one of ``NETWORKS``.
        window: side of the training windows.
        batch: pairs in a batch.
        precision: of the loss network: "auto" is what is fastest on the device, or "float32", "bfloat16".
        checkpoint: where to keep the state; None = nowhere.
    """

    settings: TrainingSettings | None = None
    loss_network: str = "embedded"
    start: str = "nearest"
    network: str = "medium"
    window: int = WINDOW
    batch: int = 1
    precision: str = "auto"
    checkpoint: Path | None = None


def sample_content() -> Path:
    """The folder of pictures that ship with the package, for training without any of one's own."""
    from videostyle.styles.gallery import ASSETS

    return ASSETS / "content"


def clip_pairs(neighbours: Sequence[Neighbours], smallest: int, preset: str = "fast") -> list[ClipPair]:
    """Neighbouring frames with their optical flow, for training.

    Args:
        neighbours: frames, each with the one before it.
        smallest: least short side of a frame, pixels; smaller ones are enlarged, as old and small clips have grain
            and blocks to learn from.
        preset: of the flow.
    """
    from videostyle.motion.dis import flow_and_mask
    from videostyle.training.pairs import ClipPair

    moving = [
        (enlarged(current, smallest), enlarged(before, smallest))
        for current, before in neighbours
        if current is not before
    ]
    return [ClipPair(before, current, *flow_and_mask(current, before, preset)) for current, before in moving]


def train(
    painting: Path,
    pictures: Sequence[UInt8Array],
    neighbours: Sequence[Neighbours],
    request: TrainRequest,
    card: StyleCard,
    observer: Observer | None = None,
) -> Style:
    """Trains a style on a painting file and pictures already in memory.

    Raises:
        InputError: if the painting cannot be read, or there is nothing to train on.
        ModelError: if the painting cannot be used, or the loss network is missing.
        UsageError: if there is no network of such a size, or the style to start from does not fit into it.
    """
    from videostyle.inference.device import choose_device, choose_precision
    from videostyle.network import loss_network
    from videostyle.network.architecture import NETWORKS
    from videostyle.styles import gallery
    from videostyle.styles.interpolation import expand_depth
    from videostyle.styles.resolve import find_style, resolve
    from videostyle.training.pairs import PairSampler
    from videostyle.training.starts import nearest_start
    from videostyle.training.style_objective import PAINTING_SIDE, LossNetworks, targets_of
    from videostyle.training.trainer import TrainingSettings, train_style

    if request.network not in NETWORKS:
        raise UsageError(f"no network of size '{request.network}'", hint=f"use one of {', '.join(NETWORKS)}")
    settings = request.settings or TrainingSettings(steps=QUICK_STEPS, minutes=QUICK_MINUTES)
    precision = choose_precision(request.precision, choose_device())
    # Losses of thousands do not fit into float16.
    settings = replace(settings, precision="float32" if precision == "float32" else "bfloat16")
    picture = read_picture(painting)
    # Larger than any training looks at, and smaller than would cost memory.
    picture = shrunk(picture, int(4 * PAINTING_SIDE * max(picture.shape[:2]) / min(picture.shape[:2])))
    nets = LossNetworks.of(loss_network.load(request.loss_network), loss_network.load())
    clips = clip_pairs(neighbours, request.window)
    sampler = PairSampler(pictures, clips, size=request.window, batch=request.batch, seed=settings.seed)
    architecture = NETWORKS[request.network]
    base = start = gallery.base(architecture)
    if request.start == "nearest":
        batch = sampler.batch(0)
        candidates = []
        # Not the user's own: what is trained would depend on what was trained before.
        for entry in (entry for entry in gallery.entries() if entry.bundled):
            try:
                found = find_style(entry.name)
                candidate = expand_depth(found, architecture)
                candidates += [candidate] if candidate is not None and gallery.is_child(found) else []
            except ModelError as error:
                log.warning("%s", error)
        targets = targets_of(nets, picture, settings.stroke, scales=1)
        start = nearest_start(base, candidates, nets, targets, list(batch["current"]), batch["canvas"])
        log.info("training starts from %s", start.card.name)
    elif request.start != "base":
        found = resolve(request.start)
        chosen = expand_depth(found, architecture)
        if chosen is None:
            raise UsageError(
                f"cannot start from '{request.start}'",
                f"its network does not fit into the {request.network} one",
                hint="use --start-from nearest, or another --network",
            )
        if not gallery.is_child(found):
            raise UsageError(
                f"cannot start from '{request.start}'",
                "it is the child of another base",
                hint="use --start-from nearest or base",
            )
        start = chosen
    digest = hashlib.sha256(painting.read_bytes()).hexdigest()
    card = replace(card, source_sha256=digest, version=__version__)
    return train_style(
        picture, sampler, start, nets, settings, card, base=base, checkpoint=request.checkpoint, observer=observer
    )


def style_of_picture(painting: Path, progress: PairProgress | None) -> Style:
    """The style of a picture: found under the picture's hash, or trained and kept.

    It is trained on the pictures that ship with the package, so that it depends on the painting alone and not on the
    clip that is painted first. One that is kept but damaged, or the child of another base, is trained anew.

    Raises:
        InputError: if the picture cannot be read.
        ModelError: if it cannot be used.
    """
    from videostyle.styles import gallery
    from videostyle.styles.card import StyleCard
    from videostyle.styles.style_file import load_style, save_style

    read_picture(painting)  # a broken painting is refused before anything else
    kept = gallery.path_for_picture(painting)
    if kept.is_file():
        try:
            style = load_style(kept)
            if gallery.is_child(style):
                return style
            log.warning("the style kept for '%s' is of an earlier version; it is trained anew", painting)
        except ModelError as error:
            log.warning("the style kept for '%s' is trained anew: %s", painting, error)
    pictures, _ = read_content([sample_content()])
    name = "".join(c if c.isalnum() or c in "-_" else "-" for c in painting.stem)[:64] or "style"
    card = StyleCard(name=name, painting=painting.stem, licence="unknown", command="videostyle render --style PICTURE")
    on_progress = (lambda p: progress("train", 1, p.expected)) if progress else None
    style = train(painting, pictures, [], TrainRequest(), card, on_progress)
    try:
        save_style(style, kept)
    except OutputError as error:  # no reason to lose what was learnt: the clip can be painted
        log.warning("the style is not kept for the next time: %s", error)
    return style


def resolve_or_train(spec: str, strength: float, progress: PairProgress | None) -> Style:
    """The style that a STYLE argument means, at a strength; a picture is trained on first.

    Raises:
        UsageError: if it cannot be read, or the strength is outside 0..1.
        InputError: if it is a picture and cannot be read.
        ModelError: if there is no such style, or it cannot be used.
    """
    from videostyle.styles.resolve import is_picture, resolve, with_strength

    if is_picture(spec):
        return with_strength(style_of_picture(Path(spec), progress), strength)
    return resolve(spec, strength)
