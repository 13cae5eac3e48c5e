"""split_reference.py -- tests/vectors/split.txt: how published patterns cut the text of test_split.c

    cc -O1 tests/test_split.c -o split && ./split dump corpus.bin
    /usr/bin/python3 tests/vectors/split_reference.py corpus.bin > tests/vectors/split.txt

Each pattern is run as published by Python's module regex (Debian python3-regex; \\p{..} and \\s are those of
Unicode 15.0, which this checks against unicode-data). \\Z stands for $, which in Python also matches
before a line end. Bytes that are not UTF-8 go in as lone surrogates, which are in no class
either. A line of the output: the name, then for each block FNV-1a over where pieces begin and end.
"""
import struct
import sys

import regex

PUNCT = r"""[\p{P}$+<=>^`|~]"""
CI = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
HEAD = r"|[^\r\n\p{L}\p{N}]?"
TAIL = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SLASH = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
U = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
W = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
UH = r"(?:(?!\p{Han})" + U + ")"
WH = r"(?:(?!\p{Han})" + W + ")"
CL100K = CI + HEAD + r"\p{L}+|\p{N}{1,3}" + TAIL
QWEN2 = CI + HEAD + r"\p{L}+|\p{N}" + TAIL
CL100K_END = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
              r"|\s++\Z|\s*[\r\n]|\s+(?!\S)|\s")
NANOCHAT = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]++[\r\n]*"
            r"|\s*[\r\n]|\s+(?!\S)|\s+")
QWEN35 = (CI + HEAD + r"[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SEED = CI + HEAD + r"\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+"
PLAIN = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + TAIL
MINICPM = CI + HEAD + r"\p{L}+|\p{N}+" + TAIL


def o200k(c, u=U, w=W):
    return r"[^\r\n\p{L}\p{N}]?" + u + "*" + w + "+" + c + HEAD + u + "+" + w + "*" + c


O200K = o200k(CI + "?") + r"|\p{N}{1,3}" + SLASH
TEKKEN = o200k("") + r"|\p{N}" + SLASH
KIMI = r"\p{Han}+|" + o200k(CI + "?", UH, WH) + r"|\p{N}{1,3}" + TAIL
DEEPSEEK3 = (r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
             r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
BLOOM = " ?[^()|\\s.,!?…。，、।۔،]+"
KANA = "[一-龥\u3040-ゟ゠-ヿ]+"
CJK = "[一-龥\u0800-一가-\ud7ff]+"
MARKS = "\\s?[!-/:-~！-／：-～‘-‟\u3000-。]+"
CASED = """
0041-005A 0061-007A 00B5 00C0-00D6 00D8-00F6 00F8-01BA 01BC-01BF 01C4-0293 0295-02AF 0370-0373 0376-0377
037B-037D 037F 0386 0388-038A 038C 038E-03A1 03A3-03F5 03F7-0481 048A-052F 0531-0556 10A0-10C5 13A0-13F5
13F8-13FD 1C90-1CBA 1CBD-1CBF 1D00-1D2B 1D6B-1D77 1D79-1D9A 1E00-1F15 1F18-1F1D 1F20-1F45 1F48-1F4D
1F50-1F57 1F59 1F5B 1F5D 1F5F-1F7D 1F80-1FB4 1FB6-1FBC 1FBE 1FC2-1FC4 1FC6-1FCC 1FD0-1FD3 1FD6-1FDB
1FE0-1FEC 1FF2-1FF4 1FF6-1FFC 2102 2107 210A-2113 2115 2119-211D 2124 2126 2128 212A-212D 212F-2134 2139
213C-213F 2145-2149 214E 2183-2184 2C00-2C7B 2C7E-2CE4 2CEB-2CEE 2CF2-2CF3 A640-A66D A680-A69B A722-A76F
A771-A787 A78B-A78E AB70-ABBF FB00-FB06 FB13-FB17 FF21-FF3A FF41-FF5A 10400-1044F 104B0-104D3 104D8-104FB
10C80-10CB2 10CC0-10CF2 118A0-118DF 1E900-1E943"""
CASED = r"\s?[" + "".join("-".join("\\U%08X" % int(x, 16) for x in r.split("-")) for r in CASED.split()) + "]+"
# \w as regular expressions of Rust have it (UTS 18, annex C)
WORDS = r"[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d\s]+"

DIGIT_GPT2 = [r"\p{N}", GPT2]
# In what follows a name of tokenizer.ggml.pre, or pNUMBER:BEHAVIOUR:INVERT with llmc.h's numbers.
CASES = [
    ("gpt-2", [GPT2]), ("llama3", [CL100K]), ("p3:0:0", [CL100K_END]), ("qwen2", [QWEN2]), ("nanochat", [NANOCHAT]),
    ("p6:0:0", [MINICPM]), ("minicpm5", [r"\p{N}{1,3}", MINICPM]), ("qwen35", [QWEN35]), ("seed-coder", [SEED]),
    ("ufakzeka", [PLAIN]), ("gpt-4o", [O200K]), ("tekken", [TEKKEN]), ("kimi-k2", [KIMI]),
    ("starcoder", DIGIT_GPT2), ("refact", DIGIT_GPT2), ("smollm", DIGIT_GPT2), ("command-r", DIGIT_GPT2),
    ("falcon", [PUNCT + "+", GPT2, "[0-9][0-9][0-9]"]), ("mpt", [GPT2]), ("olmo", [GPT2]),
    ("default", [PUNCT + "+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"]),
    ("laguna", [r"[^\n]+|[\n]+", QWEN2]),
    ("deepseek-v3", [r"\p{N}{1,3}", KANA, DEEPSEEK3]),
    ("deepseek-coder", [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", CJK, r"\p{N}"]),
    ("deepseek-llm", [r"[\r\n]", CASED, MARKS, r"\s+\Z", CJK, r"\p{N}+"]),
    ("bloom", [BLOOM]), ("viking", [BLOOM, r"\p{N}"]),
    ("p13:0:0", [DEEPSEEK3]), ("p19:0:0", [r"\s+\Z"]), ("p20:1:1", [("only", WORDS)]),
    ("p21:0:0", [r"(?s:.)"]), ("p22:0:0", [r"\p{N}"]), ("p25:0:0", [r"[0-9][0-9][0-9]"]), ("p26:0:0", [PUNCT]),
    ("p27:0:0", [PUNCT + "+"]), ("p28:0:0", [r"[!-/:-@\[-`{-~]"]), ("p29:0:0", [r"\s"]), ("p30:0:0", [r"\s+"]),
    ("p31:0:0", [r"\S+"]), ("p30:1:0+p26:0:0", [("not", r"\s+"), PUNCT]),
]


def check_classes():
    category = ["Cn"] * 0x110000
    first = 0
    for line in open("/usr/share/unicode/UnicodeData.txt"):
        field = line.split(";")
        code = int(field[0], 16)
        if not field[1].endswith(", Last>"):
            first = code
        for c in range(first, code + 1):
            category[c] = field[2]
    for p in ("L", "N", "M", "P", "S", "Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Pc"):
        test = regex.compile(r"\p{%s}" % p)
        for c in range(0x110000):
            assert bool(test.match(chr(c))) == category[c].startswith(p), (p, hex(c))


def cut(pieces, step):
    """Applies a pattern to every piece (text, begin): matches and gaps, or only the one or the other."""
    keep, pattern = step if isinstance(step, tuple) else ("all", step)
    pattern = regex.compile(pattern)
    out = []
    for text, begin in pieces:
        at = 0
        for m in pattern.finditer(text):
            if m.start() > at and keep != "only":
                out.append((text[at:m.start()], begin + at))
            if keep != "not":
                out.append((m.group(), begin + m.start()))
            at = m.end()
        if at < len(text) and keep != "only":
            out.append((text[at:], begin + at))
    return out


def fnv(numbers):
    h = 2166136261
    for n in numbers:
        for i in range(4):
            h = ((h ^ (n >> 8 * i & 255)) * 16777619) & 0xFFFFFFFF
    return h


def main():
    check_classes()
    data = open(sys.argv[1], "rb").read()
    blocks = []
    at = 0
    while at < len(data):
        (n,) = struct.unpack_from("<I", data, at)
        blocks.append(data[at + 4:at + 4 + n].decode("utf-8", "surrogateescape"))
        at += 4 + n
    place = []  # of each block: character to byte
    for text in blocks:
        row = [0]
        for c in text:
            row.append(row[-1] + len(c.encode("utf-8", "surrogateescape")))
        place.append(row)
    for name, steps in CASES:
        line = [name]
        for text, row in zip(blocks, place):
            pieces = [(text, 0)]
            for step in steps:
                pieces = cut(pieces, step)
            line.append("%08x" % fnv(x for t, b in pieces for x in (row[b], row[b + len(t)])))
        print(" ".join(line))


main()
