# rag_tiny.sh -- the model in the box answers from passages that it has never seen, found among others, and says where:
# LEAST in ten at least; without the passages hardly any. N (60) questions; tools/world.c holds them out of training.
. tests/cli/lib.sh

M=examples/tiny.gguf
[ -f $M ] || {
    skip all "no $M (make tiny)"
    finish
}
N=${N:-60}
LEAST=${LEAST:-9}
R=$B/rag
rm -rf "$DIR/docs"
mkdir -p "$DIR/docs"
$B/world --kind articles --split test --count "$N" --seed 41 >"$DIR/articles"
$B/world --kind questions --split test --count "$N" --seed 41 >"$DIR/questions"
awk -v to="$DIR/docs" 'BEGIN { RS = "" } { printf "%s\n", $0 >(to "/" (NR - 1) ".md"); close(to "/" (NR - 1) ".md") }' "$DIR/articles"
good "index $N articles" $R index "$DIR/docs" --words

found=0 right=0 cited=0 alone=0
while IFS= read -r line; do
    question=$(printf '%s' "$line" | sed 's/.*"question": "\([^"]*\)".*/\1/')
    answer=$(printf '%s' "$line" | sed 's/.*"answer": "\([^"]*\)".*/\1/')
    article=${line##*: }
    article=${article%\}}
    $R ask "$DIR/docs" "$question" -m $M --words -q >"$DIR/got" 2>"$DIR/err" </dev/null
    place=$(sed -n "s/^\[\([0-9]*\)\] $article\.md:.*/\1/p" "$DIR/got" | head -n 1)
    [ -n "$place" ] || continue
    found=$((found + 1))
    said=$(head -n 1 "$DIR/got")
    case $said in
    "$answer [$place]") right=$((right + 1)) cited=$((cited + 1)) ;;
    "$answer"*) right=$((right + 1)) ;;
    *) echo "        $question: $said, not $answer [$place]" ;;
    esac
    $B/chat -m $M -p "$question" --temp 0 -n 40 >"$DIR/got" 2>/dev/null </dev/null
    case $(cat "$DIR/got") in
    "$answer"*) alone=$((alone + 1)) ;;
    esac
done <"$DIR/questions"

echo "        of $N: passage found $found, answered right $right, with its source $cited; without passages $alone"
if [ $((found * 10)) -ge $((N * 9)) ]; then pass "passages are found"; else fail "passages found: $found of $N"; fi
if [ $((right * 10)) -ge $((found * LEAST)) ]; then pass "answers from passages"; else fail "answers: $right of $found"; fi
if [ $((cited * 10)) -ge $((found * (LEAST - 1))) ]; then pass "sources are named"; else fail "sources: $cited of $found"; fi
if [ $((alone * 4)) -lt $((right)) ]; then pass "without passages it does not know"; else fail "without passages: $alone"; fi
finish
