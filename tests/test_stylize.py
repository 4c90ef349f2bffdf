"""The style network and its device program."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
from videostyle.errors import DeviceError, ModelError, UsageError
from videostyle.frames import ColorInfo, FrameBatch, VideoInfo
from videostyle.inference import shot_measurement
from videostyle.inference.device import choose_device, choose_precision
from videostyle.inference.tiling import plan_tiles
from videostyle.network import resampling
from videostyle.network.architecture import Architecture, initial_weights
from videostyle.network.folding import fold, forward_folded, measure
from videostyle.network.statistics import FLAT, KeyframeSegment, between, contrast, difference, pooled
from videostyle.network.style_network import forward
from videostyle.processors.preserve_color import PreserveColor
from videostyle.processors.style import StyleProcessor
from videostyle.styles.card import Style
from videostyle.styles.interpolation import blend


def scene(count: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    """Smooth random frames, uint8."""
    rng = np.random.default_rng(seed)
    coarse = tf.image.resize(rng.uniform(0, 255, (count, height // 8 + 2, width // 8 + 2, 3)), (height, width))
    return np.clip(coarse.numpy(), 0, 255).astype(np.uint8)


def batch(frames: np.ndarray, index: int = 0) -> FrameBatch:
    return FrameBatch(frames, (np.arange(len(frames)) + index) / 25, index)


def opened(style: Style, height: int, width: int, **options: object) -> StyleProcessor:
    processor = StyleProcessor(style, **{"precision": "float32", **options})
    processor.open(VideoInfo(width, height, fps=Fraction(25)))
    return processor


def test_depth_and_space_are_each_other_undone() -> None:
    x = np.random.default_rng(0).random((2, 8, 16, 3), np.float32)
    deep = resampling.space_to_depth(x, 4)
    np.testing.assert_array_equal(deep, tf.nn.space_to_depth(x, 4))
    np.testing.assert_array_equal(resampling.depth_to_space(deep, 4), x)


def test_parameters_and_shapes() -> None:
    arch = Architecture()
    assert arch.parameters <= 1_680_000 / 4  # a quarter of the classic network's
    assert set(initial_weights(arch)) == set(arch.shapes())
    with pytest.raises(ValueError, match="channels"):
        Architecture(channels=100_000)


def test_no_weights_can_paint_a_grid(random_style: Style) -> None:
    """An even picture stays even whatever the weights are, up to the border: there is nothing to hold a texture."""
    for level in (0.0, 0.3, 1.0):
        y = np.asarray(
            forward(random_style.architecture, random_style.weights, np.full((1, 64, 64, 3), level, np.float32))
        )
        assert np.ptp(y, axis=(1, 2)).max() < 1e-4  # free sub-pixel kernels give 0.1 and more


def convolved(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """A plain convolution at full resolution with a mirrored border."""
    reach = kernel.shape[0] // 2
    padded = np.pad(x, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="symmetric")
    return tf.nn.conv2d(padded, kernel, 1, "VALID").numpy()


def spline_up(x: np.ndarray) -> np.ndarray:
    """Twice the size: at each pixel the quadratic B-splines that stand at the places of the lower resolution."""
    for axis in (1, 2):
        size = x.shape[axis]
        distance = np.abs((np.arange(2 * size)[:, None] - 0.5) / 2 - np.arange(size)[None, :])
        weight = np.where(distance < 0.5, 0.75 - distance**2, 0.5 * np.maximum(1.5 - distance, 0) ** 2)
        x = np.moveaxis(np.tensordot(weight, x, (1, axis)), 0, axis)
    return x.astype(np.float32)


@pytest.mark.parametrize("name", ["head", "fine", "out"])
def test_steps_up_are_convolutions_of_the_higher_resolution(random_style: Style, name: str) -> None:
    """The interleaved kernels do what interpolation and two plain convolutions do, border included."""
    weights, rng = random_style.weights, np.random.default_rng(0)
    width = weights[f"{name}/kernel"].shape[2]
    picture = rng.random((1, 16, 24, 3), np.float32)
    if name == "out":
        full = rng.random((1, 16, 24, width), np.float32)
        low, groups = resampling.space_to_depth(full, 2), (0, 4 * width, 12)
        expected = convolved(full, weights["out/kernel"])
    else:
        low, groups = rng.random((1, 8, 12, width), np.float32), (width, 12)
        wide = np.pad(low, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="edge")
        if name == "fine":
            upsampled = spline_up(wide)[:, 4:-4, 4:-4]
        else:
            upsampled = np.asarray(resampling.resize_up(tf.constant(wide)))[:, 3:-3, 3:-3]
        expected = tf.nn.conv2d(upsampled, weights[f"{name}/kernel"], 1, "VALID").numpy()
    detail = weights[f"{name}/detail"]
    expected = expected + convolved(picture, detail - detail.mean((0, 1))) + weights[f"{name}/bias"]
    kernel, bias = resampling.interleaved(weights, name)
    joined = np.concatenate([low, resampling.space_to_depth(picture, 2)], axis=-1)
    found = tf.nn.conv2d(resampling.mirrored(tf.constant(joined), groups), kernel, 1, "VALID") + bias
    np.testing.assert_allclose(resampling.depth_to_space(found, 2), expected, atol=1e-5)


def test_the_picture_is_halved_through_a_low_pass_border_included() -> None:
    x = np.random.default_rng(0).random((1, 16, 24, 3), np.float32)
    taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1]).astype(np.float32) / 64
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="symmetric")
    expected = np.zeros((1, 8, 12, 3), np.float32)
    for row, column in np.ndindex(4, 4):
        expected += taps[row, column] * padded[:, row : row + 15 : 2, column : column + 23 : 2]
    halved = resampling.halved(resampling.space_to_depth(tf.constant(x), 2))
    np.testing.assert_allclose(halved, expected, atol=1e-6)


def test_folding_for_bytes_scales_both_ends(random_style: Style) -> None:
    arch, weights = random_style.architecture, random_style.weights
    x = scene(1, 32, 48).astype(np.float32)
    statistics = {k: (np.asarray(m), np.asarray(v)) for k, (m, v) in measure(arch, weights, x / 255).items()}
    ones, levels = fold(arch, weights, statistics), fold(arch, weights, statistics, white=255.0)
    expected = 255.0 * np.asarray(forward_folded(arch, ones, x / 255))
    np.testing.assert_allclose(forward_folded(arch, levels, x), expected, atol=5e-3)


def test_folding_the_statistics_changes_nothing(random_style: Style) -> None:
    arch, weights = random_style.architecture, random_style.weights
    x = scene(1, 64, 96).astype(np.float32) / 255
    statistics = {k: (np.asarray(m), np.asarray(v)) for k, (m, v) in measure(arch, weights, x).items()}
    folded = fold(arch, weights, statistics)
    assert not [name for name in folded if name.endswith(("gamma", "beta"))]
    np.testing.assert_allclose(forward_folded(arch, folded, x), forward(arch, weights, x), atol=2e-5)


def test_a_style_between_others_keeps_to_the_line_of_their_colours(random_style: Style) -> None:
    shifts = {"out/bias": 0.2, "head/bias": 1.0, "fine/bias": 0.5}
    other = replace(random_style, weights={k: v + shifts.get(k, 0) for k, v in random_style.weights.items()})
    middle = blend(random_style, other, 0.4)
    x = scene(1, 64, 96).astype(np.float32) / 255
    processor = opened(middle, 64, 96, precision="float32")

    def colours(style: Style) -> tuple[np.ndarray, np.ndarray]:
        statistics = processor.statistics_of(np.rint(255 * x).astype(np.uint8), style)
        painted = np.asarray(forward_folded(style.architecture, fold(style.architecture, style.weights, statistics), x))
        return painted.mean(axis=(0, 1, 2)), painted.std(axis=(0, 1, 2))

    for low, middling, high in zip(colours(random_style), colours(middle), colours(other), strict=True):
        np.testing.assert_allclose(middling, 0.6 * low + 0.4 * high, rtol=0.05, atol=0.01)
    plain = colours(replace(middle, ends=()))
    assert np.abs(plain[0] - colours(middle)[0]).max() > 0.02  # left to itself it goes elsewhere


def test_the_program_is_the_network(random_style: Style) -> None:
    frames = scene(3, 48, 64)
    processor = opened(random_style, 48, 64)
    painted = processor(batch(frames)).frames
    statistics = processor.statistics_of(frames)
    arch = random_style.architecture
    expected = forward_folded(arch, fold(arch, random_style.weights, statistics), frames.astype(np.float32) / 255)
    expected = np.clip(np.asarray(expected) * 255, 0, 255)
    assert np.abs(painted - expected).max() <= 0.51


def test_bfloat16_paints_the_same_picture(random_style: Style) -> None:
    frames = scene(2, 48, 64)
    exact, fast = (opened(random_style, 48, 64, precision=p)(batch(frames)).frames for p in ("float32", "bfloat16"))
    assert np.abs(exact.astype(int) - fast).mean() < 1.0


@pytest.mark.parametrize("height", [1, 2, 3, 7, 9, 16, 33])
@pytest.mark.parametrize("width", [1, 5, 8, 31])
def test_any_size_and_any_number_of_frames(random_style: Style, height: int, width: int) -> None:
    processor = opened(random_style, height, width, batch_size=2)
    for count in (1, 2, 3):
        frames = np.random.default_rng(count).integers(0, 255, (count, height, width, 3), dtype=np.uint8)
        painted = processor(batch(frames))
        assert painted.frames.shape == frames.shape
        assert painted.frames.dtype == np.uint8


def test_a_frame_does_not_depend_on_its_neighbours_or_its_batch(random_style: Style) -> None:
    frames = scene(5, 40, 56)
    processor = opened(random_style, 40, 56, batch_size=4)
    processor.use_shots([KeyframeSegment(0, processor.statistics_of(frames))])
    together = processor(batch(frames)).frames
    alone = np.concatenate([processor(batch(frames[i : i + 1], i)).frames for i in (4, 2, 0, 1, 3)])
    assert np.abs(together[[4, 2, 0, 1, 3]].astype(int) - alone).max() <= 1


def test_tiles_are_the_whole_frame(random_style: Style) -> None:
    frames = scene(2, 333, 517)
    whole = opened(random_style, 333, 517)
    whole.use_shots([KeyframeSegment(0, whole.statistics_of(frames))])
    tiled = opened(random_style, 333, 517, tile=280 * 280)
    tiled.use_shots(whole._spans)
    assert len(tiled._painter.tiles) > 3
    assert np.abs(whole(batch(frames)).frames.astype(int) - tiled(batch(frames)).frames).max() <= 2


@pytest.mark.parametrize(("height", "width"), [(1096, 1936), (2176, 3856), (4336, 7696), (64, 40_000)])
def test_tiles_cover_the_frame_once_and_fit(height: int, width: int) -> None:
    tiles = plan_tiles(height, width, 104, 1920 * 1088)
    seen = np.zeros((height // 8, width // 8), int)
    for t in tiles:
        assert (t.height, t.width) == (tiles[0].height, tiles[0].width)
        assert t.height * t.width <= 1920 * 1088
        assert t.top % 8 == t.left % 8 == 0
        assert 0 <= t.top <= height - t.height
        assert 0 <= t.left <= width - t.width
        row, column = (t.top + t.keep_top) // 8, (t.left + t.keep_left) // 8
        seen[row : row + t.keep_height // 8, column : column + t.keep_width // 8] += 1
        # What is kept is a halo away from every side that is not the frame's own.
        assert t.top == 0 or t.keep_top >= 104
        assert t.top + t.height == height or t.height - t.keep_top - t.keep_height >= 104
    assert (seen == 1).all()


def test_the_noise_of_a_flat_scene_is_not_painted_as_mountains(random_style: Style) -> None:
    rng = np.random.default_rng(0)
    sky = np.clip(np.linspace(190, 200, 64)[:, None, None] + rng.normal(0, 1.5, (2, 64, 96, 3)), 0, 255)
    processor = opened(random_style, 64, 96)

    sky = sky.astype(np.uint8)

    def restlessness(statistics: dict) -> float:
        processor.use_shots([KeyframeSegment(0, statistics)])
        one, two = processor(batch(sky)).frames.astype(int)
        return float(np.abs(one - two).mean())

    by_itself = measure(random_style.architecture, random_style.weights, sky[:1] / np.float32(255))
    by_itself = {layer: (np.asarray(mean), np.asarray(variance)) for layer, (mean, variance) in by_itself.items()}
    assert restlessness(processor.statistics_of(sky)) < 0.5 * restlessness(by_itself)
    busy = scene(1, 64, 96)
    assert contrast(busy) > FLAT
    found = processor.statistics_of(busy)
    for layer, values in measure(random_style.architecture, random_style.weights, busy / np.float32(255)).items():
        np.testing.assert_allclose(found[layer], values, rtol=1e-3, atol=1e-3)  # nothing beside an ordinary one


def test_parts_of_a_frame_have_the_statistics_of_the_whole(
    random_style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = np.concatenate([scene(1, 128, 384) // 8 + 150, scene(1, 128, 384, 1)], axis=1)  # a sky above a street
    processor = opened(random_style, 256, 384)
    whole, parts = processor.statistics_of(frame), processor.statistics_of(frame, columns=4)
    rows = pooled([processor.statistics_of(row) for row in np.split(frame, 4, axis=1)])
    assert difference(whole, parts) < 0.5 * difference(whole, rows)
    # Of a frame too large for four columns, too, whoever asks for one of four gets the right fourth as number 3.
    monkeypatch.setattr(shot_measurement, "TILE_PIXELS", 256 * 384 // 6)
    one_by_one = [processor.network_statistics(frame, random_style, columns=4, column=n) for n in range(4)]
    assert difference(pooled(one_by_one), parts) < 1e-3


def test_p7_a_scene_is_measured_in_columns_when_memory_is_short(
    random_style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor = opened(random_style, 64, 96)
    frame = scene(1, 64, 96)
    whole = processor.statistics_of(frame, columns=4)
    measured, widest = processor._measurement.measure, [24]

    def short(piece: np.ndarray, *rest: object) -> object:
        if piece.shape[1] > widest[0]:
            raise tf.errors.ResourceExhaustedError(None, None, "no memory")
        return measured(piece, *rest)

    monkeypatch.setattr(processor._measurement, "measure", short)
    assert difference(processor.statistics_of(frame), whole) < 1e-3
    widest[0] = 0
    with pytest.raises(DeviceError, match="cannot be measured"):
        processor.statistics_of(frame)


def test_shots_are_painted_with_their_own_statistics(random_style: Style) -> None:
    dark, bright = scene(3, 32, 32) // 4, scene(3, 32, 32, 1)
    processor = opened(random_style, 32, 32, batch_size=4)
    one, two = processor.statistics_of(dark), processor.statistics_of(bright)
    processor.use_shots([KeyframeSegment(0, one), KeyframeSegment(3, two)])
    mixed = processor(batch(np.concatenate([dark, bright]))).frames
    alone = opened(random_style, 32, 32, batch_size=4)
    alone.use_shots([KeyframeSegment(0, two)])
    np.testing.assert_array_equal(mixed[3:], alone(batch(bright)).frames)
    assert np.abs(mixed[:3].astype(int) - alone(batch(dark)).frames).max() > 2


@pytest.mark.parametrize("size", [1, 3, 4])
def test_statistics_glide_from_frame_to_frame_whoever_paints_which(random_style: Style, size: int) -> None:
    still = np.repeat(scene(1, 32, 32), 14, axis=0)
    processor = opened(random_style, 32, 32, batch_size=size)
    one, two = processor.statistics_of(still // 4), processor.statistics_of(scene(3, 32, 32, 1))
    spans = [KeyframeSegment(0, one), KeyframeSegment(10, two, ramp=7)]
    processor.use_shots(spans)
    whole = processor(batch(still)).frames
    for number in reversed(range(14)):  # one by one and in any order
        np.testing.assert_array_equal(processor(batch(still[:1], number)).frames, whole[number : number + 1])
    for frame, statistics in ((0, one), (3, one), (10, two), (13, two), (5, between(one, two, 2 / 7))):
        alone = opened(random_style, 32, 32, batch_size=1)
        alone.use_shots([KeyframeSegment(0, statistics)])
        np.testing.assert_array_equal(alone(batch(still[:1])).frames[0], whole[frame])
    changes = np.abs(np.diff(whole.astype(float), axis=0)).mean(axis=(1, 2, 3))
    assert (changes[:3] == 0).all()
    assert (changes[10:] == 0).all()
    assert changes[3:10].min() > 0
    assert changes.max() < 0.5 * np.abs(whole[-1].astype(float) - whole[0]).mean()


@pytest.mark.parametrize("color", [ColorInfo(), ColorInfo(matrix="bt709", full_range=True)])
def test_i420_is_the_same_picture(random_style: Style, color: ColorInfo) -> None:
    frames = scene(2, 32, 48)
    info = VideoInfo(48, 32, color=color)
    rgb, planes = StyleProcessor(random_style), StyleProcessor(random_style, output="i420")
    for processor in (rgb, planes):
        processor.open(info)
        processor.use_shots([KeyframeSegment(0, processor.statistics_of(frames))])
    expected, out = rgb(batch(frames)).frames.astype(float), planes(batch(frames))
    assert out.pixel_format == "i420"
    assert out.frames.shape == (2, 48, 48)
    luma = out.frames[:, :32].astype(float)
    weights = [0.2126, 0.7152, 0.0722] if color.full_range else [0.299, 0.587, 0.114]
    offset, scale = (0, 1) if color.full_range else (16, 219 / 255)
    y = offset + expected @ weights * scale
    assert np.abs(luma - y).max() <= 1.5


def test_odd_sizes_stay_rgb(random_style: Style) -> None:
    processor = opened(random_style, 31, 48, output="i420")
    assert processor(batch(scene(1, 31, 48))).pixel_format == "rgb24"


def test_styles_change_without_compiling(random_style: Style) -> None:
    frames = scene(2, 32, 32)
    processor = opened(random_style, 32, 32)
    before = processor(batch(frames)).frames
    program, traces = processor._painter.program, processor._painter.program.experimental_get_tracing_count()
    other = replace(random_style, weights={k: v * 1.1 for k, v in random_style.weights.items()})
    processor.use_style(other)
    after = processor(batch(frames)).frames
    assert processor._painter.program is program
    assert program.experimental_get_tracing_count() == traces == 1
    assert (before != after).any()


def test_p8_values_that_are_not_finite_are_an_error(random_style: Style) -> None:
    bad = dict(random_style.weights)
    bad["out/bias"] = np.full_like(bad["out/bias"], np.nan)
    processor = opened(replace(random_style, weights=bad), 32, 32)
    with pytest.raises(ModelError, match="not finite"):
        processor(batch(scene(1, 32, 32)))


def test_preserved_colour_is_the_clips(random_style: Style) -> None:
    frames = scene(1, 48, 48)
    inner = StyleProcessor(random_style)
    processor = PreserveColor(inner)
    processor.open(VideoInfo(48, 48))
    painted = processor(batch(frames)).frames.astype(float)
    plain = inner(batch(frames)).frames.astype(float)
    luma = np.array([0.299, 0.587, 0.114])
    inside = ((painted > 2) & (painted < 253)).all(axis=-1)  # where nothing was clipped
    assert np.abs((painted - plain) @ luma)[inside].mean() < 2
    chroma = (painted - (painted @ luma)[..., None]) - (frames - (frames @ luma)[..., None])
    assert np.abs(chroma)[inside].mean() < 2


def test_devices_and_precisions() -> None:
    assert choose_device("cpu") == "/CPU:0"
    with pytest.raises(DeviceError, match="no device"):
        choose_device("gpu:7")
    assert choose_precision("float32", "/CPU:0") == "float32"
    assert choose_precision("auto", "/CPU:0") in ("float32", "bfloat16")
    with pytest.raises(UsageError):
        choose_precision("float64", "/CPU:0")


def test_bfloat16_paints_nearly_the_same(random_style: Style) -> None:
    frames = scene(1, 48, 64)
    exact, rough = opened(random_style, 48, 64), opened(random_style, 48, 64, precision="bfloat16")
    rough.use_shots([KeyframeSegment(0, exact.statistics_of(frames))])
    assert np.abs(exact(batch(frames)).frames.astype(int) - rough(batch(frames)).frames).mean() < 3
