"""Tiny corpora in the layouts of the published ones: nothing of theirs, only their form."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import numpy as np

TYPES = ("PER", "LOC", "ORG", "MISC")
Tagged = list[tuple[list[str], list[str]]]


def sentences(size: int, seed: int, types: tuple[str, ...] = TYPES) -> Tagged:
    """Tokens and IOB2 tags: words, and a name of one or two tokens whose spelling tells its type."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(size):
        length = int(rng.integers(4, 9))
        tokens, tags = [f"w{n}" for n in rng.integers(0, 40, length)], ["O"] * length
        kind, at = str(rng.choice(types)), int(rng.integers(0, length - 2))
        for i in range(int(rng.integers(1, 3))):
            tokens[at + i], tags[at + i] = f"{kind.title()}{rng.integers(0, 9)}", f"{'BI'[min(i, 1)]}-{kind}"
        out.append((tokens, tags))
    return out


def missing(tagged: Tagged, share: float = 0.4) -> list[list[str]]:
    """The tags without some of the names."""
    rng = np.random.default_rng(9)
    return [["O"] * len(tags) if rng.random() < share else tags for _, tags in tagged]


def write_wikigold(data: Path) -> dict[str, Tagged]:
    """Text and labels a line, distant labels of the training part, votes of two labeling functions in another order."""
    folder, votes = data / "wikigold" / "roster", data / "wikigold" / "wrench"
    folder.mkdir(parents=True)
    votes.mkdir()
    sides = {side: sentences(size, seed) for seed, (side, size) in enumerate({"train": 80, "valid": 20, "test": 20}.items())}
    for side, tagged in sides.items():
        (folder / f"{side}_text.txt").write_text("".join(" ".join(tokens) + "\n" for tokens, _ in tagged))
        (folder / f"{side}_label_true.txt").write_text("".join(" ".join(tags) + "\n" for _, tags in tagged))
    distant = missing(sides["train"])
    (folder / "train_label_dist.txt").write_text("".join(" ".join(tags) + "\n" for tags in distant))
    (votes / "meta.json").write_text(json.dumps({"lf": ["short", "person"]}))
    entries = []
    for tokens, tags in reversed(sides["train"]):
        of_token = [[tag if token[-1] in "01234" else "O", tag if "PER" in tag else "O"] for token, tag in zip(tokens, tags, strict=True)]
        entries.append({"data": {"text": tokens}, "label": tags, "weak_labels": of_token})
    half = len(entries) // 2
    for name, part in (("train", entries[:half]), ("valid", entries[half:])):
        (votes / f"{name}.json").write_text(json.dumps({str(i): entry for i, entry in enumerate(part)}))
    return sides


def write_noisyner(data: Path, size: int = 120) -> Tagged:
    """Text with empty lines between sentences, seven files of one label a token without any."""
    folder = data / "noisyner"
    folder.mkdir(parents=True)
    tagged = sentences(size, 5, ("PER", "ORG", "LOC"))
    (folder / "estner.cnll").write_text("\n".join("".join(f"{token}\t{tag}\n" for token, tag in zip(*pair, strict=True)) for pair in tagged))
    for number in range(1, 8):
        labels = [tag for tags in missing(tagged, 0.8 - 0.1 * number) for tag in tags]
        (folder / f"NoisyNER_labelset{number}.labels").write_text("\n".join(labels) + "\n")
    return tagged


def write_noisebench(data: Path, size: int = 12) -> dict[str, list[Tagged]]:
    """Documents of CoNLL-2003's form, two patches, masked labels of some documents in another order with their index, and German files.

    The patches split ``A1-B1`` into three tokens and take a wrong end of a sentence away, in the training and the test text.
    """
    made = {side: [sentences(4, 100 * k + i, ("LOC", "MISC", "ORG", "PER")) for i in range(size)] for k, side in enumerate(("train", "test"))}
    (data / "conll2003").mkdir(parents=True)
    (data / "cleanconll").mkdir()
    (data / "noisebench" / "annotations").mkdir(parents=True)
    (data / "noisebench" / "annotations_german").mkdir()
    for side, file in (("train", "eng.train"), ("test", "eng.testb")):
        for number, document in enumerate(made[side]):
            date = ["1996-08-24" if number % 4 == 1 else "1996-08-25", "O"]
            document[0] = (["A1", "-", "B1", *document[0][0]], ["O", "O", "O", *document[0][1]])
            document.insert(1 + number % 2, (["AT", date[0]], ["O", date[1]]))  # the 3rd or the 4th block of the document
        original, patch = _original(made[side])
        (data / "conll2003" / file).write_text("\n".join(f"{line} NN I-NP O" if line else "" for line in original) + "\n")
        (data / "cleanconll" / f"{side}_tokens.patch").write_text("\n".join(patch) + "\n")
    _write_masked(data, made)
    _write_german(data, made)
    return made


def _original(documents: list[Tagged]) -> tuple[list[str], list[str]]:
    """The lines before the patch, and the patch."""
    before, patch, after = list[str](), list[str](), 0
    for document in documents:
        before += ["-DOCSTART-", ""]
        after += 2
        for i, (tokens, _) in enumerate(document):
            if i == 0:
                before += ["A1-B1", *tokens[3:], ""]
                patch += [f"{len(before) - len(tokens[3:]) - 1}c{after + 1},{after + 3}", "< A1-B1", "---", "> A1", "> -", "> B1"]
            elif i == 3:
                before += [tokens[0], "", *tokens[1:], ""]
                patch += [f"{len(before) - len(tokens)}d{after + 1}", "< "]
            else:
                before += [*tokens, ""]
            after += len(tokens) + 1
    return before, patch


def _write_masked(data: Path, made: dict[str, list[Tagged]]) -> None:
    place, places = 0, list[list[int]]()
    for document in made["train"]:
        places.append(list(range(place + 1, place + 1 + len(document))))
        place += 1 + len(document)
    chosen = [i for i in range(len(places)) if i != 2][::-1]  # not all of the text, and not in its order
    folder = data / "noisebench" / "annotations"
    (folder / "index.txt").write_text("".join("docstart\n" + "".join(f"{p}\n" for p in places[i]) for i in chosen) + "\n")
    for k, name in enumerate(("clean", "noise_expert", "noise_crowdbest", "noise_crowd", "noise_distant", "noise_weak", "noise_llm")):
        blocks = []
        for i in chosen:
            given = missing(made["train"][i], 0.15 * k) if k else [tags for _, tags in made["train"][i]]
            blocks += ["[TOK]\tO\n", *("".join(f"[TOK]\t{tag}\n" for tag in tags) for tags in given)]
        (folder / f"{name}.traindev").write_text("\n".join(blocks) + "\n")
    right = [
        "[TOKEN]\t-X-\tO\tO\tO\n" + "\n" + "\n".join("".join(f"[TOKEN]\tNN\tO\tO\t{tag}\n" for tag in tags) for _, tags in document)
        for document in made["test"]
    ]
    (data / "cleanconll" / "cleanconll_annotations.test").write_text("\n".join(right) + "\n")


def _write_german(data: Path, made: dict[str, list[Tagged]]) -> None:
    for side, file in (("train", "deu.train"), ("test", "deu.testb")):
        blocks = []
        for document in made[side]:
            blocks.append("-DOCSTART- -X- -X- -X- O\n")
            blocks += ["".join(f"{token} lemma NN I-NP {tag.replace('B-', 'I-')}\n" for token, tag in zip(*pair, strict=True)) for pair in document]
        (data / "conll2003" / file).write_bytes("\n".join(blocks).replace("w1 ", "wä ").encode("latin-1"))
    folder = data / "noisebench" / "annotations_german"
    for name in ("clean", "noise_expert", "noise_llm"):
        blocks = []
        for document in made["train"]:
            given = [tags for _, tags in document] if name != "noise_expert" else missing(document)
            if name == "noise_llm":
                given = [[tag.replace("I-", "B-") for tag in tags] for tags in given]
            blocks += ["<unknown>\tO\n", *("".join(f"<word>\t{tag}\n" for tag in tags) for tags in given)]
        (folder / f"{name}.deu").write_text("\n".join(blocks) + "\n")


def write_vader(folder: Path, size: int = 60) -> str:
    """A source archive of the package's form in ``folder``; its sha256."""
    rng = np.random.default_rng(8)
    files = {}
    for name in ("movieReviewSnippets", "amazonReviewSnippets", "nytEditorialSnippets"):
        level = rng.integers(-3, 4, size)
        panels = [np.clip(mean + rng.integers(-1, 2, 5), -4, 4).tolist() for mean in level]
        words = [("plain", "fine", "bad")[int(np.sign(mean))] for mean in level]
        texts = [f"{i}_1\t{np.mean(p)}\tthe {word} thing w{i}" for i, (word, p) in enumerate(zip(words, panels, strict=True))]
        files[f"{name}_GroundTruth.txt"] = "\r\n".join(texts)
        rated = [f"{i}_1\t{np.mean(p)}\t1.0\t{p}" for i, p in enumerate(panels)]
        files[f"{name}_anonDataRatings.txt"] = "\ufeff" + "\n".join(rated[::-1])
    inner = _tar({f"hutto_ICWSM_2014/{name}": text.encode() for name, text in files.items()})
    outer = _tar({"vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz": inner})
    folder.mkdir(parents=True)
    (folder / "vaderSentiment-3.3.2.tar.gz").write_bytes(outer)
    return hashlib.sha256(outer).hexdigest()


def _tar(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()
