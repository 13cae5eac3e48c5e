"""Embeddings by an encoder, alone and beside a model that answers, against the float64 reference of
tests/vectors/formats.py: pooling as the files say, base64, dimensions, limits, refusals. Needs numpy."""
import base64, json, struct, sys
from harness import *

try:
    import numpy as np
except ImportError:
    skip("encoders", "no numpy")
    finish()
sys.path.insert(0, "tests/vectors")
import formats

# A BERT of 40 positions, whose vocabulary is words; so that ids are known without a tokenizer.
C = dict(V=61, D=48, F=112, L=3, H=4, context=40, eps=1e-12)
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + ("a an and are as at be by for from has in is it of on or that the to was were "
    "will with cat dog sat mat ran far home sea ship wind rain sun moon star night day red green blue small large old new good bad "
    "one two three four five six").split()
WORDS += ["##%d" % i for i in range(C["V"] - len(WORDS))]
weights = formats.bert_weights(C, 70)


def folder(name, pooling):
    """As sentence-transformers lays them out; pooling None: nothing is said, which means the mean."""
    path = os.path.join(os.environ.get("OUT", tempfile.mkdtemp()), name)
    os.makedirs(os.path.join(path, "1_Pooling"), exist_ok=True)
    files = {"config.json": formats.pretty(formats.bert_config(C)),
             "model.safetensors": formats.safetensors(formats.typed(weights), {"format": "pt"}),
             "vocab.txt": "".join(w + "\n" for w in WORDS)}
    if pooling is not None:
        files["1_Pooling/config.json"] = json.dumps({"word_embedding_dimension": C["D"], "pooling_mode_cls_token": pooling == "cls",
                                                     "pooling_mode_mean_tokens": pooling == "mean"})
    for file, data in files.items():
        with open(os.path.join(path, file), "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
    return path


def ids_of(text):
    return [2] + [WORDS.index(w) if w in WORDS else 1 for w in text.split()] + [3]


def reference(text, how):
    return formats.pooled(formats.bert_hidden, C, weights, ids_of(text), how)


def far(v, text, how):
    """The largest difference from the reference."""
    return float(np.abs(np.array(v) - reference(text, how)).max())


TEXTS = ["the cat sat on the mat", "a small ship at sea", "sun", "the dog ran home in rain and wind", "one two xylophone"]
mean, cls = folder("encoder", None), folder("sentences", "cls")

s = Server(mean, "--parallel", "4")
st, b = s.post("/v1/embeddings", {"input": TEXTS})
check("an encoder alone, the mean", st == 200 and [d["index"] for d in b["data"]] == [0, 1, 2, 3, 4] and
      max(far(d["embedding"], t, "mean") for d, t in zip(b["data"], TEXTS)) < 2e-6, b)
check("usage counts the tokens around a text, too", b["usage"]["prompt_tokens"] == sum(len(ids_of(t)) for t in TEXTS), b["usage"])
check("and says which model", b["model"] == "encoder", b["model"])
v = b["data"][0]["embedding"]
st, b = s.post("/v1/embeddings", {"input": TEXTS[0], "encoding_format": "base64"})
check("base64 are the same floats", list(struct.unpack("<48f", base64.b64decode(b["data"][0]["embedding"]))) == [struct.unpack("<f", struct.pack("<f", x))[0] for x in v], b)
st, b = s.post("/v1/embeddings", {"input": ids_of(TEXTS[1])})
check("ids as input stand as they are", far(b["data"][0]["embedding"], TEXTS[1], "mean") < 2e-6, b)
for n in (1, 16, 47, 48):
    st, b = s.post("/v1/embeddings", {"input": TEXTS[3], "dimensions": n})
    r = reference(TEXTS[3], "mean")[:n]
    check("dimensions %d" % n, st == 200 and np.abs(np.array(b["data"][0]["embedding"]) - r / np.sqrt((r * r).sum())).max() < 3e-6, b)
for n in (49, 0, -1, 1.5, "48"):
    st, b = s.post("/v1/embeddings", {"input": "sun", "dimensions": n})
    check("dimensions %s" % n, st == 400 and b["error"]["param"] == "dimensions", b)
st, b = s.post("/v1/embeddings", {"input": "sun " * 38})
check("as long as the context", st == 200 and far(b["data"][0]["embedding"], "sun " * 38, "mean") < 2e-6, b)
st, b = s.post("/v1/embeddings", {"input": ["sun", "sun " * 39]})
check("longer than it", st == 400 and "41 tokens" in b["error"]["message"] and b["error"]["param"] == "input", b)
st, b = s.post("/v1/embeddings", {"input": [1, 61]})
check("an id that is none", st == 400 and "0 to 60" in b["error"]["message"], b)
st, b = s.post("/rerank", {"query": TEXTS[0], "documents": TEXTS[1:]})
scores = {i: float(reference(TEXTS[0], "mean") @ reference(t, "mean")) for i, t in enumerate(TEXTS[1:])}
check("/rerank", [r["index"] for r in b["results"]] == sorted(scores, key=lambda i: -scores[i]) and
      all(abs(r["relevance_score"] - scores[r["index"]]) < 1e-5 for r in b["results"]), b)
for path, body in (("/v1/chat/completions", {"messages": [{"role": "user", "content": "sun"}]}), ("/v1/completions", {"prompt": "sun"}),
                   ("/generate", {"prompt": "sun"})):
    st, b = s.post(path, body)
    check("it answers nothing at " + path, st == 501 and "only embeds" in b["error"]["message"], b)
check("and is well", s.alive())

# beside a model that answers
both = Server(LLAMA, "--embedding-model", cls, "--parallel", "4")
st, b = both.post("/v1/embeddings", {"input": TEXTS})
check("beside a model that answers, the first token", st == 200 and max(far(d["embedding"], t, "cls") for d, t in zip(b["data"], TEXTS)) < 2e-6, b)
check("by its own name", b["model"] == "sentences", b["model"])
st, b = both.post("/v1/completions", {"prompt": "Once upon", "temperature": 0})
check("which answers as before", b["choices"][0]["text"] == " " + open("tests/models/tiny-llama.greedy").read().strip(), b)
st, b = both.get("/v1/models")
check("both are listed", [m["id"] for m in b["data"]] == ["tiny-llama.gguf", "sentences"] and b["data"][1]["meta"]["n_embd"] == 48, b)
check("and found by name", both.get("/v1/models/sentences")[0] == 200 and both.get("/v1/models/encoder")[0] == 404)
st, b = both.post("/v1/embeddings", {"input": "sun", "dimensions": 64})
check("dimensions beyond the encoder's", st == 400, b)
st, b = both.post("/tokenize", {"text": "Once upon"})
check("/tokenize is of the model that answers", both.post("/detokenize", b)[1] == {"text": "Once upon"}, b)


def refused(label, pattern, *options):
    r = subprocess.run([PROGRAM, LLAMA, "--port", "0", *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    check(label, r.returncode == 1 and len(r.stderr.splitlines()) == 1 and re.search(pattern, r.stderr), r)


refused("an embedding model that is not there", "nowhere.gguf: no such file", "--embedding-model", "nowhere.gguf")
os.makedirs(os.path.join(mean, "bare"), exist_ok=True)
for file in ("config.json", "model.safetensors"):
    with open(os.path.join(mean, file), "rb") as f, open(os.path.join(mean, "bare", file), "wb") as g:
        g.write(f.read())
refused("one without a tokenizer", "no tokenizer", "--embedding-model", os.path.join(mean, "bare"))
finish(s, both)
