"""Finished chunks on disk, each with a record of its content and of the machine that painted it.

For each finished chunk the folder of the job holds ``chunk_00012.stream`` and its record ``chunk_00012.json``. A chunk
is written under another name, its frames are counted, and it is synced and renamed; then its record is written in the
same way. (Pictures of a sequence get their final names one by one, and only their record is here.) So a record never
describes a file that is missing, a chunk without a record is painted again, and there is no common journal that two
workers or a crash could damage. A chunk that two workers paint has the same frames.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from videostyle.errors import DeviceError, OutputError
from videostyle.media.atomic import process_name, publish, write_whole
from videostyle.media.writers.images import number_of, numbered
from videostyle.platforms import is_running
from videostyle.rendering.job_store import RESUME_HINT, Job, differences

SCRATCH_SUFFIX = ".stream"  # the container does not matter: packets get their times when chunks are assembled


def chunk_path(folder: Path, number: int) -> Path:
    """The finished file of a chunk."""
    return folder / f"chunk_{number:05d}{SCRATCH_SUFFIX}"


def part_path(folder: Path, number: int) -> Path:
    """The file into which this process writes a chunk; no other process on any machine uses the same name."""
    return folder / f"chunk_{number:05d}.{process_name()}.part"


def files_of(job: Job, number: int) -> list[Path]:
    """The files of a finished chunk: one stream, or its pictures."""
    if not job.pictures:
        return [chunk_path(job.folder, number)]
    first, frames = job.plan.chunks[number]
    return [numbered(job.pictures, number_of(n, job.numbers)) for n in range(first, first + frames)]


def _content(files: Iterable[Path]) -> dict[str, Any]:
    """Size and SHA-256 of files in order.

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


@dataclass(frozen=True)
class Conditions:
    """How a chunk was painted.

    Attributes:
        machine: what its last bits depend on, by name (``processor_cache.machine_of``).
        warnings: warnings while it was painted.
        header: hash of the encoder's header, which must be the same in all chunks of a video; "" for pictures.
    """

    machine: dict[str, str]
    warnings: tuple[str, ...] = ()
    header: str = ""


def _record(job: Job, number: int, content: Mapping[str, Any], conditions: Conditions) -> None:
    data = {"chunk": number, "frames": job.plan.chunks[number][1], **content, **asdict(conditions)}
    write_whole(_record_path(job, number), json.dumps(data).encode())


def commit_pictures(job: Job, number: int, conditions: Conditions) -> None:
    """Writes the record of a chunk whose pictures are all written.

    Raises:
        OSError: if one is missing, or the record cannot be written.
    """
    files = files_of(job, number)
    for path in files:
        with path.open("rb+") as file:
            os.fsync(file.fileno())
    _record(job, number, _content(files), conditions)


def commit_chunk(job: Job, number: int, part: Path, conditions: Conditions) -> None:
    """Renames a chunk that was encoded and counted, and then writes its record.

    Raises:
        OSError: if it cannot be written.
    """
    content = _content([part])
    publish(part, chunk_path(job.folder, number))
    _record(job, number, content, conditions)


def _read_record(job: Job, number: int) -> dict[str, Any] | None:
    try:
        record = json.loads(_record_path(job, number).read_bytes())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and record.get("frames") == job.plan.chunks[number][1] else None


def finished_chunks(job: Job, numbers: Iterable[int] | None = None) -> set[int]:
    """The numbers of chunks whose files have the size and hash in their records; all files are read completely.

    Args:
        job: the job.
        numbers: the chunks to check; None = all.
    """
    found = set()
    for number in range(len(job.plan.chunks)) if numbers is None else numbers:
        record = _read_record(job, number)
        if record is None:
            continue
        try:
            files = files_of(job, number)
            # Sizes first: if they differ, the files need not be read.
            if record["size"] == sum(path.stat().st_size for path in files) and record == record | _content(files):
                found.add(number)
        except (OSError, KeyError):
            continue
    return found


def conditions_of(job: Job) -> dict[int, Conditions]:
    """How each chunk with a record was painted, by number; the files are not checked."""
    found = {}
    for number in range(len(job.plan.chunks)):
        record = _read_record(job, number)
        if record is not None:
            with contextlib.suppress(KeyError, TypeError, ValueError):
                found[number] = Conditions(dict(record["machine"]), tuple(record["warnings"]), str(record["header"]))
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
            f"{len(missing)} chunks are missing or damaged, {missing[0]} first",
            RESUME_HINT,
        )
    return [path for number in range(len(job.plan.chunks)) for path in files_of(job, number)]


def differing_machines(job: Job, machine: Mapping[str, str] | None = None) -> list[str]:
    """The names of what differs among the machines that painted chunks of a job, and ``machine`` if given."""
    machines = [conditions.machine for conditions in conditions_of(job).values()]
    if machine is not None:
        machines.append(dict(machine))
    return sorted({name for other in machines[1:] for name in differences(machines[0], other)})


def check_machine(job: Job, machine: Mapping[str, str]) -> None:
    """Checks that a machine may paint chunks of a job: with the backend that it was begun with, and if strict alike.

    Raises:
        DeviceError: if it computes with another backend, or the job is strict and it differs from the machines that
            painted the finished chunks.
    """
    begun = job.machine.get("backend", "")
    if begun and begun != machine.get("backend"):
        raise DeviceError(
            f"chunks of '{job.output}' cannot be painted with {machine.get('backend')}",
            f"it was begun with {begun}, whose frames may differ in the last bits",
            f"add `backend` {begun}, or KERAS_BACKEND={begun} for workers; or begin again with `restart`",
        )
    if job.settings.strict and (names := differing_machines(job, machine)):
        raise DeviceError(
            f"this machine cannot paint chunks of '{job.output}' with `strict`",
            f"finished chunks were painted with different: {', '.join(names)}",
            "leave `strict` out, or paint on a machine like the others",
        )


def check_header(job: Job, number: int, header: str) -> None:
    """Checks that a chunk can be joined with the finished ones.

    Raises:
        OutputError: if its header differs from that of another chunk.
    """
    for other, conditions in conditions_of(job).items():
        if other != number and conditions.header != header:
            raise OutputError(
                f"chunk {number} of '{job.output}' cannot be joined with chunk {other}",
                "their encoders are not the same version",
                "use the same version of imageio-ffmpeg on all machines",
            )


def remove_abandoned(folder: Path) -> None:
    """Removes unfinished files of processes of this machine that no longer run."""
    for part in folder.glob(f"*.{process_name().rpartition('.')[0]}.*.part"):
        owner = part.name.removesuffix(".part").rpartition(".")[2]
        if owner.isdigit() and not is_running(int(owner)):
            with contextlib.suppress(OSError):
                part.unlink()


def missing_runs(jobs: Sequence[Job], missing: Sequence[Iterable[int]]) -> list[tuple[tuple[Job, ...], list[int]]]:
    """Runs of consecutive chunks that are missing from the same outputs: each can be painted in one pass.

    Args:
        jobs: outputs of one clip.
        missing: for each of them, the numbers of its missing chunks.

    Returns:
        For each run, the jobs in which it is missing, and its chunks.
    """
    lacking: dict[tuple[int, tuple[int, int]], list[int]] = {}
    for place, (job, numbers) in enumerate(zip(jobs, missing, strict=True)):
        for number in numbers:
            # Borders are compared too: outputs that were planned separately may have other chunks.
            lacking.setdefault((number, job.plan.chunks[number]), []).append(place)
    found: list[tuple[list[int], list[int]]] = []
    for (number, _), places in sorted(lacking.items()):
        if found and found[-1][0] == places and found[-1][1][-1] + 1 == number:
            found[-1][1].append(number)
        else:
            found.append((places, [number]))
    return [(tuple(jobs[place] for place in places), numbers) for places, numbers in found]
