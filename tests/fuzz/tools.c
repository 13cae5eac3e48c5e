/* tools.c -- libFuzzer's target for examples/tools.h (tests/fuzz/run.sh builds and runs it): `tools`

   The first byte says which tool (run_command never gets consent), the rest is its arguments as a model could
   write them. Whatever they are: the call ends, its result is UTF-8 of bounded length, its line of the log is
   JSON, and nothing has been made or read outside the root, which holds a few files and links out of it. */
#define LLMC_IMPLEMENTATION
#include "../../llmc.h"

#include "../../examples/tools.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void broken(const char *why)
{
    fprintf(stderr, "fuzz: %s\n", why);
    abort();
}

static char top[64];
static unsigned char hidden[16]; /* the secret, each byte inverted: no comparison shows it to the fuzzer */

static bool has_secret(const char *words, size_t n)
{
    size_t i, k;
    for (i = 0; i + sizeof hidden <= n; i++) {
        for (k = 0; k < sizeof hidden && (unsigned char)(words[i + k] ^ 0xFF) == hidden[k]; k++)
            ;
        if (k == sizeof hidden)
            return true;
    }
    return false;
}

static void remove_root(void)
{
    char line[200];
    snprintf(line, sizeof line, "rm -rf '%s'", top);
    (void)!system(line);
}

/* top/root is the root; top/secret must not be seen, and stays the only other thing in top. */
static void make_root(void)
{
    static int runs_made;
    char line[600], secret[sizeof hidden + 1];
    size_t i;
    snprintf(secret, sizeof secret, "%016llx",
             (unsigned long long)llmc_os_nanoseconds() * 0x9e3779b97f4a7c15u);
    for (i = 0; i < sizeof hidden; i++)
        hidden[i] = (unsigned char)(secret[i] ^ 0xFF);
    snprintf(top, sizeof top, "/tmp/llmc-fuzz-XXXXXX");
    if (mkdtemp(top) == NULL)
        broken("no folder");
    if (runs_made++ == 0)
        atexit(remove_root);
    snprintf(line, sizeof line,
             "cd '%s' && mkdir root root/d && echo %s > secret && echo a > root/a && echo b > root/d/b && "
             "ln -s .. root/up && ln -s ../secret root/l && mkfifo root/p",
             top, secret);
    if (system(line) != 0)
        broken("no root");
}

static void check_log(char *line, size_t n)
{
    llmc_blob text;
    llmc_json json;
    text.data = line;
    text.size = n;
    text.name = NULL;
    if (n == 0 || line[n - 1] != '\n' || memchr(line, '\n', n - 1) != NULL)
        broken("not one line in the log");
    if (llmc_json_parse(&text, &json, NULL) != LLMC_OK)
        broken("the log is not JSON");
}

static void check_text(const char *words, size_t n, bool ok)
{
    unsigned code;
    size_t i, len;
    for (i = 0; i < n; i += len) {
        len = tool_utf8(words + i, n - i, &code);
        if (len == 0 || code == 0)
            broken("a result that is no text");
    }
    if (strlen(words) != n || n > (size_t)4 << 20)
        broken("a result of the wrong length");
    if (!ok && strncmp(words, "error: ", 7) != 0)
        broken("a failure that does not say so");
    if (has_secret(words, n))
        broken("it has got out");
}

static void check_outside(void)
{
    struct dirent *e;
    DIR *d = opendir(top);
    int n = 0;
    while (d != NULL && (e = readdir(d)) != NULL)
        n += e->d_name[0] != '.';
    if (d != NULL)
        closedir(d);
    if (n != 2)
        broken("something was made outside the root");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned runs;
    char root[80], why[200], *line = NULL;
    size_t line_len = 0, n, steps = 0;
    const char *words;
    tool_options opt;
    tool_box *box;
    if (size == 0)
        return 0;
    if (runs++ % 1000 == 0) { /* what has been written goes */
        if (top[0] != 0)
            remove_root();
        make_root();
    }
    snprintf(root, sizeof root, "%s/root", top);
    memset(&opt, 0, sizeof opt);
    opt.root = root;
    opt.allow = "write_file";
    opt.log = open_memstream(&line, &line_len);
    box = tool_open(&opt, why, sizeof why);
    if (box == NULL || opt.log == NULL)
        broken(why);
    tool_start(box, tool_table[data[0] % TOOL_COUNT].name, (const char *)data + 1, size - 1);
    while (!tool_poll(box, 1000))
        if (++steps > 30)
            broken("it does not end");
    words = tool_text(box, &n);
    check_text(words, n, tool_ok(box));
    check_text(tool_label(box), strlen(tool_label(box)), true);
    if (strlen(tool_label(box)) > 160)
        broken("a long label");
    tool_close(box);
    fclose(opt.log);
    check_log(line, line_len);
    free(line);
    check_outside();
    return 0;
}
