#!/bin/sh
# format.sh [-i | -a]: does every C file look as .clang-format says? -i makes those lines so that differ from the
# last commit (all of llmc.h takes half a minute), -a all.
# Only version 14 is asked: others lay a few things out differently.
files=$(ls llmc.h examples/*.c tools/*.c tools/*.h tests/*.c tests/*.h tests/build/*.c tests/build/*.cpp tests/fuzz/*.c 2>/dev/null)
for tool in clang-format-14 clang-format; do
    if command -v $tool >/dev/null 2>&1 && $tool --version | grep -q 'version 14\.'; then
        case $1 in
        -i)
            diff=$(echo $tool | sed 's/clang-format/clang-format-diff/')
            if command -v "$diff" >/dev/null 2>&1 && git rev-parse HEAD >/dev/null 2>&1; then
                for f in $(git ls-files -o --exclude-standard -- $files); do $tool -i "$f"; done
                git diff -U0 HEAD -- $files | $diff -p1 -i && git diff -U0 HEAD -- $files | exec $diff -p1 -i
                exit
            fi
            ;;
        esac
        case $1 in
        -i | -a) $tool -i $files && exec $tool -i $files ;; # long macros settle at the second pass
        esac
        exec $tool --dry-run -Werror --ferror-limit=5 $files
    fi
done
echo "skipped formatting: no clang-format 14"
