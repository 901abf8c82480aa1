"""DivideMix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark import functional
from benchmark.methods.base import Method, Price, RunInfo
from benchmark.step import Step
from benchmark.types import Evaluate, Phase


class DivideMix(Method):
    """Two networks, each dividing the data for the other by a mixture over losses, learn semi-supervised from the division.

    Li, Socher and Hoi, 2020, arXiv:2002.07394. After a warm-up with cross entropy, every epoch: a two-component Gaussian
    mixture over each network's losses gives w = P(label right); network A trains with B's w. Labelled targets are refined,
    sharpen(w y + (1 - w) p), unlabelled ones guessed, sharpen(mean over both networks), both over two views; then MixMatch
    with lam = max(l, 1 - l), l ~ Beta(alpha, alpha): CE on the labelled half, lambda_u times squared error on the other,
    and KL(uniform || mean prediction) for multiclass tasks.

    Adapted for tokens and multi-label: one mixture per column and observed class (losses of rare classes are large because they
    are rare), an example is labelled if the mean posterior of its units passes the threshold, no uniform-prior penalty. Prediction: the
    mean of both networks. ``warmup`` and ``ramp`` are shares of the epochs (10 and 16
    of 300). About 4 times the cost of a plain network per network and view.
    """

    kinds = frozenset({"categorical"})
    networks, views = 2, 2
    warm_up = True
    keeps = "2 N"
    cites = "Li, Socher and Hoi, 2020, arXiv:2002.07394"

    posterior: Tensor

    def __init__(
        self, lambda_u: float = 25.0, temperature: float = 0.5, alpha: float = 4.0, threshold: float = 0.5, warmup: float = 0.1, ramp: float = 0.05
    ) -> None:
        super().__init__()
        self.lambda_u, self.temperature, self.alpha = lambda_u, temperature, alpha
        self.threshold, self.warmup, self.ramp = threshold, warmup, ramp

    def passes(self, epochs: int) -> Price:
        """With a share rho taken for right, after warm-up: 20 rho + 2 forward and 8 rho backward; here rho = 1."""
        return Price(22, 8, at_most=True)

    def setup(self, run: RunInfo) -> None:
        """P(right) of every unit by each network."""
        self.run, self.rng = run, run.generator("dividemix")
        self.register_buffer("posterior", torch.ones(2, run.num_units, device=run.device))

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """Warm-up, or a division for each network by the other one."""
        if epoch < max(1, round(self.warmup * self.run.epochs)):
            return (Phase("warmup"),)
        for net in (0, 1):
            self.posterior[net] = self._posterior(evaluate("train", net=net).cpu())
        return tuple(self._division(net) for net in (0, 1))

    def _posterior(self, probability: Tensor) -> Tensor:
        """P(right) of every unit from a network's probabilities (num_units, K)."""
        seen = self.run.observed["train"]
        given = seen.value.clamp(min=0)
        loss = -probability.gather(1, given.unsqueeze(1)).squeeze(1).clamp(min=1e-12).log().double().numpy()
        per_class = self.run.problem in ("tagging", "multilabel")
        group = ((seen.column if self.run.problem == "multilabel" else 0) * self.run.num_classes + given).numpy() if per_class else np.zeros(len(loss))
        out = np.ones(len(loss))
        for g in np.unique(group[seen.live.numpy()]):
            at = np.flatnonzero(seen.live.numpy() & (group == g))
            out[at] = functional.gaussian_posterior(loss[at])
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
            losses = [self.loss(u.output, u.target).mean() for u in map(step.units, nets)]
            return torch.stack(losses).sum()
        return self._mixmatch(step, nets[0])

    def _mixmatch(self, step: Step, net: int) -> Tensor:
        other = step.streams["unlabelled"]
        with torch.no_grad():
            refined, guessed = self._refine(step, net), self._guess(other)
        target = torch.cat([refined, refined, guessed, guessed])
        both = step.stack([(step, 0), (step, 1), (other, 0), (other, 1)])
        beta = self.rng.beta(self.alpha, self.alpha)
        lam = float(max(beta, 1 - beta))
        mixed = both.mix(lam, torch.from_numpy(self.rng.permutation(both.size)), net)
        target = lam * target + (1 - lam) * target[mixed.partner]
        known = mixed.row < 2 * len(step)
        supervised = functional.soft_cross_entropy(mixed.output[known], target[known]).mean()
        probability = mixed.output.softmax(1)
        consistency = ((probability[~known] - target[~known]) ** 2).mean()
        loss = supervised + self.lambda_u * self._ramp(step.epoch) * consistency
        if self.run.problem == "multiclass":
            loss = loss - probability.mean(0).clamp(min=1e-12).log().mean() - float(np.log(self.run.num_classes))
        return loss

    def _refine(self, step: Step, net: int) -> Tensor:
        units = [step.units(net, view) for view in (0, 1)]
        w = self.posterior[1 - net][units[0].index].unsqueeze(1)
        p = (units[0].output.softmax(1) + units[1].output.softmax(1)) / 2
        return self._sharpen(w * F.one_hot(units[0].target, p.shape[1]) + (1 - w) * p)

    def _guess(self, step: Step) -> Tensor:
        p = [step.units(net, view).output.softmax(1) for net in (0, 1) for view in (0, 1)]
        return self._sharpen(torch.stack(p).mean(0))

    def _sharpen(self, p: Tensor) -> Tensor:
        power = p ** (1 / self.temperature)
        return power / power.sum(1, keepdim=True)

    def _ramp(self, epoch: int) -> float:
        start, length = round(self.warmup * self.run.epochs), max(1.0, self.ramp * self.run.epochs)
        return float(np.clip((epoch - start) / length, 0, 1))

    def suspicion(self) -> Tensor:
        """1 - mean posterior of the two networks."""
        return 1 - self.posterior.mean(0)
