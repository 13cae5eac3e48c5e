# agent.sh -- the whole loop with tiny.gguf: it lists, reads, answers from what it has read, computes, writes,
# and stays below its root. Skipped until examples/tiny.gguf is there (MODEL=FILE tries another).
. tests/cli/lib.sh

A=$B/agent
MODEL=${MODEL:-examples/tiny.gguf}
R=$DIR/root

bad 1 'context only 256' "a conversation that does not fit" "$A" -m $LLAMA -p hello --root "$DIR"
bad 1 'no chat template' "a model without a template" "$A" -m $GPT2 -p hello
printf '' >"$DIR/empty"
bad 1 'task is empty' "an empty task" "$A" -m $LLAMA -f "$DIR/empty"

if [ ! -f "$MODEL" ]; then
    skip "tiny.gguf's tasks" "no $MODEL"
    finish
fi
rm -rf "$R" "$DIR/log"
mkdir -p "$R/docs" "$DIR/beside"
echo "Telvi lives in Elmby. Her pet is a cat." >"$R/notes.txt"
echo "red green blue" >"$R/list.txt"
echo "one" >"$R/docs/plan.txt"
echo TOPSECRET >"$DIR/beside/data.txt"

# task PATTERN CALL TASK [OPTION...]: the answer matches PATTERN, and the log has a call that matches CALL.
task()
{
    pattern=$1
    wanted=$2
    words=$3
    shift 3
    rm -f "$DIR/log"
    if ! timeout 120 "$A" -m "$MODEL" "$words" --root "$R" --log "$DIR/log" --temp 0 "$@" >"$DIR/out" 2>"$DIR/err" </dev/null; then
        fail "$words" "exit code $?: $(tail -n 1 "$DIR/err")"
    elif ! grep -Eq -e "$wanted" "$DIR/log"; then
        fail "$words" "no such call: $(grep '"call"' "$DIR/log" | head -n 2)"
    elif ! grep -Eq -e "$pattern" "$DIR/out"; then
        fail "$words" "it says: $(head -n 2 "$DIR/out")"
    else
        pass "$words $(head -n 1 "$DIR/out" | cut -c 1-60)"
    fi
}

task 'docs/.*list.txt.*notes.txt' '"list_dir","arguments":[{]"path": "[.]"' "List the files here."
task 'plan.txt' '"list_dir","arguments":[{]"path": "docs"' "List the folder docs."
task 'red green blue' '"read_file","arguments":[{]"path": "list.txt"' "What is in list.txt?"
task 'Elmby' '"read_file","arguments":[{]"path": "notes.txt"' "Where does Telvi live? Look in notes.txt."
task '= 32[.]' '"calculator","arguments":[{]"expression": "864 / 27"' "What is 864 / 27?"
task 'path leaves the folder' '"read_file".*leaves the folder' "Read ../beside/data.txt."
task 'no such file' '"read_file".*no such file' "Read plan.txt."
task 'wrote it' '"write_file".*wrote' 'Write "red house" to new.txt.' --yes
case $(cat "$R"/*new.txt 2>/dev/null) in # whatever else this small a model puts into a name
"red house") pass "the file is there" ;;
*) fail "the file is there" "$(ls "$R")" ;;
esac
task 'did not allow' '"run_command".*"nobody asked"' "Run the command ls."
task 'red green blue' '"run_command".*exit code 0' "Run the command cat list.txt." --allow 'cat *' --timeout 60
# What does not fit is said, and the task goes on.
awk 'BEGIN { for (i = 0; i < 400; i++) print "river apple stone" }' >"$R/story.txt"
"$A" -m "$MODEL" "What is in story.txt?" --root "$R" --tools read_file,list_dir --max-tokens 200 >"$DIR/out" 2>"$DIR/err" </dev/null
if grep -q '^read_file' "$DIR/err"; then
    says "a result longer than the context is cut" "$DIR/err" 'too long for the context: [0-9]+ bytes'
else
    skip "a result longer than the context" "the model did not read the file"
fi
if grep -q TOPSECRET "$DIR/log" "$DIR/out"; then fail "nothing from outside was read"; else pass "nothing from outside was read"; fi
"$A" -m "$MODEL" "What is 864 / 27?" --root "$R" --max-tokens 3 >"$DIR/out" 2>"$DIR/err" </dev/null
code=$?
if [ $code -eq 3 ] && grep -q 'budget of 3 tokens' "$DIR/err"; then pass "the budget of tokens"; else fail "the budget of tokens" "exit code $code"; fi

# Other families' rules can be made of the same tools, and do no harm to a model that does not write so.
for f in llama3 mistral gpt-oss qwen3-coder deepseek claude-rust; do
    good "--tool-format $f" "$A" -m "$MODEL" "Hello" --root "$R" --tool-format $f
done

# Without the rules, the same: they never change what a model that knows its tools says.
"$A" -m "$MODEL" "What is 864 / 27?" --root "$R" --free >"$DIR/free" 2>/dev/null </dev/null
"$A" -m "$MODEL" "What is 864 / 27?" --root "$R" >"$DIR/out" 2>/dev/null </dev/null
same "bound and free say the same" "$DIR/out" "$(cat "$DIR/free")"
finish
