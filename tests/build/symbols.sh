# What compilers make of the header. From outside it needs the four memory functions when freestanding, and hosted
# nothing that allocates, prints, exits or computes floating point. The same compiles show the stack of each function
# and the warnings that wait for the optimiser: compiling it all is slow, so each way of it serves every question.
. tests/build/lib.sh

have nm || {
    skip "all" "no nm"
    finish
}

math='sqrt|cbrt|exp|exp2|expm1|log|log2|log10|log1p|pow|sin|cos|tan|sincos|asin|acos|atan|atan2|sinh|cosh|tanh'
math="$math|erf|erfc|lgamma|tgamma|fma|fmod|remainder|round|lround|llround|roundeven|rint|lrint|llrint|nearbyint|trunc|floor"
math="$math|ceil|fabs|fmin|fmax|fdim|hypot|ldexp|scalbn|scalbln|frexp|modf|copysign|nextafter|ilogb|logb"
libc='malloc|calloc|realloc|free|aligned_alloc|posix_memalign|memalign|strdup|exit|_Exit|_exit|abort|atexit|__assert_fail'
libc="$libc|(v|f|s|d|vf|vs|sn|vsn|as|vas|vd)?printf|__(v|f|s|vf|vs|sn|vsn)?printf_chk|puts|fputs|putchar|fputc|putc|fwrite|perror"
libc="$libc|fopen|fread|fclose|fflush|stdout|stderr|__stack_chk_fail"

# undefined OBJECT: names that it leaves open, without versions
undefined() { nm -u "$1" | awk '{ print $NF }' | sed 's/@.*//'; }

# freestanding LABEL COMPILER... : -ffreestanding -nostdlib, then nm
freestanding()
{
    compiled "$1" "$2" $3 $4 $5 -ffreestanding -nostdlib -fno-pic || return
    undefined "$DIR/impl.o" | grep -vxE 'memcpy|memmove|memset|memcmp' | grep -vxE "${runtime:-none}" >"$DIR/names"
    empty "$1 freestanding leaves open only memcpy memmove memset memcmp" "$DIR/names"
    # Nothing writable outside OS either: what is freestanding has no data or bss of its own.
    nm "$DIR/impl.o" | grep -E ' [bBdDCcsSgG] ' >"$DIR/names"
    empty "$1 freestanding: no mutable global" "$DIR/names"
}

# hosted LABEL COMPILER...
hosted()
{
    compiled "$@" || return
    undefined "$DIR/impl.o" | grep -xE "$libc|($math)[fl]?" >"$DIR/names"
    empty "$1 hosted: no allocation, printing, exit or libm" "$DIR/names"
}

for c in gcc clang; do
    if ! have $c; then
        skip $c "not here"
        continue
    fi
    freestanding "$c -O0" $c -O0
    hosted "$c -O0" $c -O0
    # Public names begin with llmc_, nothing else is exported.
    nm -g --defined-only "$DIR/impl.o" | awk '{ print $NF }' | grep -v '^llmc_[a-z]' >"$DIR/names"
    empty "$c: every exported name begins with llmc_" "$DIR/names"
    try "$c LLMC_STATIC" $c -O0 -DLLMC_STATIC -c tests/build/impl.c -o "$DIR/static.o"
    nm -g --defined-only "$DIR/static.o" >"$DIR/names"
    empty "$c: LLMC_STATIC exports nothing" "$DIR/names"
    # Memory functions of the caller's own: then nothing at all is left.
    try "$c own memory functions" $c -O0 -ffreestanding -nostdlib -c tests/build/ownmem.c -o "$DIR/own.o"
    undefined "$DIR/own.o" | grep -vxE 'my_(copy|move|set|compare)|mem(cpy|move|set|cmp)' >"$DIR/names"
    empty "$c own memory functions are used" "$DIR/names"
done
# Optimised: gcc both ways, at its wildest where it may not call a library; clang's -O2 freestanding, since
# build/plain links it hosted.
if have gcc; then
    hosted "gcc -O2" gcc -std=c11 -O2
    # (at -O3 gcc guesses that variables are not set which it no longer follows)
    freestanding "gcc -O3 -march=haswell" gcc -O3 -march=haswell -Wno-error=maybe-uninitialized
    have g++ && compiled "g++ -O1" g++ -x c++ -std=c++17 -O1
fi
have clang && freestanding "clang -O2" clang -O2

# Other machines; their compilers' own helpers (64-bit division, soft float) are allowed.
for c in i686-linux-gnu-gcc aarch64-linux-gnu-gcc s390x-linux-gnu-gcc arm-linux-gnueabihf-gcc; do
    if ! have "$c"; then
        skip "$c" "not here"
        continue
    fi
    runtime='__(u?divdi3|u?moddi3|u?divmoddi4|fix.*|float.*|aeabi_.*|clz.i2|ctz.i2|popcount.i2|ashldi3|lshrdi3|muldi3|atomic_.*|aarch64_ldadd.*)|_GLOBAL_OFFSET_TABLE_|__x86\.get_pc_thunk\..*'
    freestanding "$c -O1" "$c" -O1
done
finish
