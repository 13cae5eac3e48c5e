#!/usr/bin/python3
"""Replies of models and what they mean, for tests/test_reply.c.

    /usr/bin/python3 tests/vectors/reply.py OUT [N [SEED]]     writes N cases (default: those of reply.txt)

A second reading of llmc_reply's contract that shares nothing with llmc.h: the whole text at once, by
Python's re and json, where the header goes byte by byte. Texts are random sentences of a grammar of
tags, calls, junk and damage of this script. One case is four lines, each a Python-like escaped text:
format, input, tools (or "-"), result; the result is a line for each part:

    T text         R reasoning        C name id arguments        E (an error; its message is not compared)

Arguments are compared as JSON, members in order, numbers and keys as they are written.
"""
import json
import random
import re
import sys

WS = " \t\n\v\f\r"
BAR, LOW = "\uff5c", "\u2581"


def ds(words):
    return "<" + BAR + words.replace(" ", LOW) + BAR + ">"


ENDS = {"llama3": ["<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"], "hermes": ["<|im_end|>", "<|endoftext|>"],
        "qwen3-coder": ["<|im_end|>", "<|endoftext|>"], "mistral": ["</s>"], "deepseek": [ds("end of sentence")],
        "claude-rust": [], "gpt-oss": [], "plain": []}
TRIM = ("llama3", "hermes", "qwen3-coder", "deepseek")


class Bad(Exception):
    """The call is wrong; pos: where looking for its end begins."""

    def __init__(self, pos):
        self.pos = pos


def no(_):
    raise ValueError


DECODER = json.JSONDecoder(parse_constant=no, object_pairs_hook=lambda pairs: pairs)


def space(text, pos, also=""):
    while pos < len(text) and text[pos] in WS + also:
        pos += 1
    return pos


def value(text, pos):
    """The JSON value at pos and where it ends."""
    try:
        v, end = DECODER.raw_decode(text, pos)
        json.dumps(v, ensure_ascii=False).encode()
        return v, end
    except json.JSONDecodeError as e:
        raise Bad(len(text) if e.msg.startswith("Unterminated") else e.pos) from None
    except UnicodeEncodeError: # half of a surrogate pair, which json takes
        raise NotImplementedError from None


def members(text, pos):
    """Of the object at pos, one after the other: (name, value, where it begins, where it ends)."""
    pos, after = space(text, pos + 1), False
    while not text.startswith("}", pos):
        if after:
            if not text.startswith(",", pos):
                raise Bad(pos)
            pos = space(text, pos + 1)
        if not text.startswith("\"", pos):
            raise Bad(pos)
        name, pos = value(text, pos)
        pos = space(text, pos)
        if not text.startswith(":", pos):
            raise Bad(pos)
        begin = space(text, pos + 1)
        try:
            v, pos = value(text, begin)
        except Bad:
            if text.startswith("\"", begin) and name in ("arguments", "parameters"):
                raise NotImplementedError from None # wrong twice, and which comes first is not known here
            raise
        yield name, v, begin, pos
        pos, after = space(text, pos), True


def envelope(text, pos, strict=False):
    """{"name": ..., "arguments": ...}: the call and where it ends."""
    name = ident = args = None
    end = pos
    for key, v, begin, end in members(text, pos):
        raw = text[begin:end]
        if key == "name":
            if not isinstance(v, str) or name is not None or not 0 < len(v.encode()) < 128 or "\0" in v:
                raise Bad(begin)
            name = v
        elif key == "id" and isinstance(v, str) and not ident:
            ident = v
        elif key in ("arguments", "parameters"):
            if args is not None or (strict and name is None):
                raise Bad(begin)
            if v is None and raw == "null":
                args = "{}"
            elif raw[0] == "{":
                args = raw
            elif isinstance(v, str):
                inner = v.strip(" \t\n\r")
                try:
                    whole = not inner or inner[0] == "{" and value(inner, 0)[1] == len(inner)
                except Bad:
                    whole = False
                if not whole and "<" in inner: # where looking for a tag begins would matter
                    raise NotImplementedError
                if not whole:
                    raise Bad(begin)
                args = v if inner else "{}"
            else:
                raise Bad(begin)
    end = text.index("}", end if end > pos else pos + 1) + 1
    if name is None or (strict and args is None):
        raise Bad(end - 1)
    return ("C", name, ident or "", args or "{}"), end


class Parts(list):
    def text(self, kind, text, trim, tag):
        """A text between tags; tag: something other than the reply's end follows it."""
        if trim:
            text = text.lstrip(WS)
            body = text.rstrip(WS)
            if tag:
                text = text[:max(len(body), len(text) - 64)]
        if text:
            self.append((kind, text))


def find(text, pos, tags):
    """The first of the tags from pos on: (it, begin, end), or (None, len, len)."""
    m = re.compile("|".join(re.escape(t) for t in tags)).search(text, pos) if tags else None
    return (m.group(), m.start(), m.end()) if m else (None, len(text), len(text))


def words(text):
    """A parameter's value as the text that it is."""
    if text.startswith("\n"):
        text = text[1:]
    return text[:-1] if text.endswith("\n") else text


def kinds(tools):
    out = {}
    for t in json.loads(tools) if tools else []:
        t = t.get("function", t)
        for p, schema in t["parameters"]["properties"].items():
            out[t["name"], p] = schema.get("type", "string")
    return out


def literal(text):
    """A value that is no string: JSON, or Python's words for it."""
    text = text.strip(WS)
    text = {"True": "true", "False": "false", "None": "null"}.get(text, text)
    v, end = value(text, 0)
    if end != len(text):
        raise Bad(0)
    return text


def function(text, pos, tools, coder):
    """What follows <function=: parameters as tags, or JSON."""
    m = re.compile(r"([^>]*)>").match(text, pos)
    if not m:
        raise Bad(len(text))
    if not m.group(1).rstrip(WS):
        raise Bad(m.end() - 1)
    name, pos = m.group(1).rstrip(WS), space(text, m.end())
    if text.startswith("{", pos):
        v, end = value(text, pos)
        return ("C", name, "", text[pos:end]), end
    args = []
    while True:
        pos = space(text, pos)
        if text.startswith("</function>", pos):
            return ("C", name, "", "{" + ",".join(args) + "}"), pos + 11
        m = re.compile(r"<parameter=([^>]*)>(.*?)</parameter>", re.S).match(text, pos)
        if not m:
            if re.compile(r"<parameter=([^>]*)>").match(text, pos) or re.compile(r"<parameter=[^>]*\Z").match(text, pos):
                raise Bad(len(text))
            raise Bad(pos)
        key, v = m.groups()
        try:
            v = json.dumps(words(v), ensure_ascii=False) if tools.get((name, key), "string") == "string" else literal(v)
        except Bad:
            raise Bad(m.end()) from None
        args.append(json.dumps(key, ensure_ascii=False) + ":" + v)
        pos = m.end()


def tagged(fmt, text, tools, thinking):
    """Formats whose calls stand between tags: Hermes, Qwen 3 Coder, claude-rust."""
    out, pos, trim = Parts(), 0, fmt in TRIM
    ends, kind = ENDS[fmt], "R" if thinking else "T"
    coder = fmt == "qwen3-coder"
    while True:
        if kind == "R":
            tag, begin, end = find(text, pos, ends + ["</think>"])
            out.text("R", text[pos:begin], trim, tag == "</think>")
            if tag is None:
                return out
            kind, pos = "T", end
            continue
        tag, begin, end = find(text, pos, ends + ["<tool_call>"] + ["<think>"] * (fmt != "claude-rust") +
                               ["<function="] * coder)
        out.text("T", text[pos:begin], trim, tag is not None and tag not in ends)
        pos = end
        if tag is None:
            return out
        if tag == "<think>":
            kind = "R"
        elif tag not in ends:
            pos = call(fmt, text, end, tools, out, tag == "<function=", ends, coder)


def call(fmt, text, pos, tools, out, xml, ends, coder):
    """From behind the opening tag to where text goes on."""
    while True:
        try:
            if not xml:
                pos = space(text, pos, "[")
                if fmt != "claude-rust" and text.startswith("<function=", pos):
                    xml, pos = True, pos + 10
                elif text.startswith("</tool_call>", pos):
                    out.append(("E",))
                    return pos + 12
                elif any(text.startswith(e, pos) for e in ends):
                    out.append(("E",))
                    return pos
            if xml:
                made, pos = function(text, pos, tools, coder)
            elif text.startswith("{", pos):
                made, pos = envelope(text, pos)
            else:
                raise Bad(pos)
            out.append(made)
        except Bad as e:
            out.append(("E",))
            tag, begin, end = find(text, e.pos, ends + ["</tool_call>"] + ["</function>"] * coder)
            if tag in ends:
                return begin
            pos = end
            if tag != "</function>":
                return end
        # after a call
        while True:
            pos = space(text, pos, ",;]`")
            if fmt != "claude-rust" and text.startswith("</function>", pos):
                pos += 11
            else:
                break
        if text.startswith("{", pos):
            xml = False
        elif text.startswith("<tool_call>", pos):
            xml, pos = False, pos + 11
        elif fmt != "claude-rust" and text.startswith("<function=", pos):
            xml, pos = True, pos + 10
        elif text.startswith("</tool_call>", pos):
            return pos + 12
        else:
            return pos


def mistral(text, thinking):
    out, pos, kind = Parts(), 0, "R" if thinking else "T"
    while True:
        tag, begin, end = find(text, pos, ["</s>", "[/THINK]"] if kind == "R" else ["</s>", "[TOOL_CALLS]", "[THINK]"])
        out.text(kind, text[pos:begin], False, False)
        if tag is None:
            return out
        pos, kind = end, "R" if tag == "[THINK]" else "T"
        while tag == "[TOOL_CALLS]":
            tag, pos = None, space(text, pos, "[") # a list or a name
            try:
                while True:
                    if text.startswith("</s>", pos) or pos == len(text):
                        raise Bad(pos)
                    if text.startswith("{", pos):
                        made, pos = envelope(text, pos)
                    else:
                        m = re.compile(r"(.*?)(?:\[CALL_ID\]((?:(?!</s>).)*?)\[ARGS\]|\[ARGS\]|(?=\{)|(?=</s>)|\Z)", re.S).match(text, pos)
                        at = m.end() if m.end() < len(text) or not m.group(0).endswith("}") else m.end()
                        if not m.group(1).strip(WS):
                            raise Bad(at)
                        at = space(text, at)
                        if not text.startswith("{", at):
                            raise Bad(at)
                        _, pos = value(text, at)
                        made = ("C", m.group(1).rstrip(WS), m.group(2) or "", text[at:pos])
                    out.append(made)
                    pos = space(text, pos, ",;]`")
                    if not text.startswith("{", pos):
                        break
                if text.startswith("[TOOL_CALLS]", pos):
                    tag, pos = "[TOOL_CALLS]", pos + 12
            except Bad as e:
                out.append(("E",))
                tag, begin, pos = find(text, e.pos, ["[TOOL_CALLS]", "</s>"])
                if tag == "</s>":
                    pos = begin


def deepseek(text, thinking):
    out, pos, kind = Parts(), 0, "R" if thinking else "T"
    end_tag, many, one = ds("end of sentence"), ds("tool calls begin"), ds("tool call begin")
    sep, unone, unmany = ds("tool sep"), ds("tool call end"), ds("tool calls end")
    while True:
        tag, begin, end = find(text, pos, [end_tag, "</think>"] if kind == "R" else [end_tag, "<think>", many, one])
        out.text(kind, text[pos:begin], True, tag not in (None, end_tag))
        if tag is None:
            return out
        pos, kind = end, "R" if tag == "<think>" else "T"
        if tag == many:
            pos = space(text, pos)
            if text.startswith(one, pos):
                tag, pos = one, pos + len(one)
            else:
                out.append(("E",))
                if text.startswith(unmany, pos):
                    pos += len(unmany)
                    continue
                if text.startswith(end_tag, pos):
                    continue
                tag = "skip"
        while tag in (one, "skip"):
            if tag == one:
                m = re.compile("(.*?)" + sep + r"\s*(\{|([^\n]*?)\n[\s`A-Za-z0-9_]*\{)", re.S).match(text, pos)
                first = find(text, pos, [sep, end_tag, unone, unmany])
                if m is None or first[0] != sep or find(text, first[2], [end_tag, unone, unmany])[1] < m.end():
                    out.append(("E",))
                    raise NotImplementedError # the generator makes none of these
                name = (m.group(3) if m.group(2) != "{" else m.group(1)).strip(WS)
                try:
                    _, pos = value(text, m.end() - 1)
                    out.append(("C", name, "", text[m.end() - 1:pos]))
                except Bad as e:
                    out.append(("E",))
                    pos, tag = e.pos, "skip"
            if tag == "skip":
                tag, begin, pos = find(text, pos, [one, unone, unmany, end_tag])
                if tag in (None, end_tag):
                    pos = begin
                    break
                if tag == one:
                    continue
                if tag == unmany:
                    break
            # after a call
            tag = None
            while True:
                pos = space(text, pos, ",;]`")
                if text.startswith(unone, pos):
                    pos += len(unone)
                else:
                    break
            if text.startswith(unmany, pos):
                pos += len(unmany)
            elif text.startswith(one, pos):
                tag, pos = one, pos + len(one)


def gptoss(text):
    out = Parts()
    start, channel, message = "<|start|>", "<|channel|>", "<|message|>"
    ends = ["<|end|>", "<|return|>", "<|call|>"]
    for m in re.compile(r"(?:^|<\|start\|>)((?:(?!<\|start\|>|<\|message\|>|<\|end\|>|<\|return\|>|<\|call\|>).)*)<\|message\|>"
                        r"(.*?)(?=<\|end\|>|<\|return\|>|<\|call\|>|<\|start\|>|\Z)", re.S).finditer(text):
        header, body = m.groups()
        to = re.search(r"(?:^|\s|<\|channel\|>)to=(\S+?)(?=\s|<\||\Z)", header)
        name = re.search(r"<\|channel\|>\s*([^\s<]+)", header)
        if to and to.group(1) not in ("assistant", "user", "all"):
            tool = re.sub(r"^functions\.(?=.)", "", to.group(1))
            if tool == "python":
                out.append(("C", tool, "", json.dumps({"code": body}, ensure_ascii=False, separators=(",", ":"))))
                continue
            at = space(body, 0)
            try:
                if at == len(body):
                    out.append(("C", tool, "", "{}"))
                elif body[at] != "{":
                    raise Bad(at)
                else:
                    _, end = value(body, at)
                    out.append(("C", tool, "", body[at:end]))
                    rest = body[space(body, end, ",;]`"):]
                    out.text("T", rest, False, True)
            except Bad:
                out.append(("E",))
        else:
            out.text("R" if name and name.group(1) == "analysis" else "T", body, False, True)
    return out


ARG = re.compile(r"\s*([A-Za-z0-9_]+)\s*=\s*(?=\S)")


def python_value(text, pos):
    """A literal of Python that is also easy to find the end of: by the longest prefix that ast takes."""
    import ast
    depth, quote, i = 0, None, pos
    while i < len(text):
        c = text[i]
        if quote:
            if c == "\\":
                i += 1
            elif c == quote:
                quote = None
        elif c in "\"'":
            quote = c
        elif c in "[{":
            depth += 1
        elif c in "]}":
            depth -= 1
        elif c in ",)" and depth == 0:
            break
        i += 1
    try:
        v = json.dumps(ast.literal_eval(text[pos:i].strip()), ensure_ascii=False)
        return v.encode("utf-16", "surrogatepass").decode("utf-16"), i # two halves are one character
    except UnicodeError:
        raise NotImplementedError from None
    except (ValueError, SyntaxError, TypeError):
        raise Bad(i) from None


def python_call(text, pos, builtin):
    m = re.compile(r"\s*([A-Za-z0-9_][A-Za-z0-9_.]*)\(").match(text, pos)
    if not m or (builtin and not m.group(1)[1:].endswith(".call")):
        raise Bad(pos)
    name, pos, args = m.group(1), m.end(), []
    while True:
        pos = space(text, pos)
        if text.startswith(")", pos):
            return ("C", name[:-5] if builtin else name, "", "{" + ",".join(args) + "}"), pos + 1
        a = ARG.match(text, pos)
        if not a:
            raise Bad(pos)
        v, pos = python_value(text, a.end())
        args.append(json.dumps(a.group(1)) + ":" + v)
        if text.startswith(",", pos):
            pos += 1


def llama3(text, tools):
    out, pos, start, ends = Parts(), 0, True, ENDS["llama3"]
    while True:
        at = space(text, pos)
        made = None
        if start and text[at:at + 1] in ("{", "["):
            try:
                if text[at] == "{":
                    made, end = envelope(text, at, True)
                    out.append(made)
                else:
                    made, end = python_call(text, at + 1, False)
                    out.append(made)
                    while True:
                        end = space(text, end)
                        if not text.startswith(",", end):
                            break
                        made, end = python_call(text, end + 1, False)
                        out.append(made)
            except Bad as e:
                if made: # a second one: the generator makes none
                    raise NotImplementedError from None
                # once name and arguments have begun there is no way back
                if re.compile(r'\{.*"name"\s*:\s*"[^"]+"\s*,\s*"parameters"\s*:\s*[{"n]', re.S).match(text, at, e.pos + 1):
                    out.append(("E",))
                    tag, begin, pos = find(text, e.pos, ends + ["</function>"])
                    pos = begin if tag != "</function>" else after_llama3(text, pos, out)
                    start = False
                    continue
        if made:
            tag, pos = None, after_llama3(text, end, out)
            start = False
            continue
        tag, begin, end = find(text, pos, ends + ["<|python_tag|>", "<function="])
        body = text[pos:begin]
        start = start and not body.strip(WS)
        out.text("T", body, True, tag is not None and tag not in ends)
        pos = end
        if tag is None:
            return out
        if tag in ends:
            start = True
            continue
        start = False
        pos = llama3_call(text, pos, tag, out, tools)


def llama3_call(text, pos, tag, out, tools):
    ends = ENDS["llama3"]
    try:
        if tag == "<function=":
            made, pos = function(text, pos, tools, False)
        else:
            pos = space(text, pos)
            if pos == len(text) or any(text.startswith(e, pos) for e in ends):
                out.append(("E",))
                return pos
            if text.startswith("{", pos):
                made, pos = envelope(text, pos)
            else:
                try:
                    made, pos = python_call(text, pos, True)
                except Bad:
                    _, end, _ = find(text, pos, ends)
                    made = ("C", "code_interpreter", "", json.dumps({"code": text[pos:end]}, ensure_ascii=False, separators=(",", ":")))
                    pos = end
        out.append(made)
    except Bad as e:
        out.append(("E",))
        tag, begin, pos = find(text, e.pos, ends + ["</function>"])
        if tag != "</function>":
            return begin
    return after_llama3(text, pos, out)


def after_llama3(text, pos, out):
    while True:
        pos = space(text, pos, ",;]`")
        if text.startswith("</function>", pos):
            pos += 11
        elif text.startswith("{", pos):
            try:
                made, pos = envelope(text, pos)
                out.append(made)
            except Bad as e:
                out.append(("E",))
                tag, begin, pos = find(text, e.pos, ENDS["llama3"] + ["</function>"])
                if tag != "</function>":
                    return begin
        else:
            return pos


def parse(fmt, text, tools, thinking):
    if fmt == "plain":
        return [("T", text)] if text else []
    if fmt in ("hermes", "qwen3-coder", "claude-rust"):
        return tagged(fmt, text, kinds(tools), thinking)
    if fmt == "mistral":
        return mistral(text, thinking)
    if fmt == "deepseek":
        return deepseek(text, thinking)
    if fmt == "llama3":
        return llama3(text, kinds(tools))
    return gptoss(text)


# ------------------------------------------------------------ random replies
class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def one(self, *of):
        return self.r.choice(of)

    def word(self):
        return self.one("the", "result", "of", "a", "caf\u00e9", "\U0001f600", "x<y", "<", "</", "<t", "[", "[TOOL", "<tool_cal", "2",
                        "{", "}", "\u4f60\u597d", "a;b", "`c`", "\"q\"", "<|", "\uff5c", "I\u2019ll", "<function", "</think", "\n")

    def text(self, most=6):
        return " ".join(self.word() for _ in range(self.r.randrange(most)))

    def plain(self):
        """Text that starts no call by itself."""
        return self.one("", " ", "\n\n", "So ", "Ok. ") + self.one("Well", "caf\u00e9", "Hm,") + " " + self.text()

    def string(self):
        return self.one("", "Paris", "a \"b\" \\ c", "\u4f60", "x\ny\t", "</tool_call>", "</s> [ARGS]", "<|im_end|>", "{", "\U0001f600", "\x01",
                        ds("tool call end"), "</function>", "it's")

    def json(self, depth=0):
        k = self.r.randrange(8 if depth < 3 else 5)
        if k < 2:
            return self.string()
        if k < 5:
            return self.one(0, -1, 12, 3.5, 1e20, True, False, None, -0.25, 100000)
        if k == 5:
            return [self.json(depth + 1) for _ in range(self.r.randrange(4))]
        return self.object(depth + 1)

    def object(self, depth=0):
        return {self.one("city", "n", "k\u00e9y", "a b", "list", "x"): self.json(depth + 1) for _ in range(self.r.randrange(4))}

    def dumps(self, v):
        return json.dumps(v, ensure_ascii=self.one(True, False), separators=self.one((",", ":"), (", ", ": ")),
                          indent=self.one(None, None, None, 1))

    def name(self):
        return self.one("get_weather", "add", "fs.read", "x1")

    def envelope(self, args=("arguments", "parameters"), first=False):
        members = [("name", self.dumps(self.name()))]
        a = self.dumps(self.object())
        a = self.one(a, a, a, a, a, json.dumps(a), "null", "[]" if not first else a, "5" if not first else a)
        if first or self.r.random() < 0.9:
            members.append((self.one(*args), a))
        if not first:
            if self.r.random() < 0.2:
                members.append(("id", json.dumps(self.one("abc123xyz", "", "call_1"))))
            if self.r.random() < 0.2:
                members.reverse()
            if self.r.random() < 0.05 and len(members) > 1:
                members.pop(0)
            if self.r.random() < 0.05:
                members[0] = ("name", self.one("5", "\"\"", "{\"name\": \"q\"}"))
        if self.r.random() < 0.2:
            members.insert(0, (self.one("type", "x"), self.one("\"function\"", "[1, {\"name\": 2}, \"a\"]", "-1.5e3")))
        c, k = self.one((", ", ": "), (",", ":"), (" ,\n", " :\t"))
        return "{" + c.join(json.dumps(n) + k + v for n, v in members) + self.one("", "\n", " ") + "}"

    def damage(self, s, often=0.12):
        """A byte lost, doubled or changed; or the end missing."""
        if not s or self.r.random() > often:
            return s
        i = self.r.randrange(len(s))
        k = self.r.randrange(4)
        if k == 0:
            return s[:i] + s[i + 1:]
        if k == 1:
            return s[:i] + s[i] + s[i:]
        if k == 2:
            return s[:i] + self.one("<", "\"", "}", ",", "x", "\n", "\\") + s[i + 1:]
        return s[:i]

    def ws(self):
        return self.one("", "", "\n", " ", "\n\n", " " * 70)

    def tools(self):
        props = {k: {"type": self.one("string", "integer", "number", "boolean", "object", "array")} for k in ("city", "n", "x")}
        t = {"name": "get_weather", "parameters": {"type": "object", "properties": props}}
        return json.dumps([self.one(t, {"type": "function", "function": t})])

    def xml(self, types):
        name = self.name()
        out = "<function=" + name + ">" + self.one("", "\n")
        for key in self.r.sample(("city", "n", "x", "other"), self.r.randrange(4)):
            if types.get((name, key), "string") == "string":
                v = self.one("Paris", "", "a\nb", "\n\n", "\"q\"\\", "<b>\u4f60</b>", "</param", "x\ty", " ")
            else:
                v = self.one("5", "-1.5", "True", "false", "None", "[1, 2]", "{\"a\": [true, null]}", "nope", "1 2", "\"s\"", "1, 2", "")
            out += "<parameter=" + key + ">" + self.one("\n", "\n", "") + v + self.one("\n", "\n", "") + "</parameter>" + self.one("\n", "\n", "")
        return out + "</function>"

    def think(self, opening, closing, opened):
        body = self.ws() + self.one("Let me see.", "a\n\nb", "", "caf\u00e9 <x") + self.ws()
        return ("" if opened else opening) + body + (closing if self.r.random() < 0.95 else "")

    def hermes(self, fmt, types, opened):
        out = ""
        if fmt != "claude-rust" and (opened or self.r.random() < 0.3):
            out += self.think("<think>", "</think>", opened)
        for _ in range(self.r.randrange(4)):
            k = self.r.randrange(10)
            if k < 4:
                out += self.plain() + self.ws()
            elif fmt == "qwen3-coder" and k < 9:
                x = self.damage(self.xml(types), 0.0)
                if self.r.random() < 0.1:
                    x = x.replace(">", "> junk ", 1) if "<parameter" in x else x + "]"
                out += self.one("<tool_call>\n" + x + "\n</tool_call>", x, x + x)
            else:
                n = self.one(1, 1, 1, 2)
                calls = self.one(", ", "\n", ";").join(self.damage(self.envelope()) for _ in range(n))
                out += "<tool_call>" + self.one("\n", "", " ") + self.one(calls, calls, "[" + calls + "]", "" if k == 9 else calls) + \
                    self.one("\n", "") + "</tool_call>" + self.one("", "\n", "\n")
        return out + self.one("", "", *ENDS[fmt])

    def mistral(self, opened):
        out = self.think("[THINK]", "[/THINK]", opened) if opened or self.r.random() < 0.2 else ""
        if self.r.random() < 0.5:
            out += self.plain()
        k = self.r.randrange(4)
        if k == 0:
            out += "[TOOL_CALLS]" + self.one("", " ") + "[" + ", ".join(self.envelope(("arguments",)) for _ in range(self.r.randrange(1, 3))) + "]"
        elif k == 1:
            for _ in range(self.r.randrange(1, 3)):
                out += "[TOOL_CALLS]" + self.one("", " ") + self.name() + self.one("[ARGS]", "[CALL_ID]a1B2c3D4e[ARGS]", "", "[ARGS] ") + \
                    self.damage(self.dumps(self.object()))
        return out + self.one("", "</s>", "</s>")

    def deepseek(self, opened):
        out = self.think("<think>", "</think>", opened) if opened or self.r.random() < 0.3 else ""
        if self.r.random() < 0.6:
            out += self.plain() + self.ws()
        if self.r.random() < 0.6:
            out += self.one(ds("tool calls begin"), ds("tool calls begin"), "")
            v31 = self.one(True, False)
            for _ in range(self.r.randrange(1, 3)):
                args = self.damage(self.dumps(self.object()))
                if not args.startswith("{"):
                    args = "{}"
                out += ds("tool call begin")
                out += self.name() + ds("tool sep") + args if v31 else \
                    "function" + ds("tool sep") + self.name() + "\n```json\n" + args + "\n```"
                out += ds("tool call end") + self.one("", "\n")
            out += self.one(ds("tool calls end"), ds("tool calls end"), "")
        return out + self.one("", ds("end of sentence"))

    def python_literal(self, v):
        if isinstance(v, str):
            return self.one(repr(v), json.dumps(v))
        if isinstance(v, dict):
            return "{" + ", ".join(self.python_literal(str(k)) + ": " + self.python_literal(x) for k, x in v.items()) + "}"
        if isinstance(v, list):
            return "[" + ", ".join(map(self.python_literal, v)) + "]"
        return repr(v) if not isinstance(v, float) else json.dumps(v)

    def python_call(self, call=""):
        args = self.one(", ", ",", " , ").join(k + self.one("=", "=", " = ") + self.python_literal(self.json(2))
                                                for k in self.r.sample(("city", "n", "x_2"), self.r.randrange(3)))
        return self.name() + call + "(" + args + ")"

    def llama3(self):
        k = self.r.randrange(10)
        if k == 0:
            return self.plain() + self.ws() + "<|python_tag|>" + self.envelope()
        if k == 1:
            out = self.ws() + self.damage(self.envelope(("parameters",), True), 0.3)
        elif k == 2:
            out = "; ".join([self.envelope(("parameters",), True)] + [self.damage(self.envelope()) for _ in range(self.r.randrange(2))])
        elif k == 3:
            out = "[" + ", ".join(self.python_call() for _ in range(self.r.randrange(1, 3))) + "]"
        elif k == 4:
            out = self.one("[1, 2, 3] are numbers", "[link](x)", "[f(x)]", "[ f (a=1)]", "[]", "{\"a\": 1}", "{\"name\": \"Bob\"}",
                           "{\"name\": \"Bob\", \"age\": 3}", "{", "{" + " " * 600 + "}")
        elif k == 5:
            out = "<|python_tag|>" + self.python_call(".call")
        elif k == 6:
            out = "<|python_tag|>" + self.one("print(\"a\")\nx = 1", "f(a=1)", "import os", "x.call(1)", "")
        elif k == 7:
            out = self.plain() + self.xml({}) + self.one("", "\n", " done")
        elif k == 8:
            out = self.plain() + "<function=" + self.name() + ">" + self.damage(self.dumps(self.object())) + "</function>"
        else:
            out = self.plain()
        return out + self.one("", "<|eot_id|>", "<|eom_id|>")

    def gptoss(self):
        out = []
        if self.r.random() < 0.7:
            out.append("<|channel|>analysis<|message|>" + self.one("Hm.", "", "caf\u00e9\n\nthen", "<x") + "<|end|>")
        if self.r.random() < 0.3:
            out.append("<|channel|>commentary<|message|>" + self.plain() + "<|end|>")
        for _ in range(self.r.randrange(3)):
            to = " to=" + self.one("functions.", "functions.", "browser.") + self.name()
            kind = self.one("", " json", " <|constrain|>json", "<|constrain|>json")
            head = self.one(to + "<|channel|>commentary" + kind, "<|channel|>" + self.one("commentary", "analysis") + to + kind)
            args = self.one(self.damage(self.dumps(self.object())), self.dumps(self.object()), "", "5")
            out.append(head + "<|message|>" + args + "<|call|>")
        if self.r.random() < 0.1:
            out.append("<|channel|>analysis to=python code<|message|>print(\"a\\n\")\n<|call|>")
        if self.r.random() < 0.5:
            out.append("<|channel|>final<|message|>" + self.plain() + "<|return|>")
        text = "<|start|>assistant".join(out)
        return text if self.r.random() < 0.8 else text[:-len("<|return|>")] if text.endswith("<|return|>") else text

    def case(self):
        fmt = self.one("plain", "llama3", "hermes", "hermes", "qwen3-coder", "qwen3-coder", "mistral", "gpt-oss", "deepseek", "claude-rust")
        tools, opened = "", False
        if fmt in ("hermes", "qwen3-coder", "claude-rust"):
            tools = self.tools() if self.r.random() < 0.6 else ""
            opened = fmt != "claude-rust" and self.r.random() < 0.15
            text = self.hermes(fmt, kinds(tools), opened)
        elif fmt in ("mistral", "deepseek"):
            opened = self.r.random() < 0.15
            text = self.mistral(opened) if fmt == "mistral" else self.deepseek(opened)
        elif fmt == "plain":
            text = self.text(9)
        else:
            text = self.llama3() if fmt == "llama3" else self.gptoss()
        return fmt, text, tools, opened


def escape(s):
    return s.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


def main(out, n="1100", seed="4"):
    made, m, odd = 0, Maker(int(seed)), 0
    with open(out, "wb") as f:
        while made < int(n):
            fmt, text, tools, opened = m.case()
            try:
                parts = parse(fmt, text, tools, opened)
                if any(" " in p[1] + p[2] for p in parts if p[0] == "C"):
                    raise NotImplementedError # a line of the result could not be read
            except NotImplementedError:
                odd += 1
                continue
            result = "".join(p[0] + "".join(" " + escape(x) for x in p[1:]) + "\n" for p in joined(parts))
            lines = (fmt + ("+" if opened else ""), escape(text), escape(tools) or "-", escape(result))
            f.write(("\n".join(lines) + "\n").encode("utf-8"))
            made += 1
    print("%d cases, %d left out" % (made, odd))


def joined(parts):
    """Neighbouring texts of one kind as one: where a text is cut into parts is not compared."""
    out = []
    for p in parts:
        if out and p[0] in "TR" and out[-1][0] == p[0]:
            out[-1] = (p[0], out[-1][1] + p[1])
        else:
            out.append(p)
    return out


if __name__ == "__main__":
    main(*sys.argv[1:])
