"""``videostyle inspect``: shows the content of a file, and whether videostyle painted it."""

from __future__ import annotations

import argparse
import itertools
import json
from dataclasses import asdict
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("file", metavar="FILE", help="a video or a picture")


def run(options: argparse.Namespace) -> int:
    """Prints streams, timing, colour and provenance of a file."""
    from videostyle.media.inputs import vet_input
    from videostyle.media.packets import packet_times
    from videostyle.media.probe import probe
    from videostyle.media.provenance import SOURCE_TYPE, read, read_xmp

    path = vet_input(Path(options.file))
    media = probe(path)
    painted = read(path, media.metadata)
    trained = SOURCE_TYPE.encode() in read_xmp(path)
    video = media.video
    rate_kind = ""
    if video is not None and media.video_index is not None and not video.still:
        times = packet_times(path, media.video_index)
        steps = {round(b - a, 4) for a, b in itertools.pairwise(times)}
        spread = max(steps, default=0) - min(steps, default=0)
        rate_kind = "variable" if spread > 0.0021 else "constant"  # a millisecond clock rounds either way
    if options.json:
        data: dict[str, object] = {
            "format": media.format,
            "duration": media.duration,
            "start": media.start,
            "size": media.size,
            "metadata": media.metadata,
        }
        data["video"] = None if video is None else {**asdict(video), "rate": rate_kind}
        data["streams"] = [asdict(s) for s in media.others]
        data["chapters"] = len(media.chapters)
        data["painted"] = asdict(painted) if painted else None
        data["digital_source_type"] = SOURCE_TYPE if trained else None
        print(json.dumps(data, default=str))
        return 0
    print(
        f"{path.name}: {media.format}, {media.duration or 0:.3f} s from {media.start:.3f} s, {media.size / 1e6:.2f} MB"
    )
    if video is not None:
        shape = "" if video.sample_aspect == 1 else f", pixels {video.sample_aspect} wide"
        turned = f", turned by {video.rotation} degrees" if video.rotation else ""
        rate = f"{float(video.fps):.3f} frames/s ({rate_kind})" if video.fps else "rate unknown"
        print(
            f"video: {video.codec}, {video.width}x{video.height}{shape}{turned}, {rate}, "
            f"about {video.frame_count or '?'} frames, clock 1/{video.time_base.denominator} s"
        )
        color = video.color
        names = (
            color.matrix or "matrix unknown",
            color.primaries or "primaries unknown",
            color.transfer or "transfer unknown",
        )
        kind = {True: "full range", False: "limited range", None: "range unknown"}[color.full_range]
        notes = [
            n for n, on in (("HDR", color.is_hdr), ("interlaced", video.interlaced), ("alpha", video.has_alpha)) if on
        ]
        print(f"colour: {video.pixel_format}, {video.bit_depth} bits, {', '.join((*names, kind, *notes))}")
    else:
        print("video: none")
    for stream in media.others:
        language = stream.metadata.get("language", "")
        print(f"{stream.kind}: {stream.codec} {stream.detail} {language if language != 'und' else ''}".rstrip())
    if media.chapters:
        print(f"chapters: {len(media.chapters)}")
    if painted:
        by = f" ({painted.painting}{', ' + painted.artist if painted.artist else ''})" if painted.painting else ""
        print(f"painted by videostyle {painted.version}: style {painted.style}{by}, strength {painted.strength:g}")
        if trained:
            print(f"digital source type: {SOURCE_TYPE}")
    else:
        print("nothing in this file says that videostyle painted it")
    return 0
