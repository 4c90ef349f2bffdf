"""``videostyle doctor``: tries everything that painting needs, and says how to repair what does not work."""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import platform
import signal
import sys
from collections.abc import Callable

from videostyle.cli.colour import GREEN, RED, coloured
from videostyle.cli.messages import message
from videostyle.cli.options import add_backend_option


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    add_backend_option(parser)


def _python() -> str:
    from videostyle.resources import usable_cores

    system = f"{platform.system()} {platform.machine()}"
    return f"{platform.python_version()} on {system}, {usable_cores()} of {os.cpu_count()} cores"


def _opencv() -> str:
    from videostyle.media.opencv import load_cv2

    return str(load_cv2().__version__)


def _ffmpeg() -> str:
    from videostyle.media.ffmpeg.codecs import HARDWARE
    from videostyle.media.ffmpeg.process import encoder_works, version

    found = [name for name in ("libx264", "libx265", "libsvtav1", "libvpx-vp9") if encoder_works(name)]
    if "libx264" not in found:
        raise RuntimeError(
            "this ffmpeg cannot encode H.264: pip install imageio-ffmpeg, or unset IMAGEIO_FFMPEG_EXE if that is set"
        )
    hardware = [name for name in HARDWARE if encoder_works(name)]
    return f"{version().split(' Copyright')[0]}; encodes with {', '.join(found + hardware)}"


def _ends_by(load: Callable[[], None]) -> str:
    """The name of the signal with which loading a library ends a process; "" if it does not.

    The library is loaded in another process, so that this one can report it.
    """
    child = multiprocessing.get_context("spawn").Process(target=load)
    child.start()
    child.join()
    return signal.Signals(-child.exitcode).name if child.exitcode is not None and child.exitcode < 0 else ""


def _backend() -> str:
    from videostyle.inference.startup import BACKENDS, backend_title, chosen_backend, installed_backends, load_backend

    title = backend_title()
    if chosen_backend() not in sys.modules and (name := _ends_by(load_backend)):
        raise RuntimeError(
            f"loading {title} ends the program ({name}): this processor probably lacks instructions that {title} "
            f"was built for, such as AVX: use another machine, or a {title} that was built for this one"
        )
    load_backend()
    from videostyle.inference.backends.current import backend
    from videostyle.inference.device import choose_device, choose_precision

    device, gpus = choose_device(), backend().accelerators()
    found = f"{title} {backend().version()} computes on {device} in {choose_precision('auto', device)}"
    found += f"; GPUs: {', '.join(gpus)}" if gpus else "; no GPU: 'videostyle help backends' says what each needs"
    others = [BACKENDS[name] for name in installed_backends() if BACKENDS[name] != title]
    return f"{found}; also installed: {', '.join(others)}" if others else found


def _tuning() -> str:
    from videostyle.inference import tuning
    from videostyle.inference.device import choose_device

    found = tuning.load(choose_device())
    if found is None:
        return "this machine was not measured: 'videostyle bench' finds its fastest batch size and precision"
    size = f"{found.size[0]}x{found.size[1]}"
    return (
        f"{found.precision}, {found.batch_pixels / 1e6:.2f} megapixels at once, {found.frames_per_second:.1f} frames/s "
        f"at {size} on {found.date[:10]} ({tuning.path()})"
    )


def _styles() -> str:
    from videostyle.network import loss_network
    from videostyle.network.architecture import NETWORKS
    from videostyle.styles import gallery
    from videostyle.styles.style_file import load_style

    for entry in gallery.entries():
        load_style(entry.path)
    for network in NETWORKS.values():
        gallery.base(network)
    loss_network.load()
    count = len(gallery.entries())
    return f"{count} styles, bases and loss network are whole; your styles are kept in {gallery.user_styles()}"


def _config() -> str:
    from videostyle.rendering.config import config_path, read_config

    values = ", ".join(f"{key} = {value}" for key, value in read_config().items())
    return f"{config_path()}: {values or 'none, so defaults hold; it may hold settings such as crf = 20'}"


def _memory() -> str:
    from videostyle.resources import available_memory

    free = available_memory() / 1e9
    if free < 1.5:
        raise RuntimeError(
            f"only {free:.1f} GB are free, and 1920x1080 needs about 1.5 GB: end other programs, or use --max-size"
        )
    return f"{free:.1f} GB are free (1920x1080 needs about 1.5 GB, 3840x2160 about 4 GB)"


def _display() -> str:
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return "none: only a window of 'videostyle live' needs one"
    return "there is one"


def _cameras() -> str:
    from videostyle.media.readers.camera import list_cameras

    return ", ".join(list_cameras()) or "none found: only 'videostyle live' needs one, if it has no --input"


CHECKS: dict[str, tuple[Callable[[], str], bool]] = {  # name -> check, and whether painting a file needs it
    "Python": (_python, True),
    "OpenCV": (_opencv, True),
    "ffmpeg": (_ffmpeg, True),
    "backend": (_backend, True),
    "tuning": (_tuning, False),
    "styles": (_styles, True),
    "config": (_config, True),
    "memory": (_memory, False),
    "display": (_display, False),
    "cameras": (_cameras, False),
}


def run(options: argparse.Namespace) -> int:
    """Tries everything; exits with 6 if painting a file would not work."""
    from videostyle.cli.progress import Bars

    rows, code = [], 0
    for name, (check, needed) in CHECKS.items():
        bars = Bars(options.quiet)
        with contextlib.suppress(ImportError):  # it may be tqdm that is missing
            bars.note(f"trying {name}", logged=False)
        try:
            rows.append({"what": name, "ok": True, "detail": check()})
        except Exception as error:  # of any kind: finding failures is the purpose of this verb
            rows.append({"what": name, "ok": False, "detail": message(error)})
            code = 6 if needed else code
        finally:
            bars.close()
        if not options.json:
            good = rows[-1]["ok"]
            word = coloured("ok  ", GREEN, sys.stdout) if good else coloured("FAIL", RED, sys.stdout)
            print(f"{word} {name:10} {rows[-1]['detail']}", flush=True)
    if options.json:
        print(json.dumps({"ok": code == 0, "checks": rows}))
    return code
