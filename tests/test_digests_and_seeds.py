"""Names and seeds: what they depend on and what they must not depend on."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from conftest import make_conditions, run

from benchmark.config.build import load
from benchmark.core import seeds
from benchmark.core.digests import canonical_json, digest
from benchmark.core.seeds import generator, seed_for, stream

CONFIG: dict[str, Any] = {"noise": {"rate": 0.4, "mapping": {"cat": "dog"}}, "model": {"hidden": [128, 64]}, "trainer": {"clip": None, "sum": True}}


def test_canonical_json_sorts_keys_and_leaves_no_space() -> None:
    assert canonical_json({"b": [1, 2.5, None, True], "a": {"d": "é", "c": "x y"}}) == '{"a":{"c":"x y","d":"\\u00e9"},"b":[1,2.5,null,true]}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_canonical_json_refuses_what_json_does_not_have(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"a": [value]})


def test_canonical_json_round_trips() -> None:
    assert json.loads(canonical_json(CONFIG)) == CONFIG


def test_digest_sees_content_type_shape_and_order() -> None:
    a = np.arange(6)
    variants = [
        [a],
        [a.astype(np.int32)],
        [a.astype(np.float64)],
        [a.reshape(2, 3)],
        [a.reshape(3, 2)],
        [a[::-1]],
        [a, a],
        [np.empty(0, dtype=np.int64)],
        [np.empty((0, 3), dtype=np.int64)],
        [a.tolist()],
        [str(a.tolist())],
        [1, 2],
        [2, 1],
        [[1, 2]],
        ["12"],
    ]
    assert len({digest(*parts) for parts in variants}) == len(variants)


def test_digest_is_that_of_the_values_not_of_their_place_in_memory() -> None:
    a = np.arange(12).reshape(3, 4)
    assert digest(a.T) == digest(np.ascontiguousarray(a.T))
    assert digest(a[:, ::2]) == digest(a[:, ::2].copy())
    assert digest(torch.from_numpy(a)) == digest(a)
    assert digest(torch.arange(3.0).requires_grad_()) == digest(np.arange(3, dtype=np.float32))


def test_digest_has_the_length_that_is_asked_for() -> None:
    assert len(digest("x")) == 16
    assert digest("x", length=64).startswith(digest("x"))


def test_one_altered_byte_changes_the_digest() -> None:
    a = np.zeros(1000, dtype=np.float32)
    b = a.copy()
    b[777] = np.nextafter(np.float32(0), np.float32(1))
    assert digest(a) != digest(b)


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
