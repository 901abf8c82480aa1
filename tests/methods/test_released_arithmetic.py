"""Numbers that the released code of a method gave, run apart from this repository, and what the suite makes of the same inputs."""

from __future__ import annotations

import pytest
import torch
from support.tiny import make_conditions

from benchmark import functional
from benchmark.api import load_method
from benchmark.methods.base import set_up
from benchmark.training.recipe import run_info


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
