"""Long tails, diluted and open sets, chains: which examples stand in the data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.samples import made
from support.tiny import make_task

from benchmark.config.build import load
from benchmark.core.errors import ConfigError
from benchmark.core.paths import Paths
from benchmark.core.types import Labels
from benchmark.data.problems import Multiclass
from benchmark.data.splits import assemble
from benchmark.noise.base import Context
from benchmark.noise.cache import corrupt
from benchmark.noise.sampling import Dilution, LongTail, OpenSet
from benchmark.noise.streams import Streams

K = 5


@pytest.fixture(scope="module")
def labels() -> Labels:
    return Multiclass(list("abcde")).labels(np.random.default_rng(0).permutation(np.arange(1000) % K))


def test_long_tail_has_the_exponential_profile(labels: Labels) -> None:
    found = made("long_tail", labels, factor=100.0)
    assert np.bincount(found.observed).tolist() == [200, 63, 20, 6, 2]  # 63.2, 20, 6.3 and 2: rounded down
    half = made("long_tail", labels, factor=10.0)
    assert np.bincount(half.observed).tolist() == [200, 112, 63, 35, 20]  # 112.5, 63.2, 35.6, 20
    assert np.array_equal(found.observed, labels.value[found.source])
    assert (np.diff(found.source) > 0).all()


def test_a_longer_tail_keeps_a_part_of_a_shorter_one(labels: Labels) -> None:
    long, short = (set(made("long_tail", labels, factor=f).source.tolist()) for f in (50.0, 5.0))
    assert long < short
    assert len(made("long_tail", labels, factor=1.0).source) == len(labels.value)


def test_long_tail_keeps_an_example_of_every_class_and_whatever_has_no_label() -> None:
    labels = Multiclass(list("abc")).labels(np.array([0] * 50 + [1] * 20 + [2] * 2 + [-1] * 3))
    found = made("long_tail", labels, factor=1e6)
    assert np.bincount(found.observed + 1).tolist() == [3, 50, 1, 1]
    with pytest.raises(ConfigError, match=r"noise\.factor=0\.5 is below 1"):
        LongTail(0.5)


def test_dilution_adds_copies_with_uniform_labels(labels: Labels) -> None:
    found = made("dilution", labels, copies=4)
    assert len(found.observed) == 5 * len(labels.value)
    assert np.bincount(found.source).tolist() == [5] * len(labels.value)
    assert np.array_equal(found.observed[:1000], labels.value)
    copies = found.observed[1000:]
    assert abs((copies == labels.value[found.source[1000:]]).mean() - 1 / K) < 4 * np.sqrt(0.16 / 4000)
    assert np.array_equal(made("dilution", labels, copies=2).observed, found.observed[:3000])
    assert len(made("dilution", labels, copies=0).source) == 1000
    with pytest.raises(ConfigError, match=r"noise\.copies=-1"):
        Dilution(-1)


def test_open_set_replaces_inputs_and_leaves_no_right_class(labels: Labels) -> None:
    found = made("openset", labels, rate=0.3)
    replaced = found.foreign >= 0
    assert abs(replaced.mean() - 0.3) < 4 * np.sqrt(0.21 / 1000)
    assert np.array_equal(found.observed, labels.value)
    assert found.clean is not None
    assert np.array_equal(found.clean, np.where(replaced, -1, labels.value))
    assert set(found.foreign[replaced]) == set(range(50))
    with pytest.raises(ConfigError, match="empty pool"):
        OpenSet()(labels, Streams(labels, 0), Context())


def test_assembled_open_set_has_foreign_inputs_and_labels_that_nobody_scores(paths: Paths) -> None:
    strange = torch.full((7, 8), 99.0) + torch.arange(7.0)[:, None]
    task = replace(make_task("multiclass"), foreign=lambda: strange)
    found, _ = corrupt(task, load("noise", "openset", rate=0.5), 0, paths.cache)
    data, truth = assemble(task, task.train, found, seed=0)
    for part, right in ((data.train, truth.train), (data.val, truth.val)):
        assert right is not None
        replaced = (part.x > 50).all(1).numpy()
        assert 0.2 < replaced.mean() < 0.8
        assert np.array_equal(right < 0, replaced)
        assert bool((part.value >= 0).all())
    assert truth.y_val_clean is not None
    assert (truth.y_val_clean < 0).any()
    assert float(task.train.x.max()) < 50  # the task's own inputs are left alone
