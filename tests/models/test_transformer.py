"""Language models as encoders: packing by hand, the model itself where transformers is installed."""

from __future__ import annotations

import copy
import importlib.util
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from benchmark.config.build import build, load
from benchmark.core.errors import ConfigError
from benchmark.models import transformer
from benchmark.models.base import InputShape
from benchmark.models.transformer import packed
from benchmark.training.trainer import TrainerSettings, parameter_groups

SURFACES = ("", "Oslo", "is", "cold", "coldly")
INPUTS = InputShape((4, 2), torch.int64, (7,), SURFACES)
HERE = importlib.util.find_spec("transformers") is not None


def test_subwords_are_packed_without_holes() -> None:
    rng = torch.Generator().manual_seed(0)
    size = torch.randint(1, 4, (5, 6), generator=rng)
    for row, length in enumerate((6, 3, 1, 5, 2)):
        size[row, length:] = 0
    pieces = torch.where(torch.arange(3) < size.unsqueeze(2), torch.randint(10, 99, (5, 6, 3), generator=rng), -1)
    sequence, first = packed(pieces, 1, 2, 0)
    for row in range(5):
        flat = [int(p) for token in pieces[row] for p in token if p >= 0]
        assert sequence[row].tolist() == [1, *flat, 2] + [0] * (sequence.shape[1] - len(flat) - 2)
        for column in range(6):
            if size[row, column]:
                assert sequence[row, first[row, column]] == pieces[row, column, 0]
                assert first[row, column] == 1 + int(size[row, :column].sum())


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigError, match=r"model.name=bert-base-cased needs the package transformers: run 'make setup-encoders'"):
        build(load("model", "transformer"), "model", inputs=INPUTS, outputs=3)


def test_a_task_must_tell_its_words() -> None:
    with pytest.raises(ConfigError, match="does not tell how its tokens are written"):
        build(load("model", "transformer"), "model", inputs=InputShape((4, 1), torch.int64, (7,)), outputs=3)


def write_model(folder: Path, **options: int) -> None:
    """A tiny language model whose only long token is ``coldly``, of two subwords."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Oslo", "is", "cold", "##ly"]
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(str(folder / "vocab.txt"), do_lower_case=False).save_pretrained(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = BertConfig(vocab_size=len(words), hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, **options)
        BertModel(config).save_pretrained(folder)


@pytest.mark.skipif(not HERE, reason="transformers is not installed")
def test_a_long_sentence_takes_no_subwords_from_others_and_too_long_ones_are_refused(tmp_path: Path) -> None:
    write_model(tmp_path, max_position_embeddings=16)
    made: Any = build(load("model", "transformer", name=str(tmp_path)), "model", inputs=InputShape((6, 2), torch.int64, (7,), SURFACES), outputs=3)
    made.eval()
    x = torch.tensor([[[1, 4]] * 6, [[1, 4], [1, 2], *[[0, 0]] * 4]])
    torch.testing.assert_close(made(x)[1, :2], made(x[1:, :2])[0])
    assert made(x[:1]).shape == (1, 6, 3)  # one subword a token: two would be beyond the last position
    with pytest.raises(ConfigError, match=r"reads 10 tokens, a sentence has 11: cut sentences \(task.max_length\)"):
        build(load("model", "transformer", name=str(tmp_path)), "model", inputs=InputShape((11, 2), torch.int64, (7,), SURFACES), outputs=3)


@pytest.mark.skipif(not HERE, reason="transformers is not installed")
def test_a_byte_level_tokenizer_sees_words_not_beginnings_of_texts(tmp_path: Path) -> None:
    from transformers import RobertaConfig, RobertaModel

    pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "\u0120", *"abcdefghijklmnopqrstuvwxyzO", "\u0120c", "\u0120co", "\u0120col", "\u0120cold"]
    (tmp_path / "vocab.json").write_text(json.dumps({piece: i for i, piece in enumerate(pieces)}))
    (tmp_path / "merges.txt").write_text("#version: 0.2\n\u0120 c\n\u0120c o\n\u0120co l\n\u0120col d\n")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "RobertaTokenizer"}))
    config = RobertaConfig(vocab_size=len(pieces), hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    with torch.random.fork_rng(devices=[]):
        RobertaModel(config).save_pretrained(tmp_path)
    made: Any = build(load("model", "transformer", name=str(tmp_path)), "model", inputs=INPUTS, outputs=3)
    assert made.ids[3].tolist() == [pieces.index("\u0120cold")] + [-1] * 7


def test_a_model_that_marks_no_beginning_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transformer, "loaded", lambda name: (SimpleNamespace(cls_token_id=None, sep_token_id=None), torch.nn.Linear(1, 1)))
    with pytest.raises(ConfigError, match=r"model.name=gpt2 has no tokens that begin and end a text: take an encoder"):
        build(load("model", "transformer", name="gpt2"), "model", inputs=INPUTS, outputs=3)


@pytest.mark.skipif(not HERE, reason="transformers is not installed")
@pytest.mark.parametrize("frozen", [True, False])
def test_a_small_model_from_a_folder(tmp_path: Path, frozen: bool) -> None:
    write_model(tmp_path)
    made: Any = build(load("model", "transformer", name=str(tmp_path), frozen=frozen), "model", inputs=INPUTS, outputs=3)
    assert made.ids[4].tolist()[:3] == [7, 8, -1]
    x = torch.tensor([[[1, 1], [1, 2], [1, 4], [0, 0]], [[1, 3], [0, 0], [0, 0], [0, 0]]])
    made.train()
    made(x).sum().backward()
    learned = {name.partition(".")[0] for name, p in made.named_parameters() if p.grad is not None}
    assert learned == ({"head"} if frozen else {"head", "encoder"})
    made.eval()
    torch.testing.assert_close(made(x)[1, :1], made(x[1:, :1])[0])
    hidden = made.encoder(torch.tensor([[2, 5, 6, 7, 8, 3]])).last_hidden_state[0]
    torch.testing.assert_close(made.encode(x[:1])[0, :3], hidden[1:4])


@pytest.mark.skipif(not HERE, reason="transformers is not installed")
def test_a_frozen_encoder_encodes_a_sentence_once_and_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(tmp_path)
    first, second = (build(load("model", "transformer", name=str(tmp_path), frozen=True, dropout=0.0), "model", inputs=INPUTS, outputs=3) for _ in range(2))
    calls: list[tuple[int, ...]] = []
    for network in (first, second):
        real = network.encoder.forward
        monkeypatch.setattr(
            network.encoder,
            "forward",
            lambda *, input_ids, real=real, **rest: calls.append(tuple(input_ids.shape)) or real(input_ids=input_ids, **rest),
        )
    x = torch.tensor([[[1, 1], [1, 2], [1, 4], [0, 0]], [[1, 3], [0, 0], [0, 0], [0, 0]]])
    features = first.encode(x)
    assert calls == [(1, 6), (1, 3)]  # 4 subwords and 1, each between two marks
    assert torch.equal(first.encode(x[1:, :1])[0], features[1, :1])
    assert torch.equal(second.encode(x.flip(0)).flip(0), features)
    assert len(calls) == 2
    assert features.shape == (2, 4, 8)
    assert not features[1, 1:].any()
    assert first.kept is second.kept
    assert copy.deepcopy(first).kept is first.kept
    alone = real(input_ids=torch.tensor([[2, 5, 6, 7, 8, 3]])).last_hidden_state[0, 1:4]
    torch.testing.assert_close(features[0, :3], alone)
    head = first.head(features.requires_grad_()).sum()
    head.backward()
    assert first.head.weight.grad is not None
    first.encode(torch.tensor([[[1, 2], [1, 1]]]))
    assert len(calls) == 3  # the same words in another order are another sentence


@pytest.mark.skipif(not HERE, reason="transformers is not installed")
def test_what_is_dropped_is_drawn_anew(tmp_path: Path) -> None:
    write_model(tmp_path)
    made: Any = build(load("model", "transformer", name=str(tmp_path), frozen=True, dropout=0.5), "model", inputs=INPUTS, outputs=3)
    x = torch.tensor([[[1, 1], [1, 2], [1, 4], [0, 0]]])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        assert not torch.equal(made.encode(x), made.encode(x))
    made.eval()
    assert torch.equal(made.encode(x), made.encode(x))


@pytest.mark.skipif(not HERE, reason="transformers is not installed")
def test_the_encoder_of_a_tagger_has_the_rate_that_was_asked_for(tmp_path: Path) -> None:
    write_model(tmp_path)
    made: Any = build(load("model", "transformer", name=str(tmp_path), lr_scale=0.1), "model", inputs=INPUTS, outputs=3)
    optimizer = TrainerSettings(lr=0.5).make_optimizer(parameter_groups(made))
    encoder, head = optimizer.param_groups
    assert (encoder["lr"], head["lr"]) == (0.05, 0.5)
    assert {id(p) for p in encoder["params"]} == {id(p) for p in made.encoder.parameters()}
    assert {id(p) for p in head["params"]} == {id(p) for p in made.head.parameters()}
