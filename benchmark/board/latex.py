"""The board as LaTeX tables (booktabs): the best method of a column in bold, with all that are not significantly worse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmark.stats.analysis_plan import PLAN
from benchmark.stats.intervals import holm, p_values

SPECIAL = str.maketrans({c: f"\\{c}" for c in "&%$#_{}"} | {"~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "\\": "\\textbackslash{}"})
PLACE = ["problem", "task", "model", "trainer"]
WIDE = 8  # columns of a table


def best(scores: np.ndarray, alpha: float = PLAN.alpha) -> np.ndarray:
    """Which methods are best or not significantly worse: paired t-test against the best mean, Holm over the methods.

    Args:
        scores: (S, M), larger is better, NaN for a missing run. With one common seed only the best itself.
        alpha: level.
    """
    known = np.isfinite(scores)
    with np.errstate(invalid="ignore"):
        mean = np.where(known.any(0), np.where(known, scores, 0).sum(0) / np.maximum(known.sum(0), 1), -np.inf)
    top = int(mean.argmax())
    behind = scores[:, [top]] - scores
    n = np.isfinite(behind).sum(0)
    average = np.where(n > 0, np.nansum(behind, axis=0) / np.maximum(n, 1), np.nan)
    sd = np.sqrt(np.nansum((behind - average) ** 2, axis=0) / np.maximum(n - 1, 1))
    p = p_values(average, sd, n)
    p[top] = np.nan
    return np.asarray((holm(p) > alpha) | (np.arange(len(mean)) == top))


def document(data: pd.DataFrame, track: str = PLAN.selection) -> str:
    """All tables: one per task, model and trainer, methods down, noises across, mean and sd over seeds.

    Args:
        data: one line per run and track, as ``frames.run_frame`` gives it.
        track: whose scores are shown.
    """
    head = [
        "% Made by the benchmark; needs \\usepackage{booktabs}. Bold: best mean, and every method that a paired t-test (Holm over",
        f"% methods, level {PLAN.alpha}) does not find worse than it. With few seeds that is many. * knows more than noisy labels, \\dag adapted.",
    ]
    own = data[data["track"] == track] if len(data) else data
    columns = (
        {name: own[name].to_numpy() for name in (*PLACE, "noise", "method", "seed", "score", "sign", "metric", "adapted", "privileged")} if len(own) else {}
    )
    places = own.groupby(PLACE, sort=False).indices.values() if len(own) else ()
    parts = [line for rows in places for line in _tables({name: values[rows] for name, values in columns.items()})]
    return "\n".join([*head, *parts]) + "\n"


def _tables(block: Mapping[str, np.ndarray]) -> Iterator[str]:
    """The tables of one task, eight noises each: right labels first, methods by their mean over the noisy columns."""
    first = {name: values[0] for name, values in block.items()}
    noises, methods, seeds = ({value: at for at, value in enumerate(dict.fromkeys(block[name]))} for name in ("noise", "method", "seed"))
    scores = np.full((len(noises), len(seeds), len(methods)), np.nan)
    scores[tuple([index[v] for v in block[name]] for name, index in (("noise", noises), ("seed", seeds), ("method", methods)))] = block["score"]
    noisy = [index for noise, index in noises.items() if noise != "clean"] or list(noises.values())
    means = [float(np.nanmean(runs)) if np.isfinite(runs).any() else -np.inf for runs in scores[noisy].transpose(2, 0, 1)]
    order = sorted(methods, key=lambda method: -means[methods[method]])
    mark = {
        m: ("\\dag" if adapted else "") + ("*" if knows else "")
        for m, adapted, knows in zip(*(block[n] for n in ("method", "adapted", "privileged")), strict=True)
    }
    columns = [_column(runs, first["sign"]) for runs in scores]
    for start in range(0, len(noises), WIDE):
        shown = sorted(noises, key=lambda noise: (noise != "clean", noise))[start : start + WIDE]
        metric = f"{first['metric']}, {'larger' if first['sign'] > 0 else 'smaller'} is better"
        yield "\n\\begin{table}\n\\centering"
        yield f"\\caption{{{_text(first['task'])}, {_text(first['model'])}, {_text(first['trainer'])}: {_text(metric)}; mean $\\pm$ sd over seeds}}"
        yield f"\\begin{{tabular}}{{l{'r' * len(shown)}}}\n\\toprule"
        yield f"method & {' & '.join(map(_text, shown))} \\\\\n\\midrule"
        for method in order:
            yield f"{_text(method)}{mark[method]} & {' & '.join(columns[noises[noise]][methods[method]] for noise in shown)} \\\\"
        yield "\\bottomrule\n\\end{tabular}\n\\end{table}"


def _column(scores: np.ndarray, sign: int) -> list[str]:
    bold, out = best(scores), []
    for values, strong in zip(scores.T, bold, strict=True):
        found = sign * values[np.isfinite(values)]
        if not len(found):
            out.append("--")
            continue
        digits = 3 if abs(found.mean()) < 10 else 1
        mean = f"{found.mean():.{digits}f}"
        spread = f" $\\pm$ {found.std(ddof=1):.{digits}f}" if len(found) > 1 else ""
        out.append((f"\\textbf{{{mean}}}" if strong else mean) + spread)
    return out


def _text(value: Any) -> str:
    return str(value).translate(SPECIAL)
