"""``videostyle styles``."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from videostyle.errors import ModelError, OutputError, UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("action", choices=["list", "show", "add", "remove", "verify", "explain"])
    parser.add_argument("style", nargs="?", help="a style's name or file; verify takes all if none is given")
    parser.add_argument("--name", help="add: the name to keep it under (default: the file's)")
    parser.add_argument(
        "-o", "--output", type=Path, help="explain: the picture to write (default: STYLE_explained.png)"
    )
    parser.add_argument("--painting", type=Path, help="explain: the painting (default: none, only painted frames)")
    parser.add_argument(
        "--scene", type=Path, help="explain: a picture to paint (default: one that ships with videostyle)"
    )
    parser.add_argument("-y", "--overwrite", action="store_true", help="add: replace a style of that name")


def run(options: argparse.Namespace) -> int:
    """Does one of the six."""
    if options.action not in ("list", "verify") and not options.style:
        raise UsageError(f"styles {options.action} needs a style")
    return {"list": _list, "show": _show, "add": _add, "remove": _remove, "verify": _verify, "explain": _explain}[
        options.action
    ](options)


def _list(options: argparse.Namespace) -> int:
    from videostyle.styles import gallery
    from videostyle.styles.style_file import load_style

    rows = []
    for entry in gallery.entries():
        try:
            card = load_style(entry.path).card
            rows.append(
                {
                    "name": entry.name,
                    "painting": card.painting,
                    "artist": card.artist,
                    "year": card.year,
                    "bundled": entry.bundled,
                }
            )
        except ModelError as error:
            rows.append(
                {
                    "name": entry.name,
                    "painting": f"broken: {error.why}",
                    "artist": "",
                    "year": "",
                    "bundled": entry.bundled,
                }
            )
    if options.json:
        print(json.dumps(rows))
        return 0
    width = max([len(str(row["name"])) for row in rows], default=4)
    for row in rows:
        by = ", ".join(str(row[key]) for key in ("artist", "year") if row[key])
        print(
            f"{row['name']:{width}}  {row['painting']}{f' ({by})' if by else ''}{'' if row['bundled'] else '  [yours]'}"
        )
    return 0


def _show(options: argparse.Namespace) -> int:
    from videostyle.styles import gallery
    from videostyle.styles.style_file import arrays_sha256

    style = gallery.load(options.style)
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
    name = options.name or source.stem
    if not gallery.NAME.fullmatch(name):
        raise UsageError(f"'{name}' cannot be a style's name", hint="use letters, digits, - and _; see --name")
    target = gallery.user_styles() / f"{name}{gallery.SUFFIX}"
    if target.exists() and not options.overwrite:
        raise UsageError(f"there is a style '{name}' already", hint="use --overwrite or --name")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
        shutil.copyfile(source, temporary)
        os.replace(temporary, target)
    except OSError as error:
        raise OutputError(f"cannot keep the style in '{target.parent}'", error.strerror or str(error)) from error
    print(target)
    return 0


def _remove(options: argparse.Namespace) -> int:
    from videostyle.styles import gallery

    entry = next((e for e in gallery.entries() if e.name == options.style), None)
    if entry is None:
        raise ModelError(f"no style named '{options.style}'", hint="'videostyle styles list' shows them")
    if entry.bundled:
        raise UsageError(f"the style '{entry.name}' comes with videostyle and stays")
    try:
        entry.path.unlink()
    except OSError as error:
        raise OutputError(f"cannot remove '{entry.path}'", error.strerror or str(error)) from error
    return 0


def _verify(options: argparse.Namespace) -> int:
    from videostyle.styles import gallery
    from videostyle.styles.style_file import load_style

    names = [options.style] if options.style else [entry.name for entry in gallery.entries()]
    bad = 0
    rows = []
    for name in names:
        entry = next((e for e in gallery.entries() if e.name == name), None)
        try:
            style = load_style(entry.path if entry else name)
            foreign = "whole, but the child of another base: it cannot be weakened or mixed"
            verdict = "ok" if gallery.is_child(style) else foreign
        except ModelError as error:
            verdict, bad = str(error), bad + 1
        rows.append({"name": name, "verdict": verdict})
        if not options.json:
            print(f"{name}: {verdict}")
    if options.json:
        print(json.dumps(rows))
    return ModelError.exit_code if bad else 0


def _explain(options: argparse.Namespace) -> int:
    from videostyle.api import Stylizer
    from videostyle.media.readers.images import read_picture
    from videostyle.metrics.explain import explain
    from videostyle.styles import gallery
    from videostyle.training.session import sample_content

    style = gallery.resolve(options.style)
    scene = read_picture(options.scene or sorted(sample_content().iterdir())[0])
    painting = read_picture(options.painting) if options.painting else None
    output = options.output or Path(f"{style.card.name or 'style'}_explained.png")
    if output.exists() and not options.overwrite:
        raise OutputError(f"'{output}' exists already", hint="use --overwrite or -o")
    figures = explain(style, scene, Stylizer(style)(scene[None])[0], painting, output)
    if options.json:
        print(json.dumps({"output": str(output), "losses": figures}))
        return 0
    if not figures:
        print("give --painting to see what each layer contributes to the loss", file=sys.stderr)
    for layer, values in figures.items():
        print(f"{layer:8} " + ", ".join(f"{key} {value:.4f}" for key, value in values.items()))
    print(output)
    return 0
