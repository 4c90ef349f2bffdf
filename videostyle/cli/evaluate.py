"""``videostyle evaluate``: measures flicker, style and content of a painted video."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videostyle.cli.messages import message
from videostyle.errors import InputError, UsageError

if TYPE_CHECKING:
    from videostyle.cli.progress import Bars
    from videostyle.metrics.evaluate import Evaluation
    from videostyle.metrics.paint import PaintJudge
    from videostyle.metrics.perceptual import PerceptualJudge
    from videostyle.metrics.true_flow import TrueFlow
    from videostyle.network.loss_network import LossNetwork


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument(
        "original", metavar="ORIGINAL", help="the video before it was painted, or a folder of its frames"
    )
    parser.add_argument("painted", metavar="PAINTED", help="the same video painted, or a folder of its frames")
    parser.add_argument(
        "--style",
        metavar="PAINTING|STYLE",
        help="the picture of a painting, or a style: measures how far the frames are from it, too",
    )
    parser.add_argument(
        "--baseline", metavar="VIDEO", help="the video as another program painted it: adds a column to compare with"
    )
    parser.add_argument(
        "--flow",
        metavar="DIR",
        help="a folder of .flo files: the true motion from each frame to the next (default: it is estimated)",
    )
    parser.add_argument(
        "--occlusions",
        metavar="DIR",
        help="with --flow: a folder of pictures, white where what a frame shows is hidden in the next one",
    )
    parser.add_argument(
        "--loss-network",
        default="embedded",
        metavar="NAME|FILE",
        help="the network that compares pictures: embedded (ships with videostyle), vgg16, vgg19, another "
        "classifier of keras.applications such as InceptionV3, or a file of weights (default: embedded)",
    )
    parser.add_argument(
        "--max-size",
        type=int,
        default=640,
        metavar="PIXELS",
        help="longest side at which frames are compared (default: 640)",
    )
    parser.add_argument("--max-frames", type=int, metavar="N", help="compare only the first N frames (default: all)")
    parser.add_argument(
        "--samples",
        type=int,
        default=12,
        metavar="N",
        help="about how many frames the slow figures are measured on (default: 12)",
    )
    parser.add_argument(
        "--report",
        metavar="FILE.html",
        help="a page to write: plots, the worst pairs of frames, frames before and after",
    )
    parser.add_argument("-y", "--overwrite", action="store_true", help="replace an existing report")


def _judges(spec: str | None, net: LossNetwork) -> tuple[PerceptualJudge | None, PaintJudge | None, str]:
    """The judges for style and for paint, and a line for the report that names what frames are compared with."""
    if spec is None:
        return None, None, ""
    from videostyle.media.readers.pictures import read_picture
    from videostyle.metrics.paint import PaintJudge
    from videostyle.metrics.perceptual import PerceptualJudge
    from videostyle.styles.resolve import is_picture, resolve
    from videostyle.training.content import read_content
    from videostyle.training.session import sample_content

    if is_picture(spec):
        painting = read_picture(spec)
        judges = PerceptualJudge.of(net, painting), PaintJudge.of(net, [painting])
        return *judges, f"G_s: of '{Path(spec).name}', short side 384"
    from videostyle.api import Stylizer

    stylizer = Stylizer(resolve(spec))
    painted = [stylizer(picture[None])[0] for picture in read_content([sample_content()])[0][:6]]
    judges = PerceptualJudge.of_painted(net, painted), PaintJudge.of(net, painted)
    return *judges, f"G_s: mean of what the style '{spec}' paints on the sample pictures"


def _true_flow(flow: str | None, occlusions: str | None) -> TrueFlow | None:
    from videostyle.media.readers.images import sequence_files
    from videostyle.media.readers.pictures import read_picture
    from videostyle.metrics.true_flow import TrueFlow
    from videostyle.motion.flow import read_flo

    if flow is None:
        if occlusions:
            raise UsageError(
                "--occlusions has no effect without --flow", hint="give the folder of .flo files with --flow"
            )
        return None
    files = sorted(Path(flow).glob("*.flo"))
    if not files:
        raise InputError(
            f"no .flo file in '{flow}'", hint="give a folder of .flo files, one for each frame but the last"
        )
    masks = sequence_files(Path(occlusions)) if occlusions else None
    if occlusions and not masks:
        raise InputError(f"'{occlusions}' is not a folder of pictures", hint="give one picture for each .flo file")

    def occluded(number: int) -> Any:
        if masks is None or number >= len(masks):
            return None
        return read_picture(masks[number]).mean(axis=2) > 127

    return TrueFlow(lambda number: read_flo(files[number]) if number < len(files) else None, occluded)


def _frames(path: str, limit: int | None, size: tuple[int, int] | None, max_size: int) -> Iterator[tuple[Any, float]]:
    """Frames and times of a video, at ``size`` (height, width) if given."""
    from videostyle.media.opencv import load_cv2
    from videostyle.media.readers.base import ReadOptions
    from videostyle.media.readers.open import open_reader

    cv2 = load_cv2()
    count = 0
    with open_reader(path, ReadOptions(batch_size=4, max_size=max_size)) as source:
        for batch in source:
            for frame, time in zip(batch.frames, batch.pts, strict=True):
                if limit is not None and count >= limit:
                    return
                if size is not None and frame.shape[:2] != size:
                    frame = cv2.resize(frame, (size[1], size[0]), interpolation=cv2.INTER_AREA)
                yield frame, float(time)
                count += 1


def run(options: argparse.Namespace) -> int:
    """Measures and prints a table; writes the report."""
    from videostyle.cli.progress import Bars
    from videostyle.inference.startup import backend_title, load_backend
    from videostyle.media.atomic import PendingOutput
    from videostyle.media.readers.base import ReadOptions
    from videostyle.media.readers.open import open_reader
    from videostyle.styles.resolve import check_style

    if options.samples < 1 or (options.max_frames is not None and options.max_frames < 1):
        raise UsageError("--samples and --max-frames cannot be 0", hint="give at least 1")
    if options.style is not None:
        check_style(options.style)
    report = PendingOutput(Path(options.report), overwrite=options.overwrite) if options.report else None
    try:
        names = {"unpainted": options.original, "painted": options.painted}
        if options.baseline:
            names["baseline"] = options.baseline
        infos = {}
        for name, path in names.items():
            with open_reader(path, ReadOptions(max_size=options.max_size)) as source:
                infos[name] = source.info
        with Bars(options.quiet) as bars:
            bars.note(f"loading {backend_title()}")
            load_backend()
            evaluation = _measure(options, names, infos, bars)
            if report is not None:
                from videostyle.metrics.report import html_report

                bars.note("writing the report", logged=False)
                title = f"{Path(options.painted).name} beside {Path(options.original).name}"
                report.temporary.write_text(html_report(evaluation, title), encoding="utf-8")
                report.commit()
    except BaseException:
        if report is not None:
            report.abort()
        raise
    for warning in evaluation.warnings if not options.quiet else ():
        print(f"warning: {message(warning)}", file=sys.stderr)
    _print(evaluation, options)
    return 0


def _measure(options: argparse.Namespace, names: dict[str, str], infos: dict[str, Any], bars: Bars) -> Evaluation:
    from videostyle.metrics.evaluate import Evaluator, side_by_side
    from videostyle.motion.dis import flow_and_mask
    from videostyle.network import loss_network

    bars.note("getting ready to compare", logged=False)
    net = loss_network.load(options.loss_network)
    judge, paint, target = _judges(options.style, net)
    original, painted = infos["unpainted"], infos["painted"]
    size = (painted.height, painted.width)
    total = min((n for n in (original.frame_count, painted.frame_count, options.max_frames) if n), default=None)
    fps = float(original.fps or 25)
    evaluator = Evaluator(
        flow_and_mask,
        net,
        judge,
        paint,
        _true_flow(options.flow, options.occlusions),
        sample_every=max(1, (total or 250) // options.samples),
        fps=fps,
    )
    warnings: list[str] = []
    if paint is not None and not net.deep_layers:
        warnings.append(f"large strokes are not compared: the loss network {net.name} has no deep layers")
    ratio = (original.width * painted.height) / (original.height * painted.width)
    if not 0.98 < ratio < 1.02:
        warnings.append("the videos have different aspect ratios: the others are stretched to that of the painted one")
    videos = {name: _frames(path, options.max_frames, size, options.max_size) for name, path in names.items()}
    for frames, time in side_by_side(videos, warnings):
        evaluator.add(frames, time)
        bars("evaluate", 1, total)
    notes = {
        "flow": "flow: DIS (medium) on the original, both ways",
        "net": f"{net.name} ({', '.join(net.style_layers)})",
        "deep": f"{net.name} ({', '.join(net.deep_layers)})",
        "layer": net.content_layer,
        "target": target,
    }
    return evaluator.result(notes, warnings)


def _print(evaluation: Evaluation, options: argparse.Namespace) -> None:
    from videostyle.metrics.definitions import DEFINITIONS
    from videostyle.metrics.report import VIDEOS, number
    from videostyle.metrics.verdict import verdict

    if options.json:
        figures = {
            figure: {
                **values,
                "label": DEFINITIONS[figure].label,
                "definition": evaluation.definition(figure),
                "unit": DEFINITIONS[figure].unit,
                "better": DEFINITIONS[figure].better,
            }
            for figure, values in evaluation.values.items()
        }
        data = {"frames": evaluation.frames, "size": evaluation.size, "figures": figures}
        summary = {"verdict": verdict(evaluation.values), "warnings": evaluation.warnings, "report": options.report}
        print(json.dumps({**data, **summary}))
        return
    shown = [name for name in VIDEOS if any(name in values for values in evaluation.values.values())]
    width, height = evaluation.size
    print(f"{evaluation.frames} frames at {width}x{height}")
    print(f"{'':34}" + "".join(f"{name:>12}" for name in shown))
    for figure, values in evaluation.values.items():
        cells = "".join(f"{number(values.get(name)):>12}" for name in shown)
        definition = DEFINITIONS[figure]
        print(f"{definition.label:34}{cells}   {definition.unit}, {definition.better} is better")
        print(f"    {evaluation.definition(figure)}")
    for line in verdict(evaluation.values):
        print(f"- {line}")
    if options.report:
        print(options.report)
