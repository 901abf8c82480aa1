"""Tables for papers."""

from __future__ import annotations

import numpy as np
from support.boardrows import made_rows

from benchmark.board import latex
from benchmark.board.frames import run_frame


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
    table = text.split("\\caption{made1")[1].split("\\bottomrule")[0].splitlines()
    assert table[3].startswith("method & clean & asymmetric(rate=0.4) & symmetric(rate=0.1)")
    assert [line.split(" &")[0] for line in table[5:]] == ["elr", "gce", "small\\_loss*", "mixup", "erm"]  # best first
