"""``videostyle train``."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path

from videostyle.errors import Interrupted, UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("painting", metavar="PAINTING", help="a picture of the painting")
    parser.add_argument(
        "-o",
        "--output",
        metavar="STYLE",
        help="name of the new style, or a .safetensors file (default: the picture's name)",
    )
    parser.add_argument(
        "--content",
        action="append",
        default=[],
        metavar="DIR|FILE",
        help="photos, folders and clips to train on (default: pictures that ship with videostyle)",
    )
    parser.add_argument(
        "--start", default="nearest", help="'nearest' of the gallery, 'base', a style or a mix (default: nearest)"
    )
    parser.add_argument("--loss-network", default="embedded", help="embedded, vgg16, vgg19 or a file of weights")
    parser.add_argument(
        "--network",
        choices=("small", "medium", "large"),
        default="medium",
        help="size of network: a small one paints 1.4 times as fast, a large one has a fifth more weights; "
        "medium and large ones may be mixed with each other (default: medium)",
    )
    length = parser.add_argument_group("how long")
    length.add_argument("--steps", type=int, default=1400, help="optimisation steps (default: 1400)")
    length.add_argument("--minutes", type=float, help="stop after so many minutes even if steps are left")
    length.add_argument("--patience", type=int, help="stop when nothing has improved for so many steps")
    look = parser.add_argument_group("look")
    look.add_argument("--stroke", type=float, default=1.0, help="size of the strokes, 0.25..4 (default: 1)")
    look.add_argument("--content-weight", type=float, help="how much of the scene is kept")
    look.add_argument("--style-weight", type=float, help="how strongly it is painted")
    look.add_argument("--temporal-weight", type=float, help="how still the paint stands")
    look.add_argument(
        "--detail", type=float, default=0.0, help="how much of the scene's small texture is kept, 0..2 (default: 0)"
    )
    details = parser.add_argument_group("details")
    details.add_argument(
        "--size", type=int, default=256, help="side of the training windows, a multiple of 64 (default: 256)"
    )
    details.add_argument("--batch", type=int, default=1, help="pairs of frames in a step (default: 1)")
    details.add_argument("--seed", type=int, default=0)
    details.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="of the loss network (default: what is fastest here)",
    )
    details.add_argument(
        "--preview", type=Path, help="write a strip (scene | painting | now) to this PNG as training goes"
    )
    details.add_argument("--tensorboard", type=Path, metavar="DIR", help="write scalars for TensorBoard")
    details.add_argument("--checkpoint", type=Path, help="keep the state in this file, and go on from it")
    details.add_argument("-y", "--overwrite", action="store_true", help="replace an existing style")
    for key in ("title", "artist", "year", "licence"):
        details.add_argument(f"--{key}", default="", help=f"{key} of the painting, for the style's card")


def run(options: argparse.Namespace) -> int:
    """Trains and keeps the style."""
    from videostyle.cli.progress import Bars, stoppable
    from videostyle.media.atomic import check_writable
    from videostyle.media.inputs import vet_input
    from videostyle.media.readers.images import read_picture
    from videostyle.training.content import read_content

    painting = vet_input(options.painting, "picture")
    canvas = read_picture(painting)  # a broken painting is found before anything slow
    if options.size % 64 or not 64 <= options.size <= 1024 or options.batch < 1:
        raise UsageError("--size must be a multiple of 64 from 64 to 1024, --batch at least 1")
    from videostyle.inference.startup import load_tensorflow

    load_tensorflow()
    from videostyle.styles import gallery

    name = Path(options.output).stem if options.output else _name(painting.stem)
    if not gallery.NAME.fullmatch(name):
        raise UsageError(f"'{name}' cannot be a style's name", hint="use letters, digits, - and _")
    explicit = bool(options.output) and ("/" in options.output or options.output.endswith(gallery.SUFFIX))
    target = Path(options.output) if explicit else gallery.user_styles() / f"{name}{gallery.SUFFIX}"
    if target.suffix != gallery.SUFFIX:
        target = target.with_name(target.name + gallery.SUFFIX)
    if target.exists() and not options.overwrite:
        raise UsageError(f"the style '{target}' exists already", hint="use --overwrite, or another name with -o")

    for path in filter(None, (target, options.checkpoint, options.preview)):
        check_writable(path)
    if options.preview and options.preview.suffix.lower() != ".png":
        raise UsageError(f"the preview '{options.preview}' is not a .png")
    from videostyle.training.session import TrainRequest, sample_content, train

    pictures, neighbours = read_content(options.content or [sample_content()])
    from videostyle.styles.style_file import StyleCard, save_style
    from videostyle.training.trainer import LossWeights, Progress, Settings

    chosen = {"content": options.content_weight, "style": options.style_weight, "temporal": options.temporal_weight}
    weights = LossWeights(**{k: v for k, v in chosen.items() if v is not None}, detail=options.detail)
    settings = Settings(
        steps=options.steps,
        minutes=options.minutes,
        stroke=options.stroke,
        seed=options.seed,
        patience=options.patience,
        weights=weights,
    )
    request = TrainRequest(
        settings,
        options.loss_network,
        options.start,
        options.network,
        options.size,
        options.batch,
        options.precision,
        options.checkpoint,
    )
    card = StyleCard(
        name=name,
        painting=options.title or painting.stem,
        artist=options.artist,
        year=options.year,
        licence=options.licence or "unknown",
        command=_command(options),
    )
    bars = Bars(options.quiet)
    board = _board(options.tensorboard)
    with stoppable() as cancel:

        def observe(progress: Progress) -> None:
            bars("train", 1, progress.expected)
            if board is not None:
                board(progress.step, progress.losses)
            if options.preview and progress.step % 50 == 0:
                _write_preview(options.preview, pictures[0], canvas, progress.style())
            if cancel.is_set():
                hint = f"run the same command again to go on from {options.checkpoint}" if options.checkpoint else ""
                raise Interrupted("training was stopped", hint=hint)

        try:
            style = train(painting, pictures, neighbours, request, card, observe)
            if options.preview:
                _write_preview(options.preview, pictures[0], canvas, style)
        finally:
            bars.close()
    save_style(style, target)
    if options.json:
        print(json.dumps({"style": str(target), "name": name, "figures": style.card.figures}))
    else:
        print(target)
    return 0


def _name(stem: str) -> str:
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in stem).strip("-")[:64] or "style"


def _command(options: argparse.Namespace) -> str:
    """The command as the card tells it: what was chosen, and of files their names only."""
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


def _board(folder: Path | None):  # type: ignore[no-untyped-def]
    """A function that writes scalars for TensorBoard, None if none are wanted."""
    if folder is None:
        return None
    import tensorflow as tf

    writer = tf.summary.create_file_writer(str(folder))

    def write(step: int, losses: dict[str, float]) -> None:
        with writer.as_default():
            for key, value in losses.items():
                tf.summary.scalar(key, value, step)

    return write


def _write_preview(path: Path, scene, canvas, style) -> None:  # type: ignore[no-untyped-def]
    """Writes scene, painting and painted scene side by side."""
    import numpy as np

    from videostyle.api import Stylizer
    from videostyle.media.opencv import load_cv2
    from videostyle.media.writers.images import write_png

    cv2 = load_cv2()
    painted = Stylizer(style)(scene[None])[0]
    height = scene.shape[0]
    beside = cv2.resize(
        canvas, (round(canvas.shape[1] * height / canvas.shape[0]), height), interpolation=cv2.INTER_AREA
    )
    strip = np.concatenate([scene, beside, painted], axis=1)
    write_png(path, strip)
