# hostile.sh -- every file and folder of tests/hostile through the programs: refused with one line,
# or read; never a signal. (What the loader does with them in memory: tests/test_hostile.c.)
. tests/cli/lib.sh

# named FILE: the message names the file, or one of the folder's.
named()
{
    grep -q -F -e "$1" "$DIR/err" && return
    folder=tests/hostile/${1%%/*}
    [ -d "$folder" ] || return
    for f in "$folder"/*; do
        grep -q -F -e "${f##*/}" "$DIR/err" && return
    done
    return 1
}

# one FILE VERDICT WHAT PROGRAM...
one()
{
    file=$1 verdict=$2 what=$3
    shift 3
    tool=${1##*/}
    "$@" "tests/hostile/$file" >"$DIR/out" 2>"$DIR/err" </dev/null
    code=$?
    lines=$(wc -l <"$DIR/err")
    if [ $code -gt 1 ]; then
        fail "$tool $file ($what)" "exit code $code: $(head -n 1 "$DIR/err")"
    elif [ $code -eq 1 ] && [ "$lines" -ne 1 ]; then
        fail "$tool $file ($what)" "$lines lines on stderr"
    elif [ $code -eq 1 ] && ! named "$file"; then
        fail "$tool $file ($what)" "the message does not name the file: $(cat "$DIR/err")"
    elif [ $code -eq 0 ] && [ "$tool" = chat ] && [ "$verdict" != good ] && [ "$verdict" != any ]; then
        fail "$tool $file ($what)" "was not refused"
    elif [ $code -ne 0 ] && [ "$verdict" = good ]; then
        fail "$tool $file ($what)" "$(cat "$DIR/err")"
    else
        pass "$tool $file"
    fi
}

while read -r file verdict what; do
    case $file in
    '#'*) continue ;;
    esac
    one "$file" "$verdict" "$what" "$B"/inspect --tensors
    one "$file" "$verdict" "$what" "$B"/tokenizer encode hello -m
    one "$file" "$verdict" "$what" "$B"/chat --raw -p a -n 2 -m
done <tests/hostile/list.txt

# What is made up of bytes by hand: weights, with a tokenizer or without.
while read -r file verdict what; do
    case $file in
    '#'*) continue ;;
    esac
    one "$file" "$verdict" "$what" "$B"/inspect --tensors
done <tests/hostile/loaders.txt
finish
