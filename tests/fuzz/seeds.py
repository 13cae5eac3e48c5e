#!/usr/bin/python3
"""Seeds for the fuzzers: the small models of tests/vectors and tests/hostile as inputs of fuzz.c.

    /usr/bin/python3 tests/fuzz/seeds.py OUT FOLDER...

FOLDER holds models: folders, single files. OUT/TARGET gets one input for each. Weights are left
out where a table says where they lie: fuzz.c fills a file up with zeros, so that an input stays
short and mutations hit what is read.
"""
import hashlib
import json
import os
import struct
import sys

MARK = b"\0LLMCFILE"
NAMES = ("model.safetensors", "config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
         "model_config.yaml", "million_context.toml", "meta_000123.json", "model.mpk", "model.gguf",
         "model-00001-of-00002.gguf", "model-00002-of-00002.gguf", "model.bin", "model.mog", "1_Pooling/config.json",
         "model.safetensors.index.json", "tokenizer.bin")
MOST = 48 << 10  # longest file that is kept whole
SCHEMAS = (
    '{"$defs":{"n":{"type":"object","properties":{"v":{},"next":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}}}},'
    '"$ref":"#/$defs/n"}',
    '{"type":"object","properties":{"ab":{"type":"integer","minimum":-5,"maximum":42.5},"ac":{"enum":[1,"x",{"y":[]}]}},'
    '"required":["ac"],"additionalProperties":{"type":"number","exclusiveMinimum":0.1},"minProperties":2}',
    '{"type":"array","prefixItems":[{"type":"string","pattern":"^[^a-c\\\\s]{2,5}(x|\\\\d)?$","maxLength":6},false],"items":{"const":"\\u00e9"}}',
    '{"allOf":[{"minLength":1},{"oneOf":[{"type":"string","format":"date-time"},{"maxLength":3}]}],"pattern":"a|b$"}',
)


def head(name, fill):
    """The ten bytes before a file; fill: bytes of zeros wanted behind it."""
    k = 0
    while ((1 << k) - 1) * 4096 < fill:
        k += 1
    return MARK + bytes([16 * k + NAMES.index(name)])


def gguf_data(data):
    """Where a GGUF's tensor data begins."""
    tensors, keys = struct.unpack_from("<QQ", data, 8)
    at = 24
    size = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}

    def text(at):
        return at + 8 + struct.unpack_from("<Q", data, at)[0]

    def value(at, kind):
        if at > len(data):
            raise OverflowError
        if kind == 8:
            return text(at)
        if kind != 9:
            return at + size[kind]
        kind, n = struct.unpack_from("<IQ", data, at)
        at += 12
        for _ in range(n):
            at = value(at, kind)
        return at

    for _ in range(keys):
        at = text(at)
        at = value(at + 4, struct.unpack_from("<I", data, at)[0])
    for _ in range(tensors):
        at = text(at)
        at += 4 + 8 * struct.unpack_from("<I", data, at)[0] + 12
    return at + -at % 32


def data_begin(data):
    """Where weights begin, or None where no table says so."""
    if data[:4] == b"GGUF":
        return gguf_data(data)
    if data[:4] == b"MOG\0":
        n = 16 + struct.unpack_from("<Q", data, 8)[0]
        return n + -n % 64
    if len(data) > 9 and data[8:9] == b"{":
        return 8 + struct.unpack_from("<Q", data)[0]
    return None


def part(name, data):
    """One file of an input, None if it is too long."""
    try:
        begin = data_begin(data)
    except (struct.error, KeyError, OverflowError, MemoryError, RecursionError):
        begin = None
    if len(data) > 4096 and begin is not None and begin < len(data):
        fill = len(data) - begin
        data = data[:begin]
    else:
        fill = 0
    return None if len(data) > MOST or fill > 1 << 20 else head(name, fill) + data


def known(path, count):
    """The name that fuzz.c gives a file, None for one that no model is made of."""
    base, ending = os.path.basename(path), os.path.splitext(path)[1]
    if os.path.basename(os.path.dirname(path)) == "1_Pooling":
        return "1_Pooling/config.json"
    if base in NAMES:
        return base
    if base.startswith("meta_"):
        return "meta_000123.json"
    if ending in (".safetensors", ".gguf"):
        return ("model-00001-of-00002" if count == 0 else "model-00002-of-00002") + ending if "-of-" in base else "model" + ending
    return {".yaml": "model_config.yaml", ".toml": "million_context.toml", ".bin": "model.bin", ".mog": "model.mog",
            ".mpk": "model.mpk"}.get(ending)


def kind(data):
    """Of one file: the target that reads it."""
    if data[:4] == b"GGUF":
        return "gguf"
    if data[:4] == b"MOG\0":
        return "mog"
    if data[:4] == struct.pack("<I", 20240326):
        return "llmc"
    if len(data) > 9 and data[8:9] == b"{":
        return "torchless" if data[9:19].lstrip()[:7] in (b'"metada', b'"tokeni', b'"tensor') else "safetensors"
    if data[:1] == b"{":
        return "json"
    if data[1:10] in (b"\xa8metadata", b"\xa4item") or data[:1] in (b"\x81", b"\x82", b"\x83"):
        return "mpk"
    return "llama2c"


class Seeds:
    def __init__(self, out):
        self.out, self.n = out, {}

    def add(self, target, data):
        folder = os.path.join(self.out, target)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, hashlib.sha256(data).hexdigest()[:16]), "wb") as f:
            f.write(data)
        self.n[target] = self.n.get(target, 0) + 1

    def model(self, paths):
        """The files of one model as an input, weights first; texts also by themselves."""
        parts, targets, shards = [], set(), 0
        for path in sorted(paths, key=lambda p: (p.endswith(("json", "ml")), p)):
            with open(path, "rb") as f:
                data = f.read()
            name = known(path, shards) or ("model.bin" if len(paths) == 1 else None)
            if path.endswith("json") or data[:1] == b"{":
                self.add("json", data[:MOST])
                self.add("settings", data[:4096])
            if path.endswith("ml"):
                self.add("settings", data)
            if name is None or "generation" in path:
                continue
            shards += "-of-" in name
            one = part(name, data)
            if one is None or len(parts) == 6:
                continue
            parts.append(one)
            if kind(data) not in ("json", "settings") and not path.endswith("ml"):
                targets.add(kind(data))
        for target in targets:
            self.add(target, b"".join(parts))
            self.add("model", b"".join(parts))


def tokenizers(seeds):
    """Small tokenizers of every kind, none of a model."""
    mark = "\u2581"
    names = {t: i for i, t in enumerate(["<unk>", "<s>", "</s>", "<0x41>", "a", "b", "ab", mark, mark + "ab", "##b", "\u0120", "\u0120ab"])}
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": mark}
    byte = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
    meta = {"type": "Metaspace", "replacement": mark, "prepend_scheme": "always", "split": True}
    digits = {"type": "Split", "pattern": {"Regex": "\\p{N}{1,3}"}, "behavior": "Isolated", "invert": False}
    template = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}}], "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}
    bpe = {"type": "BPE", "dropout": None, "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": False, "vocab": names}
    scored = {"type": "Unigram", "unk_id": 0, "vocab": [[t, -float(i)] for t, i in names.items()]}
    piece = {"type": "WordPiece", "unk_token": "<unk>", "continuing_subword_prefix": "##", "max_input_chars_per_word": 9, "vocab": names}
    bert = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}

    def add(normalizer, pre, post, decoder, model):
        added = [{"id": 1, "content": "<s>", "single_word": False, "lstrip": False, "rstrip": True, "normalized": False, "special": True},
                 {"id": 12, "content": "<x>", "single_word": True, "lstrip": True, "rstrip": False, "normalized": True, "special": False}]
        seeds.add("tokenizer", json.dumps({"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": normalizer,
                  "pre_tokenizer": pre, "post_processor": post, "decoder": decoder, "model": model}).encode())

    def sequence(kind, *parts):
        return {"type": "Sequence", kind: list(parts)}

    add(sequence("normalizers", {"type": "Prepend", "prepend": mark}, replace), None, template,
        sequence("decoders", {"type": "ByteFallback"}, {"type": "Fuse"}), dict(bpe, byte_fallback=True, merges=["a b", [mark, "ab"]]))
    add({"type": "NFC"}, sequence("pretokenizers", digits, byte), {"type": "ByteLevel"}, {"type": "ByteLevel"},
        dict(bpe, ignore_merges=True, merges=["a b", "\u0120 ab"]))
    add(sequence("normalizers", {"type": "NFKC"}, {"type": "Lowercase"}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}), meta, template,
        dict(meta), scored)
    add({"type": "Precompiled", "precompiled_charsmap": "BAAAAAAAAAAA"}, sequence("pretokenizers", {"type": "WhitespaceSplit"}, meta), None, meta, scored)
    add(bert, {"type": "BertPreTokenizer"}, {"type": "BertProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1]},
        {"type": "WordPiece", "prefix": "##", "cleanup": True}, piece)
    add(None, {"type": "Whitespace"}, None, None, {"type": "WordLevel", "vocab": names, "unk_token": "<unk>"})
    add({"type": "StripAccents"}, sequence("pretokenizers", {"type": "Digits", "individual_digits": True},
        {"type": "Punctuation", "behavior": "Contiguous"}), None, None, dict(bpe, merges=[]))

    def field(number, data):
        return bytes([number << 3 | 2, len(data)]) + data

    def proto(kind, charsmap):
        pieces = b"".join(field(1, field(1, t.encode()) + b"\x15" + struct.pack("<f", -i) + (b"" if k == 1 else bytes([0x18, k])))
                          for i, (t, k) in enumerate([("<unk>", 2), ("<s>", 3), ("</s>", 3), ("<0x41>", 6), ("<x>", 4), (mark, 1), ("a", 1),
                                                      ("b", 1), ("ab", 1), (mark + "ab", 1), ("un", 5)]))
        return pieces + field(2, bytes([0x18, kind])) + field(3, field(1, b"nmt") + field(2, charsmap))

    for kind in range(1, 5):
        seeds.add("pieces", proto(kind, struct.pack("<I", 8) + bytes(8) + b"x\0" if kind < 3 else b""))
    seeds.add("pieces", b"IQ== 0\nIg== 1\nYWI= 2\nYQ== 3\nYg== 4\n")
    seeds.add("pieces", struct.pack("<iii244x", 20240328, 2, 3)[:12] + struct.pack("<i", 2) + bytes(1008) + b"\1a\1b\2ab")

def replies(seeds):
    """The replies of tests/vectors/reply.txt, each in its format."""
    formats = ("plain", "llama3", "hermes", "qwen3-coder", "mistral", "gpt-oss", "deepseek", "claude-rust")
    path = os.path.join(os.path.dirname(__file__), "../vectors/reply.txt")
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    for form, text in zip(lines[0::4], lines[1::4]):
        text = text.replace("\\\\", "\0").replace("\\n", "\n").replace("\\r", "\r").replace("\0", "\\")
        seeds.add("reply", bytes([formats.index(form.rstrip("+")), len(text) % 256]) + text.encode())


def grammars(seeds):
    """A few grammars, each with other parts of GBNF."""
    for text in ('root ::= v\nv ::= o | a | s | "1"\no ::= "{" (s ":" v ("," s ":" v)*)? "}"\na ::= "[" (v ("," v)*)? "]"\n'
                 's ::= "\\"" ([^"\\\\] | "\\\\" ["nt])* "\\""',
                 'root ::= ([a-z]{2,40} | " ")+ "."', 'root ::= "a" root "b" | "a" root "c" | "a" # ambiguous',
                 'root ::= x{3}{0,60} y\nx ::= . | "\u00e9"?\ny ::= [\\x00-\\U0010FFFF]', "root ::= <s> !</s>* <[5]> |\n  (\n x )\nx ::= \"\""):
        seeds.add("gbnf", text.encode())


def jinja(seeds):
    """The small templates of tests/vectors/jinja.txt, each with a conversation and some variables."""
    with open(os.path.join(os.path.dirname(__file__), "../vectors/jinja.txt"), encoding="utf-8") as f:
        lines = [json.loads(line) for line in f]
    messages = json.dumps([{"role": "user", "content": "a <s> b"}, {"role": "assistant", "content": None, "tool_calls": [{"x": 1.5}]}])
    for case in lines[1:]:
        seeds.add("jinja", "\0".join((case["t"], messages, json.dumps(lines[0]["context"]))).encode())


def words(seeds):
    """A head that picks each pattern and each normaliser, then a text with a bit of everything."""
    text = "It's 12 o'clock, DON'T-shout caf\u00e9 e\u0301\u0323 \u4e2dA\u4e2d \uac00\u1100\u1161\u11a8\r\n \t \ufb01 x=1;\n\n"
    for i in range(40):
        cut = bytes([1 + i % 3, i, i % 5, i % 2, i + 7, 0, 0, i + 13, i // 5, 1])
        normal = bytes([i % 5, i, i + 3, i + 6, i + 9, 0x5f, 0x93, 0xff, 0x2f])
        seeds.add("words", cut + b"- \1" + normal + b" ae" + b"\xe2\x96\x81" + bytes([0, 0, 0, i]) + text.encode())


def indexes(seeds):
    """FAISS's flat file as it stands, changes of ours, a text in passages."""
    for kind, metric in ((b"I", 0), (b"2", 1)):
        head = b"IxF" + kind + struct.pack("<iqqq?iQ", 3, 5, 1 << 20, 1 << 20, True, metric, 15)
        for first in (b"\1", b"\5"):
            seeds.add("index", first + head + struct.pack("<15f", *range(15)))
    for first in (0, 2, 4):
        for second in range(4):
            seeds.add("index", bytes([first, second, 1, 4, 2, 0]))
    seeds.add("index", b"\3\0\x20\x08# Head\nSome text. More!\n\n```\ncode\n```\n\xc3\xa9\xe6\xbc\xa2 \n## Next\nint f(void)\n{\n    x;\n}\n")


def main(out, folders):
    seeds = Seeds(out)
    indexes(seeds)
    words(seeds)
    grammars(seeds)
    jinja(seeds)
    tokenizers(seeds)
    replies(seeds)
    for folder in folders:
        for base in sorted(os.listdir(folder)):
            path = os.path.join(folder, base)
            if base in ("list.txt", "made-by"):
                continue
            if os.path.isdir(path):
                seeds.model([os.path.join(d, f) for d, _, files in os.walk(path) for f in files])
            else:
                seeds.model([path])
    for schema in SCHEMAS:
        seeds.add("schema", schema.encode())
    print("seeds: " + ", ".join("%s %d" % x for x in sorted(seeds.n.items())))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
