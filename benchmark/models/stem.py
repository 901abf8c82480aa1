"""What every image network does first: images as numbers in [0, 1] become inputs of about unit size, of no more pixels than asked for."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

CENTER, SCALE = 0.5, 0.25  # near the moments of natural images (CIFAR-10: .47 and .25), and the same for all data: nothing is fitted


class Stem(nn.Module):
    """(x - .5) / .25, then the mean over squares of whole pixels until the shorter side has less than twice ``size``.

    Pixels are kept as bytes; a batch becomes numbers in ``parts.as_numbers`` (what methods mix) and is normalised and shrunk here, so
    that no copy of the data set exists in another size or type.

    Args:
        size: pixels of the shorter side, None = as it is.
    """

    def __init__(self, size: int | None = None) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) in [0, 1] -> (B, C, h, w)."""
        x = (x - CENTER) / SCALE
        factor = 1 if self.size is None else min(x.shape[-2:]) // self.size
        return F.avg_pool2d(x, factor) if factor > 1 else x
