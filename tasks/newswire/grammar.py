"""Expansion of the templates into tagged sentences."""

from __future__ import annotations

import functools
from bisect import bisect
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from benchmark.core.seeds import seed_for
from tasks.newswire.names import Inventory, inventories
from tasks.newswire.templates import PHRASES, SENTENCES

MIN_LENGTH, MAX_LENGTH = 6, 28
NEW_AT_TEST = 0.5  # of the entities of a test sentence, in expectation
RANK_OFFSET = 15  # flattens the frequencies of names
SMALL_WORDS = frozenset(["a", "an", "as", "by", "for", "from", "in", "of", "on", "over", "to", "and", "the", "past"])

# Slot -> inventories to choose from, and the form: full, short, or any.
SLOTS: dict[str, tuple[tuple[str, ...], str]] = {
    "PER": (("PER",), "any"),
    "FULL": (("PER",), "full"),
    "LAST": (("PER",), "short"),
    "PLACE": (("CITY", "CITY", "STATE", "REGION"), "any"),
    "WHO": (("PER", "PER", "COMPANY", "COMPANY", "INST", "CLUB", "GOV", "STATE"), "short"),
    "ANY": (("PER", "CITY", "STATE", "COMPANY", "INST", "CLUB", "PRODUCT"), "any"),
} | {name: ((name,), "any") for name in ("CITY", "STATE", "REGION", "COMPANY", "INST", "CLUB", "GOV", "PRODUCT", "BRAND")}

Node = str | tuple["Words", ...]  # a word or symbol, or alternatives
Words = tuple[Node, ...]


@dataclass(frozen=True)
class Tagged:
    """Tokens and their right IOB2 tags."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]


@functools.cache
def parse(text: str) -> Words:
    """A template as a tree."""
    return _alternatives(iter(text.split()), "")[0]


def _alternatives(text: Iterator[str], end: str) -> tuple[Words, ...]:
    done: list[Words] = []
    now: list[Node] = []
    for word in text:
        if word == end:
            break
        if word == "[":
            now.append(((), *_alternatives(text, "]")))
        elif word == "(":
            now.append(_alternatives(text, ")"))
        elif word == "|":
            done.append(tuple(now))
            now = []
        else:
            now.append(word)
    return (*done, tuple(now))


@functools.cache
def _ranks(count: int) -> list[float]:
    """Cumulative frequencies of ``count`` entities: names follow a flattened power law."""
    return list(accumulate(1 / (rank + RANK_OFFSET) for rank in range(count)))


class Writer:
    """Writes sentences from its own random numbers. ``new`` is the chance of an entity that training never saw."""

    def __init__(self, new: float, *axes: object) -> None:
        self.random: Callable[[], float] = np.random.Generator(np.random.Philox(key=seed_for("newswire", *axes))).random
        self.new = new
        self.numbers: dict[str, Callable[[], str]] = {
            "#digit": lambda: str(2 + self._below(8)),
            "#count": lambda: ("two", "three", "a dozen", "#", "#")[self._below(5)].replace("#", f"{(1 + self._below(90)) * 50:,}"),
            "#money": lambda: f"${1 + self._below(900)} {('million', 'billion')[self._below(2)]}",
            "#million": lambda: f"${1 + self._below(90)} million",
            "#price": lambda: f"${20 + self._below(900)}",
            "#percent": lambda: f"{self._below(40)}.{self._below(10)} percent",
            "#score": lambda: f"{self._below(7)}-{self._below(5)}",
            "#year": lambda: str(1990 + self._below(30)),
            "#age": lambda: str(18 + self._below(60)),
            "#clock": lambda: f"{1 + self._below(9)}:{10 + self._below(50)}.{10 + self._below(90)}",
        }

    def sentences(self, count: int, avoid: Set[tuple[str, ...]] = frozenset()) -> list[Tagged]:
        """``count`` sentences, none of which is in ``avoid``."""
        made: list[Tagged] = []
        while len(made) < count:
            sentence = self.sentence()
            if sentence.tokens not in avoid:
                made.append(sentence)
        return made

    def sentence(self) -> Tagged:
        """One sentence of ``MIN_LENGTH`` to ``MAX_LENGTH`` tokens."""
        while True:
            template = SENTENCES[self._below(len(SENTENCES))]
            headline = template.startswith("^")
            pairs: list[tuple[str, str]] = []
            self._expand(parse(template.lstrip("^")), pairs, set())
            if MIN_LENGTH <= len(pairs) <= MAX_LENGTH:
                words = [word for word, _ in pairs]
                if headline:
                    words = [word if word in SMALL_WORDS else _capital(word) for word in words]
                return Tagged((_capital(words[0]), *words[1:]), tuple(tag for _, tag in pairs))

    def _below(self, count: int) -> int:
        return int(self.random() * count)

    def _expand(self, sequence: Words, pairs: list[tuple[str, str]], used: set[str]) -> None:
        for node in sequence:
            if isinstance(node, tuple):
                self._expand(node[self._below(len(node))], pairs, used)
            elif node[0] == "{":
                options = PHRASES[node[1:-1]]
                self._expand(parse(options[self._below(len(options))]), pairs, used)
            elif node[0] == "<":
                self._mention(node[1:-1], pairs, used)
            else:
                words = self.numbers[node]().split() if node in self.numbers else [{"-LRB-": "(", "-RRB-": ")"}.get(node, node)]
                pairs.extend((word, "O") for word in words)

    def _mention(self, slot: str, pairs: list[tuple[str, str]], used: set[str]) -> None:
        names, form = SLOTS[slot.rstrip("!")]
        inventory = inventories()[names[self._below(len(names))]]
        while (surface := self._surface(inventory, form)) in used:
            pass  # one sentence does not name a thing twice
        used.add(surface)
        if surface.startswith("the "):
            pairs.append(("the", "O"))
        words = (surface.upper() if slot.endswith("!") else surface).removeprefix("the ").split()
        pairs.extend((word, f"{'I' if i else 'B'}-{inventory.type}") for i, word in enumerate(words))

    def _surface(self, inventory: Inventory, form: str) -> str:
        pool = inventory.new if self.random() < self.new else inventory.seen
        total = _ranks(len(pool))
        entity = pool[bisect(total, self.random() * total[-1])]
        return entity[0] if form == "full" or (form == "any" and self.random() < 0.5) else entity[-1]


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]
