"""Finds the file of a model: one that an installed package ships, or one that the user names with its checksum."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from videostyle.errors import ModelError
from videostyle.media.inputs import vet_input


def in_package(package: str, name: str) -> Path | None:
    """A file that a package ships, found without importing it; None if it is not installed, or has no such file."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        file = Path(folder) / name
        if file.is_file():
            return file
    return None


def of_user(path: str, sha256: str) -> Path:
    """A model file of the user.

    Args:
        path: of the file.
        sha256: its checksum, or the first 12 digits of it at least.

    Raises:
        InputError: if it cannot be read.
        ModelError: if the checksum is missing or another one.
    """
    file = vet_input(path, "model")
    digest = hashlib.sha256()
    with file.open("rb") as data:
        while block := data.read(1 << 20):
            digest.update(block)
    found, given = digest.hexdigest(), sha256.strip().lower()
    if not given:
        hint = f"where you have it from says which it should be; then add sha256={found[:12]}"
        raise ModelError(f"the model '{path}' is given without its checksum", hint=hint)
    if len(given) < 12 or not found.startswith(given):
        raise ModelError(
            f"the model '{path}' is another one", f"its checksum begins with {found[:12]}", "download it again"
        )
    return file
