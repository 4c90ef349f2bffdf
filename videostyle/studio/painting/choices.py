"""Converts what a user chose on the page to settings of a render, and settings to the command that does the same.

Files are named by their ids in the studio's folders. Styles are those that can be named; a path as a style
would reach outside the folders.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from videostyle.errors import SettingError
from videostyle.processors.curve import SOUND
from videostyle.processors.regions.kinds import RegionChoice
from videostyle.processors.regions.kinds import kind_of as region_kind
from videostyle.processors.registry import Choice, default_options
from videostyle.processors.timeline import KeyFrame
from videostyle.rendering.settings import NAMES, RenderSettings, named, settings_from, to_json, unknown
from videostyle.studio.folders import Folders
from videostyle.styles import gallery
from videostyle.styles.resolve import parse_mix, unknown_style

REFUSED = ("device", "precision", "batch_size", "overwrite")  # they concern the server, not the painting
FILES = ("file", "model")  # options of regions that name a file
MOST = 256  # processors, regions or key frames
LONGEST = 4096  # characters of a word


def settings_of(values: Mapping[str, Any], folders: Folders) -> RenderSettings:
    """Settings from what the page sends.

    Args:
        values: by the names of ``RenderSettings``, as a job file has them; files are ids.
        folders: that may be seen.

    Raises:
        VideostyleError: if one has a value that it cannot have.
    """
    for name in values:
        if name not in NAMES or name in REFUSED:
            raise unknown(name[:40], [known for known in NAMES if known not in REFUSED])
    _check_sizes(values)
    given = dict(values)
    if (curve := given.get("strength_from")) not in (None, SOUND):
        given["strength_from"] = str(folders.file(_text("strength_from", curve)))
    for key in ("processors", "regions"):
        if isinstance(given.get(key), list):
            given[key] = [_with_files(key, one, folders) for one in given[key]]
        elif key in given:
            raise SettingError(key, "cannot be read", "give a list of tables")
    if "timeline" in given and not isinstance(given["timeline"], list):
        raise SettingError("timeline", "cannot be read", "give a list of tables")
    given["style"] = _style("style", given.get("style"))
    settings = named(settings_from(given))
    for region in settings.regions:
        if region.style is not None:
            _style("regions", region.style)
    for frame in settings.timeline:
        if frame.style is not None:
            _style("timeline", frame.style)
    return settings


def _check_sizes(values: Any, depth: int = 4) -> None:
    """Refuses what is too long to be meant."""
    if isinstance(values, str) and (len(values) > LONGEST or "\0" in values):
        raise SettingError("settings", "a text is too long, or holds a zero byte", f"at most {LONGEST} characters")
    if isinstance(values, list | Mapping):
        if len(values) > MOST or depth == 0:
            raise SettingError("settings", "there are too many parts", f"at most {MOST}")
        for one in values.values() if isinstance(values, Mapping) else values:
            _check_sizes(one, depth - 1)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise SettingError(name, f"cannot use {value!r:.80}", "give text")
    return value


def _style(setting: str, value: Any) -> str:
    """A mix of styles that can be named.

    Raises:
        SettingError: if it is no text.
        ModelError: if there is no such style.
    """
    spec = _text(setting, value)
    for part in spec.split(","):
        # Before anything looks whether a file of that name exists.
        if "/" in part or "\\" in part or part.strip().startswith("."):
            raise unknown_style(part[:80])
    for name, _ in parse_mix(spec):
        if gallery.find_entry(name) is None:
            raise unknown_style(name[:80])
    return spec


def _with_files(setting: str, value: Any, folders: Folders) -> Any:
    if not isinstance(value, Mapping):
        raise SettingError(setting, f"cannot use {value!r:.80}", "give a table, as in a job file")
    found = dict(value)
    for key, one in value.items():
        if setting == "regions" and key in FILES and one:
            found[key] = str(folders.file(_text(setting, one)))
        elif isinstance(one, str) and key != "style" and ("/" in one or "\\" in one):
            raise SettingError(setting, f"'{key[:40]}' cannot name a file", "files are named in regions only")
    return found


def with_ids(settings: RenderSettings, folders: Folders) -> dict[str, Any]:
    """Settings as the page sends them, those alone that differ from the usual ones."""
    usual = to_json(RenderSettings(""))
    found = {name: value for name, value in to_json(settings).items() if value != usual[name]}
    if settings.strength_from not in (None, SOUND):
        found["strength_from"] = folders.id_of(Path(str(settings.strength_from)))
    if settings.regions:
        found["regions"] = [
            {key: (folders.id_of(Path(one)) if key in FILES and one else one) for key, one in region.values().items()}
            for region in settings.regions
        ]
    return {name: value for name, value in found.items() if name not in REFUSED}


def command(path: Path, settings: RenderSettings, output: Path | None) -> list[str]:
    """The words of the command that renders the same.

    Args:
        path: the clip.
        settings: of the render.
        output: the file to write; None = beside the clip.
    """
    words = ["videostyle", "render", str(path), "--style", settings.style]
    usual = RenderSettings(settings.style)
    for name in NAMES:
        value = getattr(settings, name)
        if name == "style" or value == getattr(usual, name):
            continue
        words += _words(name, value, to_json(settings)[name])
    return [*words, *(["-o", str(output)] if output is not None else [])]


def command_line(words: list[str]) -> str:
    """Words as a shell takes them."""
    return shlex.join(words)


SWITCHES = {"audio": "--no-audio", "hdr": "--no-hdr"}  # options that turn a setting off


def _words(name: str, value: Any, plain: Any) -> list[str]:
    if name == "timeline":
        return [word for frame in value for word in ("--at", *_moment(frame))]
    if name == "regions":
        return [word for region in value for word in ("--region", _region(region))]
    if name == "processors":
        return [word for choice in value for word in ("--processor", _processor(choice))]
    if isinstance(value, bool):
        return [SWITCHES.get(name, f"--{name.replace('_', '-')}")]
    return [f"--{name.replace('_', '-')}", word(plain)]


def word(value: Any) -> str:
    """A value as a user writes it, with all of its digits."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, float):
        return str(value)
    plain = f"{value:.9f}".rstrip("0").rstrip(".")  # as times are read
    return plain if float(plain) == value else repr(value)


def _changed(values: Mapping[str, Any], usual: Mapping[str, Any]) -> list[str]:
    return [f"{name}={word(value)}" for name, value in values.items() if usual.get(name) != value]


def _moment(frame: KeyFrame) -> list[str]:
    values = frame.values()
    at = values.pop("at")
    changed = _changed(values, {"ease": 0.0, "curve": "smooth", "snap": False})
    return [at if isinstance(at, str) else f"{word(at)}s", *changed]


def _region(region: RegionChoice) -> str:
    usual = region_kind(region.kind).schema.model_validate({}).model_dump(mode="json")
    values = {name: value for name, value in region.values().items() if name != "kind"}
    chosen = _changed(values, usual)
    return region.kind + (":" + ",".join(chosen) if chosen else "")


def _processor(choice: Choice) -> str:
    chosen = _changed(choice.options, default_options(choice.name))
    return choice.name + (":" + ",".join(chosen) if chosen else "")
