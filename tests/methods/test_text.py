"""What the methods for text compute, against numpy and by hand; their contract is tested with all others'."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny import make_conditions
from torch import Tensor

from benchmark import functional
from benchmark.config.build import build, load
from benchmark.core.errors import DataError
from benchmark.core.types import Observed
from benchmark.methods.base import Fit, Method, RunInfo, set_up
from benchmark.methods.label_refurbishment.roster import Removing
from benchmark.methods.reweighting.crossweigh import entities
from benchmark.methods.step import Batch, Passes, Step
from benchmark.running.conditions import Conditions
from benchmark.training.prediction import predict
from benchmark.training.recipe import run_info

NAMES = ("O", "B-X", "I-X", "B-Y", "I-Y")


@pytest.fixture(scope="module")
def conditions() -> Conditions:
    return make_conditions("tagging")


def run_of(conditions: Conditions, method: Method, epochs: int = 10) -> RunInfo:
    needs = {need: conditions.declared[need] for need in method.needs}
    return run_info(conditions.data, conditions.recipe.settings, epochs, 0, needs)


def made(name: str, conditions: Conditions, **options: Any) -> tuple[Any, RunInfo]:
    method: Any = build(load("method", name, **options), "method")
    run = run_of(conditions, method)
    set_up(method, run)
    return method, run


def step_of(method: Method, conditions: Conditions, epoch: int = 0) -> Step:
    part, at = conditions.data.train, torch.arange(12)
    networks = conditions.recipe.networks(conditions.data.problem, method.networks)
    return Step(networks, conditions.data.problem, Batch([part.x[at]], at, part.value[at], part.live[at]), Passes.zeros(method.networks), epoch=epoch)


def test_oracles_see_which_labels_are_right(conditions: Conditions) -> None:
    mask, _ = made("oracle_mask", conditions)
    step = step_of(mask, conditions)
    units, right = step.units(), conditions.declared["right"]
    fine = units.target == right[units.index]
    assert 0.5 < fine.float().mean() < 1
    loss = torch.nn.functional.cross_entropy(units.output[fine], units.target[fine])
    torch.testing.assert_close(mask.objective(step), loss)
    subset, run = made("oracle_subset", conditions)
    (phase,) = subset.phases(0, None)
    seen = run.observed["train"]
    wrong = ((seen.value != right) & seen.live).reshape(run.num_examples, -1).any(1)
    assert phase.indices.tolist() == np.flatnonzero(~wrong.numpy()).tolist()
    nothing = build(load("method", "oracle_subset"), "method")
    bare = run_info(conditions.data, conditions.recipe.settings, 5, 0, {"right": torch.full_like(right, 1) - seen.value.clamp(0, 1)})
    with pytest.raises(DataError, match="oracle_subset: 0 of 120 training examples have right labels only"):
        set_up(nothing, bare)


@pytest.mark.parametrize("name", ["small_loss", "coteaching"])
def test_tokens_are_selected_inside_each_observed_tag_at_its_own_rate(name: str, conditions: Conditions) -> None:
    """One rate for all tokens would drop most entities: they are few, and their losses large."""
    method, run = made(name, conditions)
    seen, right = run.observed["train"], conditions.declared["right"]
    rate = torch.stack([((seen.value != right) & seen.live & (seen.value == k)).sum() / ((seen.value == k) & seen.live).sum() for k in range(3)])
    torch.testing.assert_close(method.rate, rate[None])
    assert rate[0] < rate[1:].min()
    units = step_of(method, conditions, epoch=5).units()
    loss = torch.rand(len(units.index), generator=torch.Generator().manual_seed(0)) + (units.target > 0)
    kept = method.select(units, loss, step_of(method, conditions, epoch=5))
    for k in range(3):
        of = units.target == k
        assert int(kept[of].sum()) == int(np.ceil((1 - float(rate[k])) * int(of.sum()) - 1e-4))
        assert loss[of & kept].max() < loss[of & ~kept].min()


def test_confident_learning_prunes_the_tokens_that_cleanlab_names(conditions: Conditions) -> None:
    from cleanlab.token_classification.filter import find_label_issues

    method, run = made("confident_learning", conditions, folds=3)
    seen, width = run.observed["train"], run.width
    probability = torch.rand(run.num_units, run.num_classes, generator=torch.Generator().manual_seed(1)) + 2 * torch.eye(3)[seen.value.clamp(min=0)]
    probability[::7] = probability[::7].flip(1)
    probability /= probability.sum(1, keepdim=True)

    def predict(held: np.ndarray) -> Tensor:
        return probability.reshape(-1, width, 3)[torch.from_numpy(held)].reshape(-1, 3)

    method.prepare(lambda indices: Fit(predict, predict, torch.nn.Linear(1, 1)), run)
    live, given = seen.live.reshape(-1, width), seen.value.reshape(-1, width)
    found = find_label_issues(
        [row[at].tolist() for row, at in zip(given, live, strict=True)],
        [p[at].double().numpy() for p, at in zip(probability.reshape(-1, width, 3), live, strict=True)],
        filter_by="prune_by_noise_rate",
        n_jobs=1,
    )
    pruned = torch.nonzero((method.weight.reshape(-1, width) == 0) & live).tolist()
    assert len(pruned) > 20
    assert sorted(map(tuple, pruned)) == sorted(map(tuple, found))


def test_coregularization_is_cross_entropy_plus_disagreement(conditions: Conditions) -> None:
    method, _ = made("coregularization", conditions, alpha=3.0, warmup=0.2)
    early, late = step_of(method, conditions, 1), step_of(method, conditions, 2)
    parts = [late.units(net) for net in (0, 1)]
    plain = sum(torch.nn.functional.cross_entropy(u.output, u.target) for u in parts) / 2
    torch.testing.assert_close(method.objective(early), plain)
    apart = functional.agreement(torch.stack([u.output for u in parts])).mean()
    assert apart > 0
    torch.testing.assert_close(method.objective(late), plain + 3 * apart)
    assert torch.equal(method.predict(late), parts[0].output.softmax(1))


def test_self_training_learns_confident_targets_of_a_fixed_teacher(conditions: Conditions) -> None:
    method, run = made("self_training", conditions, first=0.3, period=0.4, threshold=0.6)
    assert list(method.renewals) == [3, 7]
    teacher = torch.rand(run.num_units, run.num_classes, generator=torch.Generator().manual_seed(0)) ** 4
    teacher /= teacher.sum(1, keepdim=True)
    asked: list[str] = []

    def evaluate(split: str) -> Tensor:
        asked.append(split)
        return teacher

    for epoch in range(10):
        method.phases(epoch, evaluate)
    assert asked == ["train"] * 2
    units = step_of(method, conditions).units()
    torch.testing.assert_close(method.objective(step_of(method, conditions, 2)), torch.nn.functional.cross_entropy(units.output, units.target))
    soft = functional.squared_targets(teacher[units.index])
    sure = soft.max(1).values > 0.6
    assert 0 < sure.sum() < len(sure)
    expected = -(soft * units.output.log_softmax(1)).sum(1)[sure].mean()
    torch.testing.assert_close(method.objective(step_of(method, conditions, 3)), expected)


def test_roster_averages_robust_networks_into_a_student(conditions: Conditions) -> None:
    method, run = made("roster", conditions, models=3)
    given, kinds = [], []

    def fit(**options: Any) -> Fit:
        kinds.append(type(options["method"]))
        p = torch.rand(run.num_units, run.num_classes, generator=torch.Generator().manual_seed(len(kinds)))
        given.append(p / p.sum(1, keepdim=True))
        return Fit(lambda rows: given[-1], lambda rows: given[-1], torch.nn.Linear(1, 1))

    method.prepare(fit, run)
    assert kinds == [Removing] * 3
    step = step_of(method, conditions)
    units, target = step.units(), sum(given) / 3
    torch.testing.assert_close(method.objective(step), -(target[step.units().index] * units.output.log_softmax(1)).sum(1).mean())


def test_weighted_is_a_weighted_mean(conditions: Conditions) -> None:
    method, _ = made("weighted", conditions, power=2.0)
    confidence = torch.rand(conditions.data.num_units, generator=torch.Generator().manual_seed(0))
    method.register_buffer("confidence", confidence)
    step = step_of(method, conditions)
    units = step.units()
    w = confidence[units.index] ** 2
    loss = torch.nn.functional.cross_entropy(units.output, units.target, reduction="none")
    torch.testing.assert_close(method.objective(step), (w * loss).sum() / w.sum())


def sentences(tags: list[list[int]], words: list[list[int]]) -> RunInfo:
    """A run of three-token sentences."""
    value = torch.tensor(tags).reshape(-1)
    seen = Observed(value, torch.arange(len(value)) // 3, torch.arange(len(value)) % 3, value >= 0)
    tokens = torch.tensor(words).unsqueeze(2)
    return RunInfo("tagging", "categorical", len(tags), 3, 5, 4, 1, {"train": seen}, torch.device("cpu"), np.arange(len(tags)), 0, names=NAMES, tokens=tokens)


def test_entities_are_equal_by_words_whatever_their_type() -> None:
    run = sentences([[1, 2, 0], [0, 1, 2], [3, 4, -1], [1, 1, 0], [0, 0, 0]], [[7, 8, 9], [9, 7, 8], [7, 8, 0], [7, 8, 1], [7, 8, 9]])
    found = entities(run).toarray()
    assert found.shape == (5, 3)  # "7 8", "7", "8"
    assert (found[0] == found[1]).all()
    assert (found[0] == found[2]).all()  # of another type: one of the two types is wrong, or the name is ambiguous
    assert found.sum(1).tolist() == [1, 1, 1, 2, 0]
    assert found[0] @ found[3] == 0


def test_crossweigh_judges_a_fold_by_networks_that_know_none_of_its_entities() -> None:
    method: Any = build(load("method", "crossweigh", folds=3, repetitions=2, factor=0.5, least=0.0), "method")
    words = [[min(i, 20), 9, 9] for i in range(30)]  # the last ten sentences share an entity
    run = sentences([[1, 0, 0]] * 30, words)
    asked: list[tuple[set[int], set[int]]] = []

    def fit(indices: np.ndarray) -> Fit:
        def predict(held: np.ndarray) -> Tensor:
            asked.append(({words[i][0] for i in indices}, {words[i][0] for i in held}))
            p = torch.zeros(len(held), 3, 5)
            p[:, :, 0] = 1.0
            p[torch.from_numpy(held % 2 == 0), 0, 1] = 2.0  # odd sentences are judged wrong every time
            return p.reshape(-1, 5)

        return Fit(predict, predict, torch.nn.Linear(1, 1))

    method.prepare(fit, run)
    assert len(asked) == 6
    assert all(len(held) > 5 and not train & held for train, held in asked)
    assert all(20 in held for _, held in asked)  # so no network learned the shared one
    assert all(len(train) == 20 - len(held - {20}) for train, held in asked)
    weight = method.weight.reshape(30, 3)
    assert weight[0::2].eq(1.0).all()
    assert weight[1::2].eq(0.25).all()


def test_colada_softens_labels_that_neighbors_contradict(conditions: Conditions) -> None:
    method, run = made("colada", conditions, rounds=1, neighbors=5, bank=1000)
    seen = run.observed["train"]
    probability = torch.rand(run.num_units, run.num_classes, generator=torch.Generator().manual_seed(3))
    probability /= probability.sum(1, keepdim=True)
    features = torch.rand(run.num_examples, run.width, 4, generator=torch.Generator().manual_seed(4))
    for epoch in range(10):
        method.phases(epoch, lambda split, net=None, features_=features, features=False: features_ if features else probability)
    given = torch.nn.functional.one_hot(seen.value.clamp(min=0), run.num_classes).float()
    extra = method.soft - 0.5 * given
    w = extra.sum(1)[seen.live] / 0.5
    assert 0 < w.min() < w.max() <= 1 + 1e-6
    torch.testing.assert_close(extra[seen.live], 0.5 * w[:, None] * probability[seen.live])
    assert torch.equal(method.soft[~seen.live], given[~seen.live])


def test_a_counted_noise_layer_reads_trusted_labels_and_stays(conditions: Conditions) -> None:
    learned, _ = made("noise_layer", conditions)
    assert learned.needs == frozenset()
    method, run = made("noise_layer", conditions, matrix="counted")
    seen, right = run.observed["train"], conditions.declared["trusted"]
    at = (right >= 0) & seen.live
    assert at.any()
    counted = functional.counted_transition(right[at], seen.value[at], run.num_classes)
    torch.testing.assert_close(method.estimated_transition()[0], counted)
    assert not list(method.trained_parameters())
    step = step_of(method, conditions)
    units = step.units()
    p, known = units.output.softmax(1), right[units.index]
    plain = torch.where(known >= 0, p.gather(1, known.clamp(min=0)[:, None])[:, 0], (p @ counted).gather(1, units.target[:, None])[:, 0])
    torch.testing.assert_close(method.objective(step), -plain.log().mean())


@pytest.mark.parametrize("structured", [True, False])
def test_nearest_neighbor_gives_a_copy_its_own_tag(conditions: Conditions, structured: bool) -> None:
    """With features that tell tokens apart, every support token is its own nearest neighbour."""
    method, run = made("nearest_neighbor", conditions, structured=structured, tau=0.0001, temperature=0.001, support=10_000)
    step = step_of(method, conditions)
    assert torch.equal(method.predict(step), step.units().output.softmax(1))
    features = step.encode().detach()
    everyone = torch.zeros(run.num_examples, run.width, features.shape[2])
    everyone[:12, : features.shape[1]] = features
    method.on_epoch_end(0, lambda split, net, features: everyone)
    found, seen = method.predict(step), run.observed["train"]
    torch.testing.assert_close(found.sum(1), torch.ones(len(found)))
    unit = torch.nn.functional.normalize(features[step.units().row, step.units().column], dim=1)
    twins = (unit @ unit.T > 1 - 1e-6).sum(1) == 1  # tokens of which there is one copy
    given = seen.value[step.units().index]
    kind = torch.tensor([0, 1, 1])
    assert twins.sum() > 10
    assert torch.equal(kind[found.argmax(1)][twins], kind[given][twins])


def test_a_chain_of_types_begins_as_sentences_do(conditions: Conditions) -> None:
    method, run = made("nearest_neighbor", conditions, tau=0.5)
    count = torch.bincount((run.observed["train"].value.reshape(run.num_examples, -1)[:, 0] > 0).long(), minlength=2) + 1.0
    start = (count / count.sum()).sqrt() / (count / count.sum()).sqrt().sum()
    score = torch.randn(3, 4, 2, generator=torch.Generator().manual_seed(0))
    found = method._chain(score, torch.tensor([[True, False, False, False]] * 3))
    torch.testing.assert_close(found[:, 0], (score[:, 0].exp() * start) / (score[:, 0].exp() * start).sum(1, keepdim=True))


def test_a_crf_decides_jointly_where_the_method_predicts_by_it_and_nowhere_else() -> None:
    crf = make_conditions("tagging", model="bilstm_crf")
    networks = crf.recipe.networks(crf.data.problem, 1)

    class Reversed(Method):
        def predict(self, step: Step) -> Tensor:
            return super().predict(step).flip(1)

    val, live = crf.data.val, crf.data.val.live
    path = networks[0].decode(networks[0].head(networks[0].encode(val.x)), val.x)[live]  # type: ignore[operator]
    for method, jointly in ((Method(), True), (Reversed(), False)):
        probability, decision = predict(val, method, networks, crf.data, Passes.zeros(1), decide=True)
        assert decision is not None
        assert torch.equal(decision[live.reshape(-1)], path if jointly else probability.argmax(1)[live.reshape(-1)])


def test_jointmatch_learns_what_the_other_network_is_sure_of() -> None:
    conditions = make_conditions("multiclass")
    method, _ = made("jointmatch", conditions, tau=0.6, drop=0.0, consistency=2.0)
    (phase,) = method.phases(0, None)
    right = conditions.declared["trusted"]
    assert phase.streams["labelled"].tolist() == torch.nonzero(right >= 0).flatten().tolist()
    assert not set(phase.indices) & set(phase.streams["labelled"])
    step = step_of(method, conditions)
    outputs = [step.units(net).output for net in (0, 1)]
    p = [o.softmax(1).detach() for o in outputs]
    mean = torch.full((4,), 0.25)
    sure = []
    for q in p:  # each network is judged before the next one is taken in
        mean = 0.9 * mean + 0.1 * q.mean(0)
        sure.append(q.max(1).values >= 0.6 * mean[q.argmax(1)] / mean.max())
    expected = torch.zeros(())
    for net in (0, 1):
        w = torch.where(sure[0] ^ sure[1], 0.9, 0.1) * sure[1 - net]
        expected = expected + 2 * (w * torch.nn.functional.cross_entropy(outputs[net], p[1 - net].argmax(1), reduction="none")).mean()
    torch.testing.assert_close(method.objective(step), expected)


def test_meta_self_refinement_descends_through_a_virtual_step(conditions: Conditions) -> None:
    """The teacher's gradient against that of autograd through the student's step."""
    method, _ = made("meta_self_refinement", conditions, h=1e-4)
    part = conditions.data.train
    networks = [network.double() for network in conditions.recipe.networks(conditions.data.problem, 2)]

    def step(at: Tensor, **streams: Step) -> Step:
        return Step(networks, conditions.data.problem, Batch([part.x[at]], at, part.value[at], part.live[at]), Passes.zeros(2), epoch=9, streams=streams)

    known = torch.from_numpy(method.known)
    at, trusted = torch.arange(12), step(known)
    student, teacher = (dict(network.named_parameters()) for network in networks)
    soft = step(at).units(1).output.softmax(1)
    inner = functional.soft_cross_entropy(step(at).units(0).output, soft).mean()
    moved = torch.autograd.grad(inner, list(student.values()), create_graph=True)
    virtual = {name: p - method.eta * g for (name, p), g in zip(student.items(), moved, strict=True)}
    right = conditions.declared["trusted"].reshape(len(part), -1)[known]
    output = torch.func.functional_call(networks[0], virtual, (part.x[known],))
    outer = torch.nn.functional.cross_entropy(output[right >= 0], right[right >= 0])
    expected = torch.autograd.grad(outer, list(teacher.values()))
    before = [p.detach().clone() for p in student.values()]
    found: list[list[Tensor]] = []

    class Spy:
        def parameters(self) -> list[Tensor]:
            return [*student.values(), *teacher.values()]

        def zero_grad(self) -> None:
            for p in self.parameters():
                p.grad = None

        def step(self) -> None:
            if not found:
                assert all(p.grad is None for p in student.values())
                found.append([p.grad.clone() for p in teacher.values() if p.grad is not None])

    method.update(step(at, trusted=trusted), lambda loss: loss.backward(), Spy())
    for a, b in zip(found[0], expected, strict=True):
        torch.testing.assert_close(a, b, rtol=2e-3, atol=1e-8)
    assert all(torch.equal(a, b) for a, b in zip(before, student.values(), strict=True))


def test_a_slope_is_one_of_weights_not_of_dropout(conditions: Conditions) -> None:
    """Where the student drops features, its difference between two near places is as large as the places are apart."""
    method, _ = made("meta_self_refinement", conditions)
    recipe, part, at = conditions.recipe, conditions.data.train, torch.arange(12)
    (student,) = replace(recipe, model={**recipe.model, "dropout": 0.5}).networks(conditions.data.problem, 1)
    student.double().train()
    step = Step([student], conditions.data.problem, Batch([part.x[at]], at, part.value[at], part.live[at]), Passes.zeros(1))
    weights = list(student.parameters())
    before, rng = [p.detach().clone() for p in weights], torch.Generator().manual_seed(0)
    ascent = [torch.randn(p.shape, generator=rng, dtype=p.dtype) for p in weights]
    slopes = []
    for method.h in (1e-3, 1e-5):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            slopes.append(method._slope(step, weights, before, ascent))
    torch.testing.assert_close(*slopes, rtol=1e-3, atol=1e-4)
    assert slopes[0].abs().max() > 0.1


def test_a_network_of_roster_starts_plainly_then_drops_what_it_disbelieves(conditions: Conditions) -> None:
    method = Removing(q=0.7, tau=0.3, start=0.2)
    run = run_of(conditions, method)
    set_up(method, run)
    units = step_of(method, conditions).units()
    torch.testing.assert_close(method.objective(step_of(method, conditions, 1)), torch.nn.functional.cross_entropy(units.output, units.target))
    probability = torch.rand(run.num_units, run.num_classes, generator=torch.Generator().manual_seed(6))
    method.phases(2, lambda split: probability)
    seen = run.observed["train"]
    keep = functional.believed(probability, seen.value, seen.live, 0.3)[units.index]
    assert 0 < keep.sum() < len(keep)
    expected = functional.gce(units.output, units.target, 0.7)[keep].mean()
    torch.testing.assert_close(method.objective(step_of(method, conditions, 2)), expected)
