"""The command line: finds the verb, runs it, turns errors into one line and an exit code."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence

from videostyle import __version__
from videostyle.errors import DeviceError, SettingError, VideostyleError

# verb -> what it does; the module of the same name in this package has `configure(parser)` and `run(options)`.
VERBS = {
    "render": "paint a video, a still, a folder of pictures or an image sequence",
    "live": "paint a camera, a stream or a file as it comes",
    "batch": "paint a folder or a job file: clips x styles, going on past what fails",
    "train": "make a style from a painting",
    "styles": "list, show, add, remove, verify, explain styles",
    "evaluate": "temporal and perceptual figures of a painted video, beside the original's",
    "bench": "this machine's frames a second, stage by stage, and the best way to compute on it",
    "export": "a style as a program for other software: ONNX, LiteRT, SavedModel",
    "inspect": "what is in a file, and was it painted by videostyle",
    "doctor": "what works on this machine, and what to do about what does not",
}


def _version() -> str:
    """Versions of the program and of the two FFmpegs inside it."""
    from videostyle.media.ffmpeg import process as ffmpeg
    from videostyle.media.opencv import load_cv2

    lines = [f"videostyle {__version__}"]
    try:
        cv2 = load_cv2()
        build = [
            line.split(":", 1)[1].strip() for line in cv2.getBuildInformation().splitlines() if "avformat:" in line
        ]
        lines.append(f"OpenCV {cv2.__version__} (reads with libavformat {build[0] if build else 'none'})")
        lines.append(ffmpeg.version())
    except VideostyleError as error:
        lines.append(str(error))
    return "\n".join(lines)


def _parser(verb: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="videostyle",
        description="Paints video in the style of a painting, frame after frame, without flicker.",
        epilog="'videostyle VERB --help' tells more about a verb.",
    )
    parser.add_argument("-V", "--version", action="store_true", help="print versions and exit")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    for name, text in VERBS.items():
        child = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if name == verb:
            importlib.import_module(f"videostyle.cli.{name}").configure(child)
            _add_common(child)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("messages")
    group.add_argument("-q", "--quiet", action="store_true", help="no progress, no warnings")
    group.add_argument("--json", action="store_true", help="one JSON object on the last line of stdout")
    group.add_argument("--log-level", default="warning", choices=["debug", "info", "warning", "error"])
    group.add_argument("--debug", action="store_true", help="show the traceback of an error")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    verb = next((word for word in words if word in VERBS), None)
    parser = _parser(verb)
    options = parser.parse_args(words)
    if options.version:
        print(_version())
        return 0
    if options.verb is None:
        parser.print_help()
        return 2
    level = "error" if options.quiet else options.log_level
    logging.basicConfig(level=level.upper(), format="%(levelname)s: %(message)s", stream=sys.stderr)
    # What TensorFlow tells of its build is of no use to somebody who paints.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    try:
        return int(importlib.import_module(f"videostyle.cli.{options.verb}").run(options) or 0)
    except VideostyleError as error:
        if options.debug:
            raise
        if isinstance(error, SettingError):
            error.what = "--" + error.setting.replace("_", "-")
        print(f"videostyle: {error}", file=sys.stderr)
        return error.exit_code
    except ImportError as error:
        if options.debug:
            raise
        problem = DeviceError("a library cannot be loaded", str(error), "run 'videostyle doctor'")
        print(f"videostyle: {problem}", file=sys.stderr)
        return problem.exit_code
    except KeyboardInterrupt:
        print("videostyle: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Somebody read as much of our output as they wanted; nothing may complain at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if options.debug:
            raise
        print(f"videostyle: this is a bug: {type(error).__name__}: {error} (--debug shows more)", file=sys.stderr)
        return 1


def entry() -> None:
    """The console script."""
    sys.exit(main())
