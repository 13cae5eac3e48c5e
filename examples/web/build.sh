#!/bin/sh
# build.sh [OUT] -- the engine for browsers, from the repository's root: OUT/llmc.wasm for any of them and
# OUT/llmc-simd.wasm, through SIMDe, for those with vectors (all since 2021), beside the page. Needs clang and lld;
# SIMDe's headers (libsimde-dev) for the second.
OUT=${1:-build/web}
mkdir -p "$OUT/include" || exit 1
wasm()
{
    clang --target=wasm32 -O2 -nostdlib -mbulk-memory -fvisibility=hidden "$@" examples/web/llmc_web.c \
        -Wl,--no-entry -Wl,-z,stack-size=1048576 -Wl,--strip-all
}
wasm -ffreestanding -DLLMC_NO_SIMD -o "$OUT/llmc.wasm" || exit 1
for d in ${SIMDE:-/usr/include /usr/local/include /opt/homebrew/include}; do
    [ -f "$d/simde/x86/avx2.h" ] || continue
    ln -sfn "$d/simde" "$OUT/include/simde" # alone: the rest of that folder belongs to another machine
    wasm -msimd128 -isystem examples/web/include -isystem "$OUT/include" -o "$OUT/llmc-simd.wasm" || exit 1
    break
done
cp examples/web/index.html examples/web/llmc.js "$OUT/"
