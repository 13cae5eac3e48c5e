# How much of the header the unit tests run: at least 95 % of its lines and 85 % of its branches (`make coverage`).
. tests/build/lib.sh

if ! have gcc || ! have gcov || ! have python3; then
    skip "coverage" "no gcc with gcov, or no python3"
    finish
fi
MIN='95 85' sh tests/coverage.sh "$DIR/counts" >"$DIR/out" 2>&1
code=$?
sed -E '/^(\||functions never|coverage: )/!s/^/    /' "$DIR/out" # the table and the totals; tests are counted elsewhere
grep -E ' [1-9][0-9]* failed|exit code' "$DIR/out" >"$DIR/failed"
empty 'tests pass where they are counted' "$DIR/failed"
[ $code -eq 0 ] && pass 'enough of the header is run' || fail 'enough of the header is run'
rm -rf "$DIR/counts"
finish
