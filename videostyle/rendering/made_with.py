"""The settings that a painted file, or a part of one, was made with, and how they differ from those asked for now."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videostyle.errors import VideostyleError
from videostyle.media.picture_metadata import embed_metadata
from videostyle.media.probe import probe
from videostyle.media.provenance import Painted, embed, read
from videostyle.media.readers.pictures import PICTURES, kept_metadata
from videostyle.rendering.settings import RenderSettings, to_json
from videostyle.version import __version__

if TYPE_CHECKING:
    from videostyle.styles.card import Style

MACHINE_SETTINGS = ("device", "precision", "batch_size", "threads", "strict")  # how to compute, and not what
NOT_COMPARED = (*MACHINE_SETTINGS, "overwrite")  # whether an old output may be replaced changes no frame
WEIGHTS = "style's weights"  # 12 digits of their hash


def made_with(settings: RenderSettings, style: Style) -> dict[str, Any]:
    """All that decides what an output of an input holds, by the names of settings; what is the default is left out.

    Args:
        settings: as asked for.
        style: what to paint with, at its strength.
    """
    from videostyle.styles.card import arrays_sha256

    usual = to_json(RenderSettings(""))
    chosen = {name: value for name, value in to_json(settings).items() if value != usual[name]}
    chosen = {name: value for name, value in chosen.items() if name not in NOT_COMPARED}
    return {**chosen, WEIGHTS: arrays_sha256(style.weights)[:12]}


def finished(file: Path, xmp: bytes, pictures: Sequence[Path]) -> None:
    """Writes into a complete file how it was painted, and what is kept of the picture that it was painted from.

    Args:
        file: a video or a picture.
        xmp: how it was painted.
        pictures: the picture that it was painted from, or none.
    """
    for picture in pictures:
        kept = kept_metadata(picture)
        if (kept.exif or kept.icc) and embed_metadata(file, kept.exif, kept.icc, xmp):
            return
    embed(file, xmp)


def provenance_of(style: Style, settings: RenderSettings) -> Painted:
    """What a painted file says of itself."""
    card, made = style.card, json.dumps(made_with(settings, style), sort_keys=True)
    return Painted(card.name or settings.style, card.painting, card.artist, settings.strength, __version__, made)


def told_by(output: Path) -> dict[str, Any] | None:
    """What a finished output says it was made with; None where it says nothing.

    Args:
        output: a video, a picture, or a folder of pictures, of which the first one counts.
    """
    try:
        if output.is_dir():
            output = next(iter(sorted(f for f in output.iterdir() if f.suffix.lower() in PICTURES)), output)
        painted = read(output, {} if output.suffix.lower() in PICTURES else probe(output).metadata)
        found = json.loads(painted.settings) if painted is not None and painted.settings else None
    except (VideostyleError, OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def differences(made: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """What differs between two renders, each with both values: "strength 1 instead of 0.5"."""
    usual = to_json(RenderSettings(""))
    order = list(usual)
    names = [name for name in {**wanted, **made} if name != WEIGHTS]
    found = []
    for name in sorted(names, key=lambda name: order.index(name) if name in order else len(order)):
        there, here = made.get(name, usual.get(name)), wanted.get(name, usual.get(name))
        if there != here:
            found.append(f"`{name}` {_shown(there)} instead of {_shown(here)}")
    same_style = not any(name in ("style", "strength") and made.get(name) != wanted.get(name) for name in names)
    if same_style and made.get(WEIGHTS) != wanted.get(WEIGHTS):
        found.append("an earlier version of the style")
    return found


def _shown(value: object) -> str:
    words = {None: "not given", True: "on", False: "off"}
    if isinstance(value, list | tuple):
        return ", ".join(map(_told, value)) or "none"
    if value is None or isinstance(value, bool):
        return words[value]
    return f"{value:g}" if isinstance(value, float) else f"'{value}'" if isinstance(value, str) else str(value)


def _told(value: object) -> str:
    """One entry of a list of settings: a processor with its options."""
    if not isinstance(value, Mapping):
        return str(value)
    name = value.get("name") or value.get("kind") or ""
    options = [f"{key}={_shown(one)}" for key, one in value.items() if key not in ("name", "kind")]
    return f"{name}:{','.join(options)}" if options else str(name)
