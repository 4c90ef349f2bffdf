"""The plan of a render on disk, and what its frames depend on.

The folder ``.OUTPUT.videostyle/`` is beside the output. Its file ``plan.safetensors`` holds all that a process needs to
paint any chunk: settings, frame times, chunk borders, the weights of the style, the statistics of the shots, and the
canvas mesh of each frame. Finished chunks are in the same folder (``chunk_store``).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file
from safetensors.numpy import save as save_arrays

from videostyle.errors import UsageError
from videostyle.media.atomic import short_name, write_whole
from videostyle.processors.curve import curve_identity
from videostyle.rendering.frame_timeline import timeline_arrays, timeline_from_arrays
from videostyle.rendering.layers import files_of, layer_arrays, layer_styles, layers_from_arrays
from videostyle.rendering.made_with import NOT_COMPARED
from videostyle.rendering.plan import Plan
from videostyle.rendering.plan_arrays import mesh_arrays, meshes_from, named, segment_arrays, segments_from, under
from videostyle.rendering.settings import RenderSettings, settings_from, to_json
from videostyle.rendering.timeline_plan import styles_of

if TYPE_CHECKING:
    from videostyle.styles.card import Style

FORMAT = 11
RESUME_HINT = "run the same command again to resume it"


@dataclass(frozen=True)
class Job:
    """A planned render of one output.

    Attributes:
        input: the input.
        output: the final file.
        settings: the settings of the user, with the number of encoder threads chosen.
        fingerprint: what identifies the render, by name: input, style and settings.
        machine: how the process that planned it paints, by name (``processor_cache.machine_of``). Processes on the
            same device use the same precision and batch size, so that frames are equal to the last bit.
        plan: keyframe segments, chunks, times.
        style: the style, at its strength.
        pictures: printf-style pattern of a sequence of pictures; "" for a video.
        numbers: of the pictures of a sequence, in order; () = 0, 1, 2...
    """

    input: Path
    output: Path
    settings: RenderSettings
    fingerprint: dict[str, str]
    machine: dict[str, str]
    plan: Plan
    style: Style
    pictures: str = ""
    numbers: tuple[int, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder of the plan and the chunks."""
        return work_folder(self.output)


def work_folder(output: Path) -> Path:
    """The folder for the unfinished render of an output: beside it, and so on the same disk."""
    output = Path(os.path.abspath(output))
    return output.with_name(f".{short_name(output.name)}.videostyle")


def input_identity(files: Sequence[Path]) -> str:
    """A hash that changes with the input, found without reading all of it.

    Args:
        files: one file, of which size, modification time, first and last MiB count; or several pictures, of which
            names, sizes and modification times count.
    """
    digest = hashlib.sha256()
    if len(files) != 1:
        for entry in files:
            digest.update(f"{entry.name} {entry.stat().st_size} {entry.stat().st_mtime_ns}\n".encode())
        return digest.hexdigest()
    path = files[0]
    size = path.stat().st_size
    digest.update(f"{size} {path.stat().st_mtime_ns}".encode())
    with path.open("rb") as file:
        digest.update(file.read(1 << 20))
        if size > 2 << 20:
            file.seek(size - (1 << 20))
            digest.update(file.read(1 << 20))
    return digest.hexdigest()


def fingerprint(files: Sequence[Path], settings: RenderSettings, style: Style) -> dict[str, str]:
    """What identifies a render, by name. A job is resumed only if all of it is equal.

    How a machine computes (``made_with.MACHINE_SETTINGS``) is not part of it: any machine may paint chunks, or
    assemble them.

    Args:
        files: the files of the input.
        settings: the settings of the user.
        style: the style, at its strength.
    """
    from videostyle.styles.card import arrays_sha256

    compared = {name: value for name, value in to_json(settings).items() if name not in NOT_COMPARED}
    return {
        "input": input_identity(files),
        # Style and strength are compared by what they come to: the weights.
        **{name: json.dumps(value) for name, value in compared.items() if name not in ("style", "strength")},
        "style": arrays_sha256(style.weights),
        "timeline's styles": " ".join(arrays_sha256(other.weights) for other in styles_of(settings)),
        "timeline's curve": curve_identity(settings.strength_from),
        "styles of regions": " ".join(arrays_sha256(other.weights) for other in layer_styles(settings)),
        "files of regions": " ".join(input_identity([file]) for file in files_of(settings)),
    }


# -- the plan on disk --------------------------------------------------------------------------------------------


def save_job(job: Job) -> None:
    """Writes the plan into the folder of the job, and makes the folder.

    Raises:
        OSError: if it cannot be written.
    """
    arrays, shots = segment_arrays("shot/", job.plan.segments)
    arrays |= named("style/", job.style.weights)
    arrays["times"] = np.asarray(job.plan.times, np.float64)
    if job.plan.meshes is not None:
        arrays |= mesh_arrays(job.plan.meshes)
    timeline = None
    if job.plan.timeline is not None:
        more, timeline = timeline_arrays(job.plan.timeline)
        arrays |= more
    more, layers = layer_arrays(job.plan.layers)
    arrays |= more
    data = {
        "format": FORMAT,
        "timeline": timeline,
        "layers": layers,
        "input": str(job.input),
        "output": str(job.output),
        "settings": to_json(job.settings),
        "fingerprint": job.fingerprint,
        "machine": job.machine,
        "shots": shots,
        "chunks": job.plan.chunks,
        "warnings": job.plan.warnings,
        "card": asdict(job.style.card),
        "pictures": job.pictures,
        "numbers": job.numbers,
    }
    job.folder.mkdir(exist_ok=True)
    write_whole(job.folder / "plan.safetensors", save_arrays(arrays, {"job": json.dumps(data)}))


def load_job(folder: Path) -> Job | None:
    """The job of a folder; None if it holds no complete plan of this format."""
    from videostyle.network.architecture import Architecture
    from videostyle.styles.card import Style, StyleCard

    path = folder / "plan.safetensors"
    if not path.is_file():
        return None
    try:
        with safe_open(path, "numpy") as file:
            data = json.loads((file.metadata() or {})["job"])
        arrays = load_file(path)
        if data["format"] != FORMAT:
            return None
        card = {f.name: data["card"][f.name] for f in fields(StyleCard)}
        card["architecture"] = Architecture(**card["architecture"])
        plan = Plan(
            segments_from("shot/", arrays, data["shots"]),
            tuple((int(a), int(b)) for a, b in data["chunks"]),
            tuple(arrays["times"].tolist()),
            tuple(data["warnings"]),
            meshes_from(arrays),
            timeline_from_arrays(arrays, data["timeline"]) if data["timeline"] else None,
            layers=layers_from_arrays(arrays, data["layers"]),
        )
        settings = settings_from(data["settings"])
        return Job(
            Path(data["input"]),
            Path(data["output"]),
            settings,
            data["fingerprint"],
            data["machine"],
            plan,
            Style(StyleCard(**card), under("style/", arrays)),
            data["pictures"],
            tuple(map(int, data["numbers"])),
        )
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, UsageError):
        return None


def differences(kept: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """The names of entries that differ between two fingerprints, or two machines."""
    return sorted(name for name in {*kept, *wanted} if kept.get(name) != wanted.get(name))


def remove_job(folder: Path) -> None:
    """Removes the folder of a job: the plan first, so that the rest of it is no job even if this is interrupted."""
    with contextlib.suppress(FileNotFoundError):
        (folder / "plan.safetensors").unlink()
    shutil.rmtree(folder, ignore_errors=True)
