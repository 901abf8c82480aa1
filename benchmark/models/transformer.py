"""A pretrained language model as a tagger's encoder."""

from __future__ import annotations

import copy
import functools
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from benchmark.core.errors import ConfigError
from benchmark.core.files import FileName
from benchmark.models.base import InputShape, Network
from benchmark.models.fine_tuning import FrozenFeatures, checked_lr_scale, features_of


class Transformer(Network):
    """Any encoder of the transformers library, by name or folder; a token's features are those of its first subword.

    Each token is split into subwords on its own, as pretokenized text is; a token has at most ``subwords`` of them, fewer where its sentence
    would be longer than the encoder's positions. Padding is masked, so no token depends on it or on other sentences.
    A frozen encoder encodes each sentence once in a process, alone, and its features are kept (``fine_tuning.FrozenFeatures``).

    Args:
        inputs: of a task that tells how its tokens are written.
        outputs: size of the head.
        name: a folder, or a name of the hub, where the network allows.
        frozen: leave the encoder as it is, and train the head alone.
        dropout: on the features.
        subwords: most subwords of a token.
        lr_scale: learning rate of the encoder over that of the head.

    Raises:
        ConfigError: transformers is not installed, there is no such model, it is no encoder or has too few positions for the task's sentences,
            the task does not tell its words, or ``lr_scale`` is out of range.
    """

    version: ClassVar[int] = 2  # 2: the features of a frozen encoder do not depend on the batch any more

    pretrained: ClassVar[bool] = True
    inputs: ClassVar[frozenset[str]] = frozenset({"tokens"})
    files: ClassVar[tuple[str, ...]] = ("name",)  # where it is a folder

    ids: Tensor

    def __init__(
        self,
        inputs: InputShape,
        outputs: int,
        name: FileName = "bert-base-cased",
        frozen: bool = False,
        dropout: float = 0.1,
        subwords: int = 8,
        lr_scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.lr_scale = checked_lr_scale(lr_scale, frozen)
        if not inputs.surfaces:
            raise ConfigError(f"model.name={name}: this task does not tell how its tokens are written: take another model")
        tokenizer, self.encoder, self.kept = _pretrained(name)
        if tokenizer.cls_token_id is None or tokenizer.sep_token_id is None:
            raise ConfigError(f"model.name={name} has no tokens that begin and end a text: take an encoder such as bert-base-cased")
        self.frozen, self.dropout = frozen, nn.Dropout(dropout)
        self.begin, self.end, self.pad = tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id or 0
        config: Any = self.encoder.config
        self.positions = int(getattr(config, "max_position_embeddings", 512)) - 4  # some models begin to count behind the padding id
        if inputs.shape[0] > self.positions - 2:
            raise ConfigError(f"model.name={name} reads {self.positions - 2} tokens, a sentence has {inputs.shape[0]}: cut sentences (task.max_length)")
        self.register_buffer("ids", _subwords(tokenizer, inputs.surfaces, subwords), persistent=False)
        self.encoder.requires_grad_(not frozen)
        self.head = nn.Linear(int(config.hidden_size), outputs)

    def encode(self, x: Tensor) -> Tensor:
        """(B, L, F) -> (B, L, hidden size)."""
        pieces = self.ids[x[..., -1]]
        most = (self.positions - 2) // (x[..., 0] > 0).sum(1).clamp(min=1)
        pieces = pieces.masked_fill(torch.arange(pieces.shape[2], device=x.device) >= most[:, None, None], -1)
        encoded = self._kept_features if self.frozen else self._encoded
        found = encoded(pieces)
        features: Tensor = self.dropout(found * (x[..., :1] > 0))
        return features.requires_grad_() if torch.is_grad_enabled() and self.frozen else features

    def _encoded(self, pieces: Tensor) -> Tensor:
        """Encode the subwords of tokens, (B, L, S) -> (B, L, hidden size)."""
        sequence, first = packed(pieces, self.begin, self.end, self.pad)
        attended = (sequence != self.pad).long()
        hidden: Tensor = self.encoder(input_ids=sequence, attention_mask=attended).last_hidden_state
        return hidden.gather(1, first.unsqueeze(2).expand(-1, -1, hidden.shape[2]))

    def _kept_features(self, pieces: Tensor) -> Tensor:
        """Return what the encoder gives to each sentence alone, (B, L, S) -> (B, L, hidden size)."""
        place = torch.arange(1, pieces.shape[1] + 1, device=pieces.device)
        lengths = ((pieces[..., 0] >= 0) * place).amax(1).clamp(min=1).tolist()
        with torch.no_grad():
            sentences = zip(pieces, lengths, strict=True)
            rows = [self.kept.of(row[:length], self._encoded) for row, length in sentences]
            features: Tensor = nn.utils.rnn.pad_sequence(rows, batch_first=True)
            return nn.functional.pad(features, (0, 0, 0, pieces.shape[1] - features.shape[1]))

    def train(self, mode: bool = True) -> Transformer:
        """A frozen encoder stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.encoder.eval()
        return self


def packed(pieces: Tensor, begin: int, end: int, pad: int) -> tuple[Tensor, Tensor]:
    """Subwords of tokens (B, L, S), -1 = none, as one sequence (B, P) between ``begin`` and ``end``, and the place of each token's first, 0 where it has none.

    >>> packed(torch.tensor([[[5, -1], [6, 7]], [[8, -1], [-1, -1]]]), 1, 2, 0)
    (tensor([[1, 5, 6, 7, 2],
            [1, 8, 2, 0, 0]]), tensor([[1, 2],
            [1, 0]]))
    """
    some = pieces >= 0
    flat = some.flatten(1)
    place = flat.long().cumsum(1)
    length = place[:, -1]
    sequence = pieces.new_full((len(pieces), int(length.max()) + 2), pad)
    row = torch.arange(len(pieces), device=pieces.device)
    rows = row[:, None].expand_as(flat)
    sequence[rows[flat], place[flat]] = pieces.flatten(1)[flat]
    sequence[:, 0] = begin
    sequence[row, length + 1] = end
    return sequence, torch.where(some[..., 0], place.view_as(pieces)[..., 0], 0)


@functools.lru_cache(maxsize=1)
def loaded(name: str) -> tuple[Any, Any]:
    """The tokenizer and the encoder of a name or folder, in evaluation mode; the last one is kept.

    Raises:
        ConfigError: transformers is not installed, or there is no such model.
    """
    try:
        from transformers import AutoModel, AutoTokenizer
    except ImportError as error:
        raise ConfigError(f"model.name={name} needs the package transformers: run 'make setup-encoders'") from error
    try:
        # Byte-level tokenizers (RoBERTa) split a word otherwise where no space stands before it, and every token is a word of its own here.
        return AutoTokenizer.from_pretrained(name, add_prefix_space=True), AutoModel.from_pretrained(name)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(f"model.name={name} cannot be loaded ({reason}): give a folder with a model, or a name that the hub knows") from error


def _pretrained(name: str) -> tuple[Any, nn.Module, FrozenFeatures]:
    """Return the tokenizer, a copy of the encoder of its own, which costs milliseconds, and what is kept of the encoder."""
    tokenizer, encoder = loaded(name)
    return tokenizer, copy.deepcopy(encoder), features_of(encoder)


def _subwords(tokenizer: Any, surfaces: Sequence[str], most: int) -> Tensor:
    """(S, most) ids of each surface's subwords, -1 behind them; a surface that the tokenizer drops is its unknown token."""
    split = tokenizer([[surface or "x"] for surface in surfaces], is_split_into_words=True, add_special_tokens=False)["input_ids"]
    ids = torch.full((len(surfaces), most), -1)
    for row, pieces in enumerate(split):
        found = (pieces or [tokenizer.unk_token_id])[:most] if surfaces[row] else []
        ids[row, : len(found)] = torch.tensor(found, dtype=torch.long)
    return ids
