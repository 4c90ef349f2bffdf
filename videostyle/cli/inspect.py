"""``videostyle inspect``: shows the content of a file, and whether videostyle painted it."""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle.cli.messages import message
from videostyle.errors import VideostyleError

if TYPE_CHECKING:
    from videostyle.frames import VideoInfo
    from videostyle.media.probe import MediaInfo


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="videos and pictures")


def run(options: argparse.Namespace) -> int:
    """Prints what is in each file; goes on past one that cannot be read, and returns the exit code of the first."""
    from videostyle.cli.progress import Bars
    from videostyle.media.readers.open import expanded

    code, rows = 0, []
    files = expanded(options.files)
    for number, name in enumerate(files):
        try:
            with Bars(options.quiet) as bars:
                bars.note(f"reading {Path(name).name}", logged=False)  # a film takes seconds
                data, lines = _looked_at(name)
        except VideostyleError as error:
            if len(files) == 1:
                raise
            code = code or error.exit_code
            print(f"videostyle: {message(error)}", file=sys.stderr)
            rows.append({"file": name, "error": message(error), "exit_code": error.exit_code})
            continue
        rows.append({"file": name, **data})
        if not options.json:
            print(*([""] if number else []), *lines, sep="\n")
    if options.json:
        print(json.dumps(rows[0] if len(files) == 1 else {"files": rows}, default=str))
    return code


def _looked_at(name: str) -> tuple[dict[str, object], list[str]]:
    """What is in a file, for programs and for people."""
    from videostyle.media.inputs import vet_input
    from videostyle.media.probe import probe
    from videostyle.media.provenance import SOURCE_TYPE, read, read_xmp
    from videostyle.media.readers.open import is_still

    path = vet_input(Path(name))
    media = probe(path)
    painted = read(path, media.metadata)
    trained = SOURCE_TYPE.encode() in read_xmp(path)
    video, still = media.video, is_still(path)
    rate_kind = "" if still else _rate_kind(path, media)
    data: dict[str, object] = {
        "format": media.format,
        "duration": None if still else media.duration,
        "start": None if still else media.start,
        "size": media.size,
        "metadata": media.metadata,
        "still": still,
    }
    data["video"] = None if video is None else {**asdict(video), "rate": rate_kind}
    data["streams"] = [asdict(s) for s in media.others]
    data["chapters"] = len(media.chapters)
    data["painted"] = asdict(painted) if painted else None
    data["digital_source_type"] = SOURCE_TYPE if trained else None
    if still and video is not None:
        lines = [f"{path.name}: picture, {video.codec}, {video.width}x{video.height}, {media.size / 1e6:.2f} MB"]
    else:
        times = f"{media.duration or 0:.3f} s from {media.start:.3f} s"
        lines = [f"{path.name}: {media.format}, {times}, {media.size / 1e6:.2f} MB"]
        lines += [_video_line(video, rate_kind)] if video is not None else ["video: none"]
    if video is not None:
        lines.append(_colour_line(video))
    for stream in media.others:
        language = stream.metadata.get("language", "")
        lines.append(f"{stream.kind}: {stream.codec} {stream.detail} {language if language != 'und' else ''}".rstrip())
    if media.chapters:
        lines.append(f"chapters: {len(media.chapters)}")
    if painted is None:
        return data, [*lines, "nothing in this file says that videostyle painted it"]
    by = f" ({painted.painting}{', ' + painted.artist if painted.artist else ''})" if painted.painting else ""
    lines.append(f"painted by videostyle {painted.version}: style {painted.style}{by}, strength {painted.strength:g}")
    if trained:
        lines.append(f"digital source type: {SOURCE_TYPE}")
    return data, lines


def _rate_kind(path: Path, media: MediaInfo) -> str:
    """Whether frames are shown at a constant rate; "" where there are none."""
    from videostyle.media.packets import packet_times

    if media.video is None or media.video_index is None:
        return ""
    times = packet_times(path, media.video_index)
    steps = {round(b - a, 4) for a, b in itertools.pairwise(times)}
    spread = max(steps, default=0) - min(steps, default=0)
    return "variable" if spread > 0.0021 else "constant"  # a millisecond clock rounds either way


def _video_line(video: VideoInfo, rate_kind: str) -> str:
    shape = "" if video.sample_aspect == 1 else f", pixels {video.sample_aspect} wide"
    turned = f", turned by {video.rotation} degrees" if video.rotation else ""
    rate = f"{float(video.fps):.3f} frames/s ({rate_kind})" if video.fps else "rate unknown"
    frames = f", about {video.frame_count} frames" if video.frame_count else ""
    size = f"{video.width}x{video.height}{shape}{turned}"
    return f"video: {video.codec}, {size}, {rate}{frames}, clock 1/{video.time_base.denominator} s"


def _colour_line(video: VideoInfo) -> str:
    color = video.color
    names = [
        color.matrix or ("" if video.pixel_format.startswith(("rgb", "gbr", "bgr", "pal")) else "matrix unknown"),
        color.primaries or "primaries unknown",
        color.transfer or "transfer unknown",
        {True: "full range", False: "limited range", None: "range unknown"}[color.full_range],
    ]
    names += [
        n for n, on in (("HDR", color.is_hdr), ("interlaced", video.interlaced), ("alpha", video.has_alpha)) if on
    ]
    pixels = video.pixel_format or "pixel format unknown"
    return f"colour: {pixels}, {video.bit_depth} bits, {', '.join(filter(None, names))}"
