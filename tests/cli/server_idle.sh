# server_idle.sh -- see tests/server/idle.py. The same with what other systems wait by: poll, and BSD's kqueue over a
# stand-in (tests/server/kqueue).
. tests/cli/lib.sh
if ! [ -x "$B/server" ] || ! command -v python3 >/dev/null 2>&1; then
    skip "the server" "no python3, or no $B/server"
    finish
fi
for how in POLL KQUEUE; do
    if ! ${CC:-cc} -O0 -DSERVER_$how -Itests/server/kqueue examples/server.c -o "$DIR/server_$how" 2>"$DIR/err"; then
        fail "the server builds with -DSERVER_$how" "$(head -n 3 "$DIR/err")"
        finish
    fi
done
export BUILD="$B" OUT="$DIR" NAME="$name"
exec python3 tests/server/idle.py "$DIR/server_POLL" "$DIR/server_KQUEUE"
