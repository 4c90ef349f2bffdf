"""What all verbs have in common: a quick start, mistakes in one line, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Clip, command
from videostyle.cli.interrupt import stoppable
from videostyle.cli.main import main
from videostyle.errors import Interrupted


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    heavy = "('tensorflow', 'keras', 'cv2', 'av', 'numpy', 'pydantic')"
    read = "import videostyle.cli.main; from videostyle.cli.parser import VERBS, parse"
    code = f"""import sys; {read}
for verb in VERBS:
    try:
        parse([verb, '--help'])
    except SystemExit:
        print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=20)
    assert set(done.stderr.split("\n")) == {"[]", ""}
    before = os.times()
    assert command("--help").returncode == 0
    after = os.times()
    used = after.children_user - before.children_user + after.children_system - before.children_system
    assert used < 1.5  # processor seconds, however busy the machine is; ordinarily 0.2


def test_version_names_both_ffmpegs() -> None:
    printed = command("--version").stdout
    assert "libavformat" in printed
    assert "ffmpeg version" in printed


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["render", "{clip}", "--style", "nonsense"], 4, "no style named"),
        (["render", "{clip}", "--style", "great-wave", "--strength", "2"], 2, "outside 0..1"),
        (["render", "{clip}", "--style", "great-wave", "--start", "x"], 2, "cannot read the time"),
        (["render", "{clip}", "--style", "great-wave", "--fps", "0"], 2, "cannot use the rate"),
        (["render", "{clip}", "--style", "great-wave", "--codec", "x"], 2, "no codec"),
        (["render", "{clip}", "--style", "great-wave", "--device", "gpu:9"], 6, "no device"),
        (["render", "{clip}", "--style", "missing.jpg"], 3, "no such file"),
        (["render", "nothing.mp4", "--style", "great-wave"], 3, "no such file"),
        (["render", "{clip}", "--style", "great-wave", "-o", "/dev/null/x.mp4"], 5, "cannot write"),
        (["render", "{clip}", "--style", "great-wave", "-o", "a" * 300 + ".mp4"], 5, "too long"),
        (["train", "nothing.jpg"], 3, "no such file"),
        (["styles", "show"], 2, "needs a style"),
        (["styles", "remove", "great-wave"], 2, "comes with"),
    ],
)
def test_mistakes_are_one_line_and_the_right_exit_code(
    clip: Clip, words: list[str], code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = [] if "-o" in words or words[0] != "render" else ["-o", str(tmp_path / "out.mp4")]
    assert main([w.format(clip=clip("plain.mp4")) for w in words] + target) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    last = printed.err.strip().splitlines()[-1]
    assert last.startswith("videostyle: ")
    assert message in last
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rendr", "a.mp4"], "no verb 'rendr' (did you mean render?)"),
        (["paint"], "no verb 'paint' (there are render, live, "),
        (
            ["render", "a", "--style", "b", "--duration", "1"],
            "no option '--duration' ('videostyle render --help' lists what there is)",
        ),
        (["render", "a", "--style", "b", "-o", "c.mp4", "--chunk", "-1"], "--chunk: -1 is too small"),
        (["render", "a", "--style", "b", "--strenght", "1"], "has no option '--strenght' (did you mean --strength?)"),
        (["render", "a", "--style", "b", "--crf", "low"], "argument --crf: 'low' is not a whole number"),
        (["render", "a", "--style", "b", "--strength", "nan"], "argument --strength: 'nan' is not a number"),
        (["render", "a"], "required: --style ('videostyle render --help' lists what there is)"),
        (["help", "files", "b"], "cannot place 'b'"),
        (["styles", "lst"], "invalid choice: 'lst'"),
        (["train", "a.jpg", "--minutes"], "expected one argument"),
    ],
)
def test_a_command_line_that_cannot_be_read_is_refused_in_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.strip().splitlines()) == 1
    assert printed.err.startswith("videostyle: ")
    assert message in printed.err


def test_every_option_is_explained() -> None:
    import argparse
    import importlib

    from videostyle.cli.parser import VERBS

    for verb in VERBS:
        parser = argparse.ArgumentParser()
        importlib.import_module(f"videostyle.cli.{verb}").configure(parser)
        assert [action.dest for action in parser._actions if not action.help] == [], verb


def test_a_setting_is_named_as_the_option_that_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "a.mp4", "--style", "great-wave", "--max-size", "8"]) == 2
    assert capsys.readouterr().err == "videostyle: --max-size: 8 is too small (give at least 16)\n"


def test_a_library_that_ends_the_process_while_stderr_is_silenced_is_not_silent() -> None:
    code = """
import os, signal, sys
import videostyle.cli.doctor, videostyle.cli.main
from videostyle.inference.startup import held_stderr

def run(options):
    with held_stderr():
        os.kill(os.getpid(), signal.SIGILL)

videostyle.cli.doctor.run = run
sys.argv = ["videostyle", "doctor"]
videostyle.cli.main.entry()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == -signal.SIGILL
    assert "Illegal instruction" in done.stderr


def test_an_error_is_an_object_where_json_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    for words, code, hint in (
        (["render", "nothing.mp4", "--style", "great-wave", "--json"], 3, "check the path"),
        (["rendr", "--json"], 2, "did you mean render?"),
        (["styles", "show", "great-wafe", "--json"], 4, "did you mean great-wave?"),
        (["render", "a.mp4", "--style", "great-wave", "--max-size", "8", "--json"], 2, "give at least 16"),
    ):
        assert main(words) == code
        printed = capsys.readouterr()
        told = json.loads(printed.out)
        assert (told["exit_code"], told["hint"]) == (code, hint)
        assert printed.err == f"videostyle: {told['error']} ({hint})\n"


def test_every_mistake_of_a_command_is_told_at_once(
    clip: Clip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["render", "a.mp4", "--style", "great-wave", "--crf", "99", "--strength", "2"]) == 2
    assert [line.split()[1] for line in capsys.readouterr().err.splitlines()] == ["--strength:", "--crf:"]
    (tmp_path / "there.mp4").touch()
    words = ["render", str(clip("one.mp4")), "--style", "great-wafe", "-o", str(tmp_path / "there.mp4")]
    assert main(words) == 4
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "did you mean great-wave?" in lines[0]
    assert "exists already" in lines[1]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["styles", "list"], 0),
        (["styles", "verify", "great-wave"], 0),
        (["styles", "show", "woodcut"], 0),
        (["render", "nothing.mp4", "--style", "great-wave"], 3),
        (["render", "{clip}", "--style", "great-wafe"], 4),
        (["render", "{clip}", "--style", "great-wave", "-o", "{there}"], 5),
        (["render", "{clip}", "--style", "great-wave", "-o", "{there}/x.mp4"], 5),
        (["render", "{clip}", "--style", "great-wave", "-o", "missing/x.mp4"], 5),
        (["render", "{clip}", "--style", "great-wave", "-o", 300 * "a" + ".mp4"], 5),
        (["render", "{clip}", "--style", "great-wave", "--start", "10", "--end", "5"], 2),
        (["render", "{clip}", "--style", "great-wave", "--start", "9f", "--end", "9f"], 2),
        (["render", "{clip}", "--style", "great-wave", "--start", "1:00"], 2),
        (["render", "{clip}", "--style", "great-wave", "--device", "cuda"], 2),
        (["render", "{clip}", "--style", "great-wave", "--preset", "turbo"], 2),
        (["render", "{clip}", "--style", "great-wave", "--pix-fmt", "foo"], 2),
        (["render", "{clip}", "--style", "great-wave", "--codec", "prores", "-o", "x.mp4"], 2),
        (["render", "{clip}", "--style", "missing.jpg"], 3),
        (["batch", "{clip}", "--style", "great-wafe", "--dry-run"], 4),
        (["batch", "{clip}", "--style", "great-wave", "--dry-run"], 0),
        (["train", "nothing.jpg"], 3),
        (["train", "{picture}", "-o", "great-wave"], 2),
        (["train", "{picture}", "--minutes", "0"], 2),
        (["train", "{picture}", "--start-from", "great-wafe"], 4),
        (["train", "{picture}", "--content", "nothing"], 3),
        (["batch", "nothing", "--style", "great-wave"], 3),
        (["live", "--style", "great-wafe", "--input", "{clip}"], 4),
        (["live", "--style", "great-wave", "--input", "nothing.mp4", "--page", "0"], 3),
        (["live", "--style", "great-wave", "--input", "nothing.mp4"], 3),
        (["export", "great-wafe", "--format", "onnx"], 4),
        (["export", "great-wave", "--format", "litert", "-o", "{there}"], 5),
        (["styles", "explain", "great-wave", "-o", "{there}"], 2),
        (["styles", "list", "--sheet", "{there}"], 2),
        (["evaluate", "nothing.mp4", "{clip}"], 3),
        (["evaluate", "{clip}", "{clip}", "--style", "great-wafe"], 4),
        (["inspect", "{clip}"], 0),
        (["preview", "{clip}", "--style", "great-wafe"], 4),
        (["preview", "nothing.mp4"], 3),
        (["processors", "list"], 0),
        (["bench", "--style", "great-wafe"], 4),
        (["bench", "--precisions", "int8"], 2),
        (["bench", "--plot", "{there}"], 5),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else str(value),
)
def test_what_can_be_refused_at_once_is_refused_before_tensorflow_is_loaded(
    words: list[str], code: int, clip: Clip, tmp_path: Path
) -> None:
    (tmp_path / "there.mp4").touch()
    places = {
        "clip": clip("one.mp4"), "there": tmp_path / "there.mp4", "picture": ROOT / "samples" / "harbour.jpg"
    }  # fmt: skip
    words = [word.format(**places) for word in words]
    program = f"""
import sys
from videostyle.cli.interrupt import stoppable
from videostyle.cli.main import main
from videostyle.errors import Interrupted
code = main({words!r})
print("loaded", [name for name in ("tensorflow", "keras", "ray", "scipy", "pandas") if name in sys.modules], code)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == f"loaded [] {code}", done.stderr


def test_a_render_goes_on_when_nobody_reads_its_messages(clip: Clip, tmp_path: Path) -> None:
    output = tmp_path / "painted.mp4"
    words = ["render", str(clip("plain.mp4")), "--style", "great-wave", "--end", "1f", "-o", str(output)]
    unheard, messages = os.pipe()
    os.close(unheard)
    with os.fdopen(messages, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "videostyle", *words], stdout=pipe, stderr=pipe, cwd=ROOT, timeout=120
        )
    assert done.returncode == 0
    assert output.exists()


def test_a_stream_that_is_closed_from_the_beginning_is_no_mistake() -> None:
    closed = 'exec "$@" <&- >&- 2>&-'
    words = ["sh", "-c", closed, "sh", sys.executable, "-m", "videostyle", "help", "files"]
    assert subprocess.run(words, cwd=ROOT, timeout=60).returncode == 0
    said = ["sh", "-c", 'exec "$@" 2>&-', "sh", sys.executable, "-m", "videostyle", "inspect", "missing.mp4"]
    done = subprocess.run(said, stdout=subprocess.PIPE, cwd=ROOT, timeout=60)
    assert (done.returncode, done.stdout) == (3, b"")  # Python prints on stdout what is meant for no stream


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
@pytest.mark.parametrize("words", [["help", "files"], ["inspect", "missing.mp4", "--json"]])
def test_a_result_that_cannot_be_printed_is_an_error_of_one_line(words: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "videostyle", *words], stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
    assert done.stderr.count("\n") == 1
    assert done.returncode == (5 if "help" in words else 3)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")
def test_a_terminal_that_closes_stops_cleanly_unless_it_is_meant_to_go_on() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        with pytest.raises(Interrupted) as stopped, stoppable() as asked:
            signal.raise_signal(signal.SIGHUP)
            assert asked.is_set()
            raise Interrupted("stopped")
        assert stopped.value.exit_code == 129
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with stoppable() as asked:
            signal.raise_signal(signal.SIGHUP)
            assert not asked.is_set()
    finally:
        signal.signal(signal.SIGHUP, before)
