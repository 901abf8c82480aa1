"""Random numbers of units: theirs alone, whichever units stand beside them."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.core.types import Labels
from benchmark.data.problems import Multiclass, MultiLabel
from benchmark.noise import streams
from benchmark.noise.streams import Streams


def labels(size: int = 50) -> Labels:
    return Multiclass(list("ab")).labels(np.zeros(size, dtype=np.int64))


def test_names_and_seeds_have_streams_of_their_own() -> None:
    one = Streams(labels(), 0)
    assert np.array_equal(one["flip"], Streams(labels(), 0)["flip"])
    assert not np.array_equal(one["flip"], one["pick"])
    assert not np.array_equal(one["flip"], Streams(labels(), 1)["flip"])
    assert np.array_equal(one["flip"][:20], Streams(labels(20), 0)["flip"])


def test_ids_of_units_count_columns() -> None:
    pairs = MultiLabel(list("pqr")).labels(np.zeros((4, 3), dtype=np.int64))
    assert np.array_equal(Streams(pairs, 0).ids, np.arange(12))


@pytest.mark.parametrize("ids", [None, np.array([4, 0, 2, 2, 9, 1, 7])])
def test_blocks_are_the_streams_in_parts(ids: np.ndarray | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BLOCK", 3)
    found = list(Streams(labels(7), 0, ids=ids).blocks("flip", "pick"))
    assert [part for part, _ in found] == [slice(0, 3), slice(3, 6), slice(6, 7)]
    whole = Streams(labels(7), 0, ids=ids)
    for at, name in enumerate(("flip", "pick")):
        assert np.array_equal(np.concatenate([drawn[at] for _, drawn in found]), whole[name])


def test_noise_on_top_draws_anew_what_was_drawn_and_nothing_else() -> None:
    first = Streams(labels(), 0)
    flip = first["flip"]
    second = first.after(labels(), first.ids)
    assert not np.array_equal(second["flip"], flip)
    assert np.array_equal(second["pick"], Streams(labels(), 0)["pick"])
    third = second.after(labels(), second.ids)
    assert not np.array_equal(third["flip"], second["flip"])
    assert not np.array_equal(third["flip"], flip)
