# Constant tables that a program in tools/ printed are still what it prints.
. tests/build/lib.sh

if [ ! -f tools/unicode.c ]; then
    skip "Unicode classes" "no tools/unicode.c"
elif [ ! -f /usr/share/unicode/UnicodeData.txt ] && [ -z "$UNICODE_DATA" ]; then
    skip "Unicode classes" "no UnicodeData.txt (unicode-data)"
else
    try "unicode compiles" $CC -O1 tools/unicode.c -o "$DIR/unicode" && try "Unicode classes" "$DIR/unicode" check
fi
finish
