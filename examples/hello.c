// cc -O2 examples/hello.c -o hello && ./hello model.gguf "Once upon a time"
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    llmc_host lm;
    llmc_piece piece;
    llmc_diag diag;
    llmc_status status = llmc_open(&lm, argc > 2 ? argv[1] : "MODEL PROMPT expected", NULL, &diag);
    if (status == LLMC_OK)
        status = llmc_seq_add_text(lm.seq, argv[2], strlen(argv[2]), &diag);
    while (status == LLMC_OK && (status = llmc_seq_next(lm.seq, &piece, &diag)) == LLMC_OK)
        fputs(piece.text, stdout);
    if (status != LLMC_DONE)
        fprintf(stderr, "hello: %s\n", diag.message);
    llmc_close(&lm);
    return status != LLMC_DONE;
}
