"""``videostyle preview``: paints a frame of a clip in all styles, or at five strengths, as one contact sheet."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from videostyle.cli.options import add_backend_option, add_processor_option, add_region_options
from videostyle.errors import SettingError


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("input", metavar="INPUT", help="a video, a picture, or numbered pictures, as in render")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE.png",
        help="the sheet to write (default: INPUT_preview.png beside the input)",
    )
    parser.add_argument(
        "--style",
        action="append",
        default=[],
        help="paint in this style, at five strengths; may be given several times (default: all styles, fully)",
    )
    parser.add_argument(
        "--at",
        action="append",
        default=[],
        metavar="TIME",
        help="paint the frame at this time, as 12.5, 0:01:30 or 120f; may be given several times (default: one frame, "
        "a third of the way through the clip)",
    )
    add_processor_option(parser, default=[])
    add_region_options(parser, default=[], shown=None)
    add_backend_option(parser)
    parser.add_argument("-y", "--overwrite", action="store_true", help="replace a sheet that exists already")


def run(options: argparse.Namespace) -> int:
    """Writes the sheet, and prints its name."""
    from videostyle.cli.progress import Bars
    from videostyle.media.atomic import vet_output
    from videostyle.media.timecode import parse_time
    from videostyle.media.writers.images import write_png
    from videostyle.metrics.sheet import contact_sheet, small
    from videostyle.processors.arrangement import arranged
    from videostyle.processors.regions.kinds import regions_from
    from videostyle.processors.registry import chain_from
    from videostyle.rendering.layers import check_regions
    from videostyle.rendering.preview import STRENGTHS, frames_of, looks_of, neighbours_of, paint_looks
    from videostyle.rendering.settings import RenderSettings
    from videostyle.styles.resolve import check_style

    source = Path(options.input)
    output = options.output or source.with_name(f"{source.stem.split('%')[0]}_preview.png")
    if output.suffix.lower() != ".png":
        raise SettingError("output", f"'{output}' is not a PNG file", "give a name that ends in .png")
    processors = chain_from(options.processors)
    arranged(processors)
    regions = regions_from(options.regions)
    check_regions(RenderSettings("", regions=regions, show_region=options.show_region))
    times = [parse_time(time) for time in options.at]
    for style in options.style:
        check_style(style)
    vet_output(output, overwrite=options.overwrite)
    frames = frames_of(options.input, times, neighbours_of(processors, regions))
    looks = looks_of(options.style)
    with Bars(options.quiet) as bars:
        from videostyle.inference.canvas_sampling import draw_ahead
        from videostyle.inference.startup import backend_title, load_backend

        bars.note(f"loading {backend_title()}")
        draw_ahead(0)
        load_backend()  # one picture at a time: each operation uses all cores

        def on_progress(done: int, total: int) -> None:
            bars("styles", done, total)

        painted = paint_looks(frames, looks, processors, regions, options.show_region, on_progress)
        cells = [(name, small(picture)) for name, picture in painted]
    columns = len(STRENGTHS) + 1 if options.style else 4
    write_png(output, contact_sheet(cells, columns))
    print(json.dumps({"output": str(output), "pictures": [name for name, _ in cells]}) if options.json else output)
    return 0
