"""Predictions for every slot of a split, in evaluation mode."""

from __future__ import annotations

import pytest
import torch
from support.tiny import make_conditions

from benchmark.methods.base import Method
from benchmark.methods.step import Passes
from benchmark.training.prediction import Predictor, evaluating, predict


@pytest.mark.parametrize("problem", ["multiclass", "multilabel", "tagging"])
def test_live_slots_have_probabilities_and_decisions_and_others_zeros(problem: str) -> None:
    data, recipe = (conditions := make_conditions(problem)).data, conditions.recipe
    networks = recipe.networks(data.problem, 1)
    probability, decision = predict(data.val, Method(), networks, data, Passes.zeros(1), decide=True)
    live = data.val.live.reshape(-1)
    assert probability.shape == (len(data.val) * data.problem.width, data.problem.num_classes)
    torch.testing.assert_close(probability.sum(1), live.float())
    assert decision is not None
    assert torch.equal(decision[live], probability[live].argmax(1))


def test_an_order_by_length_puts_predictions_back_where_they_belong() -> None:
    data, recipe = (conditions := make_conditions("tagging")).data, conditions.recipe
    networks = recipe.networks(data.problem, 1)
    whole = predict(data.train, Method(), networks, data, Passes.zeros(1))[0].reshape(len(data.train), data.problem.width, -1)
    at = torch.tensor([5, 2, 9])
    some = predict(data.train.take(at), Method(), networks, data, Passes.zeros(1))[0].reshape(3, data.problem.width, -1)
    torch.testing.assert_close(some, whole[at])


def test_modules_go_back_to_the_mode_that_each_had() -> None:
    trained, frozen = torch.nn.Dropout(), torch.nn.Dropout().eval()

    def fail() -> None:
        with evaluating([trained, frozen]):
            assert not trained.training
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert trained.training
    assert not frozen.training


def test_passes_of_a_prediction_go_where_they_are_told() -> None:
    data, recipe = (conditions := make_conditions("multiclass")).data, conditions.recipe
    networks, of_run, of_evaluation = recipe.networks(data.problem, 1), Passes.zeros(1), Passes.zeros(1)
    networks[0].count_in(of_run, 0)
    predict(data.val, Method(), networks, data, of_evaluation)
    assert (of_run.forward, of_evaluation.forward) == ([0], [len(data.val)])
    networks[0](data.val.x[:3])
    assert of_run.forward == [3]


def test_validation_is_predicted_only_for_methods_that_declare_it() -> None:
    data, recipe = (conditions := make_conditions("multiclass")).data, conditions.recipe
    predictor = Predictor(Method(), recipe.networks(data.problem, 1), data, Passes.zeros(1))
    assert predictor("train").shape == (len(data.train), 4)
    with pytest.raises(LookupError, match="Method predicts validation examples without declaring uses_val"):
        predictor("val")
