# share.sh -- tests with one object of llmc.h among them; for run.sh, coverage.sh and fuzz/run.sh.

# share_header FOLDER: llmc.h into FOLDER/defined, for the object, and into FOLDER/declared, for the tests.
share_header()
{
    mkdir -p "$1/defined" "$1/declared"
    awk -f tests/share.awk llmc.h >"$1/defined/llmc.h"
    awk -v only=1 -f tests/share.awk llmc.h >"$1/declared/llmc.h"
}

# stands_alone FILE: a test that says more ahead of llmc.h than that it wants all of it. It has none of the object.
stands_alone()
{
    sed '/"..\/llmc.h"/,$d; /LLMC_IMPLEMENTATION/d' "$1" | grep -q '^#'
}
