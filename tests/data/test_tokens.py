"""Shapes of tokens."""

from __future__ import annotations

import pytest

from benchmark.data.tokens import shape


@pytest.mark.parametrize(("token", "expected"), [("Jordan", "Xx"), ("SNAY", "X"), ("said", "x"), ("2,950", "0,0"), ("$714", "$0"), (".", "."), ("A", "X")])
def test_shapes_collapse(token: str, expected: str) -> None:
    assert shape(token) == expected
