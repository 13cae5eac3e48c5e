# schema.sh -- random JSON schemas: what the library generates under them, against python3-jsonschema.
. tests/cli/lib.sh

PYTHON=/usr/bin/python3
if ! $PYTHON -c 'import jsonschema' 2>/dev/null; then
    skip "random schemas" "no python3-jsonschema"
    finish
fi
if ! ${CC:-cc} -O2 tests/cli/schema_driver.c -o "$DIR/driver" 2>"$DIR/err"; then
    fail "schema_driver.c compiles" "$(head -n 3 "$DIR/err")"
    finish
fi
MODEL=$LLAMA
if [ -x "$B/synth" ] && "$B/synth" llama-tiny "$DIR/random.gguf" F32 >"$DIR/out" 2>&1; then
    MODEL=$DIR/random.gguf
fi

# check LABEL OPTION...: schema.py is content. Its last line says what it did, and with which seed.
check()
{
    label=$1
    shift
    if $PYTHON tests/vectors/schema.py "$DIR/driver" "$@" >"$DIR/out" 2>"$DIR/err"; then
        pass "$label"
    else
        fail "$label" "$(head -n 3 "$DIR/out")"
    fi
    tail -n 1 "$DIR/out"
}

check "1000 schemas, compact" -n 1000 -k 8 --seed 1 --model "$MODEL"
check "with blanks" -n 200 -k 8 --seed 2 --space 1
check "with lines" -n 200 -k 8 --seed 3 --space 2
check "open objects" -n 200 -k 8 --seed 4 --open
finish
