// cc -O2 tools/tokenizer.c -o tokenizer
/* Text to token ids and back. */
#define LLMC_IMPLEMENTATION
#include "tool.h"

static const char usage[] =
    "tokenizer encode -m MODEL [-f FILE | TEXT...]   ids separated by blanks\n"
    "       tokenizer decode -m MODEL [-f FILE | ID...]     the bytes they stand for\n\n"
    "Without FILE and TEXT or ID: reads standard input. Several TEXTs are joined by a\n"
    "blank, like echo. MODEL may be a file that holds only a vocabulary.";

/* The arguments as one text, as if echo had written them. */
static char *join(char **args, int n, size_t *len)
{
    char *text;
    size_t total = 0, at = 0;
    int i;
    for (i = 0; i < n; i++)
        total += strlen(args[i]) + 1;
    text = (char *)tool_alloc(total + 1, 1);
    for (i = 0; i < n; i++) {
        size_t part = strlen(args[i]);
        memcpy(text + at, args[i], part);
        at += part;
        if (i + 1 < n)
            text[at++] = ' ';
    }
    *len = at;
    return text;
}

static void report(const char *what, size_t ids, size_t bytes, double seconds)
{
    tool_info("%s %zu tokens, %zu bytes in %.3f s: %.1f MB/s", what, ids, bytes, seconds,
              (double)bytes * 1e-6 / (seconds > 1e-9 ? seconds : 1e-9));
}

static void encode(const llmc_tokenizer *tok, const char *text, size_t len, bool bos, bool special)
{
    llmc_encode_options opt;
    llmc_token *ids;
    size_t n, i;
    double start = tool_seconds();
    memset(&opt, 0, sizeof opt);
    opt.add_bos = bos;
    opt.parse_special = special;
    ids = tool_encode(tok, text, len, &opt, &n);
    report("encoded", n, len, tool_seconds() - start);
    for (i = 0; i < n; i++)
        printf("%s%d", i != 0 ? " " : "", ids[i]);
    putchar('\n');
    free(ids);
}

static void decode(const llmc_tokenizer *tok, const char *text, size_t len, bool special)
{
    llmc_decode_options opt;
    llmc_diag diag;
    size_t n, bytes = 0;
    llmc_token *ids = tool_ids(text, len, llmc_tokenizer_count(tok), &n);
    char *out = NULL;
    llmc_status status;
    double start = tool_seconds();
    memset(&opt, 0, sizeof opt);
    diag.message[0] = 0;
    opt.show_special = special;
    status = llmc_decode(tok, ids, n, &opt, NULL, 0, &bytes, &diag);
    if (status == LLMC_NO_MEMORY) {
        out = (char *)tool_alloc(bytes, 1);
        status = llmc_decode(tok, ids, n, &opt, out, bytes, &bytes, &diag);
    }
    tool_check(status, &diag);
    report("decoded", n, bytes, tool_seconds() - start);
    tool_binary(stdout);
    if (bytes != 0)
        fwrite(out, 1, bytes, stdout);
    free(out);
    free(ids);
}

int main(int argc, char **argv)
{
    static const char *file;
    static bool bos, special;
    static const tool_option options[] = {
        TOOL_OPTIONS_MODEL,
        {'f', "file", TOOL_TEXT, &file, "FILE", "text or ids from a file; - for standard input"},
        {0, "bos", TOOL_FLAG, &bos, NULL, "encode: the begin-of-sequence token first"},
        {0, "special", TOOL_FLAG, &special, NULL,
         "encode: control tokens written in the text become ids; decode: show them"},
        TOOL_OPTIONS_ALL,
    };
    llmc_host host;
    const llmc_tokenizer *tok;
    char **args, *text;
    size_t len;
    int n;
    bool to_ids;
    tool_name = "tokenizer";
    args = tool_parse(argc, argv, usage, options, TOOL_COUNT_OF(options), &n);
    if (n == 0)
        tool_misused("encode or decode?");
    if (strcmp(args[0], "train") == 0)
        tool_misused("train is not available in version %s", LLMC_VERSION);
    to_ids = strcmp(args[0], "encode") == 0;
    if (!to_ids && strcmp(args[0], "decode") != 0)
        tool_misused("'%s' is neither encode nor decode", args[0]);
    if (tool_opt.model == NULL)
        tool_misused("-m MODEL is missing");
    if (file != NULL && n > 1)
        tool_misused("either -f FILE or arguments, not both");
    if (!to_ids && bos)
        tool_misused("--bos goes with encode");
    tool_open_model(&host, tool_opt.model, true);
    tok = llmc_model_tokenizer(host.model);
    if (tok == NULL)
        tool_die("%s: holds no tokenizer; --tokenizer FILE gives one", tool_opt.model);
    text = n > 1 ? join(args + 1, n - 1, &len) : tool_read(file, 0, &len);
    if (to_ids)
        encode(tok, text, len, bos, special);
    else
        decode(tok, text, len, special);
    free(text);
    llmc_close(&host);
    return tool_end();
}
