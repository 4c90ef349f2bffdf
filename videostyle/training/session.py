"""Trains a style on a painting file with everything it needs, and turns a STYLE argument into a style.

A STYLE argument that names a picture means the style trained on it.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle.errors import Interrupted, ModelError, OutputError, UsageError
from videostyle.frames import UInt8Array
from videostyle.media.readers.pictures import read_picture
from videostyle.media.scaling import shrunk
from videostyle.training.content import Neighbours, enlarged, read_content
from videostyle.version import __version__

if TYPE_CHECKING:
    from videostyle.styles.card import Style, StyleCard
    from videostyle.training.pairs import ClipPair
    from videostyle.training.trainer import Observer, TrainingSettings

log = logging.getLogger("videostyle")

QUICK_STEPS = 500
QUICK_MINUTES = 5.0
WINDOW = 256  # side of the training windows, pixels
PairProgress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class TrainRequest:
    """What ``train`` needs beside a painting and pictures.

    Attributes:
        settings: how to train; None = a quick training of ``QUICK_STEPS`` steps, ``QUICK_MINUTES`` at most.
        loss_network: "embedded", the name of a classifier of ``keras.applications``, or a file of weights.
        start: the style to start from, as in ``starts.choose_start``.
        network: size of the style network, one of ``NETWORKS``.
        window: side of the training windows, pixels, a multiple of 64.
        batch: number of pairs in a batch.
        precision: dtype of the loss network: "auto" (the fastest on the device), "float32" or "bfloat16".
        checkpoint: file to keep the state of the training in; None = it is not kept.
        began: ``time.monotonic()`` of when the user's wait began, which the minutes of ``settings`` hold as a whole;
            None = when ``train`` was called.
        on_stage: called with what is being prepared, before it is; may raise to stop.
    """

    settings: TrainingSettings | None = None
    loss_network: str = "embedded"
    start: str = "nearest"
    network: str = "medium"
    window: int = WINDOW
    batch: int = 1
    precision: str = "auto"
    checkpoint: Path | None = None
    began: float | None = field(default=None, compare=False)
    on_stage: Callable[[str], None] | None = field(default=None, compare=False)


def sample_content() -> Path:
    """The folder of pictures that ship with the package, to train on where the user gives none."""
    from videostyle.styles.gallery import ASSETS

    return ASSETS / "content"


def clip_pairs(neighbours: Sequence[Neighbours], smallest: int, preset: str = "fast") -> list[ClipPair]:
    """Neighbouring frames with their optical flow, for training.

    Args:
        neighbours: frames, each with the frame before it; a frame paired with itself (the first of a clip) is skipped.
        smallest: smallest short side, pixels. Smaller frames are enlarged, because small old clips have grain and
            compression blocks to learn from.
        preset: of the optical flow (``motion.dis``).
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
    """Trains a style on a painting file and on pictures in memory.

    Args:
        painting: a picture file.
        pictures: uint8 ``[H, W, 3]`` RGB (``content.read_content``).
        neighbours: frames of clips, each with the frame before it.
        request: how to train.
        card: description of the new style; what the training determines is filled in.
        observer: called after each step.

    Raises:
        InputError: if the painting cannot be read, or there is nothing to train on.
        ModelError: if the painting cannot be used, or the loss network is missing.
        UsageError: if there is no network of this size, or the style to start from does not fit into it.
    """
    from videostyle.inference.startup import load_backend

    began = time.monotonic() if request.began is None else request.began
    stage = request.on_stage or (lambda text: None)
    load_backend()
    from videostyle.inference.device import choose_device, choose_precision
    from videostyle.network import loss_network
    from videostyle.network.architecture import NETWORKS
    from videostyle.network.perceptual import PAINTING_SIDE
    from videostyle.styles import gallery
    from videostyle.training.pairs import PairSampler
    from videostyle.training.starts import choose_start
    from videostyle.training.style_objective import LossNetworks
    from videostyle.training.trainer import TrainingSettings, train_style

    if request.network not in NETWORKS:
        raise UsageError(f"no network of size '{request.network}'", hint=f"use one of {', '.join(NETWORKS)}")
    settings = request.settings or TrainingSettings(steps=QUICK_STEPS, minutes=QUICK_MINUTES)
    precision = choose_precision(request.precision, choose_device())
    # Losses reach thousands, which float16 cannot hold.
    settings = replace(settings, precision="float32" if precision == "float32" else "bfloat16")
    picture = read_picture(painting)
    # As large as the largest stroke needs, so that a huge photo of a painting does not fill the memory.
    picture = shrunk(picture, int(4 * PAINTING_SIDE * max(picture.shape[:2]) / min(picture.shape[:2])))
    stage("loading the loss network")
    nets = LossNetworks.of(loss_network.load(request.loss_network), loss_network.load())
    stage("measuring the motion in clips")
    clips = clip_pairs(neighbours, request.window)
    sampler = PairSampler(pictures, clips, size=request.window, batch=request.batch, seed=settings.seed)
    base = gallery.base(NETWORKS[request.network])
    start = choose_start(
        request.start, base, picture, settings.stroke, nets, sampler, lambda: stage("finding a style to start from")
    )
    digest = hashlib.sha256(painting.read_bytes()).hexdigest()
    card = replace(card, source_sha256=digest, version=__version__)
    stage("preparing the first step")
    return train_style(
        picture,
        sampler,
        start,
        nets,
        settings,
        card,
        base=base,
        checkpoint=request.checkpoint,
        observer=observer,
        began=began,
    )


def style_of_picture(painting: Path, progress: PairProgress | None) -> Style:
    """The style of a picture: loaded from the user's styles if one was trained on it before, or trained and kept.

    It is found by the picture's hash, whatever it is called, and kept under the picture's name. The training uses only
    the pictures that ship with the package, so the style depends on the painting alone and not on the clip that is
    painted first. A kept style that was trained from another base is trained again. The state of an interrupted
    training is kept, and the next call resumes from it.

    Args:
        painting: a picture file.
        progress: called with "train", 0 and None at the beginning, and after each step with "train", 1 and the number
            of steps expected.

    Raises:
        InputError: if the picture cannot be read.
        ModelError: if it cannot be used.
        Interrupted: if ``progress`` raised it.
    """
    from videostyle.styles import gallery
    from videostyle.styles.card import StyleCard
    from videostyle.styles.style_file import load_style, save_style

    began = time.monotonic()
    read_picture(painting)  # refuses a broken painting before anything slow begins
    entry, name = gallery.entry_of_picture(painting), ""
    if entry is not None:
        name = entry.name
        try:
            style = load_style(entry.path)
            if gallery.is_child(style):
                return style
            log.warning("the style kept for '%s' was trained from another base; it is trained again", painting)
        except ModelError as error:
            log.warning("the style kept for '%s' cannot be used and is trained again: %s", painting, error)
    name = name or gallery.name_for_picture(painting)
    pictures, _ = read_content([sample_content()])
    card = StyleCard(name=name, painting=painting.stem, licence="unknown", command=gallery.LEARNT)
    on_progress = (lambda p: progress("train", 1, p.expected)) if progress else None
    if progress is not None:
        progress("train", 0, None)  # measuring the painting and choosing a start come before the first step
    unfinished = _kept_state(painting)
    on_stage = (lambda text: progress("train", 0, None)) if progress else None
    request = TrainRequest(checkpoint=unfinished, began=began, on_stage=on_stage)
    try:
        style = train(painting, pictures, [], request, card, on_progress)
    except ModelError:
        if unfinished is None or not unfinished.is_file():
            raise
        unfinished.unlink()  # of an earlier version
        style = train(painting, pictures, [], request, card, on_progress)
    except Interrupted as error:
        if unfinished is not None and unfinished.is_file():
            error.hint = "the state of the training is kept; the same command resumes it"
        raise
    try:
        save_style(style, gallery.user_styles() / f"{name}{gallery.SUFFIX}")
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)
    except OutputError as error:  # the clip can be painted all the same
        log.warning("the trained style is not kept for later renders: %s", error)
    return style


def _kept_state(painting: Path) -> Path | None:
    """Where to keep what was learnt of a picture when it is interrupted; None where nothing can be written."""
    from videostyle.styles import gallery

    unfinished = gallery.unfinished_learning(painting)
    try:
        unfinished.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return unfinished


def resolve_or_train(spec: str, strength: float, progress: PairProgress | None) -> Style:
    """The style that a STYLE argument means, at a strength; a style is trained first where it names a picture.

    Raises:
        UsageError: if the argument is malformed, or the strength is outside 0..1.
        InputError: if it names a picture that cannot be read.
        ModelError: if there is no such style, or it cannot be used.
    """
    from videostyle.styles.resolve import is_picture, resolve, with_strength

    if is_picture(spec):
        return with_strength(style_of_picture(Path(spec), progress), strength)
    return resolve(spec, strength)
