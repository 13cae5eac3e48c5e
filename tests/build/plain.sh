# cc -O2 FILE.c -o FILE builds every example and tool, and takes the best kernels.
. tests/build/lib.sh

for c in cc gcc clang; do
    if ! have $c; then
        skip $c "not here"
        continue
    fi
    # cc is nearly always one of the others by another name: once is enough.
    [ $c != cc ] && [ "$($c --version | sed 's/^[^ ]* //')" = "$(cc --version 2>/dev/null | sed 's/^[^ ]* //')" ] && continue
    start=$(date +%s%N 2>/dev/null)
    if try "$c -O2 examples/chat.c" $c -O2 examples/chat.c -o "$DIR/chat"; then
        stop=$(date +%s%N 2>/dev/null)
        strip "$DIR/chat" 2>/dev/null
        echo "        chat: $(((stop - start) / 1000000)) ms to compile, $(wc -c <"$DIR/chat") bytes stripped"
    fi
    # That the others are one command, too, is no matter of optimisation; make all did it with $CC -O2.
    for f in examples/*.c tools/*.c; do
        [ $c = "$CC" ] && break
        case $f in
        examples/chat.c | tools/lint.c | tools/unicode.c) ;; # of no use outside this repository
        *) try "$c $f" $c -O0 "$f" -o "$DIR/program" ;;
        esac
    done
    # The instruction set is chosen at run time, without any -m flag.
    if $c -O2 -DLLMC_STATIC -DLLMC_IMPLEMENTATION -include tests/build/other.c tests/build/use.c -o "$DIR/use" 2>"$DIR/out"; then
        isa=$("$DIR/use" | awk '{ print $2 }')
        case $(uname -m) in
        x86_64)
            if ! grep -qw avx2 /proc/cpuinfo || ! grep -qw fma /proc/cpuinfo || ! grep -qw f16c /proc/cpuinfo; then
                skip "$c: AVX2 by plain -O2" "this processor has no AVX2, FMA and F16C"
            elif [ "$isa" = scalar ] || [ -z "$isa" ]; then
                fail "$c: plain -O2 runs $isa kernels on a processor with AVX2"
            else
                pass "$c: plain -O2 runs $isa kernels"
            fi
            ;;
        aarch64) [ "$isa" = neon ] && pass "$c: NEON" || fail "$c: $isa kernels on AArch64" ;;
        *) skip "$c: kernels" "nothing is promised for $(uname -m)" ;;
        esac
    else
        fail "$c: use.c"
        cat "$DIR/out"
    fi
done
# What make all built, without any flag but -O2.
for f in examples/*.c tools/*.c; do
    program=build/$(basename "$f" .c)
    if [ -x "$program" ]; then pass "$CC -O2 $f"; else fail "$program is missing"; fi
done
# Every example and tool says in its first lines how to compile it.
for f in examples/*.c tools/*.c; do
    if head -n 1 "$f" | grep -q "cc -O2 $f "; then
        pass "$f begins with its compile command"
    else
        fail "$f does not begin with its compile command (cc -O2 $f ...)"
    fi
done
# The README's front-page program is examples/hello.c, in under 20 lines of code.
lines=$(grep -cvE '^ *(//.*|/\*.*\*/)?$' examples/hello.c)
if [ "$lines" -lt 20 ]; then pass "hello.c has $lines lines of code"; else fail "hello.c has $lines lines of code"; fi
finish
