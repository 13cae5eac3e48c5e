"""Every endpoint, streamed and not, against what the model is known to say (tests/models/*.greedy)."""
import base64, struct, threading, time, sys, os, tempfile
from harness import *

TALE = open("tests/models/tiny-llama.greedy").read().strip()
ANSWER = open("tests/models/tiny-llama.answer").read().strip()
REST = " " + TALE
TALE = "Once upon" + REST
folder = tempfile.mkdtemp()
s = Server(LLAMA, "--sessions", folder, "--parallel", "4", "--queue", "16")
ASK = {"messages": [{"role": "user", "content": "hello"}], "temperature": 0}


def joined(events, get):
    return "".join(get(e) for e in events if isinstance(e, dict))


# the small ones
st, b = s.get("/health")
check("/health as claude-rust has it", st == 200 and b == {"status": "ok", "model": "tiny-llama.gguf"}, b)
st, b = s.get("/v1/models")
check("/v1/models", st == 200 and b["object"] == "list" and b["data"][0]["id"] == "tiny-llama.gguf", b)
check("/v1/models/NAME", s.get("/v1/models/tiny-llama.gguf")[1]["object"] == "model")
check("another model is not there", s.get("/v1/models/gpt-4")[0] == 404)
st, b = s.get("/props")
check("/props", st == 200 and b["total_slots"] == 4 and "im_start" in b["chat_template"], b)
st, b = s.get("/slots")
check("/slots", st == 200 and len(b) == 4 and not b[0]["is_processing"], b)
st, b = s.get("/metrics")
check("/metrics", st == 200 and "\nllamacpp:prompt_tokens_total 0\n" in b and "# TYPE llamacpp:n_decode_total counter" in b, b)
st, h, b = s.request("GET", "/")
check("a page", st == 200 and h["content-type"].startswith("text/html") and b"<html" in b and b"http://" not in b.replace(b"http://www.w3.org", b""), b[:200])
check("which may load nothing", "default-src 'none'" in h["content-security-policy"])

# claude-rust's
st, b = s.post("/generate", {"prompt": "Once upon", "do_sample": False})
check("/generate", (st, b) == (200, {"text": REST, "finish_reason": "eos"}), b)
st, b = s.post("/generate", {"prompt": "Once upon", "do_sample": False, "max_new_tokens": 3})
check("/generate ends by length", b["finish_reason"] == "length" and REST.startswith(b["text"]), b)
st, b = s.post("/generate", {"prompt": "Once upon", "do_sample": False, "stop_sequences": [" small"]})
check("/generate ends by a stop", b == {"text": REST[:REST.index(" small")], "finish_reason": "stop"}, b)
st, h, e = s.events("/generate_stream", {"prompt": "Once upon", "do_sample": False})
check("/generate_stream", h["content-type"] == "text/event-stream" and e[-1] == "[DONE]" and
      joined(e, lambda x: x["token"]) == REST and all(set(x) == {"token", "id"} for x in e[:-1]), e)
raw = s.request("POST", "/generate_stream", {"prompt": "Once upon", "do_sample": False})[2]
check("/generate_stream ends as claude-rust's", raw.endswith(b"event: done\ndata: [DONE]\n\n"), raw[-60:])
st, b = s.post("/tokenize", {"text": "Once upon"})
ids = b["ids"]
check("/tokenize", st == 200 and len(ids) > 0 and all(isinstance(i, int) for i in ids), b)
check("/detokenize", s.post("/detokenize", {"ids": ids})[1] == {"text": "Once upon"})
check("/detokenize of nothing", s.post("/detokenize", {"ids": []})[1] == {"text": ""})
check("/tokenize of nothing", s.post("/tokenize", {"text": ""})[1] == {"ids": []})
st, b = s.post("/tokenize", {"content": "Once upon", "with_pieces": True, "add_special": True})
check("llama.cpp's /tokenize", [t["id"] for t in b["tokens"]][-len(ids):] == ids and len(b["tokens"]) == len(ids) + 1, b)
check("llama.cpp's /detokenize", s.post("/detokenize", {"tokens": ids})[1] == {"content": "Once upon"})

# OpenAI's
st, b = s.post("/v1/chat/completions", ASK)
c = b["choices"][0]
check("a chat", st == 200 and c["message"] == {"role": "assistant", "content": ANSWER, "refusal": None} and
      c["finish_reason"] == "stop" and b["object"] == "chat.completion", b)
check("usage", b["usage"]["prompt_tokens"] > 10 and b["usage"]["completion_tokens"] > 5 and
      b["usage"]["total_tokens"] == b["usage"]["prompt_tokens"] + b["usage"]["completion_tokens"], b["usage"])
st, h, e = s.events("/v1/chat/completions", {**ASK, "stream": True, "stream_options": {"include_usage": True}})
check("a chat in a stream", e[-1] == "[DONE]" and e[0]["choices"][0]["delta"]["role"] == "assistant" and
      "".join(x["choices"][0]["delta"].get("content", "") for x in e[:-2]) == ANSWER and
      e[-3]["choices"][0]["finish_reason"] == "stop" and h["complete"], e)
check("usage in a stream", e[-2]["choices"] == [] and e[-2]["usage"]["completion_tokens"] == b["usage"]["completion_tokens"], e[-2])
parts = {"messages": [{"role": "developer", "content": "be"}, {"role": "user", "content": [{"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}]}]}
whole = {"messages": [{"role": "system", "content": "be"}, {"role": "user", "content": "hello"}]}
check("parts of content", s.post("/apply-template", parts)[1] == s.post("/apply-template", whole)[1] and
      "user\nhello<|im_end|>" in s.post("/apply-template", whole)[1]["prompt"], s.post("/apply-template", parts))
a = s.post("/v1/chat/completions", {"messages": [{"role": "user", "content": "x<|im_end|>"}], "max_tokens": 1})[1]["usage"]["prompt_tokens"]
b = s.post("/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}], "max_tokens": 1})[1]["usage"]["prompt_tokens"]
check("a control token in a message stays text", a > b + 2, (a, b))
st, b = s.post("/v1/chat/completions", {**ASK, "n": 3, "temperature": 1, "seed": 5})
again = s.post("/v1/chat/completions", {**ASK, "n": 3, "temperature": 1, "seed": 5})[1]
check("n = 3, and a seed", [c["index"] for c in b["choices"]] == [0, 1, 2] and b["choices"] == again["choices"], b)
many = [s.post("/v1/completions", {"prompt": "Zq", "temperature": 3, "max_tokens": 12, "ignore_eos": True})[1]["choices"][0]["text"] for i in range(4)]
check("no seed, no two alike", len(set(many)) > 1, many)
st, b = s.post("/v1/chat/completions", {**ASK, "logprobs": True, "top_logprobs": 3, "max_tokens": 4})
lp = b["choices"][0]["logprobs"]["content"]
check("logprobs", len(lp) == 4 and all(len(t["top_logprobs"]) == 3 and t["logprob"] <= 0 for t in lp) and
      all(abs(t["top_logprobs"][0]["logprob"] - t["logprob"]) < 1e-4 and t["top_logprobs"][0]["token"] == t["token"] for t in lp) and
      bytes(sum((t["bytes"] for t in lp), [])).decode() == b["choices"][0]["message"]["content"], lp)
st, h, e = s.events("/v1/chat/completions", {**ASK, "logprobs": True, "top_logprobs": 1, "max_tokens": 4, "stream": True})
check("logprobs in a stream", sum(len((x["choices"][0]["logprobs"] or {"content": []})["content"]) for x in e[:-1]) == 4, e)
st, b = s.post("/v1/completions", {"prompt": "Once upon", "temperature": 0})
check("a completion", st == 200 and b["choices"][0]["text"] == REST and b["object"] == "text_completion", b)
st, b = s.post("/v1/completions", {"prompt": "Once upon", "temperature": 0, "echo": True})
check("echo", b["choices"][0]["text"] == TALE, b)
st, b = s.post("/v1/completions", {"prompt": ["Once upon", s.post("/tokenize", {"content": "Once", "add_special": True})[1]["tokens"]], "temperature": 0, "n": 2})
check("two prompts, two answers each", [c["index"] for c in b["choices"]] == [0, 1, 2, 3] and b["choices"][0]["text"] == REST ==
      b["choices"][1]["text"] and (b["choices"][2]["text"] == TALE[4:]), b)
st, b = s.post("/v1/completions", {"prompt": "Once upon", "temperature": 0, "logprobs": 2, "max_tokens": 3})
lp = b["choices"][0]["logprobs"]
check("logprobs of completions", "".join(lp["tokens"]) == b["choices"][0]["text"] and len(lp["token_logprobs"]) == 3 and
      all(len(t) == 2 for t in lp["top_logprobs"]) and lp["text_offset"][0] == 0, lp)
st, h, e = s.events("/v1/completions", {"prompt": "Once upon", "temperature": 0, "stream": True, "stop": " small"})
check("a completion in a stream, with a stop", joined(e, lambda x: x["choices"][0]["text"]) == REST[:REST.index(" small")] and
      e[-2]["choices"][0]["finish_reason"] == "stop", e)
first = s.post("/v1/completions", {"prompt": "Once upon", "temperature": 0, "max_tokens": 1, "logprobs": 1})[1]["choices"][0]
t = s.post("/completion", {"prompt": "Once upon", "temperature": 0, "n_predict": 1, "return_tokens": True})[1]["tokens"][0]
st, b = s.post("/v1/completions", {"prompt": "Once upon", "temperature": 0, "max_tokens": 1, "logit_bias": {str(t): -100}})
check("logit_bias", st == 200 and b["choices"][0]["text"] != first["text"], b)
ids = s.post("/tokenize", {"content": "Once upon", "add_special": True})[1]["tokens"]
check("ids as a prompt", s.post("/v1/completions", {"prompt": ids, "temperature": 0})[1]["choices"][0]["text"] == REST)

# embeddings
st, b = s.post("/v1/embeddings", {"input": ["Once upon a time", "hello", "Once upon a time"]})
v = [d["embedding"] for d in b["data"]]
check("embeddings", st == 200 and v[0] == v[2] != v[1] and len(v[0]) == 64 and abs(sum(x * x for x in v[0]) - 1) < 1e-5, b)
st, b = s.post("/v1/embeddings", {"input": "hello", "encoding_format": "base64"})
w = struct.unpack("<64f", base64.b64decode(b["data"][0]["embedding"]))
check("embeddings in base64", max(abs(x - y) for x, y in zip(w, v[1])) < 1e-6)
st, b = s.post("/v1/embeddings", {"input": "hello", "dimensions": 16})
check("fewer dimensions", len(b["data"][0]["embedding"]) == 16 and abs(sum(x * x for x in b["data"][0]["embedding"]) - 1) < 1e-5)
st, b = s.post("/rerank", {"query": "hello", "documents": ["Once upon a time", "hello", {"text": "x"}], "top_n": 2})
check("/rerank", st == 200 and len(b["results"]) == 2 and b["results"][0]["index"] == 1 and
      b["results"][0]["relevance_score"] > 0.9999 and b["results"][1]["relevance_score"] < 1, b)

# llama.cpp's
st, b = s.post("/completion", {"prompt": "Once upon", "temperature": 0, "n_predict": -1, "n_probs": 2})
check("/completion", st == 200 and b["content"] == REST and b["stop"] and b["stop_type"] == "eos" and
      b["timings"]["predicted_n"] == b["tokens_predicted"] == len(b["completion_probabilities"]), b)
st, h, e = s.events("/completion", {"prompt": "Once upon", "temperature": 0, "n_predict": 5, "stream": True})
check("/completion in a stream", joined(e, lambda x: x["content"]) == s.post("/completion", {"prompt": "Once upon", "temperature": 0, "n_predict": 5})[1]["content"] and
      e[-1]["stop"] and e[-1]["stop_type"] == "limit" and not e[0]["stop"] and e[-1]["tokens_predicted"] == 5, e)
st, b = s.post("/completion", {"prompt": "Once upon", "grammar": 'root ::= "yes" | "no"'})
check("a grammar", b["content"] in ("yes", "no"), b)

# /v1/responses
st, b = s.post("/v1/responses", {"input": "hello", "temperature": 0})
check("a response", st == 200 and b["status"] == "completed" and b["output"][0]["content"][0]["text"] == ANSWER and
      b["object"] == "response" and b["usage"]["output_tokens"] > 0, b)
st, h, e = s.events("/v1/responses", {"input": [{"role": "user", "content": [{"type": "input_text", "text": "hello"}]}], "temperature": 0, "stream": True})
kinds = [x["type"] for x in e]
check("a response in a stream", kinds[:4] == ["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"] and
      kinds[-4:] == ["response.output_text.done", "response.content_part.done", "response.output_item.done", "response.completed"] and
      joined(e, lambda x: x.get("delta", "")) == ANSWER and e[-1]["response"]["output"][0]["content"][0]["text"] == ANSWER and
      [x["sequence_number"] for x in e] == list(range(len(e))), e)
st, b = s.post("/v1/responses", {"input": "hello", "temperature": 0, "max_output_tokens": 2})
check("a response cut short", b["status"] == "incomplete" and b["incomplete_details"]["reason"] == "max_output_tokens", b)

# what is computed once
long = "Once upon a time " * 12
s.post("/v1/completions", {"prompt": long, "max_tokens": 1})
st, b = s.post("/v1/completions", {"prompt": long + "x", "max_tokens": 1})
check("a prefix is computed once", b["usage"]["prompt_tokens_details"]["cached_tokens"] >= 32, b)
st, b = s.post("/slots/0?action=save", {"filename": "one"})
check("the cache is saved", st == 200 and b["filename"] == "one" and os.path.getsize(folder + "/one") > 1000, b)
check("and erased", s.post("/slots/0?action=erase", {})[0] == 200)
st, b = s.post("/v1/completions", {"prompt": long + "y", "max_tokens": 1})
check("then all is computed again", b["usage"]["prompt_tokens_details"]["cached_tokens"] == 0, b)
s.post("/slots/0?action=erase", {})
check("and restored", s.post("/slots/0?action=restore", {"filename": "one"})[0] == 200)
st, b = s.post("/v1/completions", {"prompt": long + "x", "max_tokens": 1})
check("then not", b["usage"]["prompt_tokens_details"]["cached_tokens"] >= 32, b)
check("a session that is not there", s.post("/slots/0?action=restore", {"filename": "two"})[0] == 404)
open(folder + "/bad", "w").write("x" * 5000)
st, b = s.post("/slots/0?action=restore", {"filename": "bad"})
check("nor any file", st == 400 and folder not in str(b), b)
for name in ("../x", "/etc/passwd", ".x", "a/b", "a\\b", "", "x" * 65, "a\0b"):
    check("no file called %r" % name[:12], s.post("/slots/0?action=restore", {"filename": name})[0] == 400)

# many at once get what one gets alone
def one(i, out):
    if i % 3 == 0:
        out[i] = s.post("/v1/chat/completions", ASK)[1]["choices"][0]["message"]["content"] == ANSWER
    elif i % 3 == 1:
        e = s.events("/v1/completions", {"prompt": "Once upon", "temperature": 0, "stream": True})[2]
        out[i] = joined(e, lambda x: x["choices"][0]["text"]) == REST
    else:
        out[i] = s.post("/v1/completions", {"prompt": "Zq", "temperature": 1, "seed": 7, "max_tokens": 20})[1]["choices"][0]["text"] == alone
alone = s.post("/v1/completions", {"prompt": "Zq", "temperature": 1, "seed": 7, "max_tokens": 20})[1]["choices"][0]["text"]
out = [None] * 18
threads = [threading.Thread(target=one, args=(i, out)) for i in range(18)]
[t.start() for t in threads]
[t.join() for t in threads]
check("18 at once, each as if alone", all(out), out)

# more than fit are told so
def wait(i, out):
    out[i] = s.post("/v1/completions", {"prompt": "Zq%d" % i, "max_tokens": 200, "ignore_eos": True})[0]
out = [None] * 40
threads = [threading.Thread(target=wait, args=(i, out)) for i in range(40)]
[t.start() for t in threads]
[t.join() for t in threads]
check("40 for 20 places: some are told to come again", set(out) <= {200, 503} and out.count(200) >= 20, out)

# who leaves, leaves his place
c = s.connect()
body = json.dumps({"prompt": "Zq", "max_tokens": 200, "ignore_eos": True, "n": 8, "stream": True}).encode()
c.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
c.recv(100)
c.close()
end = time.time() + 5
while time.time() < end and any(x["is_processing"] for x in s.get("/slots")[1]):
    time.sleep(0.02)
check("who hangs up is forgotten", not any(x["is_processing"] for x in s.get("/slots")[1]))
lines = s.log_lines()
check("the log has no prompts", len(lines) > 50 and "Once" not in str(lines) and {"time", "client", "method", "path", "status", "ms"} <= set(lines[0]), lines[:2])
check("and figures", any(x.get("tokens", 0) > 0 and x.get("first_ms", 0) > 0 for x in lines))

# what OpenAI lets be missing of a tool is there for the template
t = Server(LLAMA, "--template", "configs/train/tiny.jinja", "-c", "2048")
tools = [{"name": "a"}, {"name": "b", "parameters": {"type": "object"}}, {"name": "c", "parameters": {}, "description": None},
         {"name": "d", "description": "does", "parameters": {"type": "object", "properties": {"x": {"type": "string"}}}}]
for label, given in (("in chats", [{"type": "function", "function": f} for f in tools]), ("flat", [{"type": "function", **f} for f in tools])):
    st, b = t.post("/apply-template", {**ASK, "tools": given})
    check("tools without all their parts, " + label, st == 200 and "Tools:\na(): \nb(): \nc(): \nd(x): does\n" in b["prompt"], b)
st, b = t.post("/v1/chat/completions", {**ASK, "tools": [{"type": "function", "function": {"name": "a"}}], "tool_choice": "required", "max_tokens": 300})
check("such a tool is called", st == 200 and b["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "a", b)
check("the server with a template ends with code 0", t.stop() == 0, t.messages())

s.post("/v1/completions", {"prompt": long, "max_tokens": 1})
# finishing: what runs is finished, what comes is refused
c = s.connect()
body = json.dumps({"prompt": "Zq", "max_tokens": 240, "ignore_eos": True, "stream": True}).encode()
c.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
first = c.recv(10)
s.process.send_signal(STOP)
st, h, e = parse(first + read_all(c))
check("a stream is finished before the end", st == 200 and h["complete"] and e.endswith(b"[DONE]\n\n"), e[-100:])
check("ends with code 0", s.process.wait(10) == 0, s.messages())
check("and leaves the cache", os.path.getsize(folder + "/server.last") > 1000)
s = Server(LLAMA, "--sessions", folder)
st, b = s.post("/v1/completions", {"prompt": long + "x", "max_tokens": 1})
check("which the next one takes up", b["usage"]["prompt_tokens_details"]["cached_tokens"] >= 32, b)
finish(s)
