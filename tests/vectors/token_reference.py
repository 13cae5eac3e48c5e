#!/usr/bin/env python3
"""token_reference.py VOCAB.gguf|tokenizer.bin ... -- expected values of tests/test_token.c

A second, slow tokenizer, written from the algorithms' definitions and sharing nothing with
llmc.h: splitting by the `regex` module (PyPI) with GPT-2's own pattern, merging by looking for
the best pair again and again. Prints, for each vocabulary, the FNV-1a hash of the ids of the
random strings that test_token.c makes too, after every 500 of them.

Where it follows llmc.h's own choices: in the text of a SentencePiece vocabulary U+2581 is a space, as in
SentencePiece itself (not so in llama2.c's files, which write spaces as such); control, unknown and byte tokens are never reached by merging; user tokens are found
leftmost, then longest; a space goes before the text and before text after a user token."""
import struct
import sys

import regex

MASK = (1 << 64) - 1
SNIPPETS = [
    b"a", b"e", b"the", b"ing", b" ", b" ", b" ", b"  ", b"\n", b"\t", b"\r\n", b"'s", b"'ll", b"'LL", b"'", b"'re",
    b"x'", b"1", b"42", b"2026", b".", b",", b"!?", b"--", b"==", b"_", b"Hello", b" world", b" World", b" and", b"ation",
    b"\xc3\xa9", b"\xc3\x9f", b"\xd0\x9f\xd1\x80\xd0\xb8", b"\xe4\xbd\xa0\xe5\xa5\xbd", b"\xf0\x9f\x98\x80",
    b"\xe0\xa4\xa8\xe0\xa4\xbf", b"\xcc\x81", b"\xd9\xa3\xd9\xa4", b"\xe2\x85\xa7", b"\xc2\xa0", b"\xe3\x80\x80",
    b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\x8d", b"\xe2\x82\xac", b"\xe2\x96\x81", b"<s>", b"</s>", b"<0x0A>",
    b"<|endoftext|>", b"<unk>", b"\xff", b"\xe2\x96", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x00",
    b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", b"                                        ",
    b"antidisestablishmentarianism", b"=========================================================",
    b"0123456789012345678901234567890123456789012345678901234567890123456789", b"\xef\xbf\xbd",
]


class Random:
    """SplitMix64."""

    def __init__(self, seed):
        self.s = seed

    def next(self, n):
        self.s = (self.s + 0x9E3779B97F4A7C15) & MASK
        z = self.s
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return ((z ^ (z >> 31)) >> 33) % n


def read_gguf(data):
    at = 24
    plain = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<B", 10: "<Q", 11: "<q", 12: "<d"}

    def read(fmt):
        nonlocal at
        v = struct.unpack_from(fmt, data, at)[0]
        at += struct.calcsize(fmt)
        return v

    def value(kind):
        nonlocal at
        if kind == 8:
            n = read("<Q")
            at += n
            return data[at - n:at]
        if kind == 9:
            inner = read("<I")
            return [value(inner) for _ in range(read("<Q"))]
        return read(plain[kind])

    keys = {}
    for _ in range(struct.unpack_from("<Q", data, 16)[0]):
        name = value(8).decode()
        keys[name] = value(read("<I"))
    return keys


def byte_alphabet():
    """Radford 2019: printable Latin-1 bytes stand for themselves, the others follow from U+0100."""
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in keep]
    return {**{b: chr(b) for b in keep}, **{b: chr(256 + i) for i, b in enumerate(rest)}}


class Bpe:
    PATTERN = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")

    def __init__(self, keys):
        self.ids = {t.decode(): i for i, t in enumerate(keys["tokenizer.ggml.tokens"])}
        self.rank = {tuple(m.decode().split(" ")): i for i, m in enumerate(keys["tokenizer.ggml.merges"])}
        self.alphabet = byte_alphabet()
        self.cache = {}

    def word(self, data):
        parts = [self.alphabet[b] for b in data]
        while True:
            best = min(((self.rank.get(p, 1 << 60), i) for i, p in enumerate(zip(parts, parts[1:]))), default=(1 << 60, 0))
            if best[0] == 1 << 60:
                return [self.ids[p] for p in parts]
            i = best[1]
            parts[i:i + 2] = [parts[i] + parts[i + 1]]

    def encode(self, data):
        out = []
        for w in self.PATTERN.findall(data.decode("utf-8", "surrogateescape")):
            w = w.encode("utf-8", "surrogateescape")
            if w not in self.cache:
                self.cache[w] = self.word(w)
            out += self.cache[w]
        return out


class Spm:
    def __init__(self, tokens, scores, kinds, plain_spaces):
        self.score, self.byte, self.user = {}, {}, {}
        for i, (t, s, k) in enumerate(zip(tokens, scores, kinds)):
            if k == 6:
                self.byte[int(t[3:5], 16)] = i
            elif k == 4:
                self.user[t] = i
            elif k == 1:
                t = t.decode("utf-8", "surrogateescape")
                self.score.setdefault(t if plain_spaces else t.replace("\u2581", " "), (-s, i))
        self.plain_spaces = plain_spaces

    def word(self, text):
        parts = list(text if self.plain_spaces else text.replace("\u2581", " "))
        while True:
            best = None
            for i in range(len(parts) - 1):
                hit = self.score.get(parts[i] + parts[i + 1])
                if hit is not None and (best is None or hit[0] < best[0]):
                    best = (hit[0], i)
            if best is None:
                break
            i = best[1]
            parts[i:i + 2] = [parts[i] + parts[i + 1]]
        out = []
        for p in parts:
            if p in self.score:
                out.append(self.score[p][1])
            else:
                out += [self.byte[b] for b in p.encode("utf-8", "surrogateescape")]
        return out

    def piece(self, data):
        return self.word(" " + data.decode("utf-8", "surrogateescape")) if data else []

    def encode(self, data):
        out, at = [], 0
        pattern = b"|".join(regex.escape(u) for u in sorted(self.user, key=len, reverse=True))
        for m in regex.finditer(pattern, data) if pattern else []:
            out += self.piece(data[at:m.start()]) + [self.user[m.group()]]
            at = m.end()
        return out + self.piece(data[at:])


def load(path):
    data = open(path, "rb").read()
    if data[:4] == b"GGUF":
        k = read_gguf(data)
        if k["tokenizer.ggml.model"] == b"gpt2":
            return Bpe(k)
        g = "tokenizer.ggml."
        return Spm(k[g + "tokens"], k[g + "scores"], k[g + "token_type"], False)
    at, tokens, scores = 4, [], []
    while at < len(data):
        score, n = struct.unpack_from("<fi", data, at)
        tokens.append(data[at + 8:at + 8 + n])
        scores.append(score)
        at += 8 + n
    return Spm(tokens, scores, [2, 3, 3] + [6] * 256 + [1] * (len(tokens) - 259), True)


def main():
    for path in sys.argv[1:]:
        tok, rng, h, marks = load(path), Random(1), 0xCBF29CE484222325, []
        for k in range(2000):
            text = b"".join(SNIPPETS[rng.next(len(SNIPPETS))] for _ in range(1 + rng.next(24)))
            for i in [*tok.encode(text), 0xFFFFFFFF]:
                for b in struct.pack("<I", i):
                    h = ((h ^ b) * 0x100000001B3) & MASK
            if k % 500 == 499:
                marks.append("0x%016x" % h)
        print(path.split("/")[-1], ", ".join(marks))


main()
