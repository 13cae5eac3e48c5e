# tcc: a small compiler without intrinsics or atomics builds the scalar path.
. tests/build/lib.sh

have tcc || {
    skip "all" "no tcc"
    finish
}
try "tcc compiles the header" tcc -c tests/build/impl.c -o "$DIR/impl.o"
try "tcc compiles the freestanding core" tcc -DLLMC_NO_OS -c tests/build/impl.c -o "$DIR/core.o"
try "tcc two static units" sh -c "tcc -DLLMC_STATIC -DLLMC_IMPLEMENTATION tests/build/use.c tests/build/other.c -o '$DIR/use' && '$DIR/use' | grep -w scalar"
for f in examples/*.c; do
    case $f in
    */no_os.c) skip "tcc $f" "its assembler has no .incbin, by which the model gets into the program" ;;
    *) try "tcc $f" tcc "$f" -o "$DIR/program" ;;
    esac
done
finish
