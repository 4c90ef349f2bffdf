"""How outputs are named when the user gives no name."""

from __future__ import annotations

import os
import re
from pathlib import Path

from videostyle.errors import UsageError
from videostyle.frames import VideoInfo
from videostyle.media.ffmpeg.codecs import usual_suffix
from videostyle.media.readers.pictures import PICTURES
from videostyle.media.writers.images import PLACE
from videostyle.platforms import portable_name
from videostyle.processors.registry import STYLE
from videostyle.rendering.settings import RenderSettings

STYLE_FILES = (".safetensors", *PICTURES)  # suffixes of files that a STYLE argument may name
SHARE = re.compile(r"(.+):([0-9.]+)")  # a part of a mix
MARK = "_stylized_"  # between the names of clip and style
STILLS = (".png", ".jpg", ".jpeg", ".webp")  # suffixes of inputs that outputs keep; other stills become PNG


def style_label(spec: str) -> str:
    """A STYLE argument as it appears in file names: names of styles and files, with the shares of a mix."""
    labels = []
    for part in [spec] if os.path.isfile(spec) else spec.split(","):
        mixed = SHARE.fullmatch(part.strip())
        name, share = (mixed[1], mixed[2]) if mixed else (part.strip(), "")
        is_file = "/" in name or Path(name).suffix.lower() in STYLE_FILES
        labels.append((Path(name).stem if is_file else name) + share)
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in "-".join(labels))


def look_label(settings: RenderSettings) -> str:
    """What a file name says of settings that change the look, each only where it is not the usual one."""
    percent = lambda value: f"{100 * value:g}".replace(".", "-")  # noqa: E731
    parts = []
    if settings.strength != 1.0:
        parts.append(f"strength{percent(settings.strength)}")
    if settings.canvas is not None:
        parts.append(f"canvas{percent(settings.canvas)}")
    if settings.seed:
        parts.append(f"seed{settings.seed}")
    if settings.stroke_size is not None:
        parts.append(f"stroke{settings.stroke_size:g}".replace(".", "-"))
    if settings.preserve_color:
        parts.append("own-colors")
    if settings.compare is not None:
        parts.append(f"compare-{settings.compare}")
    parts += [choice.name for choice in settings.processors if choice.name != STYLE]
    if settings.timeline or settings.strength_from:
        parts.append("timeline")
    parts += [f"in-{choice.kind}" for choice in settings.regions]
    if settings.show_region is not None:
        parts.append(f"shown-as-{settings.show_region}")
    return "".join(f"_{part}" for part in parts)


def default_output(source: Path, settings: RenderSettings, info: VideoInfo, *, with_suffix: bool = False) -> Path:
    """Where the painting of a clip goes: beside it, as ``CLIP_stylized_STYLE_strength50.mp4``.

    The container follows the codec. A still keeps its suffix; a folder of pictures has none.

    Args:
        source: the clip.
        settings: style, strength, colours and codec count.
        info: of the clip.
        with_suffix: ``CLIP_MOV_stylized...``: the clip's suffix is part of the name.
    """
    stem = source.name.replace(".", "_") if with_suffix else source.stem
    # A pattern ends where its numbers begin: shot_%04d and shot_* are both named shot.
    stem = re.sub("[*?]", "-", PLACE.split(stem)[0]).rstrip("_-") or "frames"
    name = portable_name(f"{stem}{MARK}{style_label(settings.style)}{look_label(settings)}")
    if info.still:
        return source.with_name(name + (source.suffix if source.suffix.lower() in STILLS else ".png"))
    return source.with_name(name + usual_suffix(settings.codec))


class OutputNames:
    """Names for the outputs of one command, no two of them the same."""

    def __init__(self) -> None:
        self._taken: dict[str, Path] = {}

    def choose(self, clip: Path, settings: RenderSettings, info: VideoInfo, folder: Path | None = None) -> Path:
        """A name that no other output has: that of ``default_output``, with the clip's suffix where it must be.

        Args:
            clip: the input.
            settings: as in ``default_output``.
            info: of the input.
            folder: where the output goes; None = beside the clip.

        Raises:
            UsageError: if there is no such name.
        """
        place = folder or clip.parent
        output = place / default_output(clip, settings, info).name
        if self._taken.get(_key(output), clip) != clip:  # a.mp4 and a.mov
            output = place / default_output(clip, settings, info, with_suffix=True).name
        self.claim(output, clip)
        return output

    def claim(self, output: Path, clip: Path) -> None:
        """Takes a name that the user gave.

        Raises:
            UsageError: if another output has it.
        """
        if _key(output) in self._taken:
            why = f"it is the output of '{self._taken[_key(output)]}' already"
            raise UsageError(f"cannot paint '{clip}' into '{output}'", why, "give it another name, or render it apart")
        self._taken[_key(output)] = clip


def _key(output: Path) -> str:
    # Some file systems do not tell capital letters from small ones.
    return os.path.abspath(output).casefold()
