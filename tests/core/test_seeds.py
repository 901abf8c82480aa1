"""Seeds and streams: which axes they depend on, and which they must not."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny import make_conditions, run

from benchmark.config.build import load
from benchmark.core import seeds
from benchmark.core.digests import canonical_json, digest
from benchmark.core.seeds import generator, seed_for, stream


def test_seeds_fit_in_63_bits_and_use_them() -> None:
    seeds = [seed_for("order", i) for i in range(2000)]
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) >= 0
    assert 2**62 < max(seeds) < 2**63
    ones = np.mean([[seed >> bit & 1 for bit in range(63)] for seed in seeds], axis=0)
    assert np.abs(ones - 0.5).max() < 0.06  # 5 sd


def test_seeds_depend_on_every_axis_and_their_order() -> None:
    axes = [("order", 3, 1), ("order", 1, 3), ("order", 31), ("order", "3", 1), ("order", 3), ("init", 3, 1), ("order", 3, 1, 0), ()]
    assert len({seed_for(*a) for a in axes}) == len(axes)


def test_generator_is_its_own_and_leaves_the_global_one() -> None:
    before = torch.get_rng_state()
    a, b = torch.randperm(50, generator=generator("order", 1)), torch.randperm(50, generator=generator("order", 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, torch.randperm(50, generator=generator("order", 2)))
    assert torch.equal(before, torch.get_rng_state())


def test_methods_of_a_cell_share_all_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Split, order, initial weights: whatever a run asks a seed for, a run of another method asks for the same."""
    conditions = make_conditions("multiclass", epochs=2)
    asked: list[str] = []

    def listening(*parts: Any, length: int = 16) -> str:
        if len(parts) == 1 and isinstance(parts[0], list):
            asked.append(canonical_json(parts[0]))
        return digest(*parts, length=length)

    monkeypatch.setattr(seeds, "digest", listening)
    found = {}
    for name in ("erm", "elr"):
        asked.clear()
        run(load("method", name), conditions, seed=5)
        found[name] = list(asked)
    assert found["erm"] == found["elr"]
    assert {json.loads(axes)[0] for axes in found["erm"]} >= {"init", "order"}
    assert not [axes for axes in found["elr"] if "elr" in axes]


def test_stream_of_a_subset_is_the_subset_of_the_stream() -> None:
    whole = stream(np.arange(1000), "noise", "flip", 3)
    for ids in (np.arange(100), np.array([999, 4, 4, 17]), np.arange(1000)[::-1], np.array([0]), np.array([1, 0]), np.arange(500, 600)):
        assert np.array_equal(stream(ids, "noise", "flip", 3), whole[ids])
    assert len(stream(np.empty(0, dtype=np.int64), "noise")) == 0


def test_stream_is_uniform_and_differs_between_axes() -> None:
    ids = np.arange(20_000)
    a, b, c = (stream(ids, "noise", name, seed) for name, seed in (("flip", 0), ("pick", 0), ("flip", 1)))
    for u in (a, b, c):
        assert u.min() >= 0
        assert u.max() < 1
        assert np.abs(np.histogram(u, 20, (0, 1))[0] - 1000).max() < 5 * np.sqrt(950)
    for u, v in ((a, b), (a, c), (b, c)):
        assert abs(np.corrcoef(u, v)[0, 1]) < 4 / np.sqrt(len(ids))


def test_streams_are_pinned() -> None:
    # Whoever changes how streams are drawn changes every flip of every row on the board.
    assert seed_for("noise", "flip", 0) == 2915949035006889479
    assert stream(np.arange(3), "noise", "flip", 0).tolist() == [0.4517094630079247, 0.44105435211754884, 0.3595336120582968]
