"""The trainer's schedules, its groups of parameters, and steps of several batches."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from support.tiny import make_conditions
from torch import Tensor, nn
from torch.optim import Optimizer

from benchmark.config.build import build, construct, load, option
from benchmark.config.registry import names
from benchmark.core.errors import ConfigError
from benchmark.core.paths import CONF
from benchmark.core.types import Evaluate, Optimizers, Phase
from benchmark.methods.base import Method
from benchmark.methods.step import Passes, Step
from benchmark.models.base import Network
from benchmark.running.conditions import Conditions
from benchmark.running.execution import execute
from benchmark.training.accumulation import AccumulatingOptimizers
from benchmark.training.learner import Learner, Turn, turn
from benchmark.training.trainer import ActiveOptimizers, TrainerSettings, parameter_groups, train


def test_every_field_has_a_neutral_value_that_is_a_literal() -> None:
    defaults = {field.name: field.default for field in dataclasses.fields(TrainerSettings)}
    assert dataclasses.MISSING not in defaults.values()
    assert TrainerSettings() == TrainerSettings(33, 64, "adam", 0.003)
    neutral = {
        "decay_norms": True,
        "warmup": 0.0,
        "accumulate": 1,
        "clip": None,
        "weight_decay": 0.0,
    }
    assert {name: defaults[name] for name in neutral} == neutral


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"warmup": -0.1}, r"trainer.warmup=-0.1 is outside \[0, 1\)"),
        ({"warmup": 1.0}, r"trainer.warmup=1.0 is outside \[0, 1\)"),
        ({"warmup": float("nan")}, r"trainer.warmup=nan is outside \[0, 1\)"),
        ({"accumulate": 0}, "trainer.accumulate=0 is below 1"),
        ({"clip": 0.0}, "trainer.clip=0.0 is not above 0"),
        ({"clip": float("nan")}, "trainer.clip=nan is not above 0"),
    ],
)
def test_values_out_of_range_are_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        TrainerSettings(**changes)
    assert "\n" not in str(refused.value)


def test_a_schedule_that_does_not_exist_is_refused_with_the_choices() -> None:
    with pytest.raises(ConfigError, match=r"trainer.schedule='step' is unknown: .*constant, cosine, linear"):
        construct(TrainerSettings, {"schedule": "step"}, "trainer")


def rates(steps: int, epochs: int, **trainer: Any) -> list[float]:
    """Factors of the learning rate at every step of a training, written as the learner asks for them."""
    settings = TrainerSettings(**trainer)
    out = []
    for epoch in range(epochs):
        for k in range(steps):
            place = turn((0,), (0, 1), (k, steps), settings.accumulate)
            if place.closes:
                out.append(settings.lr_factor(epoch, epochs, place.begin, place.end))
    return out


def test_schedules_by_hand() -> None:
    assert rates(2, 2, schedule="constant") == [1, 1, 1, 1]
    assert rates(2, 2, schedule="cosine") == pytest.approx([1, 1, 0.5, 0.5])
    assert rates(2, 2, schedule="linear") == [1, 0.75, 0.5, 0.25]
    assert rates(4, 2, schedule="constant", warmup=0.5) == [0.25, 0.5, 0.75, 1, 1, 1, 1, 1]
    assert rates(4, 2, schedule="linear", warmup=0.5) == [0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25]
    assert rates(4, 2, schedule="cosine", warmup=0.25) == pytest.approx([0.5, 1, 1, 1, 0.5, 0.5, 0.5, 0.5])
    assert rates(1, 5, schedule="constant", warmup=0.3) == pytest.approx([2 / 3, 1, 1, 1, 1])  # 1.5 epochs


def test_steps_of_several_batches_have_the_rates_of_steps_of_one_large_batch() -> None:
    for batches, steps in ((6, 2), (7, 3)):  # the last group of seven is one of one batch
        large = rates(steps, 2, schedule="linear", warmup=0.3)
        assert rates(batches, 2, schedule="linear", warmup=0.3, accumulate=3) == large
        assert large[-1] > 0


def test_places_of_batches() -> None:
    assert [turn((0,), (0, 1), (k, 5), 2).closes for k in range(5)] == [
        False,
        True,
        False,
        True,
        True,
    ]
    assert turn((1,), (1, 2), (0, 4), 1) == Turn((1,), 0.5, 0.625, True)
    assert turn((1,), (1, 2), (3, 4), 3) == Turn((1,), 0.75, 1.0, True)


class Watching(Method):
    """Notes the learning rates that every batch is trained with."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[float]] = []
        self.watched: list[Optimizer] = []

    def update(self, step: Step, backward: Callable[[Tensor], None], optimizers: Optimizers) -> Tensor:
        """Note, then a plain step."""
        main: Sequence[Optimizer] = optimizers._main  # type: ignore[attr-defined]
        self.seen.append([group["lr"] for optimizer in main for group in optimizer.param_groups])
        return super().update(step, backward, optimizers)

    def lr_factor(self, epoch: int) -> float:
        """Half of the rate from the second epoch on."""
        return 1.0 if epoch == 0 else 0.5


def learned(conditions: Conditions, method: Method, networks: Sequence[Network] | None = None) -> Learner:
    """A training of a method, finished."""
    settings, data = conditions.recipe.settings, conditions.data
    made = list(networks or conditions.recipe.networks(data.problem, method.networks))
    learner = Learner(
        method,
        made,
        data,
        settings,
        0,
        epochs=settings.epochs,
        passes=Passes.zeros(method.networks),
    )
    train(learner)
    return learner


def test_a_training_follows_schedule_and_method_at_every_batch() -> None:
    method = Watching()
    conditions = make_conditions("multiclass", epochs=2, lr=0.1, schedule="linear", warmup=0.5)  # 120 examples, 4 batches
    learned(conditions, method)
    expected = [0.025, 0.05, 0.075, 0.1, 0.05, 0.0375, 0.025, 0.0125]
    assert [rate for batch in method.seen for rate in batch] == pytest.approx(expected)
    plain = Watching()
    learned(make_conditions("multiclass", epochs=2, lr=0.1, schedule="cosine"), plain)
    assert [rate for batch in plain.seen for rate in batch] == pytest.approx([0.1] * 4 + [0.025] * 4)


class Tower(Network):
    """An encoder with normalization, and a head."""

    def __init__(self, lr_scale: float = 1.0) -> None:
        super().__init__()
        self.lr_scale = lr_scale
        self.encoder = nn.Sequential(nn.Linear(8, 6), nn.LayerNorm(6))
        self.head = nn.Linear(6, 4)

    def encode(self, x: Tensor) -> Tensor:
        """(B, 8) -> (B, 6)."""
        features: Tensor = self.encoder(x)
        return features


def grouped(network: Network, optimizer: Optimizer) -> list[tuple[set[str], float, float]]:
    """Names, learning rate and weight decay of the groups of an optimizer."""
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    return [({names.get(id(p), "further") for p in group["params"]}, group["lr"], group["weight_decay"]) for group in optimizer.param_groups]


WEIGHTS, VECTORS = (
    {"encoder.0.weight", "head.weight"},
    {"encoder.0.bias", "encoder.1.weight", "encoder.1.bias", "head.bias"},
)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_norms_and_biases_can_go_without_decay(optimizer: Any) -> None:
    network = Tower()
    everything = TrainerSettings(optimizer=optimizer, lr=0.1, weight_decay=0.5)
    assert grouped(network, everything.make_optimizer(network.parameters())) == [(WEIGHTS | VECTORS, 0.1, 0.5)]
    without = dataclasses.replace(everything, decay_norms=False)
    assert grouped(network, without.make_optimizer(network.parameters())) == [
        (WEIGHTS, 0.1, 0.5),
        (VECTORS, 0.1, 0.0),
    ]


def test_decay_acts_on_matrices_alone() -> None:
    network = Tower()
    optimizer = TrainerSettings(optimizer="sgd", lr=0.1, weight_decay=0.5, momentum=0.0, decay_norms=False).make_optimizer(network.parameters())
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    for p in network.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    for name, p in network.named_parameters():
        torch.testing.assert_close(p.detach(), before[name] * (0.95 if name in WEIGHTS else 1))


def test_the_decay_of_a_sum_is_scaled_where_it_is_part_of_the_gradient() -> None:
    weight = [nn.Parameter(torch.ones(2, 2))]
    scaled = {
        kind: TrainerSettings(optimizer=kind, weight_decay=0.25).make_optimizer(weight, decay_scale=8.0).param_groups[0]["weight_decay"]
        for kind in ("sgd", "adam", "adamw")
    }
    assert scaled == {"sgd": 2.0, "adam": 2.0, "adamw": 0.25}


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_a_sum_with_scaled_decay_goes_the_way_of_a_mean(kind: Any) -> None:
    """SGD at an eighth of the rate, Adam at the same rate: the weights agree after ten steps."""
    x = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
    ends = []
    for scale, rate in ((1.0, 0.1), (8.0, 0.1 / 8 if kind == "sgd" else 0.1)):
        weight = nn.Parameter(torch.ones(3))
        optimizer = TrainerSettings(optimizer=kind, lr=rate, weight_decay=0.5).make_optimizer([weight], decay_scale=scale)
        for _ in range(10):
            optimizer.zero_grad()
            (scale * ((x @ weight - 1) ** 2).mean()).backward()
            optimizer.step()
        ends.append(weight.detach())
    torch.testing.assert_close(ends[0], ends[1], rtol=1e-5, atol=1e-6)


def test_an_encoder_has_a_rate_of_its_own() -> None:
    further = [nn.Parameter(torch.zeros(3, 3))]
    settings = TrainerSettings(lr=0.1, weight_decay=0.5, decay_norms=False)
    assert len(settings.make_optimizer(parameter_groups(Tower(), further)).param_groups) == 2
    network = Tower(lr_scale=0.25)
    assert grouped(network, settings.make_optimizer(parameter_groups(network, further))) == [
        ({"encoder.0.weight"}, 0.025, 0.5),
        ({"encoder.0.bias", "encoder.1.weight", "encoder.1.bias"}, 0.025, 0.0),
        ({"head.weight", "further"}, 0.1, 0.5),
        ({"head.bias"}, 0.1, 0.0),
    ]


def test_an_encoders_rate_follows_the_schedule() -> None:
    method = Watching()
    learned(
        make_conditions("multiclass", epochs=2, lr=0.1, schedule="cosine"),
        method,
        [Tower(lr_scale=0.25)],
    )
    assert method.seen[0] == pytest.approx([0.025, 0.1])
    assert method.seen[-1] == pytest.approx([0.00625, 0.025])


def weights(learner: Learner) -> Tensor:
    """All weights of a learner's networks."""
    return torch.cat([p.detach().flatten() for network in learner.networks for p in network.parameters()])


@pytest.mark.parametrize(
    "trainer",
    [
        {"optimizer": "sgd"},
        {
            "optimizer": "adam",
            "clip": 0.05,
            "weight_decay": 0.01,
            "warmup": 0.4,
            "schedule": "linear",
        },
    ],
)
def test_batches_of_a_group_are_one_large_batch(trainer: dict[str, Any]) -> None:
    """120 examples: 8 batches of 16, the last one of 8, in groups of three, or 3 batches of 48, the last one of 24."""
    small, large = (
        weights(
            learned(
                make_conditions("multiclass", epochs=2, batch_size=size, accumulate=count, **trainer),
                Method(),
            )
        )
        for size, count in ((16, 3), (48, 1))
    )
    torch.testing.assert_close(small, large, rtol=0, atol=1e-6)
    plain = weights(learned(make_conditions("multiclass", epochs=2, batch_size=16, **trainer), Method()))
    assert (plain - large).abs().max() > 1e-3


def test_batches_of_sentences_weigh_as_many_tokens_as_they_have() -> None:
    conditions = make_conditions("tagging", epochs=1, batch_size=30, accumulate=2, optimizer="sgd")
    network = conditions.recipe.networks(conditions.data.problem, 1)[0]
    start = [p.detach().clone() for p in network.parameters()]
    learner = Learner(
        Method(),
        [network],
        conditions.data,
        conditions.recipe.settings,
        0,
        epochs=1,
        passes=Passes.zeros(1),
    )
    steps = [step for step, _ in learner.steps(0)][:2]
    sizes = [len(step.targets()) for step in steps]
    assert sizes[0] != sizes[1]
    optimizers = AccumulatingOptimizers([torch.optim.SGD(network.parameters(), lr=0.5)], [], None)
    for k, step in enumerate(steps):
        with optimizers.batch(step, closes=k == 1):
            Method().update(step, lambda loss: loss.backward(), optimizers)
    moved = [(before - p.detach()) / 0.5 for before, p in zip(start, network.parameters(), strict=True)]
    for before, p in zip(start, network.parameters(), strict=True):
        p.data.copy_(before)
    units = [step.again().units() for step in steps]
    loss = nn.functional.cross_entropy(torch.cat([u.output for u in units]), torch.cat([u.target for u in units]))
    for expected, found in zip(torch.autograd.grad(loss, list(network.parameters())), moved, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_nothing_moves_before_a_group_ends_and_passes_are_those_of_the_batches() -> None:
    counts = []
    for accumulate in (1, 4):
        conditions = make_conditions("multiclass", epochs=2, accumulate=accumulate)
        counts.append(execute(load("method", "erm"), conditions, 0).cost["passes"])
    assert counts[0] == counts[1]
    conditions = make_conditions("multiclass", epochs=1, accumulate=3)
    network = conditions.recipe.networks(conditions.data.problem, 1)[0]
    moved = []

    class Noting(Method):
        def update(self, step: Step, backward: Callable[[Tensor], None], optimizers: Optimizers) -> Tensor:
            before = network.head.weight.detach().clone()
            value = super().update(step, backward, optimizers)
            moved.append(not torch.equal(before, network.head.weight))
            return value

    learned(conditions, Noting(), [network])
    assert moved == [False, False, True, True]  # the fourth batch is the rest of the epoch


def scalar(value: float) -> nn.Parameter:
    return nn.Parameter(torch.tensor([value]))


class Fixed:
    """Stands for a step of some units."""

    def __init__(self, units: int) -> None:
        self.units = units

    def targets(self) -> Tensor:
        """So many."""
        return torch.zeros(self.units)


def test_updates_that_step_twice_step_twice_a_group() -> None:
    """The teacher's gradients are 1 and 4, the student's 2 and 6, batches weigh 1 and 3; the student's second one is made after the teacher stepped."""
    teacher, student = scalar(0.0), scalar(0.0)
    optimizers = AccumulatingOptimizers([torch.optim.SGD([teacher], lr=1.0), torch.optim.SGD([student], lr=1.0)], [], None)
    seen = []
    for units, gradients in ((1, (1.0, 2.0)), (3, (4.0, 6.0))):
        with optimizers.batch(Fixed(units), closes=units == 3):  # type: ignore[arg-type]
            for parameter, gradient in zip((teacher, student), gradients, strict=True):
                optimizers.zero_grad()
                (gradient * parameter).sum().backward()
                optimizers.step()
                seen.append((teacher.item(), student.item()))
    assert seen == [(0, 0), (0, 0), (-3.25, 0), (-3.25, -5.0)]


def test_a_step_that_only_earlier_batches_made_is_made_at_the_end() -> None:
    weight = scalar(0.0)
    optimizers = AccumulatingOptimizers([torch.optim.SGD([weight], lr=1.0)], [], None)
    for number in (0, 1):
        with optimizers.batch(Fixed(2), closes=number == 1):  # type: ignore[arg-type]
            for gradient in (1.0, 5.0)[: 2 - number]:
                optimizers.zero_grad()
                (gradient * weight).sum().backward()
                optimizers.step()
    assert weight.item() == -6.0  # 1, then 5, of one batch
    with optimizers.batch(Fixed(2), closes=True):  # type: ignore[arg-type]
        optimizers.zero_grad()
        weight.sum().backward()
        optimizers.step()
    assert weight.item() == -7.0  # nothing is left of the group before


def test_the_mean_is_clipped_not_its_parts() -> None:
    weight = scalar(0.0)
    optimizers = AccumulatingOptimizers([torch.optim.SGD([weight], lr=1.0)], [], 1.0)
    for gradient in (8.0, -7.0):
        with optimizers.batch(Fixed(1), closes=gradient < 0):  # type: ignore[arg-type]
            optimizers.zero_grad()
            (gradient * weight).sum().backward()
            optimizers.step()
    assert weight.item() == -0.5


def test_sparse_gradients_of_a_table_are_summed() -> None:
    table = nn.Embedding(4, 1, sparse=True)
    nn.init.zeros_(table.weight)
    head = scalar(0.0)
    optimizers = AccumulatingOptimizers([torch.optim.SGD([head], lr=1.0)], [torch.optim.SGD(table.parameters(), lr=1.0)], None)
    for rows in ([0, 1], [1, 3]):
        with optimizers.batch(Fixed(2), closes=rows[0] == 1):  # type: ignore[arg-type]
            optimizers.zero_grad()
            (table(torch.tensor(rows)).sum() + head.sum()).backward()
            optimizers.step()
    assert table.weight.detach()[:, 0].tolist() == [-0.5, -1.0, 0.0, -0.5]
    assert head.item() == -1.0


def test_sharpness_aware_steps_are_means_of_the_gradients_at_the_top() -> None:
    """Two batches a group: each climbs along its own gradient, and the weights move by the mean of what was found there."""
    conditions = make_conditions("multiclass", epochs=1, batch_size=30, optimizer="sgd", accumulate=2, momentum=0.0, lr=0.1)
    method = build(load("method", "sam", rho=0.5), "method")
    network = conditions.recipe.networks(conditions.data.problem, 1)[0]
    learner = Learner(
        method,
        [network],
        conditions.data,
        conditions.recipe.settings,
        0,
        epochs=1,
        passes=Passes.zeros(1),
    )
    steps = [step for step, _ in learner.steps(0)][:2]
    start = [p.detach().clone() for p in network.parameters()]
    found = []
    for step in steps:
        gradients = torch.autograd.grad(Method().objective(step.again()), list(network.parameters()))
        norm = torch.cat([g.flatten() for g in gradients]).norm()
        for p, g in zip(network.parameters(), gradients, strict=True):
            p.data.add_(0.5 * g / norm)
        found.append(torch.autograd.grad(Method().objective(step.again()), list(network.parameters())))
        for p, before in zip(network.parameters(), start, strict=True):
            p.data.copy_(before)
    optimizers = AccumulatingOptimizers([torch.optim.SGD(network.parameters(), lr=0.1)], [], None)
    for k, step in enumerate(steps):
        with optimizers.batch(step, closes=k == 1):
            method.update(step, lambda loss: loss.backward(), optimizers)
    for p, before, first, second in zip(network.parameters(), start, *found, strict=True):
        torch.testing.assert_close(p.detach(), before - 0.1 * (first + second) / 2, rtol=0, atol=1e-6)


class Halves(Method):
    """Two phases, each for a network of its own."""

    networks = 2

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """The first network, then the second."""
        return (Phase(networks=(0,)), Phase(networks=(1,)))

    def objective(self, step: Step) -> Tensor:
        """The loss of the network whose turn it is."""
        assert step.phase is not None
        units = step.units(step.phase.networks[0])  # type: ignore[index]
        return self.loss(units.output, units.target).mean()


def test_a_group_ends_with_its_phase() -> None:
    conditions = make_conditions("multiclass", epochs=1, accumulate=3)
    method = Halves()
    learner = Learner(
        method,
        conditions.recipe.networks(conditions.data.problem, 2),
        conditions.data,
        conditions.recipe.settings,
        0,
        epochs=1,
        passes=Passes.zeros(2),
    )
    places = [place for _, place in learner.steps(0)]
    assert [place.closes for place in places] == [False, False, True, True] * 2
    assert [place.networks for place in places] == [(0,)] * 4 + [(1,)] * 4
    before = weights(learner)
    train(learner)
    half = len(before) // 2
    moved = weights(learner) != before
    assert moved[:half].any()
    assert moved[half:].any()


@pytest.mark.parametrize("name", ["sop", "coteaching", "dividemix", "elr_plus", "t_revision", "volminnet"])
def test_methods_with_state_and_optimizers_of_their_own_run_in_groups(name: str) -> None:
    plain, grouped_ = (execute(load("method", name), make_conditions("multiclass", epochs=3, accumulate=count), 0) for count in (1, 2))
    assert plain.evaluation.records[-1].predictions != grouped_.evaluation.records[-1].predictions
    assert plain.cost["examples"] == grouped_.cost["examples"]


def test_without_groups_a_step_is_a_step() -> None:
    assert type(ActiveOptimizers([], [], None).batch(Fixed(1), closes=True)).__name__ == "nullcontext"  # type: ignore[arg-type]


def test_the_base_of_all_trainers_holds_the_neutral_values_and_is_no_trainer() -> None:
    base = OmegaConf.to_container(OmegaConf.load(CONF / "trainer" / "_base.yaml"))
    assert base == {field.name: field.default for field in dataclasses.fields(TrainerSettings)}
    assert "_base" not in names("trainer")
    assert {"smoke", "quick", "full", "gpu", "finetune"} <= set(names("trainer"))


def test_trainers_say_what_differs_from_their_base() -> None:
    base = dataclasses.asdict(TrainerSettings())
    small = {"epochs": 1, "batch_size": 128, "schedule": "constant"}
    assert option("trainer", "smoke") == base | small
    assert option("trainer", "quick") == base | {"schedule": "constant"}
    papers = {"epochs": 150, "batch_size": 128, "optimizer": "sgd", "lr": 0.02, "weight_decay": 5e-4, "augment": "crop_flip"}
    assert option("trainer", "full") == base | papers
    assert option("trainer", "gpu") == base | papers | {"precision": "bf16-mixed", "channels_last": True, "accelerator": "gpu"}
    for name in names("trainer"):
        assert construct(TrainerSettings, option("trainer", name), "trainer") is not None
