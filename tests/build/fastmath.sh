# Who compiles with -ffast-math still has files with NaN refused: it is told by its bits, because the
# compiler takes x != x for false then. The same for choosing a token, and attention is as near its reference
# as ever: also where somebody included the intrinsics before us, with the flag still on.
. tests/build/lib.sh

for c in gcc clang; do
    if ! have $c; then
        skip $c "not here"
        continue
    fi
    for t in file sample token attn; do
        try "$c -O2 -ffast-math tests/test_$t.c" $c -O2 -ffast-math -DLLMC_STATIC -w "tests/test_$t.c" -o "$DIR/$c-$t" || continue
        try "and it passes" "$DIR/$c-$t"
    done
    case $(uname -m) in x86_64 | amd64) ;; *) continue ;; esac
    try "$c -O2 -ffast-math -include immintrin.h tests/test_attn.c" $c -O2 -ffast-math -include immintrin.h \
        -DLLMC_STATIC -w tests/test_attn.c -o "$DIR/$c-early" && try "and it passes" "$DIR/$c-early"
done
finish
