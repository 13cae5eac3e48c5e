# What runs on the caller's stack: no function comes to itself again but where a small number bounds how often, and
# the longest chain of calls fits a small thread. From the calls that gcc sees; one through a pointer (a kernel, a
# task, a caller's function) begins another chain, and none of the header's own leads back. build/symbols bounds each
# function by itself.
. tests/build/lib.sh

# A function of the header that may call itself, one a line, and why no input makes it deep. tools/lint wants the
# reason beside the function, too, as "recursion: ...".
allowed='llmc__gr_set_cut' # a counter goes down with each call, from LLMC__GR_FRAMES, which is 2

most=65536 # bytes that the longest chain may take, of a compiler that does not optimise

have gcc || {
    skip all "no gcc"
    finish
}
if ! gcc -O0 -fcallgraph-info=su -c -x c /dev/null -o "$DIR/none.o" 2>/dev/null; then
    skip all "gcc is older than 10"
    finish
fi

# Of "node: { title: "FILE:NAME" label: "...\n16 bytes (static)" }" and "edge: { sourcename: "A" targetname: "B" ...".
# Functions whose callees are all known are known, with the longest chain below them; what is left at the end are
# cycles and what calls them, and, turned around, the cycles alone.
#
# graph FILE: a line "cycle NAME CALLEES" for each function in one, "functions N", "chain BYTES NAMES".
graph()
{
    awk -F '"' -v allowed="$allowed" '
        function name(s) { sub(/.*:/, "", s); return s }
        /^node:/ {
            n = name($2); seen[n] = 1
            if (match($4, /[0-9]+ bytes/)) bytes[n] = substr($4, RSTART) + 0
        }
        /^edge:/ {
            a = name($2); b = name($4)
            if (a == b && index(" " allowed " ", " " a " ")) next
            if (!((a, b) in edge)) { edge[a, b] = 1; calls[a] = calls[a] " " b; by[b] = by[b] " " a; open[a]++; into[b]++ }
        }
        END {
            for (n in seen) { total++; if (!open[n]) queue[++last] = n }
            for (i = 1; i <= last; i++) {
                n = queue[i]; done[n] = 1; chain[n] = bytes[n] + below[n]
                if (chain[n] > chain[deep]) deep = n
                k = split(by[n], w, " ")
                for (j = 1; j <= k; j++) {
                    if (chain[n] > below[w[j]]) { below[w[j]] = chain[n]; next_of[w[j]] = n }
                    if (--open[w[j]] == 0) queue[++last] = w[j]
                }
            }
            last = 0
            for (n in seen) if (!done[n]) { into[n] = 0; k = split(by[n], w, " "); for (j = 1; j <= k; j++) into[n] += !done[w[j]] }
            for (n in seen) if (!done[n] && !into[n]) queue[++last] = n
            for (i = 1; i <= last; i++) {
                n = queue[i]; done[n] = 1; k = split(calls[n], w, " ")
                for (j = 1; j <= k; j++) if (!done[w[j]] && --into[w[j]] == 0) queue[++last] = w[j]
            }
            for (n in seen) if (!done[n]) print "cycle", n calls[n]
            path = deep; for (n = next_of[deep]; n != ""; n = next_of[n]) path = path " " n
            print "functions", total; print "chain", chain[deep], path
        }' "$1"
}

if grep -q '^    LLMC__GR_FRAMES = 2,' llmc.h; then pass "LLMC__GR_FRAMES is 2"; else fail "LLMC__GR_FRAMES is not 2"; fi
try "compiles" gcc -std=c11 -O0 -fcallgraph-info=su -c tests/build/impl.c -o "$DIR/impl.o" || finish
graph "$DIR/impl.ci" >"$DIR/graph"
grep '^cycle' "$DIR/graph" | sort >"$DIR/cycles"
empty "no function calls itself, at any distance, but: $allowed" "$DIR/cycles"
functions=$(sed -n 's/^functions //p' "$DIR/graph")
if [ "${functions:-0}" -gt 2000 ]; then pass "$functions functions seen"; else fail "only ${functions:-no} functions seen"; fi
chain=$(sed -n 's/^chain \([0-9]*\).*/\1/p' "$DIR/graph")
if [ "${chain:-$most}" -lt "$most" ]; then pass "longest chain of calls: $chain bytes"; else fail "longest chain of calls: $chain bytes"; fi
sed -n 's/^chain [0-9]* /        /p' "$DIR/graph" | fold -s -w 110
# That it would be seen.
printf 'int odd(int n);\nint even(int n) { return n == 0 || odd(n - 1); }\nint odd(int n) { return n != 0 && even(n - 1); }\nint main(void) { return even(2); }\n' >"$DIR/cycle.c"
gcc -O0 -fcallgraph-info=su -c "$DIR/cycle.c" -o "$DIR/cycle.o"
if [ "$(graph "$DIR/cycle.ci" | grep -c '^cycle')" = 2 ]; then pass "two functions that call each other are seen"; else fail "two functions that call each other are not seen"; fi
finish
