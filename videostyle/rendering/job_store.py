"""A render in chunks: its plan, its fingerprint, and the folder in which finished chunks wait for the rest.

Beside the output lies ``.OUTPUT.videostyle/``: ``plan.safetensors`` (times of all frames, chunk borders, the
style's weights, the shots' statistics), and for each finished chunk ``chunk_00012.stream`` with its record
``chunk_00012.json``. A chunk is written under another name, counted, synced and renamed; then its record is
written the same way. (Pictures of a sequence go to their places one by one, and only the record is here.) So a
record never speaks of a file that is not there, a file without a record is painted again, and there is no common
journal that two workers, or a crash, could tear. Whoever paints a chunk twice writes the same frames.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file
from safetensors.numpy import save as save_arrays

from videostyle.errors import OutputError, UsageError
from videostyle.media.atomic import publish, short_name, write_whole
from videostyle.media.writers.images import numbered
from videostyle.network.statistics import KeyframeSegment, from_arrays, to_arrays
from videostyle.platforms import is_running
from videostyle.rendering.plan import Plan
from videostyle.rendering.settings import RenderSettings, settings_from, to_json

if TYPE_CHECKING:
    from videostyle.styles.style_file import Style

FORMAT = 3
RESUME_HINT = "run the same command again and it goes on from there"
SCRATCH_SUFFIX = ".stream"  # any container: packets get their times when the chunks are assembled


@dataclass(frozen=True)
class Job:
    """One render, planned.

    Attributes:
        input: what is painted.
        output: the final file.
        settings: how; ``batch_size``, ``precision`` and encoder threads are the chosen ones.
        fingerprint: what the painted frames depend on, by name; two jobs that agree give the same frames.
        plan: keyframe segments, chunks, times.
        style: what to paint with, at its strength.
        pictures: where a sequence of pictures goes, with a place for the number; "" for a video.
    """

    input: Path
    output: Path
    settings: RenderSettings
    fingerprint: dict[str, str]
    plan: Plan
    style: Style
    pictures: str = ""

    @property
    def folder(self) -> Path:
        """Where the plan and the chunks are kept."""
        return work_folder(self.output)


def work_folder(output: Path) -> Path:
    """The folder of unfinished work for an output: beside it, so that it is on the same disk."""
    output = Path(os.path.abspath(output))
    return output.with_name(f".{short_name(output.name)}.videostyle")


def input_identity(files: Sequence[Path]) -> str:
    """Hash of a file's size, time of change, first and last MiB; of names, sizes and times for a row of pictures."""
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


def fingerprint(
    files: Sequence[Path], settings: RenderSettings, style: Style, versions: Mapping[str, str]
) -> dict[str, str]:
    """What the painted frames depend on, by name.

    Args:
        files: of the input, and no others that lie beside them.
        settings: with batch size, precision and threads chosen.
        style: with its strength.
        versions: of programs, libraries and the device.
    """
    from videostyle.styles.style_file import arrays_sha256

    # Whether an old output may be replaced does not change a frame.
    same = replace(settings, overwrite=False)
    return {
        "input": input_identity(files),
        "settings": hashlib.sha256(json.dumps(to_json(same), sort_keys=True).encode()).hexdigest(),
        "style": arrays_sha256(style.weights),
        **versions,
    }


# -- the plan on disk --------------------------------------------------------------------------------------------


def save_job(job: Job) -> None:
    """Writes the plan into the job's folder; the folder counts as a job from then on.

    Raises:
        OSError: if it cannot be written.
    """
    arrays: dict[str, Any] = {f"style/{name}": np.asarray(value) for name, value in job.style.weights.items()}
    arrays["times"] = np.asarray(job.plan.times, np.float64)
    for number, segment in enumerate(job.plan.segments):
        arrays |= to_arrays(segment.statistics, f"shot/{number}/")
    data = {
        "format": FORMAT,
        "input": str(job.input),
        "output": str(job.output),
        "settings": to_json(job.settings),
        "fingerprint": job.fingerprint,
        "shots": [(segment.first, segment.ramp) for segment in job.plan.segments],
        "chunks": job.plan.chunks,
        "warnings": job.plan.warnings,
        "card": asdict(job.style.card),
        "pictures": job.pictures,
    }
    job.folder.mkdir(exist_ok=True)
    write_whole(job.folder / "plan.safetensors", save_arrays(arrays, {"job": json.dumps(data)}))


def load_job(folder: Path) -> Job | None:
    """The job of a folder; None where there is no whole plan of this format."""
    from videostyle.network.style_network import Architecture
    from videostyle.styles.style_file import Style, StyleCard

    path = folder / "plan.safetensors"
    if not path.is_file():
        return None
    try:
        with safe_open(path, "numpy") as file:
            data = json.loads((file.metadata() or {})["job"])
        arrays = load_file(path)
        if data["format"] != FORMAT:
            return None
        segments = [
            KeyframeSegment(int(first), from_arrays(arrays, f"shot/{number}/"), int(ramp))
            for number, (first, ramp) in enumerate(data["shots"])
        ]
        card = {f.name: data["card"][f.name] for f in fields(StyleCard)}
        card["architecture"] = Architecture(**card["architecture"])
        weights = {name[len("style/") :]: value for name, value in arrays.items() if name.startswith("style/")}
        plan = Plan(
            tuple(segments),
            tuple((int(a), int(b)) for a, b in data["chunks"]),
            tuple(arrays["times"].tolist()),
            tuple(data["warnings"]),
        )
        settings = settings_from(data["settings"])
        return Job(
            Path(data["input"]),
            Path(data["output"]),
            settings,
            data["fingerprint"],
            plan,
            Style(StyleCard(**card), weights),
            data["pictures"],
        )
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, UsageError):
        return None


def differences(kept: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Names of what is not the same in two fingerprints."""
    return sorted(name for name in {*kept, *wanted} if kept.get(name) != wanted.get(name))


# -- chunks on disk ----------------------------------------------------------------------------------------------


def chunk_path(folder: Path, number: int) -> Path:
    """The finished file of a chunk."""
    return folder / f"chunk_{number:05d}{SCRATCH_SUFFIX}"


def part_path(folder: Path, number: int) -> Path:
    """Where this process writes that chunk; another process, or machine, has another name for it."""
    return folder / f"chunk_{number:05d}.{socket.gethostname()}.{os.getpid()}.part"


def files_of(job: Job, number: int) -> list[Path]:
    """The files of a finished chunk: one stream, or its pictures."""
    if not job.pictures:
        return [chunk_path(job.folder, number)]
    first, frames = job.plan.chunks[number]
    return [numbered(job.pictures, n) for n in range(first, first + frames)]


def _content(files: Iterable[Path]) -> dict[str, Any]:
    """Size and hash of files, one after the other.

    Raises:
        OSError: if one is missing.
    """
    digest, size = hashlib.sha256(), 0
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
            size += file.tell()
    return {"size": size, "sha256": digest.hexdigest()}


def _record_path(job: Job, number: int) -> Path:
    return chunk_path(job.folder, number).with_suffix(".json")


def _record(job: Job, number: int, content: Mapping[str, Any]) -> None:
    data = {"chunk": number, "frames": job.plan.chunks[number][1], **content}
    write_whole(_record_path(job, number), json.dumps(data).encode())


def commit_pictures(job: Job, number: int) -> None:
    """Records a chunk whose pictures are all written.

    Raises:
        OSError: if one is missing, or the disk does not take it.
    """
    files = files_of(job, number)
    for path in files:
        with path.open("rb+") as file:
            os.fsync(file.fileno())
    _record(job, number, _content(files))


def commit_chunk(job: Job, number: int, part: Path) -> None:
    """Gives a chunk that was encoded and counted its name, then its record.

    Raises:
        OSError: if the disk does not take it.
    """
    content = _content([part])
    publish(part, chunk_path(job.folder, number))
    _record(job, number, content)


def finished_chunks(job: Job, numbers: Iterable[int] | None = None) -> set[int]:
    """Those of ``numbers`` (of all chunks where None) whose files are what their records say; each is read whole."""
    found = set()
    for number in range(len(job.plan.chunks)) if numbers is None else numbers:
        try:
            record = json.loads(_record_path(job, number).read_bytes())
            files = files_of(job, number)
            if record["frames"] != job.plan.chunks[number][1]:
                continue
            # Sizes first: a difference there spares reading.
            if record["size"] == sum(path.stat().st_size for path in files) and record == record | _content(files):
                found.add(number)
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def chunk_files(job: Job) -> list[Path]:
    """Files of all chunks, in order.

    Raises:
        OutputError: if one is missing.
    """
    missing = sorted(set(range(len(job.plan.chunks))) - finished_chunks(job))
    if missing:
        raise OutputError(
            f"'{job.output}' cannot be assembled",
            f"{len(missing)} chunks are missing, {missing[0]} first",
            "run it again",
        )
    return [path for number in range(len(job.plan.chunks)) for path in files_of(job, number)]


def remove_parts(folder: Path) -> None:
    """Removes what processes of this machine that are no longer alive had begun."""
    prefix = f".{socket.gethostname()}."
    for part in folder.glob("*.part"):
        owner = part.name.rpartition(".part")[0].rpartition(".")[2]
        ours = prefix in part.name or (part.name.startswith(("plan", "chunk")) and ".json." in part.name)
        if ours and owner.isdigit() and not is_running(int(owner)):
            with contextlib.suppress(OSError):
                part.unlink()


def remove_job(folder: Path) -> None:
    """Removes a job's folder and all in it; the plan goes first, so that half a folder is no job."""
    with contextlib.suppress(FileNotFoundError):
        (folder / "plan.safetensors").unlink()
    shutil.rmtree(folder, ignore_errors=True)


def passes(jobs: Sequence[Job], missing: Sequence[Iterable[int]]) -> list[tuple[tuple[Job, ...], list[int]]]:
    """What can be painted in one go each: consecutive chunks, with the outputs of the clip that lack just these.

    Args:
        jobs: outputs of one clip.
        missing: the numbers of the chunks that each of them lacks.
    """
    lacking: dict[tuple[int, tuple[int, int]], list[int]] = {}
    for place, (job, numbers) in enumerate(zip(jobs, missing, strict=True)):
        for number in numbers:
            # With its borders: outputs that were planned apart may have others.
            lacking.setdefault((number, job.plan.chunks[number]), []).append(place)
    found: list[tuple[list[int], list[int]]] = []
    for (number, _), places in sorted(lacking.items()):
        if found and found[-1][0] == places and found[-1][1][-1] + 1 == number:
            found[-1][1].append(number)
        else:
            found.append((places, [number]))
    return [(tuple(jobs[place] for place in places), numbers) for places, numbers in found]
