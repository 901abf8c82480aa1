"""The callback that alone owns the test set and the right labels.

At 11 checkpoints it stores floats and one correctness bit a test unit. Selection tracks are look-ups at the
end of the run, so the bits of training cannot depend on them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pytorch_lightning as L  # noqa: N812
import torch

from benchmark.core.digests import digest
from benchmark.core.protocol import checkpoints
from benchmark.core.seeds import seed_for
from benchmark.core.types import Examples, Problem
from benchmark.data.parts import Part
from benchmark.data.splits import TrainingData, Truth
from benchmark.measures.collapse import collapsed
from benchmark.measures.label_errors import Side, detection, interval_scores, kept_quality, memorization, parts_of_training, vote_scores
from benchmark.methods.base import Method, activate
from benchmark.methods.step import Passes, Step
from benchmark.training.learner import Learner
from benchmark.training.prediction import predict


@dataclass(frozen=True)
class Checkpoint:
    """What is kept of every evaluation."""

    epoch: int
    primary: dict[str, float]  # the primary score on test, its two halves, and both validation labels
    memorization: dict[str, float]
    right: np.ndarray  # (test units,) bool: the decision is right
    predictions: str  # digest of the test predictions
    loss: float
    method: Mapping[str, float] = field(default_factory=dict)  # how right its selection and its transition matrix are


@dataclass(frozen=True)
class Kept:
    """Test and validation predictions and the suspicion about training labels at a checkpoint that some track selects so far."""

    position: int
    probability: np.ndarray
    decision: np.ndarray
    validation: np.ndarray
    train: Side | None
    suspicion: np.ndarray | None
    deviation: np.ndarray | None = None  # of the targets, by methods that give intervals


class Evaluation(L.Callback):
    """Scores the method at the checkpoints.

    Every checkpoint pays for the primary score only. The test predictions that a track would select so far are kept (the first
    of equal checkpoints wins), and scored in full when the run is over.

    Args:
        truth: right labels and the test set.
        val: the validation examples that the selection tracks look at, aligned with ``truth``.
        task: name that the halves of the cross-fitted oracle are drawn from.
        epochs: of the run.
        transition: the true matrix, where there is one, (L, K, K).
    """

    def __init__(self, truth: Truth, val: Part, problem: Problem, task: str, epochs: int, transition: torch.Tensor | None = None) -> None:
        self.truth, self.val, self.problem, self.due, self.transition = truth, val, problem, set(checkpoints(epochs)), transition
        self.records: list[Checkpoint] = []
        self.listeners: list[Callable[[Checkpoint], None]] = []
        self.seconds = 0.0
        order = np.random.Generator(np.random.Philox(key=seed_for("oracle", task))).permutation(len(truth.test))
        self._halves = (order % 2 == 0, order % 2 == 1)
        self._kept: dict[str, Kept] = {}
        self._scored: dict[tuple[int, int], dict[str, float]] = {}  # by checkpoint and part of the test set

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Evaluate where a checkpoint is due, and at the end of a run that stops early."""
        assert isinstance(pl_module, Learner)
        if pl_module.current_epoch in self.due or trainer.should_stop:
            start = time.perf_counter()
            self._evaluate(pl_module)
            for listener in self.listeners:
                listener(self.records[-1])
            self.seconds += time.perf_counter() - start

    def _evaluate(self, learner: Learner) -> None:
        data, method, truth = learner.data, learner.method, self.truth
        unseen = without_labels(data, truth.test)
        test, val = self._predict(learner, unseen, method), self._predict(learner, self.val, method)
        everything = np.ones(len(truth.test), dtype=bool)
        names = ("test", "half_0", "half_1")
        primary = dict(zip(names, self.problem.primary_scores(*test, truth.test.y, [everything, *self._halves]), strict=True))
        everything = np.ones(len(self.val), dtype=bool)
        for name, y in (("noisy_val", truth.y_val), ("clean_val", truth.y_val_clean)):
            if y is not None:
                primary[name] = self.problem.primary_scores(*val, y, [everything])[0]
        if truth.gold_val is not None:
            gold = self._predict(learner, without_labels(data, truth.gold_val), method)
            primary["clean_val"] = self.problem.primary_scores(*gold, truth.gold_val.y, [np.ones(len(truth.gold_val), dtype=bool)])[0]
        if len(learner.networks) > 1:
            everything = np.ones(len(truth.test), dtype=bool)
            primary["single"] = self.problem.primary_scores(*self._predict(learner, unseen, FirstNetwork()), truth.test.y, [everything])[0]
        train, memorized = self._train(learner, val[1])
        suspicion = method.suspicion()
        suspected = None if suspicion is None else suspicion.detach().cpu().double().numpy()
        deviation = self._predict(learner, unseen, Deviation(method))[1] - data.center if method.intervals else None
        self._keep(primary, Kept(len(self.records), *test, val[0], train, suspected, deviation))
        right = _right(test[1], truth.test.y)
        found = {} if train is None or suspected is None else kept_quality(suspected, train)
        estimate = method.estimated_transition()
        if estimate is not None and self.transition is not None:
            found["transition_error"] = float((estimate.detach().cpu() - self.transition).abs().sum(-1).mean())
        self.records.append(Checkpoint(learner.current_epoch, primary, memorized, right, digest(*test), learner.mean_loss(), found))

    def _keep(self, primary: dict[str, float], this: Kept) -> None:
        self._kept["last"] = this
        for name in ("noisy_val", "clean_val", "half_0", "half_1"):
            value = primary.get(name, np.nan)
            before = self.records[self._kept[name].position].primary[name] if name in self._kept else np.nan
            better = value > before if self.problem.higher_is_better else value < before
            if better or (name not in self._kept and np.isfinite(value)):
                self._kept[name] = this

    def position(self, track: str) -> int | None:
        """Which checkpoint ``last`` or a validation track selects; None if its labels do not exist."""
        return self._kept[track].position if track in self._kept else None

    def scores(self, track: str) -> dict[str, float]:
        """All test scores of a selection track, {} if its labels do not exist.

        ``oracle`` is cross-fitted: the checkpoint is chosen on one half of the test set and scored on the other, and swapped.
        ``collapsed`` is 1 where the predictions are (nearly) constant (see ``collapse``), of the oracle where those of one half are.
        """
        if track == "oracle":
            crossed = [self._score(self._kept[f"half_{a}"], b) for a, b in ((0, 1), (1, 0)) if f"half_{a}" in self._kept]
            both = [name for name in crossed[0] if all(name in c for c in crossed)] if crossed else []  # few labels have no thirds in one half
            mean = {name: float(np.mean([c[name] for c in crossed])) for name in both}
            return mean | {name: max(c[name] for c in crossed) for name in ("collapsed",) if name in mean}  # a yes or no has no mean
        if track not in self._kept:
            return {}
        kept = self._kept[track]
        out = self._score(kept, len(self._halves)) | self.problem.selected_scores(kept.probability, self.truth.test.y, kept.validation, self.truth.y_val)
        single = self.records[kept.position].primary.get("single")
        return out if single is None else out | {f"{self.problem.primary}_single": single}

    def further_scores(self, track: str, y: np.ndarray) -> dict[str, float]:
        """Test scores of a track against other labels of the test part: ``y`` as the task gives it, or counts of votes (E, K)."""
        if track not in self._kept:
            return {}
        kept = self._kept[track]
        votes = self.problem.name == "multiclass" and y.ndim == 2
        return vote_scores(kept.probability, kept.decision, y) if votes else self.problem.scores(kept.probability, kept.decision, y)

    def train_scores(self, track: str) -> dict[str, float]:
        """Memorization, and how well the method's suspicion finds wrong training labels, at the checkpoint of a track."""
        if track not in self._kept:
            return {}
        kept = self._kept[track]
        found = {} if kept.train is None else parts_of_training(self.problem, kept.train)
        if kept.suspicion is not None and kept.train is not None:
            found |= detection(self.problem, kept.suspicion, kept.train)
        return self.records[kept.position].memorization | found

    def _score(self, kept: Kept, part: int) -> dict[str, float]:
        """All scores on a half of the test set, or on all of it (part 2); tracks often share a checkpoint."""
        if (kept.position, part) not in self._scored:
            rows = np.ones(len(self.truth.test), dtype=bool) if part == len(self._halves) else self._halves[part]
            slots = np.repeat(rows, self.problem.width)
            scores = self.problem.scores(kept.probability[slots], kept.decision[slots], self.truth.test.y[rows])
            scores |= {"collapsed": float(collapsed(self.problem, kept.decision[slots], self.truth.test.y[rows]))}
            if kept.deviation is not None:
                scores = scores | interval_scores(kept.decision[slots], kept.deviation[slots], self.truth.test.y[rows])
            self._scored[kept.position, part] = scores
        return self._scored[kept.position, part]

    def _predict(self, learner: Learner, part: Part, method: Method) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities and decisions per unit slot, targets in the task's units."""
        data = learner.data
        soft, hard = predict(part, method, learner.networks, data, Passes.zeros(len(learner.networks)), decide=True)
        assert hard is not None
        probability, decision = soft.cpu().double().numpy(), hard.cpu().numpy()
        if data.problem.kind == "continuous":
            probability, decision = probability * data.scale + data.center, decision.astype(np.float64) * data.scale + data.center
        if not np.isfinite(probability).all():
            raise FloatingPointError(f"predictions are not finite after epoch {learner.current_epoch}: the method diverged")
        return probability, decision

    def _train(self, learner: Learner, val_decision: np.ndarray) -> tuple[Side | None, dict[str, float]]:
        """What the method decides for its training units, and how much of it is memorized."""
        data, truth = learner.data, self.truth
        if truth.train is None or truth.val is None:
            return None, {}
        train = side(data, data.train, truth.train, self._predict(learner, data.train, learner.method)[1])
        return train, memorization(data.problem, train, side(data, self.val, truth.val, val_decision))


class Deviation(Method):
    """Predicts the deviation that a method gives."""

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.predict = lambda step: method.deviation(step).unsqueeze(1)  # type: ignore[method-assign]


class FirstNetwork(Method):
    """Predicts with network 0 alone."""

    def predict(self, step: Step) -> torch.Tensor:
        """(U, K)."""
        return activate(step.units(0).output)


def side(data: TrainingData, part: Part, right: np.ndarray, decision: np.ndarray) -> Side:
    """Right, given and decided labels of a split, targets in the task's units."""
    seen = part.observed()
    given = seen.value.numpy()
    if data.problem.kind == "continuous":
        # Targets are stored as float32: an unchanged one must compare equal to the right one.
        restored = given.astype(np.float64) * data.scale + data.center
        given = np.where(np.abs(restored - right) < 1e-5 * data.scale, right, restored)
    return Side(right, given, seen.live.numpy(), seen.column.numpy(), decision)


def without_labels(data: TrainingData, held: Examples) -> Part:
    """Held-out inputs with their live slots, and no label."""
    live = torch.from_numpy(data.problem.labels(held.y).live).reshape(len(held), -1)
    return Part(held.x, torch.zeros_like(live), live)


def _right(decision: np.ndarray, y: np.ndarray) -> np.ndarray:
    flat = y.reshape(-1)
    if flat.dtype.kind == "f":  # a number has no right or wrong: within a tenth of the test targets' sd
        near: np.ndarray = np.abs(decision - flat) < 0.1 * np.nanstd(flat)
        return near
    same: np.ndarray = (decision == flat) & (flat >= 0)
    return same
