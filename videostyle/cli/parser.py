"""The parser of the command line: verbs, options common to all of them, and messages about mistakes."""

from __future__ import annotations

import argparse
import importlib
import math
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from videostyle.errors import UsageError, suggestion

# verb -> what it does. Its module in this package, of the same name, has ``configure(parser)`` and ``run(options)``.
VERBS = {
    "render": "paint a video, a picture, a folder of pictures or an image sequence",
    "live": "paint a camera, a network stream or a file while it plays",
    "studio": "open a page to look at clips painted, to choose, and to start renders and trainings",
    "preview": "paint a frame of a clip in all styles, or at five strengths, as one picture",
    "batch": "paint many clips in many styles, from folders or a job file, going on past clips that fail",
    "train": "make a style from a painting",
    "styles": "list, show, add, rename, remove, verify or explain styles",
    "processors": "list or show the steps of the frame chain, such as sharpening",
    "evaluate": "measure flicker, style and content of a painted video beside its original",
    "bench": "measure the speed of this machine, and keep the fastest way to compute for later renders",
    "export": "write a style as a program for other software: ONNX, LiteRT or SavedModel",
    "inspect": "show what is in a file, and whether videostyle painted it",
    "doctor": "check what works on this machine, and say how to mend what does not",
    "help": "explain a topic, such as exit codes",
    "complete": "let a shell complete verbs, options and names of styles",
}


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number") from None


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number")
    return value + 0.0  # -0 is 0


class Parser(argparse.ArgumentParser):
    """A parser that raises an error of one line instead of printing all options."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.register("type", int, _whole)
        self.register("type", float, _number)

    def error(self, message: str) -> NoReturn:
        """Refuses the command line.

        Raises:
            UsageError: always.
        """
        raise UsageError(message, hint=f"'{self.prog} --help' lists what there is")


def parse(words: Sequence[str]) -> tuple[argparse.Namespace, argparse.ArgumentParser]:
    """Reads a command line.

    Only the module of the verb that is named is imported, so that ``--help`` comes at once.

    Returns:
        The options, with ``verb`` None where none was named, and the parser of all verbs.

    Raises:
        UsageError: if there is no such verb or option, or a value cannot be read.
        SystemExit: after the help that was asked for.
    """
    parser = Parser(
        prog="videostyle",
        description="Paints video in the style of a painting, frame after frame, without flicker.",
        epilog="'videostyle VERB --help' lists the options of a verb, 'videostyle help' the topics that are explained.",
    )
    parser.add_argument("-V", "-v", "--version", action="store_true", help="print versions and exit")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser)
    named = next((word for word in words if not word.startswith("-")), None)
    if named is not None and named not in VERBS:
        raise UsageError(f"no verb '{named}'", hint=suggestion(named, VERBS))
    children = {}
    for name, text in VERBS.items():
        children[name] = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if name == named:
            importlib.import_module(f"videostyle.cli.{name}").configure(children[name])
            _add_common(children[name])
    options, unknown = parser.parse_known_args(words)
    if unknown:
        raise _unknown(unknown[0], children[options.verb] if options.verb else parser)
    return options, parser


def parser_of(verb: str) -> argparse.ArgumentParser:
    """The parser of one verb."""
    parser = Parser(prog=f"videostyle {verb}")
    importlib.import_module(f"videostyle.cli.{verb}").configure(parser)
    _add_common(parser)
    return parser


def _unknown(word: str, parser: argparse.ArgumentParser) -> UsageError:
    if not word.startswith("-"):
        return UsageError(f"cannot place '{word}'", f"'{parser.prog}' takes no more arguments", "leave it out")
    known = dict.fromkeys(re.findall(r"^  (?:-\w.*?, )?(--[a-z][a-z-]*)", parser.format_help(), re.MULTILINE))
    hint = suggestion(word.split("=")[0], known)
    if hint.startswith("there are"):
        hint = f"'{parser.prog} --help' lists what there is"
    return UsageError(f"'{parser.prog}' has no option '{word}'", hint=hint)


def _add_common(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("messages")
    group.add_argument("-q", "--quiet", action="store_true", help="print no progress and no warnings")
    group.add_argument(
        "--json", action="store_true", help="print the result as one JSON object, on the last line of stdout"
    )
    group.add_argument(
        "--log-level",
        default="warning",
        choices=["debug", "info", "warning", "error"],
        help="which messages are printed on stderr (default: warning)",
    )
    group.add_argument(
        "-v", "--verbose", dest="log_level", action="store_const", const="info", help="the same as --log-level info"
    )
    group.add_argument("--debug", action="store_true", help="show the Python traceback of an error")
