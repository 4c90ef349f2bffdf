"""The entry point of the command line: runs the verb, and turns errors into one line and an exit code."""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import json
import logging
import os
import sys
from collections.abc import Sequence

from videostyle.cli.colour import RED, coloured
from videostyle.cli.messages import Formatter, message, without_hint
from videostyle.cli.parser import parse
from videostyle.cli.standard import keep_streams
from videostyle.errors import DeviceError, Interrupted, Mistakes, OutputError, VideostyleError
from videostyle.inference.startup import VARIABLE
from videostyle.version import __version__


def _version() -> str:
    """Versions of the program and of the two FFmpegs inside it."""
    from videostyle.media.ffmpeg.process import version
    from videostyle.media.opencv import load_cv2

    lines = [f"videostyle {__version__}"]
    try:
        cv2 = load_cv2()
        build = [
            line.split(":", 1)[1].strip() for line in cv2.getBuildInformation().splitlines() if "avformat:" in line
        ]
        lines.append(f"OpenCV {cv2.__version__} (reads with libavformat {build[0] if build else 'none'})")
        lines.append(version())
    except VideostyleError as error:
        lines.append(str(error))
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    try:
        code = _run(words)
        sys.stdout.flush()  # what cannot be printed is an error like others
        return code
    except VideostyleError as error:
        if debug:
            raise
        return _refused(error, words)
    except ImportError as error:
        if debug:
            raise
        problem = DeviceError(
            "a library cannot be loaded", str(error), "'videostyle doctor' says which, and what to do"
        )
        return _refused(problem, words)
    except KeyboardInterrupt:
        return _refused(Interrupted("stopped", hint="the same command begins again"), words)
    except Exception as error:
        if debug:
            raise
        bug = f"this is a bug: {type(error).__name__}: {error}"
        return _refused(VideostyleError(bug, hint="please report it, with what --debug adds"), words)


def _refused(error: VideostyleError, words: Sequence[str]) -> int:
    """Prints what went wrong, a line for each mistake, and with --json as an object; returns the exit code."""
    errors = error.errors if isinstance(error, Mistakes) else (error,)
    for one in errors:
        print(f"{coloured('videostyle:', RED, sys.stderr)} {message(one)}", file=sys.stderr)
    if "--json" in words:
        rows = [{"error": without_hint(one), "hint": message(one.hint), "exit_code": one.exit_code} for one in errors]
        print(json.dumps({**rows[0], **({"errors": rows} if len(rows) > 1 else {})}))
        with contextlib.suppress(OutputError):  # the error itself matters more
            sys.stdout.flush()
    return error.exit_code


def _run(words: Sequence[str]) -> int:
    options, parser = parse(words)
    if options.version:
        print(_version())
        return 0
    if options.verb is None:
        parser.print_help()
        return 2
    if getattr(options, "backend", None):
        os.environ[VARIABLE] = options.backend
    level = "error" if options.quiet else options.log_level
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter("%(levelname)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    return int(importlib.import_module(f"videostyle.cli.{options.verb}").run(options) or 0)


def entry() -> None:
    """The console script.

    A library may end the process by a signal, as TensorFlow does on a processor that lacks instructions for which it
    was built. faulthandler then prints where Python was. It writes to a copy of stderr, because stderr itself is held
    back while TensorFlow is loaded.
    """
    keep_streams()
    with contextlib.suppress(OSError):  # there may be no stderr
        faulthandler.enable(os.dup(2))
    sys.exit(main())
