"""Structured output: whatever a model of random weights says, it validates. Schemas made at random from a seed, tools
of each family's form, streamed and not. Validation by a small validator of our own below, not by llmc.h."""
import random, re, tempfile
from harness import *

seed = int(os.environ.get("SEED", "8"))
rounds = int(os.environ.get("ROUNDS", "60"))
print("seed", seed)
rng = random.Random(seed)


def valid(v, s, root):
    """Whether v is what schema s allows: the keywords that make_schema writes."""
    if "$ref" in s:
        return valid(v, root["$defs"][s["$ref"].split("/")[-1]], root)
    if "enum" in s:
        return any(type(v) is type(e) and v == e for e in s["enum"])
    if "const" in s:
        return type(v) is type(s["const"]) and v == s["const"]
    if "anyOf" in s:
        return any(valid(v, o, root) for o in s["anyOf"])
    t = s.get("type")
    if t == "string":
        return isinstance(v, str) and s.get("minLength", 0) <= len(v) <= s.get("maxLength", 10 ** 9) and (
            "pattern" not in s or re.fullmatch(s["pattern"].strip("^$"), v) is not None)
    if t == "integer":
        return isinstance(v, int) and not isinstance(v, bool) and s.get("minimum", v) <= v <= s.get("maximum", v)
    if t == "boolean":
        return isinstance(v, bool)
    if t == "null":
        return v is None
    if t == "array":
        return isinstance(v, list) and s.get("minItems", 0) <= len(v) <= s.get("maxItems", 10 ** 9) and all(valid(i, s["items"], root) for i in v)
    if t == "object":
        p = s.get("properties", {})
        return isinstance(v, dict) and all(k in v for k in s.get("required", [])) and all(k in p and valid(x, p[k], root) for k, x in v.items())
    return True


def make_schema(depth):
    kind = rng.choice(["string", "pattern", "integer", "boolean", "null", "enum", "const", "array", "object", "object", "anyOf", "ref"])
    if depth == 0 and kind in ("array", "object", "anyOf", "ref"):
        kind = "integer"
    if kind == "string":
        return {"type": "string", "minLength": rng.randrange(3), "maxLength": rng.randrange(3, 9), "description": "x"}
    if kind == "pattern":
        return {"type": "string", "pattern": rng.choice(["^[a-z]{2,4}$", "^(yes|no)-[0-9]$", "^\\d{3}$"])}
    if kind == "integer":
        low = rng.randrange(-50, 50)
        return {"type": "integer", "minimum": low, "maximum": low + rng.randrange(60)}
    if kind == "enum":
        return {"enum": rng.sample(["a", "b c", 5, None, True, "\u00e9"], 3)}
    if kind == "const":
        return {"const": rng.choice(["x\"y", 7, False])}
    if kind == "array":
        return {"type": "array", "items": make_schema(depth - 1), "minItems": rng.randrange(2), "maxItems": rng.randrange(2, 4)}
    if kind == "object":
        names = rng.sample(["a", "b", "long name", "n-1", "q\"", "\u00fc"], rng.randrange(1, 4))
        return {"type": "object", "properties": {n: make_schema(depth - 1) for n in names}, "required": rng.sample(names, rng.randrange(len(names) + 1)), "additionalProperties": False}
    if kind == "anyOf":
        return {"anyOf": [make_schema(depth - 1), make_schema(depth - 1)]}
    if kind == "ref":
        return {"$ref": "#/$defs/d"}
    return {"type": kind}


def whole_schema():
    return {"type": "object", "properties": {"x": make_schema(2), "y": make_schema(1)}, "required": ["x"], "additionalProperties": False,
            "$defs": {"d": {"type": "integer", "minimum": 1, "maximum": 9}}}


def ask(s, body, stream, path="/v1/chat/completions"):
    """Message and reason, put together from deltas where it streams."""
    if not stream:
        st, b = s.post(path, body)
        return (st, b, None) if st != 200 else (st, b["choices"][0]["message"], b["choices"][0]["finish_reason"])
    st, h, e = s.events(path, {**body, "stream": True})
    if st != 200 or not e or e[-1] != "[DONE]":
        return st, e, None
    message, reason = {"content": "", "tool_calls": []}, None
    for x in e[:-1]:
        d = x["choices"][0]["delta"]
        message["content"] += d.get("content") or ""
        for c in d.get("tool_calls", []):
            if c["index"] == len(message["tool_calls"]):
                message["tool_calls"].append({"id": c["id"], "function": {"name": c["function"]["name"], "arguments": ""}})
            message["tool_calls"][c["index"]]["function"]["arguments"] += c["function"]["arguments"]
        reason = x["choices"][0]["finish_reason"] or reason
    return st, message, reason


s = Server(LLAMA, "-c", "4096")
USER = [{"role": "user", "content": "hello"}]
bad, cut, n = [], 0, 0
for i in range(rounds):
    schema = whole_schema()
    body = {"messages": USER, "temperature": rng.choice([0, 1, 2]), "seed": i, "response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}}
    for stream in (False, True):
        st, m, why = ask(s, body, stream)
        if st != 200:
            bad.append((st, m, schema))
        elif why == "length":
            cut += 1
        else:
            n += 1
            try:
                if not valid(json.loads(m["content"]), schema, schema):
                    bad.append((m, schema))
            except ValueError:
                bad.append((m, schema))
check("json_schema: %d answers validate, %d were cut" % (n, cut), not bad and n > cut, bad[:1])
st, m, why = ask(s, {"messages": USER, "temperature": 1, "response_format": {"type": "json_object"}, "max_tokens": 400}, False)
check("json_object begins as one", st == 200 and m["content"].startswith("{") and (why == "length" or isinstance(json.loads(m["content"]), dict)), m)
st, b = s.post("/completion", {"prompt": "x", "json_schema": {"type": "integer", "minimum": 3, "maximum": 5}})
check("llama.cpp's json_schema", b["content"] in "345", b)
st, b = s.post("/v1/responses", {"input": "x", "text": {"format": {"type": "json_schema", "name": "x", "schema": {"enum": ["a", "b"]}}}})
check("a response's format", b["output"][0]["content"][0]["text"] in ('"a"', '"b"'), b)
st, b = s.post("/v1/chat/completions", {"messages": USER, "grammar": "root ::= \"a\"", "response_format": {"type": "json_object"}})
check("two bindings are refused", st == 400, b)
finish_main = s


def tools(k):
    return [{"type": "function", "function": {"name": "f%d" % i, "description": "x", "parameters": {
        "type": "object", "properties": {"a": make_schema(1), "b": {"$ref": "#/$defs/d"}}, "required": ["a", "b"], "additionalProperties": False,
        "$defs": {"d": {"type": "integer", "minimum": 1, "maximum": 9}}}}} for i in range(k)]


def check_tools(s, family, rounds):
    bad, n, cut = [], 0, 0
    for i in range(rounds):
        t = tools(rng.randrange(1, 4))
        named = rng.random() < 0.5
        choice = {"type": "function", "function": {"name": t[-1]["function"]["name"]}} if named else "required"
        body = {"messages": USER, "temperature": 1.5, "seed": i, "tools": t, "tool_choice": choice}
        for stream in (False, True):
            st, m, why = ask(s, body, stream)
            if st != 200:
                bad.append((st, m, t))
                continue
            if why == "length":
                cut += 1
                continue
            n += 1
            call = m["tool_calls"][0] if m.get("tool_calls") else None
            try:
                p = [x for x in t if x["function"]["name"] == call["function"]["name"]][0]["function"]["parameters"]
                good = why == "tool_calls" and len(m["tool_calls"]) == 1 and valid(json.loads(call["function"]["arguments"]), p, p) and call["id"]
                good = good and (not named or call["function"]["name"] == t[-1]["function"]["name"]) and not m["content"]
            except (ValueError, IndexError, TypeError, KeyError):
                good = False
            if not good:
                bad.append((why, m, t))
    check("%s: %d forced calls validate, %d were cut" % (family, n, cut), not bad and n > cut, bad[:1])


check_tools(s, "no template for tools", rounds // 3)
# rounds of a conversation with calls
turn = USER + [{"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f0", "arguments": "{\"a\": 1}"}}]},
               {"role": "tool", "tool_call_id": "c1", "content": "42"}]
st, b = s.post("/apply-template", {"messages": turn, "tools": tools(1)})
check("a conversation with calls", st == 200 and "<tool_call>" in b["prompt"] and "42" in b["prompt"], b)
st, b = s.post("/v1/responses", {"input": "x", "tools": [{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {"a": {"enum": [1, 2]}}, "required": ["a"], "additionalProperties": False}}], "tool_choice": "required"})
c = b["output"][0]
check("a response's call", c["type"] == "function_call" and c["name"] == "f" and json.loads(c["arguments"])["a"] in (1, 2) and b["status"] == "completed", b)
st, h, e = s.events("/v1/responses", {"input": [{"role": "user", "content": "x"}, {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}, {"type": "function_call_output", "call_id": "c", "output": "5"}],
    "stream": True, "tools": [{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {"a": {"enum": [1, 2]}}, "required": ["a"], "additionalProperties": False}}], "tool_choice": {"type": "function", "name": "f"}})
kinds = [x["type"] for x in e]
args = "".join(x["delta"] for x in e if x["type"] == "response.function_call_arguments.delta")
check("the same in a stream", kinds[2] == "response.output_item.added" and kinds[-3:] == ["response.function_call_arguments.done", "response.output_item.done", "response.completed"] and
      json.loads(args)["a"] in (1, 2) and e[-3]["arguments"] == args, e)
# a call that the model may make: what follows the tag is bound. The bias makes the tag likely.
tag = s.post("/tokenize", {"content": "<tool_call>"})[1]["tokens"]
code = s.stop()
check("ends with code 0", code == 0, s.messages()[-2000:])
for family, text in (("hermes", "{{ tools | tojson }}<tool_call>{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"),
                     ("llama3", "{# ipython #}{{ tools | tojson }}<|start_header_id|><|python_tag|>{% for m in messages %}{{ m.content }}{% endfor %}<|eot_id|>{\"name\": function name, \"parameters\": "),
                     ("mistral", "{{ tools | tojson }}[AVAILABLE_TOOLS][TOOL_CALLS][INST]{% for m in messages %}{{ m.content }}{% endfor %}[/INST]")):
    path = os.path.join(tempfile.mkdtemp(), family)
    open(path, "w").write(text)
    s = Server(LLAMA, "-c", "4096", "--template", path)
    check_tools(s, family, rounds // 4)
    t = tools(2)
    # of its own accord: a bias makes a brace likely, with which Llama 3's calls begin; the rules follow from there
    ids = [t["id"] for t in s.post("/tokenize", {"content": "x{", "with_pieces": True})[1]["tokens"] if t["piece"] == "{"]
    bad, n = [], 0
    for i in range(8 if family == "llama3" and ids else 0):
        for stream in (False, True):
            st, m, why = ask(s, {"messages": USER, "temperature": 1, "seed": i, "tools": t, "max_tokens": 900, "logit_bias": {str(ids[0]): 60}}, stream)
            for call in (m.get("tool_calls") or []) if why != "length" else []:
                n += 1
                p = [x for x in t if x["function"]["name"] == call["function"]["name"]][0]["function"]["parameters"]
                if why != "tool_calls" or not valid(json.loads(call["function"]["arguments"]), p, p):
                    bad.append((why, m))
    if family == "llama3":
        check("%s: %d calls of its own accord validate" % (family, n), n > 8 and not bad, bad[:1] or m)
    code = s.stop()
    check(family + " ends with code 0", code == 0, s.messages()[-2000:])
finish()
