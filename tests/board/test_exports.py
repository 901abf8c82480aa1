"""What others read: Hugging Face's own parsers take the results back, Croissant metadata name files with their hashes."""

from __future__ import annotations

import pytest
from huggingface_hub import _eval_results as hub
from huggingface_hub.repocard_data import model_index_to_eval_results
from support.boardrows import made_rows

from benchmark.board.comparisons import compute
from benchmark.board.exports import CONFORMS, CONTEXT, croissant, eval_results, files, model_index
from benchmark.commands.export import export
from benchmark.config.registry import names
from benchmark.core.errors import ConfigError
from benchmark.core.paths import ROOT

CARDS = [task for task in names("task") if (ROOT / "tasks" / task / "card.yaml").is_file()]


def test_hugging_face_reads_the_results_back() -> None:
    rows = made_rows(tasks=2)
    cells = compute(rows).cells
    name, found = model_index_to_eval_results(model_index(cells, "elr"))
    assert name == "elr"
    assert len(found) == 8
    (one,) = [r for r in found if (r.dataset_name, r.dataset_config) == ("made1", "symmetric(rate=0.4)")]
    scores = [row.metrics["test/last/accuracy"] for row in rows if (row.task, row.labels["noise"], row.method) == ("made1", "symmetric(rate=0.4)", "elr")]
    assert one.metric_value == pytest.approx(sum(scores) / 3)
    assert (one.metric_type, one.task_type, one.dataset_split) == ("accuracy", "image-classification", "test")
    entries = hub.parse_eval_result_entries(eval_results(cells, "elr", "2026-01-02T03:04:05"))
    assert sorted(entry.value for entry in entries) == pytest.approx(sorted(r.metric_value for r in found))
    assert {entry.date for entry in entries} == {"2026-01-02"}


@pytest.mark.parametrize("task", CARDS)
def test_croissant_names_licence_source_and_hashes(task: str) -> None:
    found = croissant(task)
    assert found["conformsTo"] == CONFORMS
    assert all(str(found[key]).strip() for key in ("name", "description", "license", "citeAs"))
    assert all(len(file["sha256"]) == 64 and file["contentUrl"].startswith("http") for file in found["distribution"])
    assert len({file["@id"] for file in found["distribution"]}) == len(found["distribution"])


def test_croissants_words_are_those_of_its_version_1_1() -> None:
    """As mlcroissant 1.1.0 writes them; its validator finds no error in any task's file, and misses a date where a card names no year."""
    assert CONFORMS == "http://mlcommons.org/croissant/1.1"
    assert len(CONTEXT) == 41
    assert {CONTEXT[word] for word in ("key", "md5", "isArray", "arrayShape", "containedIn")} == {
        "cr:key",
        "cr:md5",
        "cr:isArray",
        "cr:arrayShape",
        "cr:containedIn",
    }
    assert CONTEXT["name"] == CONTEXT["description"] == {"@container": "@language"}
    assert CONTEXT["dataType"] == {"@id": "cr:dataType", "@type": "@vocab"}
    assert croissant("cifar10n")["datePublished"] == "2022"
    assert "datePublished" not in croissant("table")
    assert all(croissant("cifar10n")[key] for key in ("@type", "name", "license", "url", "version", "citeAs"))


def test_files_of_methods_and_tasks() -> None:
    made = dict(files(compute(made_rows(tasks=1)).cells, {}))
    assert {"huggingface/small_loss.model-index.yaml", "huggingface/elr.eval_results.yaml", "croissant/digits.json"} <= made.keys()
    with pytest.raises(ConfigError, match="export does not know"):
        export(["task=digits"])
