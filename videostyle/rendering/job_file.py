"""Job files: which clips ``batch`` paints, in which styles, with which settings.

A job file is TOML::

    [defaults]
    styles = ["great-wave", "the-scream:0.6,starry-night:0.4"]
    strength = 0.9

    [[clip]]
    input = "day1/*.mp4"          # a file, a folder, or a pattern; relative to the job file
    fps = 29.97                   # any setting, by the name that it has in Python

    [[clip]]
    input = "titles.mov"
    styles = ["woodcut"]
    preserve_color = true
    output = "titles/woodcut.mp4" # for one clip in one style only

    [[processors]]                # steps of the frame chain, in order, for all clips that name none of their own
    name = "sharpen"
    amount = 0.5

    [[regions]]                   # likewise: parts of the frame, which the style is limited to, or painted otherwise
    kind = "faces"
    strength = 0.3

Settings are those of ``RenderSettings``, except ``style`` (a job file has ``styles``) and ``overwrite`` (which whoever
runs the job decides). The command line takes precedence over a clip, a clip over [defaults], and these over the
configuration file. Paths must stay in the folder of the job file unless leaving it is allowed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from videostyle.errors import InputError, Mistakes, SettingError, UsageError, VideostyleError, raise_all
from videostyle.processors.curve import SOUND
from videostyle.rendering.settings import NAMES, RenderSettings, settings_from, unknown

SETTINGS = tuple(name for name in NAMES if name not in ("style", "overwrite"))


@dataclass(frozen=True)
class JobEntry:
    """One entry of a job file, or of the command line.

    Attributes:
        input: a clip, a folder of clips, or a pattern.
        styles: each clip is painted in each of these styles.
        settings: how to render; its ``style`` is not used.
        output: the file to write, for one clip in one style; None = named after both.
        where: place in the job file, as "line 4"; "" for an entry of the command line.
    """

    input: Path
    styles: tuple[str, ...]
    settings: RenderSettings
    output: Path | None = None
    where: str = ""


PathText = Annotated[str, Field(pattern=r"^[^\x00]+$")]
Styles = Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]


class _Table(BaseModel):
    """[defaults]; all keys except ``styles`` are settings, which are checked together with those of a clip."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow")

    styles: Styles | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.model_extra or {}


class _Clip(_Table):
    """[[clip]]."""

    input: PathText
    output: PathText | None = None


class _File(BaseModel):
    """The whole file."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    defaults: _Table = _Table()
    processors: list[dict[str, Any]] | None = None
    regions: list[dict[str, Any]] | None = None
    clip: Annotated[list[_Clip], Field(min_length=1)]


# The hint for each key whose value has the wrong shape.
_SHAPES = {
    "styles": 'give a list of styles, as styles = ["great-wave"]',
    "input": 'give a path, as input = "clip.mp4"',
    "output": 'give a path, as output = "painted.mp4"',
    "defaults": "begin the table with [defaults]",
    "processors": 'begin each with [[processors]], and below it name = "sharpen"',
    "regions": 'begin each with [[regions]], and below it kind = "faces"',
    "clip": 'add a clip: [[clip]], and below it input = "clip.mp4"',
}


class _Reader:
    """Reads one job file; its errors name the line."""

    def __init__(self, path: Path, allow_outside: bool) -> None:
        self._path, self._folder = path, path.resolve().parent
        self._allow_outside = allow_outside
        try:
            self._text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise InputError(f"cannot read the job file '{path}'", why, "give a text file in UTF-8") from error

    def entries(self, settings: RenderSettings, override: Mapping[str, Any]) -> list[JobEntry]:
        file = self._parsed()
        entries: list[JobEntry] = []
        wrong: list[VideostyleError] = []
        for number in range(len(file.clip)):
            try:
                entries.append(self._entry(file, number, settings, override))
            except Mistakes as error:
                wrong += error.errors
            except UsageError as error:
                wrong.append(error)
        raise_all(wrong)
        return entries

    def _parsed(self) -> _File:
        try:
            return _File.model_validate(tomllib.loads(self._text))
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"'{self._path.name}' is not a TOML file", str(error), "mend that line") from error
        except ValidationError as error:
            raise self._misshapen(error) from error

    def _misshapen(self, error: ValidationError) -> UsageError:
        # A misspelt [[clip]] is reported as an unknown table and as a missing one: the first says more.
        found = min(error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
        table = str(found["loc"][0])
        rest = list(found["loc"][1:])
        number = int(rest.pop(0)) if rest and isinstance(rest[0], int) else 0
        key = str(rest[0]) if rest else table
        if found["type"] == "extra_forbidden":
            return self._wrong("", 0, unknown(key, ("defaults", "processors", "regions", "clip")))
        why = "missing" if found["type"] == "missing" else f"cannot use {found['input']!r}"
        return self._wrong(table if rest else "", number, SettingError(key, why, _SHAPES.get(key, "")))

    def _entry(self, file: _File, number: int, settings: RenderSettings, override: Mapping[str, Any]) -> JobEntry:
        clip = file.clip[number]
        wrong: list[VideostyleError] = []
        shared = {**file.defaults.settings}
        if file.processors is not None:
            shared.setdefault("processors", file.processors)
        if file.regions is not None:
            shared.setdefault("regions", file.regions)
        for table, given in (("defaults", file.defaults.settings), ("clip", clip.settings)):
            for key in given:
                if key not in SETTINGS:
                    names = (*SETTINGS, "styles", *(("input", "output") if table == "clip" else ()))
                    wrong.append(self._wrong(table, number, unknown(key, names)))
        values = {**shared, **clip.settings}
        chosen = settings
        try:
            chosen = settings_from({**{k: v for k, v in values.items() if k in SETTINGS}, **override}, settings)
        except UsageError as error:
            for one in error.errors if isinstance(error, Mistakes) else [error]:
                key = one.setting if isinstance(one, SettingError) else ""
                table = "clip" if key in clip.settings else "defaults"
                wrong.append(self._wrong(table, number, SettingError(key, one.why, one.hint)))
        raise_all(wrong)
        styles = clip.styles or file.defaults.styles
        if not styles:
            missing = SettingError("styles", "missing, here and in [defaults]", _SHAPES["styles"])
            raise self._wrong("clip", number, missing)
        output = self._inside(clip.output, number, "output") if clip.output is not None else None
        if output is not None and len(styles) > 1:
            several = SettingError("output", "one output cannot hold several styles", "leave it out, or name one style")
            raise self._wrong("clip", number, several)
        curve = values.get("strength_from")
        if curve not in (None, SOUND) and curve == chosen.strength_from:
            chosen = replace(chosen, strength_from=str(self._inside(curve, number, "strength_from")))
        line = self._line("clip", number, "input")
        where = f"line {line}" if line else ""
        return JobEntry(self._inside(clip.input, number, "input"), tuple(styles), chosen, output, where)

    def _inside(self, value: str, number: int, key: str) -> Path:
        full = (self._folder / value).resolve()
        if self._allow_outside or full.is_relative_to(self._folder):
            return full
        why = f"'{value}' lies outside the job file's folder"
        raise self._wrong("clip", number, SettingError(key, why, "allow that with `allow_outside`"))

    def _wrong(self, table: str, number: int, error: SettingError) -> UsageError:
        """The error with the file, and the line if it can be found, in front of the key."""
        number = number if table == "clip" else 0
        line = self._line(table, number, error.setting) or self._line("", 0, error.setting)
        place = f" line {line}" if line else ""
        return UsageError(f"'{self._path.name}'{place}, {error.setting}", error.why, error.hint)

    def _line(self, table: str, number: int, key: str) -> int | None:
        """The line of ``key`` in the ``number``-th table of that name, or else of its header; None if neither is found.

        The TOML parser of the standard library gives no lines, and another parser would be a dependency for this alone.
        Keys are found in tables that are written with a header, and tables of a table by their own header.
        """
        seen, inside, header_line = -1, not table, None
        assignment = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=")
        for line, content in enumerate(self._text.splitlines(), 1):
            header = re.match(r"\s*\[\[?\s*([\w.-]+)\s*\]\]?", content)
            if header:
                if seen == number and header[1] == f"{table}.{key}":
                    return line
                inside = bool(table) and header[1] == table
                seen += inside
                if (inside and seen == number) or (not table and header[1] == key):
                    header_line = line
            elif inside and (not table or seen == number) and assignment.match(content):
                return line
        return header_line


def read_job_file(
    path: Path,
    settings: RenderSettings,
    *,
    override: Mapping[str, Any] | None = None,
    allow_outside: bool = False,
) -> list[JobEntry]:
    """Reads a job file.

    Args:
        path: a TOML file.
        settings: settings for everything that neither a clip nor [defaults] sets.
        override: settings that go before those of the file, by their names.
        allow_outside: whether paths may leave the folder of the file.

    Raises:
        UsageError: if anything in it is wrong; the message names file, line and key.
        Mistakes: if several things are.
        InputError: if it cannot be read.
    """
    return _Reader(path, allow_outside).entries(settings, override or {})
