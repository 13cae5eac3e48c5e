# make install puts everything below DESTDIR and PREFIX; make clean leaves nothing behind.
. tests/build/lib.sh

root=$PWD/$DIR/root
rm -rf "$root"
try "make install" ${MAKE:-make} -s install DESTDIR="$root" PREFIX=/opt/llmc
for f in include/llmc.h bin/llmc-chat bin/llmc-quantize; do
    if [ -f "$root/opt/llmc/$f" ]; then pass "$f"; else fail "$f is missing"; fi
done
find "$root" -type f ! -path "$root/opt/llmc/*" >"$DIR/stray"
empty "nothing outside PREFIX" "$DIR/stray"
printf '#define LLMC_IMPLEMENTATION\n#include <llmc.h>\nint main(void) { return llmc_version() == LLMC_VERSION_NUMBER ? 0 : 1; }\n' >"$DIR/user.c"
try "an installed header is enough" sh -c "$CC -I '$root/opt/llmc/include' '$DIR/user.c' -o '$DIR/user' && '$DIR/user'"

# make run, on a machine that has nothing else.
if ${MAKE:-make} -s run ARGS='-p Hello --temp 0' >"$DIR/run" 2>&1 && grep -q 'How can I help' "$DIR/run"; then
    pass "make run chats with the model in the box"
else
    fail "make run chats with the model in the box" "$(tail -n 1 "$DIR/run")"
fi
finish
