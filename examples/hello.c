// cc -O2 examples/hello.c -o hello && ./hello model.gguf "Once upon a time"
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "model.gguf", *prompt = argc > 2 ? argv[2] : "Once upon a time";
    llmc_host lm;
    llmc_piece piece;
    llmc_diag diag;
    llmc_status status = llmc_open(&lm, path, NULL, &diag);
    if (status == LLMC_OK)
        status = llmc_seq_add_text(lm.seq, prompt, strlen(prompt), &diag);
    while (status == LLMC_OK) {
        status = llmc_seq_next(lm.seq, &piece, &diag);
        fputs(piece.text, stdout);
    }
    puts(status == LLMC_DONE ? "" : diag.message);
    llmc_close(&lm);
    return status != LLMC_DONE;
}
