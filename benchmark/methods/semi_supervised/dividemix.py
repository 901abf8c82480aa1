"""DivideMix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark import functional
from benchmark.core.types import Evaluate, Phase, Units
from benchmark.methods.base import Method, Price, RunInfo
from benchmark.methods.step import Step


class DivideMix(Method):
    """Two networks, each dividing the data for the other by a mixture over losses, learn semi-supervised from the division.

    Li, Socher and Hoi, 2020, arXiv:2002.07394. After a warm-up with cross entropy, every epoch: a two-component Gaussian
    mixture over each network's losses gives w = P(label right); network A trains with B's w. Labelled targets are refined,
    sharpen(w y + (1 - w) p), unlabelled ones guessed, sharpen(mean over both networks), both over two views; then MixMatch
    with lam = max(l, 1 - l), l ~ Beta(alpha, alpha): CE on the labelled half, lambda_u times squared error on the other,
    and KL(uniform || mean prediction) for multiclass tasks.

    ``warmup`` and ``ramp`` are shares of the epochs (30 of 300 on CIFAR-100, 10 on CIFAR-10; 16 of 300). ``confidence_penalty`` times the negative
    entropy joins the warm-up under asymmetric noise (1 as released), ``history`` averages the normalised losses of so many epochs (5 at 90 % noise):
    both know the noise, as lambda_u does (0, 25, 50, 150 as released). Predictions without gradient share one batch per network, released one view
    after the other, each with its own batch statistics; the resting network is in evaluation mode. Prediction: the mean of both networks.

    Adapted for tokens and multi-label: one mixture per column and observed class (losses of rare classes are large because they
    are rare), an example is labelled if the mean posterior of its units passes the threshold, no uniform-prior penalty.
    With a share rho taken for right 20 rho + 2 forward and 8 rho backward passes after warm-up.
    """

    kinds = frozenset({"categorical"})
    networks, views = 2, 2
    warm_up = True
    keeps = "2 N"
    release = "LiJunnan1992/DivideMix@d9d3058"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because shares of the epochs count: the ramp goes by epochs (released: by batches, 16 epochs of any run)",
        "normalisation": "as released: means over both halves; losses scaled to [0, 1]",
        "batch_statistics": (
            "ours, because one pass is cheaper: all views of a network share it (released: one after the other); the resting network in evaluation mode"
        ),
        "predicts": "ours, because probabilities are what is averaged: their mean over both networks (released: the sum of logits)",
    }
    family = "semi-supervised"
    cites = "Li, Socher and Hoi, 2020, arXiv:2002.07394"
    differs = (
        "the ramp of lambda_u goes by epochs and is a share of the run (released: by batches, 16 "
        "epochs); the mean probability of both networks (released: the sum of their logits); all "
        "views of a network share a pass and its batch statistics; averaged losses are scaled to "
        "[0, 1] once more; a division without two parts is another epoch of warm-up"
    )

    posterior: Tensor

    def __init__(
        self,
        lambda_u: float = 25.0,
        temperature: float = 0.5,
        alpha: float = 4.0,
        threshold: float = 0.5,
        warmup: float = 0.1,
        ramp: float = 0.0533,
        confidence_penalty: float = 0.0,
        history: int = 1,
    ) -> None:
        super().__init__()
        self.lambda_u, self.temperature, self.alpha = lambda_u, temperature, alpha
        self.threshold, self.warmup, self.ramp = threshold, warmup, ramp
        self.confidence_penalty, self.history = confidence_penalty, history

    def passes(self, epochs: int) -> Price:
        """With a share rho taken for right, after warm-up: 20 rho + 2 forward and 8 rho backward; here rho = 1."""
        return Price(22, 8, at_most=True)

    def setup(self, run: RunInfo) -> None:
        """P(right) of every unit by each network."""
        self.run, self.rng = run, run.generator("dividemix")
        self.register_buffer("posterior", torch.ones(2, run.num_units, device=run.device))
        self.losses: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """Warm-up, or a division for each network by the other one."""
        if epoch < max(1, round(self.warmup * self.run.epochs)):
            return (Phase("warmup"),)
        for net in (0, 1):
            self.posterior[net] = self._posterior(evaluate("train", net=net).cpu(), self.losses[net])
        return tuple(self._division(net) for net in (0, 1))

    def _posterior(self, probability: Tensor, past: list[np.ndarray]) -> Tensor:
        """P(right) of every unit from a network's probabilities (num_units, K), and the losses of the epochs before."""
        seen = self.run.observed["train"]
        given, live = seen.value.clamp(min=0), seen.live.numpy()
        loss = functional.prediction_loss(probability, given).double().numpy()
        per_class = self.run.problem in ("tagging", "multilabel")
        group = ((seen.column if self.run.problem == "multilabel" else 0) * self.run.num_classes + given).numpy() if per_class else np.zeros(len(loss))
        past.append(np.zeros(len(loss)))
        out = np.ones(len(loss))
        for g in np.unique(group[live]):
            at = np.flatnonzero(live & (group == g))
            past[-1][at] = (loss[at] - loss[at].min()) / max(np.ptp(loss[at]), 1e-12)
            out[at] = functional.gaussian_posterior(np.mean([epoch[at] for epoch in past[-self.history :]], axis=0))
        del past[: -self.history]
        return torch.from_numpy(out).to(self.posterior)

    def _division(self, net: int) -> Phase:
        live = self.run.observed["train"].live
        units = self.posterior[1 - net].cpu() * live
        clean = units.reshape(-1, self.run.width).sum(1) / live.reshape(-1, self.run.width).sum(1).clamp(min=1)
        labelled = (clean > self.threshold).numpy()
        if labelled.all() or labelled.sum() < 2:  # nothing to divide: another epoch of warm-up for this network
            return Phase("warmup", networks=(net,))
        streams = {"unlabelled": np.flatnonzero(~labelled)}
        return Phase("divide", indices=np.flatnonzero(labelled), networks=(net,), streams=streams)

    def objective(self, step: Step) -> Tensor:
        """Cross entropy of the networks in warm-up, else MixMatch on the division."""
        nets = step.phase.networks or (0, 1)
        if "unlabelled" not in step.streams:
            return torch.stack([self._plain(u) for u in map(step.units, nets)]).sum()
        return self._mixmatch(step, nets[0])

    def _plain(self, units: Units) -> Tensor:
        """Cross entropy, and a penalty on predictions that are sure: class-dependent noise is learned faster than a warm-up is long."""
        loss = self.loss(units.output, units.target).mean()
        return loss + self.confidence_penalty * functional.negative_entropy(units.output).mean() if self.confidence_penalty else loss

    def _mixmatch(self, step: Step, net: int) -> Tensor:
        other = step.streams["unlabelled"]
        with torch.no_grad():
            refined, guessed = self._targets(step, other, net)
        target = torch.cat([refined, refined, guessed, guessed])
        both = step.stack([(step, 0), (step, 1), (other, 0), (other, 1)])
        draw = float(self.rng.beta(self.alpha, self.alpha))
        lam = max(draw, 1 - draw)
        mixed = both.mix(lam, torch.from_numpy(self.rng.permutation(both.size)), net)
        assert mixed.partner is not None
        target, known = functional.mix_targets(target, mixed.partner, lam), mixed.row < 2 * len(step)
        supervised = functional.soft_cross_entropy(mixed.output[known], target[known]).mean()
        probability = mixed.output.softmax(1)
        consistency = ((probability[~known] - target[~known]) ** 2).mean()
        loss = supervised + self.lambda_u * self._ramp(step.epoch) * consistency
        return loss + functional.uniform_penalty(probability) if self.run.problem == "multiclass" else loss

    def _targets(self, step: Step, other: Step, net: int) -> tuple[Tensor, Tensor]:
        """Refined labels of ``step`` and guessed ones of ``other``: all views of a network in one pass."""
        index, _, _ = step.slots()
        guess = [(other, 0), (other, 1)]
        own = step.stack([(step, 0), (step, 1), *guess]).units(net).output.softmax(1)
        peer = step.stack(guess).units(1 - net).output.softmax(1)
        p = functional.co_guess(own[: 2 * len(index)].chunk(2))
        label = F.one_hot(step.targets(), self.run.num_classes).to(p)
        refined = functional.refine(label, p, self.posterior[1 - net][index].to(p))
        guessed = functional.co_guess([*own[2 * len(index) :].chunk(2), *peer.chunk(2)])
        return functional.sharpen(refined, self.temperature), functional.sharpen(guessed, self.temperature)

    def _ramp(self, epoch: int) -> float:
        return functional.linear_ramp(epoch, self.run.epochs, round(self.warmup * self.run.epochs) / self.run.epochs, self.ramp)

    def suspicion(self) -> Tensor:
        """1 - mean posterior of the two networks."""
        return 1 - self.posterior.mean(0)
