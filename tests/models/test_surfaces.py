"""Characters and word vectors of tokens."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.taggers import SURFACES, tagger
from torch import nn

from benchmark.config.grid import expand
from benchmark.core.errors import ConfigError
from benchmark.core.files import changed, sha256_of
from benchmark.core.paths import Paths
from benchmark.models.surfaces import LETTERS, CharacterCNN, SentenceDropout, character_ids, vectors_from
from benchmark.running.conditions import conditions_for


def test_ids_of_characters() -> None:
    ids = character_ids(SURFACES)
    assert ids.shape == (6, LETTERS)
    assert ids[0].sum() == 0
    assert (ids[1] > 0).sum() == 4
    assert ids[1, 1:4].tolist() == ids[2, 1:4].tolist()
    assert ids[1, 0] != ids[2, 0]
    assert ids[5].tolist() == character_ids(["a-very-l" + "-letters"])[0].tolist()
    assert len({int(character_ids([letter])[0, 0]) for letter in map(chr, range(32, 511))}) == 479


def test_convolution_against_a_sum_of_products() -> None:
    """max over positions of b + sum_j W_j e_(t+j), computed for each token alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = CharacterCNN(SURFACES, 3)
    found = network(torch.tensor([[3, 1], [1, 4]]))
    assert found.shape == (2, 2, 3)
    weight, bias = network.convolution.weight, network.convolution.bias
    for place, at in ((3, (0, 0)), (1, (0, 1)), (1, (1, 0)), (4, (1, 1))):
        size = len(SURFACES[place])
        letters = network.table(character_ids([SURFACES[place]])[0, :size])
        padded = torch.cat([torch.zeros(1, 16), letters, torch.zeros(1, 16)])
        values = torch.stack([bias + sum(weight[:, :, j] @ padded[t + j] for j in range(3)) for t in range(size)])
        torch.testing.assert_close(found[at], values.amax(0))


def test_dropout_leaves_out_the_same_features_of_a_sentence() -> None:
    x = torch.randn(3, 5, 40, generator=torch.Generator().manual_seed(0))
    dropout = SentenceDropout(0.4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = dropout(x)
    kept = found != 0
    torch.testing.assert_close(found[kept], x[kept] / 0.6)
    assert bool((kept == kept[:, :1]).all())
    assert not torch.equal(kept[0], kept[1])
    assert 0.4 < float(kept.float().mean()) < 0.8
    assert torch.equal(dropout.eval()(x), x)


def test_vectors_from_a_file_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    path.write_text("the 1 2\noslo 0.5 -1\noslo fjord 9 9\nOslo 3 4\ntallinn 7 8\n, . x\n")
    table = vectors_from(str(path), SURFACES)
    assert table.tolist() == [[0, 0], [3, 4], [0.5, -1], [7, 8], [0, 0], [0, 0]]
    network = tagger(vectors=str(path))
    assert network.left.input_size == 4 + 24 + 2  # type: ignore[union-attr]
    assert not any("vectors" in name for name, _ in network.named_parameters())
    assert isinstance(network.head, nn.Linear)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Oslo 1 2\noslo 1\n", r"line 2: 'oslo' has 1 numbers, 2 are expected"),
        ("Oslo one 2\n", r"line 1: 'Oslo' is not followed by numbers alone"),
        ("the 1 2\n", r"has none of the task's words"),
        (None, r"model.vectors=.* does not exist"),
    ],
)
def test_unusable_vectors_are_one_line(text: str | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        vectors_from(str(path), SURFACES)


def test_a_row_names_the_vectors_and_matrices_that_it_read(tmp_path: Path) -> None:
    vectors, matrix = tmp_path / "glove.txt", tmp_path / "matrix.csv"
    vectors.write_text("the 1 2\n")
    matrix.write_text("\n".join(",".join("1" if i == j else "0" for j in range(9)) for i in range(9)))
    product = {
        "task": "newswire",
        "noise": f"transition(matrix={matrix})",
        "method": "erm",
        "model": f"bilstm(vectors={vectors},hidden=4,embedding=4,characters=0)",
        "trainer": "smoke(reference_folds=0)",
    }
    (cell,) = expand([product], {}, {}, []).cells
    conditions = conditions_for(cell, (0, 0, 0), Paths(tmp_path, tmp_path / "results", tmp_path / "cache"))
    assert conditions.files == {str(path): sha256_of(path) for path in (vectors, matrix)}
    assert conditions.recipe.networks(conditions.data.problem, 1)[0].left.input_size == 4 * 4 + 2  # type: ignore[union-attr]
    before = dict(conditions.files)
    assert not changed(before)
    vectors.write_text("the 1 3\n")
    assert changed(before)
