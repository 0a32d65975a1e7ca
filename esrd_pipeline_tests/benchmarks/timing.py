"""Timing of a model family, its limits, and its line of the table."""

import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import Design
from esrd_pipeline.statistics.newton import Evaluation, maximise

LONG_ENOUGH = 5.0
"""Seconds over which short calls are repeated, so that one of them runs undisturbed."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The design's limits of a family; None without a limit.

    Attributes:
        units: time of a Newton step, in U.
        seconds: total time.
        gigabytes: peak memory of the process, including imports and simulated rows.
        times: smallest ratio of each library's time to ours on the same rows.
    """

    units: float | None = None
    seconds: float | None = None
    gigabytes: float | None = None
    times: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Other:
    """Another program's time for the same rows; `ours` are our seconds for comparison.

    `apart` is the largest relative difference of a coefficient, if compared.
    """

    program: str
    seconds: float
    ours: float
    apart: float | None = None

    @property
    def times(self) -> float:
        """Return the ratio of its time to ours."""
        return self.seconds / self.ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Times of one family in seconds (total, `step`, `unit`), and of other programs."""

    size: str
    seconds: float
    limit: Limit
    step: float | None = None
    unit: float | None = None
    others: tuple[Other, ...] = ()


def make_design(generator: np.random.Generator, rows: int, terms: int) -> Design:
    """Make columns: half indicators with mean 0.2, half standard normal; float32."""
    matrix = np.empty((rows, terms), dtype=np.float32)
    for term in range(terms):
        if term % 2:
            matrix[:, term] = generator.random(rows, dtype=np.float32) < 0.2
        else:
            matrix[:, term] = generator.standard_normal(rows, dtype=np.float32)
    return Design(matrix, tuple(f"x{term}" for term in range(terms)))


def take(call: Callable[[], object]) -> float:
    """Return the seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def take_least(call: Callable[[], object]) -> float:
    """Return the seconds of one call: the minimum of at least three, over a few seconds."""
    taken = [take(call) for _ in range(3)]
    while sum(taken) < LONG_ENOUGH:
        taken.append(take(call))
    return min(taken)


def measure_unit(design: Design) -> float:
    """Return the seconds of one X'X: the minimum of three."""
    return min(take(lambda: design.matrix.T @ design.matrix) for _ in range(3))


def watch_steps(module: ModuleType) -> list[float]:
    """Record the seconds of every evaluation in the module's searches in the returned list."""
    taken: list[float] = []

    def watched(
        evaluate: Callable[[Floats], Evaluation], start: Floats, **options: object
    ) -> object:
        def timed(point: Floats) -> Evaluation:
            begun = time.perf_counter()
            result = evaluate(point)
            taken.append(time.perf_counter() - begun)
            return result

        return maximise(timed, start, **options)

    setattr(module, "maximise", watched)  # noqa: B010 - a name of the module, not of a class
    return taken


def run_r(script: str, folder: Path) -> float | None:
    """Return the seconds that the R script reports for its fit; None if R is not installed."""
    program = shutil.which("Rscript")
    if program is None:
        return None
    path = folder / "fit.R"
    path.write_text(script, encoding="utf-8")
    result = subprocess.run(
        [program, str(path)], cwd=folder, check=True, capture_output=True, text=True
    )
    return float(result.stdout.split()[-1])


def find_difference(ours: Floats, theirs: Floats) -> float:
    """Return the largest relative difference of a coefficient."""
    return float(np.max(np.abs(ours / theirs - 1)))


HEADER = (
    f"{'family':<30}{'size':<36}{'seconds':>8}{'step s':>8}{'U s':>6}{'step/U':>7}"
    f"{'peak MB':>8}  limit\n"
)


def print_timing(name: str, timing: Timing, peak: float) -> str:
    """Return one line of the table, and one more for each other program; `peak` in MB."""
    line = f"{name:<30}{timing.size:<36}{timing.seconds:>8.2f}"
    if timing.step is not None and timing.unit is not None:
        line += f"{timing.step:>8.3f}{timing.unit:>6.2f}{timing.step / timing.unit:>7.1f}"
    else:
        line += " " * 21
    line += f"{peak:>8,.0f}  {_judge(timing, peak)}\n"
    return line + "".join(f"{'':<30}{_describe(other)}\n" for other in timing.others)


def _judge(timing: Timing, peak: float) -> str:
    """Return the text of each limit and whether it is met."""
    limit, verdicts = timing.limit, list[str]()
    if limit.units is not None and timing.step is not None and timing.unit is not None:
        verdicts.append(
            _format_verdict(f"<= {limit.units:g} U", timing.step <= limit.units * timing.unit)
        )
    if limit.seconds is not None:
        verdicts.append(_format_verdict(f"<= {limit.seconds:g} s", timing.seconds <= limit.seconds))
    if limit.gigabytes is not None:
        verdicts.append(
            _format_verdict(f"<= {limit.gigabytes:g} GB", peak <= 1000 * limit.gigabytes)
        )
    taken = {other.program: other.times for other in timing.others}
    for program, times in limit.times:
        is_met = taken[program] >= times if program in taken else None
        verdicts.append(_format_verdict(f">= {times:g} x {program}", is_met))
    return ", ".join(verdicts)


def _format_verdict(text: str, is_met: bool | None) -> str:  # noqa: FBT001 - private
    return f"{text}: {'not run' if is_met is None else 'met' if is_met else 'NOT MET'}"


def _describe(other: Other) -> str:
    text = f"{other.program} {other.seconds:.2f} s for our {other.ours:.3f}: {other.times:.1f} x"
    return text if other.apart is None else f"{text}, coefficients within {other.apart:.1g}"
