/* test_tools.c -- examples/tools.h: nothing gets out of the root, nothing survives a command

   Expected values of the calculator were computed by Python's integers and floats. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"

#include "../examples/tools.h"
#include "test.h"

#ifndef _WIN32

static char top[300]; /* a folder of this test; top/root is the root, top/out is not */

static void make_file(const char *name, const char *words, size_t n)
{
    char path[400];
    FILE *f;
    snprintf(path, sizeof path, "%s/%s", top, name);
    f = fopen(path, "wb");
    if (CHECK(f != NULL)) {
        fwrite(words, 1, n, f);
        fclose(f);
    }
}

static void shell(const char *fmt)
{
    char line[2000];
    snprintf(line, sizeof line, "cd '%s' && %s", top, fmt);
    CHECKF(system(line) == 0, "%s", line);
}

static tool_box *open_with(tool_options *o)
{
    static char root[400];
    char why[300] = "";
    tool_box *box;
    snprintf(root, sizeof root, "%s/root", top);
    o->root = root;
    box = tool_open(o, why, sizeof why);
    CHECKF(box != NULL, "%s", why);
    return box;
}

static tool_box *open_plain(void)
{
    tool_options o;
    memset(&o, 0, sizeof o);
    o.policy = TOOL_ALLOW;
    return open_with(&o);
}

static const char *call(tool_box *box, const char *name, const char *arguments)
{
    tool_start(box, name, arguments, strlen(arguments));
    while (!tool_poll(box, 50))
        ;
    return tool_text(box, NULL);
}

/* {"key": "value"}; value is JSON's inside of a string. */
static const char *call1(tool_box *box, const char *name, const char *key, const char *value)
{
    static char line[20000];
    snprintf(line, sizeof line, "{\"%s\": \"%s\"}", key, value);
    return call(box, name, line);
}

static void expect(tool_box *box, const char *name, const char *key, const char *value, const char *want)
{
    const char *got = call1(box, name, key, value);
    CHECKF(strcmp(got, want) == 0, "%s %s: '%.200s', expected '%s'", name, value, got, want);
    CHECK(tool_ok(box) == (strncmp(want, "error: ", 7) != 0));
}

/* ---- what is offered ---- */

static void json_is_what_tiny_knows(void)
{
    char want[4096] = "";
    size_t n;
    tool_box *box = open_plain();
    FILE *f = fopen("build/world", "rb");
    if (f == NULL) {
        tool_close(box);
        SKIP("build/world is not built");
        return;
    }
    fclose(f);
    f = popen("build/world --list tools", "r");
    n = f != NULL ? fread(want, 1, sizeof want - 1, f) : 0;
    if (f != NULL)
        pclose(f);
    while (n > 0 && want[n - 1] == '\n')
        want[--n] = 0;
    CHECKF(strcmp(want, tool_json(box, NULL)) == 0, "%s\n%s", want, tool_json(box, NULL));
    tool_close(box);
}

static void offers_what_was_chosen(void)
{
    tool_options o;
    char why[200];
    tool_box *box;
    memset(&o, 0, sizeof o);
    o.only = "calculator,read_file";
    box = open_with(&o);
    CHECK(strstr(tool_json(box, NULL), "run_command") == NULL &&
          strstr(tool_json(box, NULL), "calculator") != NULL);
    expect(box, "run_command", "command", "true", "error: there is no tool called 'run_command'");
    expect(box, "calculator", "expression", "1", "1");
    tool_close(box);
    o.only = "calculator,shell";
    CHECK(tool_open(&o, why, sizeof why) == NULL && strstr(why, "'shell' is none of") != NULL);
    o.only = NULL;
    o.root = "/nowhere/at/all";
    CHECK(tool_open(&o, why, sizeof why) == NULL && strstr(why, "no such folder") != NULL);
}

static void bad_arguments(void)
{
    static const char *const row[][2] = {
        {"", "the arguments are not a JSON object"},
        {"[]", "the arguments are not a JSON object"},
        {"{\"path\":\"a\"", "the arguments are not a JSON object"},
        {"{\"path\":\"\xff\"}", "the arguments are not a JSON object"},
        {"{}", "the argument 'path' of read_file is missing"},
        {"{\"path\":1}", "the argument 'path' of read_file is not a string"},
        {"{\"path\":null}", "the argument 'path' of read_file is not a string"},
        {"{\"path\":\"a\",\"mode\":\"r\"}", "the argument 'mode' of read_file is unknown"},
        {"{\"path\":\"a\\u0000b\"}", "the argument 'path' of read_file has a NUL character"}};
    tool_box *box = open_plain();
    char want[200];
    size_t i;
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        const char *got = call(box, "read_file", row[i][0]);
        snprintf(want, sizeof want, "error: %s", row[i][1]);
        CHECKF(strcmp(got, want) == 0, "%s: %s", row[i][0], got);
    }
    CHECK(strcmp(call(box, "no\nsuch", "{}"), "error: there is no tool called 'no\nsuch'") == 0);
    CHECK(strchr(tool_label(box), '\n') == NULL);
    tool_close(box);
}

/* ---- calculator ---- */

static void calculator_values(void)
{
    static const char *const row[][2] = {{"12 * (3 + 4)", "84"},
                                         {"864 / 27", "32"},
                                         {"7 / 2", "3.5"},
                                         {"0.1 + 0.2", "0.3"},
                                         {"-2^2", "-4"},
                                         {"2^-3^2", "0.001953125"},
                                         {"2^3^2", "512"},
                                         {"2**64", "18446744073709551616"},
                                         {"3^50", "717897987691852588770249"},
                                         {"30!", "265252859812191058636308480000000"},
                                         {"999999999999 * 999999999999 - 1", "999999999998000000000000"},
                                         {"10^40 / 10^38", "100"},
                                         {"(10^40 + 7) % 10^20", "7"},
                                         {"-7 % 3", "2"},
                                         {"7 % -3", "-2"},
                                         {"7.5 % 2", "1.5"},
                                         {"1e3", "1000"},
                                         {"sqrt(2)", "1.4142135623731"},
                                         {"sqrt(0.5) - sqrt(2) / 2 + sqrt(3)", "1.73205080756888"},
                                         {"sqrt(16) + abs(-3) + floor(-2.5) + ceil(2.1) + round(2.5)", "10"},
                                         {"ln(e^2)", "2"},
                                         {"log10(1000) + log2(8)", "6"},
                                         {"sin(pi / 6)", "0.5"},
                                         {"cos(0) + atan(0)", "1"},
                                         {"max(1, 2 + 3, 4) - min(7, 8)", "-2"},
                                         {"gcd(12, 18) + mod(-1, 5) + pow(2, 10)", "1034"},
                                         {"--5 - -+-3", "2"},
                                         {"1 / 0", "error: division by zero"},
                                         {"0^-1", "error: division by zero"},
                                         {"sqrt(-1)", "error: the result is not a real number"},
                                         {"9^9^9", "error: the number is too large"},
                                         {"1e400", "error: the number is too large"},
                                         {"", "error: the expression ends too early"},
                                         {"2 +", "error: the expression ends too early"},
                                         {"(1", "error: a bracket is not closed"},
                                         {"1)", "error: a bracket is not open"},
                                         {"1, 2", "error: a bracket is not open"},
                                         {"(1, 2)", "error: a comma outside a function"},
                                         {"abs(1, 2)", "error: a function has the wrong number of arguments"},
                                         {"1 2", "error: an operator was expected: one of + - * / % ^"},
                                         {"2 * * 3", "error: a number was expected"}};
    tool_box *box = open_plain();
    char deep[8000];
    size_t i;
    for (i = 0; i < sizeof row / sizeof row[0]; i++)
        expect(box, "calculator", "expression", row[i][0], row[i][1]);
    memset(deep, '(', 4000);
    deep[4000] = 0;
    expect(box, "calculator", "expression", deep, "error: the expression is nested too deeply");
    memset(deep, '-', 4000);
    expect(box, "calculator", "expression", deep, "error: the expression is nested too deeply");
    CHECK(strncmp(call1(box, "calculator", "expression", "system(1)"), "error: an unknown word", 22) == 0);
    tool_close(box);
}

/* ---- the root ---- */

static void paths_that_leave(void)
{
    static const char *const row[][2] = {{"../out/secret", "the path leaves the folder"},
                                         {"/etc/passwd", "the path leaves the folder"},
                                         {"d/../../out/secret", "the path leaves the folder"},
                                         {"d/..", "the path leaves the folder"},
                                         {"./../root/a", "the path leaves the folder"},
                                         {"file_link", "symbolic links are not followed"},
                                         {"dir_link/secret", "symbolic links are not followed"},
                                         {"proc_link/self/environ", "symbolic links are not followed"},
                                         {"loop/loop", "symbolic links are not followed"},
                                         {"inner_link", "symbolic links are not followed"},
                                         {"fifo", "it is not a regular file"},
                                         {"d", "it is a folder"},
                                         {"", "it is a folder"},
                                         {".", "it is a folder"},
                                         {"a/x", "it is a file"},
                                         {"nothing", "no such file"},
                                         {"nothing/at/all", "no such file"},
                                         {"huge", "the file is too large"},
                                         {"binary", "it is not a text file"}};
    tool_box *box = open_plain();
    char path[5000], want[200];
    size_t i;
    shell("ln -s ../out/secret root/file_link && ln -s ../out root/dir_link && ln -s /proc root/proc_link && "
          "ln -s loop root/loop && ln -s a root/inner_link && mkfifo root/fifo && truncate -s 1T root/huge");
    make_file("root/binary", "a\0b", 3);
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        snprintf(want, sizeof want, "error: %s", row[i][1]);
        expect(box, "read_file", "path", row[i][0], want);
    }
    expect(box, "read_file", "path", "./d//f", "inside");
    expect(box, "list_dir", "path", "dir_link", "error: symbolic links are not followed");
    expect(box, "list_dir", "path", "..", "error: the path leaves the folder");
    expect(box, "list_dir", "path", "a", "error: it is a file");
    expect(box, "list_dir", "path", "nothing", "error: no such folder");
    memset(path, 'x', 300);
    path[300] = 0;
    expect(box, "read_file", "path", path, "error: the path is too long");
    for (i = 0; i < 2000; i++)
        memcpy(path + 2 * i, "d/", 3);
    expect(box, "read_file", "path", path, "error: the path is too long");
    shell("rm -f root/*link root/loop root/fifo root/huge root/binary");
    tool_close(box);
}

static void writes_stay(void)
{
    tool_box *box = open_plain();
    const char *got;
    shell("ln -s ../out/victim root/w && ln -s ../out root/dir && mkfifo root/fifo && echo old > root/old && "
          "chmod 640 root/old && echo hard > out/hard && ln out/hard root/hard");
    got = call(box, "write_file", "{\"path\":\"w\",\"content\":\"x\"}");
    CHECKF(strcmp(got, "error: symbolic links are not followed") == 0, "%s", got);
    got = call(box, "write_file", "{\"path\":\"dir/victim\",\"content\":\"x\"}");
    CHECKF(strcmp(got, "error: symbolic links are not followed") == 0, "%s", got);
    got = call(box, "write_file", "{\"path\":\"new/../../out/victim\",\"content\":\"x\"}");
    CHECKF(strcmp(got, "error: the path leaves the folder") == 0, "%s", got);
    got = call(box, "write_file", "{\"path\":\"fifo\",\"content\":\"x\"}");
    CHECKF(strcmp(got, "error: it is not a regular file") == 0, "%s", got);
    got = call(box, "write_file", "{\"path\":\"old\",\"content\":\"new text\"}");
    CHECKF(strcmp(got, "wrote 8 bytes to old") == 0, "%s", got);
    got = call(box, "write_file", "{\"path\":\"hard\",\"content\":\"mine\"}"); /* its own file from now on */
    CHECKF(strcmp(got, "wrote 4 bytes to hard") == 0, "%s", got);
    got = call(box, "write_file", "{\"path\":\"p/q/r.txt\",\"content\":\"a\\nb\\n\"}");
    CHECKF(strcmp(got, "wrote 4 bytes to p/q/r.txt") == 0, "%s", got);
    expect(box, "read_file", "path", "p/q/r.txt", "a\nb");
    shell(
        "test ! -e out/victim && test ! -e root/new && test \"$(cat root/old)\" = 'new text' && "
        "test \"$(stat -c %a root/old 2>/dev/null || echo 640)\" = 640 && test \"$(cat out/hard)\" = hard && "
        "test -z \"$(ls -A root | grep '[.]new$')\"");
    shell("rm -rf root/w root/dir root/fifo root/old root/hard root/p");
    tool_close(box);
}

/* Another process swaps a folder with a link to the secret, and a file with a link, as fast as it can. */
static void races_are_lost(void)
{
#if defined(__linux__) && defined(SYS_renameat2)
    enum { READS = 2000 };
    tool_box *box = open_plain();
    int i, won = 0, seen = 0;
    pid_t child;
    shell("mkdir root/d2 && echo inside > root/d2/f && cp root/d2/f root/g && ln -s ../out root/e2 && "
          "ln -s ../out/secret root/h && echo TOPSECRET > out/f && rm -f out/w");
    child = fork();
    if (child == 0) {
        if (chdir(top) != 0)
            _exit(1);
        for (;;) {
            (void)!syscall(SYS_renameat2, AT_FDCWD, "root/d2", AT_FDCWD, "root/e2", 2 /* RENAME_EXCHANGE */);
            (void)!syscall(SYS_renameat2, AT_FDCWD, "root/g", AT_FDCWD, "root/h", 2);
        }
    }
    for (i = 0; i < READS; i++) {
        const char *got = call(box, "read_file", i % 2 != 0 ? "{\"path\":\"d2/f\"}" : "{\"path\":\"g\"}");
        seen += strcmp(got, "inside") == 0;
        won += strstr(got, "SECRET") != NULL;
        (void)call(box, "search_codebase", "{\"query\":\"SECRET\"}");
        won += strstr(tool_text(box, NULL), "TOPSECRET") != NULL;
        if (i % 4 == 0)
            (void)call(box, "write_file", "{\"path\":\"d2/w\",\"content\":\"x\"}");
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    CHECKF(won == 0, "%d of %d reads got out", won, READS);
    CHECKF(seen > 0 && seen < READS, "%d of %d reads got through: no race", seen, READS);
    shell("test ! -e out/w && rm -rf root/d2 root/e2 root/g root/h");
    tool_close(box);
#else
    SKIP("no renameat2");
#endif
}

static void lists_and_searches(void)
{
    tool_box *box = open_plain();
    expect(box, "list_dir", "path", ".", "a\nd/");
    CHECK(strcmp(call(box, "list_dir", "{}"), "a\nd/") == 0);
    shell("mkdir root/empty root/.git && : > root/none && echo 'needle here' > root/.git/x && "
          "printf 'one\\ntwo needle\\n\\nneedle needle\\r\\n' > root/d/hay && printf 'x\\0needle' > root/bin "
          "&& "
          "touch 'root/odd\nname' && printf 'b\\377d' > root/bad");
    expect(box, "list_dir", "path", "empty", "(empty folder)");
    expect(box, "list_dir", "path", ".", ".git/\na\nbad\nbin\nd/\nempty/\nnone\nodd\\nname");
    expect(box, "read_file", "path", "none", "(empty file)");
    expect(box, "read_file", "path", "bad",
           "b\xEF\xBF\xBD"
           "d");
    expect(box, "search_codebase", "query", "needle", "d/hay:2: two needle\nd/hay:4: needle needle");
    expect(box, "search_codebase", "query", "nowhere", "no matches");
    expect(box, "search_codebase", "query", "", "error: the query is empty");
    shell("i=0; while [ $i -lt 80 ]; do echo needle; i=$((i + 1)); done > root/d/many");
    CHECK(strstr(call1(box, "search_codebase", "query", "needle"), "(more are left out)") != NULL);
    shell("rm -rf root/empty root/.git root/none root/d/hay root/d/many root/bin root/bad root/odd*");
    tool_close(box);
}

/* ---- commands ---- */

/* Processes that sleep for `mark` seconds. */
static int count(const char *mark)
{
    char line[200];
    int n = 0;
    FILE *f;
    snprintf(line, sizeof line, "ps ax -o stat= -o args= | grep '[s]leep %s' | grep -v '^Z' | wc -l", mark);
    f = popen(line, "r");
    if (f == NULL || fscanf(f, "%d", &n) != 1)
        n = -1;
    if (f != NULL)
        pclose(f);
    return n;
}

/* The same after a moment: one that has been killed takes that long to go. */
static int alive(const char *mark)
{
    int n = 0, tries;
    for (tries = 0; tries < 20 && (n = count(mark)) != 0; tries++)
        tool_nap(100);
    return n;
}

static void commands_say(void)
{
    tool_options o;
    tool_box *box;
    const char *got;
    size_t n;
    memset(&o, 0, sizeof o);
    o.policy = TOOL_ALLOW;
    o.seconds = 60;
    box = open_with(&o);
    expect(box, "run_command", "command", "echo hi", "exit code 0\nSTDOUT:\nhi");
    expect(box, "run_command", "command", "echo no >&2; exit 3", "exit code 3\nSTDERR:\nno");
    expect(box, "run_command", "command", "true", "exit code 0");
    expect(box, "run_command", "command", "cat; printf a; printf b >&2",
           "exit code 0\nSTDOUT:\na\nSTDERR:\nb");
    expect(box, "run_command", "command", "kill -9 $$", "exit code 137");
    expect(box, "run_command", "command", "cat d/f", "exit code 0\nSTDOUT:\ninside");
    expect(box, "run_command", "command", "ls /proc/self/fd | wc -l", "exit code 0\nSTDOUT:\n4");
    expect(box, "run_command", "command", "printf 'a\\\\377\\\\000b'",
           "exit code 0\nSTDOUT:\na\xEF\xBF\xBD\xEF\xBF\xBD"
           "b");
    CHECK(strncmp(call1(box, "run_command", "command", "no-such-thing-here"), "exit code 127\nSTDERR:\n",
                  22) == 0);
    got = call1(box, "run_command", "command", "seq 1 5000"); /* 23893 bytes */
    n = strlen(got);
    CHECKF(n > 3900 && n < 4100, "%lu bytes", (unsigned long)n);
    CHECK(strstr(got, "\n1\n2\n3\n") != NULL && strcmp(got + n - 10, "\n4999\n5000") == 0);
    CHECK(strstr(got, "[19893 bytes left out]") != NULL);
    expect(box, "run_command", "command", "", "error: the command is empty");
    tool_close(box);
}

static void commands_end(void)
{
    tool_options o;
    tool_box *box;
    const char *got;
#ifdef __linux__
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) !=
        0) { /* Linux has it since 3.4, qemu-user's 7.2 does not */
        SKIP("no process can adopt orphans here");
        return;
    }
#endif
    memset(&o, 0, sizeof o);
    o.policy = TOOL_ALLOW;
    o.seconds = 60;
    box = open_with(&o);
    got = call1(box, "run_command", "command",
                "sleep 7790 & ps ax -o comm= -o args= | grep -c '^sleep.* 7790'");
    if (strcmp(got, "exit code 0\nSTDOUT:\n1") != 0) { /* else nothing below would be seen */
        tool_close(box);
        SKIP("no ps here that shows processes");
        return;
    }
    /* what it has left behind goes with it, even if it ends by itself and its parents are gone */
    expect(box, "run_command", "command",
           "(setsid setsid sleep 7792 >/dev/null 2>&1 &); trap '' TERM; sleep 7792 & exit 4", "exit code 4");
    CHECK(alive("7792") == 0);
#ifdef __linux__
    got = call1(box, "run_command", "command", "(setsid sleep 7794 &); kill -9 $PPID; sleep 7794");
    CHECKF(strncmp(got, "error: the command has killed its supervisor", 44) == 0, "%s", got);
    CHECK(alive("7794") == 0);
#endif
    tool_start(box, "run_command", "{\"command\":\"sleep 7795\"}", 24);
    CHECK(!tool_poll(box, 30));
    tool_cancel(box);
    got = tool_text(box, NULL);
    CHECKF(strcmp(got, "error: the user cancelled it") == 0, "%s", got);
    CHECK(alive("7795") == 0);
    tool_start(box, "run_command", "{\"command\":\"sleep 7796\"}", 24);
    tool_close(box); /* takes it with it */
    CHECK(alive("7796") == 0);
    o.seconds = 1;
    box = open_with(&o);
    expect(box, "run_command", "command", "sleep 7791", "error: timed out after 1 s");
    got = call1(box, "run_command", "command",
                "(setsid sh -c 'sleep 7791; :' &); (nohup setsid sleep 7791 &) ; sleep 7791");
    CHECKF(strncmp(got, "error: timed out after 1 s", 26) == 0, "%s", got);
    CHECK(alive("7791") == 0);
    /* many at once, each of which makes more */
    (void)call1(box, "run_command", "command",
                "for i in 1 2 3 4 5 6 7 8; do (setsid sh -c 'while :; do sleep 7793 & sleep 0.05; done' &); "
                "done; sleep 1");
    CHECK(alive("7793") == 0);
    tool_close(box);
}

static void commands_are_limited(void)
{
    tool_options o;
    tool_box *box;
    const char *got;
    memset(&o, 0, sizeof o);
    o.policy = TOOL_ALLOW;
    o.seconds = 120;
    o.cpu_seconds = 1;
    o.memory_bytes = (uint64_t)64 << 20;
    box = open_with(&o);
    got = call1(box, "run_command", "command", "while :; do :; done");
    CHECKF(strcmp(got, "exit code 152") == 0 || strcmp(got, "exit code 137") == 0, "processor time: %s", got);
    got = call1(box, "run_command", "command",
                "awk 'BEGIN { s = \\\"x\\\"; while (length(s) < 300000000) s = s s; print length(s) }'");
    CHECKF(strncmp(got, "exit code 0", 11) != 0, "memory: %s", got);
    got = call1(box, "run_command", "command", "cat /dev/zero");
    CHECKF(strncmp(got, "error: more than 16 MiB of output", 33) == 0 || strncmp(got, "exit code 1", 11) == 0,
           "flood: %.100s", got);
    CHECK(strlen(got) < 3 * 4000 + 200); /* NUL becomes three bytes */
    tool_close(box);
}

/* ---- consent ---- */

static int asked;
static tool_answer next_answer;
static char last_question[400];

static tool_answer on_question(void *user, const char *name, const char *what)
{
    (void)user;
    asked++;
    snprintf(last_question, sizeof last_question, "%s %s", name, what);
    return next_answer;
}

static void consent(void)
{
    tool_options o;
    tool_box *box;
    const char *no = "error: the user did not allow it", *yes = "exit code 0";
    memset(&o, 0, sizeof o);
    o.seconds = 60;
    box = open_with(&o); /* nobody can be asked */
    expect(box, "run_command", "command", "true", no);
    CHECK(strcmp(call(box, "write_file", "{\"path\":\"x\",\"content\":\"\"}"), no) == 0);
    tool_close(box);
    o.policy = TOOL_NEVER;
    o.allow = "true,test *, ls";
    o.ask = on_question;
    next_answer = TOOL_YES;
    box = open_with(&o);
    expect(box, "run_command", "command", "true", yes);
    expect(box, "run_command", "command", "test 1 = 1", yes);
    expect(box, "run_command", "command", "false", no);
    expect(box, "run_command", "command", "test 1; false", no);
    expect(box, "run_command", "command", "test $(false)", no);
    expect(box, "run_command", "command", "test `false`", no);
    expect(box, "run_command", "command", "test 1 > x", no);
    expect(box, "run_command", "command", "test 1 \\n false", no);
    expect(box, "run_command", "command", "test 1 & false", no);
    expect(box, "run_command", "command", "test", no);
    CHECK(asked == 0);
    tool_close(box);
    o.policy = TOOL_ASK;
    o.allow = NULL;
    box = open_with(&o);
    next_answer = TOOL_NO;
    expect(box, "run_command", "command", "true", no);
    expect(box, "run_command", "command", "echo \\u001b[2J\\u202e\\n:", no);
    CHECKF(strcmp(last_question, "run_command echo <U+001B>[2J<U+202E>\\n:") == 0, "%s", last_question);
    next_answer = TOOL_ALWAYS;
    expect(box, "run_command", "command", "true", yes);
    expect(box, "run_command", "command", "true", yes);
    CHECKF(asked == 3, "asked %d times", asked);
    next_answer = TOOL_NO;
    expect(box, "run_command", "command", "true ", no); /* not the same */
    next_answer = TOOL_ALWAYS;
    CHECK(strcmp(call(box, "write_file", "{\"path\":\"x\",\"content\":\"abc\"}"), "wrote 3 bytes to x") == 0);
    CHECKF(strcmp(last_question, "write_file x (3 bytes)") == 0, "%s", last_question);
    next_answer = TOOL_NO;
    CHECK(strcmp(call(box, "write_file", "{\"path\":\"x\",\"content\":\"d\"}"), "wrote 1 bytes to x") == 0);
    shell("rm root/x");
    tool_close(box);
}

/* ---- the log ---- */

static void log_is_json(void)
{
    char path[400], *line = (char *)malloc(1 << 20);
    tool_options o;
    tool_box *box;
    llmc_json json;
    llmc_blob text;
    int n = 0;
    FILE *f;
    snprintf(path, sizeof path, "%s/log", top);
    memset(&o, 0, sizeof o);
    o.log = fopen(path, "wb");
    box = open_with(&o);
    (void)call(box, "read_file", "{\n\"path\" :\r\n \"a\"}");
    (void)call(box, "read_file", "not\njson \xff\x01\"\\");
    (void)call(box, "calculator", "\xEF\xBB\xBF{\"expression\": \"1\"}\n");
    (void)call(box, "n\"a\nme", "{}");
    (void)call(box, "run_command", "{\"command\":\"true\"}");
    tool_note(box, "task", "a\nb\xff", 4);
    tool_close(box);
    fclose(o.log);
    f = fopen(path, "rb");
    while (f != NULL && fgets(line, 1 << 20, f) != NULL) {
        text.data = line;
        text.size = strlen(line);
        text.name = NULL;
        n++;
        if (!CHECKF(llmc_json_parse(&text, &json, NULL) == LLMC_OK, "%s", line))
            break;
        CHECK(llmc_json_get(json, "time").type == LLMC_JSON_STRING);
        if (n == 1)
            CHECK(llmc_json_equal(llmc_json_get(llmc_json_get(json, "arguments"), "path"), "a") &&
                  llmc_json_bool(llmc_json_get(json, "ok"), false));
        if (n == 5)
            CHECK(llmc_json_equal(llmc_json_get(json, "consent"), "nobody asked"));
    }
    CHECKF(n == 6, "%d lines", n);
    if (f != NULL)
        fclose(f);
    free(line);
    f = fopen("/dev/full", "wb"); /* what cannot be logged is not done */
    if (f == NULL)
        return;
    o.log = f;
    o.policy = TOOL_ALLOW;
    box = open_with(&o);
    expect(box, "calculator", "expression", "1", "1");
    expect(box, "calculator", "expression", "1", "error: the log cannot be written, so nothing is done");
    tool_close(box);
    fclose(f);
}

int main(void)
{
    snprintf(top, sizeof top, "%s/llmc-tools-XXXXXX", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    if (mkdtemp(top) == NULL) {
        perror(top);
        return 1;
    }
    shell("mkdir root out root/d");
    make_file("root/a", "alpha\n", 6);
    make_file("root/d/f", "inside", 6);
    make_file("out/secret", "TOPSECRET", 9);
    RUN(json_is_what_tiny_knows);
    RUN(offers_what_was_chosen);
    RUN(bad_arguments);
    RUN(calculator_values);
    RUN(paths_that_leave);
    RUN(writes_stay);
    RUN(lists_and_searches);
    RUN(races_are_lost);
    RUN(commands_say);
    RUN(commands_end);
    RUN(commands_are_limited);
    RUN(consent);
    RUN(log_is_json);
    shell("cd / && rm -rf \"$OLDPWD\"");
    return test_end("test_tools");
}

#else

int main(void)
{
    printf("  skipped test_tools: needs a POSIX shell\n");
    test_skipped = 1;
    return test_end("test_tools");
}

#endif
