# The fuzzers build, and two seconds of each find nothing (make fuzz runs them for long).
. tests/build/lib.sh

if ! have clang || ! have python3; then
    skip "all" "no clang, or no python3 for the seeds"
    finish
fi
export FUZZ_SECONDS="${FUZZ_SECONDS:-2}" FUZZ_SEED=1 FUZZ_JOBS=1 FUZZ_OUT="$DIR/fuzz"
sh tests/fuzz/run.sh >"$DIR/fuzz.txt" 2>&1
code=$?
if grep -q '^skipped' "$DIR/fuzz.txt"; then
    skip "all" "$(sed -n 's/^skipped: //p' "$DIR/fuzz.txt")"
elif [ $code -eq 0 ]; then
    pass "all targets, $FUZZ_SECONDS s each"
else
    fail "no finding"
    sed 's/^/        /' "$DIR/fuzz.txt" | tail -n 40
fi
finish
