# What the object needs from outside: freestanding four memory functions, hosted
# nothing that allocates, prints, exits or computes floating point.
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
    label=$1
    shift
    try "$label compiles freestanding" "$@" -ffreestanding -nostdlib -fno-pic -c tests/build/impl.c -o "$DIR/free.o" || return
    undefined "$DIR/free.o" | grep -vxE 'memcpy|memmove|memset|memcmp' | grep -vxE "${runtime:-none}" >"$DIR/names"
    empty "$label leaves open only memcpy memmove memset memcmp" "$DIR/names"
    # Nothing writable outside OS either: what is freestanding has no data or bss of its own.
    nm "$DIR/free.o" | grep -E ' [bBdDCcsSgG] ' >"$DIR/names"
    empty "$label core: no mutable global" "$DIR/names"
}

for c in gcc clang; do
    if ! have $c; then
        skip $c "not here"
        continue
    fi
    for o in -O0 -O2 -Os; do
        freestanding "$c $o" $c $o
    done
    freestanding "$c -O2 -DLLMC_NO_SIMD" $c -O2 -DLLMC_NO_SIMD
    freestanding "$c -O3 -march=haswell" $c -O3 -march=haswell
    # Memory functions of the caller's own: then nothing at all is left.
    try "$c own memory functions" $c -O0 -ffreestanding -nostdlib -c tests/build/ownmem.c -o "$DIR/own.o"
    undefined "$DIR/own.o" | grep -vxE 'my_(copy|move|set|compare)|mem(cpy|move|set|cmp)' >"$DIR/names"
    empty "$c own memory functions are used" "$DIR/names"
    for o in -O0 -O2; do
        try "$c $o compiles hosted" $c $o -c tests/build/impl.c -o "$DIR/hosted.o" || continue
        undefined "$DIR/hosted.o" | grep -xE "$libc|($math)[fl]?" >"$DIR/names"
        empty "$c $o hosted: no allocation, printing, exit or libm" "$DIR/names"
    done
done

# Public names begin with llmc_, nothing else is exported.
$CC -O0 -c tests/build/impl.c -o "$DIR/all.o"
nm -g --defined-only "$DIR/all.o" | awk '{ print $NF }' | grep -v '^llmc_[a-z]' >"$DIR/names"
empty "every exported name begins with llmc_" "$DIR/names"
$CC -O0 -DLLMC_STATIC -c tests/build/impl.c -o "$DIR/static.o"
nm -g --defined-only "$DIR/static.o" >"$DIR/names"
empty "LLMC_STATIC exports nothing" "$DIR/names"

# Other machines; their compilers' own helpers (64-bit division, soft float) are allowed.
for pair in 'i686-linux-gnu-gcc' 'aarch64-linux-gnu-gcc' 's390x-linux-gnu-gcc' 'arm-linux-gnueabihf-gcc'; do
    if ! have "$pair"; then
        skip "$pair" "not here"
        continue
    fi
    runtime='__(u?divdi3|u?moddi3|u?divmoddi4|fix.*|float.*|aeabi_.*|clz.i2|ctz.i2|popcount.i2|ashldi3|lshrdi3|muldi3|atomic_.*)|_GLOBAL_OFFSET_TABLE_|__x86\.get_pc_thunk\..*'
    freestanding "$pair -O2" "$pair" -O2
    runtime=
done
finish
