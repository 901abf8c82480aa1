"""What verify is asked for is what it does, or it says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.commands.verify import verify
from benchmark.core.errors import ConfigError


def test_a_file_that_would_not_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is read with TOP= alone"):
        verify([f"rows={tmp_path / 'none.jsonl'}", f"paths.results={tmp_path}"])
