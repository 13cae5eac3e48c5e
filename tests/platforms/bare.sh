# bare.sh -- examples/no_os.c on processors without an operating system: Cortex-M with and without a floating-point
# unit, AArch64, RISC-V. The same text as everywhere, memory to the byte as quoted, and a small program.
. tests/platforms/lib.sh
. tests/platforms/boards.sh

MODEL=tests/models/tiny-llama.gguf
own="-DMODEL=\"$MODEL\" -DPROMPT=\"Once\040upon\"" # no space: these go through word splitting

# tells LABEL FLAG...: builds for the board, runs; the story to $DIR/story, all it says to $DIR/said.
tells()
{
    label=$1
    shift
    try "$label: builds" image "$@" || return
    emulate >"$DIR/said" 2>&1
    code=$?
    grep -v '^\[' "$DIR/said" >"$DIR/story"
    [ $code -eq 0 ] && return
    fail "$label: ends with code $code"
    head -n 5 "$DIR/said" | sed 's/^/        /'
    return 1
}

for b in ${BOARDS:-cortex-m3 cortex-m4 cortex-m7 cortex-m33 aarch64 riscv64}; do
    board $b || continue
    tells "$b" $THIN $own || continue
    same "$b tells what the reference says" "$DIR/story" "$TALE"
    sed -n 's/^\[/        /; s/\]$//p' "$DIR/said"
    # memory: as much as quoted is enough, a byte less is refused, and says so by its status
    set -- $(sed -n 's/^\[model \([0-9]*\) bytes, engine \([0-9]*\),.*/\1 \2/p' "$DIR/said")
    engine=$2
    need=$(($1 + $2))
    case $b in
    cortex-m7 | riscv64)
        bytes=$(($(wc -c <$MODEL)))
        tells "$b, arena as quoted" $THIN $own -DARENA=$need && same "$b: $need bytes are enough" "$DIR/story" "$TALE"
        try "$b, a byte less: builds" image $own -DLLMC_NO_FORMATS -DARENA=$((need - 1))
        emulate >"$DIR/said" 2>&1
        [ $? -eq 1 ] && pass "$b: a byte less is an error" || fail "$b: a byte less is an error"
        says "$b: which says what it takes" "$DIR/said" "no_os: [0-9]+ bytes given, $engine needed"
        ;;
    esac
    if [ $b = cortex-m7 ]; then
        image $THIN $own
        code=$(program_bytes arm-none-eabi "$bytes")
        [ "$code" -lt 98304 ] && pass "$b: $code bytes of program, less than 96 KB" || fail "$b: $code bytes of program, 96 KB are allowed"
    fi
done

# A real model, as far as there is one: llama2.c's smallest, and our own.
if [ -f "$SHARED/data/stories260K.bin" ]; then
    stories="-DMODEL=\"$SHARED/data/stories260K.bin\" -DTOKENIZER=\"$SHARED/data/tok512.bin\" -DTOKENS=60"
    for b in cortex-m3 cortex-m7 riscv64; do
        board $b || continue
        LIMIT=300 tells "$b, stories260K" $stories || continue
        says "$b tells of Lily" "$DIR/story" 'Once upon a time, there was a little girl named Lily. She loved to play outside in the park.'
        sed -n 's/^\[/        /; s/\]$//p' "$DIR/said"
    done
else
    skip "stories260K" "not in $SHARED/data"
fi
if [ -f examples/tiny.gguf ]; then
    try "tiny.gguf, hosted, scalar: builds" $CC -O2 -DLLMC_NO_SIMD examples/no_os.c -o "$DIR/hosted"
    limited "$DIR/hosted" | grep -v '^\[' >"$DIR/want"
    for b in cortex-m7 riscv64; do
        board $b || continue
        LIMIT=300 tells "$b, tiny.gguf" $THIN || continue
        same "$b tells what the hosted program tells with the same kernels" "$DIR/story" "$(cat "$DIR/want")"
        sed -n 's/^\[/        /; s/\]$//p' "$DIR/said"
    done
else
    skip "tiny.gguf" "not in examples"
fi
finish
