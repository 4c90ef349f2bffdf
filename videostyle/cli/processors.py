"""``videostyle processors``: lists the steps of the frame chain that can be named, or shows the options of one."""

from __future__ import annotations

import argparse
import inspect
import json
from typing import TYPE_CHECKING, Any

from videostyle.errors import SettingError, UsageError

if TYPE_CHECKING:
    from videostyle.processors.protocol import Configured
    from videostyle.processors.registry import Offer

ACTIONS = {"list": "the names of all processors", "show": "what one does and needs, and its options"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument(
        "action",
        choices=list(ACTIONS),
        metavar="ACTION",
        help="; ".join(f"{action}: {text}" for action, text in ACTIONS.items()),
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="with show: the processor")


def run(options: argparse.Namespace) -> int:
    """Lists the processors, or shows one."""
    if options.action == "list":
        return _list(options)
    if not options.name:
        raise UsageError("processors show needs a name", hint="'videostyle processors list' shows them")
    return _show(options)


def _list(options: argparse.Namespace) -> int:
    from videostyle.processors.registry import offers

    rows = [_row(offer) for offer in offers().values()]
    if options.json:
        print(json.dumps({"processors": rows}))
        return 0
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        package = f" ({row['package']})" if row["package"] else ""
        print(f"{row['name']:{width}}  {row['text']}{package}")
    return 0


def _row(offer: Offer) -> dict[str, Any]:
    try:
        text = _summary(offer.load())
    except SettingError as error:  # one of somebody else's that fails hides no other
        text = error.why
    return {"name": offer.name, "text": text, "package": offer.package}


def _summary(kind: type[Configured[Any]]) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0].rstrip(".")


def _show(options: argparse.Namespace) -> int:
    from videostyle.processors.options import range_of
    from videostyle.processors.registry import find

    offer = find(options.name)
    kind = offer.load()
    needs = kind(kind.schema()).needs
    rows = [
        {"name": name, "can_be": range_of(kind.schema, name), "default": field.default, "text": field.description}
        for name, field in kind.schema.model_fields.items()
    ]
    if options.json:
        data = {**_row(offer), "place": needs.place, "history": needs.history, "lookahead": needs.lookahead}
        data |= {"stateful": needs.stateful, "chunkable": needs.chunkable, "original": needs.original}
        data |= {"resizes": needs.resizes, "device": needs.device, "options": rows}
        print(json.dumps(data, default=str))
        return 0
    print(f"{offer.name}: {_summary(kind)}.")
    if offer.package:
        print(f"from the package {offer.package}")
    for row in rows:
        print(f"\n{row['name']} = {row['default']}  ({row['can_be']})\n    {row['text']}")
    if not rows:
        print("\nIt has no options.")
    said = {
        f"{needs.history} frames before": needs.history,
        f"{needs.lookahead} frames behind": needs.lookahead,
        "the clip undivided": not needs.chunkable,
        "the clip's own frames": needs.original,
        "to be the last to see them": needs.hides,
    }
    found = [text for text, needed in said.items() if needed]
    place = "" if offer.name == "style" else f"\nIt belongs {needs.place} the painting."
    print(place + (f" It needs {', '.join(found)}." if found else ""))
    return 0
