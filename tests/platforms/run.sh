#!/bin/sh
# run.sh -- what `make test-platforms` runs: the scripts beside it, or those whose name contains T. From the
# repository's root; environment as for tests/run.sh. Each names the packages that it lacks and skips; on Debian all
# of them are
#   gcc-arm-none-eabi gcc-aarch64-linux-gnu qemu-system-arm qemu-system-misc clang lld llvm libsimde-dev nodejs npm
#   chromium python3 binutils musl-tools gcc-riscv64-linux-gnu libc6-dev-riscv64-cross gcc-powerpc64le-linux-gnu
#   libc6-dev-ppc64el-cross qemu-user valgrind gcc-mingw-w64-x86-64 wine wine64
# Last line: "N passed, N failed".
CC=${CC:-cc}
OUT=${OUT:-build/test}
export CC OUT
mkdir -p "$OUT/log" || exit 1
for s in tests/platforms/*.sh; do
    base=$(basename "$s" .sh)
    case $base in
    run | lib | boards) continue ;;
    *"$T"*) ;;
    *) continue ;;
    esac
    sh "$s" >"$OUT/log/platforms-$base.log" 2>&1
    code=$?
    cat "$OUT/log/platforms-$base.log"
    grep -Eq '^platforms/.*: [0-9]+ passed, [0-9]+ failed' "$OUT/log/platforms-$base.log" ||
        echo "platforms/$base: 0 passed, 1 failed (code $code)"
done | tee "$OUT/log/platforms.log"
sed -n 's/^platforms\/[^ ]*: \([0-9]*\) passed, \([0-9]*\) failed.*/\1 \2/p' "$OUT/log/platforms.log" |
    awk '{ p += $1; f += $2 } END { printf "%d passed, %d failed\n", p, f; exit f > 0 || p == 0 }'
