"""WRENCH: a user's own folder of texts with the votes of labelling functions, in the layout of that benchmark."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import Tensor

from benchmark.core.answers import Answers
from benchmark.core.errors import ConfigError, DataError
from benchmark.core.files import FileName, NamedFile
from benchmark.core.paths import Paths
from benchmark.core.types import Examples, Task
from benchmark.data import own as owndata
from benchmark.data.problems import Multiclass
from benchmark.data.texts import cleaned, hashed, tf_idf
from benchmark.models.encoders.minilm import text_vectors

GIVES = frozenset({"votes"})
FILES = ("train.json", "valid.json", "test.json", "label.json")
Vectors = Literal["tf_idf", "hashed", "minilm"]
TELLS = 0.3  # by how much first words may tell classes better in one part than in training
DIFFERS = 0.1  # by how much votes may be right more or less often in one part than in training
ENOUGH = 100  # votes or texts from which a difference counts

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Part:
    """Hold one file: texts, ground-truth classes (E,), votes (E, A) with -1 = abstains, and a language model's labels."""

    path: Path
    texts: list[str]
    label: np.ndarray
    votes: np.ndarray
    model: np.ndarray | None

    def accuracy(self) -> tuple[float, int]:
        """Return the share of right votes, and how many votes there are."""
        cast = self.votes >= 0
        right = (self.votes == self.label[:, None]) & cast
        return float(right.sum() / max(cast.sum(), 1)), int(cast.sum())


def load(
    paths: Paths,
    path: FileName | None = None,
    vectors: Vectors = "tf_idf",
    words: int = 20_000,
    first_word: Literal["keep", "drop"] = "keep",
    val: Literal["valid", "train"] = "valid",
) -> Task:
    """Read train.json, valid.json, test.json and label.json; classes are ground truth, ``lf_<k>`` the functions.

    A text that no function votes on is unlabelled under ``noise=votes``. A sentence with two marked
    entities has them as words of their own. ``llm_label`` becomes the set ``llm``.

    Args:
        paths: a relative ``path`` starts at the working directory or else at ``paths.data``.
        path: folder of the four files.
        vectors: words and pairs of words weighted by rarity | hashed ones | a frozen language model's.
        words: terms at most, or hashed ones.
        first_word: drop removes the first word of every test text, where it tells the class.
        val: valid validates on valid.json; train carves validation out of train.json and leaves
            valid.json out, where its votes belong to other texts.

    Raises:
        ConfigError: a setting is missing or wrong. DataError: a file cannot be used.
    """
    folder = owndata.find(path, "task.path", paths)
    if not folder.is_dir():
        raise ConfigError(f"task.path={path} is a file: give the folder of {', '.join(FILES)}")
    names = _names(folder / "label.json")
    train, valid, test = (_part(folder / name, names) for name in FILES[:3])
    _check(train, valid, test, first_word)
    used = [train, valid] if val == "valid" else [train]
    every = [text for part in used for text in part.texts] + _tested(test, first_word)
    size = len(train.texts)
    x = _vectors(every, np.arange(len(every)) < size, vectors, words, paths)
    votes = np.concatenate([part.votes for part in used])
    held = Examples(x[size : size + len(valid.texts)], valid.label) if val == "valid" else None
    # A text that stands twice stays on one side where validation is carved out of training.
    _, groups = np.unique(np.array(train.texts), return_inverse=True)
    return Task(
        "own-wrench",
        Multiclass(names),
        Examples(x[:size], train.label),
        Examples(x[-len(test.texts) :], test.label),
        groups=None if held is not None else groups,
        val=held,
        annotations=_language_model(used),
        answers=Answers.from_votes(votes, [f"lf_{k}" for k in range(votes.shape[1])]),
        val_fraction=owndata.VAL_FRACTION,
        places=np.array([f"{part.path.name} {at}" for part in (train, test) for at in range(len(part.texts))]),
        files=owndata.digests(*(folder / name for name in FILES)),
    )


def contents(named: NamedFile) -> list[Path]:
    """Return the four files of the folder, which are all that is read."""
    return [] if named.found is None else [named.found / name for name in FILES if (named.found / name).is_file()]


def _vectors(texts: Sequence[str], training: np.ndarray, vectors: Vectors, words: int, paths: Paths) -> Tensor:
    if vectors == "minilm":
        import torch

        return torch.from_numpy(text_vectors(list(texts), paths.cache))
    return tf_idf(texts, training, words) if vectors == "tf_idf" else hashed(texts, words)


def _read(path: Path) -> Any:
    try:
        return json.loads(owndata.unpacked(path).decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing: a WRENCH folder holds {', '.join(FILES)}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON ({error}): it was cut off or altered, copy it again") from error


def _names(path: Path) -> list[str]:
    """Return the names of the classes 0 .. K - 1."""
    content = _read(path)
    if not isinstance(content, Mapping) or sorted(content) != sorted(map(str, range(len(content)))) or len(content) < 2:
        raise DataError(f"{path} does not name the classes 0, 1, ...: it holds {str(content)[:60]}")
    return [str(content[str(k)]) for k in range(len(content))]


def _part(path: Path, names: Sequence[str]) -> Part:
    """Read one file.

    Raises:
        DataError: an example lacks something, or a class or vote is none; names the example.
    """
    content = _read(path)
    if not isinstance(content, Mapping) or not content:
        raise DataError(f"{path} holds no examples: expected {{'0': {{'label': ..., 'weak_labels': [...], 'data': {{'text': ...}}}}, ...}}")
    texts, labels, votes, models = [], list[int](), list[list[int]](), []
    for key, example in content.items():
        try:
            texts.append(_text(example["data"]))
            labels.append(_class(example["label"], names, path, key, least=0))
            votes.append([_class(vote, names, path, key) for vote in example["weak_labels"]])
            models.append(_class(example.get("llm_label", -1), names, path, key))
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(f"{path}, example {key}: label, weak_labels or data.text is missing or of another kind ({error})") from error
        if len(votes[-1]) != len(votes[0]) or not votes[0]:
            raise DataError(f"{path}, example {key}: {len(votes[-1])} votes, the first example has {len(votes[0])}: every function has a place")
    model = np.array(models) if any("llm_label" in example for example in content.values()) else None
    return Part(path, texts, np.array(labels), np.array(votes), model)


def _class(value: Any, names: Sequence[str], path: Path, key: str, least: int = -1) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < len(names):
        raise DataError(f"{path}, example {key}: {value!r} is no class: label.json names 0 to {len(names) - 1}, and a function that abstains says -1")
    return value


def _text(data: Mapping[str, Any]) -> str:
    """Return a text; the marked entities of a sentence stand before it, as words of their own."""
    text = cleaned(data["text"])
    marked = [f"entity{place}_{word}" for place in (1, 2) for word in str(data.get(f"entity{place}", "")).lower().split()]
    return " ".join([*marked, text])


def _language_model(used: Sequence[Part]) -> dict[str, np.ndarray]:
    labels = [part.model for part in used if part.model is not None]
    return {"llm": np.concatenate(labels)} if len(labels) == len(used) else {}


def _tested(test: Part, first_word: str) -> list[str]:
    """Return the test texts, without their first word if that is to be dropped."""
    if first_word == "keep":
        return test.texts
    return [text.partition(" ")[2] or text for text in test.texts]


def _check(train: Part, valid: Part, test: Part, first_word: str) -> None:
    """Name what is wrong with a download as a whole: too few texts, silent functions, and the two traps.

    Raises:
        DataError: nothing can be learned from it.
    """
    owndata.check_size(train.path, len(train.texts), "texts")
    _check_sources([train, valid, test])
    _check_votes(train, valid)
    told = _first_words(test)
    usual = _first_words(train)
    if first_word == "keep" and told > usual + TELLS and len(test.texts) >= ENOUGH:
        log.warning(
            "%s: the first word of a text tells its class (%.0f %% of texts; %.0f %% in %s): task.first_word=drop leaves it out",
            test.path, 100 * told, 100 * usual, train.path.name,
        )  # fmt: skip


def _check_sources(parts: Sequence[Part]) -> None:
    """Name functions that never vote.

    Raises:
        DataError: the files have different functions.
    """
    train, *others = parts
    for part in others:
        if part.votes.shape[1] != train.votes.shape[1]:
            raise DataError(f"{part.path} has the votes of {part.votes.shape[1]} functions, {train.path} of {train.votes.shape[1]}")
    silent = np.flatnonzero((train.votes < 0).all(0))
    if len(silent) == train.votes.shape[1]:
        raise DataError(f"{train.path}: no function votes on any text: nothing is labelled")
    if len(silent):
        log.warning("%s: %s never vote", train.path, ", ".join(f"lf_{k}" for k in silent[:10]))


def _first_words(part: Part) -> float:
    """Return the share of texts whose class the other texts with the same first word tell, if there are three of them at least."""
    first = np.array([text.split(maxsplit=1)[0].lower() if text.split() else "" for text in part.texts])
    told = 0
    for word in np.unique(first):
        counts = np.bincount(part.label[first == word])
        if counts.sum() >= 4 and counts.max() / counts.sum() > 0.95:
            told += int(counts.max())
    return told / len(part.texts)


def _check_votes(train: Part, valid: Part) -> None:
    """Say where votes are right far more or less often than in training: they may belong to other texts."""
    expected, _ = train.accuracy()
    found, count = valid.accuracy()
    if count >= ENOUGH and abs(found - expected) > DIFFERS:
        log.warning(
            "%s: a vote is right %.1f %% of the time, in %s %.1f %%: its votes may belong to other texts; task.val=train validates without them",
            valid.path, 100 * found, train.path.name, 100 * expected,
        )  # fmt: skip
