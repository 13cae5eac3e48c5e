# Each gate alone and all together: no warning in C11 and C++17, gcc and clang. Nothing is compiled for that, since
# clang finds unused functions without; what the optimiser adds, build/symbols sees.
. tests/build/lib.sh

gates='NO_TRAIN NO_INDEX NO_TOKEN NO_GRAMMAR NO_CHAT NO_OS NO_SIMD NO_STRINGS NO_FORMATS NO_UNICODE'
all=
for g in $gates; do all="$all -DLLMC_$g"; done

for pair in 'gcc -std=c11' 'gcc -x c++ -std=c++17' 'clang -std=c11' 'clang -x c++ -std=c++17'; do
    tool=${pair%% *}
    [ "$pair" = 'gcc -x c++ -std=c++17' ] && tool=g++
    if ! have "$tool"; then
        skip "$pair" "no $tool"
        continue
    fi
    mode="-O1 -fsyntax-only" # at -O0 nothing is calm (02.1)
    for g in $gates; do
        try "$pair -DLLMC_$g" $pair $STRICT $mode -DLLMC_$g tests/build/impl.c
    done
    try "$pair, every gate" $pair $STRICT $mode $all tests/build/impl.c
    try "$pair, LLMC_STATIC" $pair $STRICT $mode -DLLMC_STATIC tests/build/impl.c
    try "$pair, ungated" $pair $STRICT $mode tests/build/impl.c
    try "$pair, interface only" $pair $STRICT -fsyntax-only -x "$(case $pair in *c++*) echo c++ ;; *) echo c ;; esac)" llmc.h
    for g in $gates; do
        try "$pair, interface -DLLMC_$g" $pair $STRICT -fsyntax-only -DLLMC_$g tests/build/interface.c
    done
done

# A gate removes what it says, and only that: all gates leave a smaller object.
if have nm; then
    $CC -O0 -c tests/build/impl.c -o "$DIR/full.o" && $CC -O0 -c $all tests/build/impl.c -o "$DIR/thin.o"
    nm "$DIR/thin.o" 2>/dev/null | grep -E ' T llmc_(encode|decode|chat|reply|open|pool|map|os|trainer|grammar|index)' >"$DIR/left"
    empty 'every gate: nothing of the gated sections is left' "$DIR/left"
    nm "$DIR/full.o" | grep -q ' T llmc_open$' && pass 'no gate: llmc_open is there' || fail 'no gate: llmc_open is there'
    grep -q . "$DIR/thin.o" && try 'NO_STRINGS: no status text is left' sh -c "! grep -q 'caller cancelled' '$DIR/thin.o'"
fi

# Contradictions are refused, with a message that names both.
contradiction()
{
    if $CC -fsyntax-only "$@" tests/build/impl.c >"$DIR/out" 2>&1; then
        fail "$* is accepted"
    elif grep -q '#error.*llmc.h' "$DIR/out"; then
        pass "$* is refused"
    else
        fail "$* fails without #error \"llmc.h: ...\""
    fi
}
contradiction -DLLMC_NO_SIMD -DLLMC_SIMDE
contradiction -DLLMC_MEMCPY=my_copy # the four memory functions: all or none
contradiction -DLLMC_MEMSET=my_set -DLLMC_MEMMOVE=my_move
finish
