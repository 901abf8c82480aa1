"""Distant labels: an incomplete list of names, looked up without context."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np

from benchmark.core.digests import digest
from benchmark.core.types import Corruption, Labels
from benchmark.data.tags import Tagset, find_spans, tagset
from benchmark.noise.base import Context, Noise, check_rate, corruption
from benchmark.noise.streams import Streams

Names = dict[tuple[int, ...], int]


class Gazetteer(Noise):
    """Entities are found by looking words up in a list, the longest name first, from left to right.

    The distant labels of BOND (Liang et al., 2020, arXiv:2006.15509) and their like. The list is compiled from the right entities of the data:
    a name is listed with chance ``coverage``, under its most frequent type, and under a wrong one with chance ``mistaken``. So names that are
    not listed are missing, ambiguous ones get one type everywhere, ordinary words that are a name elsewhere are spurious, and listed parts of
    longer names shift boundaries.
    """

    family = "distant or labelling functions"
    problems = frozenset({"tagging"})
    needs = frozenset({"tokens"})
    not_nested = "its strength is the coverage: a longer name that is listed hides the shorter ones inside it"
    not_local = "the list is compiled from all sentences"

    def __init__(self, coverage: float = 0.6, mistaken: float = 0.05) -> None:
        self.coverage, self.mistaken = check_rate(coverage, "noise.coverage"), check_rate(mistaken, "noise.mistaken")

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Observed = the tags of the scan."""
        assert context.tokens is not None
        tags = tagset(labels.names)
        names = self._compile(labels, tags, context.tokens, streams)
        observed = np.where(labels.live, tags.outside, labels.value)
        longest: dict[int, int] = defaultdict(int)  # first word -> longest name that begins with it
        for name in names:
            longest[name[0]] = max(longest[name[0]], len(name))
        starts = np.flatnonzero(labels.live & np.isin(context.tokens, list(longest)))
        words, live = context.tokens.tolist(), labels.live.tolist()
        end = -1
        for at in starts.tolist():
            if at <= end:
                continue
            stop = (at // labels.width + 1) * labels.width
            for last in range(min(at + longest[words[at]], stop), at, -1):
                kind = names.get(tuple(words[at:last]))
                if kind is not None and live[last - 1]:
                    observed[at] = tags.begin[kind]
                    observed[at + 1 : last] = tags.inside[kind]
                    end = last - 1
                    break
        return corruption(labels, observed)

    def _compile(self, labels: Labels, tags: Tagset, tokens: np.ndarray, streams: Streams) -> Names:
        """Listed names with their types. What happens to a name depends on its words alone, so more coverage adds names."""
        spans, words = find_spans(labels, tags), tokens.tolist()
        types: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for first, last, kind in zip(spans.first.tolist(), spans.last.tolist(), spans.kind.tolist(), strict=True):
            types[tuple(words[first : last + 1])][kind] += 1
        seed = int(streams.generator("gazetteer").integers(1 << 62))
        listed: Names = {}
        for name, seen in types.items():
            chance = int(digest(seed, list(name)), 16)
            kind = min(seen, key=lambda k: (-seen[k], k))
            if (chance & 0xFFFFFFFF) / 2**32 < self.coverage:
                other = (chance >> 32) / 2**32
                wrong = other < self.mistaken and len(tags.begin) > 1
                listed[name] = (kind + 1 + chance % (len(tags.begin) - 1)) % len(tags.begin) if wrong else kind
        return listed
