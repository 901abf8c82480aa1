"""Class probabilities from the answers of several sources: counts, and sources with confusion matrices.

Answers are three arrays (T,): unit, source and label, so that time and memory follow the answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SMALLEST = 1e-300  # below every probability whose logarithm is taken


@dataclass(frozen=True)
class Voting:
    """Hold answers on classes, and how many units, sources and classes there are.

    Attributes:
        unit, source, label: (T,) of each answer.
        units, sources, classes: N, A, K.
    """

    unit: np.ndarray
    source: np.ndarray
    label: np.ndarray
    units: int
    sources: int
    classes: int

    @classmethod
    def of(cls, votes: np.ndarray, classes: int) -> Voting:
        """Return the answers of a table (N, A), where -1 says that a source abstains."""
        unit, source = np.nonzero(votes >= 0)
        units, sources = votes.shape
        return cls(unit, source, votes[unit, source].astype(np.int64), units, sources, classes)

    def counts(self, weight: np.ndarray | None = None) -> np.ndarray:
        """Return (N, K) votes for each class of each unit, those of source a counted ``weight[a]`` times."""
        each = None if weight is None else weight[self.source]
        flat = np.bincount(self.unit * self.classes + self.label, each, self.units * self.classes)
        return flat.reshape(self.units, self.classes).astype(float)

    def single_class_sources(self) -> np.ndarray:
        """Return (A,) bool: sources that answer, and only ever with one class."""
        answered = np.bincount(self.source * self.classes + self.label, minlength=self.sources * self.classes)
        return (answered.reshape(self.sources, self.classes) > 0).sum(1) == 1


def majority_vote(votes: np.ndarray, num_classes: int, outside: int = 0) -> np.ndarray:
    """(N,) the most frequent vote of each unit, the lower class of equal ones; ``outside`` where every source abstains.

    Args:
        votes: (N, A), -1 = the source abstains.

    >>> majority_vote(np.array([[1, 1, 2], [-1, 2, -1], [-1, -1, -1]]), 3)
    array([1, 2, 0])
    """
    counts = Voting.of(votes, num_classes).counts()
    winner: np.ndarray = np.where(counts.any(1), counts.argmax(1), outside)
    return winner


def vote_shares(voting: Voting) -> np.ndarray:
    """Return (N, K): the share of each class among the votes of a unit; rows of zeros where nobody voted."""
    counts = voting.counts()
    return counts / np.maximum(counts.sum(1, keepdims=True), 1)


def weighted_shares(voting: Voting) -> np.ndarray:
    """Return (N, K): shares of the votes, each source weighted by the log odds of its agreement with the others.

    A source that agrees with the share p of the other sources' votes has the weight
    log(p (K - 1) / (1 - p)), at least 0: the optimal one for independent sources that are right with
    probability p and err uniformly (Nitzan and Paroush, 1982). p is counted with one agreement and one
    disagreement more than there are.
    """
    counts = voting.counts()
    own = counts[voting.unit, voting.label] - 1
    others = counts[voting.unit].sum(1) - 1
    with_others = others > 0
    source = voting.source[with_others]
    agreed = np.bincount(source, (own / np.maximum(others, 1))[with_others], voting.sources)
    compared = np.bincount(source, minlength=voting.sources)
    right = (agreed + 1) / (compared + 2)
    weight = np.maximum(np.log(right * (voting.classes - 1) / (1 - right)), 0)
    weighted = voting.counts(weight)
    heard = weighted.sum(1, keepdims=True) > 0
    total = np.maximum(weighted.sum(1, keepdims=True), SMALLEST)
    return np.where(heard, weighted / total, vote_shares(voting))


def dawid_skene(
    votes: np.ndarray | Voting,
    num_classes: int,
    iterations: int = 50,
    smoothing: float = 0.01,
    outcome: bool = False,
) -> np.ndarray:
    """Return (N, K) posteriors of the right class when every source has a confusion matrix of its own.

    Dawid and Skene, 1979, Applied Statistics 28: P(class) prod_a C_a[class, answer_a] by expectation
    maximisation, from the shares of votes on. A source that abstains says nothing, or with ``outcome``
    its silence is one more answer: what a source says that only ever votes for one class is in
    *whether* it votes (WRENCH, Zhang et al., 2021, arXiv:2109.11377, counts it so).

    Args:
        votes: (N, A), -1 = the source abstains; or the answers themselves.
        num_classes: K.
        iterations: of expectation maximisation.
        smoothing: added to every count of a confusion matrix.
        outcome: whether an abstention is an answer.

    >>> dawid_skene(np.array([[0, 0, 1], [1, 1, 0], [0, 0, 1], [1, 1, 0]]), 2).argmax(1)
    array([0, 1, 0, 1])
    """
    voting = votes if isinstance(votes, Voting) else Voting.of(votes, num_classes)
    posterior = _first_posterior(voting)
    answers = num_classes + 1 if outcome else num_classes
    cell = voting.source * answers + voting.label
    for _ in range(iterations):
        prior = posterior.mean(0)
        confusion = np.empty((num_classes, voting.sources, answers))
        for k in range(num_classes):
            count = np.bincount(cell, posterior[voting.unit, k], voting.sources * answers)
            confusion[k] = count.reshape(voting.sources, answers)
            if outcome:
                confusion[k, :, -1] = posterior[:, k].sum() - confusion[k, :, :-1].sum(1)
        confusion = np.maximum(confusion, 0) + smoothing
        log = np.log(confusion / confusion.sum(2, keepdims=True))
        posterior = _posterior(voting, prior, log, outcome)
    return posterior


def one_coin(voting: Voting, iterations: int = 50, outcome: bool = False) -> np.ndarray:
    """Return (N, K) posteriors of the right class when every source is right with one probability of its own.

    The one-coin model of Dawid and Skene (Zhang et al., 2014, arXiv:1406.3824): source a is right with
    p_a and errs uniformly. With ``outcome`` it abstains with a probability for each class.

    Args:
        voting: the answers.
        iterations: of expectation maximisation, from the shares of votes on.
        outcome: whether an abstention is an answer.
    """
    classes, sources = voting.classes, voting.sources
    posterior = _first_posterior(voting)
    answered = np.bincount(voting.source, minlength=sources)
    for _ in range(iterations):
        agreed = posterior[voting.unit, voting.label]
        right = (np.bincount(voting.source, agreed, sources) + 0.01) / (answered + 0.02)
        table = np.empty((classes, sources, classes + 1 if outcome else classes))
        table[:, :, :classes] = ((1 - right) / (classes - 1))[:, None]
        for k in range(classes):
            table[k, :, k] = right
        if outcome:
            for k in range(classes):
                spoke = np.bincount(voting.source, posterior[voting.unit, k], sources)
                share = (spoke + 0.01) / (posterior[:, k].sum() + 0.02)
                table[k, :, :classes] *= share[:, None]
                table[k, :, -1] = 1 - share
        log = np.log(np.maximum(table, SMALLEST))
        posterior = _posterior(voting, posterior.mean(0), log, outcome)
    return posterior


def flying_squid(voting: Voting, balance: np.ndarray | None = None) -> np.ndarray:
    """Return (N, K) posteriors by the triplet method; each class against the others where K is above 2.

    Fu et al., 2020, arXiv:2002.11955: with answers l in {-1, 0, 1}, 0 = abstains, the agreement of
    source i with the truth is |E[l_i Y]| = sqrt(|E[l_i l_j] E[l_i l_k] / E[l_j l_k]|), here the median over
    the triplets of i, its sign positive. Given the class, sources are independent, and abstain as often
    whatever the class. The posteriors of K > 2 one-against-others models are divided by their sum.

    Args:
        voting: the answers.
        balance: (K,) shares of the classes; all alike by default.
    """
    prior = np.full(voting.classes, 1 / voting.classes) if balance is None else np.asarray(balance)
    chosen = [1] if voting.classes == 2 else range(voting.classes)
    columns = [_triplets(voting, k, float(prior[k])) for k in chosen]
    if voting.classes == 2:
        return np.stack([1 - columns[0], columns[0]], axis=1)
    table = np.stack(columns, axis=1)
    shares: np.ndarray = table / np.maximum(table.sum(1, keepdims=True), SMALLEST)
    return shares


def _triplets(voting: Voting, positive: int, prior: float) -> np.ndarray:
    """Return (N,) the probability of one class against all others by the triplet method."""
    table = np.zeros((voting.units, voting.sources))
    table[voting.unit, voting.source] = np.where(voting.label == positive, 1.0, -1.0)
    moment = np.abs(table.T @ table / voting.units)
    agreement = np.zeros(voting.sources)
    for i in range(voting.sources):
        others = np.delete(np.arange(voting.sources), i)
        pairs = moment[np.ix_(others, others)]
        product = np.outer(moment[i, others], moment[i, others])
        usable = (pairs > 0) & (product > 0) & ~np.eye(len(others), dtype=bool)
        if usable.any():
            agreement[i] = np.sqrt(np.median(product[usable] / pairs[usable]))
    spoke = np.maximum(np.abs(table).mean(0), SMALLEST)
    right = np.clip((1 + agreement / spoke) / 2, 0.01, 0.99)
    odds = np.log(prior / (1 - prior)) + table @ np.log(right / (1 - right))
    probability: np.ndarray = 1 / (1 + np.exp(-np.clip(odds, -500, 500)))
    return probability


def _first_posterior(voting: Voting) -> np.ndarray:
    """Return (N, K): the shares of votes, all classes alike where nobody voted."""
    posterior = voting.counts() + 1e-9
    return posterior / posterior.sum(1, keepdims=True)


def _posterior(voting: Voting, prior: np.ndarray, log: np.ndarray, outcome: bool) -> np.ndarray:
    """Return (N, K) posteriors from the classes' shares (K,) and log probabilities of answers (K, A, answers)."""
    odds = np.tile(np.log(np.maximum(prior, SMALLEST)), (voting.units, 1))
    for k in range(voting.classes):
        said = log[k, voting.source, voting.label]
        if outcome:  # everybody is silent, but for those who spoke
            odds[:, k] += log[k, :, -1].sum()
            said = said - log[k, voting.source, -1]
        odds[:, k] += np.bincount(voting.unit, said, voting.units)
    odds -= odds.max(1, keepdims=True)
    posterior = np.exp(odds)
    posterior /= posterior.sum(1, keepdims=True)
    return posterior
