"""Turns a STYLE argument into a style: a name, a file or a mix, at a strength.

A style for a picture that none was trained on yet is made in ``training.session``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from videostyle.errors import ModelError, UsageError, suggestion
from videostyle.media.readers.pictures import PICTURES, read_picture
from videostyle.styles import gallery
from videostyle.styles.card import Style
from videostyle.styles.interpolation import expand_depth, interpolate
from videostyle.styles.style_file import load_style


def resolve(spec: str, strength: float = 1.0) -> Style:
    """The style that a STYLE argument means, at a strength.

    Args:
        spec: the name of a style, a style file, a picture that a style was trained on, a mix of these, or one of them
            with a strength (``great-wave:0.7``), which is multiplied by ``strength``.
        strength: 0 leaves the picture as it is, 1 paints fully.

    Raises:
        UsageError: if the argument is malformed, or the strength is outside 0..1.
        ModelError: if a style is missing or broken.
    """
    _check_strength(strength)
    spec, own_strength = plain_spec(spec)
    strength *= own_strength
    names, shares = zip(*parse_mix(spec), strict=True)
    styles = with_equal_depth([find_style(name) for name in names])
    if len(styles) == 1:
        return with_strength(styles[0], strength)
    return interpolate(gallery.base(styles[0].architecture), list(zip(styles, shares, strict=True)), strength)


def find_style(name: str) -> Style:
    """The style with that name, in the file with that path, or trained on the picture with that path.

    Raises:
        ModelError: if there is none; the message suggests a similar name, or lists all names.
    """
    if is_picture(name):
        return load_style(_learnt(name).path)
    if is_file(name):
        return load_style(name)
    entry = gallery.find_entry(name)
    if entry is not None:
        return load_style(entry.path)
    raise unknown_style(name)


def check_style(spec: str, strength: float = 1.0) -> None:
    """Makes sure that a STYLE argument can be used before anything slow begins; a picture only that it can be read.

    Args:
        spec: as in ``resolve``, or a picture that a style is yet to be trained on.
        strength: 0..1.

    Raises:
        VideostyleError: if it cannot be used.
    """
    if is_picture(spec):
        read_picture(spec)
    else:
        resolve(spec, strength)


def thumbnail(spec: str) -> Path | None:
    """A picture of what the style that a STYLE argument means paints, of a mix the first one; None if there is none."""
    if is_picture(spec):
        return Path(spec)
    entry = gallery.find_entry(parse_mix(spec)[0][0])
    painting = entry.path.with_suffix(".jpg") if entry is not None else None
    return painting if painting is not None and painting.is_file() else None


def is_file(name: str) -> bool:
    """Whether a STYLE argument names a style file and not a style of the gallery."""
    return name.endswith(gallery.SUFFIX) or "/" in name or os.sep in name


def unknown_style(name: str) -> ModelError:
    """The error for a name that no style has."""
    names = [entry.name for entry in gallery.entries()]
    return ModelError(f"no style named '{name}'", hint=suggestion(name.strip().casefold().replace(" ", "-"), names))


def _learnt(picture: str) -> gallery.Entry:
    """The style that was trained on a picture.

    Raises:
        ModelError: if there is none, or the picture cannot be read.
    """
    try:
        entry = gallery.entry_of_picture(Path(picture))
    except OSError as error:
        raise ModelError(
            f"cannot read the picture '{picture}'",
            error.strerror or str(error),
            hint="check the path, and whether this user may read it",
        ) from error
    if entry is None:
        hint = "render a clip with it, or use videostyle train"
        raise ModelError(f"no style was trained on the picture '{picture}' yet", hint=hint)
    return entry


def plain_spec(spec: str) -> tuple[str, float]:
    """Splits a STYLE argument into the full names of its styles and the strength in it.

    ``great_wave`` gives ``great-wave`` and 1, ``wave:0.2`` gives ``great-wave`` and 0.2. Unknown names stay as they
    are.

    Raises:
        UsageError: if it is malformed.
    """
    parts = parse_mix(spec)
    strength = 1.0
    if len(parts) == 1 and parts[0][0] != spec:
        strength = parts[0][1]
        if strength > 1:
            raise UsageError(f"the strength {strength:g} in '{spec}' is outside 0..1", hint="as in great-wave:0.7")
        parts = [(parts[0][0], 1.0)]
    if len(parts) == 1:
        return _full_name(parts[0][0]), strength
    explicit = any(":" in part for part in spec.split(","))
    return ",".join(_full_name(name) + (f":{share:g}" if explicit else "") for name, share in parts), 1.0


def _full_name(name: str) -> str:
    if is_picture(name) or is_file(name):
        return name
    entry = gallery.find_entry(name)
    return entry.name if entry is not None else name


def is_picture(spec: str) -> bool:
    """Whether a STYLE argument names a picture to train on and not a style or a mix."""
    return spec.lower().endswith(PICTURES)


def parse_mix(spec: str) -> list[tuple[str, float]]:
    """Splits ``great-wave:0.7,starry-night:0.3`` into names and shares; one name alone has share 1.

    Raises:
        UsageError: if a share is not a positive number.
    """
    if os.path.isfile(spec):  # Path.is_file raises for a name that is too long
        return [(spec, 1.0)]
    parts = []
    for part in spec.split(","):
        name, colon, share = part.strip().rpartition(":")
        if not colon:
            name, share = share, "1"
        try:
            value = float(share)
        except ValueError:
            value = -1.0
        if not name or not 0 < value < float("inf"):
            raise UsageError(
                f"cannot read the style '{spec}'",
                f"'{part}' is not NAME or NAME:SHARE",
                "as in great-wave:0.7,starry-night:0.3",
            )
        parts.append((name, value))
    return parts


def with_strength(style: Style, strength: float) -> Style:
    """A style at a strength: 0 leaves the picture as it is, 1 paints fully.

    Raises:
        UsageError: if the strength is outside 0..1.
        ModelError: if the style was not trained from a bundled base.
    """
    _check_strength(strength)
    return style if strength == 1.0 else interpolate(gallery.base(style.architecture), [(style, 1.0)], strength)


def with_equal_depth(styles: Sequence[Style]) -> list[Style]:
    """The same styles, each expanded to the depth of the deepest, so that their weights can be interpolated.

    A style that was not trained from a bundled base, or whose network differs in more than its depth, is returned as
    it is.
    """
    deepest = max((style.architecture for style in styles), key=lambda architecture: architecture.deep_blocks)

    def expanded(style: Style) -> Style:
        # A style of that depth already needs no base, which would have to be read.
        if style.architecture == deepest or not gallery.is_child(style):
            return style
        return expand_depth(style, deepest) or style

    return [expanded(style) for style in styles]


def _check_strength(strength: float) -> None:
    if not 0.0 <= strength <= 1.0:
        raise UsageError(f"strength {strength} is outside 0..1", hint="0 leaves the picture as it is, 1 paints fully")
