"""Seeds of a plan."""

from __future__ import annotations

import pytest

from benchmark.core.paths import PLUGINS
from benchmark.running.plan import planned


def test_a_list_of_seeds_that_is_written_without_brackets_is_that_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(PLUGINS)
    import hydra_plugins.grid_sweeper  # noqa: F401

    _, seeds, _ = planned(["experiment=smoke", "task=digits", "method=gce", "seeds=0,1"])
    assert seeds == [(0, 0, 0), (1, 1, 1)]
