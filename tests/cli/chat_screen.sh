# chat_screen.sh -- chat's screen, in a terminal of tmux: what is typed, and what is seen.
# A server that says what it is told (chat_server.py) makes the screen known; tiny-llama answers, too.
# Also with the sanitizers' build, if the part asan/chat-text has left one.
. tests/cli/lib.sh

if ! command -v tmux >/dev/null 2>&1 || ! command -v python3 >/dev/null 2>&1; then
    skip "the screen" "no tmux, or no python3"
    finish
fi
[ -x "$B/chat" ] || { skip "the screen" "no $B/chat"; finish; }

HERE=$PWD
SOCKET=/tmp/llmc-chat-$$ # a path for a socket is short
case $DIR in /*) W=$DIR ;; *) W=$HERE/$DIR ;; esac
rm -rf "$W/state" "$W/port" "$W/log"
T="tmux -S $SOCKET -f /dev/null"
cleanup()
{
    $T kill-server 2>/dev/null
    [ -z "$server" ] || kill "$server" 2>/dev/null
    rm -f "$SOCKET"
}
trap cleanup EXIT
python3 tests/cli/chat_server.py "$W/log" tests/cli/chat_markdown.md >"$W/port" 2>"$W/server.err" &
server=$!
for i in $(seq 100); do
    [ -s "$W/port" ] && break
    sleep 0.1
done
URL=http://127.0.0.1:$(cat "$W/port")

# One session stays, so that tmux does between the others.
for i in 1 2 3 4 5; do
    $T new-session -d -s keep "exec sleep 10000" 2>/dev/null && break
    sleep 1
done
$T set-option -g history-limit 5000

# start COLUMNS ROWS ARGUMENTS: chat on a screen of this size
start()
{
    columns=$1 rows=$2
    shift 2
    $T kill-session -t chat 2>/dev/null
    $T new-session -d -s chat -x "$columns" -y "$rows" \
        "env -u NO_COLOR TERM=screen-256color XDG_STATE_HOME=$W/state $CHAT $* 2>$W/err; echo EXIT=\$?; exec sleep 1000"
}

type_in() { $T send-keys -t chat -l -- "$1"; }
press() { $T send-keys -t chat "$@"; }
say() { type_in "$1"; press Enter; }
look() { $T capture-pane -p -t chat; }        # what is seen
look_back() { $T capture-pane -p -S - -t chat; } # with what has scrolled away

# await LABEL PATTERN [look]: within 30 s the screen shows it
await()
{
    for i in $(seq 300); do
        ${3:-look_back} >"$W/screen"
        if grep -Eq -e "$2" "$W/screen"; then
            pass "$1"
            return 0
        fi
        sleep 0.1
    done
    fail "$1" "no '$2' on the screen:"
    sed 's/^/        | /' "$W/screen" | tail -n 30
    return 1
}

# lacks LABEL PATTERN: the screen as last seen does not show it
lacks()
{
    if grep -Eq -e "$2" "$W/screen"; then
        fail "$1" "'$2' is on the screen:"
        sed 's/^/        | /' "$W/screen" | tail -n 30
    else
        pass "$1"
    fi
}

idle() { await "${1:-ends}" '^/help · ' look; } # the status of a screen that waits

all_checks()
{
    # ---- streaming and Markdown ----
    start 80 40 --server "$URL"
    await "the screen begins" '^>$' look
    await "names the model and its context" 'scripted .* context 0/4096'
    say "hello there"
    await "an answer" '11 bytes, 1 lines, 1 messages, ends with hello there'
    idle
    say markdown
    await "Markdown to its end" 'The end of \*\*it'
    idle
    look_back >"$W/screen"
    await "inline marks" 'Some italic, bold, code, both; 2 \* 3 and snake_case_name stay. A link'
    await "a link's address" '\(http://x.org/a_b\)'
    await "bullets" '^• item one$'
    await "that hang" '^  hangs below the first|^  [a-z ]*below the first$'
    await "and nest" '^  ◦ nested$'
    await "boxes" '• ☑ done'
    await "quotes" '^│ a quote, bold$'
    await "a table's head" '^Name │ Value │ Note$'
    await "its rule" '^─────┼───────┼─────$'
    await "wide characters in it" '^漢字 │    22 │  b$'
    await "code" '^    return "str" \+ 12$'
    await "wide characters break anywhere" '^漢字かな.*折り返すこと.*$'
    lacks "no mark is left" '\*\*bold|```'
    $T capture-pane -p -e -S - -t chat >"$W/styles"
    if grep -q "$(printf '\033\\[35m[^d]*def')" "$W/styles"; then pass "keywords have a colour"; else fail "keywords have a colour"; fi
    if grep -q "$(printf '\033\\[1mbold')" "$W/styles"; then pass "bold is bold"; else fail "bold is bold"; fi
    n=$(grep -c '^> markdown' "$W/screen")
    [ "$n" = 1 ] && pass "nothing is drawn twice" || fail "nothing is drawn twice" "$n times"

    # ---- thoughts ----
    say think
    await "thoughts are folded" '^thinking… 12 tokens'
    await "the answer follows" '^The answer is 42\.'
    lacks "and are not shown" 'hm 3'
    idle
    say /thoughts
    await "until asked for" 'hm 3, hm 4'

    # ---- stop ----
    say slow
    await "a long answer comes" 'word9'
    press Escape
    await "Esc stops it" 'stopped; what was said is kept'
    idle
    say "and now"
    await "what was said is part of the conversation" '7 bytes, 1 lines, 9 messages'
    idle
    say slow
    await "another" 'word5'
    press C-c
    await "Ctrl-C stops it, too" 'stopped.*kept' look
    idle

    # ---- commands ----
    say /undo
    await "/undo" 'forgotten; 10 messages are left'
    say /retry
    await "/retry" '7 bytes, 1 lines, 9 messages' look
    idle
    say /edit
    await "/edit" '^> and now$' look
    press C-u
    say "/system be brief"
    await "/system" 'the system message is set'
    say "how many"
    await "is sent" '8 bytes, 1 lines, 10 messages'
    idle
    tail -n 1 "$W/log" >"$W/last"
    says "as the first message" "$W/last" '"messages": \[\{"role": "system", "content": "be brief"\}'
    say "/params temp 0.25"
    await "/params" 'temp is 0.25'
    say "/params temp hot"
    await "refuses what is no number" "'hot' is not a number"
    say "/params colour 3"
    await "and what it does not know" '/params NAME VALUE, please'
    say "once more"
    await "asks again" '9 bytes, 1 lines'
    idle
    tail -n 1 "$W/log" >"$W/last"
    says "with the temperature" "$W/last" '"temperature": 0.25'
    say /frobnicate
    await "an unknown command" 'unknown command /frobnicate'
    say /s
    await "an unclear one" 'unclear command /s'
    say "//escape"
    await "// sends /" '7 bytes, 1 lines, [0-9]+ messages, ends with /escape'
    idle
    type_in /st
    await "commands are listed as they are typed" '^/stats  tokens, speed, memory' look
    press Tab Enter
    await "Tab completes" 'last answer .*tokens'
    printf 'line one\nline two\n' >"$W/note.txt"
    type_in "/file $W/not"
    press Tab Enter
    await "/file, its name completed" '18 bytes of .*note.txt'
    say "what is in it"
    await "goes with the next message" '55 bytes, 7 lines, '
    idle
    say "/file $W/nosuch"
    await "a file that is not there" 'nosuch: '
    mkfifo "$W/fifo" 2>/dev/null
    say "/file $W/fifo"
    await "or is none" 'fifo: '
    say "/load $W/note.txt"
    await "/load refuses what is no conversation" 'note.txt:1: not a message'
    say "/save $W/talk.jsonl"
    await "/save" 'messages in .*talk.jsonl'
    says "writes messages" "$W/talk.jsonl" '^\{"role":"user","content":"hello there"\}$'
    say /clear
    await "/clear" 'a new conversation'
    say "first"
    await "begins anew" '5 bytes, 1 lines, 2 messages'
    idle

    # ---- the editor ----
    type_in "one two three"
    press C-w
    type_in "3"
    press M-b M-b
    type_in "x"
    press C-a
    type_in "<"
    press C-e
    type_in ">"
    await "words and ends" '^> <one x?two|^> <one xtwo 3>$' look
    press C-u
    type_in "upper"
    press M-Enter
    type_in "lower"
    await "Alt-Enter begins a line" '^  lower$' look
    press Up Home
    type_in "the "
    await "arrows move between lines" '^> the upper$' look
    press Enter
    await "both are sent" '15 bytes, 2 lines'
    idle
    type_in 'ends with \'
    press Enter
    type_in "more"
    press Enter
    await "so does a backslash" '15 bytes, 2 lines, .*ends with\s*$|2 lines, [0-9]+ messages, ends with more|2 lines'
    idle
    press Up Up
    await "history" '^> .*(the upper|ends with)' look
    press C-c
    type_in "漢字かな"
    press Left Left BSpace
    type_in "é"
    await "wide characters are edited" '^> 漢éかな$' look
    press Enter
    await "and sent" '11 bytes, 1 lines, .*漢éかな'
    idle
    seq 1 100000 | head -c 10240 >"$W/paste"
    $T load-buffer "$W/paste"
    $T paste-buffer -p -t chat
    await "a paste of 10 kB" '^  [0-9]+$' look
    press Enter
    await "arrives whole" '10240 bytes, [0-9]+ lines'
    idle

    # ---- the window ----
    $T resize-window -t chat -x 44 -y 20
    sleep 0.5
    type_in "narrow"
    await "a narrow window" '^> narrow$' look
    n=$(grep -c '^> ' "$W/screen")
    rules=$(grep -c '^─*$' "$W/screen")
    press Enter
    await "answers in it" '6 bytes, 1 lines'
    idle
    $T resize-window -t chat -x 100 -y 30
    sleep 0.5
    type_in "wide"
    await "a wide one" '^> wide$' look
    press Enter
    await "and it goes on" '4 bytes, 1 lines'
    idle
    say slow
    await "streams" 'word9 '
    $T resize-window -t chat -x 60 -y 20
    sleep 1
    press Escape
    await "while it is resized" 'stopped' look
    idle
    await "and what was said before is there still" '4 bytes, 1 lines' look_back

    # ---- hostile servers ----
    say split
    await "bytes one by one" 'grüße 漢字'
    idle
    say escapes
    await "escapes do nothing" 'red.*right'
    idle
    say whole
    await "an answer in one piece" 'in one piece'
    idle
    say refuse
    await "a refusal is told" 'no room for you'
    await "and the question comes back" '^> refuse$' look
    press C-u
    for what in "bad json:no JSON" "bad chunk:size" "no http:no HTTP server" "long head:too long" "cut:in the middle" "odd types:still here"; do
        say "${what%%:*}"
        await "${what%%:*}" "${what#*:}"
        press C-u
        idle
    done

    # ---- the end, and on ----
    press C-u
    say "last words"
    await "last words" '10 bytes'
    idle
    press C-d
    await "Ctrl-D ends" 'EXIT=0'
    await "and says where it is kept" '\.jsonl; chat --continue goes on'
    await "without the input box" 'EXIT=0'
    if [ -s "$W/err" ]; then fail "nothing on stderr" "$(head -n 3 "$W/err")"; else pass "nothing on stderr"; fi
    start 80 24 --server "$URL" --continue
    await "--continue shows the conversation" '^> last words'
    idle
    say "still there"
    await "and goes on with it" '11 bytes, 1 lines, ([1-9][0-9]|[3-9]) messages'
    idle
    press Up Up
    await "the history too" '^> last words$' look
    press C-u
    say /quit
    await "/quit" 'EXIT=0'
    start 80 24 --server "$URL" --session "$W/mine.jsonl"
    idle "a conversation with a name"
    say "in mine"
    await "is answered" '7 bytes, 1 lines, 1 messages'
    idle
    say /quit
    await "ends" 'EXIT=0'
    says "and is in its file" "$W/mine.jsonl" '"content":"in mine"'
    start 80 24 --server "$URL" --no-save
    idle "--no-save"
    before=$(ls "$W/state/llmc" | wc -l)
    say "a secret"
    await "answers" '8 bytes'
    idle
    press C-d
    await "ends" 'EXIT=0'
    [ "$(ls "$W/state/llmc" | wc -l)" = "$before" ] && ! grep -q secret "$W/state/llmc"/* && pass "and keeps nothing" || fail "and keeps nothing"

    # ---- tools ----
    mkdir -p "$W/root"
    rm -f "$W/root/made.txt"
    start 80 30 --server "$URL" --root "$W/root" --no-save
    idle "tools"
    say compute
    await "are not run before they are offered" '> compute'
    idle
    lacks "indeed" '→'
    say "/tools on"
    await "are listed" 'calculator '
    say compute
    await "a call is shown" '^→ calculator expression=6 \* 7'
    await "its result goes to the model" 'The tool says 42'
    idle
    tail -n 1 "$W/log" >"$W/last"
    says "with its call" "$W/last" '"tool_calls": \[\{"id": "call_1", "type": "function", "function": \{"name": "calculator", "arguments": ".*"role": "tool", "content": "42'
    say command
    await "a command is asked for" 'May it\? \[y\]es, \[n\]o'
    [ ! -e "$W/root/made.txt" ] && pass "and not run before" || fail "and not run before"
    type_in "a yes, always yes" # somebody who types on
    sleep 1
    await "what is typed on is no answer" 'May it' look
    [ ! -e "$W/root/made.txt" ] && pass "still not" || fail "still not"
    press n
    await "no is no" 'The tool says error: '
    [ ! -e "$W/root/made.txt" ] && pass "nothing happened" || fail "nothing happened"
    idle
    say command
    await "again" 'May it\?' look
    sleep 1
    press y
    await "yes is yes" 'The tool says .*exit code 0'
    [ -e "$W/root/made.txt" ] && pass "in its folder" || fail "in its folder"
    idle
    say sleeper
    await "a long one" 'May it\?' look
    sleep 1
    press y
    await "runs" 'running run_command' look
    press Escape
    await "and is stopped" '\(stopped; /retry' look
    idle
    press C-u
    say "/tools off"
    await "/tools off" '\(no tools\)'
    press C-d
    await "ends" 'EXIT=0'

    # ---- no screen where none is wanted ----
    for how in "--plain" "NO_COLOR" "dumb"; do
        env=
        [ "$how" = NO_COLOR ] && env="NO_COLOR=1"
        [ "$how" = dumb ] && env="TERM=dumb"
        $T kill-session -t chat 2>/dev/null
        $T new-session -d -s chat -x 80 -y 24 "env -u NO_COLOR TERM=screen-256color $env $CHAT --server $URL $([ "$how" = --plain ] && echo --plain); echo EXIT=\$?; exec sleep 1000"
        await "$how" '^Ask something; /help says more' look
        say "hello"
        await "plain text" '^5 bytes, 1 lines, 1 messages, ends with hello' look
        lacks "and no box" '───'
        press C-d
        await "ends" 'EXIT=0'
    done

    # ---- a model here ----
    start 80 24 -m "$LLAMA" --temp 0
    idle "a model"
    say hello
    await "answers as it always does" "$(head -c 12 tests/models/tiny-llama.answer)"
    idle
    await "with its speed, context and memory" 'context [0-9]+/[0-9]+ · .* MB'
    say /retry
    await "again" '\(again\)'
    idle
    press C-d
    await "ends" 'EXIT=0'
}

absolute() { case $1 in /*) echo "$1" ;; *) echo "$HERE/$1" ;; esac; }
for CHAT in "$(absolute "$B/chat")" "$(absolute "${OUT:-build/test}/asan/chat-text/chat")"; do
    [ -x "$CHAT" ] || continue
    rm -rf "$W/state"
    echo "        $CHAT"
    all_checks
done
finish
