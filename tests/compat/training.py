#!/usr/bin/python3
"""training.py BENCH [--llmc-c FOLDER] [--threads N] [--rounds N] [--steps N]
training.py --curve TRAIN TEXT [--threads N] [--steps N]

Times a training step of a GPT-2 of 124M weights, 4 rows of 64 tokens, by tests/bench_train.c's program (BENCH), by
llm.c's train_gpt2.c (a clone in FOLDER, compiled here as its Makefile does) and by PyTorch, in turn and in both
orders, and a 1024 x 1024 f32 product by BENCH and PyTorch. The numbers are medians over the rounds.
--curve trains nanoGPT's small character model on TEXT by build/train (TRAIN) and in PyTorch, one after the other:
seconds and validation losses. Needs Debian's python3-torch and, for llm.c, a compiler with OpenMP."""
import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

import torch

# What follows train_gpt2.c: random weights in its file format, then steps on random tokens.
DRIVER = r"""
#define TESTING
#include "train_gpt2.c"
int main(int argc, char **argv)
{
    enum { V = 50257, VP = 50304, C = 768, L = 12, NH = 12, MAXT = 1024, B = 4, T = 64 };
    int header[256] = {20240326, 3, MAXT, V, L, NH, C, VP}, ids[B * T], targets[B * T], steps = atoi(argv[2]), i, k;
    size_t n = 0, sizes[NUM_PARAMETER_TENSORS], w;
    GPT2Config config = {MAXT, V, VP, L, NH, C};
    unsigned seed = 1;
    FILE *f = fopen(argv[1], "wb");
    GPT2 model;
    fill_in_parameter_sizes(sizes, config);
    for (i = 0; i < NUM_PARAMETER_TENSORS; i++)
        n += sizes[i];
    fwrite(header, sizeof header, 1, f);
    for (w = 0; w < n; w++) {
        float x;
        seed = seed * 1664525u + 1013904223u;
        x = ((float)(seed >> 8) / (1 << 24) - 0.5f) * 0.07f;
        fwrite(&x, sizeof x, 1, f);
    }
    fclose(f);
    gpt2_build_from_checkpoint(&model, argv[1]);
    remove(argv[1]);
    for (k = 0; k < steps + 2; k++) {
        struct timespec a, b;
        for (i = 0; i < B * T; i++) {
            seed = seed * 1664525u + 1013904223u;
            ids[i] = (int)((seed >> 8) % V);
            targets[i] = (int)((seed >> 7) % V);
        }
        clock_gettime(CLOCK_MONOTONIC, &a);
        gpt2_forward(&model, ids, targets, B, T);
        gpt2_zero_grad(&model);
        gpt2_backward(&model);
        gpt2_update(&model, 1e-4f, 0.9f, 0.999f, 1e-8f, 0.0f, k + 1);
        clock_gettime(CLOCK_MONOTONIC, &b);
        if (k >= 2)
            printf("ms %.3f\n", (b.tv_sec - a.tv_sec) * 1e3 + (b.tv_nsec - a.tv_nsec) * 1e-6);
    }
    return 0;
}
"""


class Block(torch.nn.Module):
    def __init__(self, width, heads, bias):
        super().__init__()
        self.heads, linear = heads, lambda i, o: torch.nn.Linear(i, o, bias=bias)
        self.n1, self.n2 = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.qkv, self.out = linear(width, 3 * width), linear(width, width)
        self.up, self.down = linear(width, 4 * width), linear(4 * width, width)
        self.gelu = torch.nn.GELU()

    def forward(self, x, mask):
        b, t, c = x.shape
        q, k, v = (y.view(b, t, self.heads, -1).transpose(1, 2) for y in self.qkv(self.n1(x)).split(c, 2))
        a = q @ k.transpose(2, 3) / math.sqrt(c // self.heads)
        a = torch.softmax(a.masked_fill(mask[:t, :t], -math.inf), 3) @ v
        x = x + self.out(a.transpose(1, 2).reshape(b, t, c))
        return x + self.down(self.gelu(self.up(self.n2(x))))


class GPT2(torch.nn.Module):
    """The usual one: learned positions, tied head."""

    def __init__(self, vocab, context, width, layers, heads, bias=True):
        super().__init__()
        self.tokens, self.places = torch.nn.Embedding(vocab, width), torch.nn.Embedding(context, width)
        self.blocks = torch.nn.ModuleList(Block(width, heads, bias) for _ in range(layers))
        self.norm = torch.nn.LayerNorm(width)
        self.register_buffer("mask", torch.triu(torch.ones(context, context, dtype=torch.bool), 1))
        for name, p in self.named_parameters():
            if p.dim() > 1:
                scale = 0.02 / math.sqrt(2 * layers) if "out." in name or "down." in name else 0.02
                torch.nn.init.normal_(p, 0, scale)
            elif "bias" in name:
                torch.nn.init.zeros_(p)

    def forward(self, ids, targets):
        x = self.tokens(ids) + self.places(torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x, self.mask)
        logits = self.norm(x) @ self.tokens.weight.T
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


def groups(model, decay):
    matrices = [p for p in model.parameters() if p.dim() > 1]
    rest = [p for p in model.parameters() if p.dim() < 2]
    return [{"params": matrices, "weight_decay": decay}, {"params": rest, "weight_decay": 0}]


def torch_step(steps):
    torch.manual_seed(1)
    model = GPT2(50257, 1024, 768, 12, 12)
    optimizer = torch.optim.AdamW(groups(model, 0), lr=1e-4)
    times = []
    for k in range(steps + 2):
        ids, targets = torch.randint(50257, (2, 4, 64))
        start = time.time()
        optimizer.zero_grad(set_to_none=True)
        model(ids, targets).backward()
        optimizer.step()
        if k >= 2:
            times.append((time.time() - start) * 1e3)
    return statistics.median(times)


def torch_product():
    a, b, times = torch.rand(1024, 1024), torch.rand(1024, 1024), []
    for _ in range(15):
        start = time.time()
        a @ b
        times.append(time.time() - start)
    return 2 * 1024**3 / statistics.median(times) / 1e9


def llmc_c(folder, scratch):
    """Compiles the driver; returns the program, or None."""
    if folder is None:
        return None
    source, program = os.path.join(scratch, "driver.c"), os.path.join(scratch, "driver")
    open(source, "w").write(DRIVER)
    flags = ["-Ofast", "-march=native", "-fno-finite-math-only", "-Wno-unused-result", "-DOMP", "-fopenmp"]
    subprocess.run(["cc"] + flags + ["-I", folder, source, "-o", program, "-lm"], check=True)
    return program


def compare(args):
    ours, theirs, pytorch = [], [], []
    product, share, torch_products = [], [], []

    def run_ours():
        out = subprocess.run([args.program, str(args.threads), str(args.steps)], check=True, capture_output=True, text=True).stdout
        ours.append(float(re.search(r"step ([0-9.]+)", out)[1]))
        product.append(float(re.search(r"product ([0-9.]+)", out)[1]))
        share.append(float(re.search(r"([0-9.]+) %, best", out)[1]))

    def run_theirs():
        if program is not None:
            env = dict(os.environ, OMP_NUM_THREADS=str(args.threads))
            weights = os.path.join(scratch, "weights.bin")
            out = subprocess.run([program, weights, str(args.steps)], check=True, capture_output=True, text=True, env=env).stdout
            theirs.append(statistics.median(float(x) for x in re.findall(r"ms ([0-9.]+)", out)))

    def run_torch():
        pytorch.append(torch_step(args.steps))
        torch_products.append(torch_product())

    with tempfile.TemporaryDirectory() as scratch:
        program = llmc_c(args.llmc_c, scratch)
        for i in range(args.rounds):
            for turn in [run_ours, run_theirs, run_torch][:: -1 if i % 2 else 1]:
                turn()
    me = statistics.median(ours)
    print("| GPT-2 124M, 4 x 64 tokens, %d threads | ms a step | times as long |\n| --- | ---: | ---: |" % args.threads)
    for name, times in (("llmc.h", ours), ("llm.c", theirs), ("PyTorch %s" % torch.__version__, pytorch)):
        if times:
            t = statistics.median(times)
            print("| %s | %.0f | %.2f |" % (name, t, t / me))
    print("\nf32 product 1024 x 1024 x 1024: llmc.h %.0f Gflop/s, %.0f %% of peak (median of %d; the best %.0f %%), PyTorch %.0f"
          % (statistics.median(product), statistics.median(share), len(share), max(share), statistics.median(torch_products)))


def curve(args):
    """nanoGPT's recipe for a small machine, as configs/train/shakespeare.cfg has it."""
    with tempfile.TemporaryDirectory() as scratch:
        start = time.time()
        subprocess.run([args.program, "--config", "configs/train/shakespeare.cfg", "train_data=" + args.text, "threads=%d" % args.threads,
                        "max_iters=%d" % args.steps, "checkpoint_dir=" + scratch, "prompts="], check=True, capture_output=True)
        ours = time.time() - start
        lines = [json.loads(x) for x in open(os.path.join(scratch, "metrics.jsonl"))]
        best = [x["val_loss"] for x in lines if x.get("val_loss")]
    print("llmc.h: %.1f s, validation loss %.4f" % (ours, best[-1]))
    text = open(args.text, encoding="utf-8").read()
    code = {c: i for i, c in enumerate(sorted(set(text)))}
    data = torch.tensor([code[c] for c in text])
    split = int(0.9 * len(data))
    torch.manual_seed(1)
    model = GPT2(len(code), 64, 128, 4, 4, bias=False)
    optimizer = torch.optim.AdamW(groups(model, 0.1), lr=2e-3, betas=(0.9, 0.99))

    def batch(part, rows):
        at = torch.randint(len(part) - 65, (rows,))
        x = torch.stack([part[i : i + 65] for i in at])
        return x[:, :-1], x[:, 1:]

    def validate():
        with torch.no_grad():
            return statistics.mean(model(*batch(data[split:], 12)).item() for _ in range(20))

    start = time.time()
    for k in range(args.steps):
        rate = 2e-3 * k / 100 if k < 100 else 1e-4 + 0.95e-3 * (1 + math.cos(math.pi * (k - 100) / max(1, args.steps - 100)))
        for g in optimizer.param_groups:
            g["lr"] = rate
        if k % 250 == 0:
            validate()
        optimizer.zero_grad(set_to_none=True)
        model(*batch(data[:split], 12)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    theirs = time.time() - start
    with torch.no_grad():
        part = data[split:]
        rows = (len(part) - 1) // 64
        x, y = part[: rows * 64].view(rows, 64), part[1 : rows * 64 + 1].view(rows, 64)
        loss = sum(model(x[i : i + 64], y[i : i + 64]).item() * len(x[i : i + 64]) for i in range(0, rows, 64)) / rows
    print("PyTorch %s: %.1f s, validation loss %.4f, %.2f times as long" % (torch.__version__, theirs, loss, theirs / ours))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program")
    p.add_argument("text", nargs="?")
    p.add_argument("--curve", action="store_true")
    p.add_argument("--llmc-c")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--rounds", type=int, default=4)
    p.add_argument("--steps", type=int, default=0)
    args = p.parse_args()
    args.steps = args.steps or (2000 if args.curve else 5)
    torch.set_num_threads(args.threads)
    if args.curve and args.text is None:
        sys.exit("training.py --curve TRAIN TEXT")
    curve(args) if args.curve else compare(args)


main()
