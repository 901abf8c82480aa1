"""Numbers that the released code of a method gave, run apart from this repository, and what the suite makes of the same inputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.tiny import make_conditions

from benchmark import functional
from benchmark.api import load_method
from benchmark.functional.ordering import ordinal_entropy, rank_similarity
from benchmark.methods.base import set_up
from benchmark.training.recipe import run_info

ARROWS = torch.tensor([[3.0, 0.0], [0.0, 4.0], [2.0, 2.0], [1.0, -1.0], [-2.0, 0.0]])
AGES = torch.tensor([0.0, 1.0, 1.0, 4.0, 4.0])


def test_ordinal_entropy_as_released() -> None:
    """needylove/OrdinalEntropy @75fc9d5: spread, and tightness less spread."""
    apart, tight = ordinal_entropy(ARROWS, AGES)
    assert float(apart) == pytest.approx(0.7863561511, rel=1e-5)
    assert float(tight - apart) == pytest.approx(-0.0464934707, rel=1e-4)


def test_ordinal_entropy_weighs_the_nearest_pair_by_nothing_and_the_farthest_by_less_than_one() -> None:
    apart, tight = ordinal_entropy(torch.eye(3), torch.tensor([0.0, 1.0, 3.0]))
    assert float(apart) == pytest.approx(2**0.5 * (0 + 1 / 3 + 2 / 3) / 3)  # distances 1, 2, 3
    assert float(tight) == 0
    assert float(ordinal_entropy(torch.eye(2), torch.tensor([0.0, 5.0]))[0]) == 0  # one pair is the nearest


def test_the_papers_centers_are_means_of_normalized_features() -> None:
    """Features (0, 4) and (2, 2) of one target: the directions count alike, whatever the lengths."""
    z = ARROWS / ARROWS.norm(dim=1, keepdim=True)
    centers = torch.stack([z[0], (z[1] + z[2]) / 2, (z[3] + z[4]) / 2])
    weights = {(0, 1): 0.0, (0, 2): 0.75, (1, 2): 0.5}
    expected = sum(w * float((centers[i] - centers[j]).norm()) for (i, j), w in weights.items()) / 3
    apart, tight = ordinal_entropy(ARROWS, AGES, "paper")
    assert float(apart) == pytest.approx(expected, rel=1e-5)
    of_four = [float((z[i] - centers[k]).norm()) for i, k in ((1, 1), (2, 1), (3, 2), (4, 2))]
    assert float(tight) == pytest.approx(sum(of_four) / 4, rel=1e-5)  # the first example is its own center


def test_ranksim_sums_over_examples_as_released() -> None:
    """BorealisAI/ranksim-imbalanced-regression @9e1c862: value, and gradient by blackbox differentiation with lam 2."""
    x = torch.tensor([[1.0, 0.0], [0.2, 1.0], [0.9, 0.5], [-0.3, 0.7]], requires_grad=True)
    value = rank_similarity(x, torch.tensor([0.0, 1.0, 3.2, 7.0]), 2.0, torch.arange(4))
    assert float(value.detach()) == pytest.approx(0.21875)
    value.backward()
    expected = torch.tensor([[0.0, -0.1844], [-0.4635, 0.0927], [0.0736, -0.1324], [0.1709, 0.0733]])
    torch.testing.assert_close(x.grad, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("positive", "expected"), [([1, 0, 0], 0.5146750212), ([1, 0, 1], 0.3377451599), ([1, 1, 1], 0.9204718471)])
def test_a_bag_of_one_is_not_weighed_by_beta(positive: list[float], expected: float) -> None:
    """cyh-0/BoMD @1688893, one descriptor an example, beta .3."""
    vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    value = functional.bag_ranking_loss(torch.tensor([[[0.5, -1.0]]]), vectors, torch.tensor([positive], dtype=torch.float), 0.3)
    assert float(value) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("points", "expected"), [(2, 0.0), (3, 0.3646995120), (4, 0.3532684445)])
def test_distances_are_summed_over_pairs_and_divided_by_points(points: int, expected: float) -> None:
    """penghui-yang/L2D @e3c438a."""
    old = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0], [2.0, 2.0]])
    new = torch.tensor([[0.0, 1.0], [2.0, 0.0], [2.5, 1.0], [0.0, -2.0]])
    member = torch.arange(4)[None] < points
    assert float(functional.structure_distance(old[None], new[None], member)) == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_colada_normalises_within_a_tag() -> None:
    """microsoft/vert-papers @f9932e5, slope 6: shares of neighbours, and weights by the tags O, B, I of the tokens."""
    share = torch.tensor([1.0, 0.8, 0.2, 0.5, 1.0, 0.6, 0.4])
    tag = torch.tensor([0, 0, 1, 1, 2, 2, 2])
    expected = torch.tensor([1.0, 0.5488, 0.1653, 1.0, 1.0, 0.4556, 0.1907])
    torch.testing.assert_close(functional.class_weights(share, tag, 6.0), expected, atol=1e-4, rtol=0)


def test_colada_counts_neighbours_by_entity_type_and_weighs_by_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    """B- and I- of a type are neighbours of one kind, but every predicted tag has a largest weight of 1."""
    conditions = make_conditions("tagging")
    method = load_method("colada", rounds=1, neighbors=37, bank=1000, lam=0.0)  # so many that few tokens have the largest share
    run = run_info(conditions.data, conditions.recipe.settings, 10, 0, {})
    set_up(method, run)
    kinds = []
    original = functional.neighbor_share

    def spied(features: torch.Tensor, kind: torch.Tensor, *rest: object, **options: object) -> torch.Tensor:
        kinds.append(kind)
        return original(features, kind, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(functional, "neighbor_share", spied)
    generator = torch.Generator().manual_seed(0)
    probability = torch.rand(run.num_units, run.num_classes, generator=generator)
    probability /= probability.sum(1, keepdim=True)
    features = torch.rand(run.num_examples, run.width, 4, generator=generator)
    evaluate = lambda split, net=None, features_=features, features=False: features_ if features else probability  # noqa: E731
    method.phases(method.starts[0], evaluate)  # type: ignore[arg-type,operator]
    live = run.observed["train"].live
    weight = method.soft[live].sum(1)  # type: ignore[index,union-attr]
    tag = probability[live].argmax(1)
    assert len(tag.unique()) == run.num_classes > len(kinds[0].unique())
    for k in range(run.num_classes):
        assert float(weight[tag == k].max()) == pytest.approx(1, abs=1e-5)


def test_a_threshold_takes_everything_where_that_is_best() -> None:
    """Scores are above the threshold, so it lies below the lowest one even where that is 0, or negative."""
    for score in ([0.0, 0.5, 0.9], [0.0, 0.0, 0.0], [-3.0, -2.0, 0.1], [0.2, 0.3, 0.4], [-1e20, 0.0, 1.0]):
        for dtype in (torch.float32, torch.float64):
            values = torch.tensor(score, dtype=dtype)
            assert bool((values > functional.best_threshold(values, torch.tensor([True, False, True]))).all())
    assert functional.best_threshold(torch.tensor([0.2, 0.3]), torch.tensor([True, True])) == pytest.approx(0.1)
    close = torch.tensor([0.1, np.nextafter(0.1, 1)], dtype=torch.float64)  # between neighbouring floats there is none
    assert (close > functional.best_threshold(close, torch.tensor([False, True]))).tolist() == [False, True]
