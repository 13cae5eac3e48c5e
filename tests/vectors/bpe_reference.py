"""bpe_reference.py -- tests/vectors/bpe.txt: byte-level BPE trained the naive way on the text of tests/corpus.h

    cc -O2 tests/vectors/corpus.c -o corpus && ./corpus 7 1048576 3 >corpus.bin
    /usr/bin/python3 tests/vectors/bpe_reference.py corpus.bin > tests/vectors/bpe.txt

Every step counts all pairs of all words again and joins the most frequent one, of those as frequent the one
with the lower ids, left first. Text is cut by Python's module regex; a block of the corpus is a text of its
own, bytes that are not UTF-8 go in as lone surrogates. A line of the output: the run, how many merges, and
FNV-1a over the first that many lines of merges.txt; the first line also says how many distinct words.
"""
import collections
import struct
import sys

import regex

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
NANOCHAT = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]++[\r\n]*"
            r"|\s*[\r\n]|\s+(?!\S)|\s+")


def alphabet():
    printable = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    letter = {b: chr(b) for b in printable}
    for b in range(256):
        if b not in letter:
            letter[b] = chr(256 + len(letter) - len(printable))
    return letter


LETTER = alphabet()


def fnv(text):
    h = 0xCBF29CE484222325
    for b in text.encode():
        h = (h ^ b) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return h


def blocks(path):
    data = open(path, "rb").read()
    at = 0
    while at < len(data):
        n, = struct.unpack_from("<I", data, at)
        yield data[at + 4:at + 4 + n].decode("utf-8", "surrogateescape")
        at += 4 + n


def join(word, pair, new):
    out, i = [], 0
    while i < len(word):
        if i + 1 < len(word) and (word[i], word[i + 1]) == pair:
            out.append(new)
            i += 2
        else:
            out.append(word[i])
            i += 1
    return out


def train(name, pattern, path, order, merges, least, longest=256):
    count = collections.Counter()
    for text in blocks(path):
        for m in regex.finditer(pattern, text):
            count[m.group().encode("utf-8", "surrogateescape")] += 1
    sym = {b: i for i, b in enumerate(order)}
    words = [([sym[b] for b in w], c) for w, c in count.items() if len(w) > 1]
    token = [LETTER[b] for b in order]
    text = ""
    print(name, 0, len(words), "distinct", flush=True)
    for step in range(1, merges + 1):
        pairs = collections.Counter()
        for w, c in words:
            for p in zip(w, w[1:]):
                pairs[p] += c
        pairs = {p: c for p, c in pairs.items() if c >= least and len(token[p[0]] + token[p[1]]) <= longest}
        if not pairs:
            break
        best = min(pairs, key=lambda p: (-pairs[p], p))
        new = len(token)
        token.append(token[best[0]] + token[best[1]])
        text += token[best[0]] + " " + token[best[1]] + "\n"
        words = [(join(w, best, new) if best[0] in w else w, c) for w, c in words]
        words = [(w, c) for w, c in words if len(w) > 1]
        if step % 100 == 0:
            print(name, step, "%016x" % fnv(text), flush=True)
    print(name, len(token) - 256, "%016x" % fnv(text), flush=True)


def main():
    path = sys.argv[1]
    letters = sorted(range(256), key=lambda b: LETTER[b])
    train("gpt-2", GPT2, path, letters, 2000, 2)
    train("nanochat", NANOCHAT, path, range(256), 1000, 3)
    train("none", r"[^\n]+|\n+", path, letters, 400, 2, 8)


if __name__ == "__main__":
    main()
