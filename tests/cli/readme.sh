# readme.sh -- what README.md says is there is there (readme.py), and readme.py finds what it is there to find: the
# README with one mistake planted at a time.
. tests/cli/lib.sh
if ! command -v python3 >/dev/null 2>&1; then
    skip "the README" "no python3"
    finish
fi
good "the README" python3 tests/cli/readme.py README.md "$B" || cat "$DIR/out"

# plant LABEL SED-SCRIPT PATTERN: readme.py must say PATTERN of the changed README.
plant()
{
    sed -e "$2" README.md >"$DIR/README.md"
    if cmp -s README.md "$DIR/README.md"; then
        fail "$1" "the mistake could not be planted"
    elif python3 tests/cli/readme.py "$DIR/README.md" "$B" >"$DIR/out" 2>"$DIR/err"; then
        fail "$1" "not found"
    else
        says "$1" "$DIR/out" "$3"
    fi
}

plant "a program left out" 's,build/longrun,build/inspect,g' 'no command for tools/longrun.c'
plant "another program on top" 's/^    llmc_piece piece;/    llmc_piece p;/' 'is not examples/hello.c'
plant "a binding left out" 's,examples/python,examples/features.c,g' 'nothing of examples/python'
plant "a gate left out" 's/`LLMC_NO_UNICODE`/`LLMC_NO_STRINGS`/g' 'nothing of the gate LLMC_NO_UNICODE'
plant "a file that is not there" 's,configs/million_context.toml,configs/billion_context.toml,' 'no file configs/billion'
plant "a part of the tests that is not there" 's,`unit/grad`,`unit/grads`,' 'no unit/grads'
plant "a make target that is not there" 's/^make test /make tests /' 'no target: make tests'
plant "a variable that make does not know" 's/make run MODEL=/make run MODLE=/' 'nothing asks for MODLE'
plant "an option that is not there" 's/--json-schema FILE/--json-scheme FILE/' 'chat has no option --json-scheme'
plant "an option in prose" 's/`--window N`/`--windows N`/' 'no program has the option --windows'
plant "an option of a script" 's/speed.mjs --ik/speed.mjs --ick/' 'speed.mjs has no option --ick'
plant "a key that train does not have" 's/lora_r=8 train_data/lora_rank=8 train_data/' 'train has no key lora_rank'
plant "a section that is not there" 's/14\.3 MODEL\.family/14.33 MODEL.family/' 'no section 14.33 MODEL.family'
plant "a name that is not there" 's/`llmc_seq_embed`/`llmc_seq_embeds`/' 'nothing is called llmc_seq_embeds'
plant "a link to nowhere" 's/(#speed)/(#speeds)/' 'link to #speeds'
finish
