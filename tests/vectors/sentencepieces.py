#!/usr/bin/python3
"""Hashes of SentencePiece's ids of the corpus, and the small models that they are taken with.

    apt-get install python3-sentencepiece
    /usr/bin/python3 tests/vectors/sentencepieces.py train [NAME...]   models into tests/models/tokenizers, large ones into build/test/large
    /usr/bin/python3 tests/vectors/sentencepieces.py [NAME...]         hashes of both into tests/vectors/tokens
    /usr/bin/python3 tests/vectors/sentencepieces.py --vocabs DIR      the same for DIR/NAME.model of vocabs.py

Made with sentencepiece 0.1.97. Models are trained on tests/corpus.h, with one thread. Those with `nfkc` in their name
hold SentencePiece's tables, a quarter of a megabyte, so they are made anew where they are needed (`train`); `rules` is a
small table of our own. Input that is not UTF-8 is not asked about: SentencePiece replaces it by U+FFFD.

The format of the hashes is that of tests/compat/corpus.mjs."""
import base64
import collections
import os
import struct
import sys
import tempfile

import sentencepiece

import vocabularies

SMALL, LARGE = "tests/models/tokenizers", "build/test/large"
CORPUS = (1, 1200000, 0)
FALLBACK = {"byte_fallback": True}
BARE = {"add_dummy_prefix": False, "remove_extra_whitespaces": False}
USER = {"user_defined_symbols": ["<tool_call>", "[MASK]", "<|im_start|>", "\u00e9t\u00e9", "...", "\u2581\u2581\u2581\u2581"], "control_symbols": ["<think>", "[CLS]"]}
NAMES = {
    "bpe": {"model_type": "bpe", "normalization_rule_name": "identity"},
    "bpe-fallback": {"model_type": "bpe", "normalization_rule_name": "identity", "remove_extra_whitespaces": False, **FALLBACK},
    "bpe-rules": {"model_type": "bpe", "rules": True, **USER},
    "unigram": {"model_type": "unigram", "normalization_rule_name": "identity"},
    "unigram-fallback": {"model_type": "unigram", "normalization_rule_name": "identity", **FALLBACK, **BARE},
    "unigram-rules": {"model_type": "unigram", "rules": True},
    "unigram-user": {"model_type": "unigram", "normalization_rule_name": "identity", **USER, **FALLBACK},
    "word": {"model_type": "word", "normalization_rule_name": "identity", "vocab_size": 500},
    "char": {"model_type": "char", "normalization_rule_name": "identity", "vocab_size": 400},
    "unigram-nmt_nfkc": {"model_type": "unigram", "normalization_rule_name": "nmt_nfkc"},
    "unigram-nfkc_cf": {"model_type": "unigram", "normalization_rule_name": "nfkc_cf", **FALLBACK, **BARE},
    "bpe-nmt_nfkc_cf": {"model_type": "bpe", "normalization_rule_name": "nmt_nfkc_cf", **FALLBACK},
    "bpe-nfkc": {"model_type": "bpe", "normalization_rule_name": "nfkc", "add_dummy_prefix": False},
}

# Our own table: capitals, ligatures, full-width letters, ellipses, some white space; sequences as well as single characters
RULES = [(chr(c), chr(c + 32)) for c in range(65, 91)] + [("\ufb01", "fi"), ("\u2026", "..."), ("\u00a0", " "), ("\u3000", " "), ("\u00ad", ""), ("'S", "'s"),
         ("\r\n", "\n"), ("<S>", "<s>"), ("e\u0301", "\u00e9"), ("\u0130", "i\u0307"), ("\u33d2", "log")] + [(chr(c), chr(c - 0xfee0)) for c in range(0xff01, 0xff5f)]


def path_of(name):
    return os.path.join(LARGE if "nfkc" in name else SMALL, f"{name}.model")


def train(name, lines):
    options = {"vocab_size": 800, "character_coverage": 1.0, "num_threads": 1, "hard_vocab_limit": False, "minloglevel": 2, **NAMES[name]}
    if options["model_type"] != "char" and options["model_type"] != "word" and options.get("byte_fallback"):
        options["vocab_size"] = 1000
    os.makedirs(os.path.dirname(path_of(name)), exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        if options.pop("rules", False):
            table = os.path.join(folder, "rules.tsv")  # named without its folder below: the model records that, too
            with open(table, "w", encoding="utf-8") as f:
                for old, new in RULES:
                    f.write(" ".join(f"{ord(c):X}" for c in old) + "\t" + " ".join(f"{ord(c):X}" for c in new) + "\n")
            options["normalization_rule_tsv"] = "rules.tsv"
        text = os.path.join(folder, "text")
        with open(text, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
        here = os.getcwd()
        model = os.path.abspath(path_of(name))
        os.chdir(folder)  # the model records its input's name: the same wherever it is made
        try:
            sentencepiece.SentencePieceTrainer.train(input="text", model_prefix="m", **options)
        finally:
            os.chdir(here)
        with open(os.path.join(folder, "m.model"), "rb") as f:
            data = f.read()
        with open(model, "wb") as f:
            f.write(data)


def read_fields(data):
    """Fields of a protobuf message: (number, value)."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            value |= (data[at] & 0x7f) << shift
            shift += 7
            at += 1
            if data[at - 1] < 0x80:
                return value

    while at < len(data):
        tag = varint()
        if tag & 7 == 2:
            n = varint()
            at += n
            yield tag >> 3, data[at - n:at]
        elif tag & 7 == 5:
            at += 4
            yield tag >> 3, struct.unpack_from("<f", data, at - 4)[0]
        else:
            yield tag >> 3, varint()


def write_unigram():
    """unigram.json: the pieces and the table of unigram-rules.model as tokenizer.json, with a few added tokens."""
    with open(path_of("unigram-rules"), "rb") as f:
        model = list(read_fields(f.read()))
    pieces = [dict(read_fields(v)) for n, v in model if n == 1]
    table = [v for n, v in read_fields(next(v for n, v in model if n == 3)) if n == 2][0]
    vocab = [[x[1].decode(), x.get(2, 0.0)] for x in pieces]  # what a float32 is as a double, like converters write
    ids = {t: i for i, (t, _) in enumerate(vocab)}
    tokens = vocabularies.added(ids, [("<unk>", "s"), ("<s>", "s"), ("</s>", "s"), ("[MASK]", "sl"), ("<|endoftext|>", "s"), ("world", "n")])
    steps = [("normalizer", None), ("pre_tokenizer", None), ("post_processor", None), ("decoder", None)]
    vocabularies.write_json(os.path.join(SMALL, "unigram.json"), vocabularies.MEMBERS + [("added_tokens", tokens)] + steps,
                            [("type", "Unigram"), ("unk_id", 0), ("byte_fallback", False), ("vocab", vocab)])
    with open(os.path.join(SMALL, "charsmap.txt"), "w") as f:
        f.write(base64.b64encode(table).decode() + "\n")


def hash_ids(ids):
    h = 0x811c9dc5
    for byte in struct.pack(f"<{len(ids)}I", *ids):
        h = (h ^ byte) * 0x01000193 & 0xffffffff
    return h


def write_vector(name, comments, corpus, ids):
    flat = [i for block in ids if block is not None for i in block]
    lines = [f"# {c}" for c in comments] + ["corpus %d %d %d" % corpus, f"ids {len(flat)} {hash_ids(flat):08x}"]
    digits = ["----" if block is None else f"{hash_ids(block) & 0xffff:04x}" for block in ids]
    lines += ["".join(digits[i:i + 24]) for i in range(0, len(digits), 24)]
    with open(f"tests/vectors/tokens/{name}.txt", "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    if os.environ.get("COMPARE_IDS"):
        with open(os.path.join(os.environ["COMPARE_IDS"], f"{name}.ids"), "wb") as f:
            for block in ids:
                block = block or []
                f.write(struct.pack(f"<{len(block) + 1}I", len(block), *block))


def write_hashes(name, model, blocks, but=None):
    """but: blocks with these bytes are left out."""
    sp = sentencepiece.SentencePieceProcessor(model_file=model)
    comments = [f"{name}: ids by sentencepiece {sentencepiece.__version__}", "made by tests/vectors/sentencepieces.py"]
    if but is not None:
        comments.append(f"---- are blocks that hold {but.decode()}, where the format means something else")
    write_vector(name, comments, CORPUS, [None if but is not None and but in b else sp.encode(b.decode()) for b in blocks])


def main():
    args = sys.argv[1:]
    if args[:1] == ["train"]:
        text = "".join(b.decode() for b in vocabularies.corpus(2, 400000, 0)).replace("\0", "").replace("\r", "\n")
        usual = {c for c, n in collections.Counter(text).most_common(300)}  # SentencePiece keeps all characters but 2 %
        lines = [x for x in "".join(c for c in text if c in usual).split("\n") if x.strip()]
        for name in args[1:] or NAMES:
            train(name, lines)
        write_unigram()
        return
    blocks = vocabularies.corpus(*CORPUS)
    if args[:1] == ["--vocabs"]:
        for file in sorted(os.listdir(args[1])):
            if file.endswith(".model"):
                # Phi-3's </s> is a user token: in GGUF, text begins anew behind it
                write_hashes("vocab-" + file[:-6], os.path.join(args[1], file), blocks, b"</s>" if file == "phi-3.model" else None)
        return
    for name in args or NAMES:
        write_hashes("sp-" + name, path_of(name), blocks)


if __name__ == "__main__":
    main()
