# server_node.sh -- OpenAI's client and a browser against the server: see tests/server/client.mjs and page.mjs.
# NODE_PATH names a node_modules folder with openai and playwright-core; else npm is asked for them.
. tests/cli/lib.sh

need_module() { [ -d "$NODE_PATH/$1" ]; }

if ! [ -x "$B/server" ] || ! command -v node >/dev/null 2>&1; then
    skip "the server" "no node, or no $B/server"
    finish
fi
if [ -z "$NODE_PATH" ]; then
    NODE_PATH=$PWD/$DIR/node_modules
    if ! need_module openai && command -v npm >/dev/null 2>&1; then
        (cd "$DIR" && echo '{"private": true}' >package.json && timeout 120 npm install --silent openai@6 playwright-core) >/dev/null 2>&1
    fi
fi
export NODE_PATH
answer=$(cat tests/models/tiny-llama.answer)

# the port of the server just started
port_of()
{
    for i in $(seq 100); do
        p=$(sed -n 's,.*http://[^ ]*:\([0-9]*\)/ answers.*,\1,p' "$DIR/err")
        [ -n "$p" ] && break
        sleep 0.1
    done
    echo "$p"
}

# count LOG: its checks are ours
count()
{
    n_passed=$((n_passed + $(grep -c '^ok ' "$1")))
    n_failed=$((n_failed + $(grep -c '^FAIL ' "$1")))
    cat "$1"
    grep -Eq '^(client|page): [0-9]+ passed, [0-9]+ failed$' "$1" || fail "it ran to its end"
}

if need_module openai; then
    : >"$DIR/err"
    "$B/server" $LLAMA --port 0 --api-key key -c 1024 >"$DIR/log" 2>"$DIR/err" &
    server=$!
    timeout 120 node tests/server/client.mjs "$(port_of)" "$answer" >"$DIR/client.txt" 2>&1
    count "$DIR/client.txt"
    kill $server
    wait $server && pass "the server ends well" || fail "the server ends well" "$(tail -n 3 "$DIR/err")"
else
    skip "OpenAI's client" "no openai in $NODE_PATH, and npm has not brought it"
fi
chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
if [ -n "$chromium" ] && need_module playwright-core; then
    : >"$DIR/err"
    "$B/server" $LLAMA --port 0 -c 65536 --parallel 2 >"$DIR/log" 2>"$DIR/err" &
    server=$!
    CHROMIUM=$chromium timeout 120 node tests/server/page.mjs "$(port_of)" "$DIR" "$answer" >"$DIR/page.txt" 2>&1
    count "$DIR/page.txt"
    kill $server
    wait $server && pass "the server ends well" || fail "the server ends well" "$(tail -n 3 "$DIR/err")"
else
    skip "the page" "no Chromium, or no playwright-core"
fi
finish
