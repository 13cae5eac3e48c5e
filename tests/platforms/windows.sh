# windows.sh -- what mingw-w64 builds, run under Wine: unit tests of what depends on the system or its calling
# convention, chat.c, whose greedy text is the same as everywhere, what the agent's tools do and refuse, rag.c on a
# folder, and those scripts of tests/cli that ask for nothing of POSIX, the server's among them. No library is named:
# sockets are found at run time. Wine has no PowerShell: powershell.c stands in for it, so that pipes, folders, exit
# codes and job objects are tried, but no line of real PowerShell. Wine makes no links and limits no job's memory.
. tests/platforms/lib.sh
. tests/share.sh

cc=x86_64-w64-mingw32-gcc
part=Windows
WINEDEBUG=-all
WINEPREFIX=$PWD/$DIR/prefix
LC_ALL=C.UTF-8 # how Wine reads the command line
export WINEDEBUG WINEPREFIX LC_ALL

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

# call WANT NAME JSON [OPTION...]: the agent's tool says WANT.
call()
{
    wanted=$1 tool=$2 json=$3
    shift 3
    LIMIT=60 limited wine "$DIR/agent.exe" --root "$R" "$@" --call "$tool" "$json" 2>"$DIR/err" | tr -d '\r' >"$DIR/text"
    same "agent: $tool $json $*" "$DIR/text" "$wanted"
}

# The agent's tools: files below a root that nothing gets out of, and commands that end with all that they began.
agent_tools()
{
    shell=$WINEPREFIX/drive_c/windows/system32/WindowsPowerShell/v1.0
    R=$DIR/root-ü中
    rm -rf "$R"
    mkdir -p "$R/src" "$shell"
    echo notes >"$R/notes.txt"
    echo 'int main(void)' >"$R/src/main.c"
    echo secret >"$DIR/secret"
    call 'notes.txt
src/' list_dir '{}'
    call notes read_file '{"path": "notes.txt"}'
    call 'int main(void)' read_file '{"path": "src\\main.c"}'
    call 'src/main.c:1: int main(void)' search_codebase '{"query": "main"}'
    for path in ../secret 'src\\..\\..\\secret' C:/windows/win.ini c:win.ini '\\\\?\\C:\\windows\\win.ini' /windows/win.ini \
        'src/... /../../secret'; do
        call 'error: the path leaves the folder' read_file "{\"path\": \"$path\"}"
    done
    for path in NUL nul.txt COM1 'CONIN$' notes.txt:x 'notes.txt::$DATA' notes.txt. 'notes.txt '; do
        call 'error: no such file' read_file "{\"path\": \"$path\"}"
    done
    call 'wrote 3 bytes to src/new' write_file '{"path": "src/new", "content": "abc"}' --yes
    same 'the file is there' "$R/src/new" abc
    call 'error: the user did not allow it' write_file '{"path": "new", "content": "abc"}'
    call 'wrote 2 bytes to ü中' write_file '{"path": "ü中", "content": "ab"}' --yes --log "$DIR/ü中.jsonl"
    same 'a name beyond the code page' "$R/ü中" ab
    says 'and a log' "$DIR/ü中.jsonl" 'write_file'
    rm -f "$R/ü中"
    call '42' calculator '{"expression": "12 + 30"}'

    # A powershell.exe that a model could have written is not the one that runs.
    if ! try 'a stand-in for PowerShell builds' $cc -O1 tests/platforms/powershell.c -o "$shell/powershell.exe"; then
        return
    fi
    cp "$DIR/agent.exe" "$R/powershell.exe"
    cp "$DIR/agent.exe" "$DIR/powershell.exe"
    call 'error: the user did not allow it' run_command '{"command": "say:x"}'
    call 'exit code 3
STDOUT:
hi
ü中
root-ü中
STDERR:
no' run_command '{"command": "say:hi say:ü中 where shout:no exit:3"}' --yes
    rm -f "$R/powershell.exe" "$DIR/powershell.exe"
    call 'exit code 0' run_command '{"command": "child:100 orphan:100 wait:1000"}' --yes
    [ -f "$R/alive" ] && pass 'what a command has begun works' || fail 'what a command has begun works'
    rm -f "$R/alive"
    call 'error: timed out after 1 s' run_command '{"command": "child:8000 orphan:8000 wait:9000"}' --yes --timeout 1
    call 'exit code 0' run_command '{"command": "child:8000 orphan:8000 wait:500"}' --yes
    LIMIT=60 limited wine "$DIR/agent.exe" --root "$R" --yes --call run_command '{"command": "child:8000 flood"}' \
        >"$DIR/text" 2>&1
    says 'agent: 20 MB of output are too much' "$DIR/text" '^error: more than 16 MiB of output'
    sleep 10
    [ ! -f "$R/alive" ] && pass 'and ends with it' || fail 'and ends with it'
}

# rag.exe ARGUMENT...: what it says goes into $DIR/text, its report into $DIR/err
rag()
{
    LIMIT=60 limited wine "$DIR/rag.exe" "$@" 2>"$DIR/err" </dev/null | tr -d '\r' >"$DIR/text"
}

# A folder is indexed, changed and searched, and answered from.
retrieval()
{
    D=$DIR/döcs
    rm -rf "$D" "$DIR/vektören.vec"
    mkdir -p "$D/sub" "$D/out"
    printf '# Ferry\nThe ferry to Elmby leaves at nine in the morning.\n\n## Tickets\nA ticket costs four crowns.\n' >"$D/guide.md"
    printf 'int grind_barley(int sacks)\n{\n    return sacks * 2;\n}\n' >"$D/sub/mill.c"
    printf 'out/\n' >"$D/.gitignore"
    echo 'a heron in a folder that is left out' >"$D/out/a.txt"
    rag index "$D" --chars 100
    says 'rag: index' "$DIR/err" '2 files, 2 changed .* 0 gone; 3 passages, 3 new'
    rag index "$D" --chars 100
    says 'nothing is read again' "$DIR/err" '2 files, 0 changed .* 0 new'
    echo 'A kestrel came.' >>"$D/guide.md"
    rag index "$D" --chars 100
    says 'what changed is' "$DIR/err" '2 files, 1 changed'
    rag search "$D" kestrel -k 1
    says 'rag: search' "$DIR/text" '^\[1\] guide.md:4$'
    rag search "$D" 'grind barley' -k 1
    says 'in a folder' "$DIR/text" '^\[1\] sub/mill.c:1$'
    rag index "$D" -e examples/tiny.gguf --index "$DIR/vektören.vec"
    says 'rag: by a model' "$DIR/err" '2 files, 2 changed'
    rag ask "$D" 'When does the ferry leave?' -m examples/tiny.gguf -e examples/tiny.gguf --index "$DIR/vektören.vec" --temp 0
    says 'rag: an answer with its source' "$DIR/text" '^\[1\] .*guide.md'
}

# program FOLDER/NAME: into $DIR/bin, and a script beside it that runs it. Lines end as elsewhere, but for the server's,
# which is stopped by signals: there the script becomes Wine.
program()
{
    exe=$PWD/$DIR/bin/${1#*/}.exe
    try "$1 builds" $cc -O1 -w -DLLMC_IMPLEMENTATION= -include "$DIR/share/declared/llmc.h" "$1.c" "$DIR/llmc.o" -o "$exe" ||
        return
    {
        echo '#!/bin/sh'
        case $1 in
        */server) echo "exec wine '$exe' \"\$@\"" ;;
        *)
            printf '%s\n' 'e=$(mktemp)' "{ wine '$exe' \"\$@\" 2>\$e; echo \$? >\$e.code; } | tr -d '\r'" \
                "tr -d '\r' <\$e >&2" 'code=$(cat $e.code)' 'rm -f $e $e.code' 'exit $code'
            ;;
        esac
    } >"${exe%.exe}"
    chmod +x "${exe%.exe}"
}

# script NAME: tests/cli/NAME.sh by those programs.
script()
{
    BUILD=$DIR/bin OUT=$DIR SERVER_ON=windows LIMIT=600 limited sh "tests/cli/$1.sh" >"$DIR/$1.log" 2>&1
    says "tests/cli/$1.sh" "$DIR/$1.log" '^cli/.*: [1-9][0-9]* passed, 0 failed'
}

# What tests/cli tries here.
scripts()
{
    mkdir -p "$DIR/bin"
    share_header "$DIR/share"
    try 'the header as an object' $cc -O1 -w -DLLMC_IMPLEMENTATION -x c -c "$DIR/share/defined/llmc.h" -o "$DIR/llmc.o" || return
    for p in examples/chat examples/server examples/train tools/bench tools/inspect tools/perplexity tools/quantize \
        tools/score tools/tokenizer; do
        program $p
    done
    for s in chat_plain draft quantize score session stories tiny train_lora server_abuse server_answers server_api \
        server_curl server_lora server_schema server_slow; do
        script $s
    done
    rm -rf "$DIR/bin" "$DIR/share" "$DIR/llmc.o"
}

if want 'gcc-mingw-w64-x86-64 wine wine64 python3' $cc wine python3; then
    LIMIT=300 limited wine wineboot -i >"$DIR/boot" 2>&1 </dev/null
    for t in kernel os engine train index; do
        unit $t
    done
    if try 'chat builds' $cc -O1 examples/chat.c -o "$DIR/chat.exe"; then
        tells "$(cat tests/models/tiny-llama.greedy)" -m tests/models/tiny-llama.gguf -p 'Once upon' -n 64 --raw
        tells '12 + 30 = 42.' -m examples/tiny.gguf -p 'What is 12 + 30?' -n 30
    fi
    if try 'agent builds' $cc -O1 examples/agent.c -o "$DIR/agent.exe"; then
        agent_tools
    fi
    if try 'rag builds' $cc -O1 examples/rag.c -o "$DIR/rag.exe"; then
        retrieval
    fi
    scripts
    LIMIT=60 limited wineserver -k >/dev/null 2>&1
    rm -rf "$WINEPREFIX"
fi
finish
