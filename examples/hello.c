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
    llmc_status status;
    if (argc != 3)
        return fprintf(stderr, "usage: hello MODEL PROMPT\n"), 2;
    if (llmc_open(&lm, argv[1], NULL, &diag) != LLMC_OK ||
        llmc_seq_add_text(lm.seq, argv[2], strlen(argv[2]), &diag) != LLMC_OK)
        return fprintf(stderr, "hello: %s\n", diag.message), 1;
    while ((status = llmc_seq_next(lm.seq, &piece, &diag)) == LLMC_OK)
        fputs(piece.text, stdout);
    llmc_close(&lm);
    if (status != LLMC_DONE)
        return fprintf(stderr, "hello: %s\n", diag.message), 1;
    return 0;
}
