# No function uses more than 16 KB of stack, or an amount that depends on its input.
. tests/build/lib.sh

have gcc || {
    skip "all" "-fstack-usage is gcc's"
    finish
}

# stack LABEL COMPILER...
stack()
{
    label=$1
    shift
    try "$label compiles" "$@" -fstack-usage -c tests/build/impl.c -o "$DIR/impl.o" || return
    awk '$2 > 16384 || ($3 ~ /dynamic/ && $3 !~ /bounded/)' "$DIR/impl.su" >"$DIR/large"
    empty "$label: no function over 16 KB or dynamic" "$DIR/large"
    echo "        most: $(sort -k2,2n "$DIR/impl.su" | tail -n 1 | sed 's/.*://')"
}

stack "gcc -O0" gcc -O0
stack "gcc -O2" gcc -O2
stack "gcc -O3" gcc -O3
have aarch64-linux-gnu-gcc && stack "aarch64 -O2" aarch64-linux-gnu-gcc -O2
have arm-none-eabi-gcc && stack "cortex-m4 -Os" arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -Os -ffreestanding
finish
