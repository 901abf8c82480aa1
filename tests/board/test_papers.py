"""LaTeX tables and figures: what is bold, what is escaped, what is written."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt
from support.boardrows import made_rows

from benchmark.board import latex, papers
from benchmark.board.comparisons import compute
from benchmark.board.frames import run_frame
from benchmark.board.leaderboard import write


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


def test_names_of_a_picture_cover_no_other_name() -> None:
    found = compute(made_rows(tasks=2, effects=dict.fromkeys(("gce", "sce", "elr", "mixup", "label_smoothing", "bootstrap", "sop"), 0.03) | {"erm": 0.0}))
    board = found.boards["multiclass", "last"]
    figure = papers.quality_and_cost(board, found.cells.groupby("method")["cost"].mean(), "multiclass")
    figure.draw_without_rendering()
    (axis,) = figure.axes
    boxes = [text.get_window_extent() for text in axis.texts]
    assert len(boxes) >= 3
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    plt.close(figure)


def test_robustness_colors_by_rank_not_by_unlike_scores() -> None:
    """One task in thousands, one in hundredths: the best on both wins, not the best on the large one."""
    rows = made_rows(tasks=2)
    for row in rows:
        if row.task == "made1":
            row.metrics.update({name: 1000 * value for name, value in row.metrics.items() if name.startswith("test/")})
    cells = compute(rows).cells
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(papers, "NAMED", 2)
        figure = papers.robustness(cells[cells["track"] == "last"])
    assert figure is not None
    (legend,) = figure.legends
    assert {text.get_text() for text in legend.get_texts()} == {"elr", "gce", "erm"}
    titles = [axis.get_title() for axis in figure.axes if axis.get_visible()]
    assert titles == ["made0\nsymmetric, cnn", "made1\nsymmetric, cnn"]
    plt.close(figure)


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
