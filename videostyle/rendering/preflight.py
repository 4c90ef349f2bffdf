"""Checks a render before anything slow begins: styles, names, codecs, existing files.

Nothing is made, nothing is decoded, and no backend is loaded.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

from videostyle.errors import OutputError, UsageError, VideostyleError
from videostyle.media.readers.base import FrameReader
from videostyle.media.timecode import nothing_between
from videostyle.media.writers.open import check_output
from videostyle.rendering.chain import check_processors, delivered_info
from videostyle.rendering.layers import check_regions
from videostyle.rendering.outputs import OutputRequest, target_of
from videostyle.rendering.timeline_plan import check_timeline
from videostyle.styles.resolve import check_style

log = logging.getLogger("videostyle")


def mistakes_of(requests: Sequence[OutputRequest], source: FrameReader) -> list[VideostyleError]:
    """What is wrong with outputs of an input; [] if nothing can be seen to be.

    Args:
        requests: the outputs, which read the input alike.
        source: opened, not read.
    """
    wrong: list[VideostyleError] = []
    for request in requests:
        for check in (
            lambda r=request: _check_part(r, source),
            lambda r=request: check_style(r.settings.style, r.settings.strength),
            lambda r=request: _check_target(r, source),
            lambda r=request: check_processors(r.settings),
            lambda r=request: check_timeline(r.settings),
            lambda r=request: check_regions(r.settings),
        ):
            try:
                check()
            except VideostyleError as error:
                wrong.append(error)
    return wrong


def tell_of_late_changes(requests: Sequence[OutputRequest], source: FrameReader) -> None:
    """Warns of key frames behind the end of a clip, which change nothing."""
    length = source.input.media.duration if source.input.media is not None else None
    frames = [frame for request in requests for frame in request.settings.timeline]
    for at in dict.fromkeys(frame.at for frame in frames if nothing_between(frame.at, None, length)):
        log.warning("%s: the change at %s comes behind the end, and changes nothing", source.path.name, at)


def _check_part(request: OutputRequest, source: FrameReader) -> None:
    length = source.input.media.duration if source.input.media is not None else None
    if nothing_between(request.settings.start, request.settings.end, length):
        raise UsageError(
            f"no frame of '{source.path.name}' lies between `start` and `end`",
            f"it is {length:.2f} s long" if length is not None else "",
            "give an earlier start, or a later end",
        )


def _check_target(request: OutputRequest, source: FrameReader) -> None:
    target = target_of(request, source.path, source.info)
    info = delivered_info(source.info, request.settings)
    check_output(target, info, request.settings.encode, tuple(source.files))
    folder = target.parent
    if request.makes_folder or not target.suffix or "%" in target.name or os.path.exists(folder):
        return
    raise OutputError(
        f"cannot write '{target}'",
        f"the folder '{folder}' does not exist",
        f"make it, or name a folder with '{folder}/'",
    )
