"""The kinds of regions that can be named, and what a user wrote of one."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from videostyle.errors import SettingError, suggestion
from videostyle.processors.options import changed, listed, split_words, validated
from videostyle.processors.regions.mask import RegionMask
from videostyle.processors.regions.protocol import Region

SETTING = "regions"  # the name of the setting that holds regions
# name -> module beside this one, and class in it
KINDS = {
    "mask": "mask_file:MaskFile",
    "rectangle": "shapes:Rectangle",
    "polygon": "shapes:Polygon",
    "color": "colour:Colour",
    "moving": "moving:Moving",
    "foreground": "moving:Foreground",
    "person": "person:Person",
    "faces": "faces:Faces",
}


@dataclass(frozen=True)
class RegionChoice:
    """A region as a user chose it.

    Attributes:
        kind: one of ``KINDS``.
        options: all of its options, as values that JSON has.
        style: what it is painted in; None = the region limits the style of the render.
        strength: how strongly; None = as the render, 0 leaves the clip as it is.
    """

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)
    style: str | None = None
    strength: float | None = None

    @property
    def limits(self) -> bool:
        """Whether it limits the style of the render, instead of being painted otherwise."""
        return self.style is None and self.strength is None

    @property
    def paints(self) -> bool:
        """Whether something is painted over the style of the render in it."""
        return not self.limits and self.strength != 0

    def __str__(self) -> str:
        own = kind_of(self.kind).schema.model_validate({}).model_dump(mode="json")
        chosen = changed(self.options, own)
        chosen += [f"style={self.style}"] if self.style is not None else []
        chosen += [f"strength={self.strength:g}"] if self.strength is not None else []
        return self.kind + (":" + ",".join(chosen) if chosen else "")

    def values(self) -> dict[str, Any]:
        """As JSON: what ``region_from`` takes again."""
        found = {"kind": self.kind, **self.options}
        found |= {"style": self.style} if self.style is not None else {}
        return found | ({"strength": self.strength} if self.strength is not None else {})


def kind_of(name: str) -> type[Region[Any]]:
    """The class of a kind.

    Raises:
        SettingError: if there is none of that name.
    """
    if name not in KINDS:
        raise SettingError(SETTING, f"no kind of region '{name}'", suggestion(name, KINDS))
    module, kind = KINDS[name].split(":")
    found: type[Region[Any]] = getattr(importlib.import_module(f"videostyle.processors.regions.{module}"), kind)
    return found


def region_from(value: Any) -> RegionChoice:
    """A region from what a user wrote.

    Args:
        value: "faces:feather=8,strength=0.3" as on the command line, {"kind": "faces", "feather": 8} as in a job file,
            or a choice.

    Raises:
        SettingError: if there is no such kind, or it cannot have such options.
    """
    if isinstance(value, RegionChoice):
        value = value.values()
    if isinstance(value, str):
        name, given = split_words(value, SETTING, "faces:feather=8,style=starry-night")
    elif isinstance(value, Mapping) and isinstance(value.get("kind"), str):
        name, given = value["kind"], {key: item for key, item in value.items() if key != "kind"}
    else:
        raise SettingError(SETTING, f"cannot use {value!r}", "give a kind, or a table with kind = and options")
    kind = kind_of(name)
    style, strength = given.pop("style", None), given.pop("strength", None)
    if style is not None and not (isinstance(style, str) and style):
        raise SettingError(SETTING, f"style of '{name}' cannot be {style!r}", "give a style, as in render")
    options = validated(SETTING, name, kind.schema, given, as_words=isinstance(value, str))
    return RegionChoice(name, options, style, None if strength is None else _strength(name, strength))


def _strength(name: str, given: Any) -> float:
    try:
        found = float(given)
    except (TypeError, ValueError):
        found = -1.0
    if isinstance(given, bool) or not 0 <= found <= 1:
        raise SettingError(SETTING, f"strength of '{name}' cannot be {given!r}", "give 0 to 1")
    return found


def regions_from(values: Any) -> tuple[RegionChoice, ...]:
    """Regions from what a user wrote: a list, or one.

    Raises:
        SettingError: as ``region_from`` does.
    """
    return tuple(map(region_from, listed(values)))


def make_region(choice: RegionChoice) -> Region[Any]:
    """The region of a choice, not opened."""
    kind = kind_of(choice.kind)
    return kind(kind.schema.model_validate(dict(choice.options)))


def make_mask(choice: RegionChoice) -> RegionMask:
    """The mask of a choice, not opened."""
    return RegionMask(make_region(choice))
