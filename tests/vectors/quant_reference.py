#!/usr/bin/env python3
"""quant_reference.py -- what blocks of every quantised type mean, straight from their layouts.

    /usr/bin/python3 tests/vectors/quant_reference.py tests/vectors

writes quant_NAME.bin for each type: u32 number of blocks, the blocks, their elements as float32.
Blocks are random bytes (SplitMix64 of fixed seeds) with scales of every kind: ordinary, zero,
negative, subnormal, the largest, infinite and NaN. Arithmetic is float32, one rounding for each
product and sum, in the order that the formats state. Shares nothing with llmc.h.
"""
import os
import struct
import sys

import numpy as np

F = np.float32
BLOCKS = {32: 12, 256: 4}  # blocks recorded, by their size
IQ4 = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], dtype=F)
E2M1 = np.array([s * v for s in (1, -1) for v in (0, 0.5, 1, 1.5, 2, 3, 4, 6)], dtype=F)


def random_bytes(seed, n):
    out = bytearray()
    state = seed
    while len(out) < n:
        state = (state + 0x9E3779B97F4A7C15) & (2**64 - 1)
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & (2**64 - 1)
        out += struct.pack('<Q', z ^ (z >> 31))
    return bytes(out[:n])


def half(b, at):
    return F(np.frombuffer(b, dtype='<f2', count=1, offset=at)[0])


def bits(data, n):
    """Bit k of little-endian bytes, k = 0, 1, ..."""
    return np.unpackbits(np.frombuffer(data, dtype=np.uint8), bitorder='little')[:n].astype(int)


def nibbles(b, at):
    """16 bytes: 16 low nibbles, then the 16 high ones."""
    v = np.frombuffer(b, dtype=np.uint8, count=16, offset=at).astype(int)
    return np.concatenate([v % 16, v // 16])


def runs(b, at, size, each):
    """Fields of `each` bits; a row of 32 bytes holds 8 / each runs of 32, lowest bits first."""
    v = np.frombuffer(b, dtype=np.uint8, count=size, offset=at).astype(int).reshape(-1, 32)
    return np.concatenate([row >> shift & (1 << each) - 1 for row in v for shift in range(0, 8, each)])


def times(d, q):
    return (F(d) * q.astype(F)).astype(F)


def six_bits(b, at):
    """Q4_K's and Q5_K's 12 bytes: eight scales and eight minimums."""
    v = [int(x) for x in b[at:at + 12]]
    s = [v[j] & 63 for j in range(4)] + [v[8 + j] % 16 + 16 * (v[j] >> 6) for j in range(4)]
    m = [v[4 + j] & 63 for j in range(4)] + [v[8 + j] // 16 + 16 * (v[4 + j] >> 6) for j in range(4)]
    return s, m


def q8_0(b):
    return times(half(b, 0), np.frombuffer(b, dtype=np.int8, offset=2))


def q4_0(b):
    return times(half(b, 0), nibbles(b, 2) - 8)


def q4_1(b):
    return times(half(b, 0), nibbles(b, 4)) + half(b, 2)


def q5_0(b):
    return times(half(b, 0), nibbles(b, 6) + 16 * bits(b[2:6], 32) - 16)


def q5_1(b):
    return times(half(b, 0), nibbles(b, 8) + 16 * bits(b[4:8], 32)) + half(b, 2)


def affine(d, dmin, s, m, q):
    size = 256 // len(s)
    return np.concatenate([times(F(d * F(s[g])), q[size * g:size * g + size]) - F(dmin * F(m[g]))
                           for g in range(len(s))])


def scaled(d, s, q):
    size = 256 // len(s)
    return np.concatenate([times(F(d * F(s[g])), q[size * g:size * g + size]) for g in range(len(s))])


def q2_k(b):
    return affine(half(b, 80), half(b, 82), [x & 15 for x in b[:16]], [x >> 4 for x in b[:16]],
                  runs(b, 16, 64, 2))


def q3_k(b):
    v = b[96:108]
    low = [v[j] % 16 for j in range(8)] + [v[j] // 16 for j in range(8)]
    high = [v[8 + g % 4] >> 2 * (g // 4) & 3 for g in range(16)]
    s = [low[g] + 16 * high[g] - 32 for g in range(16)]
    return scaled(half(b, 108), s, runs(b, 32, 64, 2) + 4 * runs(b, 0, 32, 1) - 4)


def q4_k(b):
    return affine(half(b, 0), half(b, 2), *six_bits(b, 4), runs(b, 16, 128, 4))


def q5_k(b):
    return affine(half(b, 0), half(b, 2), *six_bits(b, 4), runs(b, 48, 128, 4) + 16 * runs(b, 16, 32, 1))


def q6_k(b):
    low = runs(b, 0, 128, 4).reshape(2, 2, 2, 32)  # half of the block, row of bytes, nibble
    low = low.transpose(0, 2, 1, 3).reshape(256)   # low nibbles of both rows, then high ones
    s = [int(x) for x in np.frombuffer(b, dtype=np.int8, count=16, offset=192)]
    return scaled(half(b, 208), s, low + 16 * runs(b, 128, 64, 2) - 32)


def q8_k(b):
    return times(np.frombuffer(b, dtype='<f4', count=1)[0], np.frombuffer(b, dtype=np.int8, count=256, offset=4))


def iq4_nl(b):
    return times(half(b, 0), IQ4[nibbles(b, 2)])


def iq4_xs(b):
    high = b[2] + 256 * b[3]
    s = [(b[4 + g // 2] >> 4 * (g % 2) & 15) + 16 * (high >> 2 * g & 3) - 32 for g in range(8)]
    return scaled(half(b, 0), s, IQ4[np.concatenate([nibbles(b, 8 + 16 * g) for g in range(8)])])


def mxfp4(b):
    # 2^(e - 127) itself may be too small or large for a float where the product with an element
    # is not, so the product is rounded once from double: exact, or a subnormal, or infinite.
    return (2.0 ** (b[0] - 127) * E2M1[nibbles(b, 1)].astype(np.float64)).astype(F)


# name: elements and bytes of a block, offsets of its f16 scales, meaning
TYPES = {
    'Q8_0': (32, 34, [0], q8_0), 'Q4_0': (32, 18, [0], q4_0), 'Q4_1': (32, 20, [0, 2], q4_1),
    'Q5_0': (32, 22, [0], q5_0), 'Q5_1': (32, 24, [0, 2], q5_1), 'Q2_K': (256, 84, [80, 82], q2_k),
    'Q3_K': (256, 110, [108], q3_k), 'Q4_K': (256, 144, [0, 2], q4_k), 'Q5_K': (256, 176, [0, 2], q5_k),
    'Q6_K': (256, 210, [208], q6_k), 'Q8_K': (256, 292, [], q8_k), 'IQ4_NL': (32, 18, [0], iq4_nl),
    'IQ4_XS': (256, 136, [0], iq4_xs), 'MXFP4': (32, 17, [], mxfp4),
}
# f16 bits: two ordinary, negative, subnormal, largest, negative largest, 0, -0, infinite, NaN
HALVES = [0x2c12, 0x1e4b, 0x9803, 0x0001, 0x7bff, 0xfbff, 0x0000, 0x8000, 0x7c00, 0x7e01]
FLOATS = [0x3c123456, 0xbd000001, 0x00000123, 0x7f7fffff, 0x7f800000]
E8M0 = [127, 120, 0, 1, 2, 3, 255, 254, 253, 119, 64, 200]


def make(index, name):
    size, length, scales, meaning = TYPES[name]
    count = BLOCKS[size] + (6 if size == 32 else 2)
    raw = random_bytes(1000 + index, count * length)
    blocks, values = [], []
    for i in range(count):
        b = bytearray(raw[i * length:(i + 1) * length])
        for k, at in enumerate(scales):
            b[at:at + 2] = struct.pack('<H', HALVES[(i * (1 if size == 32 else 3) + 3 * k) % len(HALVES)])
        if name == 'Q8_K':
            b[:4] = struct.pack('<I', FLOATS[i % len(FLOATS)])
        if name == 'MXFP4':
            b[0] = E8M0[i % len(E8M0)]
        blocks.append(bytes(b))
        with np.errstate(all='ignore'):
            values.append(meaning(bytes(b)).astype('<f4').tobytes())
    return struct.pack('<I', count) + b''.join(blocks) + b''.join(values)


def main():
    for index, name in enumerate(TYPES):
        with open(os.path.join(sys.argv[1], 'quant_%s.bin' % name), 'wb') as f:
            f.write(make(index, name))


if __name__ == '__main__':
    main()
