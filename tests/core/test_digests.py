"""Digests: canonical text of values, and what they depend on."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from benchmark.core.digests import canonical_json, digest

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
