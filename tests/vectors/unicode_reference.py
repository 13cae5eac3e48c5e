"""unicode_reference.py -- tests/vectors/unicode.txt: what normalisers make of the strings of test_unicode.c

    cc -O1 tests/test_unicode.c -o unicode && ./unicode dump strings.bin
    /usr/bin/python3 tests/vectors/unicode_reference.py strings.bin > tests/vectors/unicode.txt

Normal forms straight from the definitions of the Unicode standard (3.11, 3.12) and the data files of Debian's
unicode-data 15.0; before anything else they are held against every line of its NormalizationTest.txt. Bytes
that are not UTF-8 pass unchanged, and text on both sides of them is normalised apart. A line of the output:
the name of the steps, then for each block of 128 strings FNV-1a over the results, 0xFF after each.
"""
import bz2
import sys

DATA = "/usr/share/unicode/"
CATEGORY, CCC, MAP, LOWER = ["Cn"] * 0x110000, {}, {}, {}
first = 0
for line in open(DATA + "UnicodeData.txt"):
    f = line.split(";")
    code = int(f[0], 16)
    if not f[1].endswith(", Last>"):
        first = code
    for c in range(first, code + 1):
        CATEGORY[c] = f[2]
    if f[3] != "0":
        CCC[code] = int(f[3])
    if f[5]:
        compat = f[5][0] == "<"
        MAP[code] = (compat, [int(x, 16) for x in f[5].split(">")[-1].split()])
    if f[13]:
        LOWER[code] = [int(f[13], 16)]
LOWER[0x130] = [0x69, 0x307]  # SpecialCasing.txt, the one that holds without a condition
EXCLUDED, SPACE = set(), set()
for name, prop, out in (("DerivedNormalizationProps.txt", "Full_Composition_Exclusion", EXCLUDED),
                        ("PropList.txt", "White_Space", SPACE)):
    for line in open(DATA + name):
        f = [x.strip() for x in line.split("#")[0].split(";")]
        if len(f) > 1 and f[1] == prop:
            ends = [int(x, 16) for x in f[0].split("..")]
            out.update(range(ends[0], ends[-1] + 1))
PAIR = {tuple(m): c for c, (compat, m) in MAP.items() if not compat and len(m) == 2 and c not in EXCLUDED}


def decompose(c, k):
    if 0xAC00 <= c < 0xAC00 + 11172:
        s = c - 0xAC00
        t = s % 28
        return [0x1100 + s // 588, 0x1161 + s % 588 // 28] + ([0x11A7 + t] if t else [])
    if c not in MAP or (MAP[c][0] and not k):
        return [c]
    return [x for part in MAP[c][1] for x in decompose(part, k)]


def pair(a, b):
    if 0x1100 <= a < 0x1113 and 0x1161 <= b < 0x1176:
        return 0xAC00 + ((a - 0x1100) * 21 + b - 0x1161) * 28
    if 0xAC00 <= a < 0xAC00 + 11172 and (a - 0xAC00) % 28 == 0 and 0x11A8 <= b < 0x11C3:
        return a + b - 0x11A7
    return PAIR.get((a, b))


def form(s, k, compose):
    s = [x for c in s for x in decompose(c, k)]
    i = 0
    while i < len(s):
        j = i
        while j < len(s) and CCC.get(s[j], 0):
            j += 1
        s[i:j] = sorted(s[i:j], key=lambda c: CCC[c])
        i = max(j, i + 1)
    if not compose:
        return s
    out, starter, last = [], None, 0
    for c in s:
        ccc = CCC.get(c, 0)
        if starter is not None and (last < ccc or last == 0):
            joined = pair(out[starter], c) if last < ccc or starter == len(out) - 1 else None
            if joined is not None:
                out[starter] = joined
                continue
        if ccc == 0:
            starter, last = len(out), 0
        else:
            last = ccc
        out.append(c)
    return out


def nfc(s):
    return form(s, False, True)


def nfd(s):
    return form(s, False, False)


def nfkc(s):
    return form(s, True, True)


def nfkd(s):
    return form(s, True, False)


def lower(s):
    return [x for c in s for x in LOWER.get(c, [c])]


def strip_accents(s):
    return [c for c in s if CATEGORY[c][0] != "M"]


def nmt(s):
    drop = set(range(1, 9)) | {0xB} | set(range(0xE, 0x20)) | {0x7F, 0x8F, 0x9F}
    blank = {9, 0xA, 0xC, 0xD, 0x1680, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD} | set(range(0x200B, 0x2010))
    return [0x20 if c in blank else c for c in s if c not in drop]


def clean(s):
    keep = [c for c in s if c not in (0, 0xFFFD) and (c in (9, 10, 13) or CATEGORY[c][0] != "C")]
    return [0x20 if c in SPACE else c for c in keep]


def ideograph(c):
    return any(a <= c <= b for a, b in ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
                                        (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)))


def cjk(s):
    return [x for c in s for x in ([0x20, c, 0x20] if ideograph(c) else [c])]


def thin(s):
    return [c for c in s if CATEGORY[c] != "Mn"]


CASES = [("nfc", [nfc]), ("nfd", [nfd]), ("nfkc", [nfkc]), ("nfkd", [nfkd]), ("lower", [lower]),
         ("strip_accents", [strip_accents]), ("nmt", [nmt]), ("bert:abcd", [clean, cjk, nfd, thin, lower]),
         ("bert:ab", [clean, cjk]), ("bert:cd", [nfd, thin, lower]),
         ("nfkd+strip_accents+lower+nfc", [nfkd, strip_accents, lower, nfc])]


def conformance():
    n = 0
    for line in bz2.open(DATA + "NormalizationTest.txt.bz2", "rt"):
        line = line.split("#")[0].strip()
        if not line or line[0] == "@":
            continue
        c = [[int(x, 16) for x in s.split()] for s in line.split(";")[:5]]
        for i in range(5):
            assert nfc(c[i]) == c[1 if i < 3 else 3] and nfd(c[i]) == c[2 if i < 3 else 4], line
            assert nfkc(c[i]) == c[3] and nfkd(c[i]) == c[4], line
        n += 1
    assert n > 19000


def apply(steps, text):
    """Step by step: bytes that come to stand side by side may be a character for the next one."""
    for step in steps:
        out, run = [], []
        for c in [ord(x) for x in text] + [None]:
            if c is not None and not 0xDC80 <= c <= 0xDCFF:
                run.append(c)
                continue
            out += step(run) + ([c] if c is not None else [])
            run = []
        text = "".join(map(chr, out)).encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    return text.encode("utf-8", "surrogateescape")


def main():
    conformance()
    data = open(sys.argv[1], "rb").read()
    strings, at = [], 0
    while at < len(data):
        n = data[at] | data[at + 1] << 8
        strings.append(data[at + 2:at + 2 + n].decode("utf-8", "surrogateescape"))
        at += 2 + n
    for name, steps in CASES:
        line = [name]
        for b in range(0, len(strings), 128):
            h = 2166136261
            for s in strings[b:b + 128]:
                for byte in apply(steps, s) + b"\xff":
                    h = ((h ^ byte) * 16777619) & 0xFFFFFFFF
            line.append("%08x" % h)
        print(" ".join(line))


main()
