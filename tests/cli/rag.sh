# rag.sh -- a folder is indexed, changed, searched, and answered from; the index beside FAISS, where that is.
. tests/cli/lib.sh

D=$DIR/docs
rm -rf "$D"
mkdir -p "$D/sub/deep" "$D/out" "$D/.hidden"
cat >"$D/guide.md" <<'END'
# Ferry
The ferry to Elmby leaves at nine in the morning.

## Tickets
A ticket for the ferry costs four crowns. Children travel free.

# Mill
The mill at Torvald grinds barley on Mondays.
END
printf 'int grind_barley(int sacks)\n{\n    return sacks * 2;\n}\n' >"$D/sub/mill.c"
printf '<html><head><style>b{x:y}</style><title>Lamp</title></head><body><p>The <b>lighthouse</b> keeper &amp; his cat&#33;<script>var ferry="<p>";</script><p>They sleep by day.</body>' >"$D/page.html"
printf 'out/\n*.log\n!keep.log\n/sub/deep/*.txt\n' >"$D/.gitignore"
echo 'a heron in a folder that is left out' >"$D/out/a.txt"
echo 'a heron in a log' >"$D/x.log"
echo 'a heron in a log that is kept' >"$D/keep.log"
echo 'a heron too deep' >"$D/sub/deep/b.txt"
echo 'a heron deep enough' >"$D/sub/deep/c.md"
echo 'a hidden heron' >"$D/.hidden/d.txt"
ln -sf ../guide.md "$D/sub/link.md"
printf 'heron\0heron' >"$D/binary.txt"

R=$B/rag
# By words alone: no model.
good "index without a model" $R index "$D" --chars 100
says "what it read" "$DIR/err" '6 files, 5 changed'
good "the second time" $R index "$D"
says "nothing is read" "$DIR/err" '0 changed .* 0 new'
good "search" $R search "$D" "what does a ticket cost"
says "file and line" "$DIR/out" '^\[1\] guide.md:4$'
says "the passage" "$DIR/out" 'four crowns'
good "search code" $R search "$D" 'grind barley sacks' -k 1
says "words in names" "$DIR/out" 'sub/mill.c:1'
good "search HTML" $R search "$D" 'lighthouse'
says "HTML's text" "$DIR/out" 'The lighthouse keeper & his cat!'
good "search what is ignored" $R search "$D" heron -k 50
n=$(grep -c '^\[' "$DIR/out")
if [ "$n" = 2 ]; then pass ".gitignore, links, hidden and binary files"; else fail ".gitignore: $n places with a heron" "$(cat "$DIR/out")"; fi
says "but not what is kept" "$DIR/out" 'keep.log'
bad 1 'nothing fits' "nothing found" $R search "$D" zyzzyva

# With a model's vectors.
rm -rf "$DIR/v" "$DIR"/*.vec
cp -r "$D" "$DIR/v"
rm -f "$DIR/v/.rag.vec"
good "index with a model" $R index "$DIR/v" -e $LLAMA --index "$DIR/v.vec"
good "again" $R index "$DIR/v" -e $LLAMA --index "$DIR/v.vec"
says "nothing is read" "$DIR/err" '0 changed .* 0 new'
echo 'A kestrel came.' >>"$DIR/v/keep.log"
rm "$DIR/v/sub/mill.c"
good "after changes" $R index "$DIR/v" -e $LLAMA --index "$DIR/v.vec"
says "one changed, one gone" "$DIR/err" '5 files, 1 changed .* 1 gone'
touch "$DIR/v/guide.md"
good "after a touch" $R index "$DIR/v" -e $LLAMA --index "$DIR/v.vec"
says "nothing is new" "$DIR/err" ' 0 new'
good "hybrid search" $R search "$DIR/v" kestrel -e $LLAMA --index "$DIR/v.vec"
says "the new text" "$DIR/out" '^\[1\] keep.log'
good "by vectors alone" $R search "$DIR/v" 'The mill at Torvald grinds barley on Mondays.' -e $LLAMA --index "$DIR/v.vec" --vectors
good "gone files" $R search "$DIR/v" 'grind_barley sacks' --words --index "$DIR/v.vec"
if grep -q mill.c "$DIR/out"; then fail "mill.c is still there"; else pass "mill.c has gone"; fi
bad 1 'another embedder' "another embedder" $R search "$DIR/v" x -e $GPT2 --index "$DIR/v.vec"

# An end that was cut off costs nothing but what was not finished.
cp "$DIR/v.vec" "$DIR/torn.vec"
head -c 100 "$DIR/v.vec" >>"$DIR/torn.vec"
good "a torn index" $R index "$DIR/v" -e $LLAMA --index "$DIR/torn.vec"
says "is whole again" "$DIR/err" '0 changed .* 0 new'
head -c 30 /dev/urandom >"$DIR/bad.vec"
bad 1 'not an index' "no index" $R search "$DIR/v" x --index "$DIR/bad.vec"

# What a model is told: every sentence with the heading that it stands under before it, and the number of its source
# behind it; a text of no sentences as a whole. A heading that is long stands but once.
rm -rf "$DIR/cited"
mkdir -p "$DIR/cited"
printf 'Dr. Wim said "no!" He left (at 3.5 km?). End' >"$DIR/cited/a.txt"
good "index for prompts" $R index "$DIR/cited" --words
good "prompt" $R prompt "$DIR/cited" 'What did Wim say?' --words
printf '%s\n' 'Answer from these sources and cite them like [1].' '' \
    '[1] Dr. [1] Wim said "no!" [1] He left (at 3.5 km?). [1] End [1]' '' 'Question: What did Wim say?' >"$DIR/want"
if cmp -s "$DIR/out" "$DIR/want"; then pass "its form"; else fail "its form" "$(cat "$DIR/out")"; fi
rm "$DIR/cited/a.txt"
printf '# Wim #\nHe left the mill. "Why?" he said\n' >"$DIR/cited/a.md"
printf '## What is known of the mill that Wim has left\nIt is old. It is tall.\n' >"$DIR/cited/b.md"
good "index for headings" $R index "$DIR/cited" --words
good "prompt of two headings" $R prompt "$DIR/cited" 'Why has he left, Wim?' --words
printf '%s\n' 'Answer from these sources and cite them like [1].' '' \
    '[1] Wim: He left the mill. [1] Wim: "Why?" [1] Wim: he said [1]' \
    '[2] What is known of the mill that Wim has left: It is old. [2] It is tall. [2]' '' \
    'Question: Why has he left, Wim?' >"$DIR/want"
if cmp -s "$DIR/out" "$DIR/want"; then pass "headings before sentences"; else fail "headings before sentences" "$(cat "$DIR/out")"; fi
rm "$DIR"/cited/*.md
printf '# not a heading\nx = 1\n' >"$DIR/cited/a.py"
good "index for code" $R index "$DIR/cited" --words
good "prompt of code" $R prompt "$DIR/cited" 'heading?' --words
says "a comment is no heading" "$DIR/out" '^\[1\] # not a heading x = 1 \[1\]$'
bad 2 'question is needed' "prompt without a question" $R prompt "$DIR/cited"

# Answers: random numbers say what they say, but sources are named.
good "ask" $R ask "$DIR/v" 'When does the ferry leave?' -m $LLAMA --index "$DIR/v.vec" -n 8
says "sources" "$DIR/out" '^\[1\] guide.md'
echo 'ferry?' >"$DIR/questions"
if $R chat "$DIR/v" -m $LLAMA --index "$DIR/v.vec" -n 8 <"$DIR/questions" >"$DIR/out" 2>"$DIR/err"; then pass "chat"; else fail "chat" "$(head -n 1 "$DIR/err")"; fi
says "its sources" "$DIR/out" '^\[1\] guide.md'

bad 2 'what to do' "no command" $R
bad 2 'not a command' "a wrong command" $R find "$D"
bad 2 'question is needed' "no question" $R ask "$D" -m $LLAMA
bad 2 'MODEL is needed' "no model" $R ask "$D" x
bad 2 'whole number' "a wrong number" $R search "$D" x -k many
bad 2 'exclude' "words and vectors" $R search "$D" x --words --vectors
bad 1 'no such' "no folder" $R index "$DIR/nowhere"
bad 1 'no such' "no index there" $R search "$DIR" x

if /usr/bin/python3 -c 'import faiss' 2>/dev/null; then
    good "bench_index compiles" ${CC:-cc} -O2 tests/bench_index.c -o "$DIR/bench_index"
    good "the same results and bytes as FAISS" /usr/bin/python3 tests/compat/faiss_flat.py "$DIR/bench_index" "$DIR" 20000 96 2
else
    skip "FAISS" "no python3-faiss"
fi
finish
