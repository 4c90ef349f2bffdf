"""``videostyle styles``: lists, shows, adds, renames, removes, verifies and explains styles."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle.cli.messages import message
from videostyle.errors import ModelError, OutputError, SettingError, UsageError

if TYPE_CHECKING:
    from videostyle.styles.gallery import Entry

ACTIONS = {
    "list": "the names of all styles",
    "show": "what a style was made of and with",
    "add": "keep a style file under a name",
    "rename": "give a style of yours another name",
    "remove": "delete a style of yours",
    "verify": "read a style, or all of them, and say which are damaged",
    "explain": "a picture of what a style does to a scene, layer by layer",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument(
        "action",
        choices=list(ACTIONS),
        metavar="ACTION",
        help="; ".join(f"{action}: {text}" for action, text in ACTIONS.items()),
    )
    parser.add_argument(
        "style", nargs="?", metavar="STYLE", help="a style's name or file; list needs none, and verify takes all then"
    )
    parser.add_argument("new_name", nargs="?", metavar="NEW", help="with rename: the new name")
    parser.add_argument("--name", help="with add: the name to keep it under (default: the file's)")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE.png",
        help="with explain: the picture to write (default: STYLE_explained.png)",
    )
    parser.add_argument(
        "--painting",
        type=Path,
        metavar="PICTURE",
        help="with explain: the painting, to show how far each layer is from it (default: the painted scene alone)",
    )
    parser.add_argument(
        "--sheet",
        type=Path,
        metavar="FILE.png",
        help="with list: write a picture that shows what each style makes of a scene",
    )
    parser.add_argument(
        "--scene",
        type=Path,
        metavar="PICTURE",
        help="with explain and --sheet: the picture to paint (default: one that ships with videostyle)",
    )
    parser.add_argument(
        "-y",
        "--overwrite",
        action="store_true",
        help="with add, rename, explain and --sheet: replace what exists already",
    )


def run(options: argparse.Namespace) -> int:
    """Does one of ``ACTIONS``."""
    if options.action not in ("list", "verify") and not options.style:
        raise UsageError(f"styles {options.action} needs a style", hint="'videostyle styles list' shows their names")
    if options.new_name and options.action != "rename":
        raise UsageError(
            f"cannot place '{options.new_name}'", f"styles {options.action} takes one style", "leave it out"
        )
    actions = {
        "list": _list,
        "show": _show,
        "add": _add,
        "rename": _rename,
        "remove": _remove,
        "verify": _verify,
        "explain": _explain,
    }
    return actions[options.action](options)


def _list(options: argparse.Namespace) -> int:
    from videostyle.styles import gallery
    from videostyle.styles.style_file import load_style

    if options.sheet is not None:
        _check_sheet(options)
    rows = []
    for entry in gallery.entries():
        try:
            card = load_style(entry.path).card
            about = {"painting": card.painting, "artist": card.artist, "year": card.year}
        except ModelError as error:
            about = {"painting": f"broken: {error.why}", "artist": "", "year": ""}
        rows.append({"name": entry.name, **about, "bundled": entry.bundled})
    if options.sheet is not None:
        _sheet(options)
    if options.json:
        print(json.dumps(rows))
        return 0
    width = max([len(str(row["name"])) for row in rows], default=4)
    for row in rows:
        by = ", ".join(str(row[key]) for key in ("artist", "year") if row[key])
        whose = "" if row["bundled"] else "  [yours]"
        print(f"{row['name']:{width}}  {row['painting']}{f' ({by})' if by else ''}{whose}")
    return 0


def _check_sheet(options: argparse.Namespace) -> None:
    from videostyle.media.atomic import vet_output

    if options.sheet.suffix.lower() != ".png":
        raise SettingError("sheet", f"'{options.sheet}' is not a PNG file", "give a name that ends in .png")
    vet_output(options.sheet, overwrite=options.overwrite)


def _sheet(options: argparse.Namespace) -> None:
    """Writes what each style makes of a picture, side by side with their names."""
    from videostyle.api import Stylizer
    from videostyle.cli.progress import Bars
    from videostyle.inference.startup import backend_title
    from videostyle.media.readers.pictures import read_picture
    from videostyle.media.writers.images import write_png
    from videostyle.metrics.sheet import contact_sheet, small
    from videostyle.styles import gallery
    from videostyle.styles.style_file import load_style
    from videostyle.training.session import sample_content

    scene = small(read_picture(options.scene or sorted(sample_content().iterdir())[0]))
    cells = [("unpainted", scene)]
    entries = gallery.entries()
    with Bars(options.quiet) as bars:
        bars.note(f"loading {backend_title()}")
        for entry in entries:
            try:
                cells.append((entry.name, Stylizer(load_style(entry.path))(scene)))
            except ModelError as error:
                bars.say(f"warning: {message(error)}")
            bars("styles", 1, len(entries))
    write_png(options.sheet, contact_sheet(cells))


def _show(options: argparse.Namespace) -> int:
    from videostyle.styles.card import arrays_sha256
    from videostyle.styles.resolve import find_style

    style = find_style(options.style)
    card = {
        **asdict(style.card),
        "parameters": style.architecture.parameters,
        "weights_sha256": arrays_sha256(style.weights),
    }
    if options.json:
        print(json.dumps(card))
        return 0
    for key, value in card.items():
        if isinstance(value, dict):
            value = ", ".join(f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}" for k, v in value.items())
        if value != "":
            print(f"{key.replace('_', ' '):16} {value}")
    return 0


def _add(options: argparse.Namespace) -> int:
    from videostyle.styles import gallery
    from videostyle.styles.style_file import load_style

    source = Path(options.style)
    load_style(source)  # nothing that cannot be used is kept
    target = gallery.place_for(options.name or source.stem, overwrite=options.overwrite)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
        shutil.copyfile(source, temporary)
        os.replace(temporary, target)
    except OSError as error:
        raise OutputError(
            f"cannot keep the style in '{target.parent}'",
            error.strerror or str(error),
            "VIDEOSTYLE_HOME names another folder for styles",
        ) from error
    print(target)
    return 0


def _own(name: str) -> Entry:
    """The user's own style of that name.

    Raises:
        ModelError: if there is none.
        UsageError: if it comes with the program.
    """
    from videostyle.styles import gallery
    from videostyle.styles.resolve import unknown_style

    entry = next((e for e in gallery.entries() if e.name == name), None)
    if entry is None:
        raise unknown_style(name)
    if entry.bundled:
        raise UsageError(
            f"the style '{entry.name}' comes with videostyle", hint="only styles of your own can be changed"
        )
    return entry


def _rename(options: argparse.Namespace) -> int:
    from videostyle.styles import gallery
    from videostyle.styles.card import Style
    from videostyle.styles.style_file import load_style, save_style

    entry = _own(options.style)
    name = options.new_name
    if not name:
        raise UsageError("no new name is given", hint="as in 'videostyle styles rename OLD NEW'")
    target = gallery.place_for(name, overwrite=options.overwrite)
    style = load_style(entry.path)
    save_style(Style(replace(style.card, name=name), style.weights), target)
    entry.path.unlink()
    print(target)
    return 0


def _remove(options: argparse.Namespace) -> int:
    entry = _own(options.style)
    try:
        entry.path.unlink()
    except OSError as error:
        raise OutputError(
            f"cannot remove '{entry.path}'", error.strerror or str(error), "look who may write into its folder"
        ) from error
    return 0


def _verify(options: argparse.Namespace) -> int:
    from videostyle.styles import gallery
    from videostyle.styles.resolve import is_file, unknown_style
    from videostyle.styles.style_file import load_style

    names = [options.style] if options.style else [entry.name for entry in gallery.entries()]
    bad = 0
    rows = []
    for name in names:
        try:
            entry = None if is_file(name) else gallery.find_entry(name)
            if entry is None and not is_file(name):
                raise unknown_style(name)
            style = load_style(entry.path if entry else name)
            foreign = "ok, but made from another base: it paints at full strength only, and cannot be mixed"
            verdict = "ok" if gallery.is_child(style) else foreign
        except ModelError as error:
            verdict, bad = message(error), bad + 1
        rows.append({"name": name, "verdict": verdict})
        if not options.json:
            print(f"{name}: {verdict}")
    if options.json:
        print(json.dumps(rows))
    return ModelError.exit_code if bad else 0


def _explain(options: argparse.Namespace) -> int:
    from videostyle.cli.progress import Bars
    from videostyle.inference.startup import backend_title, load_backend
    from videostyle.media.atomic import vet_output
    from videostyle.media.readers.pictures import read_picture
    from videostyle.styles.resolve import resolve
    from videostyle.training.session import sample_content

    style = resolve(options.style)
    scene = read_picture(options.scene or sorted(sample_content().iterdir())[0])
    painting = read_picture(options.painting) if options.painting else None
    output = options.output or Path(f"{style.card.name or 'style'}_explained.png")
    if output.suffix.lower() != ".png":
        raise SettingError("output", f"'{output}' is not a PNG file", "give a name that ends in .png")
    vet_output(output, overwrite=options.overwrite)
    with Bars(options.quiet) as bars:
        bars.note(f"loading {backend_title()}")
        load_backend(frames_side_by_side=True)
        from videostyle.api import Stylizer
        from videostyle.metrics.explain import explain
        from videostyle.network import loss_network
        from videostyle.training.style_objective import LossWeights

        bars.note("painting a scene, and comparing its layers", logged=False)
        painted = Stylizer(style)(scene[None])[0]
        weights = style.card.loss_weights or asdict(LossWeights())
        figures = explain(loss_network.load(), scene, painted, painting, weights, output)
    if options.json:
        print(json.dumps({"output": str(output), "losses": figures}))
        return 0
    if not figures:
        print("with --painting PICTURE this shows what each layer contributes to the loss", file=sys.stderr)
    for layer, values in figures.items():
        print(f"{layer:8} " + ", ".join(f"{key} {value:.4f}" for key, value in values.items()))
    print(output)
    return 0
