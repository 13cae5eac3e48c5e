# server_embed.sh -- see tests/server/embed.py.
. tests/cli/lib.sh
if ! [ -x "$B/server" ] || ! command -v python3 >/dev/null 2>&1; then
    skip "the server" "no python3, or no $B/server"
    finish
fi
export BUILD="$B" OUT="$DIR" NAME="$name"
PYTHON=python3 # the one that has numpy
for p in /usr/bin/python3 python3; do command -v $p >/dev/null 2>&1 && $p -c 'import numpy' 2>/dev/null && PYTHON=$p && break; done
exec "$PYTHON" tests/server/embed.py
