"""Kills one render at random moments, resumes it each time, and compares the end with an uninterrupted render.

    python scripts/crash_test.py CLIP [--kills 50] [--style great-wave] [--ray]

A moment is drawn from the whole life of a run: loading, planning, painting, committing, assembling. With
``--ray`` every other run paints on a Ray cluster of this machine. Frames and times of the result must be those
of the uninterrupted render, and nothing may be left beside it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from videostyle.io.source import open_source
from videostyle.render.job import finished_chunks, load_job, work_folder


def decoded(path: Path) -> tuple[str, int]:
    """Hash of all frames and times, and how many there are."""
    digest, count = hashlib.sha256(), 0
    with open_source(path) as source:
        for batch in source:
            digest.update(batch.frames.tobytes())
            digest.update(batch.pts.tobytes())
            count += len(batch)
    return digest.hexdigest(), count


def main() -> None:
    """Kills, resumes, compares; exits with 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--style", default="great-wave")
    parser.add_argument("--ray", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)  # noqa: S311 - not a secret
    with tempfile.TemporaryDirectory() as folder:
        whole, output = Path(folder) / "whole.mp4", Path(folder) / "out.mp4"
        command = [
            sys.executable,
            "-m",
            "videostyle",
            "render",
            str(options.clip),
            "--style",
            options.style,
            "-q",
            "-o",
        ]
        began = time.monotonic()
        subprocess.run([*command, str(whole)], check=True, stdout=subprocess.DEVNULL)
        life = time.monotonic() - began
        expected = decoded(whole)
        kills = completions = 0
        while kills < options.kills:
            extra = ["--engine", "ray"] if options.ray and kills % 2 else []
            child = subprocess.Popen(
                [*command, str(output), "--resume", *extra],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            try:
                child.wait(rng.uniform(0.1, 1.0) * life)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                kills += 1
                job = load_job(work_folder(output))
                kept = len(finished_chunks(job)) if job else 0
                chunks = len(job.plan.chunks) if job else 0
                print(f"kill {kills}: {kept} of {chunks} chunks are kept", flush=True)
                continue
            # It came to its end: that end must be right, and the next begins anew.
            completions += 1
            if decoded(output) != expected:
                raise SystemExit(f"after {kills} kills the result differs")
            output.unlink()
        subprocess.run([*command, str(output)], check=True, stdout=subprocess.DEVNULL)
        if decoded(output) != expected:
            raise SystemExit(f"after {kills} kills the result differs")
        left = sorted(set(os.listdir(folder)) - {"whole.mp4", "out.mp4"})
        if left:
            raise SystemExit(f"left over: {', '.join(left)}")
    print(
        f"{kills} kills, {completions + 1} completed renders of {expected[1]} frames: all identical, nothing left over"
    )


if __name__ == "__main__":
    main()
