"""What every noise generator must do, found through conf/noise: a new yaml is tested without an edit here."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmark.config.build import build, load, option
from benchmark.config.registry import names
from benchmark.core.errors import ConfigError
from benchmark.core.types import Corruption, Labels
from benchmark.data.problems import Multiclass, MultiLabel, Regression, Tagging
from benchmark.noise.base import Context, Noise
from benchmark.noise.streams import Streams

NOISES = {name: build(load("noise", name), "noise") for name in names("noise")}
PROBLEMS = ("multiclass", "tagging", "multilabel", "regression")
PAIRS = [(name, problem) for name, noise in NOISES.items() for problem in PROBLEMS if problem in noise.problems]
DRAWN = [pair for pair in PAIRS if not NOISES[pair[0]].not_drawn]
RATED = [pair for pair in PAIRS if not NOISES[pair[0]].not_nested]
SHARES = [(name, key) for name in NOISES for key in ("rate", "fpr", "fnr") if key in option("noise", name)]
EXAMPLES = 800


def labels_of(problem: str) -> Labels:
    """Right labels with class names that every mapping finds, and a few dead units."""
    rng = np.random.default_rng(1)
    if problem == "multiclass":
        return Multiclass([str(i) for i in range(10)]).labels(np.where(rng.random(EXAMPLES) < 0.03, -1, rng.integers(0, 10, EXAMPLES)))
    if problem == "tagging":
        y = rng.integers(0, 7, (EXAMPLES, 6))
        dead = np.arange(6) >= rng.integers(2, 7, EXAMPLES)[:, None]
        return Tagging(["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"], 6).labels(np.where(dead, -1, y))
    if problem == "multilabel":
        y = (rng.random((EXAMPLES, 4)) < [0.5, 0.3, 0.1, 0.7]).astype(np.int64)
        return MultiLabel(["pneumothorax", "mass", "effusion", "s"]).labels(np.where(rng.random(y.shape) < 0.03, -1, y))
    return Regression("z").labels(np.where(rng.random(EXAMPLES) < 0.03, np.nan, rng.normal(size=EXAMPLES)))


def frozen(labels: Labels) -> Labels:
    """Whoever writes to these arrays fails."""
    arrays = {name: getattr(labels, name).copy() for name in ("value", "group", "column", "live")}
    for array in arrays.values():
        array.flags.writeable = False
    return replace(labels, **arrays)


LABELS = {problem: frozen(labels_of(problem)) for problem in PROBLEMS}


def labels_for(name: str, problem: str) -> Labels:
    """Labels of the classes that the generator's yaml is made for."""
    labels, classes = LABELS[problem], NOISES[name].names
    if classes is None:
        return labels
    y = np.where(labels.live, np.random.default_rng(2).integers(0, len(classes), len(labels.value)), -1)
    return frozen(replace(labels, value=y, names=classes, num_classes=len(classes)))


def part(labels: Labels, examples: np.ndarray) -> Labels:
    """Some examples, with the ids that they have in the whole."""
    chosen = np.isin(labels.group, examples)
    return replace(labels, **{name: getattr(labels, name)[chosen] for name in ("value", "group", "column", "live")})


def context_of(labels: Labels) -> Context:
    """Whatever a generator may need, as a function of the example."""
    other = (labels.value + 1) % labels.num_classes if labels.kind == "categorical" else labels.value + 1
    third = np.where(labels.live, np.where(labels.group % 5 == 0, other, labels.value), 0)
    second = np.where(labels.live, np.where(labels.group % 3 == 0, other, labels.value), 0)
    examples = np.unique(labels.group)
    features = np.stack([np.sin(examples * (1.0 + d)) for d in range(6)], axis=1).astype(np.float32)
    return Context({"somebody": third, "somebody else": second}, features, labels.value % 50 + labels.group % 7, foreign=20)


def corrupted(name: str, labels: Labels, seed: int = 0, **options: Any) -> Corruption:
    if name in ("recorded", "human"):
        options = {"set": "somebody"} | options
    noise: Noise = build(load("noise", name, **options), "noise")
    whole = context_of(labels)
    given = {need: getattr(whole, need) for need in noise.needs}
    return noise(labels, Streams(labels, seed), Context(**given))


def originals(labels: Labels, made: Corruption) -> np.ndarray:
    """Right labels of the units that ``made`` is about."""
    slots: np.ndarray = (made.source[:, None] * labels.width + np.arange(labels.width)).reshape(-1)
    return slots


def wrong(labels: Labels, made: Corruption) -> np.ndarray:
    """Units that no longer carry the right label of their input."""
    slots = originals(labels, made)
    found: np.ndarray = labels.live[slots] & ((made.observed != labels.value[slots]) | (made.clean != labels.value[slots]))
    return found


def test_every_problem_has_noise() -> None:
    assert {problem for _, problem in DRAWN} == set(PROBLEMS)


@pytest.mark.parametrize("name", NOISES)
def test_what_has_no_nested_rate_says_why(name: str) -> None:
    assert ("rate" in option("noise", name)) or len(NOISES[name].not_nested) > 8


@pytest.mark.parametrize(("name", "problem"), PAIRS)
def test_shapes_and_types(name: str, problem: str) -> None:
    labels = labels_for(name, problem)
    made = corrupted(name, labels)
    examples, units = len(made.source), len(made.source) * labels.width
    assert made.observed.shape == (units,)
    assert made.observed.dtype == labels.value.dtype
    assert made.foreign.shape == (examples,)
    assert made.source.dtype.kind == made.foreign.dtype.kind == "i"
    assert 0 <= made.source.min() <= made.source.max() < EXAMPLES
    assert made.clean is not None
    strange = np.repeat(made.foreign >= 0, labels.width)
    assert np.array_equal(made.clean[~strange], labels.value[originals(labels, made)][~strange], equal_nan=True)
    assert (made.clean[strange] == -1).all()
    if labels.kind == "categorical":
        live = labels.live[originals(labels, made)]
        assert made.observed[live].min() >= (-1 if NOISES[name].leaves_unknown else 0)
        assert made.observed[live].max() < labels.num_classes
    else:
        assert np.isfinite(made.observed[labels.live[originals(labels, made)]]).all()
        assert made.transition is None


@pytest.mark.parametrize(("name", "problem"), PAIRS)
def test_dead_units_are_untouched(name: str, problem: str) -> None:
    labels = labels_for(name, problem)
    made = corrupted(name, labels)
    slots = originals(labels, made)
    dead = ~labels.live[slots]
    assert dead.any()
    assert np.array_equal(made.observed[dead], labels.value[slots][dead], equal_nan=True)


@pytest.mark.parametrize(("name", "problem"), PAIRS)
def test_same_seed_same_labels(name: str, problem: str) -> None:
    first, second = corrupted(name, labels_for(name, problem), 7), corrupted(name, labels_for(name, problem), 7)
    for field in ("observed", "source", "foreign", "transition"):
        a, b = getattr(first, field), getattr(second, field)
        assert (a is None and b is None) or np.array_equal(a, b, equal_nan=True)


@pytest.mark.parametrize(("name", "problem"), DRAWN)
def test_another_seed_gives_other_labels(name: str, problem: str) -> None:
    made = [corrupted(name, labels_for(name, problem), seed) for seed in range(4)]
    assert len({one.observed.tobytes() + one.source.tobytes() + one.foreign.tobytes() for one in made}) == 4


@pytest.mark.parametrize(("name", "problem"), PAIRS)
def test_inputs_and_global_generator_are_left_alone(name: str, problem: str) -> None:
    """The arrays of LABELS refuse to be written to; observed labels are a copy, never a view."""
    before = np.random.get_state()[1].copy()  # type: ignore[index]
    made = corrupted(name, labels_for(name, problem))
    assert made.observed.flags.writeable
    assert not np.shares_memory(made.observed, LABELS[problem].value)
    assert np.array_equal(before, np.random.get_state()[1])  # type: ignore[index]


@pytest.mark.parametrize(("name", "problem"), [pair for pair in DRAWN if not NOISES[pair[0]].not_local])
def test_part_of_the_examples_sees_the_same_flips(name: str, problem: str) -> None:
    whole = labels_for(name, problem)
    made = corrupted(name, whole)
    for examples in (np.arange(EXAMPLES // 2), np.random.default_rng(2).permutation(EXAMPLES)[:300]):
        labels = part(whole, examples)
        chosen = np.isin(made.source.repeat(whole.width), examples)
        found = corrupted(name, labels)
        assert wrong(labels, found).any()
        if whole.kind == "categorical":
            assert np.array_equal(found.observed, made.observed[chosen])
        else:  # what a wrong target becomes may depend on the other targets
            assert np.array_equal(wrong(labels, found), wrong(whole, made)[chosen])


@pytest.mark.parametrize(("name", "problem"), RATED)
def test_flips_are_nested_in_the_rate_with_the_same_wrong_label(name: str, problem: str) -> None:
    labels = labels_for(name, problem)
    made = [corrupted(name, labels, rate=share * NOISES[name].highest) for share in (0.1, 0.3, 0.6, 1.0)]
    for low, high in itertools.pairwise(made):
        flipped = wrong(labels, low)
        assert flipped.sum() < wrong(labels, high).sum()
        assert np.array_equal(low.observed[flipped], high.observed[flipped])
        assert np.array_equal(low.foreign[low.foreign >= 0], high.foreign[low.foreign >= 0])


@pytest.mark.parametrize(("name", "problem"), RATED)
@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
def test_realised_rate_is_within_four_sigma(name: str, problem: str, share: float) -> None:
    """Among the units that can be wrong at all: those that the highest rate makes wrong."""
    labels = labels_for(name, problem)
    able = wrong(labels, corrupted(name, labels, rate=NOISES[name].highest))
    flipped = wrong(labels, corrupted(name, labels, rate=share * NOISES[name].highest))
    assert not (flipped & ~able).any()
    assert able.sum() > 100
    assert abs(flipped.sum() - share * able.sum()) < 4 * np.sqrt(share * (1 - share) * able.sum())


@pytest.mark.parametrize(("name", "problem"), RATED)
def test_rate_zero_is_clean(name: str, problem: str) -> None:
    labels = labels_for(name, problem)
    made = corrupted(name, labels, rate=0)
    assert np.array_equal(made.observed, labels.value, equal_nan=True)
    assert (made.foreign == -1).all()
    if made.transition is not None:
        assert np.array_equal(made.transition, np.broadcast_to(np.eye(labels.num_classes), made.transition.shape))


@pytest.mark.parametrize("problem", PROBLEMS)
def test_clean_changes_nothing(problem: str) -> None:
    labels = LABELS[problem]
    assert np.array_equal(corrupted("clean", labels).observed, labels.value, equal_nan=True)
    assert build(load("noise", "clean"), "noise").nominal_rate() == 0.0


@pytest.mark.parametrize(("name", "key"), SHARES)
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf"), True, False, "0.2", None, [0.2]])
def test_rates_that_are_none_are_refused_in_one_line(name: str, key: str, value: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        build(load("noise", name, **{key: value}), "noise")
    assert "\n" not in str(caught.value)
    assert f"noise.{key}=" in str(caught.value)


@pytest.mark.parametrize(("name", "key"), SHARES)
@pytest.mark.parametrize("share", [0, 1, 0.0, 1.0, 1e-9])
def test_rates_at_the_ends_are_legal(name: str, key: str, share: float) -> None:
    value = share * NOISES[name].highest
    stored = getattr(build(load("noise", name, **{key: value}), "noise"), key)
    assert stored == value
    assert isinstance(stored, float)


@pytest.mark.parametrize(("name", "problem"), RATED)
def test_nominal_rate_is_the_one_that_was_asked_for(name: str, problem: str) -> None:
    assert build(load("noise", name, rate=0.35), "noise").nominal_rate() == 0.35


@pytest.mark.parametrize("name", [name for name, noise in NOISES.items() if noise.highest < 1])
def test_rate_one_is_refused_where_it_has_no_meaning(name: str) -> None:
    with pytest.raises(ConfigError, match=r"noise\.rate=1\.0 is outside \[0, 0\.\d+\]"):
        build(load("noise", name, rate=1.0), "noise")


@pytest.mark.parametrize(("name", "problem"), PAIRS)
def test_labels_that_are_all_dead_stay_dead(name: str, problem: str) -> None:
    labels = labels_for(name, problem)
    dead = -1 if labels.kind == "categorical" else np.nan
    labels = replace(labels, value=np.full_like(labels.value, dead), live=np.zeros_like(labels.live))
    made = corrupted(name, labels)
    assert np.array_equal(made.observed, labels.value[originals(labels, made)], equal_nan=True)


@pytest.mark.parametrize(("name", "problem"), [pair for pair in PAIRS if pair[1] in ("multiclass", "tagging")])
def test_a_class_without_examples_is_no_obstacle(name: str, problem: str) -> None:
    labels = labels_for(name, problem)
    labels = replace(labels, value=np.where(labels.value == 2, 1, labels.value))
    made = corrupted(name, labels)
    assert made.transition is not None
    assert made.transition[0, 2].tolist() == np.eye(labels.num_classes)[2].tolist()
    assert (made.observed[labels.live[originals(labels, made)]] >= 0).all()


@pytest.mark.parametrize(("name", "problem"), [pair for pair in PAIRS if pair[1] != "regression"])
def test_transition_is_the_realised_one(name: str, problem: str) -> None:
    labels = labels_for(name, problem)
    made = corrupted(name, labels)
    assert made.clean is not None
    slots = originals(labels, made)
    right, live, column = made.clean, labels.live[slots] & (made.observed >= 0), labels.column[slots]
    assert made.transition is not None
    layers = labels.width if problem == "multilabel" else 1
    assert made.transition.shape == (layers, labels.num_classes, labels.num_classes)
    np.testing.assert_allclose(made.transition.sum(2), 1)
    for layer in range(layers):
        here = live & ((column == layer) if layers > 1 else True)
        for i in range(labels.num_classes):
            given = made.observed[here & (right == i)]
            expected = np.bincount(given, minlength=labels.num_classes) / len(given) if len(given) else np.eye(labels.num_classes)[i]
            np.testing.assert_allclose(made.transition[layer, i], expected)


def test_transition_of_a_class_without_units_is_the_identity() -> None:
    labels = Multiclass(list("abc")).labels(np.array([0, 0, 2, 2, -1]))
    made = corrupted("symmetric", labels, rate=1.0)
    assert made.transition is not None
    assert made.transition[0, 1].tolist() == [0.0, 1.0, 0.0]


def test_recorded_labels_are_found_by_name() -> None:
    labels = LABELS["tagging"]
    sets = {"a": np.where(labels.live, 1, -1), "b": np.where(labels.live, 2, -1)}
    for name, value in (("a", 1), ("b", 2)):
        noise: Noise = build(load("noise", "recorded", set=name), "noise")
        assert set(noise(labels, Streams(labels, 0), Context(sets)).observed[labels.live]) == {value}
    assert np.array_equal(build(load("noise", "recorded", set="clean"), "noise")(labels, Streams(labels, 0), Context(sets)).observed, labels.value)
    for name, context, hint in ((None, sets, "choices: a, b"), ("aa", sets, "did you mean 'a'"), (None, {}, "choices: none")):
        noise = build(load("noise", "recorded", set=name), "noise")
        with pytest.raises(ConfigError, match=hint):
            noise(labels, Streams(labels, 0), Context(context))
