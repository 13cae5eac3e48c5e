#!/bin/sh
# format.sh [-i]: does every C file look as .clang-format says? -i makes it so.
# Only version 14 is asked: others lay a few things out differently.
files=$(ls llmc.h examples/*.c examples/*.h tools/*.c tools/*.h tests/*.c tests/*.h tests/build/*.c tests/build/*.cpp tests/fuzz/*.c tests/platforms/*.c examples/web/*.c 2>/dev/null)
for tool in clang-format-14 clang-format; do
    if command -v $tool >/dev/null 2>&1 && $tool --version | grep -q 'version 14\.'; then
        if [ "$1" = -i ]; then
            $tool -i $files && exec $tool -i $files # long macros settle at the second pass
        fi
        exec $tool --dry-run -Werror --ferror-limit=5 $files
    fi
done
echo "skipped formatting: no clang-format 14"
