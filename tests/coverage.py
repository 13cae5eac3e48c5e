#!/usr/bin/python3
"""coverage.py FOLDER [LINES BRANCHES]: adds up what gcov says of llmc.h in FOLDER/*/*.gcov.json.gz.

A line or a branch counts as run if any program ran it. Branches that only the compiler made (of macros that end in
a constant, say) can't be told apart, and count. Prints a row for each section and the totals; what no test runs goes to
FOLDER/missing.txt, FOLDER/missing-branches.txt. Exit code 1 if fewer per cent than asked for."""
import bisect
import glob
import gzip
import json
import os
import re
import sys

folder = sys.argv[1]
least = [float(x) for x in sys.argv[2:4]]
header = open("llmc.h", encoding="utf-8").read().split("\n")
starts = [(i + 1, m[1]) for i, l in enumerate(header) if (m := re.match(r"//==\[ (\d+ \w+) \]", l))]
lines, branches, functions = {}, {}, {}
for path in glob.glob(os.path.join(folder, "*", "*.gcov.json.gz")):
    for file in json.load(gzip.open(path))["files"]:
        if os.path.basename(file["file"]) != "llmc.h":
            continue
        for f in file["functions"]:
            functions[f["name"]] = max(functions.get(f["name"], 0), f["execution_count"])
        # A line of a macro belongs to several functions: what one of them runs is run.
        for l in file["lines"]:
            n = l["line_number"]
            lines[n] = max(lines.get(n, 0), l["count"])
            for k, b in enumerate(l["branches"]):
                if not b.get("throw"):
                    key = (n, l.get("function_name"), k)
                    branches[key] = max(branches.get(key, 0), b["count"])


def section(n):
    i = bisect.bisect_right([s for s, _ in starts], n) - 1
    return starts[i][1] if i >= 0 else "INTERFACE"


table = {}
for n, count in lines.items():
    row = table.setdefault(section(n), [0, 0, 0, 0])
    row[0] += 1
    row[1] += count > 0
for (n, _, _), count in branches.items():
    row = table.setdefault(section(n), [0, 0, 0, 0])
    row[2] += 1
    row[3] += count > 0
order = sorted(table, key=lambda s: next((i for i, (_, t) in enumerate(starts) if t == s), -1))
total = [sum(table[s][i] for s in order) for i in range(4)]
print("| section | lines | run | branches | taken |\n|---|---:|---:|---:|---:|")
for name, row in [(s, table[s]) for s in order] + [("all", total)]:
    print("| %s | %d | %.1f %% | %d | %.1f %% |" % (name, row[0], 100 * row[1] / max(1, row[0]), row[2], 100 * row[3] / max(1, row[2])))
with open(os.path.join(folder, "missing.txt"), "w") as out:
    for n in sorted(n for n, c in lines.items() if c == 0):
        out.write("%d: %s\n" % (n, header[n - 1]))
with open(os.path.join(folder, "missing-branches.txt"), "w") as out:
    for n in sorted({n for (n, _, _), c in branches.items() if c == 0 and lines.get(n, 0) > 0}):
        out.write("%d: %s\n" % (n, header[n - 1]))
print("functions never called: %d of %d" % (sum(c == 0 for c in functions.values()), len(functions)))
rates = [100 * total[1] / max(1, total[0]), 100 * total[3] / max(1, total[2])]
short = [x for x, y in zip(rates, least) if x < y]
print("coverage: %.1f %% of lines, %.1f %% of branches" % tuple(rates))
sys.exit(1 if short else 0)
