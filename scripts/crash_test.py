"""Kills one render at random moments, resumes it each time, and compares the end with an uninterrupted render.

    python scripts/crash_test.py [CLIP] [--kills 50] [--style great-wave] [--engines one,processes,ray]

A moment is drawn from the whole life of a run: loading, planning, painting, committing, assembling. The engines
take turns on the same job. One kill in two is a power cut, which ends every process of the run at once; the
other hits the first process only, and the rest must end by themselves. Frames and times of the result must be
those of the uninterrupted render; no more may be lost than the chunks in work; no file and no process may be
left.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from videostyle.media.ffmpeg.process import ffmpeg_exe
from videostyle.media.readers.open import open_reader
from videostyle.rendering.chunk_store import finished_chunks
from videostyle.rendering.job_store import load_job, work_folder

ENGINES = {"one": [], "processes": ["--workers", "2"], "ray": ["--engine", "ray", "--workers", "2"]}
MARK = "VIDEOSTYLE_CRASH_TEST"  # in the environment of all that a run starts


def decoded(path: Path) -> tuple[str, int]:
    """Hash of all frames and times, and how many there are."""
    digest, count = hashlib.sha256(), 0
    with open_reader(path) as source:
        for batch in source:
            digest.update(batch.frames.tobytes())
            digest.update(batch.pts.tobytes())
            count += len(batch)
    return digest.hexdigest(), count


def sample(path: Path) -> Path:
    """A clip of five chunks that takes about as long to paint as a program takes to start."""
    pattern = ["-f", "lavfi", "-i", "testsrc2=s=240x176:r=25:d=40"]
    subprocess.run([ffmpeg_exe(), "-v", "error", *pattern, "-c:v", "libx264", "-pix_fmt", "yuv420p", path], check=True)
    return path


def processes(mark: str) -> list[int]:
    """All that carry ``mark``, whoever their parent is by now."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and f"{MARK}={mark}".encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
    return found


def power_cut(mark: str) -> None:
    """Ends all of them at once."""
    while left := processes(mark):
        for number in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        time.sleep(0.05)


def chunks_kept(output: Path) -> tuple[int, int]:
    """Finished chunks of the job, and all of them."""
    job = load_job(work_folder(output))
    return (len(finished_chunks(job)), len(job.plan.chunks)) if job else (0, 0)


def main() -> None:
    """Kills, resumes, compares; exits with 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path, nargs="?", help="default: a small test pattern")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--style", default="great-wave")
    parser.add_argument("--engines", default="one,processes,ray", help="of those three, in turn")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    engines = options.engines.split(",")
    rng, mark = random.Random(options.seed), secrets.token_hex(8)  # noqa: S311 - moments are no secret
    environment = {**os.environ, MARK: mark}
    with tempfile.TemporaryDirectory() as folder:
        clip = options.clip or sample(Path(folder) / "clip.mp4")
        whole, output, messages = (Path(folder) / name for name in ("whole.mp4", "out.mp4", "messages.txt"))
        command = [sys.executable, "-m", "videostyle", "render", str(clip), "--style", options.style, "-q", "-o"]

        def check(path: Path) -> None:
            if decoded(path) != expected:
                raise SystemExit(f"after {kills} kills the result differs")

        subprocess.run([*command, str(whole)], check=True, stdout=subprocess.DEVNULL)
        expected = decoded(whole)
        kills, completions, lost, cuts = 0, 0, 0, 0
        life: dict[str, float] = {}
        for engine in dict.fromkeys(engines):
            began = time.monotonic()
            subprocess.run([*command, str(output), *ENGINES[engine]], check=True, stdout=subprocess.DEVNULL)
            life[engine] = time.monotonic() - began
            check(output)
            output.unlink()
        print("lives:", ", ".join(f"{engine} {seconds:.1f} s" for engine, seconds in life.items()), flush=True)
        while kills < options.kills:
            engine = engines[kills % len(engines)]
            before, _ = chunks_kept(output)
            with messages.open("wb") as log:
                child = subprocess.Popen(
                    [*command, str(output), "--resume", *ENGINES[engine]],
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    env=environment,
                    start_new_session=True,
                )
            ended = True
            try:
                child.wait(rng.uniform(0.1, 1.0) * life[engine])
            except subprocess.TimeoutExpired:
                ended = False
            if not ended:
                if cut := rng.random() < 0.5:
                    power_cut(mark)
                    cuts += 1
                child.kill()
                child.wait()
                kills += 1
                if not output.exists():
                    kept, chunks = chunks_kept(output)
                    begun = len(list(work_folder(output).glob("*.part")))
                    if kept < before:
                        raise SystemExit(f"kill {kills} cost {before - kept} finished chunks")
                    lost = max(lost, begun)
                    what = "power cut" if cut else "kill"
                    print(f"{kills}: {what} of {engine}: {kept} of {chunks} chunks kept, {begun} lost", flush=True)
                    continue
            # It came to its end: that end must be right, and the next begins anew.
            if ended and child.returncode:
                raise SystemExit(f"{engine} failed by itself after {kills} kills:\n{messages.read_text()[-4000:]}")
            completions += 1
            check(output)
            output.unlink()
        subprocess.run([*command, str(output)], check=True, stdout=subprocess.DEVNULL)
        check(output)
        deadline = time.monotonic() + 60
        while (left := processes(mark)) and time.monotonic() < deadline:
            time.sleep(0.5)
        if left:
            power_cut(mark)
            raise SystemExit(f"{len(left)} processes were left over")
        files = sorted(set(os.listdir(folder)) - {"whole.mp4", "out.mp4", "clip.mp4", "messages.txt"})
        if files:
            raise SystemExit(f"left over: {', '.join(files)}")
    print(f"{kills} kills, {cuts} of them power cuts, on {', '.join(life)}: {completions + 1} completed renders of")
    print(
        f"{expected[1]} frames, all identical; at most {lost} chunks lost by a kill; no file and no process left over"
    )


if __name__ == "__main__":
    main()
