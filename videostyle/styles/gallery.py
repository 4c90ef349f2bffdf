"""The gallery: the files of the bundled styles, of the user's own, and of the bases that styles are trained from."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from platformdirs import user_data_path

from videostyle.errors import ModelError
from videostyle.network.architecture import BASES, NETWORKS, Architecture
from videostyle.styles.card import Style
from videostyle.styles.interpolation import accepted_parents, expand_depth
from videostyle.styles.style_file import load_style

ASSETS = Path(__file__).resolve().parent.parent / "assets"
SUFFIX = ".safetensors"
TRAINED = "trained"  # folder of the styles that were trained because a picture was given as a style
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


def path_for_picture(picture: Path) -> Path:
    """The file of the style that is trained on a picture, named after the hash of the picture's file.

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
    """The file of the base of a size of network, one of ``BASES``."""
    return ASSETS / (f"base{SUFFIX}" if network == "medium" else f"base-{network}{SUFFIX}")


@lru_cache(maxsize=8)
def find_base(architecture: Architecture) -> Style | None:
    """The network of this architecture that reproduces its input; None if there is none.

    A network that is deeper than a bundled base has that base, made deeper, as its own.
    """
    for network, sizes in BASES.items():
        if architecture.deepens(sizes) and base_path(network).is_file():
            return expand_depth(load_style(base_path(network)), architecture)
    return None


def base(architecture: Architecture | None = None) -> Style:
    """The network that reproduces its input, from which all styles of its architecture are trained.

    Args:
        architecture: its sizes; None is a network of medium size.

    Raises:
        ModelError: if there is none of this architecture.
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
    """Whether a style was trained from a bundled base: then it can be mixed, and painted at a strength below 1."""
    parent = find_base(style.architecture)
    return parent is not None and style.card.base_sha256 in accepted_parents(parent)
