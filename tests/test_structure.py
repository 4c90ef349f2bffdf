"""Who may import whom: the layout of the package, held by a table."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "videostyle"

# For each folder or module of the package what it may import of ours, imports inside functions included. A folder
# may always import from itself, and from ``version``. What stands further down may import what stands above it, never
# the other way.
MAY_IMPORT: dict[str, set[str]] = {
    "version": set(),
    "errors": set(),
    "frames": {"errors"},
    "platforms": set(),
    "resources": set(),
    "media": {"errors", "frames", "platforms"},
    "motion": {"errors", "frames", "media"},
    "network": {"errors", "frames"},
    "styles": {"errors", "frames", "platforms", "network", "media"},
    "inference": {"errors", "frames", "platforms", "resources", "network", "styles", "media"},
    "training": {
        *("errors", "frames", "platforms", "resources", "network", "styles", "motion", "media", "inference"),
    },
    "processors": {"errors", "frames", "resources", "network", "styles", "inference", "media", "motion"},
    "metrics": {"errors", "frames", "media", "motion", "network"},
    "rendering": {
        *("errors", "frames", "platforms", "resources"),
        *("media", "motion", "network", "styles", "training", "inference", "processors"),
    },
    "live": {"errors", "frames", "media", "motion", "network", "styles", "inference", "processors"},
    "api": {
        *("errors", "frames", "media", "motion", "network", "styles", "training", "inference", "processors"),
        "rendering",
    },
    "studio": {
        *("errors", "frames", "platforms", "resources", "media", "motion", "network", "styles", "inference"),
        *("training", "processors", "rendering", "live", "api"),
    },
    "cli": {
        *("errors", "frames", "media", "motion", "network", "styles", "training", "inference", "processors"),
        *("metrics", "rendering", "live", "api", "studio", "platforms", "resources"),
    },
    "__main__": {"cli"},
    "__init__": {"api", "errors"},
}
# Packages that only some folders or modules may import: the others start without them, or run on any Keras backend.
ONLY_IN: dict[str, set[str]] = {
    "starlette": {"studio"},
    "uvicorn": {"studio"},
    "tensorflow": {
        *("inference/backends/tensorflow.py", "inference/export.py", "inference/standalone.py"),
        *("processors/detectors/tflite.py", "cli/training_view.py", "training/device/tensorflow_steps.py"),
    },
    "jax": {"inference/backends/jax.py", "training/device/jax_steps.py"},
    "torch": {"inference/backends/torch.py", "training/device/torch_steps.py"},
    "keras": {"network", "styles", "training", "inference", "metrics", "cli"},
}
# Modules that alone may import a package.
ONLY_BY: dict[str, set[str]] = {
    "cv2": {"media/opencv.py"},
    "imageio_ffmpeg": {"media/ffmpeg/process.py"},
    "subprocess": {"media/ffmpeg/process.py"},
    # Windows has none of these.
    **{name: {"platforms.py"} for name in ("fcntl", "resource", "termios", "pwd", "grp", "pty", "msvcrt")},
}
LONGEST = 450  # lines of a module
MODULES = sorted(PACKAGE.rglob("*.py"))


def _part(name: str) -> str:
    return name.split(".")[1] if name.count(".") else "__init__"


def _imported(path: Path) -> Iterator[str]:
    """Full names of all modules that a file imports, wherever in it; names for type checkers alone left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "videostyle":
            # A dunder, such as __version__, is no module: it is taken from the package's own __init__.
            names = [alias.name for alias in node.names]
            yield from ("videostyle" if name.startswith("__") else f"videostyle.{name}" for name in names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_what_its_folder_may(path: Path) -> None:
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for name in _imported(path):
        head = name.split(".")[0]
        if head == "videostyle":
            assert _part(name) in {part, "version", *MAY_IMPORT[part]}, name
        elif head in ONLY_IN:
            assert {part, path.relative_to(PACKAGE).as_posix()} & ONLY_IN[head], name
        elif head in ONLY_BY:
            assert path.relative_to(PACKAGE).as_posix() in ONLY_BY[head], name


def test_folders_import_downwards() -> None:
    """The table itself has no circle."""
    seen: set[str] = set()
    left = {part: set(others) for part, others in MAY_IMPORT.items()}
    while free := {part for part, others in left.items() if others <= seen}:
        seen |= free
        left = {part: others for part, others in left.items() if part not in seen}
    assert not left


def test_no_modules_import_each_other_in_a_circle() -> None:
    names = {".".join(("videostyle", *p.relative_to(PACKAGE).with_suffix("").parts)): p for p in MODULES}
    waits = {name: {n for n in _imported(path) if n in names and n != name} for name, path in names.items()}
    while free := [name for name, others in waits.items() if not others & waits.keys()]:
        for name in free:
            del waits[name]
    assert not waits


def test_every_folder_is_in_the_table() -> None:
    found = {p.relative_to(PACKAGE).parts[0].removesuffix(".py") for p in MODULES}
    assert found <= MAY_IMPORT.keys()


def test_no_module_is_too_long() -> None:
    lines = {p.relative_to(PACKAGE).as_posix(): len(p.read_text(encoding="utf-8").splitlines()) for p in MODULES}
    assert {name: count for name, count in lines.items() if count > LONGEST} == {}
