"""LaTeX tables and figures: what is bold, what is escaped, what is written."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from matplotlib import pyplot as plt
from support.boardrows import made_rows

from benchmark.board import papers
from benchmark.board.comparisons import compute
from benchmark.board.leaderboard import write


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
