"""Style files: safetensors with a JSON card in the metadata, vetted on load, and weights walked between.

A file holds arrays and text, nothing else; the architecture is code, and the card only gives its sizes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import struct
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save as save_safetensors

from videostyle.errors import ModelError, OutputError
from videostyle.network.style_network import Architecture

Arrays = dict[str, NDArray[np.float32]]

FORMAT = 4  # version of the file format, raised when older programs can no longer read it
WITHOUT_CANVAS = 3  # files of this format have no canvas kernel: it is zero
CANVAS = "canvas/kernel"
LARGEST_HEADER = 1 << 20  # bytes; a card is a few KB


@dataclass(frozen=True)
class StyleCard:
    """What a style file says of itself. All texts; figures are numbers by name.

    Attributes:
        name: short name, as used on the command line.
        painting: title of the painting.
        artist: who painted it.
        year: when, as text ("1831", "about 1890").
        licence: terms of the painting ("public domain").
        architecture: sizes of the network.
        command: the command that trained it.
        loss_network: name of the loss network it was trained with.
        loss_weights: weight of each loss.
        figures: measured style, content, temporal losses and the like.
        canvas: how much of the canvas suits the style, 0..1.
        base_sha256: hash of the base it is a child of; of a base, of the one that it was refined from and whose
            children are its own as well ("" for the first one); see ``arrays_sha256``.
        source_sha256: hash of the painting's file, under which a style trained on first use is found again.
        version: program version that wrote it.
    """

    name: str = ""
    painting: str = ""
    artist: str = ""
    year: str = ""
    licence: str = ""
    architecture: Architecture = field(default_factory=Architecture)
    command: str = ""
    loss_network: str = ""
    loss_weights: dict[str, float] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    canvas: float = 1.0
    base_sha256: str = ""
    source_sha256: str = ""
    version: str = ""


@dataclass(frozen=True)
class Style:
    """A style (or the base): its card and its arrays, float32, named as ``Architecture.shapes``.

    Attributes:
        card: what it says of itself.
        weights: the arrays.
        ends: of a style between others, those and their shares, which sum to 1; empty for a trained one. In
            between, a network's mean colour runs far off the straight line of its ends', mostly into the bright;
            whoever measures a shot measures the ends as well and brings it back (``StyleProcessor.statistics_of``).
    """

    card: StyleCard
    weights: Arrays = field(repr=False)
    ends: tuple[tuple[Style, float], ...] = field(default=(), repr=False)

    @property
    def architecture(self) -> Architecture:
        """Sizes of the network that the arrays are for."""
        return self.card.architecture


def arrays_sha256(weights: Mapping[str, NDArray[Any]]) -> str:
    """Hash of names, shapes and float32 values, whatever precision they were stored in.

    A canvas kernel of zeros is left out: it does nothing, and styles of format 3 name their base without it.
    """
    digest = hashlib.sha256()
    for name in sorted(weights):
        value = np.ascontiguousarray(weights[name], np.float32)
        if name == CANVAS and not value.any():
            continue
        digest.update(f"{name}{value.shape}".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()


def has_canvas(weights: Mapping[str, NDArray[Any]]) -> bool:
    """Whether a style paints on a canvas. Bases and styles of format 3 do not: their kernel is zero."""
    return bool(weights[CANVAS].any())


def _card_from(text: str, path: Path) -> StyleCard:
    what = f"the style file '{path}' has a broken card"
    try:
        fields = json.loads(text)
        sizes = fields.pop("architecture")
        fields.pop("format")
        card = StyleCard(**{**fields, "architecture": Architecture(**sizes)})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(what, str(error), "train or fetch it again") from error
    for name, value in fields.items():
        texts: tuple[str, ...]
        if name == "canvas":
            wrong, texts = not (_is_number(value) and 0 <= value <= 1), ()
        elif name in ("loss_weights", "figures"):
            wrong = not isinstance(value, dict) or not all(map(_is_number, value.values()))
            texts = tuple(value) if isinstance(value, dict) else ()
        else:
            wrong, texts = not isinstance(value, str), (str(value),)
        if wrong:
            raise ModelError(
                what,
                f"{name} is not {'numbers' if isinstance(value, dict) else 'what it should be'}",
                hint="train it again, or copy it again from where it came",
            )
        # They come into tags of videos, tables and file names.
        if any(unicodedata.category(character) in ("Cc", "Cs") for text in texts for character in text):
            raise ModelError(
                what,
                f"{name} holds characters that cannot be printed",
                hint="train it again, or copy it again from where it came",
            )
    return card


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _header(path: Path, size: int, start: bytes) -> dict[str, Any]:
    """The JSON header of a safetensors file, read before anything is allocated for its arrays."""
    what = f"'{path}' is not a style file"
    if size < 8:
        raise ModelError(what, "it is empty or cut off" if size else "it is empty", "train or fetch it again")
    (length,) = struct.unpack("<Q", start[:8])
    if length > min(LARGEST_HEADER, size - 8):
        raise ModelError(
            what,
            "its header is cut off or not one of safetensors",
            hint="train it again, or copy it again from where it came",
        )
    try:
        header = json.loads(start[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        raise ModelError(
            what, "its header cannot be read", hint="train it again, or copy it again from where it came"
        ) from error
    if not isinstance(header, dict) or not isinstance(header.get("__metadata__"), dict):
        raise ModelError(what, "it carries no card", hint="give a file that 'videostyle train' wrote")
    for name, entry in header.items():
        if name != "__metadata__" and not (isinstance(entry, dict) and isinstance(entry.get("shape"), list)):
            raise ModelError(
                what,
                f"its header says nothing that makes sense of array {name}",
                hint="train it again, or copy it again from where it came",
            )
    return header


def load_style(path: str | os.PathLike[str]) -> Style:
    """Reads and vets a style file.

    Names, shapes and dtypes are compared with what the card's architecture needs before the arrays are
    read, the file's size with their sum, the values for being finite.

    Raises:
        ModelError: naming the first thing that is wrong.
    """
    path = Path(path)
    what = f"'{path}' is not a style file"
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise ModelError(
                what, "it is not a regular file", hint="train it again, or copy it again from where it came"
            )
        with path.open("rb") as file:
            header = _header(path, size, file.read(8 + LARGEST_HEADER))
            metadata = header.pop("__metadata__")
            if metadata.get("format") not in (str(WITHOUT_CANVAS), str(FORMAT)) or "videostyle" not in metadata:
                reason = f"its format is {metadata.get('format')!r}, this program reads {WITHOUT_CANVAS} and {FORMAT}"
                raise ModelError(what, reason, "update videostyle or train the style again")
            card = _card_from(metadata["videostyle"], path)
            shapes = dict(card.architecture.shapes())
            silent = shapes.pop(CANVAS) if metadata["format"] == str(WITHOUT_CANVAS) else None
            for name in sorted(set(shapes) ^ set(header)):
                raise ModelError(
                    what,
                    f"array {name} is {'missing' if name in shapes else 'not part of the network'}",
                    hint="train it again, or copy it again from where it came",
                )
            for name, shape in shapes.items():
                if header[name]["shape"] != list(shape) or header[name].get("dtype") not in (
                    "F16",
                    "F32",
                ):
                    raise ModelError(
                        what,
                        f"array {name} is {header[name].get('dtype')} {header[name].get('shape')}, not {list(shape)}",
                        hint="train it again, or copy it again from where it came",
                    )
            expected = sum(int(np.prod(s)) * (2 if header[n]["dtype"] == "F16" else 4) for n, s in shapes.items())
            file.seek(0)
            (length,) = struct.unpack("<Q", file.read(8))
            if size != 8 + length + expected:
                raise ModelError(
                    what,
                    f"{size} bytes, {8 + length + expected} expected: cut off or tampered with",
                    hint="train it again, or copy it again from where it came",
                )
            file.seek(0)
            data = file.read()
        weights = {name: value.astype(np.float32) for name, value in load_safetensors(data).items()}
        if silent is not None:
            weights[CANVAS] = np.zeros(silent, np.float32)
    except FileNotFoundError as error:
        raise ModelError(
            f"no style file '{path}'", hint="check the path; 'videostyle styles list' shows names"
        ) from error
    except (OSError, SafetensorError) as error:
        raise ModelError(what, str(error), hint="train it again, or copy it again from where it came") from error
    for name, value in weights.items():
        if not np.isfinite(value).all():
            raise ModelError(
                f"the style file '{path}' holds values that are not finite", f"array {name}", "train it again"
            )
    return Style(card, weights)


def save_style(style: Style, path: str | os.PathLike[str]) -> None:
    """Writes a style file in half precision, under its final name only when it is whole.

    Raises:
        ModelError: if an array is missing, misshapen or not finite in half precision.
        OutputError: if the file cannot be written.
    """
    path = Path(path)
    arrays = {}
    for name, shape in style.architecture.shapes().items():
        value = style.weights.get(name)
        if value is None or value.shape != shape:
            raise ModelError(
                f"cannot save the style '{style.card.name}'",
                f"array {name} is missing or misshapen",
                hint="train it again with a lower --learning-rate",
            )
        arrays[name] = value.astype(np.float16)
        if not np.isfinite(arrays[name]).all():
            raise ModelError(
                f"cannot save the style '{style.card.name}'",
                f"array {name} is not finite",
                hint="train it again with a lower --learning-rate",
            )
    card = json.dumps({**asdict(style.card), "format": FORMAT}, sort_keys=True, ensure_ascii=False)
    data = save_safetensors(arrays, {"format": str(FORMAT), "videostyle": card})
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(
            f"cannot write the style '{path}'", error.strerror or str(error), hint="choose another place with -o"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def deepened(style: Style, architecture: Architecture) -> Style | None:
    """The same function in a deeper network: blocks are added whose branches are silent, for training to fill.

    Args:
        style: a style or a base.
        architecture: of the same sizes, but for a larger ``deep_blocks``.

    Returns:
        A style that paints as ``style`` does; ``style`` itself if it has the architecture; None where the two
        differ in anything else.
    """
    if not architecture.deepens(style.architecture):
        return None
    if architecture == style.architecture:
        return style
    weights = dict(style.weights)
    for name in architecture.shapes():
        if name not in weights:
            # Kernels of a block that is there: random ones would not be the same with every version of NumPy, and
            # the base is known by its hash.
            block, rest = name.split("/", 1)
            like = weights[f"deep{int(block.removeprefix('deep')) % style.architecture.deep_blocks}/{rest}"]
            weights[name] = np.zeros_like(like) if rest in ("b/gamma", "b/beta") else like
    ends = tuple((deeper, share) for end, share in style.ends if (deeper := deepened(end, architecture)) is not None)
    return Style(replace(style.card, architecture=architecture, base_sha256=""), weights, ends)


def _between(card: StyleCard, parts: Sequence[tuple[Style, float]]) -> Style:
    """The style whose weights are the sum of ``parts`` (styles of one architecture), each times its share."""
    weights = {
        name: np.asarray(sum(share * style.weights[name] for style, share in parts), np.float32)
        for name in parts[0][0].weights
    }
    shares: dict[int, float] = {}
    styles = {}
    for style, share in parts:
        for end, part in style.ends or ((style, 1.0),):
            styles[id(end)] = end
            shares[id(end)] = shares.get(id(end), 0.0) + share * part
    ends = tuple((styles[key], share) for key, share in shares.items() if share > 0)
    return Style(card, weights, ends if len(ends) > 1 else ())


def blend(before: Style, after: Style, share: float) -> Style:
    """Weights on the straight line between two styles that are children of one base.

    The walk of ``interpolate`` without its checks, which hash the base and take longer than a frame may.

    Args:
        before: where the line begins (``share`` 0).
        after: where it ends (1); the result has its card.
        share: 0..1.
    """
    return after if share >= 1.0 else _between(after.card, [(before, 1.0 - share), (after, share)])


def parents_like(base: Style) -> set[str]:
    """What the ``base_sha256`` of a style may be that is weakened towards ``base``.

    That base, or the one that it was refined from; "" too, as a style that does not say has no other base either.
    """
    return {"", arrays_sha256(base.weights), base.card.base_sha256}


def interpolate(base: Style, parts: Sequence[tuple[Style, float]], strength: float = 1.0) -> Style:
    """Deep network interpolation: ``(1 - strength) * base + strength * sum of share * style``.

    Args:
        base: the network that reproduces its input.
        parts: styles with their shares; shares are scaled to sum 1.
        strength: 0 gives the base, 1 the (mixed) style.

    Returns:
        A style of the same architecture whose card names the mix.

    Raises:
        ModelError: if a style is not a child of the base (another architecture or another base).
        ValueError: if a share is negative or all are zero.

    *Source:* Wang et al. 2019, Deep Network Interpolation, eq. 1.
    """
    total = sum(share for _, share in parts)
    if any(share < 0 for _, share in parts) or not total > 0:
        raise ValueError("shares must be positive")
    if strength == 1.0 and len(parts) == 1:
        return parts[0][0]
    parents = parents_like(base)
    for style, _ in parts:
        if style.architecture != base.architecture:
            raise ModelError(
                f"the style '{style.card.name}' cannot be mixed",
                "its network has other sizes than the base",
                hint="mix styles of one network size",
            )
        if style.card.base_sha256 not in parents:
            raise ModelError(
                f"the style '{style.card.name}' cannot be mixed or weakened",
                "it was trained from another base",
                "train it again with this version",
            )
    shares = [(base, 1.0 - strength), *((style, strength * share / total) for style, share in parts)]
    if len(parts) == 1:
        return _between(parts[0][0].card, shares)
    name = ",".join(f"{style.card.name}:{share / total:.2f}" for style, share in parts)
    titles = " + ".join(style.card.painting or style.card.name for style, _ in parts)
    return _between(replace(parts[0][0].card, name=name, painting=titles, artist="", year="", figures={}), shares)
