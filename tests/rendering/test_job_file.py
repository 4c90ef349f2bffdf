"""Job files: what they say, and what is said of wrong ones."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from videostyle.errors import InputError, UsageError
from videostyle.media.timecode import TimePoint
from videostyle.rendering.job_file import read_job_file
from videostyle.rendering.settings import RenderSettings


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('[[clip]]\ninput = "a.mp4"\nstile = ["quick"]', 3, "stile: not known (did you mean styles?)"),
        (
            '[defaults]\nstyles = "quick"\n[[clip]]\ninput = "a.mp4"',
            2,
            "styles: cannot use 'quick' (give a list",
        ),
        (
            '[defaults]\nstyles = ["quick"]\ncrf = "low"\n[[clip]]\ninput = "a.mp4"',
            3,
            "crf: cannot use 'low' (give a whole number)",
        ),
        (
            '[defaults]\nstyles = ["quick"]\n\n[[clip]]\ninput = "a.mp4"\nstrict = 1',
            6,
            "strict: cannot use 1 (give true or false)",
        ),
        ('[defaults]\nstyles = ["quick"]\n[[clip]]\ninput = "a.mp4"\n[[clip]]\ninput = "../x"', 6, "outside"),
        ('[defaults]\nstyles = ["quick"]\n[[clip]]\ninput = "/etc/x"', 4, "outside"),
        ('[defaults]\nstyles = ["quick"]\n[[clip]]\ninput = "a.mp4"\noutput = "../x.mp4"', 5, "outside"),
        ('[[clip]]\nstyles = ["a", "b"]\ninput = "a.mp4"\noutput = "x.mp4"', 4, "cannot hold several"),
        ('[[clip]]\ninput = "a.mp4"', 1, "styles: missing, here and in [defaults]"),
        ('[[clip]]\nstyles = ["a"]\ninput = "a.mp4"\nstart = "noon"', 4, "cannot read the time"),
        ('[[clip]]\nstyles = ["a"]\ninput = "a.mp4"\nfps = "1/0"', 4, "fps: cannot use the rate"),
        ('[clips]\ninput = "a.mp4"', 1, "clips: not known (did you mean clip?)"),
        ('[[clip]]\nstyles = ["a"]\ninput = "a.mp4"\ncodec = "mpeg2"', 4, "codec: no codec named 'mpeg2'"),
        ('[[clip]]\nstyles = ["a"]\ninput = "a.mp4"\nprecision = "half"', 4, "precision: no precision 'half'"),
        ('[[clip]]\nstyles = ["a"]\ninput = "a.mp4"\nmax_size = 8', 4, "max_size: 8 is too small (give at least 16)"),
        ('[[clip]]\nstyles = ["a"]\ninput = "a.mp4"\nstroke_size = 9', 4, "stroke_size: 9.0 is outside 0.5..4.0 (1 is"),
        ('[[clip]]\nstyles = ["a"]\ninput = "a.mp4"\noverwrite = true', 4, "overwrite: not known"),
        ('[[clip]]\nstyles = ["a"]\ninput = "a.mp4"\n[[clip]]\nstyles = ["a"]', 4, "input: missing (give a path"),
        ('[[clip]]\nstyles = ["a", ""]\ninput = "a.mp4"', 2, "styles: cannot use ''"),
        (
            '[[clip]]\nstyles = ["a"]\ninput = "a.mp4"\n[[clip]]\nstyles = ["a"]\ninput = "b.mp4"\n\n'
            "[[clip.regions]]\nkind = 3",
            8,
            "regions: cannot use {'kind': 3}",
        ),
        ('defaults = 3\n[[clip]]\ninput = "a.mp4"', 1, "defaults: cannot use 3 (begin the table"),
    ],
)
def test_n10_a_wrong_job_file_is_refused_with_line_and_key(tmp_path: Path, text: str, line: int, message: str) -> None:
    (tmp_path / "jobs.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        read_job_file(tmp_path / "jobs.toml", RenderSettings(""))
    assert str(caught.value).startswith(f"'jobs.toml' line {line}, ")
    assert message in str(caught.value)


def test_n10_a_link_that_leaves_the_folder_is_outside(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "secret.mp4").touch()
    (tmp_path / "jobs" / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    path = tmp_path / "jobs" / "jobs.toml"
    path.write_text('[[clip]]\nstyles = ["quick"]\ninput = "link.mp4"')
    with pytest.raises(UsageError, match="outside"):
        read_job_file(path, RenderSettings(""))
    assert read_job_file(path, RenderSettings(""), allow_outside=True)[0].input == tmp_path / "secret.mp4"


@pytest.mark.parametrize("text", ["", "x = [", "[defaults]\n"])
def test_what_is_no_job_file_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "jobs.toml").write_text(text)
    with pytest.raises(UsageError):
        read_job_file(tmp_path / "jobs.toml", RenderSettings(""))
    with pytest.raises(InputError):
        read_job_file(tmp_path / "missing.toml", RenderSettings(""))


def test_a_clip_goes_before_the_defaults_and_they_before_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "jobs.toml"
    path.write_text(
        """
[defaults]
styles = ["a", "b"]
crf = 30
max_size = 640
fps = 29.97

[[clip]]
input = "one.mp4"

[[clip]]
input = "two.mp4"
styles = ["c"]
crf = 20
start = 1.5
end = "0:10"
"""
    )
    one, two = read_job_file(path, RenderSettings("", strength=0.5, crf=40))
    assert (one.styles, one.where) == (("a", "b"), "line 9")
    assert one.settings == RenderSettings("", strength=0.5, crf=30, max_size=640, fps=Fraction(30000, 1001))
    assert (two.styles, two.settings.crf, two.settings.max_size) == (("c",), 20, 640)
    assert (two.settings.start, two.settings.end) == (TimePoint(seconds=1.5), TimePoint(seconds=10.0))


def test_a_key_written_in_an_unusual_way_is_refused_without_a_wrong_line(tmp_path: Path) -> None:
    (tmp_path / "jobs.toml").write_text('clip = [{input = "a.mp4", styles = ["a"], crf = "low"}]')
    with pytest.raises(UsageError, match=r"'jobs.toml', crf: cannot use 'low'"):
        read_job_file(tmp_path / "jobs.toml", RenderSettings(""))


def test_a_byte_order_mark_and_a_decimal_rate_are_read(tmp_path: Path) -> None:
    text = '[[clip]]\ninput = "a.mp4"\nstyles = ["a"]\nfps = 29.97\n'
    (tmp_path / "jobs.toml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    (entry,) = read_job_file(tmp_path / "jobs.toml", RenderSettings(""))
    assert entry.settings.fps == Fraction(30000, 1001)
