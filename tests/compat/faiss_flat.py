#!/usr/bin/python3
"""faiss_flat.py BENCH FOLDER [COUNT DIM THREADS]

Runs tests/bench_index.c's program beside FAISS on the same vectors, in turn: its searches a second, whether both
find the same, and whether the file that it wrote is byte for byte FAISS's own. Needs Debian's python3-faiss.
Exit code 1 if results or bytes differ."""
import os
import subprocess
import sys
import time

import faiss
import numpy as np

bench, folder = sys.argv[1:3]
count, dim, threads = (sys.argv[3:6] + ["500000", "384", "2"][len(sys.argv[3:6]) :])[:3]
path, results = os.path.join(folder, "bench.faiss"), os.path.join(folder, "bench.results")
again = os.path.join(folder, "again.faiss")
print(subprocess.run([bench, count, dim, threads, path, results], check=True, capture_output=True, text=True).stdout, end="")
d, n_queries, k = int(dim), 256, 10
raw = open(results, "rb").read()
queries = np.frombuffer(raw, "<f4", n_queries * d).reshape(n_queries, d)
ids = np.frombuffer(raw, "<u8", n_queries * k, n_queries * d * 4).reshape(n_queries, k)
scores = np.frombuffer(raw, "<f4", n_queries * k, n_queries * (d * 4 + k * 8)).reshape(n_queries, k)
queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
faiss.omp_set_num_threads(int(threads))
index = faiss.read_index(path)
best = 1e9
for _ in range(3):
    start = time.time()
    for i in range(4):
        index.search(queries[i : i + 1], k)
    best = min(best, (time.time() - start) / 4)
many = 1e9
for _ in range(2):
    start = time.time()
    theirs, order = index.search(queries, k)
    many = min(many, (time.time() - start) / n_queries)
print("FAISS %s: %.1f queries/s one by one, %.1f queries/s 256 together" % (faiss.__version__, 1 / best, 1 / many))
shared = np.mean([len(set(a) & set(b)) / k for a, b in zip(ids.astype("i8"), order)])
apart = np.abs(theirs - scores).max()
faiss.write_index(index, again)
same = open(path, "rb").read() == open(again, "rb").read()
print("shared results %.4f, scores at most %.2g apart, file %s" % (shared, apart, "the same" if same else "differs"))
sys.exit(0 if shared > 0.9995 and apart < 1e-5 and same else 1)
