#!/usr/bin/python3
"""Seeds for the fuzzers: the small models of tests/vectors and tests/hostile as inputs of fuzz.c.

    /usr/bin/python3 tests/fuzz/seeds.py OUT FOLDER...

FOLDER holds models: folders, single files. OUT/TARGET gets one input for each. Weights are left
out where a table says where they lie: fuzz.c fills a file up with zeros, so that an input stays
short and mutations hit what is read.
"""
import hashlib
import os
import struct
import sys

MARK = b"\0LLMCFILE"
NAMES = ("model.safetensors", "config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
         "model_config.yaml", "million_context.toml", "meta_000123.json", "model.mpk", "model.gguf",
         "model-00001-of-00002.gguf", "model-00002-of-00002.gguf", "model.bin", "model.mog", "1_Pooling/config.json",
         "model.safetensors.index.json", "tokenizer.bin")
MOST = 48 << 10  # longest file that is kept whole


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


def replies(seeds):
    """The replies of tests/vectors/reply.txt, each in its format."""
    formats = ("plain", "llama3", "hermes", "qwen3-coder", "mistral", "gpt-oss", "deepseek", "claude-rust")
    path = os.path.join(os.path.dirname(__file__), "../vectors/reply.txt")
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    for form, text in zip(lines[0::4], lines[1::4]):
        text = text.replace("\\\\", "\0").replace("\\n", "\n").replace("\\r", "\r").replace("\0", "\\")
        seeds.add("reply", bytes([formats.index(form.rstrip("+")), len(text) % 256]) + text.encode())


def main(out, folders):
    seeds = Seeds(out)
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
    print("seeds: " + ", ".join("%s %d" % x for x in sorted(seeds.n.items())))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
