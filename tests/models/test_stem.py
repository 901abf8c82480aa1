"""The stem of image networks."""

from __future__ import annotations

import torch

from benchmark.models.stem import Stem


def test_stem_normalises_and_shrinks_by_whole_pixels() -> None:
    x = torch.rand(2, 3, 8, 12)
    torch.testing.assert_close(Stem()(x), (x - 0.5) / 0.25)
    small = Stem(4)(x)
    assert small.shape == (2, 3, 4, 6)
    torch.testing.assert_close(small[:, :, 1, 2], 4 * (x[:, :, 2:4, 4:6].mean((2, 3)) - 0.5))
    assert Stem(5)(x).shape == x.shape
