"""Kept features of frozen encoders, and the rate of those that learn."""

from __future__ import annotations

import pytest
import torch

from benchmark.core.errors import ConfigError
from benchmark.models.fine_tuning import FrozenFeatures, checked_lr_scale


def test_kept_features_are_bounded_and_told_apart() -> None:
    kept, calls = FrozenFeatures(most=100), list[list[int]]()

    def encode(pieces: torch.Tensor) -> torch.Tensor:
        calls.append(pieces.flatten().tolist())
        return pieces[..., :1].float().expand(-1, -1, 4) + len(calls)  # 16 bytes a token

    sentences = [torch.tensor([[1, 2], [3, -1]]), torch.tensor([[1, 2], [3, -1], [4, -1]]), torch.tensor([[1, 2, 3, -1]])]
    given = [kept.of(sentence, encode) for sentence in sentences]
    assert (len(calls), len(kept), kept.bytes) == (3, 3, 96)
    assert all(torch.equal(kept.of(s, encode), f) for s, f in zip(sentences, given, strict=True))
    assert len(calls) == 3
    kept.of(torch.tensor([[9, -1]]), encode)
    kept.of(torch.tensor([[9, -1]]), encode)
    assert (len(calls), len(kept), kept.bytes) == (5, 3, 96)  # 16 more are too many
    with torch.autocast("cpu", torch.bfloat16):
        kept.of(sentences[0], encode)
    assert len(calls) == 6  # another precision gives other features


@pytest.mark.parametrize("lr_scale", [0.0, -1.0, float("inf"), float("nan")])
def test_an_encoders_rate_is_positive(lr_scale: float) -> None:
    with pytest.raises(ConfigError, match=rf"^model.lr_scale={lr_scale} is outside \(0, inf\): give .*$"):
        checked_lr_scale(lr_scale, frozen=False)


def test_a_frozen_encoder_has_no_rate() -> None:
    assert checked_lr_scale(1.0, frozen=True) == 1
    assert checked_lr_scale(0.1, frozen=False) == 0.1
    with pytest.raises(ConfigError, match=r"^model.lr_scale=0.1 has no effect on a frozen encoder: add model.frozen=false"):
        checked_lr_scale(0.1, frozen=True)
