# wasm.sh -- examples/web: the engine as WebAssembly, without a C library; in Node, and its page in Chromium.
# NODE_PATH names a node_modules folder with playwright-core; else npm is asked for it.
. tests/platforms/lib.sh

part=WebAssembly
want 'clang, lld' clang wasm-ld || finish
W=$DIR/web
try "examples/web/build.sh" sh examples/web/build.sh "$W" || finish
[ -f "$W/llmc-simd.wasm" ] || skip "vectors" "no SIMDe (libsimde-dev)"
ls -l "$W"/*.wasm | awk '{ print "        " $NF ": " $5 " bytes" }'

# count LOG NAME: its checks are ours
count()
{
    n_passed=$((n_passed + $(grep -c '^ok ' "$1")))
    n_failed=$((n_failed + $(grep -c '^FAIL ' "$1")))
    cat "$1"
    grep -Eq "^$2: [0-9]+ passed, [0-9]+ failed$" "$1" || fail "$2 runs to its end"
}

want nodejs node || finish
model=tests/models/tiny-llama.gguf
answer=$(cat tests/models/tiny-llama.answer)
speed=$model native=
[ -f examples/tiny.gguf ] && speed=examples/tiny.gguf
[ -x build/bench ] && native=$(build/bench -m $speed -p 8 -n 64 -t 1 -o json 2>/dev/null | sed -n 's/.*"decode_tps": *\([0-9.]*\).*/\1/p')
LIMIT=300 limited node tests/platforms/wasm.mjs "$W" $model 'Once upon' "$(cat tests/models/tiny-llama.greedy)" hello "$answer" $speed $native >"$DIR/node.txt" 2>&1
count "$DIR/node.txt" wasm

if [ -z "$NODE_PATH" ]; then
    NODE_PATH=$PWD/$DIR/node_modules
    [ -d "$NODE_PATH/playwright-core" ] || ! have npm ||
        (cd "$DIR" && echo '{"private": true}' >package.json && limited npm install --silent playwright-core) >/dev/null 2>&1
fi
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
export NODE_PATH CHROMIUM
if [ -z "$CHROMIUM" ] || ! [ -d "$NODE_PATH/playwright-core" ] || ! have python3; then
    skip "the page in a browser" "no chromium, no playwright-core from npm, or no python3"
    finish
fi
cp $model "$W/tiny.gguf" # a model that answers, under the name that the page asks for
python3 -u -m http.server -b 127.0.0.1 -d "$W" 0 >"$DIR/http.txt" 2>&1 &
server=$!
port=
for i in $(seq 300); do
    port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' "$DIR/http.txt")
    [ -n "$port" ] && break
    sleep 0.1
done
LIMIT=300 limited node tests/platforms/page.mjs "$port" hello "$answer" $model >"$DIR/page.txt" 2>&1
count "$DIR/page.txt" page
kill $server
wait $server 2>/dev/null
finish
