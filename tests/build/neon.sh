# What the inner loops of the NEON kernels cost, as compiled: instructions for each byte of weights of the
# kernels that decode, which are to read them as fast as memory can; for each 1024 products of those that prefill,
# eight rows by four columns by 32. Registers hardly go to memory meanwhile: a tenth of the instructions at
# most may be accesses of the stack. Counts are printed, and held below a bound, so that a kernel that a compiler no longer
# takes well is seen. Bounds are the larger of gcc 12's and clang 14's plus a tenth.
. tests/build/lib.sh

have aarch64-linux-gnu-objdump || {
    skip "all" "no aarch64-linux-gnu-objdump"
    finish
}

cat >"$DIR/kernels.c" <<'EOF'
#define LLMC_STATIC
#define LLMC_IMPLEMENTATION
#include "llmc.h"
const void *const sets[] = {&llmc__neon_kernels, &llmc__neondot_kernels, &llmc__neonmm_kernels};
EOF

# inner OBJECT: lines "function instructions stack-accesses" of each function's first innermost loop of note
inner()
{
    aarch64-linux-gnu-objdump -d --no-show-raw-insn "$1" | awk '
        function report(  i, j, best, from, stack, inside) {
            for (i = 0; i < loops; i++) {
                inside = 0
                for (j = 0; j < loops; j++)
                    if (j != i && first[j] >= first[i] && last[j] <= last[i]) inside = 1
                if (!inside && last[i] - first[i] >= 19 && (!best || first[i] < from)) {
                    best = last[i] - first[i] + 1; from = first[i]
                }
            }
            for (i = from; i < from + best; i++) stack += text[i] ~ /\[sp/
            if (best) print name, best, stack + 0
        }
        /^[0-9a-f]+ <.*>:$/ { report(); name = substr($2, 2, length($2) - 3); n = loops = 0; delete at; next }
        /^ *[0-9a-f]+:/ {
            address = $1; sub(":", "", address); at[address] = n; text[n] = $0
            for (i = 3; i <= NF; i++)
                if ($2 ~ /^(b\..*|cbn?z|tbn?z)$/ && $i ~ /^[0-9a-f]+$/ && $(i + 1) ~ /^</ && ($i in at)) {
                    first[loops] = at[$i]; last[loops++] = n
                }
            n++
        }
        END { report() }'
}

# line FUNCTION BYTES MOST: at most MOST hundredths of an instruction a byte
# tile FUNCTION PRODUCTS MOST: at most MOST instructions for 1024 products
line() { one "$1" "$2" "$3" 100 "hundredths of an instruction a byte"; }
tile() { one "$1" "$2" "$3" 1024 "instructions for 1024 products"; }
one()
{
    set -- "$@" $(awk -v f="llmc__$1" '$1 == f { print $2, $3 }' "$DIR/loops")
    if [ $# -lt 7 ]; then
        fail "$compiler: no loop in $1"
    elif [ $(($7 * 10)) -gt "$6" ]; then
        fail "$compiler: $1 goes to the stack $7 times"
    elif [ $(($6 * $4 / $2)) -gt "$3" ]; then
        fail "$compiler: $1 takes $(($6 * $4 / $2)) $5, not $3"
    else
        pass "$compiler: $1: $6, $(($6 * $4 / $2)) $5"
    fi
}

# counts COMPILER...: all of them
counts()
{
    compiler=$1
    try "$1 compiles" "$@" -O2 -I. -c "$DIR/kernels.c" -o "$DIR/kernels.o" || return
    inner "$DIR/kernels.o" >"$DIR/loops"
    # type, bytes of a unit, hundredths by neon and by neondot
    for t in q8_0:272:49:39 q4_0:144:97:81 q4_k:144:103:95 q5_k:176:117:106 q6_k:210:100:93 q2_k:84:208:187 \
        q3_k:110:214:209 iq4_xs:136:129:104 mxfp4:136:126:110; do
        rest=${t#*:}
        bytes=${rest%%:*}
        rest=${rest#*:}
        line "neon_line_${t%%:*}" "$bytes" "${rest%:*}"
        line "neondot_line_${t%%:*}" "$bytes" "${rest#*:}"
    done
    tile neon_block_s0 128 291
    tile neon_block_u0 128 256
    tile neon_block_h0 64 370
    for t in s0:141:116 u1:172:146 h0:183:162 n1:295:278; do
        rest=${t#*:}
        tile "neondot_block_${t%%:*}" 1024 "${rest%:*}"
        tile "neonmm_block_${t%%:*}" 1024 "${rest#*:}"
    done
}

have aarch64-linux-gnu-gcc && counts aarch64-linux-gnu-gcc
have clang && counts clang --target=aarch64-linux-gnu
finish
