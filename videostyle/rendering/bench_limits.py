"""Says in words what limits each stage of a render, and what would make the machine faster, from what ``bench`` found.

*Source:* the roofline model, Williams et al. 2009.
"""

from __future__ import annotations

from videostyle.rendering.bench_report import BenchReport, SizeRow

NAMES = {"decode": "decoder", "device": "network", "encode": "encoder"}
LARGE = 0.35  # share of the cores' time from which on it pays to move an encoder or a decoder to other hardware
NEAR = 0.5  # share of a limit from which on it is what holds a stage back


def limits(report: BenchReport, size: SizeRow) -> list[str]:
    """A line for each stage, and one for all together: what it is limited by, and how near it comes to that."""
    row = report.best(size.size)
    allowed = report.bandwidth * row.intensity
    peak = report.peaks[row.precision]
    roof, what = (peak, "matrix peak") if peak <= allowed else (allowed, "memory bandwidth")
    reached = row.flops / roof
    why = what if reached >= NEAR else f"small operations between products, not {what}"
    found = [f"network: {why}; it reaches {reached:.0%} of the {what} in {row.precision}"]
    for stage in ("decode", "encode"):
        rate, cost = getattr(size, stage).median, 1e3 * size.processor[stage]
        found.append(f"{NAMES[stage]}: the cores; {rate:.0f} frames/s alone, {cost:.1f} ms of a core for each frame")
    if _cores_are_short(report, size):
        shares = ", ".join(f"{NAMES[stage]} {share:.0%}" for stage, share in _shares(size).items())
        found.append(f"together: the {report.cores} cores, of whose time these take: {shares}")
    else:
        found.append(f"together: the {NAMES[_slowest(size)]}, the slowest of the three")
    return found


def advice(report: BenchReport) -> str:
    """One sentence on what would make renders of the largest size faster on this machine."""
    size = max(report.sizes, key=lambda one: one.size[0] * one.size[1])
    row, shares = report.best(size.size), _shares(size)
    at = f"at {size.size[0]}x{size.size[1]}"
    if not _cores_are_short(report, size):
        slowest = _slowest(size)
        if slowest == "device":
            return f"More cores, or a faster GPU, would help: {at} the network is the slowest stage."
        ways = {"decode": "an input that is easier to decode (H.264)", "encode": "`--fast` or a hardware encoder"}
        return f"More or faster cores, or {ways[slowest]}, would help: {at} the {NAMES[slowest]} is the slowest stage."
    takes = {stage: f"{at} the {name} takes {shares[stage]:.0%} of the cores" for stage, name in NAMES.items()}
    if shares["encode"] >= LARGE:
        return f"A hardware encoder, or `--fast`, would help most: {takes['encode']}."
    if shares["decode"] >= LARGE:
        return f"An input that is easier to decode would help most: {takes['decode']}."
    if row.precision == "float32":
        return (
            f"A processor with bfloat16 (AVX512-BF16, AMX), or a GPU, would help most: {takes['device']}, in float32."
        )
    return f"More cores, or a GPU, would help most: {takes['device']}, in {row.precision} already."


def _shares(size: SizeRow) -> dict[str, float]:
    total = sum(size.processor.values())
    return {stage: seconds / total for stage, seconds in size.processor.items()}


def _slowest(size: SizeRow) -> str:
    return min(NAMES, key=lambda stage: getattr(size, stage).median)


def _cores_are_short(report: BenchReport, size: SizeRow) -> bool:
    """Whether the cores together, rather than one stage alone, set the pace."""
    return sum(size.processor.values()) / report.cores > 1 / getattr(size, _slowest(size)).median
