/* cc -O2 tests/vectors/corpus.c -o corpus && ./corpus SEED BYTES FLAGS >OUT -- a corpus for references in other languages

   Each block of tests/corpus.h as its length, u32 little-endian, and its bytes. FLAGS: 1 with bytes that are
   not UTF-8, 2 with code points that are not assigned, 0 neither. "list" as a fourth argument prints
   one line a block instead: its number, length and sort. */
#include <stdio.h>
#include "../corpus.h"

int main(int argc, char **argv)
{
    corpus c;
    size_t b;
    if (argc < 4) {
        fprintf(stderr, "usage: corpus SEED BYTES FLAGS [list]\n");
        return 2;
    }
    c = corpus_make(strtoull(argv[1], NULL, 0), (size_t)strtoull(argv[2], NULL, 0), (unsigned)strtoul(argv[3], NULL, 0));
    for (b = 0; b < c.blocks; b++) {
        size_t n = c.starts[b + 1] - c.starts[b];
        if (argc > 4) {
            printf("%u %u %s\n", (unsigned)b, (unsigned)n, corpus_sort(&c, b));
        } else {
            putchar((int)(n & 255));
            putchar((int)(n >> 8 & 255));
            putchar((int)(n >> 16 & 255));
            putchar((int)(n >> 24 & 255));
            fwrite(c.text + c.starts[b], 1, n, stdout);
        }
    }
    corpus_free(&c);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
