"""``batch``: folders and job files, past what fails, with a table and a report at the end."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from videostyle.cli.main import main
from videostyle.errors import DeviceError, InputError
from videostyle.rendering import batch, chunk_writers
from videostyle.rendering.batch import Clock, groups_of, run_tasks
from videostyle.rendering.batch_tasks import Task, plan_tasks
from videostyle.rendering.job_file import JobEntry
from videostyle.rendering.pipeline import RunReport
from videostyle.rendering.settings import Engine, RenderSettings
from videostyle.styles.style_file import load_style, save_style

Clip = Callable[[str], Path]


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, random_style) -> Path:  # type: ignore[no-untyped-def]
    """A home with two styles that paint quickly."""
    path = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(path))
    for name in ("quick", "swift"):
        save_style(random_style, path / "styles" / f"{name}.safetensors")
    return path


@pytest.fixture
def footage(clip: Clip, tmp_path: Path) -> Path:
    """A folder with clips, one of them broken, one below."""
    folder = tmp_path / "footage"
    (folder / "day2").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    shutil.copy(clip("plain.mp4"), folder / "a.mp4")
    shutil.copy(clip("nomoov.mp4"), folder / "broken.mp4")
    shutil.copy(clip("silent.mkv"), folder / "day2" / "b.mkv")
    shutil.copy(clip("silent.mkv"), folder / ".hidden" / "c.mkv")
    (folder / "notes.txt").write_text("no video")
    return folder


def test_a_folder_is_painted_in_every_style_past_a_broken_clip(
    footage: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, report = tmp_path / "out", tmp_path / "report.json"
    words = [
        "batch",
        str(footage),
        "--style",
        "quick",
        "--style",
        "swift",
        "-o",
        str(out),
        "--report",
        str(report),
        "-q",
    ]
    assert main(words) == 3
    files = sorted(str(f.relative_to(out)) for f in out.rglob("*") if f.is_file())
    assert files == [
        "a_stylized_quick.mp4",
        "a_stylized_swift.mp4",
        "day2/b_stylized_quick.mp4",
        "day2/b_stylized_swift.mp4",
    ]
    table = capsys.readouterr().out
    assert table.count("done") == 4
    assert table.count("failed") == 2
    assert "moov" in table
    rows = json.loads(report.read_text())["tasks"]
    assert {row["status"] for row in rows} == {"done", "failed"}
    assert sum(row["frames"] for row in rows) == 100
    # Again: what is there is kept, and the exit code still tells of the broken one.
    assert main([*words, "--json"]) == 3
    again = json.loads(capsys.readouterr().out)["tasks"]
    assert [row["status"] for row in again].count("kept") == 4


def test_outputs_beside_the_clips_are_not_painted_again(footage: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (footage / "broken.mp4").unlink()
    words = ["batch", str(footage), "--style", "quick", "-q"]
    assert main(words) == 0
    before = sorted(os.listdir(footage))
    assert main(words) == 0
    assert sorted(os.listdir(footage)) == before
    assert "stylized_quick_stylized" not in capsys.readouterr().out


def test_a_dry_run_shows_the_plan_and_writes_nothing(
    footage: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(footage.rglob("*"))
    words = ["batch", str(footage), "--style", "quick", "-o", str(tmp_path / "out"), "--dry-run", "-q"]
    assert main([*words, "--json"]) == 3
    plan = json.loads(capsys.readouterr().out)
    assert [row["frames"] for row in plan["tasks"]] == [25, 25]
    assert plan["bytes"] > 0
    assert plan["free"] > 0
    assert len(plan["failed"]) == 1
    assert main(words) == 3
    assert "2 outputs" in capsys.readouterr().out
    assert main(["batch", str(footage / "broken.mp4"), "--style", "quick", "--dry-run", "-q"]) == 3
    assert "0 outputs\n" in capsys.readouterr().out
    assert sorted(footage.rglob("*")) == before
    assert not (tmp_path / "out").exists()


def test_each_clip_says_that_it_gets_ready(footage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = []

    def run_tasks(tasks, engine, *, bars, **_):  # type: ignore[no-untyped-def]
        bars(tasks)
        said.append("painting")
        return []

    monkeypatch.setattr("videostyle.rendering.batch.run_tasks", run_tasks)
    monkeypatch.setattr("videostyle.cli.progress.Bars.note", lambda self, text, **_: said.append(text))
    assert main(["batch", str(footage / "a.mp4"), "--style", "quick", "-o", str(tmp_path / "out")]) == 0
    assert said[-2:] == ["getting ready", "painting"]


def test_a_job_file_sets_styles_and_settings_for_each_clip(footage: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (footage / "jobs.toml").write_text(
        """
[defaults]
styles = ["quick"]
crf = 30
max_size = 32

[[clip]]
input = "a.mp4"
output = "painted/first.mp4"
end = "10f"

[[clip]]
input = "day2"
styles = ["quick", "swift"]
max_size = 48
"""
    )
    assert main(["batch", str(footage / "jobs.toml"), "--json", "-q"]) == 0
    rows = {Path(r["output"]).name: r for r in json.loads(capsys.readouterr().out)["tasks"]}
    assert rows["first.mp4"]["frames"] == 10
    assert sorted(rows) == ["b_stylized_quick.mp4", "b_stylized_swift.mp4", "first.mp4"]
    from videostyle.media.probe import probe

    sizes = {name: (probe(r["output"]).video or pytest.fail()).width for name, r in rows.items()}
    assert sizes == {"first.mp4": 32, "b_stylized_quick.mp4": 48, "b_stylized_swift.mp4": 48}


def test_two_clips_of_one_stem_get_two_outputs(clip: Clip, tmp_path: Path) -> None:
    for name in ("x.mp4", "x.mkv"):
        shutil.copy(clip("silent.mkv"), tmp_path / name)
    tasks, failed = plan_tasks([JobEntry(tmp_path, ("quick",), RenderSettings(""))], tmp_path / "out")
    assert not failed
    assert len({task.output for task in tasks}) == 2


def test_pictures_of_a_clip_count_as_kept_only_when_they_are_all_there(
    clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(clip("plain.mp4"), tmp_path / "a.mp4")
    folder = tmp_path / "out" / "a_stylized_quick"
    words = ["batch", str(tmp_path / "a.mp4"), "--style", "quick", "-o", str(tmp_path / "out"), "--codec", "png", "-q"]

    def row() -> dict[str, object]:
        return dict(json.loads(capsys.readouterr().out.splitlines()[-1])["tasks"][0])

    def full(job: object, number: int, conditions: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(chunk_writers, "commit_pictures", full)
        assert main([*words, "--json"]) == 5
    assert row()["status"] == "failed"
    assert list(folder.glob("*.png"))
    assert main([*words, "--dry-run", "--json"]) == 0
    assert row()["exists"] is False
    assert main([*words, "--json"]) == 0
    assert row()["status"] == "done"
    assert len(list(folder.glob("*.png"))) == 25
    assert main([*words, "--json"]) == 0
    assert row()["status"] == "kept"
    assert sorted(os.listdir(tmp_path / "out")) == ["a_stylized_quick"]


def test_an_empty_folder_is_no_painted_sequence(tmp_path: Path) -> None:
    settings = RenderSettings("quick", codec="png")
    task = Task(tmp_path / "a.mp4", tmp_path / "out", settings, 1, 1)
    assert not task.is_there
    task.output.mkdir()
    assert not task.is_there
    (task.output / "000000.png").touch()
    assert task.is_there


def test_render_gives_the_pictures_of_each_of_several_clips_a_folder(
    clip: Clip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(clip("one.mp4"), tmp_path / name)
    (tmp_path / "out").mkdir()
    words = ["render", str(tmp_path / "a.mp4"), str(tmp_path / "b.mp4"), "--style", "quick", "--codec", "png", "-q"]
    assert main([*words, "-o", str(tmp_path / "out")]) == 0
    assert sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.png")) == [
        "a_stylized_quick/000000.png",
        "b_stylized_quick/000000.png",
    ]


def test_the_longest_comes_first_and_the_time_left_is_that_of_what_was_done(clip: Clip, tmp_path: Path) -> None:
    for name in ("one.mp4", "plain.mp4"):
        shutil.copy(clip(name), tmp_path / name)
    tasks, _ = plan_tasks([JobEntry(tmp_path, ("quick",), RenderSettings(""))], None)
    assert [task.frames for task in tasks] == [25, 1]
    clock = Clock(None)
    assert clock.left(10) is None
    assert Clock(5.0).left(10) == 2.0
    clock.add(30, 3.0)
    assert clock.left(10) == 1.0


def test_what_may_pass_is_tried_again_and_what_may_not_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def render_all(path: Path, *arguments: object, **options: object) -> None:
        tried.append(path.name)
        raise DeviceError("busy") if path.name == "busy.mp4" else InputError("broken")

    monkeypatch.setattr("videostyle.rendering.render.render_all", render_all)
    settings = RenderSettings("quick")
    tasks = [Task(tmp_path / f"{n}.mp4", tmp_path / f"{n}_out.mp4", settings, 1, 1) for n in ("busy", "broken")]
    outcomes = run_tasks(tasks, Engine())
    assert tried == ["busy.mp4", "busy.mp4", "broken.mp4"]
    assert [outcome.exit_code for outcome in outcomes] == [6, 3]
    assert batch.ATTEMPTS == 2


def test_a_bug_met_in_one_clip_does_not_cost_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def render_all(path: Path, *arguments: object, **options: object) -> list[RunReport]:
        if path.name == "odd.mp4":
            raise ZeroDivisionError("division by zero")
        return [RunReport(tmp_path / "fine_out.mp4", 1, 0.1, 0.1, ())]

    monkeypatch.setattr("videostyle.rendering.render.render_all", render_all)
    tasks = [Task(tmp_path / f"{n}.mp4", tmp_path / f"{n}_out.mp4", RenderSettings("a"), 1, 1) for n in ("odd", "fine")]
    outcomes = run_tasks(tasks, Engine())
    assert [(outcome.status, outcome.exit_code) for outcome in outcomes] == [("failed", 1), ("done", 0)]
    assert "this is a bug: ZeroDivisionError: division by zero" in outcomes[0].error


def test_a_name_that_is_too_long_is_the_failure_of_its_clip_alone(
    clip: Clip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["a.mp4", f"{'n' * 245}.mp4"]
    for name in names:
        shutil.copy(clip("one.mp4"), tmp_path / name)
    words = ["batch", *(str(tmp_path / name) for name in names), f"{tmp_path}/{'m' * 300}.mp4", "--style", "quick"]
    assert main([*words, "-q", "--json"]) == 3
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])["tasks"]
    found = {Path(row["input"]).name[0]: (row["status"], row["exit_code"]) for row in rows}
    assert found == {"a": ("done", 0), "n": ("failed", 5), "m": ("failed", 3)}
    assert all("too long" in row["error"] for row in rows if row["status"] == "failed")
    assert main([*words, "-q", "-o", "d" * 300]) == 5
    assert "cannot write to" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["FOLDER"], "no style"),
        (["jobs.toml", "--style", "quick"], "no effect on a job file"),
        (["FOLDER", "--style", "quick", "--workers", "0"], "--workers"),
    ],
)
def test_batch_refuses_in_one_line(
    words: list[str], message: str, footage: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["batch", *[str(footage) if w == "FOLDER" else w for w in words], "-q"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1


def test_what_reads_a_clip_alike_is_one_group(tmp_path: Path) -> None:
    from dataclasses import replace

    settings, clip = RenderSettings("a"), tmp_path / "x.mp4"
    tasks = [
        Task(clip, tmp_path / "1.mp4", settings, 1, 1),
        Task(clip, tmp_path / "2.mp4", replace(settings, style="b", strength=0.5), 1, 1),
        Task(clip, tmp_path / "3.mp4", replace(settings, max_size=64), 1, 1),
        Task(tmp_path / "y.mp4", tmp_path / "4.mp4", settings, 1, 1),
        Task(clip, tmp_path / "5.mkv", replace(settings, preserve_color=True), 1, 1),
        Task(clip, tmp_path / "6.gif", settings, 1, 1),
        Task(clip, tmp_path / "7", replace(settings, codec="png"), 1, 1),
    ]
    groups = [[task.output.stem for task in group] for group in groups_of(tasks)]
    assert groups == [["1", "2", "5", "7"], ["3"], ["4"], ["6"]]


def test_a_pattern_that_nothing_matches_is_the_failure_of_its_entry(clip: Clip, tmp_path: Path) -> None:
    shutil.copy(clip("one.mp4"), tmp_path / "a.mp4")
    entries = [
        JobEntry(tmp_path / "*.mov", ("quick",), RenderSettings(""), where="line 3"),
        JobEntry(tmp_path / "*.mp4", ("quick",), RenderSettings("")),
    ]
    tasks, failed = plan_tasks(entries, None)
    assert [task.input.name for task in tasks] == ["a.mp4"]
    (outcome,) = failed
    assert outcome.exit_code == InputError.exit_code
    assert "nothing matches" in outcome.error
    assert "line 3" in outcome.error


def test_an_output_made_with_other_settings_stays_and_is_no_success(
    clip: Clip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(clip("plain.mp4"), tmp_path / "a.mp4")
    words = ["batch", str(tmp_path / "a.mp4"), "--style", "quick", "-o", str(tmp_path / "out"), "-q", "--json"]

    def row(*more: str) -> tuple[int, str, str]:
        code = main([*words, *more])
        data = json.loads(capsys.readouterr().out.splitlines()[-1])
        return code, data["tasks"][0]["status"], data["tasks"][0]["error"]

    assert row("--end", "10f") == (0, "done", "")
    before = (tmp_path / "out" / "a_stylized_quick.mp4").read_bytes()
    assert row("--end", "10f", "--threads", "1") == (0, "kept", "")  # how to compute is no difference
    code, status, error = row("--end", "12f", "--crf", "30")
    assert (code, status) == (5, "differs")
    assert "`end` '10f' instead of '12f', `crf` not given instead of 30" in error
    assert "`overwrite`" in error
    assert (tmp_path / "out" / "a_stylized_quick.mp4").read_bytes() == before
    assert main([*words[:-1], "--dry-run"]) == 5
    assert "--end '10f' instead of not given" in capsys.readouterr().out
    assert row("--end", "12f", "-y")[:2] == (0, "done")


def test_a_style_that_was_made_anew_is_another_style(
    clip: Clip, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from videostyle.network.architecture import initial_weights
    from videostyle.styles.card import Style

    shutil.copy(clip("one.mp4"), tmp_path / "a.mp4")
    words = ["batch", str(tmp_path / "a.mp4"), "--style", "quick", "-q"]
    assert main(words) == 0
    style = load_style(home / "styles" / "quick.safetensors")
    save_style(Style(style.card, initial_weights(style.architecture, seed=9)), home / "styles" / "quick.safetensors")
    assert main(words) == 5
    assert "an earlier version of the style" in capsys.readouterr().out


def test_all_mistakes_of_a_job_are_told_at_once_before_any_work(
    footage: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "batch",
        str(footage),
        "--style",
        "quik",
        "--style",
        "starry nigt",
        "--codec",
        "prores",
        "--preset",
        "slow",
    ]
    for more in ([], ["--dry-run"]):
        assert main([*words, *more]) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 3
        assert "prores has no presets" in lines[0]
        assert "no style named 'quik' (did you mean quick?)" in lines[1]
        assert "did you mean starry-night?" in lines[2]
    assert not list(footage.rglob("*stylized*"))
    (footage / "jobs.toml").write_text(
        """
[[clip]]
input = "a.mp4"
styles = ["quick"]
strenght = 2
crf = 99

[[clip]]
input = "day2"
styles = ["quick"]
codec = "mpeg2"
"""
    )
    assert main(["batch", str(footage / "jobs.toml"), "--dry-run", "--json"]) == 2
    printed = capsys.readouterr()
    assert ["line 5" in line or "line 6" in line or "line 11" in line for line in printed.err.splitlines()] == [
        True
    ] * 3
    told = json.loads(printed.out)
    assert told["exit_code"] == 2
    assert len(told["errors"]) == 3
    assert told["errors"][0]["hint"] == "did you mean strength?"


def test_a_folder_of_photos_is_painted(clip: Clip, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from videostyle.media.writers.images import write_png

    (tmp_path / "photos").mkdir()
    for name in ("IMG_1.png", "IMG_2.png"):
        write_png(tmp_path / "photos" / name, np.zeros((32, 32, 3), np.uint8))
    words = ["batch", str(tmp_path / "photos"), "--style", "quick", "--style", "swift", "-q"]
    for status in ("done", "kept"):
        assert main([*words, "--json"]) == 0
        rows = json.loads(capsys.readouterr().out.splitlines()[-1])["tasks"]
        assert [row["status"] for row in rows] == [status] * 4
        assert {Path(row["output"]).name for row in rows} >= {"IMG_1_stylized_quick.png", "IMG_2_stylized_swift.png"}
    (tmp_path / "none").mkdir()
    assert main(["batch", str(tmp_path / "none"), *words[2:], "--json"]) == 3
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])["tasks"]
    assert [row["style"] for row in rows] == ["quick", "swift"]
    assert all("no videos and no pictures" in row["error"] for row in rows)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_file_that_exists_is_no_pattern(clip: Clip, tmp_path: Path) -> None:
    odd = tmp_path / "Why? [1080p]*.mp4"
    shutil.copy(clip("silent.mkv"), odd)
    tasks, failed = plan_tasks([JobEntry(odd, ("quick",), RenderSettings("quick"))], tmp_path / "out")
    assert not failed
    assert [task.input for task in tasks] == [odd]
