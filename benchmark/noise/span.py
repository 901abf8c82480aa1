"""Noise on whole entities: missing, spurious, of a wrong type, with shifted boundaries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from benchmark.core.errors import ConfigError
from benchmark.core.types import Corruption, Labels
from benchmark.data.tags import Spans, Tagset, find_spans, tagset, write_spans
from benchmark.noise.base import Context, Noise, check_rate, corruption
from benchmark.noise.streams import Streams

# Shares per right entity of (missing, spurious, wrong type, shifted boundary), measured on the training part of NoiseBench (Merdjanovska, Aynetdinov
# and Akbik, 2024, arXiv:2405.07609): errors overlap no right entity, or its very tokens, or part of them. They imply the labels' precision and recall.
PRESETS: Mapping[str, tuple[float, float, float, float]] = {
    "expert": (0.0055, 0.0018, 0.0450, 0.0086),
    "crowd_best": (0.1208, 0.0107, 0.0372, 0.0443),
    "crowd": (0.2890, 0.0318, 0.0755, 0.0839),
    "distant": (0.2594, 0.0093, 0.0585, 0.0890),
    "weak": (0.0527, 0.1594, 0.1883, 0.1137),
    "llm": (0.1413, 0.3161, 0.1929, 0.0636),
}
KINDS = ("missing", "spurious", "type", "boundary")
LENGTHS = np.array([0.78, 0.18, 0.04])  # of spurious entities: 1, 2, 3 tokens (pooled over the same sets)


class Span(Noise):
    """Each entity is missing, gets a wrong type, or a shifted boundary, and spurious entities appear, with four rates per right entity.

    Entities are hit by at most one error; precision = r / (1 - missing + spurious) and recall = r = 1 - missing - type - boundary. A wrong type is uniform over
    the others. A boundary loses or gains one token on one side (long entities mostly shrink). Spurious entities lie on tokens that are O.
    ``preset``: expert, crowd_best (Crowd++), crowd, distant, weak or llm annotation; a rate of your own replaces that of the preset, which is 0 without one.
    Where there is no room (one type, no neighbouring O) other entities take the error; where nobody can, it is left out.
    """

    family = "token or span"
    problems = frozenset({"tagging"})
    not_nested = "four rates; an entity has at most one of the errors"
    not_local = "rates are per right entity of the whole data"

    def __init__(
        self,
        preset: Literal["expert", "crowd_best", "crowd", "distant", "weak", "llm"] | None = "crowd",
        missing: float | None = None,
        spurious: float | None = None,
        type: float | None = None,
        boundary: float | None = None,
    ) -> None:
        given = (missing, spurious, type, boundary)
        default = PRESETS[preset] if preset is not None else (0.0,) * 4
        self.rates = {
            kind: check_rate(base if own is None else own, f"noise.{kind}", most=5 if kind == "spurious" else 1)
            for kind, own, base in zip(KINDS, given, default, strict=True)
        }
        total = sum(self.rates[kind] for kind in ("missing", "type", "boundary"))
        if total > 1:
            raise ConfigError(f"noise.missing + noise.type + noise.boundary = {total:.3g} is above 1: an entity has at most one of these errors")

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Errors of right entities first, then spurious ones on what is O before and after."""
        tags = tagset(labels.names)
        spans = find_spans(labels, tags)
        observed = labels.value.copy()
        self._errors(observed, labels, spans, tags, streams)
        self._spurious(observed, labels, len(spans.first), tags, streams)
        return corruption(labels, observed)

    def _errors(self, observed: np.ndarray, labels: Labels, spans: Spans, tags: Tagset, streams: Streams) -> None:
        chance, pick = streams["flip"][spans.first], streams["pick"][spans.first]
        moved = shifted(labels, spans, tags, streams["side"][spans.first], streams["toward"][spans.first])
        able = (moved.first != spans.first) | (moved.last != spans.last)
        several = len(tags.begin) > 1
        missing, wrong = self.rates["missing"], self.rates["type"] if several else 0.0
        # Entities that can move take the share of those that cannot.
        edge = min(self.rates["boundary"] / max(float(able.mean()), 1e-9), 1 - missing - wrong) if len(able) else 0.0
        write_spans(
            observed,
            _chosen(spans, chance < missing, np.zeros_like(spans.kind)),
            replace(tags, begin=np.array([tags.outside]), inside=np.array([tags.outside])),
        )
        kind = (spans.kind + 1 + (pick * max(len(tags.begin) - 1, 1)).astype(np.int64)) % len(tags.begin)
        write_spans(observed, _chosen(spans, (chance >= missing) & (chance < missing + wrong), kind), tags)
        at = (chance >= missing + wrong) & (chance < missing + wrong + edge) & able
        for one in np.flatnonzero(at):
            observed[spans.first[one] : spans.last[one] + 1] = tags.outside
        write_spans(observed, _chosen(moved, at, moved.kind), tags)

    def _spurious(self, observed: np.ndarray, labels: Labels, entities: int, tags: Tagset, streams: Streams) -> None:
        free = labels.live & (labels.value == tags.outside) & (observed == tags.outside)
        # One token of every spurious entity starts it; those that lie inside another one are lost, and made up for in the chance to start.
        wanted = self.rates["spurious"] * entities / max(int(free.sum()), 1)
        chance = wanted / max(1 - wanted * float((LENGTHS * np.arange(3)).sum()), 0.05)
        start = np.flatnonzero(free & (streams["spurious"] < chance))
        length = 1 + np.searchsorted(np.cumsum(LENGTHS)[:-1], streams["length"][start], side="right")
        kind = (streams["type"][start] * len(tags.begin)).astype(np.int64)
        end = -1
        for first, size, of in zip(start.tolist(), length.tolist(), kind.tolist(), strict=True):
            if first <= end:
                continue
            end = first
            while end + 1 < len(free) and end - first + 1 < size and free[end + 1] and labels.column[end + 1] > 0:
                end += 1
            observed[first] = tags.begin[of]
            observed[first + 1 : end + 1] = tags.inside[of]


def shifted(labels: Labels, spans: Spans, tags: Tagset, side: np.ndarray, toward: np.ndarray) -> Spans:
    """Each entity with one boundary moved by one token; as it was where nothing can move.

    Entities of several tokens lose the last (side < .45), or the first (< .9), or gain one; single tokens gain one. A token is
    gained from a neighbouring O only, behind the entity (toward < .6) or before it.
    """
    long = spans.last > spans.first
    outside = labels.live & (labels.value == tags.outside)
    after, before = np.minimum(spans.last + 1, len(outside) - 1), np.maximum(spans.first - 1, 0)
    # A gained token must not be gained by two entities: the one behind it takes it only if the one before cannot.
    right = outside[after] & (labels.column[after] > 0) & (after > spans.last)
    left = outside[before] & (labels.column[spans.first] > 0)
    left[1:] &= before[1:] > spans.last[:-1] + 1
    shrink_last, shrink_first = long & (side < 0.45), long & (side >= 0.45) & (side < 0.9)
    grow = ~shrink_last & ~shrink_first
    grow_right = grow & right & ((toward < 0.6) | ~left)
    grow_left = grow & left & ~grow_right
    shrink_last |= grow & long & ~grow_right & ~grow_left
    return Spans(spans.first + shrink_first - grow_left, spans.last - shrink_last + grow_right, spans.kind)


def _chosen(spans: Spans, chosen: np.ndarray, kind: np.ndarray) -> Spans:
    return Spans(spans.first[chosen], spans.last[chosen], kind[chosen])
