"""Parts of a plan as arrays by name, as they are kept on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from videostyle.motion.mesh_store import MeshTrack
from videostyle.network.statistics import KeyframeSegment, from_arrays, to_arrays

Arrays = dict[str, Any]


def named(prefix: str, arrays: Mapping[str, Any]) -> Arrays:
    """Arrays with a prefix before their names."""
    return {prefix + name: np.asarray(value) for name, value in arrays.items()}


def under(prefix: str, arrays: Mapping[str, Any]) -> Arrays:
    """The arrays whose names begin with a prefix, without it: the inverse of ``named``."""
    return {name[len(prefix) :]: value for name, value in arrays.items() if name.startswith(prefix)}


def segment_arrays(prefix: str, segments: Sequence[KeyframeSegment]) -> tuple[Arrays, list[tuple[int, int]]]:
    """The statistics of segments as arrays, and where each begins and how long its ramp is."""
    arrays: Arrays = {}
    for number, segment in enumerate(segments):
        arrays |= to_arrays(segment.statistics, f"{prefix}{number}/")
    return arrays, [(segment.first, segment.ramp) for segment in segments]


def segments_from(
    prefix: str, arrays: Mapping[str, Any], shots: Sequence[Sequence[int]]
) -> tuple[KeyframeSegment, ...]:
    """The inverse of ``segment_arrays``.

    Raises:
        KeyError, ValueError, TypeError: if something is missing.
    """
    return tuple(
        KeyframeSegment(int(first), from_arrays(arrays, f"{prefix}{number}/"), int(ramp))
        for number, (first, ramp) in enumerate(shots)
    )


def mesh_arrays(meshes: MeshTrack) -> Arrays:
    """The canvas's position at each frame as arrays: its runs of bytes, and the camera's moves."""
    runs = {f"meshes/{number}": np.frombuffer(run, np.uint8) for number, run in enumerate(meshes.runs)}
    return {**runs, "moves": meshes.moves}


def meshes_from(arrays: Mapping[str, Any]) -> MeshTrack | None:
    """The inverse of ``mesh_arrays``; None where there are no such arrays.

    Raises:
        KeyError, ValueError: if something is missing.
    """
    runs = sum(name.startswith("meshes/") for name in arrays)
    if not runs:
        return None
    found = [arrays[f"meshes/{number}"].tobytes() for number in range(runs)]
    return MeshTrack(found, np.asarray(arrays["moves"], np.int16).reshape(-1, 2))
