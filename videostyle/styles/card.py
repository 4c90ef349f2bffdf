"""What a style is: trained weights of the style network, and a card that describes them. Pure NumPy."""

from __future__ import annotations

import hashlib
import json
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videostyle.network.architecture import Architecture

Arrays = dict[str, NDArray[np.float32]]

CANVAS = "canvas/kernel"  # the array through which the canvas enters the network


@dataclass(frozen=True)
class StyleCard:
    """The description of a style. Fields are texts, except for the architecture and the numbers.

    Attributes:
        name: short name, as used on the command line.
        painting: title of the painting.
        artist: painter of the painting.
        year: year of the painting, as text ("1831", "about 1890").
        licence: licence of the painting ("public domain").
        architecture: sizes of the network.
        command: the command that trained it.
        loss_network: name of the loss network it was trained with.
        loss_weights: weight of each loss.
        figures: losses at the end of the training, and other measured values.
        canvas: the amount of canvas that suits the style, 0..1.
        base_sha256: ``arrays_sha256`` of the base that the style was trained from. In the card of a base that was
            refined from another one: the hash of its predecessor, whose styles stay compatible. "" if there is none.
        source_sha256: hash of the painting's file.
        version: version of the program that wrote it.
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
    """A style, or a base: its card and its weights.

    Attributes:
        card: its description.
        weights: float32 arrays, named and shaped as ``Architecture.shapes``.
        ends: for an interpolated style, the trained styles that it lies between, with shares that sum to 1; empty for
            a trained style. The mean colour that an interpolated network paints is far from the interpolation of the
            mean colours that its ends paint, mostly too bright. So the ends are measured on each shot as well, and
            the colours are corrected (``inference.shot_measurement``).
    """

    card: StyleCard
    weights: Arrays = field(repr=False)
    ends: tuple[tuple[Style, float], ...] = field(default=(), repr=False)

    @property
    def architecture(self) -> Architecture:
        """Sizes of the network that the weights belong to."""
        return self.card.architecture


def arrays_sha256(weights: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of names, shapes and float32 values of arrays; the precision of the file does not matter.

    A canvas kernel of zeros is left out: it has no effect, and styles of file format 3 name their base without it.
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
    """Whether a style paints on a canvas. Bases and styles of file format 3 do not: their kernel is zero."""
    return bool(weights[CANVAS].any())


def card_from_json(text: str) -> StyleCard:
    """Reads a card from the JSON text of a style file.

    Raises:
        ValueError: if the text is not a card; the message says what is wrong.
    """
    try:
        fields = json.loads(text)
        sizes = fields.pop("architecture")
        fields.pop("format")
        card = StyleCard(**{**fields, "architecture": Architecture(**sizes)})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    for name, value in fields.items():
        _check_field(name, value)
    return card


def _check_field(name: str, value: object) -> None:
    texts: tuple[str, ...] = ()
    if name == "canvas":
        if not (_is_number(value) and 0 <= float(value) <= 1):  # type: ignore[arg-type]
            raise ValueError("canvas is not a number from 0 to 1")
    elif name in ("loss_weights", "figures"):
        if not isinstance(value, dict) or not all(map(_is_number, value.values())):
            raise ValueError(f"{name} is not a table of numbers")
        texts = tuple(value)
    elif isinstance(value, str):
        texts = (value,)
    else:
        raise ValueError(f"{name} is not a text")
    # Texts of a card are written into tags of videos, tables and file names.
    if any(unicodedata.category(character) in ("Cc", "Cs") for text in texts for character in text):
        raise ValueError(f"{name} holds characters that cannot be printed")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
