"""The gallery: the files of the bundled styles, of the user's own, and of the bases that styles are trained from."""

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
LEARNT = "videostyle render --style PICTURE"  # the command in the card of a style that was learnt on the way
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


def entry_of_picture(picture: Path) -> Entry | None:
    """The style that was learnt because this picture was given as a style; None if there is none that can be read.

    It is known by the hash of the picture in its card, so that neither may be renamed in vain.

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
    """The file that keeps a learning of this picture which was interrupted; it need not exist.

    Raises:
        OSError: if the picture cannot be read.
    """
    return home() / "learning" / f"{sha256_of(picture)[:32]}{SUFFIX}"


def name_for_picture(picture: Path) -> str:
    """A free name for the style that is learnt from a picture: that of its file, with a number if it is taken.

    A file of that name that is damaged is as good as none.
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
    """The file of a new style of the user's.

    Args:
        name: of the style.
        overwrite: whether it may replace one of the user's own.

    Raises:
        UsageError: if it cannot be a name, belongs to a bundled style, or to another style that is not to be replaced.
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
    """All styles by name; a user's style hides a bundled one of the same name."""
    found: dict[str, Entry] = {}
    for folder, bundled in ((ASSETS / "styles", True), (user_styles(), False)):
        if folder.is_dir():
            for path in sorted(folder.glob(f"*{SUFFIX}")):
                found[path.stem] = Entry(path.stem, path, bundled)
    return [found[name] for name in sorted(found)]


def find_entry(name: str) -> Entry | None:
    """The style that a user means: by its name, in whatever case and with spaces or underscores, or by a word of it.

    "Great Wave", "great_wave" and "wave" are all "great-wave"; a word that several names have is none of them.
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
            hint="train it again with the `network` small, medium or large",
        )
    return found


def is_child(style: Style) -> bool:
    """Whether a style was trained from a bundled base: then it can be mixed, and painted at a strength below 1."""
    parent = find_base(style.architecture)
    return parent is not None and style.card.base_sha256 in accepted_parents(parent)
