"""Results and tasks in formats of others: Hugging Face ``model-index`` and ``.eval_results``, and Croissant metadata of every task."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
from omegaconf import OmegaConf

from benchmark.config.build import option, resolve_target
from benchmark.config.registry import names
from benchmark.core.paths import ROOT
from benchmark.core.yamls import read_yaml
from benchmark.stats.analysis_plan import PLAN

KINDS = {"image": "image-classification", "tokens": "text-classification", "vector": "tabular-classification"}  # Hugging Face's names
METRICS = {"accuracy": "accuracy", "f1": "f1", "map": "mean_average_precision", "mae": "mae"}
SUITE = "labelnoise-bench"
CONFORMS = "http://mlcommons.org/croissant/1.1"
OWN_WORDS = (
    *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileObject", "fileProperty", "fileSet", "format"),
    *("includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex", "repeated"),
    *("replace", "samplingRate", "separator", "source", "subField", "transform"),
)
CONTEXT: dict[str, Any] = {  # of Croissant 1.1
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "conformsTo": "dct:conformsTo",
    **{word: f"cr:{word}" for word in OWN_WORDS},
    "data": {"@id": "cr:data", "@type": "@json"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "name": {"@container": "@language"},
}


def model_index(cells: pd.DataFrame, method: str) -> list[dict[str, Any]]:
    """The ``model-index`` of a model card: a result per cell of a method, its value the mean over seeds.

    Args:
        cells: as in ``Leaderboard``.
        method: as rows label it.
    """
    results = []
    for line in cells[(cells["method"] == method) & (cells["track"] == PLAN.selection)].to_dict("records"):
        metric = {"type": METRICS.get(line["metric"], line["metric"]), "name": f"{line['metric']}, {PLAN.selection} checkpoint, mean of {line['n']} seeds"}
        results.append(
            {
                "task": {"type": _hub_task(line["problem"], line["inputs"]), "name": line["problem"]},
                "dataset": {"type": line["task"], "name": line["task"], "config": line["noise"], "split": "test"},
                "metrics": [{**metric, "value": float(line["sign"] * line["mean"])}],
            }
        )
    return [{"name": method, "results": results}]


def _hub_task(problem: str, inputs: str) -> str:
    """Hugging Face's name of a task type."""
    return {"tagging": "token-classification", "regression": "tabular-regression"}.get(problem, KINDS.get(inputs, "tabular-classification"))


def eval_results(cells: pd.DataFrame, method: str, date: str) -> list[dict[str, Any]]:
    """The entries of ``.eval_results/<name>.yaml``: one per cell of a method, in the order of ``model_index``."""
    lines = cells[(cells["method"] == method) & (cells["track"] == PLAN.selection)].to_dict("records")
    return [
        {
            "dataset": {"id": line["task"].partition("(")[0], "task_id": line["noise"]},
            "value": float(line["sign"] * line["mean"]),
            **({"date": date[:10]} if date else {}),
            "notes": f"{SUITE}: {line['metric']} of {line['task']}, {line['model']}, {line['trainer']}, sd {line['sd']:.4g} over {line['n']} seeds",
        }
        for line in lines
    ]


def croissant(task: str) -> dict[str, Any]:
    """Croissant 1.1 metadata of a task from its card and sources: what the data are, whose, under which licence, and the files with their hashes.

    Where a task comes inside a package, or from the user, no file is listed.
    """
    card: Any = read_yaml(ROOT / "tasks" / task / "card.yaml")
    inputs = option("task", task).get("inputs", "vector")
    about = " ".join(str(card[key]).strip() for key in ("description", "noise") if card.get(key))
    files = [
        {
            "@type": "cr:FileObject",
            "@id": source.path,
            "name": Path(source.path).name,
            "contentUrl": source.url,
            "encodingFormat": "application/octet-stream",
            "sha256": source.sha256,
            "license": source.licence,
        }
        for source in _sources(task)
        if source.url and source.sha256
    ]
    year = re.search(r"\b(?:19|20)\d\d\b", card["source"])
    addresses = re.findall(r"https?://[^\s,;)]+", card["source"]) + [file["contentUrl"] for file in files]
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS,
        "name": task,
        "alternateName": card["title"],
        "description": f"{card['title']}. {about}",
        "license": card["licence"],
        "citeAs": card["source"],
        **({"url": addresses[0]} if addresses else {}),
        **({"datePublished": year[0]} if year else {}),
        "version": metadata.version(SUITE),
        "keywords": [card["problem"], inputs, "label noise"],
        "isLiveDataset": False,
        "distribution": files,
    }


def _sources(task: str) -> Sequence[Any]:
    module = sys.modules[resolve_target(option("task", task), "task").__module__]
    return tuple(getattr(module, "SOURCES", ()))


def files(cells: pd.DataFrame, dates: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Name and content of every exported file."""
    for method in dict.fromkeys(cells["method"]) if len(cells) else ():
        stem = re.sub(r"\W+", "_", method).strip("_")
        yield f"huggingface/{stem}.model-index.yaml", OmegaConf.to_yaml({"model-index": model_index(cells, method)})
        yield f"huggingface/{stem}.eval_results.yaml", OmegaConf.to_yaml(eval_results(cells, method, dates.get(method, "")))
    for task in names("task"):
        if (ROOT / "tasks" / task / "card.yaml").is_file():
            yield f"croissant/{task}.json", json.dumps(croissant(task), indent=1) + "\n"
