# The lint finds what it is there to find: llmc.h with one mistake planted at a time.
. tests/build/lib.sh

lint=$DIR/lint
try "lint compiles without warnings" $CC -O1 -std=c11 -Wall -Wextra tools/lint.c -o "$lint" || finish
try "llmc.h is clean" "$lint" llmc.h

# plant LABEL SED-SCRIPT PATTERN: the lint of the changed header must say PATTERN.
plant()
{
    sed -e "$2" llmc.h >"$DIR/llmc.h"
    if cmp -s llmc.h "$DIR/llmc.h"; then
        fail "$1: the mistake could not be planted"
    elif "$lint" "$DIR/llmc.h" >"$DIR/out"; then
        fail "$1: not found"
    elif grep -q -e "$3" "$DIR/out"; then
        pass "$1"
    else
        fail "$1: other findings only"
        head -n 5 "$DIR/out"
    fi
}

plant "a tag misspelt" '/^\/\/==\[ 05 MATH/s/MATH/MATHS/' 'section 05 is MATH'
plant "a banner missing" '/^\/\/==\[ 18 /d' 'no banner for 18 SAMPLE'
plant "needs a higher section" '/^\/\/==\[ 07 /s/needs: /needs: 09 /' 'not a lower number'
plant "uses what it does not need" '/^\/\/==\[ 12 /s/needs: .*/needs: 02 ====/' 'does not say it needs'
plant "sub-banners out of step" '/^\/\/--\[ 04.2 /s/04.2/04.3/' 'follows 04.1'
plant "contents out of step" '1,/^\/\*====/s/^\( *\)13 TOKEN/\1TOKEN/' 'contents'
plant "index points nowhere" '1,/^\/\*====/s/-> \([A-Z]*\)\.[a-z_0-9]*/-> \1.nowhere/' 'nowhere does not exist'
plant "malloc in the core" 's/^\(static .*llmc__arena_need.*\)$/static void *llmc__bad(void)\n{\n    return malloc(1);\n}\n\1/' 'call of malloc'
plant "a mutable static" 's/^\(static .*llmc__arena_need.*\)$/static int llmc__bad;\n\1/' 'mutable static'
plant "a foreign header" '/^\/\/==\[ 11 /s/$/\n#include <string.h>/' 'string.h'
plant "platform question in an algorithm" '/^\/\/==\[ 11 /s/$/\n#ifdef _WIN32\n#endif/' '_WIN32 asked'
plant "a tab" '/^\/\/==\[ 11 /s/$/\n\t/' ': tab'
plant "a line too long" "/^\/\/==\[ 11 /s/\$/\n\/\/ $(printf '%0110d' 0)/" 'columns'
plant "not ASCII" "/^\/\/==\[ 11 /s/\$/\n\/\/ $(printf '\303\244')/" 'not ASCII'
plant "a public name without llmc_" 's/^LLMC_API uint32_t llmc_version(void)$/LLMC_API uint32_t version(void)/' 'not called llmc_'
plant "a misspelt gate" '/^\/\/==\[ 11 /s/$/\n#ifdef LLMC_NO_CHATS\n#endif/' 'not a gate'
plant "a function that nobody explains" '/^\/\* The one-line meaning of a status code/d' 'llmc_status_text has no contract'
plant "an option that nobody explains" 's/^\(    uint32_t lora_rank; *\)\/\*.*$/\1/' 'member lora_rank of llmc_engine_options'
plant "options without their size" '/^typedef struct llmc_chunk_options {/,/^}/{/size_t size;/d;}' 'does not begin with its size'
plant "a macro that the manual leaves out" '1,/^\/\*====/s/LLMC_MEMSET, //' 'LLMC_MEMSET can be defined'
plant "a gate that the manual leaves out" '1,/^\/\*====/s/LLMC_NO_CHAT /LLMC_CHAT_NO /' 'LLMC_NO_CHAT can be defined'
plant "a gate that only the manual has" '1,/^\/\*====/s/LLMC_NO_CHAT /LLMC_NO_CHATS /' 'LLMC_NO_CHATS in the manual is not a gate'
plant "a name in the manual that there is not" '1,/^\/\*====/s/llmc_trainer_pass/llmc_trainer_go/' 'nothing is called llmc_trainer_go'
finish
