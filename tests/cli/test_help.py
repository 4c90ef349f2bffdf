"""``videostyle help`` and its pages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from videostyle.cli import help as help_verb
from videostyle.cli.main import main


def test_topics_are_listed_with_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(help_verb.topics())
    assert any(line.startswith("exit-codes ") and "exit code" in line for line in lines)
    assert main(["help", "--json"]) == 0
    assert "exit-codes" in json.loads(capsys.readouterr().out)["topics"]


@pytest.mark.parametrize("page", help_verb.topics().values(), ids=lambda page: page.stem)
def test_a_page_begins_with_a_title_and_a_line_on_what_it_is_about(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert text.splitlines()[1] == ""
    summary = help_verb.summary(page)
    assert 10 < len(summary) <= 110
    assert summary[0] not in "#|-`!"


@pytest.mark.parametrize("topic", ["exit-codes", "Exit codes", "exit-codes.md"])
def test_a_page_is_printed(topic: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", topic]) == 0
    assert capsys.readouterr().out.startswith("# Exit codes\n")


@pytest.mark.parametrize(
    ("topic", "message"),
    [
        ("exit-code", "no topic 'exit-code' (did you mean exit-codes?)"),
        ("zzz", "no topic 'zzz' (there are "),
        ("render", "'videostyle render --help' explains it"),
        ("../errors", "no topic '../errors'"),
    ],
)
def test_what_is_no_topic_is_refused_with_what_there_is(
    topic: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["help", topic]) == 2
    assert message in capsys.readouterr().err


def test_every_exit_code_of_an_error_is_on_the_page() -> None:
    from videostyle import errors

    codes = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "exit_code")}
    page = help_verb.topics()["exit-codes"].read_text(encoding="utf-8")
    assert all(f"| {code} |" in page for code in {0, 143, *codes})
