"""LaTeX tables and figures: what is bold, what is escaped, what is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from boardrows import made_rows

from benchmark import latex
from benchmark.frames import run_frame
from benchmark.leaderboard import write
from benchmark.stats.orders import pareto_front


def test_bold_is_the_best_and_what_is_not_significantly_worse() -> None:
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(10, 1))
    scores = shared + np.array([1.0, 0.99, 0.0]) + 0.05 * rng.normal(size=(10, 3))
    assert latex.best(scores).tolist() == [True, True, False]
    assert latex.best(scores[:1]).sum() == 1  # one seed proves nothing, and nothing more is claimed
    scores[:, 1] = np.nan
    assert latex.best(scores).tolist() == [True, False, False]


def test_a_table_per_task_with_escaped_names() -> None:
    rows = made_rows(tasks=2)
    text = latex.document(run_frame(rows))
    assert text.count("\\begin{table}") == text.count("\\bottomrule") == 2
    assert "small\\_loss* & " in text
    assert "\\caption{made1, cnn, smoke: accuracy, larger is better" in text
    last = [row.metrics["test/last/accuracy"] for row in rows if (row.task, row.noise, row.method) == ("made0", "clean", "erm")]
    assert f"{np.mean(last):.3f}" in next(line for line in text.splitlines() if line.startswith("erm &"))
    assert "--" not in next(line for line in text.splitlines() if line.startswith("elr &"))
    assert latex.document(run_frame([])).count("\n") == 2


def test_pareto_front() -> None:
    quality, cost = np.array([1.0, 2.0, 2.0, 0.5, 3.0]), np.array([1.0, 2.0, 3.0, 1.0, 4.0])
    assert pareto_front(quality, cost).tolist() == [True, True, False, False, True]
    assert pareto_front(np.array([1.0, 1.0]), np.array([1.0, 1.0])).all()


@pytest.mark.slow
def test_figures_are_written_for_papers_and_only_when_rows_changed(tmp_path: Path) -> None:
    rows = made_rows()
    write(rows, tmp_path)
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert names == {
        f"{name}.{form}" for name in ("effects-multiclass", "ranks-multiclass", "cost-multiclass", "robustness-multiclass", "gains") for form in ("svg", "pdf")
    }
    before = {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    (tmp_path / "figures" / "gains.pdf").unlink()
    write(rows, tmp_path)
    assert not (tmp_path / "figures" / "gains.pdf").exists()  # nothing changed: nothing is drawn
    (tmp_path / "gains.svg").unlink()
    write(rows, tmp_path)
    after = {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    assert {name: content for name, content in after.items() if name.endswith("pdf")} == {
        name: content for name, content in before.items() if name.endswith("pdf")
    }
