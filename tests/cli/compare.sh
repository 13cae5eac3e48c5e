# compare.sh -- ids against other implementations where these are installed: what test_compare.c skips without them.
# tiktoken: node, and COMPAT_NODE, LLAMA_CPP_NODE or NODE_PATH naming a node_modules folder; SentencePiece: python3-sentencepiece.
. tests/cli/lib.sh
PYTHON=/usr/bin/python3
ranks=$DIR/ranks

if command -v node >/dev/null 2>&1 && node tests/compat/tiktoken.mjs ranks "$ranks" >"$DIR/out" 2>&1; then
    pass "tiktoken's rank files"
    export LLMC_TIKTOKEN="$ranks"
else
    skip "tiktoken" "$(head -n 1 "$DIR/out" 2>/dev/null | grep . || echo no node)"
fi
if $PYTHON -c 'import sentencepiece, regex' 2>/dev/null; then
    rm -rf "$DIR/copy"
    mkdir -p "$DIR/copy"
    cp -r tests "$DIR/copy/"
    if (cd "$DIR/copy" && $PYTHON tests/vectors/sentencepieces.py train) >"$DIR/out" 2>&1; then
        pass "SentencePiece's models"
        export LARGE="$DIR/copy/build/test/large"
    else
        fail "SentencePiece's models" "$(tail -n 1 "$DIR/out")"
    fi
else
    skip "SentencePiece's larger models" "no python3-sentencepiece, python3-regex"
fi
if [ -n "$LLMC_TIKTOKEN$LARGE" ]; then
    if ${CC:-cc} -O2 tests/test_compare.c -o "$DIR/test_compare" 2>"$DIR/err" && "$DIR/test_compare" >"$DIR/out" 2>&1; then
        pass "ids"
    else
        fail "ids" "$(tail -n 1 "$DIR/out")"
        grep -a '^tests/' "$DIR/out" | head -n 20
    fi
fi
finish
