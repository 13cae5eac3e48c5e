/* test_os.c -- section 26 OS: pool, mapping, memory, quotas, terminal, clock */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

#ifndef _WIN32
#include <sys/wait.h>
#endif

//-- pool ----------------------------------------------------------------

#define MOST 1000

typedef struct tally {
    unsigned char seen[MOST]; /* each index is touched by one thread only */
    uint32_t n;
} tally;

static void count_index(void *arg, uint32_t index)
{
    tally *t = (tally *)arg;
    t->seen[index]++;
}

/* Every index once, for all n, run after run. */
static void pool_covers(uint32_t threads)
{
    static tally t;
    llmc_pool *pool;
    llmc_diag diag;
    llmc_tasks tasks;
    uint32_t n, i;
    if (!CHECK(llmc__pool_make(&pool, threads, llmc_os_threads(), &diag) == LLMC_OK))
        return;
    tasks = llmc_pool_tasks(pool);
    CHECK(tasks.workers == threads);
    for (n = 0; n <= MOST; n += n < 20 ? 1 : 49) {
        uint32_t wrong = 0;
        memset(&t, 0, sizeof t);
        tasks.run(tasks.user, n, count_index, &t);
        for (i = 0; i < MOST; i++)
            wrong += t.seen[i] != (i < n);
        CHECKF(wrong == 0, "%u threads, n %u: %u indexes not run exactly once", threads, n, wrong);
    }
    llmc_pool_close(pool);
}

static void pool_runs_each_index_once(void)
{
    static const uint32_t threads[] = {1, 2, 3, 5, 16};
    size_t i;
    for (i = 0; i < sizeof threads / sizeof threads[0]; i++)
        pool_covers(threads[i]);
}

typedef struct chain {
    uint64_t value[8];
} chain;

static void step_chain(void *arg, uint32_t index)
{
    chain *c = (chain *)arg;
    c->value[index] = c->value[index] * 6364136223846793005u + index + 1;
}

/* Each run reads what the run before wrote, perhaps on another thread: a run that
   returned too early, or a result not visible, breaks the chain. */
static void pool_runs_in_order(uint32_t threads, uint32_t runs)
{
    chain here, there;
    llmc_pool *pool;
    llmc_tasks tasks;
    uint32_t r, i;
    memset(&here, 0, sizeof here);
    memset(&there, 0, sizeof there);
    if (!CHECK(llmc__pool_make(&pool, threads, llmc_os_threads(), NULL) == LLMC_OK))
        return;
    tasks = llmc_pool_tasks(pool);
    for (r = 0; r < runs; r++) {
        uint32_t n = 1 + r % 8;
        tasks.run(tasks.user, n, step_chain, &there);
        for (i = 0; i < n; i++)
            step_chain(&here, i);
    }
    CHECKF(memcmp(&here, &there, sizeof here) == 0, "%u threads: a run was lost or came early", threads);
    llmc_pool_close(pool);
}

static void pool_many_runs(void)
{
    uint32_t runs = getenv("TEST_LONG") != NULL ? 5000000 : 50000;
    pool_runs_in_order(2, runs);
    pool_runs_in_order(3, runs / 5); /* more threads than processors on small machines: sleeps at once */
    pool_runs_in_order(5, runs / 5);
}

static void wait_nanoseconds(uint64_t n)
{
    uint64_t end = llmc_os_nanoseconds() + n;
    while (llmc_os_nanoseconds() < end) {}
}

static void slow_index(void *arg, uint32_t index)
{
    chain *c = (chain *)arg;
    if (index == 1)
        wait_nanoseconds(300000);
    c->value[index]++;
}

/* Pauses longer than the spinning send both sides to sleep: no wakeup is lost. */
static void pool_wakes_sleepers(void)
{
    static const uint32_t threads[] = {2, 4};
    chain c;
    llmc_pool *pool;
    llmc_tasks tasks;
    size_t i;
    uint64_t r;
    for (i = 0; i < 2; i++) {
        memset(&c, 0, sizeof c);
        if (!CHECK(llmc__pool_make(&pool, threads[i], llmc_os_threads(), NULL) == LLMC_OK))
            return;
        tasks = llmc_pool_tasks(pool);
        for (r = 0; r < 200; r++) {
            tasks.run(tasks.user, 4, slow_index, &c);
            wait_nanoseconds(r % 4 * 100000); /* around the spin time, and beyond */
        }
        CHECK(c.value[0] == 200 && c.value[1] == 200 && c.value[2] == 200 && c.value[3] == 200);
        llmc_pool_close(pool);
    }
}

typedef struct nest {
    llmc_tasks tasks;
    chain inner[8];
} nest;

static void nested_index(void *arg, uint32_t index)
{
    nest *n = (nest *)arg;
    n->tasks.run(n->tasks.user, 8, step_chain, &n->inner[index]);
}

/* A run inside a run is against the rules of llmc_tasks, yet must not hang. */
static void pool_survives_nesting(void)
{
    nest n;
    chain once;
    llmc_pool *pool;
    uint32_t i;
    memset(&n, 0, sizeof n);
    memset(&once, 0, sizeof once);
    for (i = 0; i < 8; i++)
        step_chain(&once, i);
    if (!CHECK(llmc__pool_make(&pool, 3, llmc_os_threads(), NULL) == LLMC_OK))
        return;
    n.tasks = llmc_pool_tasks(pool);
    n.tasks.run(n.tasks.user, 8, nested_index, &n);
    for (i = 0; i < 8; i++)
        CHECK(memcmp(&n.inner[i], &once, sizeof once) == 0);
    llmc_pool_close(pool);
}

static void pool_limits(void)
{
    llmc_pool *pool = NULL;
    llmc_diag diag;
    llmc_tasks none;
    CHECK(llmc_pool_open(&pool, 100000, &diag) == LLMC_BAD_ARG && pool == NULL);
    CHECK(strcmp(diag.tag, "OS.pool") == 0);
    CHECK(llmc_pool_open(&pool, 0, &diag) == LLMC_OK);
    CHECK(llmc_pool_tasks(pool).workers == llmc_os_threads());
    llmc_pool_close(pool);
    CHECK(llmc_pool_open(&pool, 1000, &diag) == LLMC_OK); /* never more than can run at a time */
    CHECK(llmc_pool_tasks(pool).workers == llmc_os_threads());
    llmc_pool_close(pool);
    llmc_pool_close(NULL);
    none = llmc_pool_tasks(NULL);
    CHECK(none.run == NULL && none.workers == 0);
    CHECK(llmc_os_threads() >= 1);
}

#ifndef _WIN32
static volatile sig_atomic_t signals_here;
static pthread_t main_thread;

static void note_signal(int number)
{
    (void)number;
    if (pthread_equal(pthread_self(), main_thread))
        signals_here++;
}

/* A signal to the process arrives at the thread that made the pool. */
static void pool_blocks_signals(void)
{
    llmc_pool *pool;
    int i;
    main_thread = pthread_self();
    if (!CHECK(llmc__pool_make(&pool, 4, llmc_os_threads(), NULL) == LLMC_OK))
        return;
    signal(SIGUSR1, note_signal);
    for (i = 0; i < 50; i++)
        kill(getpid(), SIGUSR1);
    for (i = 0; i < 1000 && signals_here == 0; i++)
        wait_nanoseconds(1000000);
    CHECK(signals_here > 0);
    signal(SIGUSR1, SIG_DFL);
    llmc_pool_close(pool);
}
#endif

//-- files ---------------------------------------------------------------

static const char *const scratch = "test_os.tmp";

static void write_file(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (CHECK(f != NULL)) {
        CHECK(fwrite(data, 1, n, f) == n);
        fclose(f);
    }
}

static void map_refuses(void)
{
    char longer[600];
    llmc_blob b;
    llmc_diag d;
    memset(&b, 0x55, sizeof b);
    CHECK(llmc_map_open(&b, "no/such/file.gguf", &d) == LLMC_IO);
    CHECK(b.data == NULL && b.size == 0);
    CHECK(strstr(d.message, "no/such/file.gguf: no such") != NULL && strcmp(d.tag, "OS.map") == 0);
    CHECK(d.status == LLMC_IO);
    CHECK(llmc_map_open(&b, ".", &d) == LLMC_IO);
    CHECK(strcmp(d.message, ".: is a directory") == 0);
    CHECK(llmc_map_open(&b, NULL, &d) == LLMC_BAD_ARG);
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    CHECK(llmc_map_open(&b, longer, &d) == LLMC_IO);
    CHECK(strstr(d.message, "xx: ") != NULL); /* the reason is there, however long the path */
    CHECK(llmc_map_open(&b, "no/such/file", NULL) == LLMC_IO);
}

#ifndef _WIN32
/* A pipe with no writer would make open() wait for ever. */
static void map_refuses_pipes(void)
{
    llmc_blob b;
    llmc_diag d;
    remove(scratch);
    if (mkfifo(scratch, 0600) != 0) {
        SKIP("no pipes in this file system");
        return;
    }
    CHECK(llmc_map_open(&b, scratch, &d) == LLMC_IO);
    CHECK(strstr(d.message, "not a regular file") != NULL);
    remove(scratch);
    CHECK(llmc_map_open(&b, "/dev/null", &d) == LLMC_IO);
}
#endif

static void map_empty(void)
{
    llmc_blob b;
    write_file(scratch, "", 0);
    CHECK(llmc_map_open(&b, scratch, NULL) == LLMC_OK);
    CHECK(b.size == 0 && b.name == scratch);
    llmc_map_close(&b);
    CHECK(b.data == NULL && b.name == NULL);
    llmc_map_close(&b); /* twice does no harm */
    remove(scratch);
}

typedef struct watch {
    uint64_t calls, last, total;
    uint64_t stop_at; /* cancel from this byte on; 0: never */
    bool ordered;
} watch;

static bool watch_progress(void *user, const char *what, uint64_t done, uint64_t total)
{
    watch *w = (watch *)user;
    w->ordered = w->ordered && strcmp(what, "loading") == 0 && done >= w->last && done <= total;
    w->calls++;
    w->last = done;
    w->total = total;
    return w->stop_at == 0 || done < w->stop_at;
}

#define BIG ((size_t)3 * 1024 * 1024 + 123)

/* Copied, mapped, and mapped after a reading pass: the same bytes. */
static void map_and_copy_agree(void)
{
    unsigned char *data = (unsigned char *)malloc(BIG);
    llmc_blob mapped, copy;
    llmc_progress progress;
    llmc_diag diag;
    watch w;
    size_t i;
    if (!CHECK(data != NULL))
        return;
    for (i = 0; i < BIG; i++)
        data[i] = (unsigned char)(i * 31 + i / 251);
    write_file(scratch, data, BIG);
    memset(&w, 0, sizeof w);
    w.ordered = true;
    progress.fn = watch_progress;
    progress.user = &w;
    if (CHECK(llmc_map_open(&mapped, scratch, NULL) == LLMC_OK)) {
        CHECK(mapped.size == BIG && memcmp(mapped.data, data, BIG) == 0);
        llmc_map_close(&mapped);
    }
    if (CHECK(llmc__map(&copy, scratch, true, &progress, NULL) == LLMC_OK)) {
        CHECK(copy.size == BIG && memcmp(copy.data, data, BIG) == 0);
        CHECK(w.ordered && w.calls >= 2 && w.last == BIG && w.total == BIG);
        llmc_map_close(&copy);
    }
    w.last = 0;
    w.stop_at = 1;
    CHECK(llmc__map(&copy, scratch, true, &progress, &diag) == LLMC_CANCELLED);
    CHECK(copy.data == NULL && copy.size == 0 && strstr(diag.message, scratch) != NULL);
    free(data);
    remove(scratch);
}

static void memory_pages(void)
{
    void *mem = NULL;
    llmc_diag diag;
    char bytes[40];
    size_t i, n = 300000, set = 0;
    memset(&diag, 0, sizeof diag);
    if (CHECK(llmc_os_memory(&mem, n, &diag) == LLMC_OK)) {
        for (i = 0; i < n; i++)
            set += ((unsigned char *)mem)[i];
        CHECK(set == 0);
        memset(mem, 1, n);
        llmc_os_release(mem, n);
    }
    CHECK(llmc_os_memory(&mem, 0, &diag) == LLMC_OK && mem != NULL);
    llmc_os_release(mem, 0);
    llmc_os_release(NULL, 5);
    CHECK(llmc_os_memory(&mem, SIZE_MAX - 70000, &diag) == LLMC_NO_MEMORY && mem == NULL);
    CHECK(diag.tag != NULL && strcmp(diag.tag, "OS.memory") == 0);
    snprintf(bytes, sizeof bytes, " %llu bytes", (unsigned long long)(SIZE_MAX - 70000));
    CHECKF(strstr(diag.message, bytes) != NULL, "%s", diag.message); /* of less than a MiB, too */
}

//-- quotas --------------------------------------------------------------

static uint32_t v2(const char *text)
{
    return llmc__quota_v2(text, strlen(text));
}

static uint32_t v1(const char *quota, const char *period)
{
    return llmc__quota_v1(quota, strlen(quota), period, strlen(period));
}

/* Expected values: the kernel's admin-guide, cgroup-v2 "cpu.max" and sched-bwc
   "cpu.cfs_quota_us"; rounding down is our own choice. */
static void quota_numbers(void)
{
    CHECK(v2("max 100000\n") == UINT32_MAX);
    CHECK(v2("200000 100000\n") == 2);
    CHECK(v2("150000 100000\n") == 1);
    CHECK(v2("50000 100000\n") == 1);
    CHECK(v2("800000\n") == 8);
    CHECK(v2("300000 0\n") == 3);
    CHECK(v2("") == UINT32_MAX);
    CHECK(v2("99999999999999999999999999 1\n") == UINT32_MAX);
    CHECK(v1("-1\n", "100000\n") == UINT32_MAX);
    CHECK(v1("400000\n", "100000\n") == 4);
    CHECK(v1("25000\n", "50000\n") == 1);
    CHECK(v1("100000\n", "25000\n") == 4);
    CHECK(v1("300000\n", "") == 3);
    CHECK(v1("", "") == UINT32_MAX);
}

static bool group_of(const char *text, bool is_v2, const char *controller, const char *expected)
{
    char out[32];
    if (!llmc__quota_group(text, strlen(text), is_v2, controller, out, sizeof out))
        return expected == NULL;
    return expected != NULL && strcmp(out, expected) == 0;
}

static bool group(const char *text, bool is_v2, const char *expected)
{
    return group_of(text, is_v2, "cpu", expected);
}

static void quota_groups(void)
{
    const char *mixed = "12:cpuset:/a\n4:cpu,cpuacct:/docker/b\n1:name=systemd:/c\n0::/user.slice/d\n";
    CHECK(group(mixed, true, "/user.slice/d"));
    CHECK(group(mixed, false, "/docker/b"));
    CHECK(group("0::/\n", true, "/"));
    CHECK(group("0::/\n", false, NULL));
    CHECK(group("3:cpuacct,cpu:/x", false, "/x")); /* no newline at the end */
    CHECK(group("3:cpuset:/x\n", false, NULL));    /* "cpu" is a whole word */
    CHECK(group("0::/../outside\n", true, NULL));
    CHECK(group("0::/a:b\n", true, "/a:b"));
    CHECK(group("0::/a/path/that/is/longer/than/the/room\n", true, NULL));
    CHECK(group("", true, NULL));
    CHECK(group(":\n::\n0:\n", true, NULL));
    CHECK(group_of("4:cpu,cpuacct:/c\n5:memory:/m\n0::/two\n", false, "memory", "/m"));
    CHECK(group_of("4:cpu,cpuacct:/c\n5:memory:/m\n0::/two\n", true, "memory", "/two"));
    CHECK(group_of("4:cpu,cpuacct:/c\n", false, "memory", NULL));
}

/* One group: what is left of a start of 1000000 in all, 900000 now. */
static bool left(const char *max, const char *used, const char *stat, bool is_v2, uint64_t limit,
                 uint64_t now)
{
    uint64_t l = 1000000, n = 900000;
    llmc__quota_memory(max, strlen(max), used, strlen(used), stat, strlen(stat), is_v2, &l, &n);
    return l == limit && n == now;
}

/* Expected values: the kernel's admin-guide, cgroup-v2 "memory.max", "memory.current", "memory.stat", and
   cgroup-v1 "memory"; that all files in the cache can make room is our own choice. */
static void quota_memory(void)
{
    const char *stat = "anon 5\nfile 300\ninactive_file 100\nactive_file 200\ninactive_anon 7\n";
    CHECK(left("max\n", "500\n", stat, true, 1000000, 900000));
    CHECK(left("10000\n", "5000\n", stat, true, 10000, 5300));
    CHECK(left("10000\n", "200\n", stat, true, 10000, 10000)); /* counters are not read at one moment */
    CHECK(left("10000\n", "20000\n", "", true, 10000, 0));
    CHECK(left("10000\n", "", "", true, 10000, 10000));
    CHECK(left("2000000\n", "1950000\n", "", true, 1000000, 50000));
    CHECK(left("", "500\n", stat, true, 1000000, 900000));
    CHECK(left("9223372036854771712\n", "500\n", stat, false, 1000000, 900000));
    CHECK(left("99999999999999999999999999\n", "5\n", "", true, 1000000, 900000));
    CHECK(left("10000\n", "5000\n", stat, false, 10000, 5000)); /* v1 counts groups inside in total_ */
    CHECK(left("10000\n", "5000\n", "total_inactive_file 10\ntotal_active_file 20", false, 10000, 5030));
    CHECK(llmc__quota_named("MemTotal:  24 kB\nMemAvailable: 12 kB\n", 40, "MemAvailable:") == 12);
    CHECK(llmc__quota_named("MemTotal:  24 kB\n", 18, "Total:") == 0);
    CHECK(llmc__quota_named("a\n\n\nb 7", 8, "b") == 7);
    CHECK(llmc__quota_named("b", 1, "b") == 0);
    CHECK(llmc__quota_named("b x\nbb 3\nb 4\n", 13, "b") == 4);
    CHECK(llmc__quota_named("", 0, "b") == 0);
}

/* Against what the system's own files say, where there are some; else only that the answers make sense. */
static void memory_available(void)
{
    uint64_t total = 0, now = 0;
    llmc_os_available(&total, &now);
    llmc_os_available(NULL, NULL);
    CHECK(now <= total);
#if defined(__linux__)
    CHECK(now > 1 << 20);
    {
        FILE *f = fopen("/proc/meminfo", "r");
        unsigned long long kb = 0;
        if (f != NULL && fscanf(f, "MemTotal: %llu kB", &kb) == 1)
            CHECKF(total <= kb * 1024 && total > 1 << 20, "%llu of %llu kB", (unsigned long long)total, kb);
        if (f != NULL)
            fclose(f);
    }
#endif
}

//-- the rest ------------------------------------------------------------

#ifndef _WIN32
static void terminal_no(void)
{
    int end[2];
    uint32_t cols = 7, rows = 7;
    if (!CHECK(pipe(end) == 0))
        return;
    CHECK(!llmc_os_terminal(end[0], &cols, &rows));
    CHECK(cols == 0 && rows == 0);
    CHECK(!llmc_os_terminal(end[1], NULL, NULL));
    CHECK(!llmc_os_terminal(-1, NULL, NULL));
    close(end[0]);
    close(end[1]);
}
#endif

/* main's words: where they are UTF-8 already they stay; on Windows a line comes apart as Microsoft's C library
   documents it ("Parsing C command-line arguments"). */
static void arguments(void)
{
    char name[] = "program", word[] = "word";
    char *given[3] = {name, word, NULL};
#ifdef _WIN32
    static const struct {
        const wchar_t *line;
        const char *words[4];
    } known[] = {{L"p \"a b c\" d e", {"p", "a b c", "d", "e"}},
                 {L"p \"ab\\\"c\" \"\\\\\" d", {"p", "ab\"c", "\\", "d"}},
                 {L"p a\\\\\\b d\"e f\"g h", {"p", "a\\\\\\b", "de fg", "h"}},
                 {L"p a\\\\\\\"b c d", {"p", "a\\\"b", "c", "d"}},
                 {L"p a\\\\\\\\\"b c\" d e", {"p", "a\\\\b c", "d", "e"}},
                 {L"p a\"b\"\" c d", {"p", "ab\" c d", NULL, NULL}},
                 {L"\"C:\\a b\\\" \t \"\"  \x4e2d\xd83d\xde00\\ ",
                  {"C:\\a b\\", "", "\xe4\xb8\xad\xf0\x9f\x98\x80\\", NULL}},
                 {L"", {"", NULL, NULL, NULL}}};
    size_t i;
    int k, n;
    for (i = 0; i < sizeof known / sizeof known[0]; i++) {
        wchar_t wide[64];
        char *words[8], text[256];
        for (n = 0; n < 4 && known[i].words[n] != NULL; n++)
            ;
        CHECKF(llmc__line_split(known[i].line, wide, NULL, NULL) == n, "line %d", (int)i);
        CHECK(llmc__line_split(known[i].line, wide, words, text) == n);
        for (k = 0; k < n; k++)
            CHECKF(strcmp(words[k], known[i].words[k]) == 0, "line %d: '%s', expected '%s'", (int)i, words[k],
                   known[i].words[k]);
    }
#else
    CHECK(llmc_os_arguments(2, given) == given && llmc_os_arguments(0, NULL) == NULL);
#endif
    CHECK(llmc_os_arguments(77, given) == given); /* more than there are */
}

/* By name, and without one by the environment; what is not here is refused with what is. */
static void kernels_by_name(void)
{
    llmc_cpu cpu;
    llmc_diag d;
    uint32_t here;
    memset(&cpu, 0, sizeof cpu);
    CHECK(llmc_os_cpu("auto", &cpu, &d) == LLMC_OK);
    here = cpu.features; /* AArch64's newer instructions only the operating system tells */
    CHECK((here & llmc_cpu_detect().features) == llmc_cpu_detect().features);
    CHECK(llmc_os_cpu("scalar", &cpu, &d) == LLMC_OK && cpu.features == LLMC_CPU_SCALAR);
    CHECK(llmc_os_cpu("auto", &cpu, &d) == LLMC_OK && cpu.features == here);
    cpu.features = 77;
    CHECK(llmc_os_cpu("mmx", &cpu, &d) == LLMC_BAD_ARG && cpu.features == 77);
    CHECKF(strstr(d.message, "'mmx'") != NULL && strstr(d.message, "auto, scalar") != NULL, "%s", d.message);
    CHECK(llmc_os_cpu("", &cpu, NULL) == LLMC_BAD_ARG && cpu.features == 77);
#ifndef _WIN32
    setenv("LLMC_ISA", "scalar", 1);
    CHECK(llmc_os_cpu(NULL, &cpu, &d) == LLMC_OK && cpu.features == LLMC_CPU_SCALAR);
    CHECK(llmc_os_cpu("auto", &cpu, &d) == LLMC_OK && cpu.features == here);
    setenv("LLMC_ISA", "a name that is longer than any set of instructions could ever have, surely", 1);
    CHECK(llmc_os_cpu(NULL, &cpu, &d) == LLMC_BAD_ARG && strstr(d.message, "LLMC_ISA") != NULL);
    setenv("LLMC_ISA", "", 1);
    CHECK(llmc_os_cpu(NULL, &cpu, &d) == LLMC_OK && cpu.features == here);
    unsetenv("LLMC_ISA");
    CHECK(llmc_os_cpu(NULL, &cpu, &d) == LLMC_OK && cpu.features == here);
#endif
}

static void clock_moves(void)
{
    uint64_t a = llmc_os_nanoseconds(), b;
    wait_nanoseconds(2000000);
    b = llmc_os_nanoseconds();
    CHECK(b - a >= 2000000 && b - a < 5000000000u);
}

static bool is_zero(const void *p, size_t n)
{
    const unsigned char *b = (const unsigned char *)p;
    while (n > 0 && b[n - 1] == 0)
        n--;
    return n == 0;
}

/* Failure at each stage leaves the host all zero and names the file. */
static void open_undoes(void)
{
    llmc_host host;
    llmc_open_options opt;
    llmc_diag diag;
    memset(&host, 0x55, sizeof host);
    CHECK(llmc_open(&host, "no-such-model.gguf", NULL, &diag) == LLMC_IO);
    CHECK(strstr(diag.message, "no-such-model.gguf") != NULL && is_zero(&host, sizeof host));
    llmc_close(&host); /* harmless */

    write_file(scratch, "this is no model, only some text", 32);
    memset(&host, 0x55, sizeof host);
    CHECK(llmc_open(&host, scratch, NULL, &diag) != LLMC_OK);
    CHECK(strstr(diag.message, scratch) != NULL && is_zero(&host, sizeof host));

    memset(&opt, 0, sizeof opt);
    opt.tokenizer_path = "no-such-tokenizer.bin";
    CHECK(llmc_open(&host, scratch, &opt, &diag) == LLMC_IO);
    CHECK(strstr(diag.message, "no-such-tokenizer.bin") != NULL && is_zero(&host, sizeof host));
    remove(scratch);
}

/* A trained model of the shared folder, with threads and without, mapped and copied. */
static void open_stories(void)
{
    llmc_host host;
    llmc_open_options opt;
    llmc_diag diag;
    char path[2][512];
    uint32_t i;
    FILE *f;
    snprintf(path[0], sizeof path[0], "%s", test_shared("data/stories260K.bin"));
    snprintf(path[1], sizeof path[1], "%s", test_shared("data/tok512.bin"));
    f = fopen(path[0], "rb");
    if (f == NULL) {
        SKIP("no stories260K.bin");
        return;
    }
    fclose(f);
    for (i = 0; i < 4; i++) {
        memset(&opt, 0, sizeof opt);
        opt.tokenizer_path = path[1];
        opt.threads = 1 + i % 2;
        opt.no_mmap = i >= 2;
        if (!CHECKF(llmc_open(&host, path[0], &opt, &diag) == LLMC_OK, "%s", diag.message))
            return;
        CHECK(host.model != NULL && host.engine != NULL && host.seq != NULL);
        CHECK((host.pool != NULL) == (opt.threads > 1));
        CHECK(host.file.size == 1056540);
        llmc_close(&host);
        CHECK(is_zero(&host, sizeof host));
    }
    opt.no_engine = true;
    if (CHECK(llmc_open(&host, path[0], &opt, &diag) == LLMC_OK)) {
        CHECK(host.model != NULL && host.engine == NULL && host.seq == NULL && host.pool == NULL);
        llmc_close(&host);
    }
}

int main(void)
{
    RUN(pool_runs_each_index_once);
    RUN(pool_many_runs);
    RUN(pool_wakes_sleepers);
    RUN(pool_survives_nesting);
    RUN(pool_limits);
    RUN(map_refuses);
    RUN(map_empty);
    RUN(map_and_copy_agree);
    RUN(memory_pages);
    RUN(quota_numbers);
    RUN(quota_groups);
    RUN(quota_memory);
    RUN(memory_available);
    RUN(arguments);
    RUN(kernels_by_name);
    RUN(clock_moves);
    RUN(open_undoes);
    RUN(open_stories);
#ifndef _WIN32
    RUN(pool_blocks_signals);
    RUN(map_refuses_pipes);
    RUN(terminal_no);
#endif
    return test_end("test_os");
}
