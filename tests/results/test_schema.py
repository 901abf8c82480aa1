"""What the inner parts of a row may hold."""

from __future__ import annotations

from typing import Any

import pytest
from support.storedrows import row

from benchmark.results import schema
from benchmark.results.schema import findings


def content(**changes: Any) -> dict[str, Any]:
    return row().model_dump(mode="json") | changes


def nested(depth: int) -> Any:
    return {"more": nested(depth - 1)} if depth else 1


def test_an_honest_row_has_no_finding() -> None:
    assert list(findings(content())) == []
    assert list(findings(content(noise_stats={"rate": 1}, cost={"passes": 0, "forward": [0, 3]}, provenance=nested(schema.DEEPEST)))) == []


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"provenance": nested(schema.DEEPEST + 1)}, "is nested deeper than 8"),
        ({"error": "x" * (schema.LONGEST + 1)}, "error has 1000001 characters, more than 1000000"),
        ({"error": "a\0"}, "error holds a null character"),
        ({"task": "a\u202eb"}, "the label of task holds a control character"),
        ({"task": "a\nb"}, "the label of task holds a control character"),
        ({"metrics": {"a": float("inf")}}, "metrics.a is inf, which is no number that a run has"),
        ({"noise_stats": {"rate": 1.5}}, "noise_stats.rate is 1.5, outside [0, 1]"),
        ({"noise_stats": {"rate": True}}, "noise_stats.rate is True, outside [0, 1]"),
        ({"cost": {"passes": -1}}, "cost.passes is -1, not a number of at least 0"),
        ({"cost": {"forward": 3}}, "cost.forward is 3, not a list of counts"),
        ({"config": {"task": 3}}, "config.task is 3, not a configuration"),
        ({"provenance": {"files": {"a": 1}}}, "provenance.files is {'a': 1}, not names with their sha256"),
        ({"provenance": {"command": ["a"]}}, "provenance.command is ['a'], not a text"),
    ],
)
def test_what_breaks_a_rule_is_one_finding_with_its_place(changes: dict[str, Any], finding: str) -> None:
    (found,) = findings(content(**changes))
    assert finding in found


def test_labels_are_those_of_the_axes() -> None:
    labels = dict(row().labels)
    del labels["model"]
    assert list(findings(content(labels=labels | {"colour": "red"}))) == ["labels lack model", "labels name 'colour', which is no axis"]


def test_only_a_finished_row_must_name_its_problem() -> None:
    config = {"task": {"problem": "riddles"}}
    assert next(findings(content(config=config))).startswith("config.task.problem is 'riddles', not one of ")
    assert list(findings(content(config=config, status="failed"))) == []
