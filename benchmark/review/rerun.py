"""The best submissions are run again, with seeds that are drawn when this is asked: whoever sent the rows could not choose them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.board.comparisons import compute
from benchmark.board.frames import run_frame
from benchmark.config.cells import Cell
from benchmark.config.identity import foreign_files
from benchmark.core.errors import ConfigError
from benchmark.core.paths import Paths
from benchmark.core.protocol import AXES
from benchmark.core.seeds import Seed
from benchmark.results.row import Row, shown
from benchmark.running.runner import run_cell
from benchmark.stats import CELL, Estimate, holm, mean_interval
from benchmark.stats.analysis_plan import PLAN

FIRST_SEED, SEED_RANGE = 1_000, 10**9  # drawn ones; those of rows are 0, 1, ...


@dataclass(frozen=True)
class Verdict:
    """Gain over erm in sd over seeds, mean over the cells of the board: as submitted, and again."""

    method: str
    problem: str
    submitted: Estimate
    again: Estimate
    p: float  # of Welch's test that both are equal


def rerun(submitted: Sequence[Row], known: Sequence[Row], top: int, count: int, paths: Paths) -> int:
    """Run the ``top`` best methods of every task type among the submitted rows again, with erm beside them; rows go to ``<results>/local/reruns``.

    Args:
        submitted: rows of others.
        known: published rows, which they are ranked with.
        top: how many methods of a task type.
        count: seeds, at least two.
        paths: where data, cache and results are.

    Returns:
        1 if a method is lower than submitted (Welch's test over seeds, Holm over methods) or a run fails, else 0.

    Raises:
        ConfigError: there are no submitted rows that rank, or fewer than two seeds.
    """
    if count < 2 or top < 1:
        raise ConfigError(f"verify: TOP={top} SEEDS={count}: at least one method and two seeds")
    seeds: list[Seed] = [(s, s, s) for s in (FIRST_SEED + secrets.randbelow(SEED_RANGE) for _ in range(count))]
    print(f"seeds drawn now: {', '.join(str(seed[0]) for seed in seeds)}")
    found = [verdict for chosen in _chosen(submitted, known, top) for verdict in _again(chosen, [*known, *submitted], seeds, paths)]
    if not found:
        raise ConfigError("verify: no method of the submitted rows ranks: they need erm, two seeds, and cells of tasks that may rank")
    lower = (holm(np.array([v.p for v in found])) <= PLAN.alpha) & np.array([v.again.value < v.submitted.value for v in found])
    for verdict, less in zip(found, lower, strict=True):
        said = "FAILED" if not verdict.again else "LOWER" if less else "agrees"
        print(f"{said:7} {verdict.method} ({verdict.problem}): submitted {_text(verdict.submitted)}, again {_text(verdict.again)}, p {verdict.p:.3f}")
    print(f"z over erm with 95 % over seeds, on the same cells; rows: {paths.results / 'local' / 'reruns'}")
    return int(bool(lower.any()) or not all(verdict.again for verdict in found))


def _text(estimate: Estimate) -> str:
    return f"{estimate.value:+.2f} [{estimate.low:+.2f}, {estimate.high:+.2f}] over {estimate.n} seeds" if estimate else "n/a"


Chosen = tuple[str, list[str], list[tuple[str, ...]]]  # task type, methods best first, cells of the board


def _chosen(submitted: Sequence[Row], known: Sequence[Row], top: int) -> Iterator[Chosen]:
    """Whom to run again, where."""
    theirs = {row.labels["method"] for row in submitted} - {PLAN.baseline}
    for (problem, track), board in compute([*known, *submitted]).boards.items():
        best = [str(method) for method in board.table.index if method in theirs][:top]
        if track == PLAN.selection and best:
            yield problem, best, list(board.blocks.cells.index)


def _again(chosen: Chosen, rows: Sequence[Row], seeds: Sequence[Seed], paths: Paths) -> Iterator[Verdict]:
    problem, methods, cells = chosen
    one = {(*(row.labels[axis] for axis in CELL), row.labels["method"]): row for row in rows}
    made = list[Row]()
    for cell in cells:
        for method in (PLAN.baseline, *methods):
            row = one[*cell, method]
            made += run_cell(
                Cell({axis: getattr(row, axis) for axis in AXES}, row.placed, row.contents),
                seeds,
                Paths(paths.data, paths.results / "local" / "reruns", paths.cache),
            )
    for method in methods:
        before, after = (_gains(some, method, cells) for some in (rows, made))
        spread = {cell: scale for cell, (_, scale) in before.items()}
        values = [_means(some, spread) for some in (before, after)]
        yield Verdict(method, problem, mean_interval(values[0]), mean_interval(values[1]), _welch(*values))


Gains = dict[tuple[str, ...], tuple[pd.Series, float]]  # of each cell: the gain of every seed, and the pooled sd over seeds


def _gains(rows: Iterable[Row], method: str, cells: Sequence[tuple[str, ...]]) -> Gains:
    data = run_frame(row for row in rows if row.labels["method"] in (method, PLAN.baseline))
    data = data[data["track"] == PLAN.selection].astype(dict.fromkeys((*CELL, "method", "seed"), object))
    out = {}
    for cell, own in data.groupby(CELL, sort=False):
        wide = own.pivot_table(index="seed", columns="method", values="score")
        if cell in cells and {method, PLAN.baseline} <= set(wide):
            out[cell] = (wide[method] - wide[PLAN.baseline]).dropna(), float(np.sqrt(wide[[method, PLAN.baseline]].var().mean()))
    return out


def _means(gains: Gains, spread: dict[tuple[str, ...], float]) -> np.ndarray:
    """z of each seed that all cells have, mean over the cells; nothing if a cell is missing."""
    table = pd.DataFrame({cell: gain / spread[cell] for cell, (gain, _) in gains.items()})
    return np.asarray(table.dropna().mean(axis=1)) if gains.keys() == spread.keys() else np.array([])


def _welch(a: np.ndarray, b: np.ndarray) -> float:
    from scipy.stats import ttest_ind  # slow to import

    return float(ttest_ind(a, b, equal_var=False).pvalue) if min(len(a), len(b)) > 1 else float("nan")


def read(file: str) -> tuple[list[Row], list[Row]]:
    """Submitted and published rows: those of a file, or what is published and marked as self-reported.

    Raises:
        ConfigError: there are none.
    """
    from benchmark.results.reference import reference
    from benchmark.review.doctor import read_rows

    published = reference()
    if file:
        rows, _ = read_rows(Path(file))
    else:
        rows = [row for row in published if row.provenance.get("self_reported")]
    submitted = [row for row in rows if row.status == "ok" and _can_run_here(row)]
    if not submitted:
        raise ConfigError("verify TOP: no published row is self-reported: give rows=FILE")
    return submitted, [row for row in published if not row.provenance.get("self_reported")]


def _can_run_here(row: Row) -> bool:
    """Whether a row of somebody else's keeps the names of its plugins and names no file, address or hub entry of its own; if not, say so."""
    from benchmark.review.doctor import broken_identity, row_name

    reason = broken_identity(row)
    if not reason:
        reason = ", ".join(key for axis in AXES[:4] for key in foreign_files(axis, row.placed[axis]))
    if reason:
        print(f"cannot be re-run here: {row_name(row)}: {shown(reason)}")
    return not reason
