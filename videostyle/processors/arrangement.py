"""The order of a chain: where the painting stands, and what may stand where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from videostyle.errors import SettingError
from videostyle.processors.protocol import Configured
from videostyle.processors.registry import SETTING, STYLE, Choice, make


def arranged(choices: Sequence[Choice], behind: Sequence[Choice] = (), last: Sequence[Choice] = ()) -> list[Choice]:
    """A chain with the painting in it.

    Where the user does not name "style", it stands before the first processor that belongs behind it
    (``Needs.place``), or at the end.

    Args:
        choices: what the user chose, in order.
        behind: what else stands directly behind the painting.
        last: what else stands at the end.

    Raises:
        SettingError: if the processors cannot stand in this order.
    """
    chain = list(choices)
    for extra in (*behind, *last):
        if any(choice.name == extra.name for choice in chain):
            hint = f"give `{extra.name.replace('-', '_')}` or the processor"
            raise SettingError(SETTING, f"'{extra.name}' stands in the chain twice", hint)
    if not any(choice.name == STYLE for choice in chain):
        places = (n for n, choice in enumerate(chain) if make(choice).needs.place == "after")
        chain.insert(next(places, len(chain)), Choice(STYLE, {}))
    at = next(n for n, choice in enumerate(chain) if choice.name == STYLE) + 1
    chain = [*chain[:at], *behind, *chain[at:], *last]
    _check(chain, [make(choice) for choice in chain])
    return chain


def _check(chain: Sequence[Choice], processors: Sequence[Configured[Any]]) -> None:
    painted, resized, state, hides = False, "", "", ""
    for choice, processor in zip(chain, processors, strict=True):
        name, needs = choice.name, processor.needs
        if name == STYLE and painted:
            raise SettingError(SETTING, "'style' stands in the chain twice", "name it once")
        painted = painted or name == STYLE
        if needs.resizes and not painted:
            raise SettingError(SETTING, f"'{name}' changes the size of frames", "place it behind 'style'")
        if needs.original and resized:
            why = f"'{name}' compares with the clip, and '{resized}' has changed the size before it"
            raise SettingError(SETTING, why, f"place '{name}' before '{resized}'")
        if needs.original and hides:
            why = f"'{name}' shows frames of the clip itself, in which '{hides}' has hidden nothing"
            raise SettingError(SETTING, why, f"place '{hides}' behind '{name}', or leave one of them out")
        if needs.history and needs.around == "frames" and state:
            why = f"'{name}' looks back at frames of '{state}', which begins anew with every chunk"
            raise SettingError(SETTING, why, f"place '{name}' before '{state}'")
        resized = name if needs.resizes else resized
        state = name if needs.stateful else state
        hides = name if needs.hides else hides
