#!/usr/bin/python3
"""Random JSON schemas against an independent validator (Debian: python3-jsonschema).

    /usr/bin/python3 tests/vectors/schema.py DRIVER [-n SCHEMAS] [-k TEXTS] [--seed S] [--space 0|1|2] [--open]
                                             [--model MODEL] [-v]

DRIVER (tests/cli/schema_driver.c) turns schemas, one a line, into grammars. This file knows
nothing of llmc.h but GBNF: its own reader of grammars makes random texts and recognises others.
For each random schema of the supported subset:
  - what the grammar generates is JSON that Draft202012Validator lets pass, and no object has a
    member that the schema names twice;
  - with --model, what the engine generates under it likewise; texts without an end are counted;
  - values made to fit the schema that the validator lets pass are recognised as compact JSON. Not all
    have to be: members may stand in another order, named objects are closed, digits are limited. Their
    share is what the line at the end says;
  - the same values, changed a little, are not recognised if the validator refuses them;
  - for what is said to match nothing no such value is found.
Ends with a line that says how many of each; exit 1 if a text was wrong, or too many were missed.
"""
import argparse
import datetime
import json
import random
import re
import subprocess
import sys
import urllib.parse

import jsonschema

# ------------------------------------------------------------ GBNF
ESC = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "[": "[", "]": "]"}


class Grammar:
    """Rules as trees: ("lit", text) ("set", ranges, inverse) ("ref", name) ("seq", [..]) ("alt", [..]) ("rep", x, lo, hi)."""

    def __init__(self, text):
        self.t, self.i, self.rules = text, 0, {}
        while self.skip(True):
            name = self.name()
            self.skip(False)
            assert self.t.startswith("::=", self.i), self.t[self.i:self.i + 40]
            self.i += 3
            assert name not in self.rules, name
            self.rules[name] = self.alt(0)
        for tree in self.rules.values():
            self.check(tree)
        self.short = self.shortest()
        assert "root" in self.short

    def check(self, x):
        if x[0] == "ref":
            assert x[1] in self.rules, x[1]
        for y in x[1] if x[0] in ("seq", "alt") else [x[1]] if x[0] == "rep" else []:
            self.check(y)

    def skip(self, lines):
        while self.i < len(self.t) and self.t[self.i] in (" \t\n" if lines else " \t"):
            self.i += 1
        return self.i < len(self.t)

    def name(self):
        m = re.compile(r"[A-Za-z0-9-]+").match(self.t, self.i)
        assert m, self.t[self.i:self.i + 40]
        self.i = m.end()
        return m.group()

    def char(self):
        c = self.t[self.i]
        self.i += 1
        if c != "\\":
            return c
        c = self.t[self.i]
        self.i += 1
        n = {"x": 2, "u": 4, "U": 8}.get(c)
        if n is None:
            return ESC[c]
        self.i += n
        return chr(int(self.t[self.i - n:self.i], 16))

    def alt(self, depth):
        out = [self.seq(depth)]
        while self.i < len(self.t) and self.t[self.i] == "|":
            self.i += 1
            out.append(self.seq(depth))
        return out[0] if len(out) == 1 else ("alt", out)

    def seq(self, depth):
        out = []
        while True:
            self.skip(depth > 0)
            if self.i == len(self.t) or self.t[self.i] in "|)\n":
                break
            c = self.t[self.i]
            if c == '"':
                self.i += 1
                s = ""
                while self.t[self.i] != '"':
                    s += self.char()
                self.i += 1
                out.append(("lit", s))
            elif c == "[":
                self.i += 1
                inverse = self.t[self.i] == "^"
                self.i += inverse
                ranges = []
                while self.t[self.i] != "]":
                    lo = hi = self.char()
                    if self.t[self.i] == "-" and self.t[self.i + 1] != "]":
                        self.i += 1
                        hi = self.char()
                    assert lo <= hi
                    ranges.append((ord(lo), ord(hi)))
                self.i += 1
                assert ranges
                out.append(("set", ranges, inverse))
            elif c == "(":
                self.i += 1
                out.append(self.alt(depth + 1))
                assert self.t[self.i] == ")", self.t[self.i:self.i + 40]
                self.i += 1
            elif c in "*+?{":
                self.i += 1
                lo, hi = {"*": (0, None), "+": (1, None), "?": (0, 1), "{": (None, None)}[c]
                if lo is None:
                    m = re.compile(r"(\d+)(,?)(\d*)\}").match(self.t, self.i)
                    lo = int(m.group(1))
                    hi = int(m.group(3)) if m.group(3) else None if m.group(2) else lo
                    assert hi is None or 0 < hi >= lo
                    self.i = m.end()
                out[-1] = ("rep", out[-1], lo, hi)
            else:
                out.append(("ref", self.name()))
        assert out, "an empty sequence"
        return out[0] if len(out) == 1 else ("seq", out)

    # the shortest text of each rule, so that random texts can end
    def length(self, x, short):
        if x[0] == "lit":
            return len(x[1])
        if x[0] == "set":
            return 1
        if x[0] == "ref":
            return short.get(x[1], 10**9)
        if x[0] == "rep":
            return x[2] * self.length(x[1], short) if x[2] else 0
        parts = [self.length(y, short) for y in x[1]]
        return sum(parts) if x[0] == "seq" else min(parts)

    def shortest(self):
        short, changed = {}, True
        while changed:
            changed = False
            for name, tree in self.rules.items():
                n = self.length(tree, short)
                if n < short.get(name, 10**9):
                    short[name] = n
                    changed = True
        assert len(short) == len(self.rules), "rules that nothing matches: %s" % (set(self.rules) - set(short))
        return short

    def generate(self, rng, budget):
        out, todo = [], [("ref", "root")]
        while todo:
            x = todo.pop()
            tight = len(out) > budget
            if x[0] == "lit":
                out.append(x[1])
            elif x[0] == "set":
                out.append(self.member(rng, x))
            elif x[0] == "ref":
                todo.append(self.rules[x[1]])
            elif x[0] == "seq":
                todo.extend(reversed(x[1]))
            elif x[0] == "alt":
                todo.append(min(x[1], key=lambda y: self.length(y, self.short)) if tight else rng.choice(x[1]))
            else:
                lo, hi = x[2], x[3]
                n = lo
                while not tight and (hi is None or n < hi) and rng.random() < 0.7:
                    n += 1
                if hi is not None and not tight and rng.random() < 0.2:
                    n = min(hi, lo + 200)
                todo.extend([x[1]] * n)
        return "".join(out)

    def member(self, rng, x):
        while True:
            if x[2]:
                c = rng.choice([rng.randrange(32, 127), rng.randrange(32, 127), rng.randrange(128, 0xd800),
                                rng.randrange(0xe000, 0x110000)])
                if not any(lo <= c <= hi for lo, hi in x[1]):
                    return chr(c)
            else:
                lo, hi = rng.choice(x[1])
                c = rng.choice([lo, hi, rng.randint(lo, hi)])
                if not 0xd800 <= c < 0xe000:
                    return chr(c)

    def matches(self, text):
        memo = {}

        def ends(x, at):
            if x[0] == "lit":
                return {at + len(x[1])} if text.startswith(x[1], at) else set()
            if x[0] == "set":
                return {at + 1} if at < len(text) and x[2] != any(
                    lo <= ord(text[at]) <= hi for lo, hi in x[1]) else set()
            if x[0] == "ref":
                key = (x[1], at)
                if key not in memo:
                    memo[key] = ends(self.rules[x[1]], at)
                return memo[key]
            if x[0] == "alt":
                return set().union(*(ends(y, at) for y in x[1]))
            if x[0] == "seq":
                now = {at}
                for y in x[1]:
                    now = set().union(*(ends(y, p) for p in now)) if now else now
                return now
            done, now, n = set(), {at}, 0
            while now:
                if n >= x[2]:
                    if now <= done:
                        break
                    done |= now
                if n == x[3]:
                    break
                now = set().union(*(ends(x[1], p) for p in now))
                n += 1
            return done

        return len(text) in ends(("ref", "root"), 0)


# ------------------------------------------------------------ random schemas and values
NAMES = ["a", "b", "ab", "abc", "name", "na\u00efve", "x\"y", "b\\c", "", "t\tb", "\U0001f600", "id", "/", "~"]
PATTERNS = ["^[a-c]{2,4}$", "^\\d{3}-\\d+$", "^(foo|ba[rz])+$", "^[^a-z\"]$", "x", "^\\w+@\\w+\\.(com|org)$", "\\s", "^a|b$",
            "^\\S{1,5}$", "^(?:\\\\|\"|/)?$", "^[A-Z][a-z]*$", "^.{0,3}$", "^[\\w.-]{1,8}$", "^\\x41\\u00e9?$", "[\\n\\t]+$"]
FORMATS = ["date", "time", "date-time", "uuid", "ipv4", "ipv6", "email", "hostname", "uri"]


class Maker:
    """A random schema with, for each subschema, a way to make values that probably fit."""

    def __init__(self, rng):
        self.rng = rng
        self.defs = {}

    def number(self):
        r = self.rng
        return r.choice([r.randint(-9, 9), r.randint(-200, 2000), r.randint(-10**9, 10**12), 0, 1,
                         round(r.uniform(-10, 10), r.randint(1, 4)), round(r.uniform(-1000, 1000), 2), 1.0, 5e3])

    def scalar(self):
        r = self.rng
        return r.choice([None, True, False, self.number(), "".join(r.choices(["a", "b", "\"", "\\", "\n", "\u00e9", "\U0001f600", "\u0001", "/"], k=r.randint(0, 4)))])

    def value(self, depth=0):
        r = self.rng
        if depth > 2 or r.random() < 0.6:
            return self.scalar()
        if r.random() < 0.5:
            return [self.value(depth + 1) for _ in range(r.randint(0, 3))]
        return {r.choice(NAMES): self.value(depth + 1) for _ in range(r.randint(0, 3))}

    def schema(self, depth=0):
        r = self.rng
        kinds = ["integer", "number", "string", "string", "boolean", "null", "enum", "const", "any", "types"]
        if depth < 4:
            kinds += ["object"] * 5 + ["array"] * 4 + ["anyOf", "anyOf", "oneOf", "ref", "allOf", "notype", "choice"]
        if depth == 0:
            kinds = ["object"] * 6 + ["array"] * 2 + kinds
        s = getattr(self, "make_" + r.choice(kinds))(depth)
        if isinstance(s, dict) and r.random() < 0.1:
            s["description"] = "what \"it\" is"
        return s

    def make_any(self, depth):
        return self.rng.choice([{}, True, {"title": "x"}])

    def make_boolean(self, depth):
        return {"type": "boolean"}

    def make_null(self, depth):
        return {"type": "null"}

    def make_types(self, depth):
        r = self.rng
        s = {"type": r.sample(["string", "number", "integer", "boolean", "null"], r.randint(1, 4))}
        if r.random() < 0.5:
            s["maxLength"] = r.randint(0, 4)
        if r.random() < 0.5:
            s["minimum"] = self.number()
        return s

    def make_notype(self, depth):
        s = self.rng.choice([self.make_string, self.make_number, self.make_object, self.make_array])(depth)
        if len(s) > 1:
            s.pop("type")
        return s

    def make_integer(self, depth):
        r = self.rng
        s = {"type": "integer"}
        a, b = sorted([self.number(), self.number()])
        if r.random() < 0.6:
            s[r.choice(["minimum", "exclusiveMinimum"])] = a
        if r.random() < 0.6:
            s[r.choice(["maximum", "exclusiveMaximum"])] = b
        if r.random() < 0.1:
            s["multipleOf"] = 1
        return s

    def make_number(self, depth):
        s = self.make_integer(depth)
        s["type"] = "number"
        return s

    def make_string(self, depth):
        r = self.rng
        s = {"type": "string"}
        k = r.random()
        if k < 0.3:
            a, b = sorted([r.randint(0, 6), r.randint(0, 6)])
            if r.random() < 0.7:
                s["minLength"] = a
            if r.random() < 0.7:
                s["maxLength"] = b
        elif k < 0.55:
            s["pattern"] = r.choice(PATTERNS)
        elif k < 0.6:
            s = {"type": "string", "pattern": r.choice(["^[a-z]+$", "^[A-Z][a-z]*$", "^x\\d{2,}y$"]), "maxLength": r.randint(5, 9)}
        elif k < 0.8:
            s["format"] = r.choice(FORMATS)
        return s

    def make_enum(self, depth):
        return {"enum": [self.value() for _ in range(self.rng.randint(1, 4))]}

    def make_const(self, depth):
        return {"const": self.value()}

    def make_array(self, depth):
        r = self.rng
        s = {"type": "array"}
        if r.random() < 0.4:
            s["prefixItems"] = [self.schema(depth + 1) for _ in range(r.randint(1, 3))]
        if r.random() < 0.7:
            s["items"] = self.schema(depth + 1) if r.random() < 0.9 else False
        a, b = sorted([r.randint(0, 4), r.randint(0, 4)])
        if r.random() < 0.4:
            s["minItems"] = a
        if r.random() < 0.5:
            s["maxItems"] = b
        return s

    def make_object(self, depth):
        r = self.rng
        s = {"type": "object"}
        names = r.sample(NAMES, r.randint(0, 5))
        if names or r.random() < 0.3:
            s["properties"] = {n: self.schema(depth + 1) for n in names}
        if names and r.random() < 0.7:
            s["required"] = r.sample(names, r.randint(0, len(names)))
        if r.random() < 0.15:
            s.setdefault("required", []).append(r.choice(NAMES))
        if r.random() < 0.5:
            s["additionalProperties"] = r.choice([False, False, True, self.schema(depth + 1)])
        if r.random() < 0.15:
            s["minProperties"] = r.randint(0, len(names))
        if r.random() < 0.15:
            s["maxProperties"] = r.randint(len(s.get("required", [])), len(names) + 1)
        return s

    def make_anyOf(self, depth):
        return {"anyOf": [self.schema(depth + 1) for _ in range(self.rng.randint(1, 3))]}

    def make_choice(self, depth):
        """anyOf beside keywords."""
        s = self.make_object(depth)
        s["anyOf"] = [{"required": [n]} for n in self.rng.sample(NAMES, 2)]
        return s

    def make_oneOf(self, depth):
        """Alternatives of which never two hold."""
        r = self.rng
        if r.random() < 0.5:
            kinds = r.sample(["string", "integer", "boolean", "null", "object", "array"], r.randint(1, 3))
            return {"oneOf": [getattr(self, "make_" + k)(depth + 1) for k in kinds]}
        alternatives = []
        for i in range(r.randint(1, 3)):
            s = self.make_object(depth + 1)
            s.setdefault("properties", {})["kind"] = {"const": "k%d" % i}
            s["required"] = ["kind"] + [n for n in s.get("required", []) if n != "kind"]
            s.pop("maxProperties", None)
            alternatives.append(s)
        return {"oneOf": alternatives}

    def make_allOf(self, depth):
        r = self.rng
        k = r.random()
        if k < 0.4:
            parts = [self.make_object(depth + 1), self.make_object(depth + 1)]
        elif k < 0.7:
            parts = [self.make_number(depth), self.make_integer(depth)]
        else:
            parts = [self.schema(depth + 1), {}]
        return {"allOf": parts}

    def make_ref(self, depth):
        r = self.rng
        name = r.choice(["n/1", "m~2", "p q"])
        if name not in self.defs:
            self.defs[name] = True  # taken, so that the definition may refer to itself
            body = self.schema(depth + 1)
            if r.random() < 0.5:
                body = {"type": "object", "properties": {"v": body, "next": {"$ref": self.pointer(name)}}}
                if r.random() < 0.3:
                    body["required"] = ["v"]
            self.defs[name] = body
        s = {"$ref": self.pointer(name)}
        if r.random() < 0.2:
            s["description"] = "a reference"
        return s

    def pointer(self, name):
        return "#/$defs/" + name.replace("~", "~0").replace("/", "~1").replace(" ", "%20")

    def whole(self):
        s = self.schema()
        if not isinstance(s, dict):
            s = {}
        if self.defs:
            s["$defs"] = self.defs
        return s


def fitting(rng, s, root, depth=0):
    """A value that may fit the schema s."""
    if isinstance(s, bool) or not s or depth > 8:
        return rng.choice([None, 1, "x", [], {}])
    if "$ref" in s:
        name = s["$ref"][8:].replace("%20", " ").replace("~1", "/").replace("~0", "~")
        return fitting(rng, root["$defs"][name], root, depth + 1)
    if "const" in s:
        return s["const"]
    if "enum" in s:
        return rng.choice(s["enum"])
    if "allOf" in s:
        parts = [fitting(rng, p, root, depth + 1) for p in s["allOf"]]
        if all(isinstance(p, dict) for p in parts):
            return {k: v for p in parts for k, v in p.items()}
        return rng.choice(parts)
    for key in ("anyOf", "oneOf"):
        if key in s:
            v = fitting(rng, rng.choice(s[key]), root, depth + 1)
            rest = {k: w for k, w in s.items() if k != key}
            if isinstance(v, dict) and "properties" in rest:
                v.update(fitting(rng, rest, root, depth + 1))
            return v
    kind = s.get("type")
    if isinstance(kind, list):
        kind = rng.choice(kind)
    if kind is None:
        kind = ("object" if {"properties", "required", "additionalProperties", "minProperties", "maxProperties"} & set(s) else
                "array" if {"items", "prefixItems", "minItems", "maxItems"} & set(s) else
                "string" if {"minLength", "maxLength", "pattern", "format"} & set(s) else
                "number" if {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"} & set(s) else "null")
    if kind == "object":
        out = {}
        for n, p in s.get("properties", {}).items():
            if n in s.get("required", []) or rng.random() < (0.5 if depth < 6 else 0):
                out[n] = fitting(rng, p, root, depth + 1)
        extra = s.get("additionalProperties", "properties" not in s)
        for n in s.get("required", []):
            if n not in out:
                out[n] = fitting(rng, extra, root, depth + 1)
        while extra and rng.random() < 0.4:
            n = rng.choice(NAMES + ["zz", "abcd", "nam", "q\n"])
            if n not in out and n not in s.get("properties", {}):
                out[n] = fitting(rng, extra, root, depth + 1)
        return out
    if kind == "array":
        prefix = s.get("prefixItems", [])
        n = rng.randint(s.get("minItems", 0), min(s.get("maxItems", 5), 5 if depth < 5 else s.get("minItems", 0) + 1))             if s.get("minItems", 0) <= min(s.get("maxItems", 5), 5 if depth < 5 else s.get("minItems", 0) + 1) else 0
        return [fitting(rng, prefix[i] if i < len(prefix) else s.get("items", True), root, depth + 1) for i in range(n)]
    if kind == "string":
        if "format" in s or "pattern" in s:
            return rng.choice(["2024-02-29", "1900-02-28", "12:30:59Z", "2023-12-31T23:59:59.5+01:00", "127.0.0.1", "a@b.com",
                               "123e4567-e89b-12d3-a456-426614174000", "1:2:3:4:5:6:7:8", "x.example.org", "https://a.b/c?d=1#e",
                               "ab", "abc", "123-4", "foo", "barbaz", "x", "axb", "a@b.org", "\t", "a", "Abc", "!", "\"", "\\", "A\u00e9",
                               "x123y", "\u00e9\u00e9", "a b", "", "/"])
        n = rng.randint(s.get("minLength", 0), min(s.get("maxLength", 8), s.get("minLength", 0) + 8)) if s.get("minLength", 0) <= s.get("maxLength", 8) else 0
        return "".join(rng.choices(["a", "Z", "\"", "\\", "\n", "\u00e9", "\U0001f600", "\u0001", "/", "\x7f"], k=n))
    if kind in ("integer", "number"):
        lo = s.get("minimum", s.get("exclusiveMinimum"))
        hi = s.get("maximum", s.get("exclusiveMaximum"))
        near = [v for v in (lo, hi, 0) if v is not None]
        v = rng.choice(near) + rng.choice([0, 1, -1, 10, 0.5, -0.25, 0.001, rng.randint(-100, 100)])
        if lo is not None and hi is not None and rng.random() < 0.5:
            v = rng.uniform(lo, hi)
        return round(v) if kind == "integer" else round(v, 4)
    return rng.choice([True, False]) if kind == "boolean" else None


def changed(rng, v):
    """v, a little different."""
    if isinstance(v, dict) and v and rng.random() < 0.8:
        out = dict(v)
        k = rng.choice(list(v))
        if rng.random() < 0.3:
            out.pop(k)
        else:
            out[k] = changed(rng, v[k])
        return out
    if isinstance(v, list) and v and rng.random() < 0.8:
        out = list(v)
        i = rng.randrange(len(v))
        if rng.random() < 0.3:
            out.pop(i)
        elif rng.random() < 0.3:
            out.append(out[i])
        else:
            out[i] = changed(rng, v[i])
        return out
    if isinstance(v, str):
        return rng.choice([v + "a", v[1:], v + "\n", 1, v.upper()])
    if isinstance(v, (int, float)) and not isinstance(v, bool):
        return rng.choice([v + 1, v - 1, -v, v + 0.5, v * 10, str(v)])
    return rng.choice([None, 0, "x", [], {}, {"a": 1}, True])


def written(v):
    """Compact JSON with the fewest escapes, numbers without exponents."""
    if isinstance(v, bool) or v is None:
        return json.dumps(v)
    if isinstance(v, str):
        return json.dumps(v, ensure_ascii=False)
    if isinstance(v, list):
        return "[" + ",".join(map(written, v)) + "]"
    if isinstance(v, dict):
        return "{" + ",".join(json.dumps(k, ensure_ascii=False) + ":" + written(x) for k, x in v.items()) + "}"
    if v == int(v):
        return str(int(v))
    return repr(v)


FORMATS_CHECK = jsonschema.FormatChecker(["date", "email", "ipv4", "ipv6", "uuid"])


@FORMATS_CHECK.checks("time", raises=ValueError)
def is_time(text):
    return not isinstance(text, str) or text[-1:] == "Z" and bool(datetime.time.fromisoformat(text[:-1])) or bool(
        re.fullmatch(r"[0-9:.]*", text[:-6]) and datetime.time.fromisoformat(re.sub(r"(\.\d{1,6})\d*", r"\1", text)).tzinfo)


@FORMATS_CHECK.checks("date-time", raises=ValueError)
def is_date_time(text):
    return not isinstance(text, str) or text[10:11] == "T" and bool(datetime.date.fromisoformat(text[:10])) and is_time(text[11:])


@FORMATS_CHECK.checks("hostname")
def is_host(text):
    return not isinstance(text, str) or bool(re.fullmatch(r"((?!-)[A-Za-z0-9-]{1,63}(?<!-)\.)*((?!-)[A-Za-z0-9-]{1,63}(?<!-))", text))


@FORMATS_CHECK.checks("uri", raises=ValueError)
def is_uri(text):
    return not isinstance(text, str) or bool(urllib.parse.urlsplit(text).scheme and re.fullmatch(r"[!#$%&'()*+,\-./0-9:;=?@A-Z_a-z~\[\]]*", text))


def no_twins(pairs):
    """Notes the names that an object has twice; the outermost object comes last."""
    keys = [k for k, _ in pairs]
    twins[:] = [k for k in set(keys) if keys.count(k) > 1]
    return dict(pairs)


twins = []


def ask(driver, schemas, mode, options):
    text = "".join(json.dumps(s, ensure_ascii=False) + "\n" for s in schemas)
    run = subprocess.run([driver, mode] + options, input=text.encode(), stdout=subprocess.PIPE, check=True)
    out = run.stdout.decode().split("\x1e\n")
    assert len(out) == len(schemas) + 1, "the driver answered %d of %d" % (len(out) - 1, len(schemas))
    return out[:-1]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("driver")
    p.add_argument("-n", type=int, default=1000)
    p.add_argument("-k", type=int, default=12)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--space", default="0")
    p.add_argument("--open", action="store_true")
    p.add_argument("--model")
    p.add_argument("-v", action="store_true")
    o = p.parse_args()
    rng = random.Random(o.seed)
    sys.setrecursionlimit(100000)
    schemas, count = [], {"refused": 0, "nothing": 0, "generated": 0, "by the engine": 0, "unfinished": 0, "wrong": 0, "valid": 0, "missed": 0, "invalid": 0, "taken": 0}
    while len(schemas) < o.n:
        schemas.append(Maker(rng).whole())
    reasons = {}
    options = [o.space, str(int(o.open))]
    engine = [""] * len(schemas)
    if o.model:
        engine = ask(o.driver, schemas, "text", options + [o.model, str(o.seed), "4"])
    for s, g, e in zip(schemas, ask(o.driver, schemas, "gbnf", options), engine):
        def complain(what, text):
            print("%s: %s\n  schema %s" % (what, text, json.dumps(s, ensure_ascii=False)))
            if o.v:
                print(g)
        if g.startswith("ERROR"):
            count["nothing" if "nothing can match" in g else "refused"] += 1
            why = re.sub(r"( \(\d+\))?$", "", g.split(": ", 2)[-1].strip())
            reasons[why] = reasons.get(why, 0) + 1
            validator = jsonschema.Draft202012Validator(s)
            if e and e != g:
                complain("not refused twice", e)
                count["wrong"] += 1
            for _ in range(20 if "nothing can match" in g else 0):
                v = fitting(rng, s, s)
                if validator.is_valid(v):
                    complain("said to match nothing", written(v))
                    count["missed"] += 1
                    break
            continue
        try:
            gr = Grammar(g)
        except Exception as e:
            complain("no grammar (%s)" % e, g)
            count["wrong"] += 1
            continue
        validator = jsonschema.Draft202012Validator(s, format_checker=FORMATS_CHECK)

        def wrong(text, by):
            twins.clear()
            try:
                v = json.loads(text, object_pairs_hook=no_twins)
                ok = validator.is_valid(v) and not (isinstance(v, dict) and set(twins) & set(s.get("properties", {})))
            except ValueError:
                ok = False
            if not ok:
                count["wrong"] += 1
                complain(by, text)
            return not ok
        for text in e.split("\x1f\n")[:-1]:
            count["unfinished" if text == "UNFINISHED" else "by the engine"] += 1
            if text != "UNFINISHED" and not wrong(text, "generated by the engine") and not gr.matches(text):
                complain("generated by the engine and not recognised", text)
                count["wrong"] += 1
        if e and not e.endswith("\x1f\n"):
            complain("the engine", e)
            count["wrong"] += 1
        for k in range(o.k):
            text = gr.generate(rng, rng.choice([10, 40, 150]))
            count["generated"] += 1
            if wrong(text, "generated"):
                break
            if not gr.matches(text):
                complain("generated and not recognised", text)
                count["wrong"] += 1
        for k in range(o.k):
            v = fitting(rng, s, s)
            w = changed(rng, v)
            try:
                if validator.is_valid(v):
                    count["valid"] += 1
                    if not gr.matches(written(v)):
                        count["missed"] += 1
                        if o.v:
                            complain("missed", written(v))
                if not validator.is_valid(w):
                    count["invalid"] += 1
                    if gr.matches(written(w)):
                        count["taken"] += 1
                        complain("invalid and recognised", written(w))
            except OverflowError:
                pass
    for why, n in sorted(reasons.items(), key=lambda x: -x[1]):
        print("  %4d  %s" % (n, why))
    print("schema.py: seed %d, %d schemas: " % (o.seed, len(schemas)) + ", ".join("%d %s" % (n, k) for k, n in count.items()))
    few = count["valid"] > 200 and count["missed"] > 0.1 * count["valid"]
    few = few or count["unfinished"] > 0.05 * (count["by the engine"] + 20)
    return 1 if count["wrong"] or count["taken"] or few else 0


if __name__ == "__main__":
    sys.exit(main())
