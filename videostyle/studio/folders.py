"""The folders that the studio may see, and the files in them.

A file has an id such as ``f0/day1/harbour.mp4``: the id of a folder, and a path in it. What lies outside, hidden files,
and links that lead outside do not exist for the studio.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videostyle.errors import InputError
from videostyle.media.readers.pictures import PICTURES
from videostyle.platforms import refused_name
from videostyle.studio.web.problems import Problem, not_found

UPLOADS, RESULTS = "uploads", "results"
# Suffixes of videos that are listed; ``probe`` decides in the end whether a file is one.
VIDEOS = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts", ".mts", ".mxf", ".wmv", ".flv"),
    *(".ogv", ".3gp", ".gif", ".apng", ".y4m", ".nut"),
)
JOBS = (".toml",)
PART = ".part"  # suffix of an upload that is not complete
LONGEST_PATH = 1024  # characters of an id
LONGEST_NAME = 240  # bytes of a file's name
MOST_ENTRIES = 5000  # files that a folder is listed with


@dataclass(frozen=True)
class Folder:
    """A folder that may be seen.

    Attributes:
        id: how files in it begin.
        path: real path.
        kind: "named" by the user, "uploads" or "results".
        only: name of the one file in it that may be seen; "" = all.
    """

    id: str
    path: Path
    kind: str = "named"
    only: str = ""


class Folders:
    """The folders that the studio may see.

    Args:
        named: folders and files that the user named, in order: f0, f1...
        work: the studio's own folder; uploads and results are in it.

    Attributes:
        opened: id of the first file that the user named; None if that was a folder, or nothing.

    Raises:
        InputError: if a named one is not there.
    """

    def __init__(self, named: list[Path], work: Path) -> None:
        self._folders: dict[str, Folder] = {}
        self.opened: str | None = None
        for number, path in enumerate(named):
            try:
                real = path.resolve(strict=True)
            except OSError as error:
                why = error.strerror or str(error)
                raise InputError(f"cannot open '{path}'", why, "give a clip, a picture or a folder") from error
            folder = f"f{number}"
            if real.is_dir():
                self._folders[folder] = Folder(folder, real)
            else:
                self._folders[folder] = Folder(folder, real.parent, only=real.name)
                self.opened = self.opened or f"{folder}/{real.name}"
        for kind in (UPLOADS, RESULTS):
            (work / kind).mkdir(parents=True, exist_ok=True)
            self._folders[kind] = Folder(kind, (work / kind).resolve(), kind)
        for part in (work / UPLOADS).glob(f".*{PART}"):  # of uploads that a killed studio was taking
            part.unlink(missing_ok=True)

    def listed(self) -> list[dict[str, Any]]:
        """The folders as JSON."""
        return [
            {"id": one.id, "name": one.only or one.path.name or str(one.path), "path": str(one.path), "kind": one.kind}
            for one in self._folders.values()
        ]

    def folder(self, folder: str) -> Folder:
        """A folder by its id.

        Raises:
            Problem: if there is none.
        """
        if folder not in self._folders:
            raise not_found(f"there is no folder '{folder[:40]}'", f"there are {', '.join(self._folders)}")
        return self._folders[folder]

    def file(self, id: str) -> Path:
        """The real path of a file that is there.

        Raises:
            Problem: if there is none, or it may not be seen.
        """
        folder, path = self._within(id)
        if not path.is_file() or (folder.only and path.name != folder.only):
            raise not_found(f"there is no file '{_shown(id)}'")
        return path

    def id_of(self, path: Path) -> str | None:
        """The id of a file; None if it may not be seen."""
        real = Path(os.path.realpath(path))
        for folder in self._folders.values():
            if real.is_relative_to(folder.path) and (not folder.only or real == folder.path / folder.only):
                return f"{folder.id}/{real.relative_to(folder.path).as_posix()}"
        return None

    def target(self, id: str, suffixes: tuple[str, ...] = ()) -> Path:
        """The path of a file to be written; its folder is there, it need not be.

        Args:
            id: of the file.
            suffixes: that it may have; () = any.

        Raises:
            Problem: if it may not be written there.
        """
        head, _, name = id.rpartition("/")
        folder = self.folder(id.partition("/")[0])
        if folder.only:
            raise Problem("forbidden", f"cannot write into '{folder.id}'", "one file of it was named", "use results")
        parent = folder.path if head == folder.id else self._within(head)[1]
        _check_parts(id, [name])
        if not parent.is_dir() or parent.joinpath(name).is_symlink():
            raise not_found(f"there is no folder for '{_shown(id)}'")
        if suffixes and Path(name).suffix.lower() not in suffixes:
            raise Problem("bad_request", f"cannot write '{_shown(name)}'", hint=f"end it with {', '.join(suffixes)}")
        return parent / name

    def entries(self, folder: str, inside: str) -> list[dict[str, Any]]:
        """What is in a folder that the studio can use: folders, videos, pictures and job files, sorted.

        Args:
            folder: id of the folder.
            inside: path in it, "" = itself.

        Raises:
            Problem: if there is no such folder.
        """
        named = self.folder(folder)
        path = named.path if not inside else self._within(f"{folder}/{inside}")[1]
        found: list[dict[str, Any]] = []
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    if len(found) < MOST_ENTRIES and (listed := self._entry(named, entry)) is not None:
                        found.append(listed)
        except OSError:
            raise not_found(f"there is no folder '{_shown(inside)}'") from None
        return sorted(found, key=lambda one: (one["kind"] != "folder", one["name"].casefold()))

    def _entry(self, folder: Folder, entry: os.DirEntry[str]) -> dict[str, Any] | None:
        name = entry.name
        if name.startswith(".") or (folder.only and name != folder.only) or not name.isprintable():
            return None
        try:
            real = Path(entry.path).resolve(strict=True)
            status = entry.stat()
        except OSError:
            return None
        if not real.is_relative_to(folder.path):
            return None
        kind = "folder" if entry.is_dir() else kind_of(name) if entry.is_file() else None
        if kind is None or (kind == "folder" and folder.only):
            return None
        path = Path(entry.path).relative_to(folder.path).as_posix()
        size = None if kind == "folder" else status.st_size
        id = None if kind == "folder" else f"{folder.id}/{path}"
        return {"name": name, "id": id, "path": path, "kind": kind, "size": size, "modified": status.st_mtime}

    def _within(self, id: str) -> tuple[Folder, Path]:
        """Folder and real path of what is there."""
        head, slash, rest = id.partition("/")
        folder = self.folder(head)
        if not slash or len(id) > LONGEST_PATH:
            raise not_found(f"there is no file '{_shown(id)}'")
        parts = rest.split("/")
        _check_parts(id, parts)
        try:
            real = folder.path.joinpath(*parts).resolve(strict=True)
        except (OSError, RuntimeError, ValueError):
            raise not_found(f"there is no file '{_shown(id)}'") from None
        if not real.is_relative_to(folder.path):
            raise not_found(f"there is no file '{_shown(id)}'")
        return folder, real


def kind_of(name: str) -> str | None:
    """What a file is by its name: "video", "picture" or "job"; None for others."""
    suffix = Path(name).suffix.lower()
    for kind, suffixes in (("video", VIDEOS), ("picture", PICTURES), ("job", JOBS)):
        if suffix in suffixes:
            return kind
    return None


def _check_parts(id: str, parts: list[str]) -> None:
    for part in parts:
        bad = not part or part.startswith(".") or not part.isprintable() or refused_name(part)
        if bad or len(part.encode("utf-8", "surrogatepass")) > LONGEST_NAME:
            raise not_found(f"there is no file '{_shown(id)}'")


def _shown(text: str) -> str:
    """A text of a request, short and printable."""
    return "".join(c if c.isprintable() else "?" for c in text[:80])
