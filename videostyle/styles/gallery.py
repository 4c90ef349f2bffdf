"""The gallery: the styles that come with the package and the user's own, found by name."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from platformdirs import user_data_path

from videostyle.errors import ModelError, UsageError
from videostyle.network.style_network import BASES, NETWORKS, Architecture
from videostyle.styles.style_file import Style, deepened, interpolate, load_style, parents_like

ASSETS = Path(__file__).resolve().parent.parent / "assets"
SUFFIX = ".safetensors"
TRAINED = "trained"  # folder of styles that belong to a picture
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Entry:
    """A style that can be named: where its file is, and whether it came with the package."""

    name: str
    path: Path
    bundled: bool


def home() -> Path:
    """The user's folder for styles: ``VIDEOSTYLE_HOME`` or the platform's data folder."""
    chosen = os.environ.get("VIDEOSTYLE_HOME")
    return Path(chosen) if chosen else user_data_path("videostyle", appauthor=False)


def user_styles() -> Path:
    """The folder of the user's own styles; it need not exist."""
    return home() / "styles"


def kept_for(picture: Path) -> Path:
    """Where the style of a picture is kept once it was trained: under the hash of the file.

    Raises:
        OSError: if the picture cannot be read.
    """
    return user_styles() / TRAINED / f"{hashlib.sha256(picture.read_bytes()).hexdigest()[:32]}{SUFFIX}"


def entries() -> list[Entry]:
    """All styles by name; a user's style hides a bundled one of the same name.

    Those that were trained because a picture was given as a style have names that begin with ``trained/``.
    """
    found: dict[str, Entry] = {}
    for folder, bundled in ((ASSETS / "styles", True), (user_styles(), False)):
        if folder.is_dir():
            for path in sorted(folder.glob(f"*{SUFFIX}")):
                found[path.stem] = Entry(path.stem, path, bundled)
    for path in sorted((user_styles() / TRAINED).glob(f"*{SUFFIX}")):
        name = f"{TRAINED}/{path.stem[:12]}"
        found[name] = Entry(name, path, False)
    return [found[name] for name in sorted(found)]


def ordinary_picture() -> Path:
    """A picture that ships with the package and has the contrast of an ordinary photo."""
    return ASSETS / "content" / "harbour_06.jpg"


def base_path(network: str) -> Path:
    """Where the base of a size of network (one of ``BASES``) is kept."""
    return ASSETS / (f"base{SUFFIX}" if network == "medium" else f"base-{network}{SUFFIX}")


@lru_cache(maxsize=8)
def find_base(architecture: Architecture) -> Style | None:
    """The network of these sizes that reproduces its input; None where there is none.

    The base of a network that is deeper than one that ships with the package is that one with silent blocks.
    """
    for network, sizes in BASES.items():
        if architecture.deepens(sizes) and base_path(network).is_file():
            return deepened(load_style(base_path(network)), architecture)
    return None


def base(architecture: Architecture | None = None) -> Style:
    """The network that reproduces its input, parent of all styles of its sizes.

    Args:
        architecture: its sizes; those of a network of medium size where None.

    Raises:
        ModelError: if there is none of these sizes.
    """
    wanted = architecture or NETWORKS["medium"]
    found = find_base(wanted)
    if found is None:
        raise ModelError(
            "there is no base for a network of such sizes",
            str(wanted),
            hint="train it again with --network small, medium or large",
        )
    return found


def is_child(style: Style) -> bool:
    """Whether a style is the child of a base that ships with the package: it may be weakened and mixed."""
    parent = find_base(style.architecture)
    return parent is not None and style.card.base_sha256 in parents_like(parent)


def of_one_depth(styles: Sequence[Style]) -> list[Style]:
    """The same styles, all as deep as the deepest of them, so that they can be mixed and take each other's place.

    A style that is no child of a base that ships with the package, or differs in more than its depth, stays as it is.
    """
    deepest = max((style.architecture for style in styles), key=lambda architecture: architecture.deep_blocks)
    # A style of that depth already is not asked for its base, which would have to be read.
    return [
        (deepened(style, deepest) if style.architecture != deepest and is_child(style) else None) or style
        for style in styles
    ]


def load(name: str) -> Style:
    """The style of that name, in the file of that path, or that was trained on the picture of that path.

    Raises:
        ModelError: if there is none; the message lists what there is.
    """
    for entry in entries():
        if entry.name == name:
            return load_style(entry.path)
    if is_picture(name):
        try:
            kept = kept_for(Path(name))
        except OSError as error:
            raise ModelError(
                f"cannot read the picture '{name}'",
                error.strerror or str(error),
                hint="check the path, and whether this user may read it",
            ) from error
        if kept.is_file():
            return load_style(kept)
        hint = "render a clip with it, or use videostyle train"
        raise ModelError(f"no style was made of the picture '{name}' yet", hint=hint)
    if name.endswith(SUFFIX) or "/" in name or os.sep in name:
        return load_style(name)
    known = ", ".join(entry.name for entry in entries() if "/" not in entry.name) or "none"
    raise ModelError(f"no style named '{name}'", f"there are: {known}", "give a name, a style file or a picture")


def is_picture(spec: str) -> bool:
    """Whether a STYLE argument names a picture to be trained on rather than a style or a mix."""
    return spec.lower().endswith(PICTURE_SUFFIXES)


def parse_mix(spec: str) -> list[tuple[str, float]]:
    """Splits ``great-wave:0.7,starry-night:0.3`` into names and shares; one name alone has share 1.

    Raises:
        UsageError: if a share is not a positive number.
    """
    if os.path.isfile(spec):  # unlike that of Path it may be asked for anything, however long
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


def _check_strength(strength: float) -> None:
    if not 0.0 <= strength <= 1.0:
        raise UsageError(f"strength {strength} is outside 0..1", hint="0 leaves the picture as it is, 1 paints fully")


def weakened(style: Style, strength: float) -> Style:
    """A style at a strength: 0 leaves the picture as it is, 1 paints fully.

    Raises:
        UsageError: if the strength is outside 0..1.
        ModelError: if the style is no child of a base that ships with the package.
    """
    _check_strength(strength)
    return style if strength == 1.0 else interpolate(base(style.architecture), [(style, 1.0)], strength)


def resolve(spec: str, strength: float = 1.0) -> Style:
    """The style that a STYLE argument means (a name, a file or a mix), at a strength.

    Args:
        spec: bundled or own name, style file, or mix.
        strength: 0 leaves the picture as it is, 1 paints fully.

    Raises:
        UsageError: if the mix cannot be read or the strength is outside 0..1.
        ModelError: if a style is missing or broken.
    """
    _check_strength(strength)
    names, shares = zip(*parse_mix(spec), strict=True)
    styles = of_one_depth([load(name) for name in names])
    if len(styles) == 1:
        return weakened(styles[0], strength)
    return interpolate(base(styles[0].architecture), list(zip(styles, shares, strict=True)), strength)
