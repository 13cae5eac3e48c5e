/* test.h -- the few lines that every test program shares.

   A test is a function; it fails if any CHECK in it fails. RUN counts it, SKIP
   says why one cannot run here, test_end prints "name: N passed, N failed" and
   gives the exit code. Programs run from the repository's root. */
#ifndef TEST_H
#define TEST_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef _WIN32 /* names that <windows.h> has taken, which the implementation includes */
#undef near
#undef far
#undef small
#define CONTEXT TEST_CONTEXT
#define LONG    TEST_LONG
#endif

#if defined(__GNUC__)
#define TEST_UNUSED __attribute__((unused))
#else
#define TEST_UNUSED
#endif

static int test_passed, test_failed, test_skipped, test_bad;
static const char *test_now = "";
static clock_t test_begun;

#define CHECK(cond) test_check((cond) ? 1 : 0, __FILE__, __LINE__, "%s", #cond)
/* CHECK with a message of its own: CHECKF(a == b, "row %d: %g, expected %g", ...) */
#define CHECKF(cond, ...) test_check((cond) ? 1 : 0, __FILE__, __LINE__, __VA_ARGS__)
#define RUN(fn)               \
    do {                      \
        test_now = #fn;       \
        test_bad = 0;         \
        test_begun = clock(); \
        fn();                 \
        test_close();         \
    } while (0)

#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
TEST_UNUSED static int
test_check(int ok, const char *file, int line, const char *fmt, ...)
{
    va_list args;
    if (ok)
        return 1;
    if (test_bad++ < 10) {
        fprintf(stderr, "%s:%d: %s: ", file, line, test_now);
        va_start(args, fmt);
        vfprintf(stderr, fmt, args);
        va_end(args);
        fputc('\n', stderr);
    }
    return 0;
}

TEST_UNUSED static void test_close(void)
{
    if (test_bad < 0) /* skipped */
        return;
    if (test_bad > 0)
        test_failed++;
    else
        test_passed++;
    if (getenv("TEST_VERBOSE") != NULL) /* with the processor's seconds */
        printf("  %s %7.2f %s\n", test_bad > 0 ? "FAIL" : "ok  ",
               (double)(clock() - test_begun) / CLOCKS_PER_SEC, test_now);
}

/* Inside a test: `SKIP("reason"); return;` when nothing was checked. */
#define SKIP(reason)                                    \
    do {                                                \
        printf("  skipped %s: %s\n", test_now, reason); \
        test_skipped++;                                 \
        test_bad = -1;                                  \
    } while (0)

/* 0 .. n - 1 by SplitMix64 (Steele 2014): the same numbers on every machine. */
TEST_UNUSED static unsigned test_random(uint64_t *s, unsigned n)
{
    uint64_t z = *s += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (unsigned)(((z ^ (z >> 31)) >> 33) % n);
}

/* A file under the shared data folder ($SHARED, by default ../shared). */
TEST_UNUSED static const char *test_shared(const char *name)
{
    static char path[4][512];
    static int turn;
    const char *root = getenv("SHARED");
    char *out = path[turn++ & 3];
    snprintf(out, sizeof path[0], "%s/%s", root != NULL && root[0] != 0 ? root : "../shared", name);
    return out;
}

/* Whole file in memory (free it), NULL if it cannot be read. */
TEST_UNUSED static unsigned char *test_read(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    unsigned char *data = NULL;
    long n;
    if (f == NULL)
        return NULL;
    if (fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0) {
        data = (unsigned char *)malloc((size_t)n + 1);
        if (data != NULL && fread(data, 1, (size_t)n, f) == (size_t)n) {
            data[n] = 0;
            *size = (size_t)n;
        } else {
            free(data);
            data = NULL;
        }
    }
    fclose(f);
    return data;
}

TEST_UNUSED static uint32_t test_u32le(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* With a sanitizer everything takes long and much memory. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer)
#define TEST_SANITIZED 1
#endif
#endif
#ifndef TEST_SANITIZED
#define TEST_SANITIZED 0
#endif

/* Of many like cases every n-th is tried: each one where tests run natively, some, as `emulated` says, where an
   emulator takes thirty times as long (TEST_EMULATED, set by tests/run.sh). TEST_EVERY=1 tries all everywhere. */
TEST_UNUSED static unsigned test_every(unsigned emulated)
{
    const char *s = getenv("TEST_EVERY");
    if (s != NULL && atoi(s) > 0)
        return (unsigned)atoi(s);
    return getenv("TEST_EMULATED") != NULL ? emulated : 1;
}

/* Seed for random tests: TEST_SEED or the default; always printed. */
TEST_UNUSED static unsigned long long test_seed(unsigned long long fallback)
{
    const char *s = getenv("TEST_SEED");
    unsigned long long seed = s != NULL ? strtoull(s, NULL, 0) : fallback;
    printf("  seed %llu (TEST_SEED=%llu repeats it)\n", seed, seed);
    return seed;
}

static int test_end(const char *name)
{
    printf("%s: %d passed, %d failed", name, test_passed, test_failed);
    if (test_skipped > 0)
        printf(", %d skipped", test_skipped);
    printf("\n");
    return test_failed > 0 ? 1 : 0;
}

#endif
