"""Every error that a user can meet says what to do about it, in words that suit Python and the command line."""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Iterator
from pathlib import Path

from videostyle import errors
from videostyle.cli.messages import OTHERWISE, SETTING, Formatter, message
from videostyle.cli.parser import VERBS, parser_of
from videostyle.errors import SettingError

PACKAGE = Path(__file__).parent.parent / "videostyle"
KINDS = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.VideostyleError)
} - {"Mistakes"}  # these have their own

NAME_OPTIONS = {
    *("media/ffmpeg/argv.py", "media/ffmpeg/codecs.py", "media/writers/ffmpeg_copy.py"),
    *("studio/painting/choices.py", "studio/routes/jobs.py"),
}
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _made(path: Path) -> Iterator[ast.Call]:
    """Where errors of ours are made in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS:
            yield node


def test_every_error_has_a_hint() -> None:
    without = [
        f"{path.relative_to(PACKAGE)}:{call.lineno}: {ast.unparse(call)}"
        for path in PACKAGE.rglob("*.py")
        for call in _made(path)
        if len(call.args) < 3 and not any(keyword.arg == "hint" for keyword in call.keywords)
    ]
    assert without == []


def test_the_library_names_no_options_of_the_command_line() -> None:
    """It names settings in backticks; the command line makes options of them (``cli.messages``)."""
    option = re.compile(r"(?:^| |(?<!var)\()(?:--[a-z][a-z-]+|-[oy])(?![\w-])")  # var() belongs to style sheets
    found = [
        f"{path.relative_to(PACKAGE)}:{text.lineno}: {text.value}"
        for path in PACKAGE.rglob("*.py")
        # These name options of ffmpeg, or make commands.
        if "cli" not in path.parts and path.relative_to(PACKAGE).as_posix() not in NAME_OPTIONS
        for made in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(made, (ast.Call, ast.Assign))
        for text in ast.walk(made)
        if isinstance(text, ast.Constant) and isinstance(text.value, str) and option.search(text.value)
    ]
    # The card of a style says by which command it was made, and pip has options of its own.
    others = re.compile(r": (videostyle render --style PICTURE|pip install .*)$")
    assert [text for text in found if not others.search(text)] == []


def test_every_setting_that_a_message_names_is_an_option() -> None:
    """So that what a message tells to do can be done."""
    known = {option for verb in VERBS for action in parser_of(verb)._actions for option in action.option_strings}
    options = {option.removeprefix("--").replace("-", "_") for option in known}
    options |= {setting for setting, option in OTHERWISE.items() if option in known}
    options |= {"styles", "settings"}  # a key of job files, and a field that the studio takes
    unknown = []
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documented = {ast.get_docstring(n, clean=False) for n in ast.walk(tree) if isinstance(n, DOCUMENTED)}
        texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        named = {name for text in texts if text not in documented for name in SETTING.findall(text)}
        for call in _made(path):
            if isinstance(call.func, ast.Name) and call.func.id == "SettingError" and call.args:
                named |= {call.args[0].value} if isinstance(call.args[0], ast.Constant) else set()
        unknown += [f"{path.relative_to(PACKAGE)}: {name}" for name in named - options]
    assert unknown == []


def test_the_command_line_names_options() -> None:
    assert message("use `max_size`, or `overwrite`") == "use --max-size, or --overwrite"
    assert message(SettingError("max_size", "8 is too small")) == "--max-size: 8 is too small"
    assert message("`Max_size` and `a b` are no settings") == "`Max_size` and `a b` are no settings"
    line = Formatter("%(levelname)s: %(message)s").format(
        logging.LogRecord("videostyle", logging.WARNING, "", 0, "use `%s`", ("fps",), None)
    )
    assert line == "WARNING: use --fps"
