"""The figures: answers known on paper, independent computations, and the command that prints them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from videostyle.cli.main import main
from videostyle.errors import InputError
from videostyle.frames import to_float
from videostyle.metrics import plot, temporal
from videostyle.metrics.evaluate import DISTANCES, Evaluator, TrueFlow, side_by_side
from videostyle.metrics.perceptual import PerceptualJudge, perceptual_distance
from videostyle.metrics.report import html_report
from videostyle.metrics.ssim import edge_ssim, edges, ssim
from videostyle.motion.dis import dis_flow, flow_and_mask
from videostyle.motion.flow import endpoint_error, write_flo
from videostyle.network import loss_network
from videostyle.network.loss_network import LossNetwork

Clip = Callable[[str], Path]
RNG = np.random.default_rng(7)


@pytest.fixture(scope="module")
def net() -> LossNetwork:
    return loss_network.load()


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Smooth random shapes, uint8 RGB: something that flow can follow."""
    import cv2

    small = np.random.default_rng(seed).uniform(0, 255, (height // 6, width // 6, 3)).astype(np.float32)
    return np.clip(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def still_flow(current: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((*current.shape[:2], 2), np.float32), np.ones((*current.shape[:2], 1), np.float32)


def evaluated(net: LossNetwork, originals, painted, flow=still_flow, **options):  # type: ignore[no-untyped-def]
    evaluator = Evaluator(flow, net, **options)
    for i, (original, frame) in enumerate(zip(originals, painted, strict=True)):
        evaluator.add({"unpainted": original, "painted": frame}, i / 25)
    return evaluator.result({"flow": "none", "net": "n", "layer": "l", "target": "t"})


# -- known answers -----------------------------------------------------------------------------------------------


def test_a_pure_shift_with_its_own_flow_costs_nothing(net: LossNetwork) -> None:
    wide = texture(48, 120)
    frames = [wide[:, 2 * i : 2 * i + 64] for i in range(12)]

    def true(current: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # Frames 1, 2, 4 and 8 apart are told apart by where this one is found again.
        step = next(d for d in DISTANCES if np.array_equal(current[:, : 64 - 2 * d], before[:, 2 * d :]))
        flow = np.zeros((48, 64, 2), np.float32)
        flow[..., 0] = 2 * step
        mask = np.zeros((48, 64, 1), np.float32)
        mask[:, : 64 - 2 * step] = 1
        return flow, mask

    values = evaluated(net, frames, frames, true).values
    assert all(values[f"warping_error_{d}"]["painted"] == pytest.approx(0, abs=1e-12) for d in DISTANCES)


def test_pure_flicker_gives_its_square_and_its_deviation(net: LossNetwork) -> None:
    still = np.full((32, 32, 3), 100, np.uint8)
    painted = [still + np.uint8(20 * (i % 2)) for i in range(24)]
    values = evaluated(net, [still] * 24, painted).values
    assert values["warping_error_1"]["painted"] == pytest.approx((20 / 255) ** 2, rel=1e-4)
    assert values["warping_error_2"]["painted"] == 0  # every other frame is the same
    assert values["static_flicker"]["painted"] == pytest.approx(10, rel=1e-4)  # half of the way between two values
    assert values["warping_error_1"]["unpainted"] == 0
    assert values["static_flicker"]["unpainted"] == 0


def test_pure_noise_gives_twice_its_variance(net: LossNetwork) -> None:
    still = np.full((96, 96, 3), 128, np.uint8)
    painted = [np.clip(np.rint(128 + RNG.normal(0, 10, still.shape)), 0, 255).astype(np.uint8) for _ in range(12)]
    values = evaluated(net, [still] * 12, painted).values
    expected = 2 * (10 / 255) ** 2
    for distance in DISTANCES:
        assert values[f"warping_error_{distance}"]["painted"] == pytest.approx(expected, rel=0.03)
    unbiased = 10 * np.sqrt(1 - 1 / 12)  # the deviation of twelve values about their own mean
    assert values["static_flicker"]["painted"] == pytest.approx(unbiased, rel=0.03)


def test_a_painting_that_grows_lighter_has_drifted_by_that_much(net: LossNetwork) -> None:
    still = np.full((16, 16, 3), 100, np.uint8)
    painted = [still + np.array([0, i, 0], np.uint8) for i in range(40)]
    values = evaluated(net, [still] * 40, painted, fps=10).values
    assert values["color_drift"]["painted"] == pytest.approx(30)  # means of frames 0..9 and 30..39
    assert values["color_drift"]["unpainted"] == 0


def test_light_that_changes_in_the_scene_itself_is_no_drift(net: LossNetwork) -> None:
    scene = [np.full((16, 16, 3), 100 + i, np.uint8) for i in range(20)]
    assert evaluated(net, scene, [s + np.uint8(9) for s in scene], fps=5).values["color_drift"]["painted"] == 0


def test_true_flow_divides_by_all_pixels_and_leaves_out_the_occluded(net: LossNetwork) -> None:
    still = np.full((32, 32, 3), 100, np.uint8)
    painted = [still, still + np.uint8(51)]  # 0.2 of 1
    flow = np.zeros((32, 32, 2), np.float32)
    flow[:8] = np.nan
    hidden = np.zeros((32, 32), bool)
    hidden[8:16] = True
    truth = TrueFlow(lambda number: flow if number == 0 else None, lambda number: hidden)
    values = evaluated(net, [still] * 2, painted, true_flow=truth).values
    assert values["sintel_error"]["painted"] == pytest.approx(np.sqrt(0.5 * 0.2**2), rel=1e-5)


def test_true_flow_of_another_size_is_refused(net: LossNetwork) -> None:
    truth = TrueFlow(lambda number: np.zeros((8, 8, 2), np.float32))
    frames = [np.zeros((32, 32, 3), np.uint8)] * 2
    with pytest.raises(InputError, match="true flow is 8x8"):
        evaluated(net, frames, frames, true_flow=truth)


def test_a_cut_is_not_counted_as_flicker(net: LossNetwork) -> None:
    frames = [texture(48, 64, seed=i // 4) for i in range(8)]
    evaluation = evaluated(
        net, frames, frames, lambda a, b: (still_flow(a, b)[0], 1.0 * np.array_equal(a, b) * still_flow(a, b)[1])
    )
    assert evaluation.values["warping_error_1"]["painted"] == 0
    assert len(evaluation.series["painted"]) == 6  # seven pairs, one across the cut


# -- independent computations ------------------------------------------------------------------------------------


def test_pair_error_agrees_with_a_loop_over_pixels() -> None:
    now, before = (RNG.integers(0, 256, (7, 9, 3), np.uint8) for _ in range(2))
    flow = RNG.uniform(-3, 3, (7, 9, 2)).astype(np.float32)
    mask = (RNG.random((7, 9, 1)) > 0.4).astype(np.float32)
    total = 0.0
    for y in range(7):
        for x in range(9):
            column, row = np.clip(x + flow[y, x, 0], 0, 8), np.clip(y + flow[y, x, 1], 0, 6)
            left, top = min(int(column), 7), min(int(row), 5)
            a, b = column - left, row - top
            patch = before[top : top + 2, left : left + 2].astype(np.float64)
            sample = (patch[0, 0] * (1 - a) + patch[0, 1] * a) * (1 - b) + (patch[1, 0] * (1 - a) + patch[1, 1] * a) * b
            total += mask[y, x, 0] * (((now[y, x] - sample) / 255) ** 2).sum()
    assert temporal.pair_error(now, before, flow, mask) == pytest.approx(total / (3 * mask.sum()), rel=1e-4)


def test_ssim_agrees_with_an_explicit_window() -> None:
    a, b = RNG.uniform(0, 255, (24, 20)), RNG.uniform(0, 255, (24, 20))
    b = 0.5 * a + 0.5 * b
    offsets = np.arange(-5, 6)
    window = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for picture_a, picture_b in [(np.pad(a, 5, mode="reflect"), np.pad(b, 5, mode="reflect"))]:
        for y in range(24):
            for x in range(20):
                pa, pb = picture_a[y : y + 11, x : x + 11], picture_b[y : y + 11, x : x + 11]
                ma, mb = (window * pa).sum(), (window * pb).sum()
                va, vb = (window * (pa - ma) ** 2).sum(), (window * (pb - mb) ** 2).sum()
                cov = (window * (pa - ma) * (pb - mb)).sum()
                c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
                values.append((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))
    assert ssim(a, b, 255.0) == pytest.approx(np.mean(values), rel=1e-6)


def test_ssim_of_equal_and_of_constant_pictures() -> None:
    a = RNG.uniform(0, 1, (16, 16))
    assert ssim(a, a, 1.0) == pytest.approx(1)
    c1 = 0.01**2
    expected = (2 * 0.2 * 0.6 + c1) / (0.2**2 + 0.6**2 + c1)
    assert ssim(np.full((16, 16), 0.2), np.full((16, 16), 0.6), 1.0) == pytest.approx(expected, rel=1e-9)


def test_edges_of_a_ramp_and_edge_ssim_is_blind_to_contrast() -> None:
    ramp = np.repeat(np.arange(0, 128, 4, dtype=np.uint8)[None, :, None], 16, 0).repeat(3, 2)
    assert edges(ramp) == pytest.approx(4.0)
    picture = texture(48, 64)
    assert edge_ssim(picture // 2, picture) > 0.97
    assert edge_ssim(texture(48, 64, seed=3), picture) < 0.5


def numpy_features(net: LossNetwork, picture: np.ndarray) -> dict[str, np.ndarray]:
    """The embedded loss network in plain loops over kernel places; heads applied."""
    x, found = to_float(picture).astype(np.float64), {}
    for number, block in enumerate(net.blocks):
        if number:
            h, w = x.shape[0] // 2, x.shape[1] // 2
            x = x[: 2 * h, : 2 * w].reshape(h, 2, w, 2, -1).max(axis=(1, 3))
        for name in block:
            kernel = net.arrays[f"{name}/kernel"].astype(np.float64)
            padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
            h, w = x.shape[:2]
            total = sum(padded[i : i + h, j : j + w] @ kernel[i, j] for i in range(3) for j in range(3))
            x = np.maximum(total + net.arrays[f"{name}/bias"], 0)
            layer = name.replace("conv", "relu")
            if f"head/{layer}/kernel" in net.arrays:
                found[layer] = x @ net.arrays[f"head/{layer}/kernel"] + net.arrays[f"head/{layer}/bias"]
    return found


def test_perceptual_figures_agree_with_numpy(net: LossNetwork) -> None:
    painted, original, painting = texture(40, 48, 1), texture(40, 48, 2), texture(384, 384, 3)
    f, g, s = ({k: numpy_features(net, p)[k] for k in net.style_layers} for p in (painted, original, painting))

    def gram(x: np.ndarray) -> np.ndarray:
        flat = x.reshape(-1, x.shape[-1])
        return flat.T @ flat / len(flat)

    style = np.mean([((gram(f[k]) - gram(s[k])) ** 2).sum() / (gram(s[k]) ** 2).sum() for k in f])
    deep = net.content_layer
    content = ((f[deep] - g[deep]) ** 2).mean() / g[deep].var(axis=(0, 1)).mean()

    def unit(x: np.ndarray) -> np.ndarray:
        return x / np.linalg.norm(x, axis=-1, keepdims=True)

    distance = np.mean([((unit(f[k]) - unit(g[k])) ** 2).sum(-1).mean() for k in f])
    judge = PerceptualJudge.of(net, painting)
    assert judge.style(painted) == pytest.approx(style, rel=1e-4)
    assert judge.content(painted, original) == pytest.approx(content, rel=1e-4)
    assert perceptual_distance(net, painted, original) == pytest.approx(distance, rel=1e-4)


def test_perceptual_figures_of_the_same_picture_are_zero(net: LossNetwork) -> None:
    picture = texture(384, 400)
    assert PerceptualJudge.of(net, picture).style(picture) == pytest.approx(0, abs=1e-6)
    assert PerceptualJudge.of_painted(net, [picture, picture]).style(picture) == pytest.approx(0, abs=1e-6)
    assert PerceptualJudge.of(net, picture).content(picture, picture) == 0
    assert perceptual_distance(net, picture, picture) == pytest.approx(0, abs=1e-9)


def test_flow_of_real_frames_has_the_direction_that_warping_needs() -> None:
    wide = texture(96, 140)
    before, now = wide[:, :128], wide[:, 3:131]  # what was at x + 3 is at x now
    truth = np.zeros((96, 128, 2), np.float32)
    truth[..., 0] = 3
    flow = dis_flow(now, before)
    assert endpoint_error(flow[8:-8, 8:-8], truth[8:-8, 8:-8]) < 0.2
    with_mask = flow_and_mask(now, before)
    assert temporal.pair_error(now, before, *with_mask) < 0.05 * temporal.pair_error(
        now, before, *still_flow(now, before)
    )


# -- reports -----------------------------------------------------------------------------------------------------


def test_one_video_longer_than_the_other_is_said() -> None:
    warnings: list[str] = []
    frame = np.zeros((8, 8, 3), np.uint8)
    videos = {"unpainted": [(frame, 0.0)] * 5, "painted": [(frame, 0.0)] * 3}
    assert len(list(side_by_side(videos, warnings))) == 3
    assert warnings == ["painted ended after 3 frames, before the rest"]


def test_nothing_to_compare_is_an_error(net: LossNetwork) -> None:
    with pytest.raises(InputError, match="nothing to compare"):
        Evaluator(still_flow, net).result({})


def test_the_page_loads_nothing_from_elsewhere(net: LossNetwork) -> None:
    frames = [texture(48, 64, seed=i) for i in range(6)]
    page = html_report(evaluated(net, frames, frames[::-1]), "<b>title</b>")
    assert "&lt;b&gt;title" in page
    # Three worst pairs of three pictures, one slider at least, one plot; the only address is SVG's namespace.
    assert page.count("data:image/jpeg") >= 3 * 3 + 2
    assert page.count("<svg") == 1
    assert set(re.findall(r"https?://[^\"' ]+", page)) == {"http://www.w3.org/2000/svg"}


def test_a_roofline_puts_the_ridge_where_the_roofs_meet() -> None:
    drawing = plot.roofline(100e9, 10e9, {"program": (10.0, 50e9)})
    assert "program" in drawing
    roof = re.search(r'<polyline points="([^"]+)"', drawing)
    assert roof
    places = [tuple(map(float, p.split(","))) for p in roof[1].split()]
    assert places[0][1] > places[1][1] == places[2][1]  # rises to the ridge, flat after it
    circle = re.search(r'cx="([\d.]+)" cy="([\d.]+)"', drawing)
    assert circle
    assert float(circle[1]) == pytest.approx(places[1][0], abs=0.2)  # its intensity is the ridge's
    assert float(circle[2]) > places[1][1]  # and it stays below the roof


@pytest.fixture
def painted_clip(clip: Clip, tmp_path: Path) -> Path:
    """The plain clip, every other frame lighter: pure flicker."""
    from videostyle.frames import FrameBatch
    from videostyle.media.readers.open import open_reader
    from videostyle.media.writers.base import EncodeOptions
    from videostyle.media.writers.open import open_writer

    with open_reader(clip("silent.mkv")) as source:
        sink = open_writer(tmp_path / "painted.mkv", source.info, EncodeOptions(codec="ffv1"))
        for batch in source:
            lift = np.array([24 * ((batch.index + i) % 2) for i in range(len(batch))]).reshape(-1, 1, 1, 1)
            lighter = np.clip(batch.frames.astype(int) + lift, 0, 255).astype(np.uint8)
            sink.write(FrameBatch(lighter, batch.pts, batch.index))
        return sink.close()


def test_evaluate_prints_every_figure_with_its_definition(
    clip: Clip, painted_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flows = tmp_path / "flow"
    flows.mkdir()
    for i in range(24):
        write_flo(flows / f"frame_{i:04d}.flo", np.zeros((48, 64, 2), np.float32))
    words = ["evaluate", str(clip("silent.mkv")), str(painted_clip), "--baseline", str(clip("silent.mkv"))]
    words += ["--flow", str(flows), "--style", "great-wave", "--report", str(tmp_path / "report.html")]
    assert main([*words, "--json", "-q"]) == 0
    data = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert data["frames"] == 25
    assert data["size"] == [64, 48]
    figures = data["figures"]
    assert {"warping_error_8", "sintel_error", "static_flicker", "temporal_distance", "edge_ssim"} <= set(figures)
    for figure in figures.values():
        assert {"painted", "unpainted", "baseline", "definition", "unit"} <= set(figure)
        assert figure["baseline"] == pytest.approx(figure["unpainted"], rel=1e-3, abs=1e-5)
        assert "{" not in figure["definition"]
    warping = figures["warping_error_1"]
    assert warping["painted"] > warping["unpainted"] + 0.5 * (24 / 255) ** 2
    assert figures["content"]["unpainted"] == 0
    assert (tmp_path / "report.html").stat().st_size > 5000
    assert main([*words]) == 5  # the report exists and was not to be replaced
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--occlusions", "x"], 2, "no effect without --flow"),
        (["--flow", "nowhere"], 3, "no .flo file"),
        (["--samples", "0"], 2, "at least 1"),
        (["--loss-network", "nowhere.npz"], 4, "no loss network"),
    ],
)
def test_evaluate_refuses_in_one_line(
    clip: Clip, words: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(clip("silent.mkv"))
    assert main(["evaluate", path, path, "-q", *words]) == code
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1
