#!/usr/bin/python3
"""Hashes of the ids of any bytes, by rank files.

    apt-get install python3-regex
    node tests/compat/tiktoken.mjs ranks DIR
    /usr/bin/python3 tests/vectors/ranks.py DIR        tests/vectors/tokens/bytes-NAME.txt

tiktoken's own interface takes text; here are bytes that are not UTF-8 as well, and code points not yet assigned. A
reference of our own: python3-regex (Unicode 15.0) cuts by the published pattern, where each byte that is no part of a
character is one of its own, neither letter nor number nor space; then the lowest rank joins first. On the corpus
without such bytes it gives tiktoken's own hashes, which is checked first."""
import functools
import os
import sys

import regex

import sentencepieces
import styles
import vocabularies

CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
PATTERNS = {"gpt2": styles.GPT2, "cl100k_base": CL100K, "o200k_base": styles.O200K}


def read_ranks(path):
    import base64
    with open(path, "rb") as f:
        return {base64.b64decode(t): int(r) for t, r in (line.split() for line in f)}


def encoder(ranks, pattern):
    cut = regex.compile(pattern)

    @functools.lru_cache(maxsize=None)
    def join(piece):
        if piece in ranks:
            return [ranks[piece]]
        parts = [piece[i:i + 1] for i in range(len(piece))]
        while True:
            best = min(((ranks.get(parts[i] + parts[i + 1], 1 << 30), i) for i in range(len(parts) - 1)), default=(1 << 30, 0))
            if best[0] == 1 << 30:
                return [ranks[p] for p in parts]
            parts[best[1]:best[1] + 2] = [parts[best[1]] + parts[best[1] + 1]]

    def encode(data):
        text = data.decode("utf-8", "surrogateescape")
        return [i for p in cut.findall(text) for i in join(p.encode("utf-8", "surrogateescape"))]

    return encode


def main():
    for name, pattern in PATTERNS.items():
        encode = encoder(read_ranks(os.path.join(sys.argv[1], f"{name}.tiktoken")), pattern)
        ids = [i for b in vocabularies.corpus(1, 1200000, 0) for i in encode(b)]
        line = f"ids {len(ids)} {sentencepieces.hash_ids(ids):08x}\n"
        with open(f"tests/vectors/tokens/tiktoken-{name}.txt", encoding="utf-8") as f:
            if line not in f.read():
                sys.exit(f"{name}: not tiktoken's ids: {line}")
        corpus = (3, 1200000, 3)
        comments = [f"{name}: any bytes, by tests/vectors/ranks.py with regex {regex.__version__}"]
        sentencepieces.write_vector(f"bytes-{name}", comments, corpus, [encode(b) for b in vocabularies.corpus(*corpus)])


if __name__ == "__main__":
    main()
