"""``videostyle help``: prints the Markdown pages in ``videostyle/docs``.

A page begins with its title, such as ``# Exit codes``, and a first paragraph of one line that says what it is about.
The list of topics shows that line.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from videostyle.cli.parser import VERBS
from videostyle.errors import UsageError, suggestion

PAGES = Path(__file__).resolve().parent.parent / "docs"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("topic", nargs="?", metavar="TOPIC", help="what to explain (default: list the topics)")


def topics() -> dict[str, Path]:
    """The page of each topic."""
    return {path.stem: path for path in sorted(PAGES.glob("*.md"))}


def summary(page: Path) -> str:
    """The first paragraph below the title of a page, as one line."""
    paragraphs = page.read_text(encoding="utf-8").split("\n\n")
    return " ".join(paragraphs[1].split()) if len(paragraphs) > 1 else ""


def run(options: argparse.Namespace) -> int:
    """Prints a page, or the list of them.

    Raises:
        UsageError: if there is no such topic.
    """
    pages = topics()
    if options.topic is None:
        lines = {topic: summary(page) for topic, page in pages.items()}
        if options.json:
            print(json.dumps({"topics": lines}))
            return 0
        width = max(map(len, lines), default=0)
        for topic, line in lines.items():
            print(f"{topic:{width}}  {line}")
        return 0
    page = pages.get(options.topic.lower().replace(" ", "-").removesuffix(".md"))
    if page is None:
        raise _unknown(options.topic, list(pages))
    text = page.read_text(encoding="utf-8")
    print(json.dumps({"topic": page.stem, "text": text}) if options.json else text.rstrip())
    return 0


def _unknown(topic: str, known: list[str]) -> UsageError:
    if topic in VERBS:
        return UsageError(f"'{topic}' is a verb, not a topic", hint=f"'videostyle {topic} --help' explains it")
    return UsageError(f"no topic '{topic}'", hint=suggestion(topic, known))
