"""Chains of noises."""

from __future__ import annotations

import numpy as np
import pytest
from support.samples import made

from benchmark.api import load_noise
from benchmark.config.build import load
from benchmark.config.grid import parse, resolve
from benchmark.core.types import Labels
from benchmark.data.problems import Multiclass, MultiLabel, Regression, Tagging

K = 5


@pytest.fixture(scope="module")
def labels() -> Labels:
    return Multiclass(list("abcde")).labels(np.random.default_rng(0).permutation(np.arange(1000) % K))


def test_chain_of_a_long_tail_flips_the_kept_examples_as_the_flips_alone_would(labels: Labels) -> None:
    both = made("chain", labels, first=load("noise", "long_tail", factor=20.0), second=load("noise", "symmetric", rate=0.4))
    alone, tail = made("symmetric", labels, rate=0.4), made("long_tail", labels, factor=20.0)
    assert np.array_equal(both.source, tail.source)
    assert np.array_equal(both.observed, alone.observed[tail.source])
    assert np.array_equal(both.clean, labels.value[tail.source])  # type: ignore[arg-type]
    assert load_noise("chain", second=load("noise", "symmetric", rate=0.4)).nominal_rate() == 0.4


@pytest.mark.parametrize("order", [("clean", "symmetric"), ("symmetric", "clean")])
def test_chain_with_clean_is_the_other_one(order: tuple[str, str], labels: Labels) -> None:
    assert np.array_equal(made("chain", labels, first=order[0], second=order[1]).observed, made("symmetric", labels).observed)


def test_two_kinds_of_flips_in_a_chain_are_independent(labels: Labels) -> None:
    found = made("chain", labels, first=load("noise", "pairflip", rate=0.3), second=load("noise", "pairflip", rate=0.3))
    step = np.bincount((found.observed - labels.value) % K, minlength=K) / 1000
    np.testing.assert_allclose(step[:3], [0.49, 0.42, 0.09], atol=4 * 0.5 / np.sqrt(1000))
    assert found.true_transition is not None
    np.testing.assert_allclose(found.true_transition[0, 0, :3], [0.49, 0.42, 0.09])
    assert load_noise("chain", first="pairflip", second="symmetric").nominal_rate() is None


def test_chain_over_copies_gives_every_copy_flips_of_its_own(labels: Labels) -> None:
    found = made("chain", labels, first=load("noise", "dilution", copies=1), second=load("noise", "symmetric", rate=0.5))
    first = made("symmetric", labels, rate=0.5)
    assert np.array_equal(found.observed[:1000], first.observed)
    copy = made("dilution", labels, copies=1).observed[1000:]
    flipped = [found.observed[:1000] != labels.value, found.observed[1000:] != copy]
    assert abs(np.corrcoef(*flipped)[0, 1]) < 4 / np.sqrt(1000)


def test_chain_of_open_set_and_flips_keeps_both(labels: Labels) -> None:
    for order in (("openset", "symmetric"), ("symmetric", "openset")):
        found = made("chain", labels, first=order[0], second=order[1])
        assert np.array_equal(found.clean == -1, found.foreign >= 0)
        known = found.foreign < 0
        assert 0.1 < (found.observed != labels.value)[known].mean() < 0.3


def test_chain_composes_in_every_kind_of_task() -> None:
    rng = np.random.default_rng(0)
    several = MultiLabel(list("pqr")).labels(rng.integers(0, 2, (500, 3)))
    found = made("chain", several, first=load("noise", "partial", rate=0.3), second=load("noise", "missing_positive", rate=0.5))
    unknown = found.observed == -1
    assert abs(unknown.mean() - 0.3) < 4 * np.sqrt(0.21 / 1500)
    assert abs((found.observed == 0)[~unknown & (several.value == 1)].mean() - 0.5) < 4 * 0.5 / np.sqrt(500)
    assert not ((found.observed == 1) & (several.value == 0)).any()
    target = Regression("z").labels(rng.normal(size=500))
    found = made("chain", target, first=load("noise", "biased", rate=1.0), second=load("noise", "quantized", levels=3))
    assert len(set(found.observed.round(9))) == 3
    assert found.observed.mean() > target.value.mean() + 0.5
    assert np.array_equal(found.clean, target.value)  # type: ignore[arg-type]
    tags = Tagging(["O", "B-X", "I-X", "B-Y", "I-Y"], 6).labels(np.tile([0, 1, 2, 0, 3, 0], (200, 1)))
    found = made("chain", tags, first=load("noise", "span", preset="crowd"), second=load("noise", "symmetric", rate=0.1))
    assert 0.1 < (found.observed != tags.value).mean() < 0.4


def test_a_chain_can_hold_a_chain(labels: Labels) -> None:
    inner = load("noise", "chain", first=load("noise", "long_tail", factor=5.0), second=load("noise", "symmetric", rate=0.2))
    found = made("chain", labels, first=inner, second=load("noise", "symmetric", rate=0.2))
    kept = made("long_tail", labels, factor=5.0).source
    assert np.array_equal(found.source, kept)
    wrong = (found.observed != labels.value[kept]).mean()
    assert abs(wrong - (0.8 * 0.2 + 0.2 * (1 - 0.2 / 4))) < 4 * 0.5 / np.sqrt(len(kept))


def test_chain_is_written_like_a_wrapped_method() -> None:
    overrides = parse("noise", "chain(first=long_tail(factor=50), second=symmetric(rate=0.4))")
    assert overrides == ["noise=chain", "noise@noise.first=long_tail", "noise.first.factor=50", "noise@noise.second=symmetric", "noise.second.rate=0.4"]
    _, config = resolve("noise", tuple(overrides))
    assert (config["first"]["factor"], config["second"]["rate"]) == (50, 0.4)
