#!/bin/sh
# coverage.sh [FOLDER] -- how much of llmc.h the unit tests run: `make coverage`.
# Each tests/test_*.c is run with an object of llmc.h by gcc --coverage (see share.awk), JOBS at a time; tests/coverage.py
# adds the counts up, line by line and branch by branch, over all functions of an x86-64 build. ONLY=word takes some of
# the tests, and what a run before this one counted stays. MIN="LINES BRANCHES" in per cent fails below that.
#
# -O1, since kernels without it are twenty times slower; what is counted is put in before a function is joined to
# another, so that each is seen by itself and alike in every program.
OUT=${1:-build/coverage}
SHARED=${SHARED:-../shared}
JOBS=${JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)}
LIMIT=${LIMIT:-600}
FLAGS='-O1 -fno-early-inlining -w --coverage -fprofile-update=single'
# Damaged files: every 23rd byte is changed, as under an emulator, instead of each.
export TEST_EVERY=23
export SHARED JOBS LIMIT
. tests/share.sh

# --one SOURCE NAME FOLDER: compiled, run, and what it counts by itself as JSON, compressed, even if it failed. What the
# object counts is read last.
if [ "$1" = --one ]; then
    OUT=$4
    rm -rf "${OUT:?}/$3"
    mkdir -p "$OUT/$3"
    start=$(date +%s)
    if stands_alone "$2"; then
        gcc $FLAGS -DLLMC_STATIC -I. -o "$OUT/$3/run" "$2" -lm
    else
        gcc -O1 -w -DLLMC_IMPLEMENTATION= -include "$OUT/all/declared/llmc.h" -I. -o "$OUT/$3/run" "$2" "$OUT/all/llmc.o" -lgcov -lm
    fi 2>"$OUT/$3/log" &&
        timeout -s INT "$LIMIT" "$OUT/$3/run" >>"$OUT/$3/log" 2>&1 </dev/null
    code=$?
    rm -f "$OUT/$3/run"
    (cd "$OUT/$3" && [ -f ./*.gcda ] && gcov --json-format --branch-probabilities ./*.gcda >/dev/null 2>&1 &&
        rm -f ./*.gcno ./*.gcda)
    [ $code -eq 0 ] && why= || why=" (exit code $code)"
    echo "$3: $(($(date +%s) - start)) s, $(tail -n 1 "$OUT/$3/log")$why"
    exit 0
fi

[ -n "$ONLY" ] || rm -rf "$OUT"
mkdir -p "$OUT/all"
if ! [ "$OUT/all/llmc.o" -nt llmc.h ]; then
    rm -rf "$OUT/all"
    share_header "$OUT/all"
    gcc $FLAGS -DLLMC_IMPLEMENTATION -x c -c "$OUT/all/defined/llmc.h" -o "$OUT/all/llmc.o" || exit 1
fi
for t in tests/test_*"$ONLY"*.c; do
    name=${t#tests/test_}
    echo "$t ${name%.c}"
done | xargs -P "$JOBS" -L 1 sh -c 'exec sh tests/coverage.sh --one "$1" "$2" "$0"' "$OUT"
(cd "$OUT/all" && gcov --json-format --branch-probabilities llmc.gcno >/dev/null 2>&1)
python3 tests/coverage.py "$OUT" $MIN
