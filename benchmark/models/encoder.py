"""The contract of a frozen encoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from torch import Tensor


class Encoder(ABC):
    """Turns images into features that no training changes. The constructor stores; ``load`` reads the weights."""

    version: ClassVar[int] = 1  # raised when the features change on purpose

    @abstractmethod
    def identity(self) -> str:
        """Digest of all that decides the features of an image: the weights, and how images are scaled.

        Raises:
            UserError: the encoder is not installed or cannot be read.
        """

    def weights(self) -> str:
        """Digest of the weights alone: two encoders that differ in how they scale images are the same network.

        Raises:
            UserError: the encoder is not installed or cannot be read.
        """
        return self.identity()

    @abstractmethod
    def load(self) -> Callable[[Tensor], Tensor]:
        """A function from images (B, C, H, W) in [0, 1] to features (B, D).

        Raises:
            UserError: the encoder is not installed or cannot be read.
        """
