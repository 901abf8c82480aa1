"""A bidirectional LSTM tagger over ids, characters and word vectors of tokens."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from benchmark.core.errors import ConfigError
from benchmark.core.files import FileName
from benchmark.models.base import InputShape, Network
from benchmark.models.surfaces import CharacterCNN, SentenceDropout, vectors_from


class BiLSTM(Network):
    """Embeddings of every id column (word, affixes, shape), a character CNN and vectors from a file, concatenated, then one bidirectional LSTM layer.

    Inputs are (B, L, F) ids; id 0 of the first column is padding. Where a task tells how its tokens are written, the last column has
    their places, which characters and vectors are looked up by. Vectors from a file stay as they are.

    Args:
        inputs: shape and vocabulary of the task.
        outputs: size of the head.
        embedding: size of each column's embedding.
        hidden: of the LSTM, per direction.
        dropout: on embeddings and on features, the same ones for all tokens of a sentence.
        characters: filters of the character CNN; 0 = none.
        vectors: a file of GloVe's format.
        init_std: standard deviation of embeddings at the start; 1 is torch's own. With little text a smaller one is better: the vectors
            of rare words, which are hardly trained, then say little.

    Raises:
        ConfigError: vectors for a task that does not tell its words, or an unusable file.
    """

    inputs: ClassVar[frozenset[str]] = frozenset({"tokens"})
    files: ClassVar[tuple[str, ...]] = ("vectors",)

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
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(size, embedding, padding_idx=0) for size in inputs.vocabulary)
        self.dropout = SentenceDropout(dropout)
        size = embedding * len(inputs.vocabulary)
        if vectors is not None and not inputs.surfaces:
            raise ConfigError(f"model.vectors={vectors}: this task does not tell how its tokens are written: leave model.vectors out")
        self.characters = CharacterCNN(inputs.surfaces, characters) if characters and inputs.surfaces else None
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                module.weight.data *= init_std
        self.vectors: Tensor | None
        self.register_buffer("vectors", None if vectors is None else vectors_from(vectors, inputs.surfaces), persistent=False)
        size += 0 if self.characters is None else characters
        size += 0 if self.vectors is None else self.vectors.shape[1]
        self.left, self.right = (nn.LSTM(size, hidden, batch_first=True) for _ in range(2))
        self.head = nn.Linear(2 * hidden, outputs)

    def encode(self, x: Tensor) -> Tensor:
        """(B, L, F) -> (B, L, 2 * hidden). Padding comes last in both reading directions, so no token depends on it."""
        parts = [table(x[..., i]) for i, table in enumerate(self.embeddings)]
        if self.characters is not None:
            parts.append(self.characters(x[..., -1]))
        if self.vectors is not None:
            parts.append(self.vectors[x[..., -1]])
        embedded = self.dropout(torch.cat(parts, dim=-1))
        # Reversing each sentence inside its own length is twice as fast as packed sequences.
        at = torch.arange(x.shape[1], device=x.device)
        length = (x[..., :1] > 0).sum(1)
        mirrored = torch.where(at < length, length - 1 - at, at).unsqueeze(2)
        backward = self.right(embedded.gather(1, mirrored.expand_as(embedded)))[0]
        backward = backward.gather(1, mirrored.expand_as(backward))
        dropped: Tensor = self.dropout(torch.cat([self.left(embedded)[0], backward], dim=-1))
        return dropped
