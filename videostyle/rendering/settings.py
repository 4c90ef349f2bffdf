"""The settings of a render: one schema for the command line, job files, the Python interface and the job store.

``RenderSettings`` says what there is; its fields are the words that users write: ``--max-size`` on the command line,
``max_size = 640`` in a job file, ``max_size=640`` in Python. ``settings_from`` makes settings of such words and says in
plain English what is wrong with one; ``to_json`` gives them as plain values, which ``settings_from`` takes again.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, PlainSerializer, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as schema

from videostyle.errors import Mistakes, SettingError, UsageError, VideostyleError, suggestion
from videostyle.inference.stroke_size import LARGEST, SMALLEST, STROKE_HINT
from videostyle.media.choices import BIT_DEPTHS, HARDWARE_DECODERS, TONE_MAPS
from videostyle.media.ffmpeg.codecs import codec_name
from videostyle.media.readers.base import ReadOptions
from videostyle.media.timecode import TimePoint, parse_rate, parse_time
from videostyle.media.writers.base import EncodeOptions
from videostyle.network.canvas import LARGEST_SEED
from videostyle.network.precision import PRECISIONS
from videostyle.processors.compare import MODES
from videostyle.processors.regions.kinds import RegionChoice, regions_from
from videostyle.processors.registry import Choice, chain_from
from videostyle.processors.timeline import KeyFrame, timeline_from
from videostyle.rendering.choices import ENGINES, SHOWN
from videostyle.styles.resolve import plain_spec

SMALLEST_SIDE = 16  # pixels; ``max_size`` may not be below


class _Refused(ValueError):
    """Why a value is refused, and what can be given; pydantic adds the name of the setting."""

    def __init__(self, why: str, hint: str) -> None:
        super().__init__(why, hint)
        self.why, self.hint = why, hint


def _read_by(read: Callable[[Any], Any]) -> BeforeValidator:
    """Reads a value by a function that raises ``UsageError``."""

    def validated(value: Any) -> Any:
        try:
            return read(value)
        except SettingError as error:
            raise _Refused(error.why, error.hint) from error
        except UsageError as error:
            raise _Refused(error.what, error.hint) from error

    return BeforeValidator(validated)


def _between(low: float, high: float | None, hint: str = "") -> AfterValidator:
    """Refuses numbers outside ``low``..``high``, NaN too; no ``high`` means that there is no upper end."""

    def validated(value: float) -> float:
        if low <= value and (high is None or value <= high):
            return value
        if high is None:
            raise _Refused(f"{value} is too small", hint or f"give at least {low}")
        raise _Refused(f"{value} is outside {low}..{high}", hint or f"give {low} to {high}")

    return AfterValidator(validated)


def _index(value: Any) -> Any:
    """Whole numbers of other libraries, such as NumPy's, as int; all else unchanged."""
    if isinstance(value, bool):
        return value
    try:
        return operator.index(value)
    except TypeError:
        return value


def _codec(text: str) -> str:
    try:
        return codec_name(text)
    except UsageError as error:
        raise _Refused(error.what, error.hint) from error


def _one_of(names: Sequence[str], refusal: str) -> AfterValidator:
    """Refuses all but these names, with ``refusal`` and what was given."""

    def validated(name: str) -> str:
        if name not in names:
            raise _Refused(f"{refusal} '{name}'", f"use one of {', '.join(names)}")
        return name

    return AfterValidator(validated)


Whole = Annotated[int, BeforeValidator(_index)]
Time = Annotated[
    TimePoint,
    _read_by(parse_time),
    PlainSerializer(lambda time: f"{time.frame}f" if time.frame is not None else time.seconds, when_used="json"),
]
Chosen = Annotated[Choice, PlainSerializer(Choice.values, when_used="json")]
Moment = Annotated[KeyFrame, PlainSerializer(KeyFrame.values, when_used="json")]
Part = Annotated[RegionChoice, PlainSerializer(RegionChoice.values, when_used="json")]
Rate = Annotated[Fraction, _read_by(parse_rate), PlainSerializer(str, when_used="json")]


@schema(frozen=True, config=ConfigDict(strict=True, extra="forbid"))
class RenderSettings:
    """What to paint with and how; everything but names of files.

    Attributes:
        style: a style's name, a style file, a picture to train on, or a mix such as "great-wave:0.7,starry-night:0.3".
        strength: 0 leaves the clip as it is, 1 paints fully.
        preserve_color: keep the clip's own colours.
        canvas: how much is painted where the scene shows nothing: 0 nothing, 1 as the style was trained; None = what
            the style's card says.
        seed: of the canvas; another one is another painting of the same clip.
        stroke_size: how large strokes are: 1 as the style was trained, 2 twice as large; None = as trained up to 720
            lines, and as large a part of larger frames.
        compare: show the original as well: "side" by side, "split" in one frame, or with a line that "wipe"s over it;
            None = the painted frame alone.
        processors: other steps of the frame chain, in order ("sharpen:amount=0.5"); the painting stands before the
            first one that belongs behind it, unless "style" is named.
        timeline: changes along the clip, as "12.5s style=starry-night ease=2s"; of the style, its strength, the canvas,
            and numbers among the options of processors ("sharpen.amount").
        strength_from: a CSV file of times and values, or "sound": the loudness of the clip's own sound; 0..1, by which
            the strength is multiplied.
        regions: parts of the frame: "faces:feather=8" limits the style to them; with `style=` or `strength=` they are
            painted otherwise, over what else is painted, in order.
        show_region: show where the regions are instead of painting: "overlay", over the clip, or "mask", white on
            black; None = paint.
        max_size: longest side of the output in pixels; larger frames are shrunk before they are painted.
        start: where to begin; seconds, "hh:mm:ss" or a frame such as "120f".
        end: where to stop, not included.
        fps: constant rate in frames a second; None = each frame keeps its own time.
        codec: a name of ``CODECS`` or what others call it ("x264"), or "png" for a sequence of pictures; None = the
            usual one for the file's suffix.
        crf: constant quality on the codec's own scale, lower is better; None = the codec's default.
        preset: speed against size, in the encoder's own words.
        pix_fmt: pixel format that is stored, in ffmpeg's words.
        bit_depth: bits of a stored sample: "8", "10", or "auto": as the source, where the codec can; codecs made for
            editing (prores) always have 10.
        audio: whether sound and subtitles are copied.
        overwrite: whether an existing output may be replaced.
        threads: of the encoder; None = one for each processor of the machine, at most 16.
        batch_size: frames computed at once; None = chosen by their size.
        device: "auto", "cpu", "gpu", or one GPU such as "gpu:1".
        precision: of the network; "auto" = the fastest on the device.
        strict: damage in the input, and chunks painted on unlike machines, are errors instead of warnings.
        hdr: whether HDR video is taken; it is refused otherwise.
        tone_map: how HDR becomes SDR, one of ``TONE_MAPS``; "keep" = it stays HDR, around a painting on an SDR view.
        hwaccel: the decoder in hardware that reads the input where it works, one of ``HARDWARE_DECODERS``; None = the
            processor.
    """

    style: str
    strength: Annotated[float, _between(0, 1, "0 leaves the picture as it is, 1 paints fully")] = 1.0
    preserve_color: bool = False
    canvas: Annotated[float, _between(0, 1, "0 leaves even areas empty, 1 paints them fully")] | None = None
    seed: Annotated[Whole, _between(0, LARGEST_SEED)] = 0
    stroke_size: Annotated[float, _between(SMALLEST, LARGEST, STROKE_HINT)] | None = None
    compare: Annotated[str, _one_of(MODES, "cannot compare")] | None = None
    processors: Annotated[tuple[Chosen, ...], _read_by(chain_from)] = ()
    timeline: Annotated[tuple[Moment, ...], _read_by(timeline_from)] = ()
    strength_from: str | None = None
    regions: Annotated[tuple[Part, ...], _read_by(regions_from)] = ()
    show_region: Annotated[str, _one_of(SHOWN, "cannot show regions as")] | None = None
    max_size: Annotated[Whole, _between(SMALLEST_SIDE, None)] | None = None
    start: Time | None = None
    end: Time | None = None
    fps: Rate | None = None
    codec: Annotated[str, AfterValidator(_codec)] | None = None
    crf: Annotated[Whole, _between(0, 63)] | None = None
    preset: str | None = None
    pix_fmt: str | None = None
    bit_depth: Annotated[str, BeforeValidator(lambda value: str(value)), _one_of(BIT_DEPTHS, "no bit depth")] = "auto"
    audio: bool = True
    overwrite: bool = False
    threads: Annotated[Whole, _between(1, None)] | None = None
    batch_size: Annotated[Whole, _between(1, 1024)] | None = None
    device: str = "auto"
    precision: Annotated[str, _one_of(PRECISIONS, "no precision")] = "auto"
    strict: bool = False
    hdr: bool = True
    tone_map: Annotated[str, _one_of(TONE_MAPS, "no tone map")] = "mobius"
    hwaccel: Annotated[str, _one_of(HARDWARE_DECODERS, "no decoder in hardware")] | None = None

    def reading(self, batch_size: int) -> ReadOptions:
        """The part that a reader needs."""
        return ReadOptions(
            batch_size=batch_size,
            start=self.start,
            end=self.end,
            max_size=self.max_size,
            frame_rate=self.fps,
            strict=self.strict,
            hdr=self.hdr,
            tone_map=self.tone_map,
            hwaccel=self.hwaccel,
        )

    @property
    def encode(self) -> EncodeOptions:
        """The part that a writer needs."""
        return EncodeOptions(
            codec=self.codec,
            crf=self.crf,
            preset=self.preset,
            pixel_format=self.pix_fmt,
            bit_depth=self.bit_depth,
            audio=self.audio,
            overwrite=self.overwrite,
            threads=self.threads,
        )


NAMES = tuple(field.name for field in fields(RenderSettings))
_JSON = TypeAdapter(RenderSettings)
# pydantic's name of a wrong kind of value -> what should have been given.
_KINDS = {
    "int_type": "give a whole number",
    "float_type": "give a number",
    "bool_type": "give true or false",
    "string_type": "give text",
}


def settings_from(values: Mapping[str, Any], base: RenderSettings | None = None) -> RenderSettings:
    """Settings from names and values as a user, or ``to_json``, wrote them.

    Args:
        values: by the names of the fields of ``RenderSettings``.
        base: what holds for all that ``values`` does not name; None = the defaults.

    Raises:
        SettingError: if there is no setting of such a name, or it cannot have such a value.
        Mistakes: if there are several of these.
    """
    try:
        return replace(base, **values) if base is not None else RenderSettings(**values)
    except ValidationError as error:
        refusals: list[VideostyleError] = [*_refusals(error)]
        if len(refusals) > 1:
            raise Mistakes(refusals) from error
        raise refusals[0] from error


def named(settings: RenderSettings) -> RenderSettings:
    """The same settings with the full name of the style, and with the strength that was given as part of it.

    ``wave:0.2`` is the style ``great-wave`` at a strength of 0.2.

    Raises:
        SettingError: if the strength is given twice.
        UsageError: if the style cannot be read.
    """
    style, strength = plain_spec(settings.style)
    if strength == 1.0:
        return settings if style == settings.style else replace(settings, style=style)
    if settings.strength != 1.0:
        why = f"it is {settings.strength:g} and, in '{settings.style}', {strength:g}"
        raise SettingError("strength", why, "give it once")
    return replace(settings, style=style, strength=strength)


def to_json(settings: RenderSettings) -> dict[str, Any]:
    """Settings as values that JSON knows."""
    return dict(_JSON.dump_python(settings, mode="json"))


def _refusals(error: ValidationError) -> list[SettingError]:
    """What pydantic found wrong, said to a user."""
    return [_refusal(dict(found)) for found in error.errors(include_url=False)]


def _refusal(found: dict[str, Any]) -> SettingError:
    name = str(found["loc"][0]) if found["loc"] else "settings"
    reason = found.get("ctx", {}).get("error")
    if isinstance(reason, _Refused):
        return SettingError(name, reason.why, reason.hint)
    if found["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return unknown(name, NAMES)
    hint = _KINDS.get(found["type"]) or found["msg"].replace("Input should be", "give").replace("'", "")
    return SettingError(name, f"cannot use {found['input']!r}", hint)


def unknown(name: str, known: Collection[str]) -> SettingError:
    """The error for a name of no setting."""
    return SettingError(name, "not known", suggestion(name, known))


@dataclass(frozen=True)
class Engine:
    """What paints the chunks of a render: this process, several processes, or a cluster.

    Attributes:
        name: one of ``ENGINES``.
        workers: processes (local), or chunks at once (ray; None = as many as the cluster has room for).
        address: of a Ray cluster; None = one of its own on this machine.
        devices: of the local workers, one each ("gpu:0", "gpu:1"); () = the settings' device for all.

    Raises:
        SettingError: if these do not go together.
    """

    name: str = "local"
    workers: int | None = None
    address: str | None = None
    devices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.name not in ENGINES:
            raise SettingError("engine", f"no engine '{self.name}'", f"use one of {', '.join(ENGINES)}")
        if self.workers is not None and not 1 <= self.workers <= 10_000:
            raise SettingError("workers", f"{self.workers} is outside 1..10000", "give a number of processes")
        if self.devices and self.name != "local":
            raise SettingError("device", "a cluster chooses devices itself", "name devices with the local engine only")
        if self.devices and self.workers not in (None, len(self.devices)):
            raise SettingError("workers", f"{len(self.devices)} devices have one worker each", "leave workers out")

    @property
    def alone(self) -> bool:
        """Whether this process paints itself."""
        return self.name == "local" and (self.workers or len(self.devices) or 1) == 1
