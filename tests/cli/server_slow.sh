# server_slow.sh -- see tests/server/slow.py.
. tests/cli/lib.sh
if ! [ -x "$B/server" ] || ! command -v python3 >/dev/null 2>&1; then
    skip "the server" "no python3, or no $B/server"
    finish
fi
export BUILD="$B" OUT="$DIR" NAME="$name"
exec python3 tests/server/slow.py
