"""Statistics of a shot: of a flat scene, of a mix, in columns, and when memory is short."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
from tests.painting import batch, opened, scene
from videostyle.errors import DeviceError
from videostyle.inference import shot_measurement
from videostyle.inference.shared_programs import shared
from videostyle.inference.shot_measurement import ShotMeasurement
from videostyle.network.folding import fold, forward_folded, measure
from videostyle.network.statistics import FLAT, KeyframeSegment, contrast, difference, pooled
from videostyle.styles.card import Style
from videostyle.styles.interpolation import blend


def test_a_style_between_others_keeps_to_the_line_of_their_colours(random_style: Style) -> None:
    shifts = {"out/bias": 0.2, "head/bias": 1.0, "fine/bias": 0.5}
    other = replace(random_style, weights={k: v + shifts.get(k, 0) for k, v in random_style.weights.items()})
    middle = blend(random_style, other, 0.4)
    x = scene(1, 64, 96).astype(np.float32) / 255
    processor = opened(middle, 64, 96, precision="float32")

    def colours(style: Style) -> tuple[np.ndarray, np.ndarray]:
        statistics = processor.statistics_of(np.rint(255 * x).astype(np.uint8), style)
        painted = np.asarray(forward_folded(style.architecture, fold(style.weights, statistics), x))
        return painted.mean(axis=(0, 1, 2)), painted.std(axis=(0, 1, 2))

    for low, middling, high in zip(colours(random_style), colours(middle), colours(other), strict=True):
        np.testing.assert_allclose(middling, 0.6 * low + 0.4 * high, rtol=0.05, atol=0.01)
    plain = colours(replace(middle, ends=()))
    assert np.abs(plain[0] - colours(middle)[0]).max() > 0.02  # left to itself it goes elsewhere


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


def test_columns_of_a_frame_have_the_statistics_of_the_whole(
    random_style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = np.concatenate([scene(1, 128, 384) // 8 + 150, scene(1, 128, 384, 1)], axis=1)  # a sky above a street
    processor = opened(random_style, 256, 384)
    whole, parts = processor.statistics_of(frame), processor.statistics_of(frame, columns=4)
    rows = pooled([processor.statistics_of(row) for row in np.split(frame, 4, axis=1)])
    assert difference(whole, parts) < 0.5 * difference(whole, rows)
    # Of a frame too large for four columns, too, whoever asks for one of four gets the right fourth as number 3.
    monkeypatch.setattr(shot_measurement, "TILE_PIXELS", 256 * 384 // 6)
    one_by_one = [processor.measurement.network_statistics(frame, random_style, columns=4, column=n) for n in range(4)]
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


def test_threads_that_measure_at_once_compile_once(random_style: Style, monkeypatch: pytest.MonkeyPatch) -> None:
    program_of = shared(shot_measurement.measuring_program.__wrapped__)  # that nothing was compiled with yet
    monkeypatch.setattr(shot_measurement, "measuring_program", program_of)
    measurement = ShotMeasurement(random_style.architecture, "/CPU:0")
    frames, ready = scene(4, 64, 96), threading.Barrier(4)

    def measured(number: int) -> dict:
        ready.wait()
        return measurement.statistics(frames[number : number + 1], random_style)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(measured, range(4)))
    program = program_of(random_style.architecture, "/CPU:0", (64, 96), False, False)
    assert program.experimental_get_tracing_count() == 1
    for number in range(4):
        assert difference(found[number], measurement.statistics(frames[number : number + 1], random_style)) < 1e-6
