"""Writers of the two file formats, and MXFP4. Own code, from the formats' specifications."""
import json
import os
import struct

import numpy as np

# ---------------------------------------------------------------- safetensors


def save_safetensors(path, tensors, half=None):
    """tensors: name -> array; bytes stay, the rest is stored as F32, or as half says (BF16, F16)."""
    head, data = {"__metadata__": {"format": "pt"}}, b""
    for name in sorted(tensors):
        a = np.ascontiguousarray(tensors[name])
        if a.dtype == np.uint8:
            kind, raw = "U8", a.tobytes()
        elif half == "BF16":
            kind, raw = half, (a.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
        elif half == "F16":
            kind, raw = half, a.astype("<f2").tobytes()
        else:
            kind, raw = "F32", a.astype("<f4").tobytes()
        head[name] = {"dtype": kind, "shape": list(a.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def save_json(path, value):
    with open(path, "w") as f:
        f.write(json.dumps(value, indent=2) + "\n")


def save_folder(path, config, tensors, generation=None, shards=1, half=None):
    """A model folder as downloaded; with shards > 1 its tensors are dealt over that many files."""
    os.makedirs(path, exist_ok=True)
    for name in os.listdir(path):
        os.remove(os.path.join(path, name))
    save_json(os.path.join(path, "config.json"), config)
    if generation is not None:
        save_json(os.path.join(path, "generation_config.json"), generation)
    if shards == 1:
        save_safetensors(os.path.join(path, "model.safetensors"), tensors, half)
        return
    names, where, width = sorted(tensors), {}, 2 if half else 4
    for n in range(shards):
        file = "model-%05d-of-%05d.safetensors" % (n + 1, shards)
        part = {k: tensors[k] for k in names[n::shards]}
        where.update({k: file for k in part})
        save_safetensors(os.path.join(path, file), part, half)
    save_json(os.path.join(path, "model.safetensors.index.json"),
              {"metadata": {"total_size": sum(width * v.size for v in tensors.values())},
               "weight_map": {k: where[k] for k in names}})


# ---------------------------------------------------------------- GGUF v3
U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9


def _string(s):
    b = s.encode()
    return struct.pack("<Q", len(b)) + b


def _value(kind, v):
    if kind == STRING:
        return _string(v)
    if kind == ARRAY:
        return struct.pack("<IQ", v[0], len(v[1])) + b"".join(_value(v[0], i) for i in v[1])
    return struct.pack({U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}[kind], v)


def save_gguf(path, keys, tensors, alignment=32):
    """keys: (name, kind, value); tensors: name -> array, or (type number, shape, bytes)."""
    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    for name, kind, v in keys:
        out += _string(name) + struct.pack("<I", kind) + _value(kind, v)
    data = b""
    for name, a in tensors.items():
        kind, shape, raw = a if isinstance(a, tuple) else (0, a.shape, a.astype("<f4").tobytes())
        data += b"\0" * (-len(data) % alignment)
        out += _string(name) + struct.pack("<I%dQIQ" % len(shape), len(shape), *reversed(shape), kind, len(data))
        data += raw
    data += b"\0" * (-len(data) % alignment)
    with open(path, "wb") as f:
        f.write(out + b"\0" * (-len(out) % alignment) + data)


# ---------------------------------------------------------------- MXFP4 (OCP microscaling, 2023)
# Blocks of 32 along the last axis: a byte e, then 32 codes of 4 bits; value = 2^(e - 127) * FP4[code].
FP4 = np.array([0, .5, 1, 1.5, 2, 3, 4, 6, -0., -.5, -1, -1.5, -2, -3, -4, -6])


def to_mxfp4(x):
    """(codes [..., n/32, 32], exponent bytes [..., n/32], the values they stand for)"""
    b = x.reshape(x.shape[:-1] + (-1, 32)).astype(np.float64)
    top = np.abs(b).max(-1)
    e = np.where(top > 0, np.floor(np.log2(np.maximum(top, 1e-30))) - 2, -127).astype(int)
    scale = 2.0 ** e
    codes = np.abs(b[..., None] / scale[..., None, None] - FP4).argmin(-1).astype(np.uint8)
    values = (FP4[codes] * scale[..., None]).reshape(x.shape).astype(np.float32)
    return codes, (e + 127).astype(np.uint8), values


def mxfp4_gguf(codes, e):
    """GGUF type 39: byte j of a block holds values j (low bits) and j + 16."""
    raw = np.concatenate([e[..., None], codes[..., :16] | codes[..., 16:] << 4], -1)
    return 39, codes.shape[:-2] + (codes.shape[-2] * 32,), raw.astype(np.uint8).tobytes()


def mxfp4_blocks(codes):
    """gpt-oss's own files: byte j of a block holds values 2j (low bits) and 2j + 1."""
    return codes[..., 0::2] | codes[..., 1::2] << 4
