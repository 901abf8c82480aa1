"""A linear-chain conditional random field on top of the BiLSTM tagger.

The output of the model is the log-marginal of every tag at every token, so that any method written on
units works on it; ``sequence_loss`` is the likelihood of whole tag sequences (the published BiLSTM-CRF;
Lample et al., 2016, arXiv:1603.01360) and ``decode`` the Viterbi path.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmark.core.files import FileName
from benchmark.models.base import InputShape
from benchmark.models.bilstm import BiLSTM


class LinearChain(nn.Module):
    """Scores of tag sequences: start[y_1] + sum_t emission[t, y_t] + sum_t transition[y_t, y_t+1] + end[y_L].

    All recursions run in log space over the whole batch; ``mask`` (B, L) marks the tokens, which come first.
    """

    def __init__(self, tags: int) -> None:
        super().__init__()
        self.transition = nn.Parameter(torch.zeros(tags, tags))
        self.start = nn.Parameter(torch.zeros(tags))
        self.end = nn.Parameter(torch.zeros(tags))

    def forward_scores(self, emission: Tensor, mask: Tensor) -> Tensor:
        """(B, L, K): log of the summed scores of all prefixes that end in tag k at t; padding repeats the last token."""
        alpha = [self.start + emission[:, 0]]
        for t in range(1, emission.shape[1]):
            step = torch.logsumexp(alpha[-1].unsqueeze(2) + self.transition, dim=1) + emission[:, t]
            alpha.append(torch.where(mask[:, t, None], step, alpha[-1]))
        return torch.stack(alpha, dim=1)

    def backward_scores(self, emission: Tensor, mask: Tensor) -> Tensor:
        """(B, L, K): log of the summed scores of all suffixes that follow tag k at t."""
        last = self.end.expand(len(emission), -1)
        beta = [last]
        for t in range(emission.shape[1] - 2, -1, -1):
            step = torch.logsumexp(self.transition + (emission[:, t + 1] + beta[0]).unsqueeze(1), dim=2)
            beta.insert(0, torch.where(mask[:, t + 1, None], step, last))
        return torch.stack(beta, dim=1)

    def partition(self, emission: Tensor, mask: Tensor) -> Tensor:
        """(B,) log of the summed scores of all sequences."""
        return torch.logsumexp(self.forward_scores(emission, mask)[:, -1] + self.end, dim=1)

    def marginals(self, emission: Tensor, mask: Tensor) -> Tensor:
        """(B, L, K) log P(y_t = k | x); zeros at padding."""
        joint = self.forward_scores(emission, mask) + self.backward_scores(emission, mask)
        return joint.log_softmax(-1) * mask.unsqueeze(-1)

    def score(self, emission: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """(B,) score of given sequences (B, L)."""
        tags = tags.clamp(min=0)
        total = self.start[tags[:, 0]] + (emission.gather(2, tags.unsqueeze(2)).squeeze(2) * mask).sum(1)
        total = total + (self.transition[tags[:, :-1], tags[:, 1:]] * mask[:, 1:]).sum(1)
        last = tags.gather(1, mask.sum(1, keepdim=True).long() - 1).squeeze(1)
        return total + self.end[last]

    def viterbi(self, emission: Tensor, mask: Tensor) -> Tensor:
        """(B, L) tags of the best sequence."""
        best, back = self.start + emission[:, 0], []
        for t in range(1, emission.shape[1]):
            value, argument = (best.unsqueeze(2) + self.transition).max(1)
            keep = mask[:, t, None]
            back.append(torch.where(keep, argument, torch.arange(emission.shape[2], device=emission.device)))
            best = torch.where(keep, value + emission[:, t], best)
        tag = (best + self.end).argmax(1)
        path = [tag]
        for pointer in reversed(back):
            tag = pointer.gather(1, tag.unsqueeze(1)).squeeze(1)
            path.insert(0, tag)
        return torch.stack(path, dim=1)


class BiLSTMCRF(BiLSTM):
    """BiLSTM emissions with a linear-chain CRF."""

    def __init__(
        self,
        inputs: InputShape,
        outputs: int,
        embedding: int = 24,
        hidden: int = 48,
        dropout: float = 0.0,
        characters: int = 24,
        vectors: FileName | None = None,
        init_std: float = 1.0,
    ) -> None:
        super().__init__(inputs, outputs, embedding, hidden, dropout, characters, vectors, init_std)
        self.chain = LinearChain(outputs)

    def finish(self, scores: Tensor, x: Tensor) -> Tensor:
        """Emissions -> log-marginals (B, L, K)."""
        return self.chain.marginals(scores, x[..., 0] > 0)

    def sequence_loss(self, scores: Tensor, x: Tensor, target: Tensor) -> Tensor:
        """Negative log-likelihood of the target sequences (B, L), summed over sentences, per token."""
        mask = x[..., 0] > 0
        return (self.chain.partition(scores, mask) - self.chain.score(scores, target, mask)).sum() / mask.sum()

    def decode(self, scores: Tensor, x: Tensor) -> Tensor:
        """(B, L) Viterbi tags."""
        return self.chain.viterbi(scores, x[..., 0] > 0)
