"""Networks, what a method may know, and side trainings."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.tiny import make_conditions

from benchmark.data.splits import TrainingData
from benchmark.methods.base import Fit
from benchmark.methods.step import Passes
from benchmark.training.recipe import SideTrainings, input_shape, out_of_fold, run_info


def test_the_vocabulary_reaches_the_largest_id_of_any_part() -> None:
    one, two = torch.tensor([[[1, 7], [0, 0]]]), torch.tensor([[[4, 2], [3, 9]]])
    assert input_shape(one, two).vocabulary == (5, 10)
    with_surfaces = input_shape(one, two, surfaces=("a",) * 10)
    assert with_surfaces.vocabulary == (5,)  # the last column is the place of a surface
    assert input_shape(torch.zeros(4, 3, 8, 8, dtype=torch.uint8)).shape == (3, 8, 8)


def test_networks_of_one_seed_are_equal_and_the_second_is_another() -> None:
    data, recipe = (conditions := make_conditions("multiclass")).data, conditions.recipe
    (first, second), (again,) = recipe.networks(data.problem, 2), recipe.networks(data.problem, 1)
    weights = [next(network.parameters()) for network in (first, second, again)]
    assert torch.equal(weights[0], weights[2])
    assert not torch.equal(weights[0], weights[1])


def test_a_method_knows_validation_labels_only_if_it_declares_them() -> None:
    data, recipe = (conditions := make_conditions("multiclass")).data, conditions.recipe
    blind, seeing = (run_info(data, recipe.settings, 3, 5, {}, uses_val=declared) for declared in (False, True))
    assert set(blind.observed) == {"train"}
    assert set(seeing.observed) == {"train", "val"}
    assert blind.steps_per_epoch == -(-len(data.train) // recipe.settings.batch_size)
    assert blind.seed != 5  # a hash of it


def test_a_side_training_learns_other_targets_with_another_head_and_pays_for_it() -> None:
    data, recipe = (conditions := make_conditions("multiclass")).data, conditions.recipe
    passes = Passes.zeros(1)
    before = data.train.value.clone()
    targets = (data.train.x[:, 0] > 0).long()
    fitted = SideTrainings(recipe, data, 20, passes)(targets=targets, outputs=2)
    found = fitted.predict(np.arange(len(data.train)))
    assert found.shape == (len(data.train), 2)
    assert float((found.argmax(1) == targets).float().mean()) > 0.8
    assert passes.forward[0] >= 20 * (len(data.train) - 1)
    assert torch.equal(data.train.value, before)


class Seen:
    """A side training that says which examples it saw."""

    def __init__(self, data: TrainingData) -> None:
        self.data = data
        self.groups = np.asarray(data.groups if data.groups is not None else np.arange(len(data.train)))
        self.held: list[int] = []

    def __call__(self, *, indices: np.ndarray, **_: object) -> Fit:
        def look(rows: np.ndarray) -> torch.Tensor:
            assert not set(self.groups[rows]) & set(self.groups[indices])
            self.held += rows.tolist()
            return torch.from_numpy(rows).double().repeat_interleave(self.data.problem.width)[:, None]

        return Fit(look, look, torch.nn.Identity())  # type: ignore[arg-type]


@pytest.mark.parametrize("problem", ["multiclass", "multilabel"])
def test_predictions_out_of_fold_stand_at_their_units_and_know_no_group_of_theirs(problem: str) -> None:
    data = make_conditions(problem).data
    seen = Seen(data)
    found = out_of_fold(seen, data, 4, seed=0)  # type: ignore[arg-type]
    assert sorted(seen.held) == list(range(len(data.train)))
    assert found[:, 0].tolist() == np.repeat(np.arange(len(data.train)), data.problem.width).tolist()
