"""MiniLM as a tagger's encoder, from a package: offline."""

from __future__ import annotations

from typing import ClassVar

from benchmark.models.base import InputShape
from benchmark.models.encoders.minilm import folder
from benchmark.models.transformer import Transformer


class MiniLM(Transformer):
    """The 384 features of all-MiniLM-L6-v2 (``encoders.minilm``) of each token's first subword. It reads lower case only.

    Args:
        inputs: of a task that tells how its tokens are written.
        outputs: size of the head.
        frozen: leave the encoder as it is, and train the head alone.
        dropout: on the features.
        subwords: most subwords of a token.
        lr_scale: learning rate of the encoder over that of the head.

    Raises:
        ConfigError: the extra ``encoders`` is not installed, the task does not tell its words, or ``lr_scale`` is out of range.
    """

    files: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        inputs: InputShape,
        outputs: int,
        frozen: bool = True,
        dropout: float = 0.1,
        subwords: int = 8,
        lr_scale: float = 1.0,
    ) -> None:
        super().__init__(inputs, outputs, str(folder()), frozen, dropout, subwords, lr_scale)
