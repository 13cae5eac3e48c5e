#!/usr/bin/python3
"""Which members of tests/models/tokenizers/NAME.json each style of tokenizer replaces.

    /usr/bin/python3 tests/vectors/styles.py >tests/models/tokenizers/styles.txt

A line is a style: its name, its base, then member and JSON text by turns, all separated by tabs. A member is the line
of the base that begins with it. The regular expressions are the published ones of the models named beside them."""
import json

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEKKEN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
          r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?"
         r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|"
         r"\s*[\r\n]+|\s+(?!\S)|\s+")
NANOCHAT = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
# DeepSeek LLM's letters: those of the Latin, Greek, Cyrillic ... scripts that have case
CASED = "".join(x[0] if len(x) == 1 else x[0] + "-" * (ord(x[1]) > ord(x[0]) + 1) + x[1] for x in ([chr(int(c, 16)) for c in r.split("-")] for r in (
         "0041-005a 0061-007a 00b5 00c0-00d6 00d8-00f6 00f8-01ba 01bc-01bf 01c4-0293 0295-02af 0370-0373 "
         "0376-0377 037b-037d 037f 0386 0388-038a 038c 038e-03a1 03a3-03f5 03f7-0481 048a-052f 0531-0556 "
         "10a0-10c5 13a0-13f5 13f8-13fd 1c90-1cba 1cbd-1cbf 1d00-1d2b 1d6b-1d77 1d79-1d9a 1e00-1f15 1f18-1f1d "
         "1f20-1f45 1f48-1f4d 1f50-1f57 1f59 1f5b 1f5d 1f5f-1f7d 1f80-1fb4 1fb6-1fbc 1fbe 1fc2-1fc4 1fc6-1fcc "
         "1fd0-1fd3 1fd6-1fdb 1fe0-1fec 1ff2-1ff4 1ff6-1ffc 2102 2107 210a-2113 2115 2119-211d 2124 2126 2128 "
         "212a-212d 212f-2134 2139 213c-213f 2145-2149 214e 2183-2184 2c00-2c7b 2c7e-2ce4 2ceb-2cee 2cf2-2cf3 "
         "a640-a66d a680-a69b a722-a76f a771-a787 a78b-a78e ab70-abbf fb00-fb06 fb13-fb17 ff21-ff3a ff41-ff5a "
         "10400-1044f 104b0-104d3 104d8-104fb 10c80-10cb2 10cc0-10cf2 118a0-118df 1e900-1e943 ").split()))
CJK = "[一-龥ࠀ-一가-퟿]+"
V3_WORDS = (r'[!"#$%&' "'" r'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^' "\r\n" r"\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[" "\r\n" r"]*|\s*["
            "\r\n" r"]+|\s+(?!\S)|\s+")


def split(pattern, behavior="Isolated", kind="Regex", invert=False):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def level(regex=False, prefix=False):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}


def seq(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


def norm(*steps):
    return {"type": "Sequence", "normalizers": list(steps)} if len(steps) != 1 else steps[0]


def digits(single):
    return {"type": "Digits", "individual_digits": single}


def metaspace(scheme, split_words, replacement="▁"):
    return {"type": "Metaspace", "replacement": replacement, "prepend_scheme": scheme, "split": split_words}


def bert(lower, clean=True, chinese=True, strip=None):
    return {"type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": chinese, "strip_accents": strip, "lowercase": lower}


def replace(old, new, kind="String"):
    return {"type": "Replace", "pattern": {kind: old}, "content": new}


def template(*single):
    """Pieces of a single text: (token, id) or "A"."""
    shown = [{"Sequence": {"id": "A", "type_id": 0}} if t == "A" else {"SpecialToken": {"id": t[0], "type_id": 0}} for t in single]
    special = {t[0]: {"id": t[0], "ids": [t[1]], "tokens": [t[0]]} for t in single if t != "A"}
    return {"type": "TemplateProcessing", "single": shown, "pair": shown + [{"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": special}


def flag(content, ident, f):
    return {"id": ident, "content": content, "single_word": "w" in f, "lstrip": "l" in f, "rstrip": "r" in f,
            "normalized": "n" in f, "special": "s" in f}


NFC, NFD, NFKC, NFKD, LOWER, STRIP_ACCENTS = ({"type": t} for t in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents"))
with open("tests/models/tokenizers/byte.json", encoding="utf-8") as f:
    IDS = {t["content"]: t["id"] for t in json.load(f)["added_tokens"]}
with open("tests/models/tokenizers/charsmap.txt", encoding="ascii") as f:
    RULES = {"type": "Precompiled", "precompiled_charsmap": f.read().strip()}
START, END = IDS["<s>"], IDS["</s>"]
PUNCT = {"type": "Punctuation", "behavior": "Contiguous"}
LLAMA_NORM = norm({"type": "Prepend", "prepend": "▁"}, replace(" ", "▁"))

STYLES = [
    # byte-level BPE
    ("gpt2", "byte", {"pre_tokenizer": level(True)}),
    ("gpt2-none", "byte", {"pre_tokenizer": level(False)}),
    ("gpt2-plain", "byte", {"pre_tokenizer": level(True), "added_tokens": []}),
    ("roberta", "byte", {"pre_tokenizer": level(True, True),
                         "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", END], "cls": ["<s>", START], "trim_offsets": True, "add_prefix_space": True}}),
    ("llama3", "byte", {"pre_tokenizer": seq(split(LLAMA3), level()), "ignore_merges": True,
                        "post_processor": {"type": "Sequence", "processors": [{"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True},
                                                                             template(("<s>", START), "A")]}}),
    ("qwen2", "byte", {"normalizer": NFC, "pre_tokenizer": seq(split(QWEN2), level())}),
    ("gpt4o", "byte", {"pre_tokenizer": seq(split(O200K), level())}),
    ("tekken", "byte", {"pre_tokenizer": seq(split(TEKKEN), level()), "ignore_merges": True}),
    ("nanochat", "byte", {"pre_tokenizer": seq(split(NANOCHAT), level())}),
    ("deepseek-llm", "byte", {"pre_tokenizer": seq(split("[\r\n]"), split(r"\s?[" + CASED + "]+"), split(r"\s?[!-/:-~！-／：-～‘-‟　-。]+"), split(r"\s+$"),
                                                   split(CJK), digits(True), level())}),
    ("deepseek-coder", "byte", {"pre_tokenizer": seq(split("[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split(CJK), digits(True), level())}),
    ("deepseek-v3", "byte", {"pre_tokenizer": seq(split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(V3_WORDS), level())}),
    ("falcon", "byte", {"pre_tokenizer": seq(PUNCT, level(True), digits(False), split("[0-9][0-9][0-9]"))}),
    ("starcoder", "byte", {"pre_tokenizer": seq(digits(True), level(True))}),
    ("mpt", "byte", {"normalizer": NFC, "pre_tokenizer": level(True)}),
    ("command-r", "byte", {"normalizer": NFC, "pre_tokenizer": seq(digits(True), level(True)), "post_processor": template(("<s>", START), "A")}),
    ("byte-nfkc", "byte", {"normalizer": NFKC, "pre_tokenizer": level(True)}),
    ("byte-nfd", "byte", {"normalizer": NFD, "pre_tokenizer": level(True)}),
    ("byte-lower", "byte", {"normalizer": norm(LOWER), "pre_tokenizer": level(True)}),
    ("byte-accents", "byte", {"normalizer": norm(NFKD, STRIP_ACCENTS, LOWER), "pre_tokenizer": level(True)}),
    ("byte-strip", "byte", {"normalizer": {"type": "Strip", "strip_left": True, "strip_right": True}, "pre_tokenizer": level(True)}),
    ("byte-digits", "byte", {"pre_tokenizer": seq(digits(False), level())}),
    ("byte-white", "byte", {"pre_tokenizer": seq({"type": "WhitespaceSplit"}, level())}),
    ("byte-words", "byte", {"pre_tokenizer": seq({"type": "Whitespace"}, level())}),
    ("byte-bert", "byte", {"pre_tokenizer": seq({"type": "BertPreTokenizer"}, level())}),
    ("byte-isolated", "byte", {"pre_tokenizer": seq({"type": "Punctuation", "behavior": "Isolated"}, level(True))}),
    ("byte-punct-previous", "byte", {"pre_tokenizer": seq({"type": "Punctuation", "behavior": "MergedWithPrevious"}, level())}),
    ("byte-punct-next", "byte", {"pre_tokenizer": seq({"type": "Punctuation", "behavior": "MergedWithNext"}, level())}),
    ("byte-punct-removed", "byte", {"pre_tokenizer": seq({"type": "Punctuation", "behavior": "Removed"}, level())}),
    ("byte-text-previous", "byte", {"pre_tokenizer": seq(split(" ", "MergedWithPrevious", "String"), level())}),
    ("byte-text-next", "byte", {"pre_tokenizer": seq(split(" ", "MergedWithNext", "String"), level())}),
    ("byte-text-contiguous", "byte", {"pre_tokenizer": seq(split(" ", "Contiguous", "String"), level())}),
    ("byte-text-removed", "byte", {"pre_tokenizer": seq(split("the", "Removed", "String"), level())}),
    ("byte-invert", "byte", {"pre_tokenizer": seq(split(QWEN2, "Removed", "Regex", True), level())}),
    # BPE over characters
    ("llama2", "spm", {"normalizer": LLAMA_NORM, "post_processor": template(("<s>", 1), "A")}),
    ("llama2-legacy", "spm", {"normalizer": LLAMA_NORM, "fuse_unk": False}),
    ("mistral", "spm", {"pre_tokenizer": metaspace("first", False), "post_processor": template(("<s>", 1), "A")}),
    ("metaspace-always", "spm", {"pre_tokenizer": metaspace("always", True)}),
    ("metaspace-never", "spm", {"pre_tokenizer": metaspace("never", True)}),
    ("metaspace-first", "spm", {"pre_tokenizer": metaspace("first", True)}),
    ("metaspace-whole", "spm", {"pre_tokenizer": metaspace("always", False)}),
    ("gemma", "spm", {"normalizer": replace(" ", "▁"), "pre_tokenizer": split(" ", "MergedWithPrevious", "String"),
                      "post_processor": template(("<s>", 1), "A", ("</s>", 2))}),
    ("unk", "spm", {"pre_tokenizer": metaspace("always", True), "byte_fallback": False}),
    ("unk-each", "spm", {"pre_tokenizer": metaspace("always", True), "byte_fallback": False, "fuse_unk": False}),
    # Unigram; the table of normalisation is SentencePiece's own format
    ("t5", "unigram", {"normalizer": RULES, "pre_tokenizer": metaspace("always", True), "post_processor": template("A", ("</s>", 2))}),
    ("xlm-r", "unigram", {"normalizer": RULES, "pre_tokenizer": seq({"type": "WhitespaceSplit"}, metaspace("always", True)),
                          "post_processor": template(("<s>", 1), "A", ("</s>", 2))}),
    ("albert", "unigram", {"normalizer": norm(replace("``", "\""), replace("''", "\""), NFKD, STRIP_ACCENTS, LOWER, RULES),
                           "pre_tokenizer": metaspace("always", True)}),
    ("xglm", "unigram", {"normalizer": norm(RULES, replace(" {2,}", " ", "Regex")), "pre_tokenizer": metaspace("first", True)}),
    ("unigram-plain", "unigram", {"pre_tokenizer": metaspace("never", False),
                                  "added_tokens": [flag("<unk>", 0, "s"), flag("<s>", 1, "s"), flag("</s>", 2, "s")]}),
    # WordPiece and words
    ("bert", "wordpiece", {"normalizer": bert(True), "pre_tokenizer": {"type": "BertPreTokenizer"},
                           "post_processor": template(("[CLS]", 2), "A", ("[SEP]", 3))}),
    ("bert-cased", "wordpiece", {"normalizer": bert(False), "pre_tokenizer": {"type": "BertPreTokenizer"},
                                 "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}}),
    ("bert-accents", "wordpiece", {"normalizer": bert(True, True, False, False), "pre_tokenizer": {"type": "BertPreTokenizer"}}),
    ("bert-strip", "wordpiece", {"normalizer": bert(False, False, True, True), "pre_tokenizer": {"type": "BertPreTokenizer"}}),
    ("bert-short", "wordpiece", {"normalizer": bert(True), "pre_tokenizer": {"type": "BertPreTokenizer"}, "max_input_chars_per_word": 9}),
    ("bert-nfkc", "wordpiece", {"normalizer": norm(NFKC, LOWER), "pre_tokenizer": {"type": "Whitespace"}}),
    ("bert-white", "wordpiece", {"normalizer": LOWER, "pre_tokenizer": {"type": "WhitespaceSplit"}}),
    ("words", "wordlevel", {"pre_tokenizer": {"type": "Whitespace"}}),
    ("words-split", "wordlevel", {"pre_tokenizer": {"type": "WhitespaceSplit"}}),
    ("characters", "wordlevel", {"pre_tokenizer": split("", "Isolated", "String")}),
    ("words-bert", "wordlevel", {"pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": template("A", ("</s>", 1))}),
]


def main():
    for name, base, members in STYLES:
        fields = [name, base]
        for key, value in members.items():
            fields += [key, json.dumps(value, ensure_ascii=False)]
        line = "\t".join(fields)
        assert line.count("\t") == len(fields) - 1 and "\n" not in line
        print(line)


if __name__ == "__main__":
    main()
