"""Spans of tags."""

from __future__ import annotations

import pytest
from support.entities import NAMES, entities, labels_with_entities

from benchmark.core.types import Labels
from benchmark.data.tags import find_spans, tagset


@pytest.fixture(scope="module")
def labels() -> Labels:
    return labels_with_entities()


def test_spans_are_those_of_a_plain_scan(labels: Labels) -> None:
    spans = find_spans(labels, tagset(NAMES))
    found = {(int(f) // 16, int(f) % 16, int(e) % 16, int(k)) for f, e, k in zip(spans.first, spans.last, spans.kind, strict=True)}
    assert found == entities(labels, labels.value)
