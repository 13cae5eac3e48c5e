/* tools.h -- what a model may do: files below one folder, commands with consent, a calculator

   For programs that have included llmc.h before (agent.c, chat.c); everything is static. Six tools, whose
   names, arguments and descriptions are those that tiny.gguf has been trained on:

     read_file{path}  write_file{path, content}  list_dir{path = "."}  search_codebase{query}
     run_command{command}  calculator{expression}

   A call in four lines; the screen stays live between two polls:

       tool_start(box, name, arguments, strlen(arguments));
       while (!tool_poll(box, 50))
           draw_and_read_keys(); // tool_cancel(box) at Ctrl-C
       result = tool_text(box, &len);

   What is promised, whatever the arguments:
   - files: nothing outside the root is opened. A path is walked from the root's handle, one component at a
     time, and no component may be "..", a symbolic link or (Windows) another reparse point; what is read is a
     regular file, of at most file_bytes. write_file puts a new file in the old place in one step. A hard
     link is a file like any other; a mount below the root belongs to it, but /proc and /sys do not.
   - commands: run by `sh -c` (Windows: PowerShell) in the root, only after consent, without a terminal and
     with nothing on standard input. When the command ends, or its time, output or the user's patience does,
     everything that it has started is killed: on Linux whatever it has done to hide (a supervisor adopts
     orphans), on Windows by a job object, elsewhere its process group only. A command is not confined to the
     root: consent is what stands before it.
   - results: UTF-8 without NUL, of bounded length; errors are "error: the reason", for the model to read. */
#ifndef LLMC_TOOLS_H
#define LLMC_TOOLS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef _WIN32
#include <windows.h>
#else
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#endif
#endif

#if defined(__GNUC__) || defined(__clang__)
#define TOOL_FN static __attribute__((unused)) /* not every program calls every function */
#else
#define TOOL_FN static
#endif
#if defined(__MINGW32__) && !defined(__clang__)
#define TOOL_LIKE_PRINTF __attribute__((format(gnu_printf, 2, 3)))
#elif defined(__GNUC__) || defined(__clang__)
#define TOOL_LIKE_PRINTF __attribute__((format(printf, 2, 3)))
#else
#define TOOL_LIKE_PRINTF
#endif

/* ---- interface ------------------------------------------------------------------- */

typedef struct tool_box tool_box;

typedef enum tool_answer { TOOL_NO, TOOL_YES, TOOL_ALWAYS } tool_answer;

typedef enum tool_policy {
    TOOL_ASK,   /* what the allow-list does not name, `ask` decides; without one: no */
    TOOL_ALLOW, /* everything                                                       */
    TOOL_NEVER  /* only what the allow-list names                                   */
} tool_policy;

/* Zeros are defaults. Pointers are borrowed until tool_close. */
typedef struct tool_options {
    const char *root;   /* the folder; NULL: "."                                                            */
    tool_policy policy; /* of run_command and write_file; the others need no consent                        */
    const char *allow; /* "git *,ls,write_file": commands, * standing for any characters, and tools' names. */
                       /*   A command with ; & | < > $ ` ( ) { } \ or a line break is never in the list    */
    tool_answer (*ask)(void *user, const char *name,
                       const char *what); /* what: the command, or path and size */
    void *user;                           /* TOOL_ALWAYS: this command again,    */
                                          /*   or every write, is not asked for  */
    FILE *log;             /* one JSON object a line for every call; NULL: none                   */
    const char *only;      /* "read_file,calculator": tools that are offered; NULL: all           */
    unsigned seconds;      /* a command or search may take; 0: 10                                 */
    unsigned cpu_seconds;  /* each process of a command; 0: as `seconds`                          */
    uint64_t memory_bytes; /* address space of each process of a command; 0: 4 GiB                */
    size_t output_bytes;   /* of each of a command's two streams that are kept; 0: 4000           */
    size_t file_bytes;     /* of a file read, written or searched; 0: 256 KiB                     */
    unsigned search_lines; /* that search_codebase finds; 0: 50                                   */
} tool_options;

/* NULL: cannot be, and why[cap] says it in one line. */
TOOL_FN tool_box *tool_open(const tool_options *opt, char *why, size_t cap);
/* Cancels what runs, frees everything. box may be NULL. */
TOOL_FN void tool_close(tool_box *box);

/* The tools that are offered, as OpenAI's JSON array, NUL-terminated, for the chat template and for
   llmc_reply_options. */
TOOL_FN const char *tool_json(const tool_box *box, size_t *len);

/* The JSON schema of one call of any of them: an object of "name" and `member`, which is "arguments" or, for
   Llama 3, "parameters". A grammar made of it keeps a model from writing a call that cannot be. */
TOOL_FN const char *tool_schema(tool_box *box, const char *member);

/* Begins a call; any earlier one is over. arguments [len]: JSON as the model wrote it. Every mistake is a
   result with tool_ok false. May call `ask`, and return only when that does. */
TOOL_FN void tool_start(tool_box *box, const char *name, const char *arguments, size_t len);
/* Works or waits for up to ms milliseconds. True: the call is over and its result is there. */
TOOL_FN bool tool_poll(tool_box *box, unsigned ms);
/* The call ends at once, with "error: the user cancelled it". */
TOOL_FN void tool_cancel(tool_box *box);

/* Until the next tool_start. The result is NUL-terminated. The label is one line for the screen without
   control characters, of at most 160 bytes: read_file path=src/main.c */
TOOL_FN const char *tool_text(const tool_box *box, size_t *len);
TOOL_FN bool tool_ok(const tool_box *box);
TOOL_FN const char *tool_label(const tool_box *box);
/* What is running says so far, for a screen; "" if nothing. Bytes as they came. */
TOOL_FN const char *tool_so_far(const tool_box *box, size_t *len);
TOOL_FN double tool_seconds(const tool_box *box);
/* A line of the log beside the calls: {"time": ..., "kind": kind, "text": text}. */
TOOL_FN void tool_note(tool_box *box, const char *kind, const char *text, size_t len);

/* ---- texts ----------------------------------------------------------------------- */

typedef struct tool_buffer {
    char *data; /* NUL-terminated once anything was put in */
    size_t len, cap;
} tool_buffer;

static void *tool_grow(void *p, size_t bytes)
{
    p = realloc(p, bytes > 0 ? bytes : 1);
    if (p == NULL) {
        fputs("tools: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

static void tool_put(tool_buffer *t, const char *data, size_t n)
{
    if (t->len + n + 1 > t->cap) {
        t->cap = (t->len + n + 1) * 2;
        t->data = (char *)tool_grow(t->data, t->cap);
    }
    if (n > 0)
        memcpy(t->data + t->len, data, n);
    t->len += n;
    t->data[t->len] = 0;
}

static void tool_puts(tool_buffer *t, const char *words)
{
    tool_put(t, words, strlen(words));
}

/* At most 399 bytes. */
TOOL_LIKE_PRINTF static void tool_putf(tool_buffer *t, const char *fmt, ...)
{
    char line[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    tool_puts(t, line);
}

static void tool_clear(tool_buffer *t)
{
    t->len = 0;
    tool_put(t, "", 0);
}

/* Bytes of the UTF-8 character at p [n > 0] and its code; 0: there is none (RFC 3629). */
static size_t tool_utf8(const char *p, size_t n, unsigned *code)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *u = (const unsigned char *)p;
    size_t len = u[0] < 0x80   ? 1
                 : u[0] < 0xC2 ? 0
                 : u[0] < 0xE0 ? 2
                 : u[0] < 0xF0 ? 3
                 : u[0] < 0xF5 ? 4
                               : 0,
           i;
    if (len == 0 || len > n)
        return 0;
    *code = len == 1 ? u[0] : u[0] & (0x7Fu >> len);
    for (i = 1; i < len; i++) {
        if ((u[i] & 0xC0) != 0x80)
            return 0;
        *code = *code << 6 | (u[i] & 0x3F);
    }
    return *code < least[len] || *code > 0x10FFFF || (*code >= 0xD800 && *code < 0xE000) ? 0 : len;
}

/* Any bytes as UTF-8 without NUL: what is neither becomes U+FFFD. */
static void tool_put_utf8(tool_buffer *t, const char *p, size_t n)
{
    unsigned code;
    size_t i = 0, len;
    for (; i < n; i += len) {
        len = tool_utf8(p + i, n - i, &code);
        if (len > 0 && code != 0)
            tool_put(t, p + i, len);
        else
            tool_put(t, "\xEF\xBF\xBD", 3);
        len = len > 0 ? len : 1;
    }
}

/* Characters that a terminal obeys, or that make a text look like another: controls, directions, no width. */
static bool tool_hidden(unsigned code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x200B && code <= 0x200F) ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF;
}

/* Any bytes as one visible line of at most `most` bytes: \n, <U+202E>, <FF>; "..." where it was cut. */
static void tool_put_visible(tool_buffer *t, const char *p, size_t n, size_t most)
{
    unsigned code = 0;
    size_t i = 0, len, limit = t->len + most;
    for (; i < n; i += len) {
        len = tool_utf8(p + i, n - i, &code);
        if (t->len + 12 > limit) {
            tool_puts(t, "...");
            return;
        }
        if (len == 0)
            tool_putf(t, "<%02X>", (unsigned)(unsigned char)p[i]);
        else if (code == '\n')
            tool_puts(t, "\\n");
        else if (tool_hidden(code))
            tool_putf(t, "<U+%04X>", code);
        else
            tool_put(t, p + i, len);
        len = len > 0 ? len : 1;
    }
}

/* Any bytes as a JSON string. */
static void tool_put_json(tool_buffer *t, const char *p, size_t n)
{
    unsigned code = 0;
    size_t i = 0, len;
    tool_put(t, "\"", 1);
    for (; i < n; i += len) {
        len = tool_utf8(p + i, n - i, &code);
        if (len == 0)
            tool_puts(t, "\\ufffd");
        else if (code == '"' || code == '\\')
            tool_putf(t, "\\%c", (int)code);
        else if (code == '\n')
            tool_puts(t, "\\n");
        else if (code < 0x20 || code == 0x7F)
            tool_putf(t, "\\u%04x", code);
        else
            tool_put(t, p + i, len);
        len = len > 0 ? len : 1;
    }
    tool_put(t, "\"", 1);
}

static double tool_clock(void)
{
    return (double)llmc_os_nanoseconds() / 1e9;
}

/* A list of strings, each by itself in memory. */
typedef struct tool_names {
    char **name;
    size_t n;
} tool_names;

static void tool_names_add(tool_names *t, const char *name, const char *behind)
{
    size_t n = strlen(name), m = strlen(behind);
    char *copy = (char *)tool_grow(NULL, n + m + 1);
    memcpy(copy, name, n);
    memcpy(copy + n, behind, m + 1);
    if (t->n % 64 == 0)
        t->name = (char **)tool_grow(t->name, (t->n + 64) * sizeof *t->name);
    t->name[t->n++] = copy;
}

static void tool_names_drop(tool_names *t)
{
    size_t i;
    for (i = 0; i < t->n; i++)
        free(t->name[i]);
    free(t->name);
    t->name = NULL;
    t->n = 0;
}

static int tool_by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* ---- calculator: whole numbers --------------------------------------------------- */

enum { TOOL_LIMBS = 48, TOOL_BASE = 1000000000 };

/* sign * sum of limb[i] * 10^(9 i), limbs above n are not there; zero has n = 0 and sign 1. */
typedef struct tool_whole {
    int sign, n;
    uint32_t limb[TOOL_LIMBS];
} tool_whole;

static void tool_whole_trim(tool_whole *w)
{
    while (w->n > 0 && w->limb[w->n - 1] == 0)
        w->n--;
    if (w->n == 0)
        w->sign = 1;
}

/* Decimal digits only. False: more than 432 of them. */
static bool tool_whole_read(tool_whole *w, const char *digits, size_t n)
{
    memset(w, 0, sizeof *w);
    w->sign = 1;
    while (n > 1 && *digits == '0') {
        digits++;
        n--;
    }
    if (n > 9 * TOOL_LIMBS)
        return false;
    while (n > 0) {
        size_t take = n < 9 ? n : 9, i;
        uint32_t limb = 0;
        for (i = n - take; i < n; i++)
            limb = limb * 10 + (uint32_t)(digits[i] - '0');
        w->limb[w->n++] = limb;
        n -= take;
    }
    tool_whole_trim(w);
    return true;
}

static double tool_whole_real(const tool_whole *w)
{
    double v = 0;
    int i;
    for (i = w->n; i-- > 0;)
        v = v * TOOL_BASE + w->limb[i];
    return w->sign < 0 ? -v : v;
}

/* Of the magnitudes: -1, 0, 1. */
static int tool_whole_compare(const tool_whole *a, const tool_whole *b)
{
    int i;
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    for (i = a->n; i-- > 0;)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

/* a + b, b's sign taken as `sign`. False: too large. out may be a. */
static bool tool_whole_add(tool_whole *out, const tool_whole *a, const tool_whole *b, int sign)
{
    bool same = a->sign == sign;
    const tool_whole *big = same || tool_whole_compare(a, b) >= 0 ? a : b, *small = big == a ? b : a;
    tool_whole sum;
    int64_t carry = 0;
    int i;
    memset(&sum, 0, sizeof sum);
    sum.sign = big == a ? a->sign : sign;
    for (i = 0; i < a->n || i < b->n || carry != 0; i++) {
        if (i == TOOL_LIMBS)
            return false;
        carry += i < big->n ? (int64_t)big->limb[i] : 0;
        if (i < small->n)
            carry += same ? (int64_t)small->limb[i] : -(int64_t)small->limb[i];
        sum.limb[i] = (uint32_t)(carry < 0 ? carry + TOOL_BASE : carry % TOOL_BASE);
        carry = carry < 0 ? -1 : carry / TOOL_BASE;
    }
    sum.n = i;
    tool_whole_trim(&sum);
    *out = sum;
    return true;
}

static bool tool_whole_times(tool_whole *out, const tool_whole *a, const tool_whole *b)
{
    tool_whole product;
    int i, j;
    if (a->n + b->n > TOOL_LIMBS + 1)
        return false;
    memset(&product, 0, sizeof product);
    product.sign = a->sign * b->sign;
    for (i = 0; i < a->n; i++) {
        uint64_t carry = 0;
        for (j = 0; j < b->n || carry != 0; j++) {
            if (i + j == TOOL_LIMBS)
                return false;
            carry += product.limb[i + j] + (uint64_t)a->limb[i] * (j < b->n ? b->limb[j] : 0);
            product.limb[i + j] = (uint32_t)(carry % TOOL_BASE);
            carry /= TOOL_BASE;
        }
        if (product.n < i + j)
            product.n = i + j;
    }
    tool_whole_trim(&product);
    *out = product;
    return true;
}

/* Magnitudes: quotient and rest, limb by limb, each found by halving. b is not 0. */
static void tool_whole_divide(const tool_whole *a, const tool_whole *b, tool_whole *quotient,
                              tool_whole *rest)
{
    tool_whole q, r, one, part;
    int i, j;
    memset(&q, 0, sizeof q);
    memset(&r, 0, sizeof r);
    memset(&one, 0, sizeof one);
    q.sign = r.sign = one.sign = 1;
    one.n = 1;
    for (i = a->n; i-- > 0;) {
        uint32_t low = 0, high = TOOL_BASE;
        for (j = r.n < TOOL_LIMBS ? r.n : TOOL_LIMBS - 1; j > 0; j--) /* r < b, so nothing is lost */
            r.limb[j] = r.limb[j - 1];
        r.limb[0] = a->limb[i];
        r.n = r.n < TOOL_LIMBS ? r.n + 1 : r.n;
        tool_whole_trim(&r);
        while (high - low > 1) { /* low * b <= r < high * b */
            one.limb[0] = low + (high - low) / 2;
            part = *b;
            if (tool_whole_times(&part, b, &one) && (part.sign = 1, tool_whole_compare(&part, &r) <= 0))
                low = one.limb[0];
            else
                high = one.limb[0];
        }
        one.limb[0] = low;
        if (low > 0 && tool_whole_times(&part, b, &one)) {
            part.sign = 1;
            (void)tool_whole_add(&r, &r, &part, -1);
        }
        q.limb[i] = low;
    }
    q.n = a->n;
    tool_whole_trim(&q);
    *quotient = q;
    *rest = r;
}

static void tool_whole_put(tool_buffer *t, const tool_whole *w)
{
    int i;
    if (w->n == 0)
        tool_puts(t, "0");
    for (i = w->n; i-- > 0;)
        tool_putf(t, i + 1 == w->n ? (w->sign < 0 ? "-%u" : "%u") : "%09u", (unsigned)w->limb[i]);
}

/* ---- calculator: real functions, near double's precision, without libm ------------ */

static double tool_floor(double x)
{
    double whole;
    if (!(x > -4503599627370496.0 && x < 4503599627370496.0)) /* 2^52: whole already */
        return x;
    whole = (double)(int64_t)x;
    return whole > x ? whole - 1 : whole;
}

/* Newton, whose mean of two numbers may be off in the last digit; then what is missing, x - root^2, without an error
   by halves of 26 bits (Dekker 1971). */
static double tool_sqrt(double x)
{
    double root, scale = 1, high, low;
    int i;
    if (!(x > 0) || x > 1.7e308)
        return x;
    for (; x < 0.25; scale /= 2)
        x *= 4;
    for (; x >= 1; scale *= 2)
        x /= 4;
    for (root = 0.5 + x / 2, i = 0; i < 6; i++)
        root = (root + x / root) / 2;
    high = root * 134217729 - (root * 134217729 - root);
    low = root - high;
    root += (x - high * high - 2 * high * low - low * low) / (2 * root);
    return root * scale;
}

/* e^x: x = k ln 2 + r, |r| <= 0.35; Taylor to r^17. */
static double tool_exp(double x)
{
    double k, r, sum = 1;
    int i;
    if (x > 709.7)
        return 1.7e308 * 10;
    if (x < -745)
        return 0;
    k = tool_floor(x * 1.4426950408889634 + 0.5);
    r = (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10;
    for (i = 17; i > 0; i--)
        sum = 1 + sum * r / i;
    for (; k > 0; k--)
        sum *= 2;
    for (; k < 0; k++)
        sum /= 2;
    return sum;
}

/* x = m 2^k, m in [sqrt(1/2), sqrt(2)); ln m = 2 artanh((m - 1) / (m + 1)). */
static double tool_ln(double x)
{
    double k = 0, s, z, sum = 0;
    int i;
    for (; x < 0.7071067811865476; k--)
        x *= 2;
    for (; x >= 1.4142135623730951; k++)
        x /= 2;
    s = (x - 1) / (x + 1);
    z = s * s;
    for (i = 23; i > 0; i -= 2)
        sum = sum * z + 1.0 / i;
    return 2 * s * sum + k * 1.90821492927058770002e-10 + k * 0.693147180369123816490;
}

/* Sine; of x + pi/2 with turn 1. |x| <= 10^6, where the three parts of pi/2 leave no error that shows. */
static double tool_sin(double x, int turn)
{
    double k = tool_floor(x * 0.63661977236758134 + 0.5), z, sum = 0, term = 1;
    int i, q = (int)(((int64_t)k + turn) & 3);
    x = ((x - k * 1.57079632673412561417e+00) - k * 6.07710050630396597660e-11) -
        k * 2.02226624879595063154e-21;
    z = x * x;
    if ((q & 1) == 0)
        term = x;
    for (i = (q & 1) == 0 ? 2 : 1; i < 24; i += 2) {
        sum += term;
        term *= -z / (i * (i + 1));
    }
    return q >= 2 ? -sum : sum;
}

/* Halves the angle until the series is short. */
static double tool_atan(double x)
{
    double z, sum = 0, scale = 1;
    int i;
    if (x < 0)
        return -tool_atan(-x); /* once */
    if (x > 1)
        return 1.5707963267948966 - tool_atan(1 / x); /* once */
    for (i = 0; i < 2; i++, scale *= 2)
        x = x / (1 + tool_sqrt(1 + x * x));
    z = x * x;
    for (i = 31; i > 0; i -= 2)
        sum = 1.0 / i - sum * z;
    return scale * x * sum;
}

/* ---- calculator: values ---------------------------------------------------------- */

/* A whole number, exactly, or a real one. */
typedef struct tool_value {
    bool whole;
    double real; /* whole or not */
    tool_whole w;
} tool_value;

static void tool_set_real(tool_value *v, double x)
{
    char digits[32];
    v->whole = x == tool_floor(x) && x > -9007199254740992.0 && x < 9007199254740992.0;
    v->real = x;
    if (!v->whole)
        return;
    snprintf(digits, sizeof digits, "%.0f", x <= 0 ? 0 - x : x); /* -0 is 0 */
    (void)tool_whole_read(&v->w, digits, strlen(digits));
    v->w.sign = x < 0 ? -1 : 1;
}

static const char *tool_set_whole(tool_value *v, const tool_whole *w)
{
    v->whole = true;
    v->w = *w;
    v->real = tool_whole_real(w);
    return NULL;
}

static const char *const tool_too_large = "the number is too large", *const tool_by_zero = "division by zero",
                         *const tool_not_real = "the result is not a real number";

/* What is left of a after whole multiples of b, with b's sign; exact. Both finite, else NaN. */
static double tool_remainder(double a, double b)
{
    double left = a < 0 ? -a : a, step = b < 0 ? -b : b, least = step;
    if (!(left <= 1.7e308 && step <= 1.7e308))
        return 1.7e308 * 10 * 0;
    while (step <= left / 2)
        step *= 2;
    for (; step >= least; step /= 2)
        if (left >= step)
            left -= step;
    left = a < 0 ? -left : left;
    return left != 0 && (left < 0) != (b < 0) ? left + b : left;
}

/* a / b and a % b; the rest has b's sign, as in Python. */
static const char *tool_over(tool_value *a, const tool_value *b, bool rest)
{
    tool_whole q, r;
    if (b->real == 0)
        return tool_by_zero;
    if (a->whole && b->whole) {
        int sign = a->w.sign * b->w.sign;
        tool_whole_divide(&a->w, &b->w, &q, &r);
        if (!rest && r.n > 0) {
            tool_set_real(a, a->real / b->real);
            a->whole = false;
            return NULL;
        }
        if (!rest) {
            q.sign = q.n > 0 ? sign : 1;
            return tool_set_whole(a, &q);
        }
        r.sign = r.n > 0 ? a->w.sign : 1;
        if (r.n > 0 && sign < 0)
            (void)tool_whole_add(&r, &r, &b->w, b->w.sign);
        return tool_set_whole(a, &r);
    }
    tool_set_real(a, rest ? tool_remainder(a->real, b->real) : a->real / b->real);
    return NULL;
}

/* a ^ b */
static const char *tool_power(tool_value *a, const tool_value *b)
{
    double x = a->real, y = b->real, power = 1;
    tool_whole w, square;
    int64_t n;
    if (x == 0 && y < 0)
        return tool_by_zero;
    if (!b->whole || y > 1e6 || y < -1e6) {
        if (x < 0 || x > 1.7e308)
            return x < 0 ? tool_not_real : tool_too_large;
        tool_set_real(a, y == 0 ? 1 : x == 0 ? 0 : tool_exp(y * tool_ln(x)));
        return NULL;
    }
    n = (int64_t)y;
    if (!a->whole || n < 0) {
        int64_t m = n < 0 ? -n : n;
        for (; m > 0; m /= 2, x *= x)
            power = m % 2 != 0 ? power * x : power;
        tool_set_real(a, n < 0 ? 1 / power : power);
        return NULL;
    }
    (void)tool_whole_read(&w, "1", 1);
    square = a->w;
    for (; n > 0; n /= 2) {
        if ((n % 2 != 0 && !tool_whole_times(&w, &w, &square)) ||
            (n > 1 && !tool_whole_times(&square, &square, &square)))
            return tool_too_large;
    }
    return tool_set_whole(a, &w);
}

/* a op b, into a. NULL, or why not. */
static const char *tool_apply(char op, tool_value *a, const tool_value *b)
{
    double x = a->real, y = b->real;
    bool whole = a->whole && b->whole, fits = true;
    switch (op) {
    case '+':
    case '-':
        if (whole)
            fits = tool_whole_add(&a->w, &a->w, &b->w, op == '+' ? b->w.sign : -b->w.sign);
        else
            tool_set_real(a, op == '+' ? x + y : x - y);
        break;
    case '*':
        if (whole)
            fits = tool_whole_times(&a->w, &a->w, &b->w);
        else
            tool_set_real(a, x * y);
        break;
    case '^':
        return tool_power(a, b);
    default:
        return tool_over(a, b, op == '%');
    }
    if (whole && fits)
        a->real = tool_whole_real(&a->w);
    return fits ? NULL : tool_too_large;
}

static const struct tool_function {
    const char *name;
    int least, most; /* arguments */
} tool_functions[] = {{"abs", 1, 1},  {"sqrt", 1, 1}, {"floor", 1, 1}, {"ceil", 1, 1}, {"round", 1, 1},
                      {"exp", 1, 1},  {"ln", 1, 1},   {"log", 1, 1},   {"log2", 1, 1}, {"log10", 1, 1},
                      {"sin", 1, 1},  {"cos", 1, 1},  {"tan", 1, 1},   {"atan", 1, 1}, {"min", 1, 60},
                      {"max", 1, 60}, {"pow", 2, 2},  {"mod", 2, 2},   {"gcd", 2, 2}};
enum { TOOL_FUNCTIONS = sizeof tool_functions / sizeof tool_functions[0] };

static const char *tool_logarithm(tool_value *v, const char *name)
{
    if (!(v->real > 0) || v->real > 1.7e308) /* whole numbers can be larger */
        return v->real > 0 ? tool_too_large : tool_not_real;
    if (strcmp(name, "log2") == 0)
        tool_set_real(v, tool_ln(v->real) / 0.69314718055994531);
    else if (strcmp(name, "log10") == 0)
        tool_set_real(v, tool_ln(v->real) / 2.3025850929940457);
    else
        tool_set_real(v, tool_ln(v->real));
    return NULL;
}

static const char *tool_angle(tool_value *v, const char *name)
{
    double x = v->real, cosine;
    if (x > 1e6 || x < -1e6)
        return tool_too_large;
    cosine = tool_sin(x, 1);
    tool_set_real(v, name[0] == 's' ? tool_sin(x, 0) : name[0] == 'c' ? cosine : tool_sin(x, 0) / cosine);
    return NULL;
}

static const char *tool_divisor(tool_value *a, tool_value *b)
{
    tool_whole q, r;
    if (!a->whole || !b->whole)
        return "gcd takes whole numbers";
    while (b->w.n > 0) {
        tool_whole_divide(&a->w, &b->w, &q, &r);
        a->w = b->w;
        b->w = r;
    }
    a->w.sign = 1;
    return tool_set_whole(a, &a->w);
}

/* Functions of one argument. */
static const char *tool_function_of(tool_value *v, const char *name)
{
    double x = v->real;
    switch (name[0]) {
    case 'a':
        if (name[1] == 't')
            tool_set_real(v, tool_atan(x));
        v->real = name[1] == 'b' && x < 0 ? -x : v->real;
        v->w.sign = name[1] == 'b' ? 1 : v->w.sign;
        return NULL;
    case 'f':
    case 'r':
        if (!v->whole)
            tool_set_real(v, name[0] == 'f' ? tool_floor(x)
                             : x < 0        ? -tool_floor(0.5 - x)
                                            : tool_floor(x + 0.5));
        return NULL;
    case 'e':
        tool_set_real(v, tool_exp(x));
        return NULL;
    case 'l':
        return tool_logarithm(v, name);
    default:
        break;
    }
    if (strcmp(name, "ceil") == 0) {
        if (!v->whole)
            tool_set_real(v, -tool_floor(-x));
        return NULL;
    }
    if (strcmp(name, "sqrt") != 0)
        return tool_angle(v, name);
    if (x < 0)
        return tool_not_real;
    tool_set_real(v, tool_sqrt(x));
    return NULL;
}

/* A function of n arguments, which are v [n]; into v[0]. */
static const char *tool_call_function(int which, tool_value *v, int n)
{
    const char *name = tool_functions[which].name;
    int i;
    if (n < tool_functions[which].least || n > tool_functions[which].most)
        return "a function has the wrong number of arguments";
    if (strcmp(name, "pow") == 0)
        return tool_power(v, v + 1);
    if (strcmp(name, "mod") == 0)
        return tool_over(v, v + 1, true);
    if (strcmp(name, "gcd") == 0)
        return tool_divisor(v, v + 1);
    if (name[0] != 'm')
        return tool_function_of(v, name);
    for (i = 1; i < n; i++)
        if (name[1] == 'i' ? v[i].real < v[0].real : v[i].real > v[0].real)
            v[0] = v[i];
    return NULL;
}

/* ---- calculator: expressions ----------------------------------------------------- */

enum { TOOL_VALUES = 64, TOOL_OPERATORS = 192 };

/* Dijkstra's two stacks. An operator is one of + - * / % ^, ~ for a sign before, ( or a function's '(' . */
typedef struct tool_sum {
    const char *at; /* NUL-terminated */
    tool_value value[TOOL_VALUES];
    struct {
        char op;
        int function, commas; /* of '(': function -1: none */
    } op[TOOL_OPERATORS];
    int n_values, n_ops;
} tool_sum;

static int tool_rank(char op)
{
    return op == '+' || op == '-'                ? 1
           : op == '*' || op == '/' || op == '%' ? 2
           : op == '~'                           ? 3
           : op == '^'                           ? 4
                                                 : 0;
}

/* why, or that v is no number that can be computed with. */
static const char *tool_finite(const char *why, const tool_value *v)
{
    if (why == NULL && !v->whole && !(v->real - v->real == 0))
        return v->real != v->real ? tool_not_real : tool_too_large;
    return why;
}

static const char *tool_reduce(tool_sum *s)
{
    char op = s->op[--s->n_ops].op;
    tool_value *top = &s->value[s->n_values - 1];
    if (op == '~') {
        top->real = -top->real;
        top->w.sign = top->w.n > 0 ? -top->w.sign : 1;
        return NULL;
    }
    s->n_values--;
    return tool_finite(tool_apply(op, top - 1, top), top - 1);
}

static const char *tool_push(tool_sum *s, char op, int function)
{
    if (s->n_ops == TOOL_OPERATORS)
        return "the expression is nested too deeply";
    s->op[s->n_ops].op = op;
    s->op[s->n_ops].function = function;
    s->op[s->n_ops++].commas = 0;
    return NULL;
}

static bool tool_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool tool_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static const char *tool_number(tool_sum *s)
{
    tool_value *v = &s->value[s->n_values];
    const char *begin = s->at, *p = begin;
    char digits[480], *end;
    while (tool_digit(*p))
        p++;
    if (*p != '.' &&
        (*p != 'e' || !(tool_digit(p[1]) || ((p[1] == '-' || p[1] == '+') && tool_digit(p[2]))))) {
        s->at = p;
        s->n_values++;
        v->whole = true;
        if (!tool_whole_read(&v->w, begin, (size_t)(p - begin)))
            return tool_too_large;
        v->real = tool_whole_real(&v->w);
        return NULL;
    }
    snprintf(digits, sizeof digits, "%.470s", begin);
    end = digits + strspn(digits, "0123456789.eE+-");
    *end = 0;
    tool_set_real(v, strtod(digits, &end));
    if (end == digits)
        return "a digit is missing beside a point";
    s->at = begin + (end - digits);
    s->n_values++;
    return tool_finite(NULL, v);
}

/* A function with its bracket, pi or e. *operand: it was a number. */
static const char *tool_word(tool_sum *s, bool *operand)
{
    char name[16];
    size_t n = 0;
    int i;
    while (tool_letter(s->at[n]) || (n > 0 && tool_digit(s->at[n])))
        n++;
    snprintf(name, sizeof name, "%.*s", (int)(n < 15 ? n : 15), s->at);
    s->at += n;
    *operand = strcmp(name, "pi") == 0 || strcmp(name, "e") == 0;
    if (*operand) {
        tool_set_real(&s->value[s->n_values++], name[0] == 'p' ? 3.141592653589793 : 2.718281828459045);
        return NULL;
    }
    for (i = 0; i < TOOL_FUNCTIONS && strcmp(tool_functions[i].name, name) != 0; i++)
        ;
    s->at += strspn(s->at, " \t\r\n");
    if (i == TOOL_FUNCTIONS || *s->at != '(')
        return "an unknown word; functions are abs sqrt floor ceil round exp ln log log2 log10 sin cos tan "
               "atan min "
               "max pow mod gcd, constants pi and e";
    s->at++;
    return tool_push(s, '(', i);
}

/* Up to the open bracket, which stays. */
static const char *tool_close_to(tool_sum *s)
{
    const char *why = NULL;
    while (why == NULL && s->n_ops > 0 && s->op[s->n_ops - 1].op != '(')
        why = tool_reduce(s);
    return why == NULL && s->n_ops == 0 ? "a bracket is not open" : why;
}

static const char *tool_bracket(tool_sum *s)
{
    const char *why = tool_close_to(s);
    int n, function;
    if (why != NULL)
        return why;
    s->n_ops--;
    function = s->op[s->n_ops].function;
    n = s->op[s->n_ops].commas + 1;
    if (function < 0)
        return n > 1 ? "a comma outside a function" : NULL;
    s->n_values -= n - 1;
    return tool_finite(tool_call_function(function, &s->value[s->n_values - 1], n),
                       &s->value[s->n_values - 1]);
}

static const char *tool_factorial(tool_value *v)
{
    tool_whole product, factor;
    char digits[12];
    int i;
    if (!v->whole || v->real < 0)
        return "a factorial is of a whole number, 0 or more";
    (void)tool_whole_read(&product, "1", 1);
    for (i = 2; v->real >= i; i++) {
        snprintf(digits, sizeof digits, "%d", i);
        (void)tool_whole_read(&factor, digits, strlen(digits));
        if (!tool_whole_times(&product, &product, &factor))
            return tool_too_large;
    }
    return tool_set_whole(v, &product);
}

/* One operator behind an operand. *operand: another operand has come to its end. */
static const char *tool_operator(tool_sum *s, bool *operand)
{
    const char *why = NULL;
    char op = *s->at++;
    if (op == '*' && *s->at == '*') {
        s->at++;
        op = '^';
    }
    *operand = op == ')' || op == '!';
    if (op == '!')
        return tool_factorial(&s->value[s->n_values - 1]);
    if (op == ')')
        return tool_bracket(s);
    if (op == ',') {
        if ((why = tool_close_to(s)) == NULL)
            s->op[s->n_ops - 1].commas++;
        return why;
    }
    if (tool_rank(op) == 0 || op == '~')
        return "an operator was expected: one of + - * / % ^";
    while (why == NULL && s->n_ops > 0 &&
           (tool_rank(s->op[s->n_ops - 1].op) > tool_rank(op) ||
            (tool_rank(s->op[s->n_ops - 1].op) == tool_rank(op) && op != '^')))
        why = tool_reduce(s);
    return why != NULL ? why : tool_push(s, op, -1);
}

/* One step where an operand may begin. *operand: there it was. */
static const char *tool_operand(tool_sum *s, bool *operand)
{
    char c = *s->at;
    *operand = false;
    if (s->n_values == TOOL_VALUES)
        return "the expression is nested too deeply";
    if (tool_digit(c) || c == '.') {
        *operand = true;
        return tool_number(s);
    }
    if (tool_letter(c))
        return tool_word(s, operand);
    if (c != '-' && c != '+' && c != '(')
        return c == 0 ? "the expression ends too early" : "a number was expected";
    s->at++;
    return c == '+' ? NULL : tool_push(s, c == '-' ? '~' : '(', -1);
}

/* The value of an expression behind out; NULL, or why there is none. */
static const char *tool_calculate(const char *expression, tool_buffer *out)
{
    tool_sum *s = (tool_sum *)tool_grow(NULL, sizeof *s);
    bool operand = false;
    const char *why = NULL;
    memset(s, 0, sizeof *s);
    for (s->at = expression; why == NULL;) {
        s->at += strspn(s->at, " \t\r\n");
        if (*s->at == 0 && operand)
            break;
        why = operand ? tool_operator(s, &operand) : tool_operand(s, &operand);
    }
    while (why == NULL && s->n_ops > 0)
        why = s->op[s->n_ops - 1].op == '(' ? "a bracket is not closed" : tool_reduce(s);
    if (why == NULL && s->value[0].whole)
        tool_whole_put(out, &s->value[0].w);
    else if (why == NULL)
        tool_putf(out, "%.15g", s->value[0].real);
    free(s);
    return why;
}

/* ---- folders and files by handles ------------------------------------------------ */

/* Reasons are as tiny.gguf has been taught them. */
static const char *const tool_leaves = "the path leaves the folder", *const tool_no_file = "no such file",
                         *const tool_is_folder = "it is a folder",
                         *const tool_large = "the file is too large",
                         *const tool_link = "symbolic links are not followed",
                         *const tool_odd = "it is not a regular file",
                         *const tool_denied = "permission denied", *const tool_long = "the path is too long";

enum { TOOL_NAME = 256, TOOL_DEPTH = 64, TOOL_ENTRIES = 20000 };

#ifndef _WIN32

typedef struct tool_dir {
    int fd;
} tool_dir;

static const char *tool_reason(int code)
{
    switch (code) {
    case ENOENT:
    case ENOTDIR:
        return tool_no_file;
    case EACCES:
    case EPERM:
        return tool_denied;
    case ELOOP:
        return tool_link;
    case EISDIR:
        return tool_is_folder;
    case ENAMETOOLONG:
        return tool_long;
    case ENXIO:
        return tool_odd;
    default:
        return strerror(code);
    }
}

/* /proc and /sys: what they show is the machine's, not the root's. */
static bool tool_foreign(int fd)
{
#ifdef __linux__
    struct statfs fs;
    return fstatfs(fd, &fs) == 0 && (fs.f_type == 0x9FA0 || fs.f_type == 0x62656572);
#else
    (void)fd;
    return false;
#endif
}

static const char *tool_dir_root(tool_dir *d, const char *path)
{
    d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return d->fd >= 0 ? NULL : errno == ENOENT || errno == ENOTDIR ? "no such folder" : strerror(errno);
}

static void tool_dir_close(tool_dir *d)
{
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}

/* What is wrong with opening name as a folder, or as a file. The open that follows checks again by itself. */
static const char *tool_kind(const tool_dir *d, const char *name, bool folder)
{
    struct stat st;
    if (fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return tool_reason(errno);
    if (S_ISLNK(st.st_mode))
        return tool_link;
    if (folder)
        return S_ISDIR(st.st_mode) ? NULL : S_ISREG(st.st_mode) ? "it is a file" : "it is not a folder";
    return S_ISREG(st.st_mode) ? NULL : S_ISDIR(st.st_mode) ? tool_is_folder : tool_odd;
}

/* The folder called name, one component, in `parent`; make: if it is not there, it will be. */
static const char *tool_dir_child(const tool_dir *parent, const char *name, bool make, tool_dir *out)
{
    const char *why;
    if (make)
        (void)mkdirat(parent->fd, name, 0777);
    out->fd = -1;
    why = tool_kind(parent, name, true);
    if (why != NULL)
        return why;
    out->fd = openat(parent->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (out->fd < 0)
        return tool_reason(errno);
    if (!tool_foreign(out->fd))
        return NULL;
    tool_dir_close(out);
    return tool_denied;
}

static const char *tool_dir_into(tool_dir *d, const char *name, bool make)
{
    tool_dir child;
    const char *why = tool_dir_child(d, name, make, &child);
    tool_dir_close(d);
    *d = child;
    return why;
}

/* Another handle of the same folder. */
static const char *tool_dir_again(const tool_dir *d, tool_dir *out)
{
    out->fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return out->fd >= 0 ? NULL : tool_reason(errno);
}

/* What d holds, but . and .., folders with a / behind them; sorted. At most TOOL_ENTRIES. */
static const char *tool_dir_list(const tool_dir *d, tool_names *out)
{
    struct dirent *e;
    struct stat st;
    int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        const char *why = tool_reason(errno);
        if (fd >= 0)
            close(fd);
        return why;
    }
    while (out->n < TOOL_ENTRIES && (e = readdir(dir)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (fstatat(d->fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            tool_names_add(out, e->d_name, S_ISDIR(st.st_mode) ? "/" : "");
    }
    closedir(dir);
    if (out->n > 0)
        qsort(out->name, out->n, sizeof *out->name, tool_by_name);
    return NULL;
}

/* Appends the file called name, if it is a regular one of at most `most` bytes. Never waits for a FIFO. */
static const char *tool_file_read(const tool_dir *d, const char *name, size_t most, tool_buffer *out)
{
    const char *why = tool_kind(d, name, false);
    struct stat st;
    char part[16384];
    size_t total = 0;
    ssize_t n = 0;
    int fd;
    if (why != NULL)
        return why;
    fd = openat(d->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return tool_reason(errno);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || tool_foreign(fd))
        why = tool_odd;
    else if ((uint64_t)st.st_size > most)
        why = tool_large;
    while (why == NULL && (n = read(fd, part, sizeof part)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        total += n > 0 ? (size_t)n : 0;
        why = n < 0 ? tool_reason(errno) : total > most ? tool_large : NULL; /* it may have grown */
        if (why == NULL)
            tool_put(out, part, (size_t)n);
    }
    close(fd);
    return why;
}

static const char *tool_write_all(int fd, const char *data, size_t n)
{
    ssize_t done;
    for (; n > 0; n -= (size_t)done, data += done) {
        done = write(fd, data, n);
        if (done < 0 && errno != EINTR)
            return tool_reason(errno);
        done = done < 0 ? 0 : done;
    }
    return fsync(fd) == 0 || errno == EINVAL ? NULL : tool_reason(errno);
}

/* A new file takes the place of what was called name, with its permissions, in one step. */
static const char *tool_file_write(const tool_dir *d, const char *name, const char *data, size_t n)
{
    const char *why = tool_kind(d, name, false);
    char fresh[64];
    struct stat st;
    bool old = why == NULL && fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    int fd;
    if (why != NULL && why != tool_no_file)
        return why;
    if (old && faccessat(d->fd, name, W_OK, 0) != 0) /* what could not be written stays */
        return tool_reason(errno);
    snprintf(fresh, sizeof fresh, ".%lx-%llx.new", (long)getpid(), (unsigned long long)llmc_os_nanoseconds());
    fd = openat(d->fd, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0)
        return tool_reason(errno);
    why = tool_write_all(fd, data, n);
    if (why == NULL && old)
        (void)fchmod(fd, st.st_mode & 0777);
    close(fd);
    if (why == NULL && renameat(d->fd, fresh, d->fd, name) != 0)
        why = tool_reason(errno);
    if (why != NULL)
        unlinkat(d->fd, fresh, 0);
    return why;
}

#else /* Windows: paths, with a handle on every folder in them, so that none can be moved or replaced */

typedef struct tool_dir {
    HANDLE held[TOOL_DEPTH + 2];
    int n;
    wchar_t *path; /* \\?\C:\... */
} tool_dir;

static const char *tool_reason(DWORD code)
{
    switch (code) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_NAME:
        return tool_no_file;
    case ERROR_ACCESS_DENIED:
        return tool_denied;
    case ERROR_SHARING_VIOLATION:
        return "another program is using it";
    case ERROR_DISK_FULL:
        return "the disk is full";
    default:
        return "the system refused";
    }
}

static void tool_dir_close(tool_dir *d)
{
    while (d->n > 0)
        CloseHandle(d->held[--d->n]);
    free(d->path);
    d->path = NULL;
}

/* path\name; NULL: not a name. Streams, wildcards and devices have characters that no file's name has. */
static wchar_t *tool_join(const wchar_t *path, const char *name)
{
    wchar_t wide[TOOL_NAME], *out;
    int n = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, name, -1, wide, TOOL_NAME);
    size_t before = wcslen(path);
    if (n == 0 || strpbrk(name, "<>:\"|?*/\\") != NULL)
        return NULL;
    out = (wchar_t *)tool_grow(NULL, (before + (size_t)n + 1) * sizeof *out);
    memcpy(out, path, before * sizeof *out);
    out[before] = L'\\';
    memcpy(out + before + 1, wide, (size_t)n * sizeof *out);
    return out;
}

/* A handle that nobody can rename behind; INVALID_HANDLE_VALUE with *why. */
static HANDLE tool_open_handle(const wchar_t *path, DWORD access, bool folder, const char **why)
{
    BY_HANDLE_FILE_INFORMATION info;
    HANDLE h = CreateFileW(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
                           FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    *why = NULL;
    if (h == INVALID_HANDLE_VALUE)
        *why = tool_reason(GetLastError());
    else if (GetFileType(h) != FILE_TYPE_DISK || !GetFileInformationByHandle(h, &info))
        *why = tool_odd;
    else if ((info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0)
        *why = tool_link;
    else if (((info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0) != folder)
        *why = folder ? "it is a file" : tool_is_folder;
    if (*why != NULL && h != INVALID_HANDLE_VALUE)
        CloseHandle(h);
    return *why == NULL ? h : INVALID_HANDLE_VALUE;
}

static const char *tool_dir_root(tool_dir *d, const char *path)
{
    wchar_t wide[4096];
    HANDLE h;
    DWORD n;
    d->n = 0;
    d->path = NULL;
    if (MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, 4096) == 0)
        return tool_long;
    h = CreateFileW(wide, FILE_LIST_DIRECTORY, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
                    FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (h == INVALID_HANDLE_VALUE)
        return "no such folder";
    d->held[d->n++] = h;
    n = GetFinalPathNameByHandleW(h, wide, 4096, 0);
    if (n == 0 || n >= 4096)
        return tool_long;
    while (n > 0 && wide[n - 1] == L'\\')
        wide[--n] = 0;
    d->path = (wchar_t *)tool_grow(NULL, (n + 1) * sizeof *d->path);
    memcpy(d->path, wide, (n + 1) * sizeof *d->path);
    return NULL;
}

static const char *tool_dir_child(const tool_dir *parent, const char *name, bool make, tool_dir *out)
{
    const char *why = tool_no_file;
    HANDLE h = INVALID_HANDLE_VALUE;
    out->n = 0;
    out->path = tool_join(parent->path, name);
    if (out->path != NULL && make)
        (void)CreateDirectoryW(out->path, NULL);
    if (out->path != NULL)
        h = tool_open_handle(out->path, FILE_LIST_DIRECTORY, true, &why);
    if (h != INVALID_HANDLE_VALUE)
        out->held[out->n++] = h;
    else
        tool_dir_close(out);
    return why;
}

/* The handles on the folders above stay open. */
static const char *tool_dir_into(tool_dir *d, const char *name, bool make)
{
    tool_dir child;
    const char *why = tool_dir_child(d, name, make, &child);
    if (why != NULL)
        return why;
    free(d->path);
    d->path = child.path;
    d->held[d->n++] = child.held[0];
    return NULL;
}

static const char *tool_dir_again(const tool_dir *d, tool_dir *out)
{
    size_t n = (wcslen(d->path) + 1) * sizeof *d->path;
    out->n = 0; /* d's own handles hold the place */
    out->path = (wchar_t *)memcpy(tool_grow(NULL, n), d->path, n);
    return NULL;
}

static const char *tool_dir_list(const tool_dir *d, tool_names *out)
{
    WIN32_FIND_DATAW e;
    char name[TOOL_NAME * 4];
    size_t n = wcslen(d->path);
    wchar_t *all = (wchar_t *)tool_grow(NULL, (n + 3) * sizeof *all);
    HANDLE h;
    memcpy(all, d->path, n * sizeof *all);
    memcpy(all + n, L"\\*", 3 * sizeof *all);
    h = FindFirstFileW(all, &e);
    free(all);
    if (h == INVALID_HANDLE_VALUE)
        return tool_reason(GetLastError());
    do {
        bool link = (e.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
        if (wcscmp(e.cFileName, L".") != 0 && wcscmp(e.cFileName, L"..") != 0 &&
            WideCharToMultiByte(CP_UTF8, 0, e.cFileName, -1, name, sizeof name, NULL, NULL) > 0)
            tool_names_add(out, name,
                           !link && (e.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0 ? "/" : "");
    } while (out->n < TOOL_ENTRIES && FindNextFileW(h, &e));
    FindClose(h);
    if (out->n > 0)
        qsort(out->name, out->n, sizeof *out->name, tool_by_name);
    return NULL;
}

static const char *tool_file_read(const tool_dir *d, const char *name, size_t most, tool_buffer *out)
{
    wchar_t *path = tool_join(d->path, name);
    const char *why = tool_no_file;
    char part[16384];
    size_t total = 0;
    DWORD n;
    HANDLE h = path != NULL ? tool_open_handle(path, GENERIC_READ, false, &why) : INVALID_HANDLE_VALUE;
    free(path);
    if (h == INVALID_HANDLE_VALUE)
        return why;
    while (why == NULL) {
        if (!ReadFile(h, part, sizeof part, &n, NULL))
            why = tool_reason(GetLastError());
        else if ((total += n) > most)
            why = tool_large;
        else if (n > 0)
            tool_put(out, part, n);
        else
            break;
    }
    CloseHandle(h);
    return why;
}

static const char *tool_file_write(const tool_dir *d, const char *name, const char *data, size_t n)
{
    const char *why = tool_no_file;
    char fresh[64];
    wchar_t *path = tool_join(d->path, name), *temporary;
    HANDLE h;
    DWORD done;
    if (path == NULL)
        return "not a file's name";
    h = tool_open_handle(path, GENERIC_READ, false, &why);
    if (h != INVALID_HANDLE_VALUE)
        CloseHandle(h);
    if (why != NULL && why != tool_no_file) {
        free(path);
        return why;
    }
    snprintf(fresh, sizeof fresh, ".%lx-%llx.new", (unsigned long)GetCurrentProcessId(),
             (unsigned long long)llmc_os_nanoseconds());
    temporary = tool_join(d->path, fresh);
    h = CreateFileW(temporary, GENERIC_WRITE, 0, NULL, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
    why = h == INVALID_HANDLE_VALUE ? tool_reason(GetLastError()) : NULL;
    if (why == NULL && (!WriteFile(h, data, (DWORD)n, &done, NULL) || done != n))
        why = tool_reason(GetLastError());
    if (h != INVALID_HANDLE_VALUE) {
        (void)FlushFileBuffers(h);
        CloseHandle(h);
        if (why == NULL && !MoveFileExW(temporary, path, MOVEFILE_REPLACE_EXISTING))
            why = tool_reason(GetLastError());
        if (why != NULL)
            DeleteFileW(temporary);
    }
    free(temporary);
    free(path);
    return why;
}

#endif

/* The component at *path, which moves behind it and the slashes; "" at the end. NULL, or why it cannot be. */
static const char *tool_component(const char **path, char *name)
{
    size_t n;
    for (;;) {
#ifdef _WIN32
        n = strcspn(*path, "/\\");
#else
        n = strcspn(*path, "/");
#endif
        if (n >= TOOL_NAME)
            return tool_long;
        memcpy(name, *path, n);
        name[n] = 0;
        *path += (*path)[n] != 0 ? n + 1 : n;
        if (strcmp(name, "..") == 0)
            return tool_leaves;
        if ((n > 0 && strcmp(name, ".") != 0) || **path == 0) {
            if (strcmp(name, ".") == 0)
                name[0] = 0;
            return NULL;
        }
    }
}

/* Walks to the folder that holds the last component, which comes into last [TOOL_NAME]; "": the root itself.
   make: folders that are not there are made. On an error there is nothing to close. */
static const char *tool_descend(const tool_dir *root, const char *path, bool make, tool_dir *out, char *last)
{
    char next[TOOL_NAME];
    const char *why = NULL, *rest = path;
    int depth = 0;
#ifdef _WIN32
    if (path[0] == '\\' || (path[0] != 0 && path[1] == ':'))
        return tool_leaves;
#endif
    if (path[0] == '/')
        return tool_leaves;
    while (why == NULL && *rest != 0) /* nothing is made on the way to what cannot be */
        why = depth++ > TOOL_DEPTH ? tool_long : tool_component(&rest, next);
    if (why != NULL || (why = tool_component(&path, last)) != NULL ||
        (why = tool_dir_again(root, out)) != NULL)
        return why;
    while (why == NULL && (why = tool_component(&path, next)) == NULL && next[0] != 0) {
        why = tool_dir_into(out, last, make);
        memcpy(last, next, TOOL_NAME);
    }
    if (why != NULL)
        tool_dir_close(out);
    return why;
}

/* ---- commands: what they say ----------------------------------------------------- */

enum { TOOL_FLOOD = 16 << 20, TOOL_COMMAND = 8192 };

/* The first three quarters of what may be kept, and the last quarter. */
typedef struct tool_stream {
    tool_buffer head, tail;
    uint64_t total;
} tool_stream;

static void tool_take(tool_stream *s, const char *data, size_t n, size_t cap)
{
    size_t keep = cap / 4, room = cap - keep - s->head.len, first = n < room ? n : room;
    tool_put(&s->head, data, first);
    s->total += n;
    tool_put(&s->tail, data + first, n - first);
    if (s->tail.len > 2 * keep + 4096) {
        memmove(s->tail.data, s->tail.data + s->tail.len - keep, keep);
        s->tail.len = keep;
        s->tail.data[keep] = 0;
    }
}

/* Under a title; what was left out is said in its place, characters that were cut go with it. */
static void tool_put_stream(tool_buffer *out, const tool_stream *s, const char *title, size_t cap)
{
    size_t keep = cap / 4, head = s->head.len, from = s->tail.len > keep ? s->tail.len - keep : 0,
           n = s->tail.len;
    uint64_t left = s->total - head - (n - from);
    if (s->total == 0)
        return;
    tool_puts(out, title);
    while (left > 0 && head > 0 && (s->head.data[head - 1] & 0x80) != 0 && s->head.len - head < 4)
        head--;
    while (left > 0 && from < n && (s->tail.data[from] & 0xC0) == 0x80)
        from++;
    if (n > from && s->tail.data[n - 1] == '\n') /* the text's last */
        n--;
    else if (n == 0 && s->head.data[head - 1] == '\n')
        head--;
    tool_put_utf8(out, s->head.data, head);
    if (left > 0)
        tool_putf(out, "\n[%llu bytes left out]\n",
                  (unsigned long long)(s->total - head - (s->tail.len - from)));
    if (n > from)
        tool_put_utf8(out, s->tail.data + from, n - from);
}

typedef enum tool_end {
    TOOL_ENDED,
    TOOL_TIMED_OUT,
    TOOL_CANCELLED,
    TOOL_FLOODED,
    TOOL_LOST, /* the supervisor is gone */
    TOOL_RUNNING
} tool_end;

/* ---- commands: processes --------------------------------------------------------- */

#ifndef _WIN32

typedef struct tool_process {
    pid_t supervisor, command; /* 0: none */
    int control;               /* closed: everything is to end */
    int from[3];               /* stdout, stderr, the supervisor's reports; -1: closed */
} tool_process;

typedef struct tool_report {
    int command, end, status; /* end TOOL_RUNNING: it has begun */
} tool_report;

typedef struct tool_limits {
    double seconds;
    unsigned cpu_seconds;
    uint64_t memory_bytes;
} tool_limits;

static void tool_nap(int ms)
{
    struct timespec t;
    t.tv_sec = 0;
    t.tv_nsec = (long)ms * 1000000;
    nanosleep(&t, NULL);
}

#ifdef __linux__
enum { TOOL_PROCESSES = 16384 };

/* The parent of a process, out of /proc/PID/stat: PID (NAME) STATE PARENT ... */
static int tool_parent_of(int pid)
{
    char path[32], line[512];
    const char *p;
    ssize_t n;
    int fd;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd >= 0 ? read(fd, line, sizeof line - 1) : 0;
    if (fd >= 0)
        close(fd);
    line[n > 0 ? n : 0] = 0;
    p = strrchr(line, ')');
    return p != NULL && p[1] != 0 && p[2] != 0 ? atoi(p + 3) : 0;
}

/* All processes and their parents. Only system calls: also for a child of a program with threads. */
static int tool_scan(int *pid, int *parent)
{
    union {
        char bytes[8192];
        uint64_t align;
    } part;
    int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
    long got, at;
    while (fd >= 0 && (got = syscall(SYS_getdents64, fd, part.bytes, sizeof part.bytes)) > 0) {
        uint16_t length;
        for (at = 0; at < got && n < TOOL_PROCESSES;
             at += length) { /* inode 8, offset 8, length 2, type 1, name */
            memcpy(&length, part.bytes + at + 16, 2);
            if (!tool_digit(part.bytes[at + 19]))
                continue;
            pid[n] = atoi(part.bytes + at + 19);
            parent[n] = tool_parent_of(pid[n]);
            n++;
        }
    }
    if (fd >= 0)
        close(fd);
    return n;
}

/* Every process below this one. */
static int tool_descendants(int *found)
{
    static int pid[TOOL_PROCESSES], parent[TOOL_PROCESSES];
    int n = tool_scan(pid, parent), self = (int)getpid(), n_found = 0, before = -1, i, j;
    while (before != n_found) {
        before = n_found;
        for (i = 0; i < n; i++) {
            bool below = parent[i] == self;
            for (j = 0; j < n_found && !below; j++)
                below = found[j] == parent[i];
            if (!below)
                continue;
            found[n_found++] = pid[i];
            pid[i] = pid[--n]; /* once is enough */
            parent[i--] = parent[n];
        }
    }
    return n_found;
}

/* Kills every process below this one, until there is none. All are stopped first, so that none can make
   another in the meantime; orphans have become children of this process, which adopts them. */
static void tool_kill_all(void)
{
    static int found[TOOL_PROCESSES];
    int n = 0, before = -1, tries, i;
    for (tries = 0; tries < 64 && (n = tool_descendants(found)) != before; tries++, before = n)
        for (i = 0; i < n; i++)
            kill(found[i], SIGSTOP);
    for (tries = 0; tries < 2000; tries++) {
        n = tool_descendants(found);
        for (i = 0; i < n; i++)
            kill(found[i], SIGKILL);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        if (n == 0)
            return;
        tool_nap(1);
    }
}
#else
static void tool_kill_all(void)
{
}
#endif

static void tool_limit(int which, uint64_t soft, uint64_t hard)
{
    struct rlimit limit, now;
    limit.rlim_cur = (rlim_t)soft;
    limit.rlim_max = (rlim_t)hard;
    if (getrlimit(which, &now) == 0 && now.rlim_max != RLIM_INFINITY && now.rlim_max < limit.rlim_max) {
        limit.rlim_max = now.rlim_max;
        limit.rlim_cur = limit.rlim_cur < now.rlim_max ? limit.rlim_cur : now.rlim_max;
    }
    (void)setrlimit(which, &limit);
}

/* In the command's own process. */
static void tool_become(const char *command, int root, const int *to, const tool_limits *limits)
{
    static const int reset[] = {SIGINT, SIGQUIT, SIGPIPE, SIGCHLD, SIGTERM,
                                SIGHUP, SIGTSTP, SIGTTOU, SIGTTIN};
    sigset_t none;
    size_t i;
    int null = open("/dev/null", O_RDONLY);
    setsid();
    for (i = 0; i < sizeof reset / sizeof reset[0]; i++)
        signal(reset[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    tool_limit(RLIMIT_CPU, limits->cpu_seconds, (uint64_t)limits->cpu_seconds + 1);
    tool_limit(RLIMIT_CORE, 0, 0);
#ifdef RLIMIT_AS
    tool_limit(RLIMIT_AS, limits->memory_bytes, limits->memory_bytes);
#endif
    if (null < 0 || fchdir(root) != 0 || dup2(null, 0) < 0 || dup2(to[0], 1) < 0 || dup2(to[1], 2) < 0)
        _exit(126);
    if (null > 2)
        close(null);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(126);
}

/* Everything but the standard streams and the n in keep. */
static void tool_close_others(const int *keep, int n)
{
    long most = sysconf(_SC_OPEN_MAX), fd;
    int i;
#ifdef SYS_close_range
    int last = 2;
    for (i = 0; i < n; i++)
        last = keep[i] > last ? keep[i] : last;
    if (syscall(SYS_close_range, (unsigned)last + 1, ~0u, 0u) == 0)
        most = last + 1;
#endif
    most = most < 0 || most > 65536 ? 65536 : most;
    for (fd = 3; fd < most; fd++) {
        for (i = 0; i < n && keep[i] != fd; i++)
            ;
        if (i == n)
            close((int)fd);
    }
}

/* The supervisor's life: it starts the command, waits for its end, its time or the program's word (or death),
   kills all that is left of it, and reports. Only what is safe between fork and exec is called here. */
static void tool_supervise(const char *command, int root, int control, const int *to,
                           const tool_limits *limits)
{
    const double until = tool_clock() + limits->seconds;
    int keep[5], wait_ms = 1, status = 0;
    struct pollfd word;
    tool_report report;
    pid_t child, gone = 0;
    keep[0] = root;
    keep[1] = control;
    memcpy(keep + 2, to, 3 * sizeof *to);
    setsid();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    tool_close_others(keep, 5);
#ifdef __linux__
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
#endif
    child = fork();
    if (child == 0)
        tool_become(command, root, to, limits);
    report.command = (int)child;
    report.end = child > 0 ? TOOL_RUNNING : TOOL_LOST;
    report.status = 0;
    (void)!write(to[2], &report, sizeof report);
    report.end = TOOL_ENDED;
    word.fd = control;
    word.events = POLLIN;
    while (child > 0 && report.end == TOOL_ENDED) {
        while ((gone = waitpid(-1, &status, WNOHANG)) > 0 && gone != child)
            ;
        if (gone == child)
            break;
        if (poll(&word, 1, wait_ms) > 0)
            report.end = TOOL_CANCELLED;
        else if (tool_clock() >= until)
            report.end = TOOL_TIMED_OUT;
        wait_ms = wait_ms < 16 ? wait_ms * 2 : wait_ms;
    }
    report.status = gone == child ? status : 0;
    if (child > 0 && gone != child)
        kill(-child, SIGKILL);
    tool_kill_all();
    if (child > 0)
        kill(-child,
             SIGKILL); /* what other systems than Linux can do, and no process of ours has that number */
    (void)!write(to[2], &report, sizeof report);
    _exit(0);
}

/* Both ends are closed in programs that are started. */
static bool tool_pipe(int *ends)
{
    if (pipe(ends) != 0)
        return false;
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return true;
}

static const char *tool_process_start(tool_process *p, const char *command, const tool_dir *root,
                                      const tool_limits *limits)
{
    int ends[4][2], to[3], n = 0, i;
    memset(p, 0, sizeof *p);
    while (n < 4 && tool_pipe(ends[n]))
        n++;
    for (i = 0; i < 3 && n == 4; i++) {
        p->from[i] = ends[i][0];
        to[i] = ends[i][1];
    }
    p->control = n == 4 ? ends[3][1] : -1;
    fflush(NULL);
    p->supervisor = n == 4 ? fork() : -1;
    if (p->supervisor == 0) {
        close(p->control);
        tool_supervise(command, root->fd, ends[3][0], to, limits);
    }
    for (i = 0; i < n; i++) {
        close(ends[i][i < 3 ? 1 : 0]);
        if (p->supervisor < 0)
            close(ends[i][i < 3 ? 0 : 1]);
        else if (i < 3)
            (void)fcntl(ends[i][0], F_SETFL, O_NONBLOCK);
    }
    return p->supervisor > 0 ? NULL : strerror(errno);
}

static void tool_process_stop(tool_process *p)
{
    if (p->control >= 0)
        close(p->control);
    p->control = -1;
}

/* What is there of one of the two streams. */
static void tool_process_read(tool_process *p, int which, tool_stream *to, size_t cap)
{
    char part[16384];
    ssize_t n;
    int rounds = 0;
    if (p->from[which] < 0)
        return;
    do
        n = read(p->from[which], part, sizeof part);
    while (n > 0 && (tool_take(to, part, (size_t)n, cap), ++rounds < 64));
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close(p->from[which]);
        p->from[which] = -1;
    }
}

/* All is over: what is left in the pipes, and nothing stays behind. */
static void tool_process_end(tool_process *p, tool_stream *stream, size_t cap)
{
    int i;
    for (i = 0; i < 2; i++) {
        tool_process_read(p, i, &stream[i], cap);
        if (p->from[i] >= 0)
            close(p->from[i]);
        p->from[i] = -1;
    }
    tool_process_stop(p);
    close(p->from[2]);
    while (waitpid(p->supervisor, NULL, 0) < 0 && errno == EINTR)
        ;
    p->supervisor = 0;
}

/* Waits up to ms; not TOOL_RUNNING: it is over, *code is its exit code and everything has been read. */
static tool_end tool_process_poll(tool_process *p, unsigned ms, tool_stream *stream, size_t cap, int *code)
{
    struct pollfd fds[3];
    tool_report report;
    tool_end end = TOOL_RUNNING;
    ssize_t n = 0;
    int i;
    for (i = 0; i < 3; i++) {
        fds[i].fd = p->from[i]; /* a closed one is passed over */
        fds[i].events = POLLIN;
        fds[i].revents = 0;
    }
    if (poll(fds, 3, (int)(ms < 100000 ? ms : 100000)) <= 0)
        return TOOL_RUNNING;
    tool_process_read(p, 0, &stream[0], cap);
    tool_process_read(p, 1, &stream[1], cap);
    if (fds[2].revents == 0)
        return TOOL_RUNNING;
    while (end == TOOL_RUNNING && (n = read(p->from[2], &report, sizeof report)) == (ssize_t)sizeof report) {
        p->command = report.command > 0 ? report.command : p->command;
        end = (tool_end)report.end;
        *code = WIFEXITED(report.status) ? WEXITSTATUS(report.status) : 128 + WTERMSIG(report.status);
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR) && end == TOOL_RUNNING)
        return end;
    if (end == TOOL_RUNNING || end == TOOL_LOST) { /* the command has killed its supervisor */
        end = TOOL_LOST;
        if (p->command > 0)
            kill(-p->command, SIGKILL);
        tool_kill_all(); /* its orphans are this program's now */
    }
    tool_process_end(p, stream, cap);
    return end;
}

/* This program adopts what a dead supervisor leaves behind. */
static void tool_adopt(void)
{
#ifdef __linux__
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
#endif
}

#else /* Windows */

typedef struct tool_process {
    HANDLE job, process, from[2];
    double until;
    bool stopped;
} tool_process;

enum { TOOL_PIPE = 1 << 18 }; /* bytes that a command may be ahead of who reads them */

typedef struct tool_limits {
    double seconds;
    unsigned cpu_seconds;
    uint64_t memory_bytes;
} tool_limits;

/* UTF-8 as base64 of UTF-16, the only form in which quotes reach PowerShell unharmed. */
static void tool_put_encoded(tool_buffer *out, const char *command)
{
    static const char sign[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    int n = MultiByteToWideChar(CP_UTF8, 0, command, -1, NULL, 0), i;
    wchar_t *wide = (wchar_t *)tool_grow(NULL, ((size_t)n + 2) * sizeof *wide);
    const unsigned char *b = (const unsigned char *)wide;
    memset(wide, 0, ((size_t)n + 2) * sizeof *wide);
    MultiByteToWideChar(CP_UTF8, 0, command, -1, wide, n);
    n = (n - 1) * 2;
    for (i = 0; i < n; i += 3) {
        unsigned v = (unsigned)b[i] << 16 | (unsigned)b[i + 1] << 8 | b[i + 2];
        tool_putf(out, "%c%c%c%c", sign[v >> 18], sign[v >> 12 & 63], i + 1 < n ? sign[v >> 6 & 63] : '=',
                  i + 2 < n ? sign[v & 63] : '=');
    }
    free(wide);
}

/* What all of the job's processes together may use; they end with the job's last handle. */
static HANDLE tool_job(const tool_limits *limits)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION info;
    HANDLE job = CreateJobObjectW(NULL, NULL);
    memset(&info, 0, sizeof info);
    info.BasicLimitInformation.LimitFlags =
        JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_JOB_MEMORY | JOB_OBJECT_LIMIT_PROCESS_TIME;
    info.BasicLimitInformation.PerProcessUserTimeLimit.QuadPart = (LONGLONG)limits->cpu_seconds * 10000000;
    info.JobMemoryLimit = limits->memory_bytes < SIZE_MAX ? (SIZE_T)limits->memory_bytes : SIZE_MAX;
    if (job != NULL && !SetInformationJobObject(job, JobObjectExtendedLimitInformation, &info, sizeof info)) {
        CloseHandle(job);
        job = NULL;
    }
    return job;
}

/* The system's own PowerShell, by its whole path: its bare name would also be looked for where the agent runs, which
   may be where the model writes. false: there is none. */
static bool tool_shell(wchar_t *path)
{
    static const wchar_t tail[] = L"\\WindowsPowerShell\\v1.0\\powershell.exe";
    UINT n = GetSystemDirectoryW(path, MAX_PATH);
    if (n == 0 || n + sizeof tail / sizeof *tail > MAX_PATH)
        return false;
    memcpy(path + n, tail, sizeof tail);
    return GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES;
}

/* What PowerShell is told: arguments that need no quotes. The caller frees it. */
static wchar_t *tool_shell_line(const char *command)
{
    tool_buffer script = {NULL, 0, 0}, line = {NULL, 0, 0};
    wchar_t *wide;
    size_t i;
    tool_puts(&script, "try { [Console]::OutputEncoding = New-Object Text.UTF8Encoding $false } catch { }\n");
    tool_puts(&script, command);
    tool_puts(&script, "\n; exit $LASTEXITCODE");
    tool_puts(&line, "powershell -NoLogo -NoProfile -NonInteractive -OutputFormat Text -EncodedCommand ");
    tool_put_encoded(&line, script.data);
    wide = (wchar_t *)tool_grow(NULL, (line.len + 1) * sizeof *wide);
    for (i = 0; i <= line.len; i++)
        wide[i] = (unsigned char)line.data[i];
    free(script.data);
    free(line.data);
    return wide;
}

/* A folder as programs know it, without the prefix of \\?\C:\... and \\?\UNC\server\... The caller frees it. */
static wchar_t *tool_plain_path(const wchar_t *path)
{
    bool prefix = wcsncmp(path, L"\\\\?\\", 4) == 0, server = wcsncmp(path, L"\\\\?\\UNC\\", 8) == 0;
    const wchar_t *from = path + (server ? 6 : prefix ? 4 : 0);
    wchar_t *out = (wchar_t *)tool_grow(NULL, (wcslen(from) + 2) * sizeof *out);
    wcscpy(out, from);
    if (server)
        out[0] = L'\\';
    else if (out[0] != 0 && out[1] == L':' && out[2] == 0)
        wcscpy(out + 2, L"\\"); /* a drive's root */
    return out;
}

static const char *tool_process_start(tool_process *p, const char *command, const tool_dir *root,
                                      const tool_limits *limits)
{
    SECURITY_ATTRIBUTES inherit;
    STARTUPINFOW start;
    PROCESS_INFORMATION made;
    HANDLE to[2] = {NULL, NULL};
    wchar_t shell[MAX_PATH], *line, *folder;
    int i;
    BOOL ok = TRUE;
    memset(p, 0, sizeof *p);
    if (!tool_shell(shell))
        return "there is no PowerShell";
    memset(&start, 0, sizeof start);
    inherit.nLength = sizeof inherit;
    inherit.lpSecurityDescriptor = NULL;
    inherit.bInheritHandle = TRUE;
    for (i = 0; i < 2 && ok; i++)
        ok = CreatePipe(&p->from[i], &to[i], &inherit, TOOL_PIPE) &&
             SetHandleInformation(p->from[i], HANDLE_FLAG_INHERIT, 0);
    start.cb = sizeof start;
    start.dwFlags = STARTF_USESTDHANDLES;
    start.hStdInput = CreateFileW(L"NUL", GENERIC_READ, FILE_SHARE_READ, &inherit, OPEN_EXISTING, 0, NULL);
    start.hStdOutput = to[0];
    start.hStdError = to[1];
    line = tool_shell_line(command);
    folder = tool_plain_path(root->path);
    p->job = tool_job(limits);
    ok = ok && p->job != NULL &&
         CreateProcessW(shell, line, NULL, NULL, TRUE, CREATE_SUSPENDED | CREATE_NO_WINDOW, NULL, folder,
                        &start, &made);
    free(line);
    free(folder);
    if (ok) {
        p->process = made.hProcess;
        ok = AssignProcessToJobObject(p->job, made.hProcess);
        if (ok)
            ResumeThread(made.hThread);
        else
            TerminateProcess(made.hProcess, 1);
        CloseHandle(made.hThread);
    }
    p->until = tool_clock() + limits->seconds;
    for (i = 0; i < 2; i++)
        if (to[i] != NULL)
            CloseHandle(to[i]);
    CloseHandle(start.hStdInput);
    if (!ok) {
        for (i = 0; i < 2; i++)
            if (p->from[i] != NULL)
                CloseHandle(p->from[i]);
        if (p->process != NULL)
            CloseHandle(p->process);
        if (p->job != NULL)
            CloseHandle(p->job);
        memset(p, 0, sizeof *p);
    }
    return ok ? NULL : "PowerShell cannot be started";
}

static void tool_process_stop(tool_process *p)
{
    TerminateJobObject(p->job, 1);
    p->stopped = true;
}

/* What is there; the number of bytes. */
static size_t tool_process_read(tool_process *p, int which, tool_stream *to, size_t cap)
{
    char part[16384];
    size_t total = 0;
    DWORD n;
    while (total < 2 * TOOL_PIPE && PeekNamedPipe(p->from[which], NULL, 0, NULL, &n, NULL) && n > 0 &&
           ReadFile(p->from[which], part, n < sizeof part ? n : (DWORD)sizeof part, &n, NULL) && n > 0) {
        tool_take(to, part, n, cap);
        total += n;
    }
    return total;
}

static void tool_process_end(tool_process *p, tool_stream *stream, size_t cap)
{
    int i;
    TerminateJobObject(p->job, 1);
    for (i = 0; i < 2; i++) {
        (void)tool_process_read(p, i, &stream[i], cap);
        CloseHandle(p->from[i]);
    }
    CloseHandle(p->process);
    CloseHandle(p->job);
    memset(p, 0, sizeof *p);
}

static tool_end tool_process_poll(tool_process *p, unsigned ms, tool_stream *stream, size_t cap, int *code)
{
    DWORD status = 0;
    size_t n = tool_process_read(p, 0, &stream[0], cap) + tool_process_read(p, 1, &stream[1], cap);
    bool over = WaitForSingleObject(p->process, n > 0     ? 0
                                                : ms < 20 ? ms
                                                          : 20) == WAIT_OBJECT_0; /* no pipe wakes it */
    tool_end end = p->stopped ? TOOL_CANCELLED : TOOL_ENDED;
    if (!over && tool_clock() >= p->until)
        end = TOOL_TIMED_OUT;
    else if (!over)
        return TOOL_RUNNING;
    GetExitCodeProcess(p->process, &status);
    *code = (int)status;
    tool_process_end(p, stream, cap);
    return end;
}

static void tool_adopt(void)
{
}

#endif

/* ---- the box --------------------------------------------------------------------- */

typedef enum tool_id {
    TOOL_READ,
    TOOL_WRITE,
    TOOL_LIST,
    TOOL_SEARCH,
    TOOL_RUN,
    TOOL_COMPUTE,
    TOOL_COUNT
} tool_id;

static const struct tool_row {
    const char *name, *description, *argument[2], *about[2];
    int required; /* arguments */
} tool_table[TOOL_COUNT] = {
    {"read_file", "read a file", {"path", NULL}, {"the file", NULL}, 1},
    {"write_file", "write a file", {"path", "content"}, {"the file", "its new text"}, 2},
    {"list_dir", "list a folder", {"path", NULL}, {"the folder", NULL}, 0},
    {"search_codebase", "search all files", {"query", NULL}, {"what to look for", NULL}, 1},
    {"run_command", "run a command", {"command", NULL}, {"the command", NULL}, 1},
    {"calculator", "compute", {"expression", NULL}, {"such as 12 * (3 + 4)", NULL}, 1}};

/* A folder on the way through all of them. */
typedef struct tool_level {
    tool_dir dir;
    tool_names names;
    size_t next, prefix; /* in names; of the path to the folder above */
} tool_level;

struct tool_box {
    tool_options opt; /* with defaults filled in */
    tool_dir root;
    tool_buffer json, schema;
    bool offered[TOOL_COUNT], writes; /* writes: every one has been allowed */
    tool_names always;                /* commands that have been allowed   */
    /* the call */
    unsigned n_calls;
    int which;     /* TOOL_COUNT: none of the tools */
    char name[64]; /* as it was called, cut to fit */
    tool_buffer arguments, value[2], label, result;
    const char *consent;
    bool running, ok;
    double began, took;
    /* while one runs */
    tool_level *level; /* search: [TOOL_DEPTH] */
    int n_levels;
    tool_buffer path, file;
    unsigned n_found;
    tool_process process;
    tool_stream stream[2];
    tool_end wanted; /* why the command is to end */
};

static void tool_put_time(tool_buffer *t)
{
    time_t now = time(NULL);
    struct tm *utc = gmtime(&now);
    char line[40];
    if (utc != NULL && strftime(line, sizeof line, "{\"time\":\"%Y-%m-%dT%H:%M:%SZ\"", utc) > 0)
        tool_puts(t, line);
}

static void tool_write_line(tool_box *box, tool_buffer *line)
{
    tool_puts(line, "}\n");
    fwrite(line->data, 1, line->len, box->opt.log);
    fflush(box->opt.log);
    free(line->data);
}

TOOL_FN void tool_note(tool_box *box, const char *kind, const char *text, size_t len)
{
    tool_buffer line = {NULL, 0, 0};
    if (box->opt.log == NULL)
        return;
    tool_put_time(&line);
    tool_puts(&line, ",\"kind\":");
    tool_put_json(&line, kind, strlen(kind));
    tool_puts(&line, ",\"text\":");
    tool_put_json(&line, text, len);
    tool_write_line(box, &line);
}

/* The call's line. Arguments that are JSON stand there as such. */
static void tool_log(tool_box *box)
{
    tool_buffer line = {NULL, 0, 0};
    llmc_blob text;
    llmc_json json;
    size_t i;
    if (box->opt.log == NULL)
        return;
    text.data = box->arguments.data;
    text.size = box->arguments.len;
    text.name = NULL;
    tool_put_time(&line);
    tool_putf(&line, ",\"kind\":\"call\",\"call\":%u,\"tool\":", box->n_calls);
    tool_put_json(&line, box->name, strlen(box->name));
    tool_puts(&line, ",\"arguments\":");
    i = line.len;
    if (llmc_json_parse(&text, &json, NULL) == LLMC_OK) /* without a byte order mark */
        tool_put(&line, json.text, (size_t)(box->arguments.data + box->arguments.len - json.text));
    else
        tool_put_json(&line, box->arguments.data, box->arguments.len);
    for (; i < line.len; i++) /* line breaks in JSON are space: one line stays one */
        if (line.data[i] == '\n' || line.data[i] == '\r')
            line.data[i] = ' ';
    tool_putf(&line, ",\"consent\":\"%s\",\"ok\":%s,\"seconds\":%.3f,\"result\":", box->consent,
              box->ok ? "true" : "false", box->took);
    tool_put_json(&line, box->result.data, box->result.len);
    tool_write_line(box, &line);
}

/* The call is over. */
static void tool_done(tool_box *box)
{
    int i;
    while (box->n_levels > 0) {
        tool_level *l = &box->level[--box->n_levels];
        tool_names_drop(&l->names);
        tool_dir_close(&l->dir);
    }
    box->running = false;
    box->took = tool_clock() - box->began;
    for (i = 0; i < 2; i++) {
        box->stream[i].head.len = box->stream[i].tail.len = 0;
        box->stream[i].total = 0;
    }
    tool_log(box);
}

static void tool_fail(tool_box *box, const char *why)
{
    tool_clear(&box->result);
    tool_puts(&box->result, "error: ");
    tool_puts(&box->result, why);
    box->ok = false;
    tool_done(box);
}

static void tool_succeed(tool_box *box)
{
    box->ok = true;
    tool_done(box);
}

/* Is name in the list, "a,b *,c"? Patterns count if they may have stars: any characters. */
static bool tool_matches(const char *pattern, size_t n, const char *text)
{
    size_t p = 0, t = 0, star = n, mark = 0, len = strlen(text);
    while (t < len) {
        if (p < n && pattern[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < n && pattern[p] == text[t]) {
            p++;
            t++;
        } else if (star < n) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < n && pattern[p] == '*')
        p++;
    return p == n;
}

static bool tool_listed(const char *list, const char *text)
{
    size_t n;
    for (; list != NULL && *list != 0; list += n + (list[n] != 0)) {
        size_t lead = strspn(list, " "), end;
        n = strcspn(list, ",");
        for (end = n; end > lead && list[end - 1] == ' ';)
            end--;
        if (end > lead && tool_matches(list + lead, end - lead, text))
            return true;
    }
    return false;
}

/* Whether the call may go on; *why: what the model is told if not. */
static bool tool_consent(tool_box *box, const char *what, const char **why)
{
    const tool_options *o = &box->opt;
    const char *name = tool_table[box->which].name, *command = box->value[0].data;
    bool run = box->which == TOOL_RUN, plain = run && strpbrk(command, ";&|<>$`(){}\\\n\r") == NULL;
    tool_answer answer;
    size_t i;
    *why = "the user did not allow it";
    box->consent = "listed";
    if (tool_listed(o->allow, name) || (plain && tool_listed(o->allow, command)))
        return true;
    box->consent = "never";
    if (o->policy == TOOL_NEVER)
        return false;
    box->consent = "policy";
    if (o->policy == TOOL_ALLOW)
        return true;
    box->consent = "always";
    if (!run && box->writes)
        return true;
    for (i = 0; run && i < box->always.n; i++)
        if (strcmp(box->always.name[i], command) == 0)
            return true;
    answer = o->ask != NULL ? o->ask(o->user, name, what) : TOOL_NO;
    box->consent = o->ask == NULL       ? "nobody asked"
                   : answer == TOOL_NO  ? "no"
                   : answer == TOOL_YES ? "yes"
                                        : "always";
    if (answer == TOOL_ALWAYS && run)
        tool_names_add(&box->always, command, "");
    else if (answer == TOOL_ALWAYS)
        box->writes = true;
    return answer != TOOL_NO;
}

/* ---- the tools ------------------------------------------------------------------- */

static const char *tool_read(tool_box *box)
{
    tool_dir dir;
    char last[TOOL_NAME];
    const char *why = tool_descend(&box->root, box->value[0].data, false, &dir, last);
    if (why != NULL)
        return why;
    tool_clear(&box->file);
    why = last[0] == 0 ? tool_is_folder : tool_file_read(&dir, last, box->opt.file_bytes, &box->file);
    tool_dir_close(&dir);
    if (why == NULL && memchr(box->file.data, 0, box->file.len) != NULL)
        why = "it is not a text file";
    if (why != NULL)
        return why;
    if (box->file.len > 0 && box->file.data[box->file.len - 1] == '\n') /* the text's last line break */
        box->file.len--;
    if (box->file.len > 0)
        tool_put_utf8(&box->result, box->file.data, box->file.len);
    else
        tool_puts(&box->result, "(empty file)");
    return NULL;
}

static const char *tool_write(tool_box *box)
{
    tool_buffer what = {NULL, 0, 0};
    tool_dir dir;
    char last[TOOL_NAME];
    const char *why = NULL;
    bool may;
    if (box->value[1].len > box->opt.file_bytes)
        return tool_large;
    tool_put_visible(&what, box->value[0].data, box->value[0].len, 4096);
    tool_putf(&what, " (%lu bytes)", (unsigned long)box->value[1].len);
    may = tool_consent(box, what.data, &why);
    free(what.data);
    if (!may)
        return why;
    why = tool_descend(&box->root, box->value[0].data, true, &dir, last);
    if (why != NULL)
        return why;
    why = last[0] == 0 ? tool_is_folder : tool_file_write(&dir, last, box->value[1].data, box->value[1].len);
    tool_dir_close(&dir);
    if (why != NULL)
        return why;
    tool_putf(&box->result, "wrote %lu bytes to ", (unsigned long)box->value[1].len);
    tool_put_visible(&box->result, box->value[0].data, box->value[0].len, 4096);
    return NULL;
}

static const char *tool_list(tool_box *box)
{
    enum { MOST = 1000 };
    tool_dir dir;
    tool_names names = {NULL, 0};
    char last[TOOL_NAME];
    size_t i;
    const char *why = tool_descend(&box->root, box->value[0].data, false, &dir, last);
    if (why != NULL)
        return why == tool_no_file ? "no such folder" : why;
    if (last[0] != 0)
        why = tool_dir_into(&dir, last, false);
    if (why == NULL)
        why = tool_dir_list(&dir, &names);
    tool_dir_close(&dir);
    for (i = 0; why == NULL && i < names.n && i < MOST; i++) {
        tool_puts(&box->result, i > 0 ? "\n" : "");
        tool_put_visible(&box->result, names.name[i], strlen(names.name[i]), 2048);
    }
    if (why == NULL && names.n == 0)
        tool_puts(&box->result, "(empty folder)");
    if (why == NULL && names.n > MOST)
        tool_putf(&box->result, "\n(%lu more are left out)", (unsigned long)(names.n - MOST));
    tool_names_drop(&names);
    return why == tool_no_file ? "no such folder" : why;
}

static const char *tool_sum_up(tool_box *box)
{
    if (box->value[0].len > 4096)
        return "the expression is too long";
    return tool_calculate(box->value[0].data, &box->result);
}

/* Enters a folder, if it can be. Its path is in box->path. */
static void tool_enter(tool_box *box, const tool_dir *dir, size_t prefix)
{
    tool_level *l = &box->level[box->n_levels];
    memset(l, 0, sizeof *l);
    l->dir = *dir;
    l->prefix = prefix;
    (void)tool_dir_list(&l->dir, &l->names); /* what cannot be read holds nothing */
    box->n_levels++;
}

static const char *tool_search(tool_box *box)
{
    tool_dir dir;
    const char *why;
    if (box->value[0].len == 0)
        return "the query is empty";
    if (box->level == NULL)
        box->level = (tool_level *)tool_grow(NULL, TOOL_DEPTH * sizeof *box->level);
    why = tool_dir_again(&box->root, &dir);
    if (why != NULL)
        return why;
    tool_clear(&box->path);
    box->n_found = 0;
    tool_enter(box, &dir, 0);
    box->running = true;
    return NULL;
}

/* needle in hay, or NULL. */
static const char *tool_find(const char *hay, size_t n, const char *needle, size_t m)
{
    const char *end = hay + n, *p;
    while ((size_t)(end - hay) >= m &&
           (p = (const char *)memchr(hay, needle[0], (size_t)(end - hay) - m + 1)) != NULL) {
        if (memcmp(p, needle, m) == 0)
            return p;
        hay = p + 1;
    }
    return NULL;
}

/* The lines of box->file that have the query in them, to the result. */
static void tool_search_lines(tool_box *box)
{
    enum { WIDEST = 240 };
    const char *at = box->file.data, *end = at + box->file.len, *p, *counted = at, *begin, *stop;
    unsigned long line = 1;
    size_t n;
    while (box->n_found <= box->opt.search_lines &&
           (p = tool_find(at, (size_t)(end - at), box->value[0].data, box->value[0].len)) != NULL) {
        for (begin = p; begin > at && begin[-1] != '\n';)
            begin--;
        for (; counted < begin; counted++)
            line += *counted == '\n';
        stop = (const char *)memchr(p, '\n', (size_t)(end - p));
        stop = stop != NULL ? stop : end;
        if (++box->n_found > box->opt.search_lines) {
            tool_puts(&box->result, "\n(more are left out)");
            return;
        }
        n = (size_t)(stop - begin);
        n = n > 0 && begin[n - 1] == '\r' ? n - 1 : n;
        tool_puts(&box->result, box->n_found > 1 ? "\n" : "");
        tool_put_visible(&box->result, box->path.data, box->path.len, 4096);
        tool_putf(&box->result, ":%lu: ", line);
        if (n > WIDEST)
            for (n = WIDEST; n > 0 && (begin[n] & 0xC0) == 0x80;) /* not inside a character */
                n--;
        tool_put_utf8(&box->result, begin, n);
        tool_puts(&box->result, begin + n + 1 < stop ? "..." : "");
        at = stop < end ? stop + 1 : end;
    }
}

/* One entry further. False: that was all. */
static bool tool_search_step(tool_box *box)
{
    tool_level *l = &box->level[box->n_levels - 1];
    size_t prefix = box->path.len, n;
    const char *name;
    tool_dir child;
    if (l->next == l->names.n || box->n_found > box->opt.search_lines) {
        box->path.len = l->prefix;
        tool_names_drop(&l->names);
        tool_dir_close(&l->dir);
        return --box->n_levels > 0;
    }
    name = l->names.name[l->next++];
    n = strlen(name);
    if (name[0] == '.' || n >= TOOL_NAME * 4)
        return true; /* what is hidden is not looked through: .git, above all */
    tool_put(&box->path, name, n);
    if (name[n - 1] == '/') {
        l->names.name[l->next - 1][n - 1] = 0;
        if (box->n_levels < TOOL_DEPTH && tool_dir_child(&l->dir, name, false, &child) == NULL) {
            tool_enter(box, &child, prefix);
            return true;
        }
    } else {
        tool_clear(&box->file);
        if (tool_file_read(&l->dir, name, box->opt.file_bytes, &box->file) == NULL &&
            memchr(box->file.data, 0, box->file.len) == NULL)
            tool_search_lines(box);
    }
    box->path.len = prefix;
    return true;
}

/* Until the time is up or the search is. */
static void tool_search_on(tool_box *box, double until)
{
    double last = box->began + box->opt.seconds;
    bool more = true;
    do {
        more = tool_search_step(box);
        if (more && tool_clock() > last) {
            tool_putf(&box->result, "%s(not all files: stopped after %u s)", box->n_found > 0 ? "\n" : "",
                      box->opt.seconds);
            box->n_found = box->n_found > 0 ? box->n_found : 1;
            more = false;
        }
    } while (more && tool_clock() < until);
    if (more)
        return;
    if (box->n_found == 0)
        tool_puts(&box->result, "no matches");
    tool_succeed(box);
}

static const char *tool_run(tool_box *box)
{
    tool_buffer what = {NULL, 0, 0};
    tool_limits limits;
    const char *why = NULL;
    bool may;
    if (box->value[0].len == 0 || box->value[0].len > TOOL_COMMAND)
        return box->value[0].len == 0 ? "the command is empty" : "the command is too long";
    tool_put_visible(&what, box->value[0].data, box->value[0].len, TOOL_COMMAND * 8);
    may = tool_consent(box, what.data, &why);
    free(what.data);
    if (!may)
        return why;
    limits.seconds = box->opt.seconds;
    limits.cpu_seconds = box->opt.cpu_seconds;
    limits.memory_bytes = box->opt.memory_bytes;
    box->began = tool_clock(); /* the user's thinking does not count */
    box->wanted = TOOL_ENDED;
    why = tool_process_start(&box->process, box->value[0].data, &box->root, &limits);
    box->running = why == NULL;
    return why;
}

static void tool_run_on(tool_box *box, unsigned ms)
{
    const tool_options *o = &box->opt;
    int code = 0;
    tool_end end = tool_process_poll(&box->process, ms, box->stream, o->output_bytes, &code);
    if (end == TOOL_RUNNING) {
        if (box->wanted == TOOL_ENDED && box->stream[0].total + box->stream[1].total > TOOL_FLOOD) {
            box->wanted = TOOL_FLOODED;
            tool_process_stop(&box->process);
        }
        return;
    }
    if (end == TOOL_CANCELLED)
        end = box->wanted == TOOL_FLOODED ? TOOL_FLOODED : TOOL_CANCELLED;
    if (end == TOOL_ENDED)
        tool_putf(&box->result, "exit code %d", code);
    else if (end == TOOL_TIMED_OUT)
        tool_putf(&box->result, "error: timed out after %u s", o->seconds);
    else
        tool_puts(&box->result, end == TOOL_FLOODED     ? "error: more than 16 MiB of output"
                                : end == TOOL_CANCELLED ? "error: the user cancelled it"
                                                        : "error: the command has killed its supervisor");
    tool_put_stream(&box->result, &box->stream[0], "\nSTDOUT:\n", o->output_bytes);
    tool_put_stream(&box->result, &box->stream[1], "\nSTDERR:\n", o->output_bytes);
    box->ok = end == TOOL_ENDED;
    tool_done(box);
}

/* ---- calls ----------------------------------------------------------------------- */

/* One argument's text. */
static const char *tool_take_argument(tool_box *box, int i, llmc_json v)
{
    tool_buffer *t = &box->value[i];
    size_t n;
    if (v.type != LLMC_JSON_STRING)
        return "is not a string";
    n = llmc_json_string(v, NULL, 0);
    if (n + 1 > t->cap) {
        t->cap = n + 1;
        t->data = (char *)tool_grow(t->data, t->cap);
    }
    t->len = llmc_json_string(v, t->data, n + 1);
    t->data[n] = 0;
    return i == 0 && strlen(t->data) != n ? "has a NUL character" : NULL;
}

/* The arguments of the call into box->value. False: the call has failed. */
static bool tool_take_arguments(tool_box *box)
{
    const struct tool_row *row = &tool_table[box->which];
    llmc_json json, key, value;
    llmc_json_iter it = {NULL, false};
    llmc_blob text;
    bool there[2] = {false, false};
    char name[64], line[200];
    const char *why = NULL;
    int i;
    text.data = box->arguments.data;
    text.size = box->arguments.len;
    text.name = "arguments";
    if (llmc_json_parse(&text, &json, NULL) != LLMC_OK || json.type != LLMC_JSON_OBJECT) {
        tool_fail(box, "the arguments are not a JSON object");
        return false;
    }
    while (llmc_json_next(json, &it, &key, &value)) {
        for (i = 0; i < 2 && (row->argument[i] == NULL || !llmc_json_equal(key, row->argument[i])); i++)
            ;
        (void)llmc_json_string(key, name, sizeof name);
        why = i == 2 ? "is unknown" : tool_take_argument(box, i, value);
        if (why == NULL) {
            there[i] = true;
            continue;
        }
        snprintf(line, sizeof line, "the argument '%s' of %s %s", name, row->name, why);
        tool_fail(box, line);
        return false;
    }
    for (i = 0; i < row->required && there[i]; i++)
        ;
    if (i < row->required) {
        snprintf(line, sizeof line, "the argument '%s' of %s is missing", row->argument[i], row->name);
        tool_fail(box, line);
        return false;
    }
    if (box->which == TOOL_LIST && !there[0])
        tool_puts(&box->value[0], ".");
    return true;
}

/* The call on one line: its name and the beginning of each argument, once they have been taken. */
static void tool_make_label(tool_box *box, bool taken)
{
    enum { WIDEST = 160 };
    int i;
    tool_clear(&box->label);
    tool_put_visible(&box->label, box->name, strlen(box->name), 40);
    if (!taken) {
        tool_puts(&box->label, " ");
        tool_put_visible(&box->label, box->arguments.data, box->arguments.len, 80);
        return;
    }
    for (i = 0; i < 2 && tool_table[box->which].argument[i] != NULL; i++) {
        size_t room = WIDEST - 4 - box->label.len;
        tool_putf(&box->label, " %s=", tool_table[box->which].argument[i]);
        room = room > 60 && tool_table[box->which].argument[1] != NULL ? 60 : room - 12;
        tool_put_visible(&box->label, box->value[i].data, box->value[i].len, room);
    }
}

static void tool_begin(tool_box *box, const char *name, const char *arguments, size_t len)
{
    int i;
    if (box->running)
        tool_cancel(box);
    box->n_calls++;
    for (i = 0; i < 2; i++)
        tool_clear(&box->value[i]);
    tool_clear(&box->result);
    tool_clear(&box->arguments);
    tool_put(&box->arguments, arguments, len);
    box->consent = "not needed";
    snprintf(box->name, sizeof box->name, "%s", name);
    box->ok = false;
    box->began = tool_clock();
    for (box->which = 0; box->which < TOOL_COUNT; box->which++)
        if (box->offered[box->which] && strcmp(tool_table[box->which].name, name) == 0)
            break;
}

TOOL_FN void tool_start(tool_box *box, const char *name, const char *arguments, size_t len)
{
    static const char *(*const work[TOOL_COUNT])(tool_box *) = {tool_read,   tool_write, tool_list,
                                                                tool_search, tool_run,   tool_sum_up};
    const char *why = NULL;
    char line[200];
    tool_begin(box, name, arguments, len);
    tool_make_label(box, false);
    if (box->opt.log != NULL && ferror(box->opt.log)) {
        tool_fail(box, "the log cannot be written, so nothing is done");
    } else if (len > box->opt.file_bytes * 6 + 65536) {
        tool_fail(box, "the arguments are too long");
    } else if (box->which == TOOL_COUNT) {
        snprintf(line, sizeof line, "there is no tool called '%.100s'", name);
        tool_fail(box, line);
    } else if (tool_take_arguments(box)) {
        tool_make_label(box, true);
        why = work[box->which](box);
        if (why != NULL)
            tool_fail(box, why);
        else if (!box->running)
            tool_succeed(box);
    }
}

TOOL_FN bool tool_poll(tool_box *box, unsigned ms)
{
    if (box->running && box->which == TOOL_SEARCH)
        tool_search_on(box, tool_clock() + ms / 1e3);
    else if (box->running)
        tool_run_on(box, ms);
    return !box->running;
}

TOOL_FN void tool_cancel(tool_box *box)
{
    if (box->running && box->which == TOOL_RUN) {
        tool_process_stop(&box->process);
        while (box->running)
            tool_run_on(box, 100);
    } else if (box->running) {
        tool_fail(box, "the user cancelled it");
    }
}

TOOL_FN const char *tool_text(const tool_box *box, size_t *len)
{
    if (len != NULL)
        *len = box->result.len;
    return box->result.data != NULL ? box->result.data : "";
}

TOOL_FN bool tool_ok(const tool_box *box)
{
    return box->ok;
}

TOOL_FN const char *tool_label(const tool_box *box)
{
    return box->label.data != NULL ? box->label.data : "";
}

TOOL_FN const char *tool_so_far(const tool_box *box, size_t *len)
{
    const tool_buffer *t = box->which != TOOL_RUN        ? &box->result
                           : box->stream[0].tail.len > 0 ? &box->stream[0].tail
                                                         : &box->stream[0].head;
    *len = t->len;
    return t->data != NULL ? t->data : "";
}

TOOL_FN double tool_seconds(const tool_box *box)
{
    return box->running ? tool_clock() - box->began : box->took;
}

/* ---- opening --------------------------------------------------------------------- */

/* The arguments of a tool as a JSON schema. */
static void tool_put_parameters(tool_buffer *t, const struct tool_row *row)
{
    int j;
    tool_puts(t, "{\"type\": \"object\", \"properties\": {");
    for (j = 0; j < 2 && row->argument[j] != NULL; j++)
        tool_putf(t, "%s\"%s\": {\"type\": \"string\", \"description\": \"%s\"}", j > 0 ? ", " : "",
                  row->argument[j], row->about[j]);
    tool_puts(t, "}, \"required\": [");
    for (j = 0; j < row->required; j++)
        tool_putf(t, "%s\"%s\"", j > 0 ? ", " : "", row->argument[j]);
    tool_puts(t, "]}");
}

/* As `world --list tools` prints them: a model reads what it has been trained on. */
static void tool_make_json(tool_box *box)
{
    tool_buffer *t = &box->json;
    int i;
    tool_puts(t, "[");
    for (i = 0; i < TOOL_COUNT; i++) {
        const struct tool_row *row = &tool_table[i];
        if (!box->offered[i])
            continue;
        tool_puts(t, t->len > 1 ? ", " : "");
        tool_putf(t, "{\"type\": \"function\", \"function\": {\"name\": \"%s\", \"description\": \"%s\", ",
                  row->name, row->description);
        tool_puts(t, "\"parameters\": ");
        tool_put_parameters(t, row);
        tool_puts(t, "}}");
    }
    tool_puts(t, "]");
}

TOOL_FN const char *tool_schema(tool_box *box, const char *member)
{
    tool_buffer *t = &box->schema;
    int i;
    tool_clear(t);
    tool_puts(t, "{\"anyOf\":[");
    for (i = 0; i < TOOL_COUNT; i++) {
        if (!box->offered[i])
            continue;
        tool_puts(t, t->data[t->len - 1] == '[' ? "" : ",");
        tool_putf(t, "{\"type\":\"object\",\"properties\":{\"name\":{\"const\":\"%s\"},\"%s\":",
                  tool_table[i].name, member);
        tool_put_parameters(t, &tool_table[i]);
        tool_putf(t, "},\"required\":[\"name\",\"%s\"]}", member);
    }
    tool_puts(t, "]}");
    return t->data;
}

/* Which tools `only` names; false: one that there is not, with why. */
static bool tool_choose(tool_box *box, char *why, size_t cap)
{
    const char *only = box->opt.only;
    size_t n;
    int i;
    for (i = 0; i < TOOL_COUNT; i++)
        box->offered[i] = only == NULL;
    for (; only != NULL && *only != 0; only += n + (only[n] != 0)) {
        n = strcspn(only, ",");
        for (i = 0; i < TOOL_COUNT; i++)
            if (strlen(tool_table[i].name) == n && strncmp(tool_table[i].name, only, n) == 0)
                break;
        if (i == TOOL_COUNT) {
            snprintf(
                why, cap,
                "'%.*s' is none of read_file, write_file, list_dir, search_codebase, run_command, calculator",
                (int)(n < 60 ? n : 60), only);
            return false;
        }
        box->offered[i] = true;
    }
    return true;
}

TOOL_FN tool_box *tool_open(const tool_options *opt, char *why, size_t cap)
{
    tool_box *box = (tool_box *)tool_grow(NULL, sizeof *box);
    tool_options *o = &box->opt;
    const char *wrong;
    memset(box, 0, sizeof *box);
    *o = *opt;
    o->root = o->root != NULL ? o->root : ".";
    o->seconds = o->seconds > 0 ? o->seconds : 10;
    o->cpu_seconds = o->cpu_seconds > 0 ? o->cpu_seconds : o->seconds;
    o->memory_bytes = o->memory_bytes > 0 ? o->memory_bytes : (uint64_t)4 << 30;
    o->output_bytes = o->output_bytes > 0 ? o->output_bytes : 4000;
    o->file_bytes = o->file_bytes > 0 ? o->file_bytes : (size_t)256 << 10;
    o->search_lines = o->search_lines > 0 ? o->search_lines : 50;
    box->which = TOOL_COUNT;
    wrong = tool_dir_root(&box->root, o->root);
    if (wrong != NULL)
        snprintf(why, cap, "%.200s: %s", o->root, wrong);
    if (wrong != NULL || !tool_choose(box, why, cap)) {
        tool_dir_close(&box->root);
        free(box);
        return NULL;
    }
    tool_make_json(box);
    tool_adopt();
    return box;
}

TOOL_FN const char *tool_json(const tool_box *box, size_t *len)
{
    if (len != NULL)
        *len = box->json.len;
    return box->json.data;
}

TOOL_FN void tool_close(tool_box *box)
{
    int i;
    if (box == NULL)
        return;
    tool_cancel(box);
    tool_dir_close(&box->root);
    tool_names_drop(&box->always);
    for (i = 0; i < 2; i++) {
        free(box->value[i].data);
        free(box->stream[i].head.data);
        free(box->stream[i].tail.data);
    }
    free(box->json.data);
    free(box->schema.data);
    free(box->arguments.data);
    free(box->label.data);
    free(box->result.data);
    free(box->path.data);
    free(box->file.data);
    free(box->level);
    free(box);
}

#endif /* LLMC_TOOLS_H */
