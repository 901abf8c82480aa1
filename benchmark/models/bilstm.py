"""A bidirectional LSTM tagger over id features of tokens."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from benchmark.models.base import InputShape, Network


class BiLSTM(Network):
    """Embeddings of every id column (word, affixes, shape), concatenated, then one bidirectional LSTM layer.

    Inputs are (B, L, F) ids; id 0 of the first column is padding.
    """

    inputs: ClassVar[frozenset[str]] = frozenset({"tokens"})

    def __init__(self, inputs: InputShape, outputs: int, embedding: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(size, embedding, padding_idx=0) for size in inputs.vocabulary)
        self.dropout = nn.Dropout(dropout)
        size = embedding * len(inputs.vocabulary)
        self.left, self.right = (nn.LSTM(size, hidden, batch_first=True) for _ in range(2))
        self.head = nn.Linear(2 * hidden, outputs)

    def encode(self, x: Tensor) -> Tensor:
        """(B, L, F) -> (B, L, 2 * hidden). Padding comes last in both reading directions, so no token depends on it."""
        embedded = self.dropout(torch.cat([table(x[..., i]) for i, table in enumerate(self.embeddings)], dim=-1))
        # Reversing each sentence inside its own length is twice as fast as packed sequences.
        at = torch.arange(x.shape[1], device=x.device)
        length = (x[..., :1] > 0).sum(1)
        mirrored = torch.where(at < length, length - 1 - at, at).unsqueeze(2)
        backward = self.right(embedded.gather(1, mirrored.expand_as(embedded)))[0]
        backward = backward.gather(1, mirrored.expand_as(backward))
        dropped: Tensor = self.dropout(torch.cat([self.left(embedded)[0], backward], dim=-1))
        return dropped
