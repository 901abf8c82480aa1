"""Labels from the number of positives in bags, by belief propagation."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def bag_marginals(
    bags: Tensor,
    positives: Tensor,
    edges: Tensor,
    similarity: Tensor,
    weight_bag: float = 10.0,
    weight_edge: float = 1.0,
    damping: float = 0.5,
    rounds: int = 200,
    tolerance: float = 1e-4,
) -> Tensor:
    """(N,) P(y_i = 1) under P(y) ~ exp(-l_b sum over bags S (sum of y in S - c_S)^2 - l_s sum over edges k_ij (y_i - y_j)^2).

    Havaldar et al., 2024, arXiv:2310.08056, who write the squares of a bag as pairs of its members: with large l_b sum-product on those oscillates (nine
    labels in two bags, l_b = 10: messages move by 10 in every round, marginals are wrong by .37 on average). Here a bag is one factor, whose messages
    are exact (O(b^2) for a bag of b), so without edges the marginals are; with edges they are loopy beliefs, in that example wrong by less than .03.
    For pseudo-labels of label proportions; no task of the suite has bags.

    Args:
        bags: (S, b) members of each bag, in one bag each, -1 where a bag has fewer. positives: (S,) c_S.
        edges: (M, 2) similar pairs, each once. similarity: (M,) k_ij >= 0.
        damping: share of the old message that stays.
        tolerance: the largest change of a message in the last round that counts as none.

    Raises:
        ArithmeticError: the messages still move after ``rounds``: what they say then are no marginals.

    >>> bag_marginals(torch.tensor([[0, 1, 2, 3]]), torch.tensor([1]), torch.zeros(0, 2, dtype=torch.long), torch.zeros(0)).round(decimals=3)
    tensor([0.2500, 0.2500, 0.2500, 0.2500], dtype=torch.float64)
    """
    size, inside = int(bags.max()) + 1, bags >= 0
    source, into = torch.cat([edges, edges.flip(1)]).T
    repel = -weight_edge * similarity.double().repeat(2)
    of_bag, of_edge = torch.zeros(size, dtype=torch.float64), torch.zeros(len(source), dtype=torch.float64)
    moved = float("inf")
    for _ in range(rounds):
        belief = of_bag.index_add(0, into, of_edge)
        cavity = belief[source] - of_edge.roll(len(edges))  # without what the target said
        fresh_edge = torch.logaddexp(cavity, repel) - F.softplus(cavity + repel)
        outside = (belief - of_bag)[bags.clamp(min=0)].masked_fill(~inside, -torch.inf)
        fresh_bag = torch.zeros_like(of_bag)
        fresh_bag[bags[inside]] = _cardinality_messages(outside, positives.double(), weight_bag)[inside]
        moved = float(torch.cat([fresh_edge - of_edge, fresh_bag - of_bag]).abs().max())
        if moved < tolerance:
            return (of_bag.index_add(0, into, of_edge)).sigmoid()
        of_bag, of_edge = (damping * old + (1 - damping) * new for old, new in ((of_bag, fresh_bag), (of_edge, fresh_edge)))
    raise ArithmeticError(f"beliefs about bags still move by {moved:.2g} after {rounds} rounds: give more rounds, a larger damping or smaller weights")


def _cardinality_messages(odds: Tensor, positives: Tensor, weight: float) -> Tensor:
    """(S, b) log-odds that a bag's number of positives gives each member, from the others' log-odds (S, b): sums over all their numbers."""
    bags, members = odds.shape
    number = torch.arange(members + 1, dtype=odds.dtype)
    one, zero = F.logsigmoid(odds), F.logsigmoid(-odds)
    never = odds.new_full((bags, 1), -torch.inf)
    after = [-weight * (number - positives[:, None]) ** 2]  # log of what the members from i on and the factor make of s positives before them
    for i in range(members - 1, 0, -1):
        last = after[0]
        after.insert(0, torch.logaddexp(zero[:, i, None] + last, one[:, i, None] + torch.cat([last[:, 1:], never], 1)))
    before = torch.cat([odds.new_zeros(bags, 1), never.expand(-1, members)], 1)
    out = []
    for i, rest in enumerate(after):
        out.append((before[:, :-1] + rest[:, 1:]).logsumexp(1) - (before + rest).logsumexp(1))
        before = torch.logaddexp(zero[:, i, None] + before, one[:, i, None] + torch.cat([never, before[:, :-1]], 1))
    return torch.stack(out, 1)
