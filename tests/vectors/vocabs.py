#!/usr/bin/python3
"""The shared folder's GGUF vocabularies for other libraries to read.

    /usr/bin/python3 tests/vectors/vocabs.py SHARED OUT

Byte-level ones become OUT/NAME.tokenizer.json, with the pre-tokenizers of their makers' own files; those of
SentencePiece OUT/NAME.model, a ModelProto of the same pieces, scores and kinds. tests/compat/tokenizers.mjs and
sentencepieces.py make hashes of their ids. Nothing of this is kept but those hashes: the vocabularies are not ours."""
import json
import os
import struct
import sys

import styles

GPT2_LEVEL = styles.level(True)
PRE = {
    "gpt-2": GPT2_LEVEL,
    "falcon": styles.seq(styles.PUNCT, styles.level(True), styles.digits(False), styles.split("[0-9][0-9][0-9]")),
    "starcoder": styles.seq(styles.digits(True), styles.level(True)),
    "deepseek-coder": styles.seq(styles.split("[\r\n]"), styles.split(r"\s?\p{L}+"), styles.split(r"\s?\p{P}+"), styles.split(styles.CJK),
                                 styles.digits(True), styles.level()),
}


def read_gguf(path):
    """Metadata of a GGUF v2 or v3 file."""
    data = open(path, "rb").read()
    at = 24
    plain = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}

    def scalar(kind):
        nonlocal at
        if kind == 8:
            n = struct.unpack_from("<Q", data, at)[0]
            at += 8 + n
            return data[at - n:at]
        value = struct.unpack_from(plain[kind], data, at)[0]
        at += struct.calcsize(plain[kind])
        return value

    out = {}
    for _ in range(struct.unpack_from("<Q", data, 16)[0]):
        key, kind = scalar(8).decode(), scalar(4)
        if kind == 9:
            inner, n = scalar(4), scalar(10)
            out[key] = [scalar(inner) for _ in range(n)]
        else:
            out[key] = scalar(kind)
    return out


def write_bpe(meta, path):
    tokens = [t.decode() for t in meta["tokenizer.ggml.tokens"]]
    kinds = meta["tokenizer.ggml.token_type"]
    added = [styles.flag(t, i, "s" if k == 3 else "") for i, (t, k) in enumerate(zip(tokens, kinds)) if k in (3, 4)]
    vocab = {}
    for i, t in enumerate(tokens):
        vocab.setdefault(t, i)
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False,
             "byte_fallback": False, "ignore_merges": False, "vocab": vocab, "merges": [m.decode() for m in meta["tokenizer.ggml.merges"]]}
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
                   "pre_tokenizer": PRE[meta["tokenizer.ggml.pre"].decode()], "post_processor": None, "decoder": None, "model": model}, f,
                  ensure_ascii=False)


def varint(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7f | 0x80])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    """A protobuf field: bytes, float or int."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3) + varint(value)


def write_sentencepiece(meta, path):
    """ModelProto: 1 pieces {1 piece, 2 score, 3 type}, 2 trainer_spec {3 model_type, 35 byte_fallback}, 3 normalizer_spec {1 name,
    3 add_dummy_prefix, 4 remove_extra_whitespaces, 5 escape_whitespaces}."""
    out = b""
    for t, s, k in zip(meta["tokenizer.ggml.tokens"], meta["tokenizer.ggml.scores"], meta["tokenizer.ggml.token_type"]):
        k = 2 if t == b"<unk>" else 3 if k == 2 else k  # one unknown piece, as SentencePiece insists; Phi-3 has 53 such
        out += field(1, field(1, t) + field(2, float(s)) + field(3, k))
    out += field(2, field(3, 2) + field(35, 1)) + field(3, field(1, b"identity") + field(3, 1) + field(4, 0) + field(5, 1))
    with open(path, "wb") as f:
        f.write(out)


def main():
    shared, out = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    for name in ("gpt-2", "falcon", "starcoder", "deepseek-coder", "llama-spm", "phi-3"):
        meta = read_gguf(f"{shared}/data/vocabs/ggml-vocab-{name}.gguf")
        if meta["tokenizer.ggml.model"] == b"gpt2":
            write_bpe(meta, f"{out}/{name}.tokenizer.json")
        else:
            write_sentencepiece(meta, f"{out}/{name}.model")


if __name__ == "__main__":
    main()
