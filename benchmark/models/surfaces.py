"""What a tagger reads from tokens as they are written: their characters, and vectors from a file."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from benchmark.core.errors import ConfigError

ALPHABET, LETTERS = 512, 16  # character ids: the first 511 code points are apart; characters of a token


def character_ids(surfaces: Sequence[str]) -> Tensor:
    """(S, 16) ids, 0 behind the end; a longer token is its first and its last 8 characters.

    >>> character_ids(["Ab"])[0, :3].tolist()
    [66, 99, 0]
    """
    half = LETTERS // 2
    ids = np.zeros((len(surfaces), LETTERS), dtype=np.int64)
    for row, surface in enumerate(surfaces):
        text = surface if len(surface) <= LETTERS else surface[:half] + surface[-half:]
        ids[row, : len(text)] = [1 + ord(letter) % (ALPHABET - 1) for letter in text]
    return torch.from_numpy(ids)


class SentenceDropout(nn.Module):
    """Dropout (B, L, D) that leaves out the same features at every place of a sentence (Gal and Ghahramani, 2016, arXiv:1512.05287)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """``x`` itself outside training."""
        return x * F.dropout(torch.ones_like(x[:, :1]), self.rate) if self.training and self.rate else x


class CharacterCNN(nn.Module):
    """Convolutions of width 3 over the characters of a token and their largest value: (..., ) places of surfaces -> (..., filters).

    Ma and Hovy, 2016, arXiv:1603.01354. Every surface of a batch is computed once.
    """

    ids: Tensor

    def __init__(self, surfaces: Sequence[str], filters: int, embedding: int = 16) -> None:
        super().__init__()
        self.register_buffer("ids", character_ids(surfaces), persistent=False)
        self.table = nn.Embedding(ALPHABET, embedding, padding_idx=0)
        self.convolution = nn.Conv1d(embedding, filters, 3, padding=1)

    def forward(self, place: Tensor) -> Tensor:
        """Padding, the surface 0, counts as a token without characters."""
        found, inverse = place.unique(return_inverse=True)
        letters = self.ids[found]
        letters = letters[:, : max(1, int((letters > 0).sum(1).max()))]
        beyond = letters == 0
        beyond[:, 0] = False
        scores = self.convolution(self.table(letters).transpose(1, 2)).masked_fill(beyond.unsqueeze(1), -torch.inf)
        pooled: Tensor = scores.amax(2)  # of its own characters: what else is in the batch says nothing
        return pooled[inverse]


@functools.lru_cache(maxsize=2)
def vectors_from(path: str, surfaces: tuple[str, ...]) -> Tensor:
    """(S, D) vectors of surfaces from a file of GloVe's format, a word and its numbers a line; zeros for words that it lacks.

    A surface takes the vector of its own spelling, or else of its lower-case form.

    Raises:
        ConfigError: no such file, or a line without numbers; names the line.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise ConfigError(f"model.vectors={path} does not exist: give a text file of a word and its numbers a line (GloVe's format)")
    wanted: dict[str, list[int]] = {}
    for row, surface in enumerate(surfaces):
        for form in {surface, surface.lower()}:
            wanted.setdefault(form, []).append(row)
    found, exact, size = dict[int, np.ndarray](), set[int](), 0
    with file.open(encoding="utf8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            word, _, numbers = line.rstrip().partition(" ")
            if word not in wanted:
                continue
            vector = np.array(numbers.split(), dtype=object)
            try:
                value = vector.astype(np.float32)
            except ValueError as error:
                if size and len(vector) > size:
                    continue  # a word with spaces, of which large files have some
                raise ConfigError(f"{file} line {number}: {word!r} is not followed by numbers alone: give a file of GloVe's format") from error
            size = size or len(value)
            if len(value) != size or not size:
                raise ConfigError(f"{file} line {number}: {word!r} has {len(value)} numbers, {size} are expected: give a file of GloVe's format")
            for row in wanted[word]:
                if surfaces[row] == word:
                    exact.add(row)
                elif row in exact:
                    continue
                found[row] = value
    if not found:
        raise ConfigError(f"model.vectors={path} has none of the task's words: give vectors of its language")
    table = np.zeros((len(surfaces), size), dtype=np.float32)
    table[list(found)] = np.stack(list(found.values()))
    return torch.from_numpy(table)
