"""``videostyle studio``: opens a page on this machine to look at clips painted, to choose, and to start renders."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import threading
from collections.abc import Callable
from pathlib import Path

from videostyle.cli.options import add_backend_option
from videostyle.errors import DeviceError, SettingError


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument(
        "inputs", nargs="*", metavar="CLIP|FOLDER", help="a clip or a picture to open, or a folder to choose from"
    )
    parser.add_argument(
        "--folder",
        action="append",
        default=[],
        metavar="FOLDER",
        help="another folder that the page may see; may be given several times (default: none but those named)",
    )
    parser.add_argument(
        "--work",
        type=Path,
        metavar="FOLDER",
        help="where uploads, results and the queue of renders are kept (default: among your own styles' files)",
    )
    parser.add_argument("--port", type=int, default=0, metavar="N", help="port to listen on (default: any free one)")
    parser.add_argument(
        "--upload-limit", type=float, default=4.0, metavar="GB", help="largest upload in gigabytes (default: 4)"
    )
    parser.add_argument("--no-browser", action="store_true", help="print the address only, open no browser")
    add_backend_option(parser)


def run(options: argparse.Namespace) -> int:
    """Serves until it is interrupted."""
    if missing := [name for name in ("starlette", "uvicorn") if importlib.util.find_spec(name) is None]:
        raise DeviceError(f"the studio needs {' and '.join(missing)}", hint="pip install 'videostyle[studio]'")
    if not 0 <= options.port <= 65535:
        raise SettingError("port", f"cannot use port {options.port}", "give one from 1 to 65535, or 0 for any")
    if not 0 < options.upload_limit <= 10_000:
        raise SettingError("upload_limit", f"cannot use {options.upload_limit:g}", "give gigabytes above 0")
    from videostyle.studio.loading import load

    # While the rest is loaded, and the browser opens. What goes wrong is told when something is to be painted.
    threading.Thread(target=_quietly, args=(load,), daemon=True).start()
    from videostyle.studio.server import serve
    from videostyle.styles import gallery

    def on_ready(address: str) -> None:
        print(json.dumps({"address": address}) if options.json else address, flush=True)

    serve(
        [Path(path) for path in (*options.inputs, *options.folder)],
        options.work or gallery.home() / "studio",
        port=options.port,
        upload_limit=int(options.upload_limit * (1 << 30)),
        browser=not options.no_browser,
        on_ready=on_ready,
    )
    return 0


def _quietly(work: Callable[[], None]) -> None:
    with contextlib.suppress(ImportError, DeviceError):
        work()
