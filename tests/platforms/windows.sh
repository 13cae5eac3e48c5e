# windows.sh -- what mingw-w64 builds, run under Wine: unit tests of what depends on the system or its calling
# convention, and chat.c, whose greedy text is the same as everywhere. No library is named: sockets are found at run time.
. tests/platforms/lib.sh

cc=x86_64-w64-mingw32-gcc
part=Windows
WINEDEBUG=-all
WINEPREFIX=$PWD/$DIR/prefix
export WINEDEBUG WINEPREFIX

# unit NAME: tests/test_NAME.c says how many of its tests failed
unit()
{
    try "$1 builds" $cc -O1 -I. "tests/test_$1.c" -o "$DIR/$1.exe" || return
    LIMIT=300 limited wine "$DIR/$1.exe" >"$DIR/$1.log" 2>&1 </dev/null
    tr -d '\r' <"$DIR/$1.log" >"$DIR/text"
    says "$1 runs" "$DIR/text" '[1-9][0-9]* passed, 0 failed$'
    rm -f "$DIR/$1.exe"
}

# tells FILE ARGUMENT...: chat's greedy text is FILE's
tells()
{
    text=$1
    shift
    LIMIT=300 limited wine "$DIR/chat.exe" "$@" --temp 0 -t 2 2>"$DIR/err" </dev/null | tr -d '\r' >"$DIR/text"
    same "chat: $*" "$DIR/text" "$text"
}

if want 'gcc-mingw-w64-x86-64 wine wine64' $cc wine; then
    LIMIT=300 limited wine wineboot -i >"$DIR/boot" 2>&1 </dev/null
    for t in kernel os engine train; do
        unit $t
    done
    if try 'chat builds' $cc -O1 examples/chat.c -o "$DIR/chat.exe"; then
        tells "$(cat tests/models/tiny-llama.greedy)" -m tests/models/tiny-llama.gguf -p 'Once upon' -n 64 --raw
        tells '12 + 30 = 42.' -m examples/tiny.gguf -p 'What is 12 + 30?' -n 30
    fi
    LIMIT=60 limited wineserver -k >/dev/null 2>&1
    rm -rf "$WINEPREFIX"
fi
finish
