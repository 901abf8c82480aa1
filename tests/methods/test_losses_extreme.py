"""Losses at the ends of what they can meet: saturated and equal logits, the ends of every search space. Values and gradients stay finite.

Search spaces and methods are found through conf/method: a new yaml is tested without an edit here. A new function of ``functional`` that takes
outputs of a network has to be added to ``LOSSES``, or to ``OTHERS`` with those that make targets, weights and choices.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import pytest
import torch
from support.tiny import PROBLEMS, make_conditions
from torch import Tensor, nn

from benchmark.config.build import build, load, option, resolve_target
from benchmark.config.declarations import declared, problem_classes
from benchmark.config.registry import names, raw
from benchmark.functional import denoising, divergences, label_structure, losses, multilabel, ordering, residuals, robust, semisupervised
from benchmark.methods.base import Method, set_up
from benchmark.methods.step import Batch, Passes, Step
from benchmark.running.conditions import Conditions
from benchmark.training.recipe import run_info

K = 4
SIZES = (30.0, 100.0)
METHODS = names("method")


def extreme_logits(classes: int = K) -> tuple[Tensor, Tensor]:
    """Logits (U, K) and targets (U,): equal, one-hot at and beside the target with either sign, some classes tied at the top, and +-30, +-100."""
    rows, targets = [], []
    for target in range(classes):
        rows.append(torch.zeros(classes))
        targets.append(target)
        for size in SIZES:
            for hot in range(classes):
                for sign in (1.0, -1.0):
                    one_hot = sign * size * torch.eye(classes)[hot]
                    rows += [one_hot, 2 * one_hot - sign * size, torch.full((classes,), sign * size)]
                    targets += [target] * 3
            ramp = torch.linspace(-size, size, classes)
            rows += [ramp, ramp.flip(0), torch.where(ramp > 0, size, -size)]
            targets += [target] * 3
    return torch.stack(rows), torch.tensor(targets)


OUTPUT, TARGET = extreme_logits()
ENTRIES = torch.tensor([-100.0, -30.0, -1e-6, 0.0, 1e-6, 30.0, 100.0]).repeat(2)[:, None].expand(-1, 3)  # (B, C) logits of labels,
LABELS = (torch.arange(14) < 7).float()[:, None].expand(-1, 3)  # each with both values
NUMBERS = torch.tensor([-100.0, -30.0, 0.0, 30.0, 100.0])
MEANS, ANSWERS = (grid.reshape(-1) for grid in torch.meshgrid(NUMBERS, NUMBERS, indexing="ij"))
WEIGHT = torch.tensor([0.3, 1.0, 2.5])


def memory(output: Tensor) -> Tensor:
    """One-hot memories, which agree with some predictions entirely."""
    return torch.eye(K)[output.detach().argmax(1)]


def of_numbers(loss: Callable[..., Tensor], **keys: Any) -> Callable[[Tensor], Tensor]:
    """A loss of predictions (U,) of numbers."""
    return lambda mean: loss(mean[:, None], ANSWERS, **keys)


CATEGORICAL: dict[str, Callable[[Tensor], Tensor]] = {
    "log_likelihood": lambda o: losses.log_likelihood(o, TARGET),
    "soft_cross_entropy": lambda o: losses.soft_cross_entropy(o, torch.eye(K)[TARGET]),
    "soft_loss": lambda o: losses.soft_loss(o, torch.eye(K)[TARGET]),
    "prediction_loss": lambda o: losses.prediction_loss(o.softmax(1), TARGET),
    **{f"gce {q}": partial(lambda o, q: losses.gce(o, TARGET, q), q=q) for q in (0.0, 0.01, 0.7, 1.0)},
    "mean_absolute_error": lambda o: losses.mean_absolute_error(o, TARGET),
    **{f"label_smoothing {e}": partial(lambda o, e: losses.label_smoothing(o, TARGET, e), e=e) for e in (-1.0, 0.0, 0.9)},
    "forward_correction": lambda o: losses.forward_correction(o, TARGET, torch.eye(K)),
    "forward_correction of units": lambda o: losses.forward_correction(o, TARGET, torch.eye(K).roll(1, 0).expand(len(o), K, K)),
    "backward_correction": lambda o: losses.backward_correction(o, TARGET, torch.inverse(0.7 * torch.eye(K) + 0.3 / K)),
    "elr_regularizer": lambda o: losses.elr_regularizer(o.softmax(1), memory(o)),
    "reverse_cross_entropy": lambda o: robust.reverse_cross_entropy(o, TARGET, -4.0),
    "normalized_cross_entropy": lambda o: robust.normalized_cross_entropy(o, TARGET),
    **{f"normalized_focal {g}": partial(lambda o, g: robust.normalized_focal(o, TARGET, g), g=g) for g in (0.0, 0.1, 0.5, 5.0)},
    "normalized_focal detached": lambda o: robust.normalized_focal(o, TARGET, 0.5, detach=True),
    **{f"bootstrapped {h}": partial(lambda o, h: robust.bootstrapped(o, TARGET, 0.8, h), h=h) for h in (False, True)},
    "bounded_cross_entropy": robust.bounded_cross_entropy,
    **{f"focal_loss {g}": partial(lambda o, g: multilabel.focal_loss(o, TARGET, g), g=g) for g in (0.0, 0.2, 0.99, 1.0, 5.0)},
    "kl_divergence": lambda o: divergences.kl_divergence(o, o.flip(0)),
    "symmetric_kl": lambda o: divergences.symmetric_kl(o, o.roll(1, 0)),
    "jensen_shannon": lambda o: divergences.jensen_shannon(o.softmax(1), torch.eye(K)[TARGET]),
    "agreement": lambda o: denoising.agreement(torch.stack([o, o.flip(0)])),
    "uniform_penalty": lambda o: semisupervised.uniform_penalty(o.softmax(1)),
    "negative_entropy": semisupervised.negative_entropy,
    "contrast": lambda o: semisupervised.contrast(o, o.roll(1, 0)),
    "rank_similarity": lambda o: ordering.rank_similarity(o, TARGET.float(), 2.0, torch.arange(0, len(o), 5)),
    "ordinal_entropy": lambda o: torch.stack(ordering.ordinal_entropy(o, TARGET.float())),
}
BINARY: dict[str, Callable[[Tensor], Tensor]] = {
    **{
        f"asymmetric_loss {n} {p} {m}": partial(lambda z, n, p, m: losses.asymmetric_loss(z, LABELS, n, p, m), n=n, p=p, m=m)
        for n in (0.0, 0.5, 8.0)
        for p in (0.0, 0.5, 4.0)
        for m in (0.0, 0.3)
    },
    "negative_log": lambda z: multilabel.negative_log(z.sigmoid()),
    "soft_binary": lambda z: multilabel.soft_binary(z.sigmoid(), LABELS),
    "binary_entropy": lambda z: multilabel.binary_entropy(z.sigmoid()),
    "expected_positives": lambda z: multilabel.expected_positives(z.sigmoid(), 1.5),
    **{f"focal_binary {g}": partial(lambda z, g: multilabel.focal_binary(z, LABELS, g), g=g) for g in (0.0, 0.2, 0.99, 5.0)},
    **{f"hill_loss {g}": partial(lambda z, g: multilabel.hill_loss(z, LABELS, 1.5, 1.0, g), g=g) for g in (0.0, 0.3, 4.0)},
    **{f"splc_loss {g}": partial(lambda z, g: multilabel.splc_loss(z, LABELS, 0.6, 1.0, g), g=g) for g in (0.0, 0.3, 4.0)},
    "sparsemax": lambda z: multilabel.sparsemax(z)[0],
    "sparsemax_loss": lambda z: multilabel.sparsemax_loss(z, LABELS / 3),
    **{f"positive_unlabelled {g}": partial(lambda z, g: multilabel.positive_unlabelled(z, LABELS == 1, 1.0, g), g=g) for g in (0.0, 0.5, 3.0)},
    **{f"multi_focal {g}": partial(lambda z, g: multilabel.multi_focal(z, LABELS, WEIGHT, g, 0.5), g=g) for g in (0.0, 4.0)},
    "multi_focal without a margin": lambda z: multilabel.multi_focal(z, LABELS, WEIGHT, 4.0, 0.5, 0.0),
    "cooccurrence_focal": lambda z: multilabel.cooccurrence_focal(z, LABELS, WEIGHT, torch.tensor([0.0, 0.5, 1.0]).expand_as(z), 3.0),
    **{f"propensity_loss {a}": partial(lambda z, a: label_structure.propensity_loss(z, LABELS, torch.tensor(a)), a=a) for a in (0.05, 1.0)},
    "bernoulli_divergence": lambda z: label_structure.bernoulli_divergence(z.detach().flip(0), z),
    "structure_distance": lambda z: label_structure.structure_distance(z.detach()[None], z.flip(0)[None], torch.ones(1, len(z), dtype=torch.bool)),
    "bag_ranking_loss": lambda z: label_structure.bag_ranking_loss(z[:, None].expand(-1, 2, -1), torch.eye(3), LABELS, 0.3),
}
CONTINUOUS: dict[str, Callable[[Tensor], Tensor]] = {
    "prediction_loss of numbers": lambda m: losses.prediction_loss(m[:, None], ANSWERS),
    "soft_loss of numbers": lambda m: losses.soft_loss(m[:, None], ANSWERS[:, None]),
    "mean_absolute_error of numbers": of_numbers(losses.mean_absolute_error),
    **{f"huber {d}": of_numbers(losses.huber, delta=d) for d in (1e-3, 10.0)},
    **{f"tukey {s}": of_numbers(residuals.tukey, c=4.685, scale=torch.tensor(s)) for s in (0.0, 1.0)},
    **{f"log_cosh {d}": of_numbers(residuals.log_cosh, delta=d) for d in (1e-3, 10.0)},
    **{f"barron {a}": of_numbers(residuals.barron, alpha=a, scale=0.1) for a in (-float("inf"), -8.0, -2.0, 0.0, 0.5, 1.0, 2.0)},
    "gaussian_nll": lambda m: residuals.gaussian_nll(m, ANSWERS, torch.zeros_like(m)),
    "gaussian_nll of the variance": lambda v: residuals.gaussian_nll(ANSWERS, v, torch.zeros_like(v)),
    "superloss_weight": lambda m: residuals.superloss_weight(m, 0.0, 0.05) * m,
    "truncated": lambda m: residuals.truncated(m.square()),
}
LOSSES = (
    [(name, loss, OUTPUT) for name, loss in CATEGORICAL.items()]
    + [(name, loss, ENTRIES) for name, loss in BINARY.items()]
    + [(name, loss, MEANS) for name, loss in CONTINUOUS.items()]
)
OTHERS = {  # of the same modules: targets, weights, statistics and choices, through which no gradient goes
    *("median_deviation", "refurbished", "exponential_quality", "best_threshold", "smooth_relabel", "missing_positive_slopes", "known_share_weight"),
    *("recover_positives", "squared_targets", "believed", "neighbor_share", "class_weights", "nearest_similarity", "chain_marginals"),
    *("sharpen", "refine", "co_guess", "mix_targets", "descending_ranks"),
}


def test_no_loss_is_left_out() -> None:
    listed = {name.split(" ")[0] for name, *_ in LOSSES} | OTHERS
    modules = (losses, robust, multilabel, residuals, divergences, label_structure, denoising, semisupervised, ordering)
    public = {name for module in modules for name, item in vars(module).items() if inspect.isfunction(item) and item.__module__ == module.__name__}
    assert {name for name in public if not name.startswith("_")} == listed


@pytest.mark.parametrize(("name", "loss", "at"), LOSSES, ids=[name for name, *_ in LOSSES])
def test_a_loss_and_its_gradient_are_finite(name: str, loss: Callable[[Tensor], Tensor], at: Tensor) -> None:
    logits = at.clone().requires_grad_(True)
    value = loss(logits)
    assert bool(value.isfinite().all())
    (gradient,) = torch.autograd.grad(value.sum(), logits, allow_unused=True)
    assert gradient is None or bool(gradient.isfinite().all())


def ends(name: str) -> Iterator[dict[str, Any]]:
    """The defaults of a method, then each key of its search space at both ends, or at every choice."""
    yield {}
    for key, values in raw("method", name).get("space", {}).items():
        for value in [values["low"], values["high"]] if isinstance(values, Mapping) else values:
            yield {key: value}


def serves(name: str, problem: str) -> bool:
    """Whether a method runs on a task type."""
    cls = resolve_target(option("method", name), "method")
    return declared(problem_classes()[problem], "kind") in cls.kinds and (cls.problems is None or problem in cls.problems)


CASES = [(name, problem) for name in METHODS for problem in PROBLEMS if serves(name, problem)]


@pytest.fixture(scope="module")
def conditions() -> dict[str, Conditions]:
    return {problem: make_conditions(problem) for problem in PROBLEMS}


def ready(name: str, conditions: Conditions, keys: Mapping[str, Any]) -> Method:
    """A method that is set up, without its side trainings."""
    method: Method = build(load("method", name, **keys), "method")
    needs = {need: conditions.declared[need] for need in method.needs}
    width = conditions.recipe.networks(conditions.data.problem, 1)[0].feature_width
    set_up(method, run_info(conditions.data, conditions.recipe.settings, 6, 0, needs, method.uses_val, width))
    return method


@pytest.mark.parametrize(("name", "problem"), CASES)
def test_the_loss_of_a_method_is_finite_at_the_ends_of_its_space(name: str, problem: str, conditions: dict[str, Conditions]) -> None:
    if problem == "regression":
        output, target = MEANS[:, None], ANSWERS
    else:
        output, target = extreme_logits({"multiclass": 4, "multilabel": 2, "tagging": 3}[problem])
    for keys in ends(name):
        method = ready(name, conditions[problem], keys)
        logits = output.clone().requires_grad_(True)
        loss = method.loss(logits, target)
        assert bool(loss.isfinite().all()), keys
        (gradient,) = torch.autograd.grad(loss.sum(), logits)
        assert bool(gradient.isfinite().all()), keys


PATTERNS = ("+30", "+100", "equal", "one-hot")


def saturating(pattern: str) -> Callable[[nn.Module, Any, Tensor], Tensor]:
    """A hook that sets the values of a head's output, whose gradient goes on as if it had not."""

    def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        plain = output.detach()
        if pattern == "equal":
            value = torch.zeros_like(plain)
        elif pattern == "one-hot":
            value = torch.full_like(plain, -100.0).scatter(-1, plain.argmax(-1, keepdim=True), 100.0)
        else:
            value = float(pattern) * plain.sign()
        return value + (output - plain)

    return hook


@pytest.mark.parametrize(("name", "problem"), CASES)
def test_the_objective_of_a_method_is_finite_at_the_ends_of_its_space(name: str, problem: str, conditions: dict[str, Conditions]) -> None:
    """In the first and in the last epoch, for networks whose outputs are extreme."""
    if "prepare" in vars(type(build(load("method", name), "method"))):
        pytest.skip("its objective exists after side trainings")
    tiny, at = conditions[problem], torch.arange(24)
    part = tiny.data.train
    for keys in ends(name):
        for pattern in PATTERNS:
            for epoch in (0, 5):
                method = ready(name, tiny, keys)
                networks = tiny.recipe.networks(tiny.data.problem, method.networks)
                for network in networks:
                    network.head.register_forward_hook(saturating(pattern))  # type: ignore[union-attr]
                extras = {extra: table[at] for extra, table in part.extras.items() if extra in method.needs}
                live = None if bool(part.live.all()) else part.live[at]
                batch = Batch([part.x[at]] * method.views, at, part.value[at], live, extras)
                value = method.objective(Step(networks, tiny.data.problem, batch, Passes.zeros(len(networks)), epoch=epoch))
                assert bool(value.isfinite()), (keys, pattern, epoch)
                value.backward()  # type: ignore[no-untyped-call]
                for weight in [*(w for network in networks for w in network.parameters()), *method.parameters()]:
                    if weight.grad is not None:
                        gradient = weight.grad.coalesce().values() if weight.grad.is_sparse else weight.grad
                        assert bool(gradient.isfinite().all()), (keys, pattern, epoch)
