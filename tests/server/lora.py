"""Adapters behind the server, trained by tests/cli/server_lora.sh: a request's "model" picks one, in one batch with others;
what is said is what the merged models say; the cache is not shared between them; llama.cpp's list and field; refusals."""
import threading
import harness
from harness import *

harness.passed = int(os.environ.get("N_PASSED", "0"))
DIR = os.environ["OUT"]
CHAT = os.path.join(BUILD, "chat")
# a prompt longer than a page of the cache, so that it can be shared
PROMPT = "Permission is hereby granted to whoever asks for it, and it is granted again to the same people the day after. So "
N = 12


def merged(model):
    """The reference: the adapter's weights added to the model's, in a file of its own."""
    r = subprocess.run([CHAT, "-m", model, "-p", PROMPT, "-n", str(N), "--temp", "0", "--raw"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return r.stdout[:-1] if r.stdout.endswith("\n") else r.stdout


def ask(server, model, prompt=PROMPT, **more):
    st, b = server.post("/v1/completions", {"prompt": prompt, "max_tokens": N, "temperature": 0, **({"model": model} if model else {}), **more})
    return st, b


def said(answer):
    return answer[1]["choices"][0]["text"] if answer[0] == 200 else answer


def cached(answer):
    return answer[1]["usage"]["prompt_tokens_details"]["cached_tokens"]


want = {None: merged(LLAMA), "a": merged(DIR + "/a_merged.gguf"), "z": merged(DIR + "/z_merged.gguf")}
check("they differ", len(set(want.values())) == 3, want)
s = Server(LLAMA, "--parallel", "6", "-c", "512", "--lora", "a=%s/a.gguf" % DIR, "--lora", "z=%s/z.gguf:1" % DIR, "--lora", "tiny=%s/a.gguf:1e-9" % DIR)

# one after the other: the prompt is the same, what is computed of it is not
for turn in range(2):
    for name in (None, "a", "z"):
        got = ask(s, name)
        check("%s, turn %d: as the merged model" % (name, turn), said(got) == want[name], (said(got), want[name]))
        check("%s, turn %d: %s" % (name, turn, "nobody else's cache" if turn == 0 else "its own cache"), (cached(got) == 0) == (turn == 0), got)
got = ask(s, "tiny")
check("the same adapter by another scale has its own, too", said(got) == want[None] and cached(got) == 0, got)
check("the answer says who gave it", ask(s, "a")[1]["model"] == "a" and ask(s, None)[1]["model"] == "tiny-llama.gguf")
check("the model's own name", said(ask(s, "tiny-llama.gguf")) == want[None])

# at once, in one batch
found = {}
def one(i, name):
    found[i] = (name, said(ask(s, name)))
threads = [threading.Thread(target=one, args=(i, (None, "a", "z")[i % 3])) for i in range(12)]
[t.start() for t in threads]
[t.join() for t in threads]
check("twelve at once", len(found) == 12 and all(v == want[name] for name, v in found.values()), [v for v in found.values() if v[1] != want[v[0]]])
s.post("/slots/0?action=erase", {})
found = {}
threads = [threading.Thread(target=one, args=(i, (None, "a", "z")[i % 3])) for i in range(12)]
[t.start() for t in threads]
[t.join() for t in threads]
check("and without a cache", len(found) == 12 and all(v == want[name] for name, v in found.values()), [v for v in found.values() if v[1] != want[v[0]]])
st, h, events = s.events("/v1/completions", {"prompt": PROMPT, "max_tokens": N, "temperature": 0, "model": "z", "stream": True})
check("a stream", "".join(e["choices"][0]["text"] for e in events[:-1]) == want["z"] and {e["model"] for e in events[:-1]} == {"z"}, events)
st, b = s.post("/v1/completions", {"prompt": [PROMPT, PROMPT], "n": 2, "max_tokens": N, "temperature": 0, "model": "a"})
check("several answers", [c["text"] for c in b["choices"]] == [want["a"]] * 4, b)
for path, body, of in (("/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}], "max_tokens": 2}, lambda b: b["model"]),
                       ("/v1/responses", {"input": "x", "max_output_tokens": 2}, lambda b: b["model"]),
                       ("/completion", {"prompt": "x", "n_predict": 2}, lambda b: b["model"])):
    st, b = s.post(path, {**body, "model": "a"})
    check(path + " knows it, too", st == 200 and of(b) == "a", b)
st, b = s.post("/completion", {"prompt": PROMPT, "n_predict": N, "temperature": 0, "lora": [{"id": 0, "scale": 0}, {"id": 1, "scale": 1.0}]})
check("llama.cpp's field", st == 200 and b["content"] == want["z"] and b["model"] == "z", b)
st, b = s.post("/completion", {"prompt": PROMPT, "n_predict": N, "temperature": 0, "model": "z", "lora": []})
check("which may also say none", st == 200 and b["content"] == want[None], b)

# lists
st, b = s.get("/v1/models")
check("/v1/models", [m["id"] for m in b["data"]] == ["tiny-llama.gguf", "a", "z", "tiny"] and [m.get("parent") for m in b["data"]] == [None] + ["tiny-llama.gguf"] * 3 and b["data"][1]["meta"]["rank"] == 4, b)
st, b = s.get("/v1/models/z")
check("/v1/models/z", st == 200 and b["id"] == "z" and b["meta"]["rank"] == 2, b)
st, b = s.get("/lora-adapters")
check("/lora-adapters", [(a["id"], a["path"], a["name"]) for a in b] == [(0, "a.gguf", "a"), (1, "z.gguf", "z"), (2, "a.gguf", "tiny")] and [a["scale"] for a in b][:2] == [1, 1] and 0 < b[2]["scale"] < 1e-8, b)

# refusals
for label, body, param, code in (("a model that is not there", {"model": "gpt-4"}, "model", 404), ("no string", {"model": 5}, "model", 400),
        ("lora: no array", {"lora": {}}, "lora", 400), ("lora: no id", {"lora": [{"scale": 1}]}, "lora", 400), ("lora: an id beyond", {"lora": [{"id": 3, "scale": 1}]}, "lora", 400),
        ("lora: half an id", {"lora": [{"id": 0.5, "scale": 1}]}, "lora", 400), ("lora: no scale", {"lora": [{"id": 0}]}, "lora", 400),
        ("lora: a huge scale", {"lora": [{"id": 0, "scale": 1e9}]}, "lora", 400), ("lora: two at once", {"lora": [{"id": 0, "scale": 1}, {"id": 1, "scale": 1}]}, "lora", 400)):
    st, b = s.post("/v1/completions", {"prompt": "x", "max_tokens": 1, **body})
    check(label, st == code and b["error"]["param"] == param, (st, b))
st, b = s.post("/v1/embeddings", {"input": "x", "model": "a"})
check("an adapter embeds nothing", st == 400 and b["error"]["param"] == "model", b)
check("the model does", s.post("/v1/embeddings", {"input": "x", "model": "tiny-llama.gguf"})[0] == 200)
check("adapters are not changed by POST", s.post("/lora-adapters", [])[0] == 405)
log = s.log_lines()
check("the log says which", {"a", "z"} <= {l.get("adapter") for l in log if l["path"] == "/v1/completions"}, log[:3])
code = s.stop()
check("ends with code 0", code == 0, s.messages()[-2000:])

# without adapters any name will do, as clients send some
s = Server(LLAMA)
check("no adapters: any name", ask(s, "gpt-4")[0] == 200 and s.get("/lora-adapters")[1] == [])
check("but a number is none", ask(s, 5)[0] == 400)
finish(s)
