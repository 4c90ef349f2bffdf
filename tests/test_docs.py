"""README and the pages of ``videostyle help``: their commands parse, and their tables and links are true."""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from videostyle.cli.help import topics
from videostyle.cli.parser import VERBS, parse
from videostyle.live.keys import listed
from videostyle.media.ffmpeg.codecs import CODECS
from videostyle.rendering.job_file import read_job_file
from videostyle.rendering.settings import RenderSettings
from videostyle.styles import gallery
from videostyle.styles.resolve import is_picture, parse_mix

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = {"README": README, **topics()}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
MOST_WORDS = 1200  # of README
OWN_STYLES = {"mine", "sea"}  # that readers are told to make
PLACEHOLDERS = {"VERB": "render", "TOPIC": "questions", "NAME": "great-wave"}


def _text(page: str) -> str:
    return PAGES[page].read_text(encoding="utf-8")


def _blocks(page: str, language: str) -> list[str]:
    return [body for kind, body in FENCE.findall(_text(page)) if kind == language]


def _tables(page: str) -> Iterator[list[str]]:
    """Cells of every row of every table."""
    for line in _text(page).splitlines():
        if line.startswith("|") and not line.startswith("|-"):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _commands(page: str) -> Iterator[list[str]]:
    """Words of every command of ours, the program's name left out: in blocks of shell, and in the text."""
    lines = [line for block in _blocks(page, "sh") for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"`((?:[A-Z_]+=\S+ )?videostyle [^`]*)`", FENCE.sub("", _text(page)))
    for line in lines:
        command: list[str] = []
        for word in [*shlex.split(line, comments=True), "&&"]:
            if word not in ("&&", "|", ";"):
                command.append(PLACEHOLDERS.get(word, word))
                continue
            while command and re.fullmatch(r"[A-Z_]+=.*", command[0]):
                command.pop(0)
            if command and Path(command[0]).name == "videostyle":
                yield command[1:]
            command = []


COMMANDS = sorted({(page, shlex.join(words)) for page in PAGES for words in _commands(page)})


def test_there_are_commands_on_most_pages() -> None:
    assert len({page for page, _ in COMMANDS}) > len(PAGES) - 3
    assert len(COMMANDS) > 60


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_a_command_is_one(page: str, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(command)
    try:
        options, _ = parse(words)
    except SystemExit as end:
        assert end.code == 0, command
        assert "--help" in words
        return
    assert options.verb or options.version
    if options.verb == "help" and options.topic:
        assert options.topic in topics()
    if options.verb == "batch":
        assert options.style or options.inputs[0].endswith(".toml")
    if options.verb in ("render", "live", "batch", "export", "bench"):
        known = {entry.name for entry in gallery.entries() if entry.bundled} | OWN_STYLES
        styles = options.style if isinstance(options.style, list) else [options.style]
        for name, _ in (part for style in styles for part in parse_mix(style)):
            assert name in known or is_picture(name) or name.endswith(gallery.SUFFIX), name


def test_readme_is_short() -> None:
    assert len(_text("README").split()) <= MOST_WORDS


def test_the_two_commands_of_readme_are_those_of_ci() -> None:
    (paint, tests) = re.findall(r"^python3 -m venv .*$", _text("README"), re.MULTILINE)
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    setup, install, test = tests.split(" && ")
    assert setup in ci.splitlines()
    assert re.sub(r" --\S+", "", re.search(r"^\S+ -m pip install .*$", ci, re.MULTILINE)[0]) == install  # type: ignore[index]
    assert test in ci.splitlines()
    assert paint.startswith(f"{setup} && .venv/bin/python -m pip install . && .venv/bin/videostyle render ")
    (clip,) = re.findall(r"samples/\S+\.mp4", paint)
    assert (ROOT / clip).is_file()
    assert f"`{clip.removesuffix('.mp4')}_stylized_great-wave.mp4`" in _text("README")


def test_readme_names_every_verb_and_every_page() -> None:
    text = _text("README")
    assert {cells[0] for cells in _tables("README")} >= {f"`{verb}`" for verb in VERBS}
    linked = set(re.findall(r"\(videostyle/docs/([a-z-]+)\.md\)", text))
    assert linked == set(topics())


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_are_there(page: str) -> None:
    text = _text(page)
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (PAGES[page].parent / target).exists(), target
    for name in re.findall(r"`((?:[a-z_]+/)+(?:[\w.-]+\.[a-z]+)?)`", text):
        ours = name.startswith(("scripts/", "tests/", "samples/", "videostyle/"))
        if ours or (ROOT / "videostyle" / name.split("/")[0]).is_dir():
            place = ROOT / name if ours else ROOT / "videostyle" / name
            assert place.exists() or "_stylized_" in name, name


def test_job_files_of_the_pages_can_be_read(tmp_path: Path) -> None:
    (example,) = _blocks("batch-and-clusters", "toml")
    path = tmp_path / "job.toml"
    path.write_text(example, encoding="utf-8")
    first, second = read_job_file(path, RenderSettings("x"))
    assert first.settings.strength == second.settings.strength == 0.9
    assert second.styles == ("woodcut",)
    assert second.settings.preserve_color


def test_keywords_of_the_page_on_python_are_keywords() -> None:
    import videostyle

    (example,) = _blocks("python", "python")
    calls = [node for node in ast.walk(ast.parse(example)) if isinstance(node, ast.Call)]
    ours = [call for call in calls if ast.unparse(call.func).startswith("videostyle.")]
    assert {ast.unparse(call.func) for call in ours} == {
        f"videostyle.{name}" for name in ("render", "paint", "Stylizer", "list_styles", "train")
    }
    for call in ours:
        function = getattr(videostyle, ast.unparse(call.func).removeprefix("videostyle."))
        inspect.signature(function).bind(*call.args, **{str(word.arg): word.value for word in call.keywords})


def test_the_table_of_codecs_is_the_one_that_counts() -> None:
    rows = {name: cells for cells in _tables("files") for name in re.findall(r"`(\w+)`", cells[0])}
    for name, codec in CODECS.items():
        _, containers, quality, presets, stored = rows[name]
        assert {f".{suffix}" for suffix in containers.split(", ")} == set(codec.containers)
        if codec.quality_option:
            assert str(codec.worst_quality) in quality
            assert not codec.quality or str(codec.quality) in quality
        else:
            assert quality.startswith("none: refused")
        assert (presets == "none") == (not codec.presets)
        if codec.presets:
            ends = re.findall(r"[a-z]+\d?|\d+", re.sub(r"\(.*?\)|\bto\b", "", presets))
            assert ends == [codec.presets[0], codec.presets[-1]] or name.endswith("nvenc")
        assert not codec.pixel_format or stored == codec.pixel_format


def test_the_table_of_losses_is_the_one_that_counts() -> None:
    from dataclasses import asdict

    from videostyle.training.style_objective import LossWeights

    rows = {cells[0].replace(" ", "_"): cells[1] for cells in _tables("training")}
    for name, weight in asdict(LossWeights()).items():
        assert rows[name] == f"{weight:g}", name


def test_the_table_of_the_verdict_is_the_one_that_counts() -> None:
    from math import inf

    from videostyle.metrics import verdict

    told = []
    for _, sentences in (cells for cells in _tables("figures") if len(cells) == 2):
        found = re.findall(r"([a-z ]+?)(?: \(([\d.]+)\))?(?:; |$)", sentences)
        told.append(tuple((float(limit or inf), sentence) for sentence, limit in found))
    words = (verdict.FLICKER, verdict.FOLLOWING, verdict.DRIFT, verdict.SCENE, verdict.LIKENESS)
    assert told[1:] == list(words)


def test_the_help_of_train_tells_the_weights_that_count() -> None:
    from videostyle.cli.train import configure
    from videostyle.training.style_objective import LossWeights

    parser = argparse.ArgumentParser()
    configure(parser)
    for name in ("content", "style", "temporal"):
        (option,) = (action for action in parser._actions if f"--{name}-weight" in action.option_strings)
        assert str(option.help).endswith(f"(default: {getattr(LossWeights(), name):g})"), name


def test_the_keys_of_live_are_listed() -> None:
    assert listed() in " ".join(_text("live").split())
