# Who compiles with -ffast-math still has files with NaN refused: it is told by its bits, because the
# compiler takes x != x for false then. The same for choosing a token.
. tests/build/lib.sh

for c in gcc clang; do
    if ! have $c; then
        skip $c "not here"
        continue
    fi
    for t in file sample token; do
        try "$c -O2 -ffast-math tests/test_$t.c" $c -O2 -ffast-math -DLLMC_STATIC -w "tests/test_$t.c" -o "$DIR/$c-$t" || continue
        try "and it passes" "$DIR/$c-$t"
    done
done
finish
