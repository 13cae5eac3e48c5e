# The core on a microcontroller: Cortex-M without an operating system or C library.
. tests/build/lib.sh

# What llmc.h itself includes (depth two), of all that the compiler opens.
$CC -ffreestanding -DLLMC_NO_SIMD -H -fsyntax-only tests/build/impl.c 2>&1 | sed -n 's/^\.\. .*\///p' | sort -u |
    grep -vxE 'stdint\.h|stddef\.h|stdbool\.h|limits\.h|float\.h|stdarg\.h' >"$DIR/headers"
empty "the scalar core opens only the freestanding headers" "$DIR/headers"

arm=arm-none-eabi-gcc
if have $arm; then
    for pair in 'cortex-m0 -O0' 'cortex-m4 -Os'; do # small only where the size is told
        cpu=${pair% *}
        compiled "$cpu" $arm -mcpu="$cpu" -mthumb "${pair#* }" -ffreestanding -nostdlib -std=c11 || continue
        arm-none-eabi-nm -u "$DIR/impl.o" | awk '{ print $NF }' | grep -vxE 'memcpy|memmove|memset|memcmp|__.*' >"$DIR/names"
        empty "$cpu leaves open only the memory functions and the compiler's runtime" "$DIR/names"
        echo "        $pair: $(arm-none-eabi-size "$DIR/impl.o" | awk 'NR == 2 { print $1 " bytes of code, " $2 + $3 " of data" }')"
    done
    try "cortex-m4 thinnest" $arm -mcpu=cortex-m4 -mthumb -Os -ffreestanding -nostdlib -DLLMC_NO_TOKEN -DLLMC_NO_CHAT \
        -DLLMC_NO_STRINGS -DLLMC_NO_TRAIN -DLLMC_NO_INDEX -DLLMC_NO_GRAMMAR -DLLMC_NO_SIMD -c tests/build/impl.c -o "$DIR/thin.o" &&
        echo "        thinnest: $(arm-none-eabi-size "$DIR/thin.o" | awk 'NR == 2 { print $1 " bytes of code" }')"
else
    skip "Cortex-M" "no $arm (gcc-arm-none-eabi)"
fi

# Freestanding on a hosted machine means no OS section, unasked.
printf '#include "../../../../llmc.h"\n#ifndef LLMC_NO_OS\n#error LLMC_NO_OS is not implied\n#endif\n' >"$DIR/implied.c"
try "__STDC_HOSTED__ == 0 implies LLMC_NO_OS" $CC -ffreestanding -fsyntax-only "$DIR/implied.c"

if have clang; then
    try "clang wasm32" clang --target=wasm32 -O0 -ffreestanding -nostdlib -c tests/build/impl.c -o "$DIR/wasm.o"
    try "clang riscv64" clang --target=riscv64 -O0 -ffreestanding -nostdlib -c tests/build/impl.c -o "$DIR/riscv.o"
    try "clang powerpc64le" clang --target=powerpc64le -O0 -ffreestanding -nostdlib -c tests/build/impl.c -o "$DIR/ppc.o"
fi
finish
