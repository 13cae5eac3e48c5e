#!/usr/bin/python3
"""Small random models of every decoder family, in the formats people download, and what they
must compute: the reference that test_family.c compares llmc.h with. See README.md.

    /usr/bin/python3 tests/vectors/families.py OUT [NAME...]   models and OUT/list.txt
    /usr/bin/python3 tests/vectors/families.py --update OUT    the same, if OUT is older than this program
    /usr/bin/python3 tests/vectors/families.py --vectors       tests/vectors/families/*.bin anew
    /usr/bin/python3 tests/vectors/families.py --check         compares them with a new computation

OUT/NAME is the Hugging Face folder, OUT/NAME.gguf its twin. A line of OUT/list.txt: name, path
below OUT, vector file, ids, context length, tolerance class (f32: the 1e-3 of exact weights;
loose: weights that make llmc.h round activations). Needs numpy (Debian: python3-numpy).
"""
import os
import shutil
import sys

import numpy as np

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "families")
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
from common import CASES, reference  # noqa: E402
from store import save_folder, save_gguf  # noqa: E402
import llama, gemma, phi, classic, gptoss  # noqa: E401,E402,F401 (they fill CASES)

GENERATION = {"_from_model_config": True, "transformers_version": "4.51.3"}


def vector_path(c):
    return os.path.join(HERE, c.name + ".bin")


def write_models(out, names):
    os.makedirs(out, exist_ok=True)
    lines = []
    for c in CASES.values():
        if names and c.name not in names:
            continue

        def add(name, path, kind, c=c):
            lines.append("%s %s %s %s %d %s\n" % (name, path, c.name + ".bin", ",".join(map(str, c.ids)), c.context,
                                                  "loose" if kind in c.loose else "f32"))
        for suffix, (config, tensors) in dict({"": (c.config, c.tensors)}, **c.folders).items():
            generation = dict(GENERATION, **{k: config[k] for k in ("bos_token_id", "eos_token_id") if k in config})
            save_folder(os.path.join(out, c.name + suffix), config, tensors, generation, c.shards, c.half)
            add(c.name + suffix + "/hf", c.name + suffix, suffix)
        if c.gguf is not None:
            save_gguf(os.path.join(out, c.name + ".gguf"), *c.gguf)
            add(c.name + "/gguf", c.name + ".gguf", "gguf")
    with open(os.path.join(out, "list.txt"), "w") as f:
        f.write("".join(lines))


def fresh(out):
    made = os.path.join(out, "list.txt")
    sources = [os.path.abspath(__file__)] + [os.path.join(HERE, n) for n in os.listdir(HERE) if n.endswith(".py")]
    return os.path.exists(made) and os.path.getmtime(made) > max(map(os.path.getmtime, sources))


def update(out):
    """Two tests may do this at once: the models are made aside and moved into place whole, by the
    first that is ready."""
    if fresh(out):
        return
    aside = "%s.%d" % (out.rstrip("/"), os.getpid())
    write_models(aside, [])
    if not fresh(out):
        shutil.rmtree(out, ignore_errors=True)
        try:
            os.rename(aside, out)
        except OSError:
            pass
    shutil.rmtree(aside, ignore_errors=True)


def write_vectors(names):
    for c in CASES.values():
        if names and c.name not in names:
            continue
        with open(vector_path(c), "wb") as f:
            f.write(reference(c).astype("<f4").tobytes())


def check(names):
    """Every recorded vector against its model; also that it is a good test: logits of a sane size,
    no choice of an expert that rounding could turn, and choices between equals where the name says so."""
    bad = 0
    for c in CASES.values():
        if names and c.name not in names:
            continue
        gaps = []  # between the last expert chosen and the next

        def watch(l, x, gaps=gaps):
            f = blocks[l].ffn
            if hasattr(f, "router"):
                s = -np.sort(-f.router(x), -1)
                gaps.extend(s[:, f.used - 1] - s[:, f.used])
        blocks = c.reads(c.config, {k: v.astype(np.float64) for k, v in c.tensors.items()}).blocks
        y = reference(c, watch)
        old = np.fromfile(vector_path(c), dtype="<f4") if os.path.exists(vector_path(c)) else np.zeros(0)
        error = np.abs(old.reshape(y.shape) - y).max() / y.std() if old.size == y.size else np.inf
        gap, ties = min([g for g in gaps if g > 1e-9], default=1), sum(g <= 1e-9 for g in gaps)
        fine = error < 1e-6 and 0.3 < y.std() < 4 and gap > 1e-3 and (ties > 3) == c.name.endswith("-ties")
        bad += not fine
        print("%-22s T %2d  std %.3f  error %.1e%s%s" % (
            c.name, len(c.ids), y.std(), error, "  gap %.1e, %d ties" % (gap, ties) if gaps else "",
            "" if fine else "  BAD"))
    print("families.py: %d passed, %d failed" % (len(names or CASES) - bad, bad))
    return 1 if bad else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if sys.argv[1] == "--vectors":
        write_vectors(sys.argv[2:])
    elif sys.argv[1] == "--update":
        update(sys.argv[2])
    elif sys.argv[1] == "--check":
        sys.exit(check(sys.argv[2:]))
    else:
        write_models(sys.argv[1], sys.argv[2:])
