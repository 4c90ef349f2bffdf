"""The gallery: where the files of bundled styles, of the user's own styles and of the bases are."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from platformdirs import user_data_path

from videostyle.errors import ModelError, UsageError
from videostyle.network.architecture import BASES, NETWORKS, Architecture
from videostyle.platforms import portable_name
from videostyle.styles.card import Style
from videostyle.styles.interpolation import accepted_parents, expand_depth
from videostyle.styles.style_file import load_style, read_card

ASSETS = Path(__file__).resolve().parent.parent / "assets"
SUFFIX = ".safetensors"
LEARNT = "videostyle render --style PICTURE"  # the command in the card of a style that a render trained
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Entry:
    """A style that can be given by name: its file, and whether it came with the package."""

    name: str
    path: Path
    bundled: bool


def home() -> Path:
    """The user's folder for styles: ``VIDEOSTYLE_HOME`` or the platform's data folder."""
    chosen = os.environ.get("VIDEOSTYLE_HOME")
    return Path(chosen) if chosen else user_data_path("videostyle", appauthor=False)


def measured_at() -> Path:
    """The file in which ``bench`` keeps its measurements; it need not exist."""
    return home() / "tuning.json"


def user_styles() -> Path:
    """The folder of the user's own styles, which may not exist."""
    return home() / "styles"


def entry_of_picture(picture: Path) -> Entry | None:
    """The style that was trained because this picture was given as a style; None if there is none that can be read.

    It is found by the hash of the picture in its card, so both the picture and the style may be renamed.

    Raises:
        OSError: if the picture cannot be read.
    """
    digest = sha256_of(picture)
    for entry in (entry for entry in entries() if not entry.bundled):
        with contextlib.suppress(ModelError):
            card = read_card(entry.path)
            if card.source_sha256 == digest and card.command == LEARNT:
                return entry
    return None


def sha256_of(picture: Path) -> str:
    """The hash of a picture's file, as cards hold it."""
    return hashlib.sha256(picture.read_bytes()).hexdigest()


def unfinished_learning(picture: Path) -> Path:
    """The file that keeps the state of an interrupted training on this picture, which may not exist.

    Raises:
        OSError: if the picture cannot be read.
    """
    return home() / "learning" / f"{sha256_of(picture)[:32]}{SUFFIX}"


def name_for_picture(picture: Path) -> str:
    """A free name for the style that is trained on a picture: that of its file, with a number if it is taken.

    A damaged style file of that name does not count.
    """
    stem = "".join(c if c.isalnum() and c.isascii() else "-" for c in picture.stem).strip("-")[:60] or "style"
    taken = {entry.name for entry in entries() if entry.bundled or _is_whole(entry.path)}
    names = (stem if number == 1 else f"{stem}-{number}" for number in itertools.count(1))
    return next(name for name in names if name not in taken and portable_name(name) == name)


def _is_whole(path: Path) -> bool:
    try:
        read_card(path)
    except ModelError:
        return False
    return True


def place_for(name: str, *, overwrite: bool = False) -> Path:
    """The file for a new style of the user.

    Args:
        name: of the style.
        overwrite: whether it may replace another of the user's styles.

    Raises:
        UsageError: if the name is not allowed, is that of a bundled style, or is taken and ``overwrite`` is not set.
    """
    if not NAME.fullmatch(name) or portable_name(name) != name:
        raise UsageError(f"'{name}' cannot be a style's name", hint="use letters, digits, - and _")
    if name in {path.stem for path in (ASSETS / "styles").glob(f"*{SUFFIX}")}:
        raise UsageError(f"the style '{name}' comes with videostyle", "it is not replaced", "choose another name")
    target = user_styles() / f"{name}{SUFFIX}"
    if target.exists() and not overwrite:
        raise UsageError(
            f"there is a style '{name}' already", hint="use `overwrite` to replace it, or choose another name"
        )
    return target


def entries() -> list[Entry]:
    """All styles, sorted by name; a user's style hides a bundled one of the same name."""
    found: dict[str, Entry] = {}
    for folder, bundled in ((ASSETS / "styles", True), (user_styles(), False)):
        if folder.is_dir():
            for path in sorted(folder.glob(f"*{SUFFIX}")):
                found[path.stem] = Entry(path.stem, path, bundled)
    return [found[name] for name in sorted(found)]


def find_entry(name: str) -> Entry | None:
    """Finds a style by its name in any case, with spaces or underscores for hyphens, or by one word of the name.

    "Great Wave", "great_wave" and "wave" all find "great-wave". Returns None if no style or several styles match.
    """
    known = entries()
    for entry in known:
        if entry.name == name:
            return entry
    plain = re.sub(r"[\s_-]+", "-", name.strip().casefold())
    same = [entry for entry in known if re.sub(r"[_-]+", "-", entry.name.casefold()) == plain]
    alike = [entry for entry in known if f"-{plain}-" in f"-{re.sub('[_-]+', '-', entry.name.casefold())}-"]
    found = same or (alike if plain else [])
    return found[0] if len(found) == 1 else None


def ordinary_picture() -> Path:
    """A picture of ordinary contrast that ships with the package: the reference for flat scenes."""
    return ASSETS / "content" / "harbour_06.jpg"


def base_path(network: str) -> Path:
    """The file of a base; ``network`` is one of ``BASES``."""
    return ASSETS / (f"base{SUFFIX}" if network == "medium" else f"base-{network}{SUFFIX}")


@lru_cache(maxsize=8)
def find_base(architecture: Architecture) -> Style | None:
    """The base of this architecture; None if there is none.

    For an architecture that is deeper than that of a bundled base, it is the bundled base made deeper.
    """
    for network, sizes in BASES.items():
        if architecture.deepens(sizes) and base_path(network).is_file():
            return expand_depth(load_style(base_path(network)), architecture)
    return None


def base(architecture: Architecture | None = None) -> Style:
    """The base of an architecture: the network that reproduces its input, from which styles are trained.

    Args:
        architecture: None = the medium network.

    Raises:
        ModelError: if there is no base of this architecture.
    """
    wanted = architecture or NETWORKS["medium"]
    found = find_base(wanted)
    if found is None:
        raise ModelError(
            "there is no base for a network of these sizes",
            str(wanted),
            hint="train it again with the `network` small, medium or large",
        )
    return found


def is_child(style: Style) -> bool:
    """Whether a style was trained from a bundled base, so that it can be mixed and painted below full strength."""
    parent = find_base(style.architecture)
    return parent is not None and style.card.base_sha256 in accepted_parents(parent)
