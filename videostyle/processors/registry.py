"""The processors that can be named: those of this package, and those that installed packages offer.

A package offers a processor as an entry point of the group ``videostyle.processors``. Nothing else is ever imported:
neither a path nor a module that a user names.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from videostyle.errors import SettingError, suggestion
from videostyle.processors.options import changed, listed, split_words, validated
from videostyle.processors.protocol import Configured

GROUP = "videostyle.processors"
STYLE = "style"  # the processor that paints
SETTING = "processors"  # the name of the setting that holds a chain
# name -> module of this package, and class in it
OWN = {
    STYLE: "painting:Painting",
    "anonymize": "anonymize:Anonymize",
    "compare": "compare:Compare",
    "degrain": "degrain:Degrain",
    "grain": "grain:Grain",
    "lightness": "lightness:Lightness",
    "preserve-color": "preserve_color:PreserveColor",
    "protect": "protect:Protect",
    "sharpen": "sharpen:Sharpen",
    "simplify": "simplify:Simplify",
    "stabilize": "stabilize:Stabilize",
}


@dataclass(frozen=True)
class Offer:
    """A processor that can be named.

    Attributes:
        name: how it is named.
        package: the package that offers it, with its version; "" for this one.
        point: what to load.
    """

    name: str
    package: str
    point: EntryPoint | str

    def load(self) -> type[Configured[Any]]:
        """The class.

        Raises:
            SettingError: if it cannot be loaded, or is no processor.
        """
        try:
            if isinstance(self.point, str):
                module, name = self.point.split(":")
                found = getattr(importlib.import_module(f"videostyle.processors.{module}"), name)
            else:
                found = self.point.load()
        except Exception as error:  # a package of somebody else may fail in any way
            why = f"'{self.name}' of {self.package or 'videostyle'} cannot be loaded: {error}"
            raise SettingError(SETTING, why, "mend or remove that package") from error
        if not (isinstance(found, type) and issubclass(found, Configured)):
            why = f"'{self.name}' of {self.package} is no processor"
            raise SettingError(SETTING, why, "its class must be made from videostyle.processors.protocol.Configured")
        return found


@dataclass(frozen=True)
class Choice:
    """A processor with its options, as a user chose it.

    Attributes:
        name: of the processor.
        options: all of its options, as values that JSON has.
    """

    name: str
    options: Mapping[str, Any]

    def __str__(self) -> str:
        chosen = changed(self.options, default_options(self.name))
        return self.name + (":" + ",".join(chosen) if chosen else "")

    def values(self) -> dict[str, Any]:
        """As JSON: what ``choice_from`` takes again."""
        return {"name": self.name, **self.options}


@lru_cache(maxsize=1)
def offers() -> dict[str, Offer]:
    """All processors that can be named, those of this package first.

    A name that this package uses cannot be taken by another; of two packages that offer one name, neither counts.
    """
    found = {name: Offer(name, "", place) for name, place in OWN.items()}
    others: dict[str, list[Offer]] = {}
    for point in entry_points(group=GROUP):
        package = f"{point.dist.name} {point.dist.version}" if point.dist is not None else "an unknown package"
        others.setdefault(point.name, []).append(Offer(point.name, package, point))
    for name, several in sorted(others.items()):
        if name not in found and len({offer.point for offer in several}) == 1:
            found[name] = several[0]
    return found


def find(name: str) -> Offer:
    """The processor of that name.

    Raises:
        SettingError: if there is none; the hint suggests a similar name, or lists all names.
    """
    own = OWN.get(name)  # known without a look at all installed packages
    offer = Offer(name, "", own) if own is not None else offers().get(name)
    if offer is None:
        raise SettingError(SETTING, f"no processor '{name}'", suggestion(name, offers()))
    return offer


def default_options(name: str) -> dict[str, Any]:
    """The options of a processor as they are if a user says nothing."""
    return find(name).load().schema().model_dump(mode="json")


def choice_from(value: Any) -> Choice:
    """A choice from what a user wrote.

    Args:
        value: "sharpen:amount=0.5" as on the command line, {"name": "sharpen", "amount": 0.5} as in a job file, or a
            choice.

    Raises:
        SettingError: if there is no such processor, or it cannot have such options.
    """
    if isinstance(value, Choice):
        value = value.values()
    if isinstance(value, str):
        name, words = split_words(value, SETTING, "sharpen:amount=0.5,radius=2")
        return Choice(name, validated(SETTING, name, find(name).load().schema, words, as_words=True))
    if isinstance(value, Mapping) and isinstance(value.get("name"), str):
        name = value["name"]
        given = {key: item for key, item in value.items() if key != "name"}
        return Choice(name, validated(SETTING, name, find(name).load().schema, given))
    raise SettingError(SETTING, f"cannot use {value!r}", "give a name, or a table with name = and options")


def chain_from(values: Any) -> tuple[Choice, ...]:
    """Choices from what a user wrote: a list, or one.

    Raises:
        SettingError: as ``choice_from`` does.
    """
    return tuple(map(choice_from, listed(values)))


def make(choice: Choice) -> Configured[Any]:
    """The processor of a choice, not opened.

    Raises:
        SettingError: if it cannot be made.
    """
    kind = find(choice.name).load()
    return kind(kind.schema.model_validate(dict(choice.options)))
