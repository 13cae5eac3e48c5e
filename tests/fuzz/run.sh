#!/bin/sh
# run.sh [TARGET...] -- what `make fuzz` runs: builds fuzz.c and plays each target for a while.
# From the repository's root; environment:
#   FUZZ_SECONDS  for each target            (600)
#   FUZZ_JOBS     targets at the same time   (processors)
#   FUZZ_SEED     libFuzzer's seed           (0: a new one each time)
#   FUZZ_OUT      where all of it goes       (build/fuzz)
# Inputs found by one run are kept in FUZZ_OUT/corpus and tried first by the next. A finding is
# the file crash-*, timeout-* or oom-* in FUZZ_OUT/TARGET; FUZZ_TARGET=TARGET FUZZ_OUT/fuzz FILE
# repeats it. Ends with a line for each target, and non-zero if there was a finding.
SECONDS_EACH=${FUZZ_SECONDS:-600}
JOBS=${FUZZ_JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)}
OUT=${FUZZ_OUT:-build/fuzz}
ALL='gguf safetensors torchless mog mpk llama2c llmc model json settings tokenizer pieces jinja reply schema gbnf text words session index http request tools markdown keys events'

# fuzz_one TARGET
fuzz_one()
{
    mkdir -p "$OUT/$1" "$OUT/corpus/$1" "$OUT/seeds/$1"
    # 20 s for one input and 1500 MB are far beyond what a small file may cost
    program=$OUT/fuzz
    case $1 in
    http | request) program=$OUT/server ;;
    tools) program=$OUT/agent ;;
    markdown | keys | events) program=$OUT/chat ;;
    esac
    FUZZ_TARGET=$1 "$program" -timeout=20 -rss_limit_mb=1500 -max_len=32768 -print_final_stats=1 \
        -max_total_time="$SECONDS_EACH" -seed="${FUZZ_SEED:-0}" -artifact_prefix="$OUT/$1/" \
        "$OUT/corpus/$1" "$OUT/seeds/$1" >"$OUT/$1/log" 2>&1 </dev/null
    echo $? >"$OUT/$1/code"
}

# report TARGET: its line; fails if there was a finding.
report()
{
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$OUT/$1/log")
    code=$(cat "$OUT/$1/code" 2>/dev/null || echo 1)
    printf '%-12s %10s runs %6s s  %s\n' "$1" "${runs:-?}" "$SECONDS_EACH" \
        "$([ "$code" -eq 0 ] && echo 'no finding' || echo "FINDING, see $OUT/$1/log")"
    [ "$code" -eq 0 ]
}

if [ "$1" = --one ]; then
    fuzz_one "$2"
    exit 0
fi
targets=${*:-$ALL}
mkdir -p "$OUT" || exit 1
rm -rf "$OUT/seeds"
if ! echo 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return d == 0 && n > 0; }' |
    clang -x c -fsanitize=fuzzer,address,undefined - -o "$OUT/probe" 2>/dev/null; then
    echo "skipped: no clang with libFuzzer (clang, libclang-rt-14-dev)"
    exit 0
fi
# All programs with one object of the header.
clang="clang -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -w"
. tests/share.sh
share_header "$OUT/share"
$clang -DLLMC_IMPLEMENTATION -x c -c "$OUT/share/defined/llmc.h" -o "$OUT/llmc.o" || exit 1
compile() { $clang -DLLMC_IMPLEMENTATION= -include "$OUT/share/declared/llmc.h" "tests/fuzz/$1.c" "$OUT/llmc.o" -o "$OUT/$2"; }
compile fuzz fuzz || exit 1
case " $targets " in
*' http '* | *' request '*) compile server server || exit 1 ;;
esac
case " $targets " in
*' tools '*) compile tools agent || exit 1 ;;
esac
case " $targets " in
*' markdown '* | *' keys '* | *' events '*) compile chat chat || exit 1 ;;
esac
# Models of tests/vectors where numpy is there to make them; else only those that lie here.
folders='tests/hostile tests/models'
if /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
    /usr/bin/python3 tests/vectors/families.py --update build/test/families >/dev/null &&
        folders="$folders build/test/families"
    /usr/bin/python3 tests/vectors/formats.py build/test/formats >/dev/null && folders="$folders build/test/formats"
fi
python3 tests/fuzz/seeds.py "$OUT/seeds" $folders || exit 1
python3 tests/fuzz/requests.py "$OUT/seeds" || exit 1
python3 tests/fuzz/screens.py "$OUT/seeds" || exit 1
echo "$targets" | tr ' ' '\n' | FUZZ_SECONDS=$SECONDS_EACH FUZZ_OUT=$OUT xargs -P "$JOBS" -I '{}' sh tests/fuzz/run.sh --one '{}'
bad=0
for t in $targets; do
    report "$t" || bad=$((bad + 1))
done
[ $bad -eq 0 ]
