# sizes.sh -- what each gate takes off a program for a microcontroller: ARM Thumb-2, gcc -Os, code and constants in
# bytes. Prints the README's tables; a gate that takes nothing off is a failure.
. tests/platforms/lib.sh
. tests/platforms/boards.sh
board cortex-m7 || finish

row() { printf '| %s | %s |\n' "$1" "$2"; }

echo '| examples/no_os.c, linked: Cortex-M7, gcc -Os | bytes |'
echo '|---|---:|'
model=$(($(wc -c <tests/models/tiny-llama.gguf)))
own="-DMODEL=\"tests/models/tiny-llama.gguf\""
image $own -w && before=$(program_bytes arm-none-eabi $model)
row 'without TRAIN, INDEX, CHAT, GRAMMAR, OS' "$before"
for g in FORMATS UNICODE STRINGS; do
    more="$more -DLLMC_NO_$g"
    image $own $more -w && after=$(program_bytes arm-none-eabi $model)
    row "and LLMC_NO_$g" "$after"
    [ "$after" -lt "$before" ] && pass "LLMC_NO_$g" || fail "LLMC_NO_$g takes nothing off"
    before=$after
done
board cortex-m3
image $own $more -w && row 'the same for Cortex-M3, floating point in software' "$(program_bytes arm-none-eabi $model)"
[ -z "$BRIEF" ] || finish

# library FLAG...: all of the header as a library.
board cortex-m7
library()
{
    arm-none-eabi-gcc $flags -mthumb -Os -ffreestanding -w -DLLMC_NO_SIMD "$@" -c tests/build/impl.c -o "$DIR/impl.o" || exit 1
    arm-none-eabi-size "$DIR/impl.o" | awk 'NR == 2 { print $1 + $2 }'
}
full=$(library)
echo
echo '| all of the header as a library: Cortex-M7, gcc -Os | bytes |'
echo '|---|---:|'
row 'but for OS' "$full"
every=
for g in TRAIN INDEX GRAMMAR CHAT TOKEN FORMATS UNICODE STRINGS; do
    less=$((full - $(library -DLLMC_NO_$g)))
    row "LLMC_NO_$g takes off" $less
    every="$every -DLLMC_NO_$g"
    [ "$less" -gt 0 ] && pass "LLMC_NO_$g" || fail "LLMC_NO_$g takes nothing off"
done
row 'every gate' "$(library $every)"
finish
