# The same warnings on other machines and with the kernels that they use. Without optimisation: what that adds is
# seen in build/symbols.
. tests/build/lib.sh

for c in aarch64-linux-gnu-gcc arm-linux-gnueabihf-gcc s390x-linux-gnu-gcc i686-linux-gnu-gcc; do
    if ! have $c; then
        skip $c "not here"
        continue
    fi
    # A cross compiler without its C library still shows the core.
    echo '#include <stdio.h>' | $c -x c -fsyntax-only - 2>/dev/null && hosted= || hosted=-ffreestanding
    try "$c" $c -O0 $hosted -std=c11 $STRICT -c tests/build/impl.c -o "$DIR/impl.o"
done
if have clang; then
    try "clang, AArch64" clang --target=aarch64-linux-gnu -O1 -ffreestanding -std=c11 $STRICT -c tests/build/impl.c -o "$DIR/impl.o"
    try "clang -Weverything's useful part" clang -std=c11 $STRICT -Wsign-conversion -Wimplicit-fallthrough -Wunreachable-code \
        -Wcast-qual -Wmissing-prototypes -Wmissing-variable-declarations -Wstrict-prototypes -fsyntax-only tests/build/impl.c
fi
for c in gcc clang; do
    have $c || continue
    if echo '#include <simde/x86/avx2.h>' | $c -x c -fsyntax-only - 2>/dev/null; then
        # SIMDe is the slowest of all to compile; simde/* does it optimised.
        try "$c LLMC_SIMDE" $c -O0 -std=c11 $STRICT -DLLMC_SIMDE -c tests/build/impl.c -o "$DIR/impl.o"
    else
        skip "$c LLMC_SIMDE" "no simde/x86/avx2.h (libsimde-dev)"
    fi
    # Users' flags that change what the compiler may assume; build/fastmath runs what it makes of them.
    for flags in '-march=native' '-funsigned-char' '-ffast-math' '-fno-builtin'; do
        try "$c $flags" $c -O0 $flags -c tests/build/impl.c -o "$DIR/impl.o"
    done
done
finish
