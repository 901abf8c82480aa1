"""The tagger: characters, vectors and how embeddings begin."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.taggers import tagger

from benchmark.config.build import build, load
from benchmark.core.errors import ConfigError
from benchmark.models.base import InputShape


@pytest.mark.parametrize("name", ["bilstm", "bilstm_crf"])
def test_spelling_tells_words_of_one_id_apart(name: str) -> None:
    x = torch.tensor([[[1, 1], [1, 3], [0, 0], [0, 0]], [[1, 2], [1, 3], [0, 0], [0, 0]]])
    with_letters, without = tagger(name), tagger(name, characters=0)
    assert not torch.equal(with_letters(x)[0, :2], with_letters(x)[1, :2])
    assert torch.equal(without(x)[0, :2], without(x)[1, :2])
    torch.testing.assert_close(with_letters(x)[0, :2], with_letters(x[:1, :2])[0])  # padding says nothing
    longer = torch.cat([x, torch.tensor([[[1, 5], [0, 0], [0, 0], [0, 0]]])])
    torch.testing.assert_close(with_letters(longer)[:2], with_letters(x))  # nor does a longer token of another sentence


def test_embeddings_begin_as_small_as_asked_for() -> None:
    plain, small = (tagger(init_std=std) for std in (1.0, 0.1))
    tables = [{name: p for name, p in network.named_parameters() if "table" in name or "embeddings" in name} for network in (plain, small)]
    assert len(tables[0]) == 2
    for name, weight in tables[0].items():
        torch.testing.assert_close(tables[1][name], weight * 0.1)
    assert torch.equal(plain.left.weight_ih_l0, small.left.weight_ih_l0)  # type: ignore[union-attr]


def test_vectors_need_a_task_that_tells_its_words(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not tell how its tokens are written"):
        build(load("model", "bilstm", vectors=str(tmp_path)), "model", inputs=InputShape((4, 1), torch.int64, (7,)), outputs=3)
