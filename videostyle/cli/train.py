"""``videostyle train``: makes a style from a painting, and saves it."""

from __future__ import annotations

import argparse
import json
import shlex
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle.errors import SettingError, UsageError, VideostyleError, raise_all

if TYPE_CHECKING:
    from videostyle.styles.card import StyleCard
    from videostyle.training.session import TrainRequest


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("painting", metavar="PAINTING", help="a picture of the painting")
    parser.add_argument(
        "-o",
        "--output",
        metavar="STYLE",
        help="name of the new style, which --style takes then, or a .safetensors file (default: the picture's name)",
    )
    parser.add_argument(
        "--content",
        action="append",
        default=[],
        metavar="PATH",
        help="a photo, a folder of photos or a clip to train on, best of the kind that will be painted; may be given "
        "several times (default: pictures that ship with videostyle)",
    )
    parser.add_argument(
        "--start-from",
        "--start",
        dest="start",
        default="nearest",
        metavar="STYLE",
        help="the style to start from: nearest (the bundled style that is most like the painting), "
        "base (paints nothing yet), a style, or a mix (default: nearest)",
    )
    parser.add_argument(
        "--loss-network",
        default="embedded",
        metavar="NAME|FILE",
        help="the network that compares pictures with the painting: embedded (ships with videostyle, the fastest), "
        "vgg16, vgg19, another classifier of keras.applications such as InceptionV3, or a file of weights "
        "(default: embedded)",
    )
    parser.add_argument(
        "--network",
        choices=("small", "medium", "large"),
        default="medium",
        help="size of the style network: small paints 1.4 times as fast as medium, large has a fifth more weights; "
        "medium and large ones may be mixed with each other (default: medium)",
    )
    length = parser.add_argument_group("how long")
    length.add_argument("--steps", type=int, default=1400, metavar="N", help="steps of training (default: 1400)")
    length.add_argument(
        "--minutes",
        type=float,
        metavar="N",
        help="be done after about this time, getting ready included, with fewer steps (default: no limit)",
    )
    length.add_argument(
        "--patience",
        type=int,
        metavar="N",
        help="stop when the loss has not fallen for this many steps (default: never)",
    )
    length.add_argument(
        "--learning-rate",
        type=float,
        metavar="RATE",
        help="how far one step goes; lower it if a training diverges (default: 0.003)",
    )
    look = parser.add_argument_group("look")
    look.add_argument(
        "--stroke",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="size of the strokes, 0.25 to 4 times the ordinary one (default: 1)",
    )
    look.add_argument(
        "--content-weight",
        type=float,
        metavar="WEIGHT",
        help="more keeps the scene more readable and paints it less (default: 8)",
    )
    look.add_argument(
        "--style-weight",
        type=float,
        metavar="WEIGHT",
        help="more makes strokes and colours stronger; small things drown in them (default: 40)",
    )
    look.add_argument(
        "--temporal-weight",
        type=float,
        metavar="WEIGHT",
        help="more makes the paint flicker less and its texture softer (default: 3000)",
    )
    details = parser.add_argument_group("details")
    details.add_argument(
        "--size",
        type=int,
        default=256,
        metavar="PIXELS",
        help="side of the squares that are cut out of the pictures to train on, a multiple of 64 (default: 256)",
    )
    details.add_argument(
        "--batch-size",
        "--batch",
        dest="batch",
        type=int,
        default=1,
        metavar="N",
        help="pairs of frames in one step: more is slower and steadier (default: 1)",
    )
    details.add_argument(
        "--seed", type=int, default=0, metavar="N", help="another number gives another training (default: 0)"
    )
    details.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="number format of the loss network's arithmetic (default: auto, the fastest on the device)",
    )
    details.add_argument(
        "--preview",
        type=Path,
        metavar="FILE.png",
        help="a picture to write every 50 steps: a scene, the painting, the painted scene",
    )
    details.add_argument(
        "--tensorboard", type=Path, metavar="DIR", help="a folder to write the losses into, for TensorBoard"
    )
    details.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="keep the state of the training in this file; the same command resumes from it",
    )
    details.add_argument("-y", "--overwrite", action="store_true", help="replace a style that exists already")
    for key in ("title", "artist", "year", "licence"):
        details.add_argument(f"--{key}", default="", help=f"{key} of the painting, kept in the style's card")


def run(options: argparse.Namespace) -> int:
    """Trains and saves the style."""
    began = time.monotonic()
    from videostyle.cli.interrupt import stoppable
    from videostyle.cli.progress import Bars
    from videostyle.media.inputs import vet_input
    from videostyle.media.readers.pictures import read_picture
    from videostyle.training.content import read_content

    painting = vet_input(options.painting, "picture")
    picture = read_picture(painting)  # a broken painting is found before anything slow
    _check(options)
    name, target = _target(options, painting)
    from videostyle.inference.startup import backend_title, load_backend
    from videostyle.training.session import sample_content

    with Bars(options.quiet) as bars, stoppable() as cancel:
        if options.minutes is not None:
            bars.timed("train", 0, None, 60.0 * options.minutes)
        bars.note("reading what to train on")
        pictures, neighbours = read_content(options.content or [sample_content()])
        bars.note(f"loading {backend_title()}")
        load_backend()
        from videostyle.cli.training_view import TrainingView
        from videostyle.styles.style_file import save_style
        from videostyle.training.session import train

        request, card = _request(options, began), _card(options, name, painting)
        view = TrainingView(
            bars,
            pictures[0],
            picture,
            preview=options.preview,
            tensorboard=options.tensorboard,
            cancel=cancel,
            stopped=f"the same command resumes from '{options.checkpoint}'"
            if options.checkpoint
            else "with --checkpoint FILE the same command could resume it",
        )
        style = train(painting, pictures, neighbours, replace(request, on_stage=view.stage), card, view)
        bars.note("finishing")
        view.show(style)
        save_style(style, target)
    if options.json:
        print(json.dumps({"style": str(target), "name": name, "figures": style.card.figures}))
    else:
        print(target)
    return 0


# Options with a range: what can be used, and what to give.
RANGES: tuple[tuple[str, Callable[[float], bool], str], ...] = (
    ("steps", lambda value: value >= 1, "give at least 1"),
    ("minutes", lambda value: value > 0, "give a number above 0"),
    ("patience", lambda value: value >= 1, "give at least 1"),
    ("learning_rate", lambda value: value > 0, "give a number above 0, as 0.003"),
    ("stroke", lambda value: 0.25 <= value <= 4, "give 0.25 to 4"),
    ("content_weight", lambda value: value >= 0, "give 0 or more"),
    ("style_weight", lambda value: value >= 0, "give 0 or more"),
    ("temporal_weight", lambda value: value >= 0, "give 0 or more"),
    ("size", lambda value: value % 64 == 0 and 64 <= value <= 1024, "give a multiple of 64 from 64 to 1024"),
    ("batch", lambda value: value >= 1, "give at least 1"),
    ("seed", lambda value: value >= 0, "give at least 0"),
)
OPTIONS = {"batch": "batch_size"}  # where the option is called otherwise


def _check(options: argparse.Namespace) -> None:
    """Checks the values of options, before anything slow begins.

    Raises:
        VideostyleError: all values that cannot be used.
    """
    from videostyle.styles.resolve import check_style

    wrong: list[VideostyleError] = []
    for name, usable, hint in RANGES:
        value = getattr(options, name)
        if value is not None and not usable(value):
            wrong.append(SettingError(OPTIONS.get(name, name), f"cannot use {value:g}", hint))
    if options.preview and options.preview.suffix.lower() != ".png":
        wrong.append(SettingError("preview", f"'{options.preview}' is not a PNG file", "give a name that ends in .png"))
    if options.start not in ("nearest", "base"):
        try:
            check_style(options.start)
        except VideostyleError as error:
            wrong.append(error)
    raise_all(wrong)


def _target(options: argparse.Namespace, painting: Path) -> tuple[str, Path]:
    """Name and file of the new style.

    Raises:
        UsageError: if the name is not allowed or taken.
        OutputError: if style, checkpoint or preview could not be written.
    """
    from videostyle.media.atomic import check_writable
    from videostyle.styles import gallery
    from videostyle.styles.resolve import is_file

    explicit = bool(options.output) and is_file(options.output)
    name = Path(options.output).stem if explicit else options.output or _name(painting.stem)
    if explicit:
        target = Path(options.output)
        if target.suffix != gallery.SUFFIX:
            target = target.with_name(target.name + gallery.SUFFIX)
        if target.exists() and not options.overwrite:
            raise UsageError(f"the style '{target}' exists already", hint="use --overwrite, or another name with -o")
    else:
        target = gallery.place_for(name, overwrite=options.overwrite)
    for path in filter(None, (target, options.checkpoint, options.preview)):
        check_writable(path)
    return name, target


def _request(options: argparse.Namespace, began: float) -> TrainRequest:
    """The request for ``session.train``; options that were not given keep the defaults of the trainer.

    Args:
        options: of the command line.
        began: ``time.monotonic()`` of when the command began.
    """
    from videostyle.training.session import TrainRequest
    from videostyle.training.style_objective import LossWeights
    from videostyle.training.trainer import TrainingSettings

    chosen = {"content": options.content_weight, "style": options.style_weight, "temporal": options.temporal_weight}
    weights = LossWeights(**{k: v for k, v in chosen.items() if v is not None})
    settings = TrainingSettings(
        steps=options.steps,
        minutes=options.minutes,
        stroke=options.stroke,
        seed=options.seed,
        patience=options.patience,
        weights=weights,
    )
    if options.learning_rate is not None:
        settings = replace(settings, learning_rate=options.learning_rate)
    return TrainRequest(
        settings,
        options.loss_network,
        options.start,
        options.network,
        options.size,
        options.batch,
        options.precision,
        options.checkpoint,
        began,
    )


def _card(options: argparse.Namespace, name: str, painting: Path) -> StyleCard:
    from videostyle.styles.card import StyleCard

    return StyleCard(
        name=name,
        painting=options.title or painting.stem,
        artist=options.artist,
        year=options.year,
        licence=options.licence or "unknown",
        command=_command(options),
    )


def _name(stem: str) -> str:
    """A style's name made of a file's."""
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in stem).strip("-")[:64] or "style"


def _command(options: argparse.Namespace) -> str:
    """The command for the card of the style: options that are not the default, and names of files without folders."""
    parser = argparse.ArgumentParser()
    configure(parser)
    defaults = vars(parser.parse_args([options.painting]))
    words = ["videostyle", "train", Path(options.painting).name]
    for key, usual in defaults.items():
        value = getattr(options, key)
        if key in ("painting", "checkpoint", "preview", "tensorboard", "overwrite") or value == usual:
            continue
        for item in value if isinstance(value, list) else [value]:
            text = Path(item).name if key in ("output", "content", "loss_network", "start") else str(item)
            words += [f"--{key.replace('_', '-')}", text]
    return shlex.join(words)
