#!/usr/bin/python3
"""Trains the model of tests/models/trained256: a small Llama whose perplexity tells what a way of
storing weights costs. Needs Debian's python3-torch and python3-numpy, and libopenblas0 not to take all day.

    /usr/bin/python3 tests/vectors/trained.py [--out FOLDER] [--steps N]    train and write (minutes)
    /usr/bin/python3 tests/vectors/trained.py --eval [FOLDER]               perplexity of what is there

The text comes from the grammar below: short stories of words, with people who own things, walk
through a week and are asked about it. What comes next is sometimes certain, sometimes a matter
of remembering ("where is the lamp ?"), sometimes chance, with odds that depend on who and where;
a good model stays near 3 per word and no model gets to 1. Written: model.safetensors in BF16, config.json, and two texts that
training never saw, as ids: eval.ids (4096) to measure on, calibrate.ids (4096) to calibrate with.
"""
import json
import math
import os
import struct
import sys
import zlib

import numpy as np
import torch
import torch.nn.functional as F

FOLDER = "tests/models/trained256"
SHAPE = dict(D=256, H=4, G=2, K=64, L=2, F=512, eps=1e-5, base=10000.0, context=256)
TRAIN, EVAL, CALIBRATE = 1, 2, 3  # seeds of the texts

# ---------------------------------------------------------------- the grammar
HE = "Tom Ben Otto Ivan Karl Hugo Felix Omar Paul Noah".split()
SHE = "Anna Mia Lena Ruth Sara Ida Nora Olga Emma Vera".split()
ANIMALS = "fox owl bear mouse hare wolf frog goose cat otter crow mole".split()
THINGS = "lamp book drum key boat clock rope coat bell kite spoon map box chair mirror flute".split()
COLOURS = "red blue green black white yellow grey brown".split()
PLACES = "harbour market forest mill station garden library bridge kitchen tower meadow cellar".split()
ADJECTIVES = "old small quiet brave clever tired lazy proud happy strange young gentle".split()
SEE = "found lost painted carried hid sold cleaned broke borrowed repaired".split()
DO = "laughed slept waited danced shouted dreamed worked sang".split()
HOW = "slowly loudly often alone again badly twice gladly".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
NUMBERS = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
           "seventeen eighteen").split()
FUNCTION = ("<unk> <s> </s> . , ? the a is are was were he she it has had now of and but with to in on that what where "
            "who colour not because more finds loses went saw so very does own yes no from then s").split()
WORDS = FUNCTION + HE + SHE + ANIMALS + THINGS + COLOURS + PLACES + ADJECTIVES + SEE + DO + HOW + DAYS + NUMBERS
ID = {w: i for i, w in enumerate(WORDS)}
assert len(ID) == len(WORDS)


ORDERS = {}  # (first word of a list, context) -> the order in which that context prefers the list


def order(words, context):
    key = (words[0],) + context
    if key not in ORDERS:
        ORDERS[key] = np.random.RandomState(zlib.crc32(" ".join(key).encode())).permutation(len(words))
    return ORDERS[key]


class Story:
    """Two people, what they own and where it lies; say() yields one sentence as words."""

    def __init__(self, r):
        self.r, self.day, self.people = r, r.randint(7), []
        for p in r.permutation(len(HE) + len(SHE))[:2]:
            name, pronoun = (HE[p], "he") if p < len(HE) else (SHE[p - len(HE)], "she")
            thing = self.pick(THINGS, name)
            while self.people and thing == self.people[0]["thing"]:
                thing = self.pick(THINGS, name)
            animal = self.pick(ANIMALS, name)
            self.people.append(dict(name=name, pronoun=pronoun, thing=thing, colour=self.pick(COLOURS, thing),
                                    place=self.pick(PLACES, name), animal=animal, adj=self.pick(ADJECTIVES, animal)))

    def pick(self, words, *context):
        """Every context has likes and dislikes of its own; nothing is impossible."""
        p = (np.arange(len(words)) + 1.0) ** -1.2
        return words[order(words, context)[self.r.choice(len(words), p=p / p.sum())]]

    def intro(self, a):
        yield [a["name"], "is", "a", a["adj"], a["animal"], "."]
        yield [a["pronoun"], "has", "a", a["colour"], a["thing"], "in", "the", a["place"], "."]

    def walk(self, a, b):
        self.day = (self.day + 1) % 7
        a["place"] = self.pick(PLACES, a["place"], a["animal"])
        return ["on", DAYS[self.day], a["name"], "went", "to", "the", a["place"], "with", "the", a["thing"], "."]

    def act(self, a, b):
        do = self.pick(DO, a["animal"])
        tail = ["and", do, self.pick(HOW, do, a["name"])] if self.r.rand() < 0.5 else ["because", a["pronoun"], "was", a["adj"]]
        return [a["name"], self.pick(SEE, a["thing"], a["colour"]), "the", a["colour"], a["thing"]] + tail + ["."]

    def where(self, a, b):
        return ["where", "is", "the", a["thing"], "?", "it", "is", "in", "the", a["place"], "."]

    def colour(self, a, b):
        return ["what", "colour", "is", "the", a["thing"], "of", a["name"], "?", "it", "is", a["colour"], "."]

    def own(self, a, b):
        mine = self.r.rand() < 0.5
        return (["does", a["name"], "own", "the", (a if mine else b)["thing"], "?"] +
                (["yes", "."] if mine else ["no", ",", b["name"], "does", "."]))

    def count(self, a, b):
        n, m = self.r.randint(1, 10), self.r.randint(1, 10)
        thing = self.pick(THINGS, a["name"], NUMBERS[n])
        if self.r.rand() < 0.6:
            change, left = ["finds", NUMBERS[m], "more"], n + m
        else:
            m = self.r.randint(0, n + 1)
            change, left = ["loses", NUMBERS[m]], n - m
        return [a["name"], "has", NUMBERS[n], thing, "s", ",", a["pronoun"]] + change + ["and", "now", "has", NUMBERS[left], "."]

    def saw(self, a, b):
        many = self.r.rand() < 0.4
        animal = self.pick(ANIMALS, a["place"])
        subject = ["the", animal] + (["s"] if many else [])
        place = ["in", "the", self.pick(PLACES, animal)] if self.r.rand() < 0.5 else []
        last = "were" if many else "was", "very", self.pick(ADJECTIVES, animal, a["name"])
        return subject + ["that", a["name"], "and", b["name"], "saw"] + place + list(last) + ["."]

    def say(self):
        for a in self.people:
            yield from self.intro(a)
        kinds = "walk act where colour own count saw".split()
        for _ in range(self.r.randint(4, 10)):
            n = self.r.randint(2)
            a, b = self.people[n], self.people[1 - n]
            yield getattr(self, self.pick(kinds, a["adj"]))(a, b)


def text(seed, n):
    """n ids: stories one after the other, each opened by <s>."""
    r, out = np.random.RandomState(seed), []
    while len(out) < n:
        out.append(ID["<s>"])
        for sentence in Story(r).say():
            out += [ID[w] for w in sentence]
    return np.array(out[:n])


# ---------------------------------------------------------------- the model, by Hugging Face's names
def initial(seed):
    torch.manual_seed(seed)
    s, w = SHAPE, {}

    def mat(name, rows, cols, std=0.02):
        w[name + ".weight"] = torch.randn(rows, cols) * std

    mat("model.embed_tokens", len(WORDS), s["D"])
    for l in range(s["L"]):
        p = "model.layers.%d." % l
        w[p + "input_layernorm.weight"] = torch.ones(s["D"])
        mat(p + "self_attn.q_proj", s["H"] * s["K"], s["D"], 0.05)
        mat(p + "self_attn.k_proj", s["G"] * s["K"], s["D"], 0.05)
        mat(p + "self_attn.v_proj", s["G"] * s["K"], s["D"], 0.05)
        mat(p + "self_attn.o_proj", s["D"], s["H"] * s["K"], 0.02)
        w[p + "post_attention_layernorm.weight"] = torch.ones(s["D"])
        mat(p + "mlp.gate_proj", s["F"], s["D"], 0.05)
        mat(p + "mlp.up_proj", s["F"], s["D"], 0.05)
        mat(p + "mlp.down_proj", s["D"], s["F"], 0.02)
    w["model.norm.weight"] = torch.ones(s["D"])
    mat("lm_head", len(WORDS), s["D"])
    return w


def rms(x, w):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + SHAPE["eps"]) * w


def turned(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


def logits(w, ids):
    """ids [B][T] -> [B][T][V]"""
    s, (B, T) = SHAPE, ids.shape
    angle = torch.arange(T)[:, None] * s["base"] ** (-torch.arange(s["K"] // 2) / (s["K"] / 2))
    cos, sin = angle.cos().to(w["lm_head.weight"].dtype), angle.sin().to(w["lm_head.weight"].dtype)
    hidden = torch.full((T, T), float("-inf"), dtype=cos.dtype).triu(1)
    x = w["model.embed_tokens.weight"][ids]
    for l in range(s["L"]):
        def linear(x, name):
            return x @ w["model.layers.%d.%s.weight" % (l, name)].T

        h = rms(x, w["model.layers.%d.input_layernorm.weight" % l])
        q, k, v = (linear(h, "self_attn.%s_proj" % n).view(B, T, -1, s["K"]).transpose(1, 2) for n in "qkv")
        q, k = turned(q, cos, sin), turned(k, cos, sin)
        k, v = (y.repeat_interleave(s["H"] // s["G"], 1) for y in (k, v))
        p = F.softmax(q @ k.transpose(2, 3) / math.sqrt(s["K"]) + hidden, -1)
        x = x + linear((p @ v).transpose(1, 2).reshape(B, T, -1), "self_attn.o_proj")
        h = rms(x, w["model.layers.%d.post_attention_layernorm.weight" % l])
        x = x + linear(F.silu(linear(h, "mlp.gate_proj")) * linear(h, "mlp.up_proj"), "mlp.down_proj")
    return rms(x, w["model.norm.weight"]) @ w["lm_head.weight"].T


def loss_of(w, ids):
    y = logits(w, ids[:, :-1])
    return F.cross_entropy(y.reshape(-1, y.shape[-1]), ids[:, 1:].reshape(-1))


def perplexity(w, ids, window):
    """Windows that do not overlap, every token after the first of each scored."""
    rows = torch.from_numpy(ids[:len(ids) // window * window].reshape(-1, window).astype(np.int64))
    with torch.no_grad():
        return math.exp(loss_of({k: v.double() for k, v in w.items()}, rows).item())


# ---------------------------------------------------------------- training
def train(steps, batch=16, length=128, peak=2e-3):
    """AdamW, linear warm-up, cosine to a twentieth. Every story is new: nothing is seen twice."""
    w = initial(7)
    for x in w.values():
        x.requires_grad_(True)
    optimiser = torch.optim.AdamW([{"params": [x for x in w.values() if x.ndim == 2], "weight_decay": 0.05},
                                   {"params": [x for x in w.values() if x.ndim == 1], "weight_decay": 0.0}],
                                  lr=peak, betas=(0.9, 0.98))
    stream = torch.from_numpy(text(TRAIN, steps * batch * (length + 1)).astype(np.int64)).view(steps, batch, length + 1)
    for step in range(steps):
        rate = peak * min((step + 1) / 50, 0.05 + 0.475 * (1 + math.cos(math.pi * step / steps)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        loss = loss_of(w, stream[step])
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(w.values()), 1.0)
        optimiser.step()
        if step % 50 == 0 or step == steps - 1:
            print("step %5d  loss %.4f  perplexity %.3f" % (step, loss.item(), math.exp(loss.item())), flush=True)
    return {k: x.detach() for k, x in w.items()}


# ---------------------------------------------------------------- files
def config():
    s = SHAPE
    return {"architectures": ["LlamaForCausalLM"], "attention_bias": False, "bos_token_id": ID["<s>"],
            "eos_token_id": ID["</s>"], "hidden_act": "silu", "hidden_size": s["D"], "intermediate_size": s["F"],
            "max_position_embeddings": s["context"], "model_type": "llama", "num_attention_heads": s["H"],
            "num_hidden_layers": s["L"], "num_key_value_heads": s["G"], "rms_norm_eps": s["eps"], "rope_theta": s["base"],
            "tie_word_embeddings": False, "torch_dtype": "bfloat16", "vocab_size": len(WORDS)}


def save(folder, w):
    head, at, body = {"__metadata__": {"format": "pt"}}, 0, []
    for name, x in w.items():
        data = x.to(torch.bfloat16).view(torch.int16).numpy().astype("<i2").tobytes()
        head[name] = {"dtype": "BF16", "shape": list(x.shape), "data_offsets": [at, at + len(data)]}
        body.append(data)
        at += len(data)
    head = json.dumps(head, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "model.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head + b"".join(body))
    with open(os.path.join(folder, "config.json"), "w") as f:
        f.write(json.dumps(config(), indent=2) + "\n")
    for name, seed in (("eval", EVAL), ("calibrate", CALIBRATE)):
        with open(os.path.join(folder, name + ".ids"), "w") as f:
            f.write(" ".join(map(str, text(seed, 4096))) + "\n")


def load(folder):
    with open(os.path.join(folder, "model.safetensors"), "rb") as f:
        head = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    w = {}
    for name, t in head.items():
        if name != "__metadata__":
            b, e = t["data_offsets"]
            bits = np.frombuffer(data[b:e], "<u2").astype(np.uint32) << 16
            w[name] = torch.from_numpy(bits.view(np.float32).reshape(t["shape"]))
    return w


def report(folder):
    w = load(folder)
    with open(os.path.join(folder, "eval.ids")) as f:
        ids = np.array(f.read().split(), dtype=np.int64)
    for window in (128, 256):
        print("%s: perplexity %.4f in windows of %d" % (folder, perplexity(w, ids, window), window))


def main(args):
    if args[:1] == ["--eval"]:
        return report((args[1:] + [FOLDER])[0])
    options = dict(zip(args[::2], args[1::2]))
    folder, steps = options.pop("--out", FOLDER), int(options.pop("--steps", 700))
    if options:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    save(folder, train(steps))
    report(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
