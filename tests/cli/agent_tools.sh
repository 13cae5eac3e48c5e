# agent_tools.sh -- what the agent's tools refuse, one call at a time: agent --call NAME JSON
# (test_tools.c tries the same functions from inside: races, limits, left-over processes.)
. tests/cli/lib.sh

A=$B/agent
R=$DIR/root
rm -rf "$R" "$DIR/out.d" "$DIR/log"
mkdir -p "$R/src" "$DIR/out.d"
echo 'int main(void)' >"$R/src/main.c"
echo notes >"$R/notes.txt"
echo TOPSECRET >"$DIR/out.d/secret"
ln -s ../out.d "$R/link"
ln -s ../out.d/secret "$R/file"
mkfifo "$R/fifo"

# call CODE WANT NAME JSON [OPTION...]: exit code and result.
call()
{
    code=$1
    want=$2
    tool=$3
    json=$4
    shift 4
    timeout 60 "$A" --root "$R" "$@" --call "$tool" "$json" >"$DIR/out" 2>"$DIR/err" </dev/null
    got=$?
    label="$tool $(printf %.60s "$json" | LC_ALL=C tr -cd " -[]-~") $*"
    if [ $got -ne "$code" ]; then
        fail "$label" "exit code $got, expected $code: $(head -c 200 "$DIR/out") $(head -n 1 "$DIR/err")"
    else
        same "$label" "$DIR/out" "$want"
    fi
}
no='error: the user did not allow it'

# Files.
call 0 notes read_file '{"path": "notes.txt"}'
call 0 'fifo
file
link
notes.txt
src/' list_dir '{}'
call 0 'src/main.c:1: int main(void)' search_codebase '{"query": "main"}'
call 1 'error: the path leaves the folder' read_file '{"path": "../out.d/secret"}'
call 1 'error: the path leaves the folder' read_file '{"path": "src/../../out.d/secret"}'
call 1 'error: the path leaves the folder' read_file '{"path": "/etc/passwd"}'
call 1 'error: the path leaves the folder' read_file "{\"path\": \"$PWD/$DIR/out.d/secret\"}"
call 1 'error: the path leaves the folder' list_dir '{"path": "/proc/self"}'
call 1 'error: symbolic links are not followed' read_file '{"path": "link/secret"}'
call 1 'error: symbolic links are not followed' read_file '{"path": "file"}'
call 1 'error: symbolic links are not followed' list_dir '{"path": "link"}'
call 1 'error: it is not a regular file' read_file '{"path": "fifo"}'
call 1 'error: it is a folder' read_file '{"path": "src"}'
call 1 'error: no such file' read_file '{"path": "\u00e9\ud83d\ude00\"\\\n"}'
call 1 'error: the arguments are not a JSON object' read_file "$(printf '{"path": "\377"}')"
if truncate -s 1T "$R/huge" 2>/dev/null; then
    call 1 'error: the file is too large' read_file '{"path": "huge"}'
    rm -f "$R/huge"
else
    skip "a huge file" "no truncate here"
fi
if [ -d /proc/self ]; then
    timeout 60 "$A" --root / --call read_file '{"path": "proc/self/environ"}' >"$DIR/out" 2>&1 </dev/null
    says "/proc is not read even below the root" "$DIR/out" '^error: '
fi

# Writing and running take consent; without a terminal nobody can be asked.
call 1 "$no" write_file '{"path": "new", "content": "x"}'
call 0 'wrote 1 bytes to new' write_file '{"path": "new", "content": "x"}' --yes
call 0 'wrote 2 bytes to new' write_file '{"path": "new", "content": "xy"}' --never --allow write_file
call 1 'error: symbolic links are not followed' write_file '{"path": "file", "content": "x"}' --yes
same "the file outside is as it was" "$DIR/out.d/secret" TOPSECRET
call 1 "$no" run_command '{"command": "true"}'
call 1 "$no" run_command '{"command": "true"}' --never
call 0 'exit code 0' run_command '{"command": "true"}' --yes
call 0 'exit code 0' run_command '{"command": "test 1 = 1"}' --allow 'git *,test *'
call 1 "$no" run_command '{"command": "test 1; echo x"}' --allow 'git *,test *'
call 1 "$no" run_command '{"command": "echo x"}' --allow 'git *,test *'
call 0 'exit code 3
STDOUT:
a
STDERR:
b' run_command '{"command": "echo a; echo b >&2; exit 3"}' --yes --timeout 60
call 1 'error: timed out after 1 s' run_command '{"command": "(setsid sleep 8812 &); sleep 8812"}' --yes --timeout 1
sleep 0.3
if ps ax -o args= | grep -q '[s]leep 8812'; then fail "nothing is left of it"; else pass "nothing is left of it"; fi

# Ctrl-C ends a call, which is no answer of the command's; kill -9 of the agent takes the command with it.
timeout -s INT 1 "$A" --root "$R" --yes --call run_command '{"command": "sleep 8813"}' >"$DIR/out" 2>&1 </dev/null
same "an interrupted call says so" "$DIR/out" 'error: the user cancelled it'
"$A" --root "$R" --yes --timeout 60 --call run_command '{"command": "sleep 8814"}' >"$DIR/out" 2>&1 </dev/null &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 0.2
    ps ax -o args= | grep -q '[s]leep 8814' && break
done
kill -9 $pid
wait $pid 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 0.2
    ps ax -o args= | grep -q '[s]leep 8814' || break
done
if ps ax -o args= | grep -q '[s]leep 881[34]'; then fail "a command ends with the agent"; else pass "a command ends with the agent"; fi

# The calculator.
call 0 84 calculator '{"expression": "12 * (3 + 4)"}'
call 0 265252859812191058636308480000000 calculator '{"expression": "30!"}'
call 1 'error: division by zero' calculator '{"expression": "1 / 0"}'

# The log: JSON on every line, whatever the arguments.
call 0 1 calculator '{"expression": "1"}' --log "$DIR/log"
call 1 'error: the arguments are not a JSON object' calculator '{"a
"' --log "$DIR/log"
call 1 "$no" run_command '{"command": "echo \"\u0007\""}' --log "$DIR/log"
if /usr/bin/python3 - "$DIR/log" <<'END' 2>"$DIR/err"
import json, sys
lines = [json.loads(l) for l in open(sys.argv[1])]
assert len(lines) == 3, lines
assert lines[0]["tool"] == "calculator" and lines[0]["arguments"] == {"expression": "1"} and lines[0]["ok"], lines[0]
assert lines[1]["arguments"] == '{"a\n"' and not lines[1]["ok"], lines[1]
assert lines[2]["consent"] == "nobody asked" and lines[2]["arguments"]["command"] == 'echo "\a"', lines[2]
END
then pass "the log parses"; else fail "the log parses" "$(tail -n 1 "$DIR/err")"; fi

# Options.
bad 2 'takes a tool' "--call without arguments" "$A" --call read_file
bad 1 'no such folder' "a root that is not there" "$A" --root "$DIR/nowhere" --call list_dir '{}'
bad 1 "'shell' is none of" "a tool that is not there" "$A" --tools shell --call list_dir '{}'
bad 2 'timeout' "seconds that are no number" "$A" --timeout x --call list_dir '{}'
bad 2 'yes and --never' "both" "$A" --yes --never --call list_dir '{}'
bad 2 'unknown' "an unknown option" "$A" --nope
bad 2 'no model' "no model" "$A"
bad 2 'given twice' "two tasks" "$A" -m x -p a b
bad 2 'tool-format' "an unknown format of calls" "$A" -m x -p a --tool-format y
bad 2 'seed' "a seed that is none" "$A" -m x -p a --seed -1
bad 2 'kv-type' "a type that is none" "$A" -m x -p a --kv-type q9
bad 1 'log' "a log that cannot be" "$A" --log "$DIR/nowhere/log" -m x -p a
bad 1 'nowhere.gguf' "a model that is not there" "$A" -m "$DIR/nowhere.gguf" -p a
good "-h" "$A" -h
finish
