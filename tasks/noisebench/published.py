"""Which label files are the published ones, and whether an index that is not can belong to a text."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmark.core.errors import DataError
from benchmark.data.conll import Sentence
from tasks.noisebench.merge import DOCSTART, Block, lines_of

log = logging.getLogger(__name__)
HOW = "copy data/{} of github.com/elenamer/NoiseBench there anew"

# sha256 of the lines of each file at commit 107831c of github.com/elenamer/NoiseBench, each line with its end "\n".
PUBLISHED = {
    "clean.traindev": "0a950ef50ce03dd0b619cea52677b9cc6af978c58056340b809710493541fffd",
    "index.txt": "5fad02659bb81dd21360f76e6ce8d4d3aa0663c46e7cdf556b6054603b14ae7d",
    "noise_crowd.traindev": "fed5c2211657486a222b5102301ad53206d6e0d6c1717955e9c775853cc26a5e",
    "noise_crowdbest.traindev": "892efe7037f021934f5f1f1a80047817c9af36dd7778ae0d9781d7494a465291",
    "noise_distant.traindev": "c8c40d4064ddfaf933fafcfe57139d2ed93a23928c94763890bf126250445599",
    "noise_expert.traindev": "14e1f43a7243b8a0e3a78f8d2c93c8bd85b6cdea9ad889bae154d1efc06fdc70",
    "noise_llm.traindev": "aadb20c1a3f6e78d23f142917cb725368bfdb54ddbafce95e921bc92b182b8a7",
    "noise_weak.traindev": "9aa0fe130b8050adc97031242497f962bdbf88552aa59bda1cfe11e7d16aaa9a",
    "clean.deu": "8c2708c4c9a8a24d04dc1747abd8e577bbc787b618e788d4d5871e52d0f8b885",
    "noise_expert.deu": "12b6cb1401ba5f24956dcba203be661584d0c856c3e732c5042b58e230fac112",
    "noise_llm.deu": "58a2ef73e69f59929ea4ca11c4721a67cb19af76006691b6e8bb3aeb041b0472",
}


def digest_of(path: Path) -> str:
    """Return the sha256 of a file's lines, whatever ends them and whatever encoding mark begins the file."""
    text = "\n".join(lines_of(path)).rstrip("\n") + "\n"
    return hashlib.sha256(text.encode("utf8")).hexdigest()


def are_published(files: Sequence[Path]) -> bool:
    """Return whether these label files, and the index beside them, are the published ones.

    Files of another version than the published one are read, with a warning, if none of them is of the
    published one: an index says nothing of labels that were made for another.

    Raises:
        DataError: some are the published ones and some are not; names one that is not.
    """
    digests = {path: digest_of(path) for path in files}
    others = [path for path in files if digests[path] != PUBLISHED.get(path.name)]
    if not others:
        return True
    folder = others[0].parent
    how = HOW.format(folder.name)
    if len(others) < len(files):
        path = others[0]
        expected = PUBLISHED.get(path.name, "none")
        raise DataError(f"{path} is not the published file, as others in its folder are (sha256 {digests[path]}, expected {expected}): {how}")
    log.warning("%s holds none of the published label files: %s, if they were to be these", folder, how)
    return False


def check_order(index: Path, text: Sequence[Block], source: Path) -> None:
    """Refuse an index whose documents are not documents of the text, as blocks that changed places make them.

    The blocks of a document follow each other in the text and belong to one document of it. A sentence
    may besides stand for an equal one of another document, as two of the published index do: a block
    that is named a second time.

    Raises:
        DataError: a block of another document, or one before its predecessor; names its line.
    """
    belongs, count = list[int](), 0
    for block in text:
        count += block[0][1][0] == DOCSTART
        belongs.append(count)
    entries = [(number, line.strip()) for number, line in enumerate(lines_of(index), 1) if line.strip()]
    uses = Counter(place for _, place in entries)
    document: list[tuple[int, int]] = []
    for number, place in [*entries, (0, "docstart")]:
        if place != "docstart":
            document.append((number, int(place)))
            continue
        _check_document([entry for entry in document if uses[str(entry[1])] == 1], belongs, index, source)
        document = []


def _check_document(entries: Sequence[tuple[int, int]], belongs: Sequence[int], index: Path, source: Path) -> None:
    """Refuse a document's entries, (line, block), that are not in the order of one document of the text."""
    common = Counter(belongs[place] for _, place in entries).most_common(1)
    before = -1
    for number, place in entries:
        if belongs[place] != common[0][0] or place <= before:
            what = "stands in another document" if belongs[place] != common[0][0] else "stands before the block above it"
            raise DataError(f"{index} line {number}: block {place} of {source} {what}: {HOW.format(index.parent.name)}")
        before = place


def tokens_digest(documents: Sequence[Sequence[Sentence]]) -> str:
    """Return the sha256 of merged tokens, a token a line and an empty line behind each sentence, for a row's provenance."""
    sha = hashlib.sha256()
    for document in documents:
        for sentence in document:
            sha.update(("\n".join(sentence.tokens) + "\n\n").encode("utf8"))
    return sha.hexdigest()


def provenance(documents: Mapping[str, Sequence[Sequence[Sentence]]]) -> dict[str, str]:
    """Return the digest of what labels were merged with, under the name that rows show it by."""
    return {"merged tokens": tokens_digest(documents["clean"])}
