# others.sh -- chat.c by compilers and C libraries, and for processors, that `make test` does not have: musl, link-time
# optimisation, an x86-64 without any extension, RISC-V 64, POWER; under valgrind. Greedy text is the same everywhere.
. tests/platforms/lib.sh

model=tests/models/tiny-llama.gguf
tale=$(cat tests/models/tiny-llama.greedy)
stories=
[ -f "$SHARED/data/stories260K.bin" ] && stories="-m $SHARED/data/stories260K.bin --tokenizer $SHARED/data/tok512.bin"
lily='Once upon a time, there was a little girl named Lily. She loved to play outside in the park.'

# tells RUNNER: the program in $DIR/chat under that runner
tells()
{
    LIMIT=300 limited $1 "$DIR/chat" -m $model -p 'Once upon' -n 64 --temp 0 --raw -t 2 >"$DIR/text" 2>"$DIR/err"
    same "$part tells what the reference says" "$DIR/text" "$tale"
    [ -s "$DIR/err" ] && head -n 3 "$DIR/err" | sed 's/^/        /'
    [ -z "$stories" ] && return
    LIMIT=300 limited $1 "$DIR/chat" $stories -p 'Once upon a time' -n 40 --temp 0 --raw -t 2 >"$DIR/text" 2>"$DIR/err"
    echo "Once upon a time$(cat "$DIR/text")" >"$DIR/all"
    says "$part tells of Lily" "$DIR/all" "$lily"
}

# chat NAME PACKAGES RUNNER COMPILER...
chat()
{
    part=$1 package=$2 runner=$3
    shift 3
    want "$package" "$1" ${runner%% *} || return
    try "$part builds" "$@" examples/chat.c -o "$DIR/chat" && tells "$runner"
}

chat 'musl, static' musl-tools '' musl-gcc -O2 -static
if [ $n_failed -eq 0 ] && [ -x "$DIR/chat" ]; then
    if readelf -l "$DIR/chat" 2>/dev/null | grep -q INTERP; then fail "musl: static"; else pass "musl: static"; fi
fi
chat 'gcc -flto' gcc '' gcc -O2 -flto=1
chat 'riscv64' 'gcc-riscv64-linux-gnu libc6-dev-riscv64-cross qemu-user' qemu-riscv64 riscv64-linux-gnu-gcc -O1 -static
chat 'ppc64le' 'gcc-powerpc64le-linux-gnu libc6-dev-ppc64el-cross qemu-user' qemu-ppc64le powerpc64le-linux-gnu-gcc -O1 -static

# What cc -O2 makes runs on a processor without AVX, and one of the first with 64 bits: no illegal instruction.
case $(uname -m) in
x86_64)
    part='x86-64 without AVX'
    if want qemu-user qemu-x86_64 && try "$part builds" $CC -O2 -static examples/chat.c -o "$DIR/chat"; then
        for cpu in core2duo Nehalem qemu64; do
            part="x86-64, $cpu"
            tells "qemu-x86_64 -cpu $cpu"
        done
    fi
    ;;
*) skip "old x86-64" "this is $(uname -m)" ;;
esac

part=valgrind
if want valgrind valgrind && try "$part: builds" $CC -O1 -g examples/chat.c -o "$DIR/chat"; then
    for isa in scalar auto; do
        if LIMIT=400 limited valgrind -q --error-exitcode=9 --leak-check=full "$DIR/chat" -m $model -p 'Once upon' -n 64 --temp 0 --raw -t 2 --isa $isa \
            >"$DIR/text" 2>"$DIR/err"; then
            pass "$part, $isa kernels: no finding"
        elif grep -q 'unrecognised instruction\|Illegal instruction' "$DIR/err"; then
            skip "$part, $isa kernels" "valgrind does not know this processor's instructions"
            continue
        else
            fail "$part, $isa kernels"
            head -n 20 "$DIR/err" | sed 's/^/        /'
        fi
        same "$part, $isa kernels: the text" "$DIR/text" "$tale"
    done
fi
finish
