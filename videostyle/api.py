"""The Python interface: ``render``, ``paint``, ``train``, ``list_styles`` and ``Stylizer``.

Keywords are the words of the command line, with underscores: ``--max-size 640`` is ``max_size=640``, ``--no-audio`` is
``audio=False``.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

from videostyle.errors import VideostyleError
from videostyle.frames import FrameBatch
from videostyle.inference.startup import load_backend
from videostyle.media.choices import HardwareDecoder
from videostyle.media.inputs import vet_input
from videostyle.media.readers.pictures import read_picture
from videostyle.media.timecode import TimePoint
from videostyle.network.precision import Precision
from videostyle.processors.compare import Mode
from videostyle.rendering.choices import Shown
from videostyle.rendering.iterate import iterate
from videostyle.rendering.pipeline import RunReport
from videostyle.rendering.progress import ProgressFunction
from videostyle.rendering.render import render as _render
from videostyle.rendering.settings import NAMES, RenderSettings, named, settings_from
from videostyle.rendering.stylizer import Stylizer

if TYPE_CHECKING:
    from videostyle.styles.card import StyleCard
    from videostyle.training.trainer import Progress

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

__all__ = ["Stylizer", "list_styles", "paint", "render", "train"]

# Other names that keywords may have.
ALIASES = {"source": "input", "frame_rate": "fps", "pixel_format": "pix_fmt", "allow_hdr": "hdr"}


def _with_aliases(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Lets a function accept the keywords of ``ALIASES``."""

    @functools.wraps(function)
    def called(*arguments: Parameters.args, **keywords: Parameters.kwargs) -> Result:
        for alias, name in ALIASES.items():
            if alias in keywords:
                if name in keywords:
                    raise TypeError(f"{function.__name__}() got '{name}' and its alias '{alias}'")
                keywords[name] = keywords.pop(alias)
        return function(*arguments, **keywords)

    return called


def _settings(keywords: Mapping[str, Any]) -> RenderSettings:
    """The settings among the keywords of a call."""
    return named(settings_from({name: value for name, value in keywords.items() if name in NAMES}))


@_with_aliases
def render(
    input: str | Path,
    style: str,
    output: str | Path | None = None,
    *,
    strength: float = 1.0,
    canvas: float | None = None,
    seed: int = 0,
    stroke_size: float | None = None,
    preserve_color: bool = False,
    compare: Mode | None = None,
    processors: Sequence[str | Mapping[str, Any]] = (),
    timeline: Sequence[str | Mapping[str, Any]] = (),
    strength_from: str | None = None,
    regions: Sequence[str | Mapping[str, Any]] = (),
    show_region: Shown | None = None,
    max_size: int | None = None,
    start: str | float | TimePoint | None = None,
    end: str | float | TimePoint | None = None,
    fps: str | float | Fraction | None = None,
    codec: str | None = None,
    crf: int | None = None,
    preset: str | None = None,
    pix_fmt: str | None = None,
    bit_depth: str = "auto",
    audio: bool = True,
    overwrite: bool = False,
    threads: int | None = None,
    batch_size: int | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    strict: bool = False,
    hdr: bool = True,
    tone_map: str = "mobius",
    hwaccel: HardwareDecoder | None = None,
    restart: bool = False,
    on_progress: ProgressFunction | None = None,
) -> RunReport:
    """Paints a video, a still, a folder of pictures or a numbered sequence into a file.

    Args:
        input: a video, a picture, a folder of pictures, or a printf-style pattern.
        style: a style's name, a style file, a picture, or a mix such as "great-wave:0.7,starry-night:0.3".
        output: the file to write; None = ``CLIP_stylized_STYLE.mp4`` beside the input.
        strength: 0 leaves the picture as it is, 1 paints fully.
        canvas: how much is painted where the scene shows nothing, 0..1; None = what suits the style.
        seed: another number gives another painting of the same clip.
        stroke_size: 2 paints strokes twice as large, and faster; 0.5 to 4; None = 1 up to 720 lines, and as large
            a part of larger frames.
        preserve_color: keep the clip's own colours.
        compare: show the original as well: "side" by side, "split" in one frame, or with a line that "wipe"s over it.
        processors: other steps of the frame chain, in order: "sharpen:amount=0.5", or {"name": "sharpen",
            "amount": 0.5}.
        timeline: changes along the clip: "12.5s style=starry-night ease=2s", or {"at": 12.5, "style": "starry-night",
            "ease": 2}.
        strength_from: a CSV file of times and values, or "sound": 0..1, by which the strength is multiplied.
        regions: parts of the frame that the style is limited to, as "person:feather=8"; with "style" or "strength"
            they are painted otherwise: {"kind": "faces", "strength": 0.3}.
        show_region: show where the regions are instead of painting: "overlay" or "mask".
        max_size: longest side of the output in pixels; larger frames are shrunk.
        start: the first frame to paint: seconds, "hh:mm:ss" or a frame number such as "120f".
        end: the frame at which to stop, which is not painted.
        fps: constant rate in frames per second, as 25, 29.97 or "30000/1001"; None = each frame keeps its own time.
        codec: h264, hevc, av1, vp9, prores, ffv1, gif, webp, png (a sequence of pictures) or a hardware encoder.
        crf: constant quality, 0..63, lower is better; each codec has its own scale.
        preset: speed of the encoder, in its own words ("slow").
        pix_fmt: stored pixel format, in ffmpeg's words ("yuv444p").
        bit_depth: "8", "10", or "auto": as the source, where the codec can.
        audio: whether sound and subtitles are copied.
        overwrite: whether an existing output is replaced.
        threads: threads of the encoder; None = one for each processor of the machine, at most 16.
        batch_size: frames computed at once.
        device: "auto", "cpu", "gpu", or one GPU such as "gpu:1".
        precision: number format of the network.
        strict: whether damage in the input is an error instead of a warning.
        hdr: whether HDR video is taken; it is refused otherwise.
        tone_map: how HDR becomes SDR: "mobius", "hable", "reinhard" or "clip"; "keep" = it stays HDR, in 10 bits.
        hwaccel: the decoder in hardware that reads the input where it works; frames may differ in the last bits.
        restart: delete what an interrupted render of this output left, instead of resuming it.
        on_progress: called with a phase ("train", "plan" or "paint"), the steps done since the last call, and their
            number in all or None; before "paint" once with "resume" where an interrupted render is resumed. It may be
            called from another thread.

    Returns:
        The finished file, frames, seconds and warnings.

    Raises:
        VideostyleError: if anything fails; nothing but finished chunks is left behind then.
    """
    return _render(input, output, _settings(locals()), restart=restart, on_progress=on_progress)


@_with_aliases
def paint(  # noqa: D417 - what both take is described once
    input: str | Path,
    style: str,
    *,
    strength: float = 1.0,
    canvas: float | None = None,
    seed: int = 0,
    stroke_size: float | None = None,
    preserve_color: bool = False,
    compare: Mode | None = None,
    processors: Sequence[str | Mapping[str, Any]] = (),
    timeline: Sequence[str | Mapping[str, Any]] = (),
    strength_from: str | None = None,
    regions: Sequence[str | Mapping[str, Any]] = (),
    show_region: Shown | None = None,
    max_size: int | None = None,
    start: str | float | TimePoint | None = None,
    end: str | float | TimePoint | None = None,
    fps: str | float | Fraction | None = None,
    batch_size: int | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    strict: bool = False,
    hdr: bool = True,
    tone_map: str = "mobius",
    hwaccel: HardwareDecoder | None = None,
) -> Iterator[FrameBatch]:
    """Paints a video batch by batch, for use in another program; nothing is written.

    Args:
        input: a video, a picture, a folder of pictures, or a printf-style pattern.
        style: a style's name, a style file, a picture, or a mix.

    All other arguments are those of ``render``.

    Returns:
        An iterator over ``FrameBatch``: ``frames`` uint8 ``[T, H, W, 3]`` RGB, ``pts`` float64 ``[T]`` seconds,
        ``index`` of the first frame.

    Raises:
        VideostyleError: if a setting cannot be used; during the iteration, if anything else fails.
    """
    return iterate(input, _settings(locals()))


def train(
    painting: str | Path,
    name: str | None = None,
    *,
    content: Sequence[str | Path] = (),
    steps: int = 1400,
    minutes: float | None = None,
    stroke: float = 1.0,
    seed: int = 0,
    network: Literal["small", "medium", "large"] = "medium",
    overwrite: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> str:
    """Makes a style from a picture of a painting and keeps it among the user's styles.

    Args:
        painting: a picture.
        name: of the new style; None = the picture's name, with a number if there is such a style.
        content: photos, folders of photos or clips to train on; () = pictures that ship with the package.
        steps: steps of training.
        minutes: return within about this time, with fewer steps.
        stroke: size of the strokes, 0.25 to 4 times the ordinary one.
        seed: another number gives another training.
        network: size of the style network.
        overwrite: whether a style of the user's with this name is replaced.
        on_progress: called after each step; may raise an exception to stop.

    Returns:
        The name, which ``render`` and the others take as a style.

    Raises:
        VideostyleError: if the painting, a setting or the name cannot be used.
    """
    from videostyle.styles import gallery
    from videostyle.styles.card import StyleCard
    from videostyle.styles.style_file import save_style
    from videostyle.training.content import read_content
    from videostyle.training.session import TrainRequest, sample_content
    from videostyle.training.session import train as _train

    began = time.monotonic()
    picture = vet_input(painting, "picture")
    read_picture(picture)  # a broken one is refused before anything slow begins
    name = name or gallery.name_for_picture(picture)
    target = gallery.place_for(name, overwrite=overwrite)
    load_backend()
    from videostyle.training.trainer import TrainingSettings

    settings = TrainingSettings(steps=steps, minutes=minutes, stroke=stroke, seed=seed)
    pictures, neighbours = read_content([Path(path) for path in content] or [sample_content()])
    card = StyleCard(name=name, painting=picture.stem, licence="unknown", command="videostyle.train")
    request = TrainRequest(settings, network=network, began=began)
    style = _train(picture, pictures, neighbours, request, card, on_progress)
    save_style(style, target)
    return name


def list_styles() -> list[StyleCard]:
    """The cards of all styles that can be named, by name; a file that is damaged is left out."""
    from videostyle.styles import gallery
    from videostyle.styles.style_file import read_card

    cards = []
    for entry in gallery.entries():
        with contextlib.suppress(VideostyleError):
            cards.append(replace(read_card(entry.path), name=entry.name))
    return cards
