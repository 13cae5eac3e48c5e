# hostile.sh -- every file of tests/hostile through the programs: refused with one line, or
# read; never a signal. (What the loader does with them in memory: tests/test_hostile.c.)
. tests/cli/lib.sh

while read -r file verdict what; do
    case $file in
    '#'*) continue ;;
    esac
    for tool in "inspect --tensors" "tokenizer encode hello -m" "chat --raw -p a -n 2 -m"; do
        "$B"/$tool "tests/hostile/$file" >"$DIR/out" 2>"$DIR/err" </dev/null
        code=$?
        lines=$(wc -l <"$DIR/err")
        if [ $code -gt 1 ]; then
            fail "${tool%% *} $file ($what)" "exit code $code: $(head -n 1 "$DIR/err")"
        elif [ $code -eq 1 ] && [ "$lines" -ne 1 ]; then
            fail "${tool%% *} $file ($what)" "$lines lines on stderr"
        elif [ $code -eq 1 ] && ! grep -q "$file" "$DIR/err"; then
            fail "${tool%% *} $file ($what)" "the message does not name the file: $(cat "$DIR/err")"
        elif [ $code -eq 0 ] && [ "$verdict" = bad ] && [ "${tool%% *}" = chat ]; then
            fail "${tool%% *} $file ($what)" "was not refused"
        elif [ $code -ne 0 ] && [ "$verdict" = good ]; then
            fail "${tool%% *} $file ($what)" "$(cat "$DIR/err")"
        else
            pass "${tool%% *} $file"
        fi
    done
done <tests/hostile/list.txt
finish
