# suites.sh -- every unit test and the greedy text on each kind of machine, under QEMU, Wine and valgrind. Hours, so only if
# T names it; KINDS="riscv64 windows" are some of them. `make test` runs a choice of this.
. tests/platforms/lib.sh

case $T in
*suites*) ;;
*)
    skip 'every unit test everywhere' 'takes hours: make test-platforms T=suites'
    finish
    ;;
esac
copy=$DIR/copy # tests/run.sh begins by clearing what this one writes to
rm -rf "$copy"
mkdir -p "$copy"
cp -r llmc.h examples tests tools configs Makefile README.md LICENSE "$copy"
case $SHARED in
/*) data=$SHARED ;;
*) data=$PWD/$SHARED ;;
esac
for k in ${KINDS:-s390x i386 arm aarch64 riscv64 ppc64le windows valgrind}; do
    (cd "$copy" && ${MAKE:-make} --no-print-directory test FULL=1 T="$k/" NO_DEPS=1 SHARED="$data") >"$DIR/$k.log" 2>&1
    sums=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$DIR/$k.log")
    case $sums in
    *' 0 failed')
        pass "$k: $sums"
        ;;
    *)
        fail "$k: ${sums:-nothing ran}"
        grep -E -A 12 '^FAIL|^ *skipped: ' "$DIR/$k.log" | head -n 60
        ;;
    esac
done
finish
