#!/usr/bin/python3
"""Small vocabularies of every kind, learnt from this project's own text (tests/corpus.h).

    apt-get install python3-regex
    /usr/bin/python3 tests/vectors/vocabularies.py tests/models/tokenizers

Made with Python 3.11 and regex 2022.10.31. Nothing in them is anybody else's.

NAME.json are tokenizer.json files whose members of one line a style replaces: see styles.py. The pairs of the
byte-level and of the SentencePiece-like BPE are learnt from pieces of text cut anywhere, not from words, so that
tokens cross every border that a pre-tokenizer may draw, and ids tell where it drew them."""
import collections
import heapq
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

import regex


def corpus(seed, size, flags):
    """Blocks of tests/corpus.h as bytes."""
    with tempfile.TemporaryDirectory() as folder:
        exe = os.path.join(folder, "corpus")
        subprocess.run([os.environ.get("CC", "cc"), "-O1", "tests/vectors/corpus.c", "-o", exe], check=True)
        data = subprocess.run([exe, str(seed), str(size), str(flags)], check=True, stdout=subprocess.PIPE).stdout
    blocks, at = [], 0
    while at < len(data):
        n = struct.unpack_from("<I", data, at)[0]
        blocks.append(data[at + 4:at + 4 + n])
        at += 4 + n
    return blocks


def learn_pairs(words, count, least=3):
    """BPE's merges: words is a Counter of tuples of symbols. The most frequent pair first, the smallest among equals."""
    words = [[list(w), n] for w, n in sorted(words.items())]
    pairs, where = collections.Counter(), collections.defaultdict(set)
    for i, (w, n) in enumerate(words):
        for pair in zip(w, w[1:]):
            pairs[pair] += n
            where[pair].add(i)
    heap = [(-n, p) for p, n in pairs.items()]
    heapq.heapify(heap)
    merges = []
    while heap and len(merges) < count:
        n, pair = heapq.heappop(heap)
        if pairs[pair] != -n:
            if pairs[pair] > 0:
                heapq.heappush(heap, (-pairs[pair], pair))
            continue
        if -n < least:
            break
        merges.append(pair)
        changed = set()
        for i in where.pop(pair):
            w, times = words[i]
            for p in zip(w, w[1:]):
                pairs[p] -= times
            out, k = [], 0
            while k < len(w):
                if k + 1 < len(w) and (w[k], w[k + 1]) == pair:
                    out.append(w[k] + w[k + 1])
                    k += 2
                else:
                    out.append(w[k])
                    k += 1
            words[i][0] = out
            for p in zip(out, out[1:]):
                pairs[p] += times
                where[p].add(i)
                changed.add(p)
        for p in changed:
            heapq.heappush(heap, (-pairs[p], p))
    return merges


def byte_alphabet():
    """GPT-2's: printable bytes stand for themselves, the others for characters from U+0100 on."""
    plain = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table, other = {}, 0x100
    for b in range(256):
        if b in plain:
            table[b] = chr(b)
        else:
            table[b] = chr(other)
            other += 1
    return table


def chunks(text, seed):
    """The text cut anywhere, without a look at words."""
    rng, at, out = random.Random(seed), 0, collections.Counter()
    while at < len(text):
        n = rng.randrange(4, 20)
        out[tuple(text[at:at + n])] += 1
        at += n
    return out


def added(vocab, tokens):
    """added_tokens from (content, flags): s special, l lstrip, r rstrip, w single_word, n normalized. What the vocabulary
    holds keeps its id there, others follow the vocabulary: other ids would not be taken as they are."""
    out, ids = [], dict(vocab)
    for c, f in tokens:
        out.append({"id": ids.setdefault(c, len(ids)), "content": c, "single_word": "w" in f, "lstrip": "l" in f, "rstrip": "r" in f,
                    "normalized": "n" in f, "special": "s" in f})
    return sorted(out, key=lambda t: t["id"])


SPECIAL = [("<|endoftext|>", "s"), ("<|im_start|>", "s"), ("<|im_end|>", "s"), ("<tool_call>", ""), ("[MASK]", "sl"),
           ("<think>", "r"), ("[CLS]", "s"), ("[SEP]", "slr"), ("house", "w"), ("world", "n"), ("THE", "n"), ("\u00e9t\u00e9", "nw"),
           ("...", "nlr"), ("\n\n", ""), ("<s>", "s"), ("</s>", "s")]


def write_json(path, members, model):
    """One member a line, so that styles can replace them; token ids of `model["vocab"]` go in order."""
    lines = [f'  "{k}": {json.dumps(v, ensure_ascii=False)}' for k, v in members]
    inner = [f'    "{k}": {json.dumps(v, ensure_ascii=False, separators=(",", ":"))}' for k, v in model]
    text = "{\n" + ",\n".join(lines) + ',\n  "model": {\n' + ",\n".join(inner) + "\n  }\n}\n"
    json.loads(text)
    with open(path, "w", encoding="utf-8", newline="\n") as f:
        f.write(text)


MEMBERS = [("version", "1.0"), ("truncation", None), ("padding", None)]
STEPS = [("normalizer", None), ("pre_tokenizer", None), ("post_processor", None), ("decoder", None)]


def bpe_model(vocab, merges, unk=None, fallback=False):
    return [("type", "BPE"), ("dropout", None), ("unk_token", unk), ("continuing_subword_prefix", None), ("end_of_word_suffix", None),
            ("fuse_unk", unk is not None), ("byte_fallback", fallback), ("ignore_merges", False), ("vocab", vocab),
            ("merges", [f"{a} {b}" for a, b in merges])]


def make_byte(path, blocks):
    """Byte-level BPE. A few words are tokens that no merge makes: with ignore_merges they are taken whole."""
    table = byte_alphabet()
    text = b"".join(blocks)
    merges = [("".join(table[b] for b in x), "".join(table[b] for b in y)) for x, y in
              learn_pairs(collections.Counter({tuple(bytes([b]) for b in c): n for c, n in chunks(text, 1).items()}), 700)]
    tokens = [table[b] for b in range(256)] + [a + b for a, b in merges]
    vocab = {}
    for t in tokens + ["Wednesday", "\u0120antidisestablishmentarianism", "\u0120tokenizer", "\u0120vocabulary", "'ll", "\u0120=====", "\u00c3\u00a9t\u00c3\u00a9", "\u0120\u0120\u0120\u0120\u0120\u0120\u0120\u0120", "1234", "\u010a\u010a\u010a"]:
        vocab.setdefault(t, len(vocab))
    write_json(path, MEMBERS + [("added_tokens", added(vocab, SPECIAL))] + STEPS, bpe_model(vocab, merges))


def make_spm(path, blocks):
    """BPE over characters, U+2581 for the space, <0x..> for what is no token."""
    text = b"".join(blocks).decode().replace(" ", "\u2581")
    usual = [c for c, n in collections.Counter(text).most_common(260)]
    kept = "".join(c if c in usual else "\0" for c in text)
    words = collections.Counter()
    for part in kept.split("\0"):
        words.update(chunks(part, len(words)))
    merges = learn_pairs(words, 600)
    vocab = {}
    for t in ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)] + sorted(usual) + [a + b for a, b in merges]:
        vocab.setdefault(t, len(vocab))
    # None is looked for in normalised text: that would be "\u2581world" where a step prepends U+2581, as early Llama 2 files have it
    tokens = [("<unk>", "s")] + [(c, f.replace("n", "")) for c, f in SPECIAL if c not in ("[CLS]", "[SEP]", "\u00e9t\u00e9")]
    write_json(path, MEMBERS + [("added_tokens", added(vocab, tokens))] + STEPS, bpe_model(vocab, merges, "<unk>", True))


def split_words(blocks):
    """Words as BERT and word-level tokenizers see them, lower-cased: \\w+ and punctuation."""
    return collections.Counter(regex.findall(r"\w+|[^\w\s]", b"".join(blocks).decode().lower()))


def make_wordpiece(path, blocks):
    words = split_words(blocks)
    usual = {c for c, n in collections.Counter("".join(w * n for w, n in sorted(words.items()))).most_common(420)}
    inner = collections.Counter()
    for w, n in words.items():
        if all(c in usual for c in w):
            inner[(w[0],) + tuple("##" + c for c in w[1:])] += n
    vocab, merges = {}, learn_pairs(inner, 700)
    for t in ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + sorted(usual) + ["##" + c for c in sorted(usual) if c.isalnum()]:
        vocab.setdefault(t, len(vocab))
    for a, b in merges:
        vocab.setdefault((a + b).replace("##", "") if not a.startswith("##") else "##" + (a + b).replace("##", ""), len(vocab))
    for t in ["The", "Wednesday", "NASA", "\u00e9t\u00e9", "na\u00efve"]:
        vocab.setdefault(t, len(vocab))
    first = added(vocab, [("[PAD]", "s"), ("[UNK]", "s"), ("[CLS]", "s"), ("[SEP]", "s"), ("[MASK]", "s")])
    write_json(path, MEMBERS + [("added_tokens", first)] + STEPS,
               [("type", "WordPiece"), ("unk_token", "[UNK]"), ("continuing_subword_prefix", "##"), ("max_input_chars_per_word", 100), ("vocab", vocab)])


def make_wordlevel(path, blocks):
    vocab = {}
    text = b"".join(blocks).decode()
    for t in ["<unk>", "</s>"] + [w for w, n in collections.Counter(regex.findall(r"\w+|[^\w\s]+|.", text)).most_common(900)]:
        vocab.setdefault(t, len(vocab))
    first = added(vocab, [("<unk>", "s"), ("</s>", "s")])
    write_json(path, MEMBERS + [("added_tokens", first)] + STEPS, [("type", "WordLevel"), ("vocab", vocab), ("unk_token", "<unk>")])


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    blocks = corpus(2, 400000, 0)
    make_byte(os.path.join(out, "byte.json"), blocks)
    make_spm(os.path.join(out, "spm.json"), blocks)
    make_wordpiece(os.path.join(out, "wordpiece.json"), blocks)
    make_wordlevel(os.path.join(out, "wordlevel.json"), blocks)


if __name__ == "__main__":
    main()
