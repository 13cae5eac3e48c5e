# share.awk -- llmc.h for tests that share one object of it: what is static is not. From `awk -f` come, of llmc.h,
#   (nothing)   the text of the object: functions that are "static" are not any more
#   -v only=1   the text that tests include: of all these functions the declarations only
#   -v only=1 -v "but=03|13"   the same, but sections 03 and 13 whole
# Lines keep their numbers. Kernels, inline functions and tables stay static, in the object and in a test that uses
# them. The header's own way to be laid out is what this goes by (tests/format.sh holds it): a function begins in the
# first column, its braces stand alone there.
function flush(i)
{
    for (i = 1; i <= n; i++)
        print held[i]
    n = 0
}

/^\/\/==\[ [0-9][0-9] / { section = $2 }
n == 0 && /^(LLMC__UNUSED )?(static|LLMC_API) / && !/ inline / && !/\\$/ { open = 1 }
!open { print; next }
body { # of a function that is only declared
    print ""
    if (substr($0, 1, 1) == "}")
        body = open = 0
    next
}
$0 == "{" && n > 0 && held[n] ~ /\)$/ { # a definition
    sub(/static /, "", held[1])
    flush()
    body = only && section !~ "^(" but ")$"
    open = body
    print body ? ";" : "{"
    next
}
{
    held[++n] = $0
    if (/^#/ || /[{}]$/ || /^$/) { # a table, or something else
        flush()
        open = 0
    } else if (/;$/) { # a declaration, or an array
        whole = ""
        for (i = 1; i <= n; i++)
            whole = whole held[i]
        if (whole ~ /static [^=]*\);$/)
            sub(/static /, "", held[1])
        flush()
        open = 0
    }
}
