"""The suite from Python."""

from __future__ import annotations

from pathlib import Path

import pytest

import benchmark
from benchmark.core.errors import ConfigError
from benchmark.methods.robust_loss.gce import GCE
from benchmark.results.store import Store


def test_plugins_are_built_from_their_yaml() -> None:
    method = benchmark.load_method("gce", q=0.5)
    assert isinstance(method, GCE)
    assert method.q == 0.5
    assert benchmark.load_noise("symmetric", rate=0.3).rate == 0.3
    assert benchmark.load_task("digits").problem.num_classes == 10


def test_a_nested_plugin_is_named() -> None:
    assert type(benchmark.load_method("sam", base="elr").base).__name__ == "ELR"


WRONG = [("gcee", {}, "did you mean 'gce'"), ("gce", {"p": 1}, "no key 'p'"), ("gce", {"q": "x"}, "method.q='x'")]


@pytest.mark.parametrize(("name", "options", "words"), WRONG)
def test_wrong_names_are_told(name: str, options: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        benchmark.load_method(name, **options)


def test_run_stores_the_row_that_it_returns(tmp_path: Path) -> None:
    row = benchmark.run("digits", "symmetric(rate=0.3)", "gce(q=0.5)", model="linear", trainer="smoke(reference_folds=0)", seed=4, results=tmp_path)
    assert (row.status, row.seed, row.labels["method"]) == ("ok", (4, 4, 4), "gce(q=0.5)")
    assert Store(tmp_path).read(row.cell, row.seed) == row
    with pytest.raises(ConfigError, match="gce supports categorical, diamonds is continuous"):
        benchmark.run("diamonds", method="gce", results=tmp_path)


def test_there_is_nothing_else() -> None:
    with pytest.raises(AttributeError, match="no attribute 'load_model'"):
        _ = benchmark.load_model
