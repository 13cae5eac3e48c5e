// cc -O2 examples/server.c -o server && ./server model.gguf
//
// server.c - a language model behind HTTP, for programs written for OpenAI's API, llama.cpp's server or
// claude-rust's, and a page for people at /.
//
// Three threads, and one lock over what they share:
//
//     sockets -> network -> reader -> engine
//                   ^---------+---------'   bytes of answers
//
// The network thread waits for sockets and for nothing else. The reader decodes what takes time to decode:
// JSON, templates, tokens, grammars. The engine thread pumps the engine and turns what comes out of it into
// answers. So nobody's long prompt, large schema or slow line delays what others are being told.
//
// A request is an `exchange`. It belongs to one thread at a time, which hands it on and does not look back:
// the network thread makes it, the reader decodes it, the engine's thread works on it; whoever answers it
// (answer, fail, flush_stream with `end`) gives it up by that. Functions that may have answered say so by
// their result: false, "answered". What another thread may touch meanwhile, `out`, `ended`, `gone`, stands
// under the lock. If the client leaves, the network thread only sets `gone`; whoever has the exchange drops
// it.
//
// Nothing grows without a bound: a head, a body, all bodies together, connections, requests, the bytes that
// wait for a slow client (then its answer waits, see MOST_BACKLOG), the time that each of these may take.
//
// Contents; every part uses only what stands before it, and begins with what it takes, gives and limits:
//
//     text that grows ........................ buffers, JSON out
//     what differs between systems ........... sockets, threads
//     waiting for many sockets ............... epoll, kqueue, poll
//     HTTP/1.1 requests ...................... bytes to a request, or a refusal
//     what the command line says ............. --options
//     a request and its answer ............... the types that the threads share
//     memory and answers ..................... who gives an exchange up, and how
//     bodies: JSON to params ................. one table of parameters
//     grammars, tools, prompts ............... what binds an answer; what the model reads
//     one answer of a request ................ pieces to text, thoughts, calls
//     streams and answers .................... in each API's words; parts; ends
//     the engine's thread .................... start, advance, embeddings, sessions, the loop
//     the reader ............................. what an answer needs, each endpoint, the loop
//     answers of the network's thread ........ lists, figures, the table of routes
//     connections ............................ who may ask, requests to exchanges, the loop
//     the page ............................... one document
//     the beginning and the end .............. adapters, engines, signals, main
//
// To add an endpoint: a row in `routes`, a case where its kind is read. A parameter: a row in `fields`. An
// option: a row in `rows`.
#ifndef __USE_MINGW_ANSI_STDIO
#define __USE_MINGW_ANSI_STDIO 1 /* %zu, whatever the system's C library */
#endif
#define LLMC_STATIC // the only file: what it does not use is not compiled
#define LLMC_IMPLEMENTATION
#include "../llmc.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How to wait for sockets: see "waiting for many sockets". -DSERVER_POLL takes what every system has,
   -DSERVER_KQUEUE what a library may bring where the system does not. */
#if defined(SERVER_POLL) || defined(_WIN32) || defined(__TINYC__) /* tcc lays epoll's events out otherwise */
#define SERVER_WAITS_BY_POLL
#elif defined(__linux__) && !defined(SERVER_KQUEUE)
#define SERVER_WAITS_BY_EPOLL
#include <sys/epoll.h>
#elif defined(SERVER_KQUEUE) || defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || \
    defined(__OpenBSD__) || defined(__DragonFly__)
#define SERVER_WAITS_BY_KQUEUE
#include <sys/types.h>

#include <sys/event.h>
#else
#define SERVER_WAITS_BY_POLL
#endif

#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#ifdef SERVER_WAITS_BY_POLL
#include <poll.h>
#endif
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

#if defined(__MINGW32__) && !defined(__clang__)
#define LIKE_PRINTF(a, b) __attribute__((format(gnu_printf, a, b)))
#elif defined(__GNUC__)
#define LIKE_PRINTF(a, b) __attribute__((format(printf, a, b)))
#else
#define LIKE_PRINTF(a, b)
#endif

/* ---- text that grows ---- */
/* Every answer is built in a `text`, which its owner drops. What is written as JSON is valid whatever bytes go
   in: texts are escaped, what is not UTF-8 becomes U+FFFD, numbers that JSON has no word for become ones that
   it has. Running out of memory ends the program. */

typedef struct text {
    char *data; /* NUL-terminated once anything was put in */
    size_t len, cap;
} text;

/* One line on stderr. Returns code, for who ends with it. */
LIKE_PRINTF(2, 3) static int complain(int code, const char *fmt, ...)
{
    va_list args;
    fputs("server: ", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return code;
}

/* realloc that ends the program rather than return NULL: every size here is bounded by limits that the
   command line sets, so a machine that cannot give that much cannot serve with these limits. */
static void *grow(void *p, size_t bytes)
{
    p = realloc(p, bytes);
    if (p == NULL)
        exit(complain(EXIT_FAILED, "out of memory"));
    return p;
}

/* Appends n bytes; data may be NULL if n is 0. */
static void put(text *t, const char *data, size_t n)
{
    if (t->len + n + 1 > t->cap) {
        t->cap = (t->len + n + 1) * 2;
        t->data = (char *)grow(t->data, t->cap);
    }
    if (n > 0)
        memcpy(t->data + t->len, data, n);
    t->len += n;
    t->data[t->len] = 0;
}

static void puts_to(text *t, const char *s)
{
    put(t, s, strlen(s));
}

/* Short ones only; texts go through put and put_string. */
LIKE_PRINTF(2, 3) static void putf(text *t, const char *fmt, ...)
{
    char part[512];
    va_list args;
    int n;
    va_start(args, fmt);
    n = vsnprintf(part, sizeof part, fmt, args);
    va_end(args);
    put(t, part, n < 0 ? 0 : (size_t)n < sizeof part ? (size_t)n : sizeof part - 1);
}

/* Gives its memory back; it is an empty text afterwards. */
static void drop_text(text *t)
{
    free(t->data);
    memset(t, 0, sizeof *t);
}

/* Bytes of the UTF-8 character at s [n]; 0: there is none. */
static size_t character(const unsigned char *s, size_t n)
{
    size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    size_t i;
    if (len == 0 || len > n)
        return 0;
    for (i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return len;
}

/* What stands in a JSON string as it is, and in ASCII: most of what is written. */
static bool is_plain(char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* The comma before another member or element, none before the first. */
static void separate(text *t)
{
    char last = t->len > 0 ? t->data[t->len - 1] : '[';
    if (last != '[' && last != '{')
        put(t, ",", 1);
}

/* The inside of a JSON string; what is not UTF-8 becomes U+FFFD. */
static void put_escaped(text *t, const char *s, size_t n)
{
    size_t i = 0, len;
    while (i < n) {
        unsigned char c = (unsigned char)s[i];
        for (len = 0; i + len < n && is_plain(s[i + len]); len++)
            ;
        if (len > 0) {
            put(t, s + i, len);
            i += len;
            continue;
        }
        len = character((const unsigned char *)s + i, n - i);
        if (len == 0)
            puts_to(t, "\xef\xbf\xbd");
        else if (c == '"' || c == '\\')
            putf(t, "\\%c", c);
        else if (c == '\n')
            puts_to(t, "\\n");
        else if (c < 0x20 || c == 0x7f)
            putf(t, "\\u%04x", c);
        else
            put(t, s + i, len);
        i += len > 0 ? len : 1;
    }
}

/* s [n] as a JSON string. */
static void put_string(text *t, const char *s, size_t n)
{
    put(t, "\"", 1);
    put_escaped(t, s, n);
    put(t, "\"", 1);
}

/* In decimal digits; without printf, since a token's chunk has some of these. */
static void put_whole(text *t, int64_t v)
{
    char digits[20];
    size_t n = sizeof digits;
    uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    if (v < 0)
        put(t, "-", 1);
    do {
        digits[--n] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    put(t, digits + n, sizeof digits - n);
}

/* A JSON number; what JSON cannot write becomes one that it can. */
static void put_real(text *t, double v)
{
    if (!(v > -9999))
        v = -9999;
    putf(t, "%.9g", v < 1e300 ? v : 1e300);
}

/* fmt with %s for C strings to be written as JSON strings, %d for int64_t, %g for doubles, %r for a text put
   as it is, %t for a text as a JSON string, %b for an int as true or false. */
static void put_json(text *t, const char *fmt, ...)
{
    va_list args;
    const text *part;
    const char *s;
    va_start(args, fmt);
    for (; *fmt != 0; fmt++) {
        size_t n = strcspn(fmt, "%");
        put(t, fmt, n);
        fmt += n;
        if (*fmt == 0)
            break;
        switch (*++fmt) {
        case 's':
            s = va_arg(args, const char *);
            if (s == NULL)
                puts_to(t, "null");
            else
                put_string(t, s, strlen(s));
            break;
        case 'd':
            put_whole(t, va_arg(args, int64_t));
            break;
        case 'g':
            put_real(t, va_arg(args, double));
            break;
        case 'b':
            puts_to(t, va_arg(args, int) != 0 ? "true" : "false");
            break;
        case 'r':
            part = va_arg(args, const text *);
            put(t, part->data, part->len);
            break;
        case 't':
            part = va_arg(args, const text *);
            put_string(t, part->data, part->len);
            break;
        default:
            break;
        }
    }
    va_end(args);
}

/* Without libm, which would want a flag of the compiler's. */
static bool is_whole(double v)
{
    return v > -9.2e18 && v < 9.2e18 && v == (double)(int64_t)v;
}

/* Newton's, of v > 0. */
static double square_root(double v)
{
    double r = v > 1 ? v : 1;
    int i;
    for (i = 0; i < 100; i++)
        r = (r + v / r) / 2;
    return r;
}

/* ---- what differs between systems: sockets, threads ---- */
/* One name each for what POSIX and Windows call differently: sock_read, sock_write, lock_, condition_,
   thread_. Everything behind this part and the next is the same on all. No call here waits, but
   condition_wait and thread_join. */

/* What a thread begins with; its first act is to free this. */
typedef struct start {
    void (*fn)(void *);
    void *arg;
} start;

#ifdef _WIN32
typedef SOCKET sock;
typedef WSAPOLLFD poll_slot;
typedef CRITICAL_SECTION lock_type;
typedef CONDITION_VARIABLE condition;
typedef HANDLE thread;
#define NO_SOCKET   INVALID_SOCKET
#define SIZE_ARG(n) (int)(n)

/* ws2_32.dll at run time: then no flag is needed to link it. */
#define SOCKET_CALLS(X)                                                  \
    X(WSAStartup, int, (WORD, LPWSADATA))                                \
    X(socket, SOCKET, (int, int, int))                                   \
    X(bind, int, (SOCKET, const struct sockaddr *, int))                 \
    X(listen, int, (SOCKET, int))                                        \
    X(connect, int, (SOCKET, const struct sockaddr *, int))              \
    X(accept, SOCKET, (SOCKET, struct sockaddr *, int *))                \
    X(getsockname, int, (SOCKET, struct sockaddr *, int *))              \
    X(setsockopt, int, (SOCKET, int, int, const char *, int))            \
    X(ioctlsocket, int, (SOCKET, long, u_long *))                        \
    X(send, int, (SOCKET, const char *, int, int))                       \
    X(recv, int, (SOCKET, char *, int, int))                             \
    X(shutdown, int, (SOCKET, int))                                      \
    X(closesocket, int, (SOCKET))                                        \
    X(WSAPoll, int, (LPWSAPOLLFD, ULONG, INT))                           \
    X(WSAGetLastError, int, (void))                                      \
    X(getaddrinfo, INT, (PCSTR, PCSTR, const ADDRINFOA *, PADDRINFOA *)) \
    X(freeaddrinfo, void, (PADDRINFOA))                                  \
    X(getnameinfo, INT, (const struct sockaddr *, socklen_t, PCHAR, DWORD, PCHAR, DWORD, INT))

static struct {
#define SOCKET_MEMBER(name, result, args) result(WSAAPI *name) args;
    SOCKET_CALLS(SOCKET_MEMBER)
} ws;

static int start_sockets(void)
{
    HMODULE dll = LoadLibraryA("ws2_32.dll");
    WSADATA data;
    bool all = dll != NULL;
#define SOCKET_LOAD(name, result, args)         \
    if (all) {                                  \
        FARPROC f = GetProcAddress(dll, #name); \
        memcpy(&ws.name, &f, sizeof f);         \
        all = f != NULL;                        \
    }
    SOCKET_CALLS(SOCKET_LOAD)
    return all && ws.WSAStartup(MAKEWORD(2, 2), &data) == 0
               ? EXIT_OK
               : complain(EXIT_FAILED, "ws2_32.dll cannot be used");
}

#define SYS(name)    ws.name
#define close_sock   ws.closesocket
#define SHUT_WR      SD_SEND
#define would_wait() (ws.WSAGetLastError() == WSAEWOULDBLOCK)

static int wait_for(poll_slot *slots, size_t n, int ms)
{
    return ws.WSAPoll(slots, (ULONG)n, ms);
}

static void never_wait(sock s)
{
    u_long on = 1;
    ws.ioctlsocket(s, (long)FIONBIO, &on);
}

static void lock_init(lock_type *l)
{
    InitializeCriticalSection(l);
}
static void lock_take(lock_type *l)
{
    EnterCriticalSection(l);
}
static void lock_give(lock_type *l)
{
    LeaveCriticalSection(l);
}
static void condition_init(condition *c)
{
    InitializeConditionVariable(c);
}
static void condition_signal(condition *c)
{
    WakeAllConditionVariable(c);
}
static void condition_wait(condition *c, lock_type *l, unsigned ms)
{
    SleepConditionVariableCS(c, l, ms);
}

static DWORD WINAPI thread_main(LPVOID arg)
{
    start s = *(start *)arg;
    free(arg);
    s.fn(s.arg);
    return 0;
}

static bool thread_open(thread *t, void (*fn)(void *), void *arg)
{
    start *s = (start *)grow(NULL, sizeof *s);
    s->fn = fn;
    s->arg = arg;
    *t = CreateThread(NULL, 0, thread_main, s, 0, NULL);
    return *t != NULL;
}

static void thread_join(thread t)
{
    WaitForSingleObject(t, INFINITE);
}
#else
typedef int sock;
typedef pthread_mutex_t lock_type;
typedef pthread_cond_t condition;
typedef pthread_t thread;
#define NO_SOCKET    (-1)
#define SIZE_ARG(n)  (n)
#define SYS(name)    name
#define close_sock   close
#define would_wait() (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)

static int start_sockets(void)
{
    signal(SIGPIPE, SIG_IGN);
    return EXIT_OK;
}

#ifdef SERVER_WAITS_BY_POLL
typedef struct pollfd poll_slot;

static int wait_for(poll_slot *slots, size_t n, int ms)
{
    return poll(slots, (nfds_t)n, ms);
}
#endif

static void never_wait(sock s)
{
    fcntl(s, F_SETFL, fcntl(s, F_GETFL) | O_NONBLOCK);
    fcntl(s, F_SETFD, FD_CLOEXEC);
}

static void lock_init(lock_type *l)
{
    pthread_mutex_init(l, NULL);
}
static void lock_take(lock_type *l)
{
    pthread_mutex_lock(l);
}
static void lock_give(lock_type *l)
{
    pthread_mutex_unlock(l);
}
static void condition_init(condition *c)
{
    pthread_cond_init(c, NULL);
}
static void condition_signal(condition *c)
{
    pthread_cond_broadcast(c);
}

/* For ms at most, by the wall clock, as not every system has another for this. A clock that is set only makes
   a wait shorter or longer: all waits here are in loops that look again. */
static void condition_wait(condition *c, lock_type *l, unsigned ms)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    pthread_cond_timedwait(c, l, &t);
}

static void *thread_main(void *arg)
{
    start s = *(start *)arg;
    free(arg);
    s.fn(s.arg);
    return NULL;
}

/* Signals are the first thread's. */
static bool thread_open(thread *t, void (*fn)(void *), void *arg)
{
    start *s = (start *)grow(NULL, sizeof *s);
    sigset_t all, old;
    int code;
    s->fn = fn;
    s->arg = arg;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    code = pthread_create(t, NULL, thread_main, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return code == 0;
}

static void thread_join(thread t)
{
    pthread_join(t, NULL);
}
#endif

/* Bytes moved; 0: the other side has ended; -1: broken; -2: not now. */
static long sock_read(sock s, char *data, size_t n)
{
    long got = (long)SYS(recv)(s, data, SIZE_ARG(n), 0);
    return got >= 0 ? got : would_wait() ? -2 : -1;
}

static long sock_write(sock s, const char *data, size_t n)
{
    long done = (long)SYS(send)(s, data, SIZE_ARG(n < 1 << 20 ? n : 1 << 20), 0);
    return done >= 0 ? done : would_wait() ? -2 : -1;
}

/* ---- waiting for many sockets ---- */
/* One interface over epoll (Linux), kqueue (BSD, macOS) and poll (all others). With the first two the system
   keeps the list of sockets, so that a thousand connections on which nothing happens cost nothing when one
   token goes out on another; with poll every wait hands all of them over. All are level-triggered: what has
   not been read is reported again. */

enum { WANTS_READ = 1, WANTS_WRITE = 2, IS_BROKEN = 4 };

/* A socket that is waited for, inside of what it belongs to. It stays where it is until it is forgotten. */
typedef struct watch {
    sock s;
    unsigned wants; /* WANTS_READ, WANTS_WRITE; 0: only whether it is broken, if that */
    unsigned found; /* of the last wait: the same, and IS_BROKEN */
    size_t at;      /* 1 + its place in poll's list; else whether the system knows it */
} watch;

enum { MOST_FOUND = 256 }; /* by one wait; the others are found by the next */

typedef struct poller {
    watch *found[MOST_FOUND];
    size_t n_found;
#if defined(SERVER_WAITS_BY_POLL)
    poll_slot *slots;
    watch **watches; /* whose slots they are */
    size_t n, cap;
    size_t turn; /* where the next wait begins to look, so that nobody is always last */
#else
    int fd;
#endif
} poller;

/* The socket has something to tell. Several reports of one socket make one entry. */
static void poller_report(poller *p, watch *w, unsigned found)
{
    if (w->found == 0)
        p->found[p->n_found++] = w;
    w->found |= found;
}

#if defined(SERVER_WAITS_BY_EPOLL)
static bool poller_open(poller *p)
{
    memset(p, 0, sizeof *p);
    p->fd = epoll_create1(EPOLL_CLOEXEC);
    return p->fd >= 0;
}

static void poller_close(poller *p)
{
    close(p->fd);
}

/* From now on, w is waited for in these ways. False: the system has no room for it. */
static bool poller_want(poller *p, watch *w, unsigned wants)
{
    struct epoll_event e;
    if (w->at != 0 && w->wants == wants)
        return true;
    memset(&e, 0, sizeof e);
    e.events =
        ((wants & WANTS_READ) != 0 ? EPOLLIN : 0u) | ((wants & WANTS_WRITE) != 0 ? (unsigned)EPOLLOUT : 0u);
    e.data.ptr = w;
    if (epoll_ctl(p->fd, w->at != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, w->s, &e) != 0)
        return false;
    w->wants = wants;
    w->at = 1;
    return true;
}

/* Before w's socket is closed. */
static void poller_forget(poller *p, watch *w)
{
    if (w->at != 0)
        (void)epoll_ctl(p->fd, EPOLL_CTL_DEL, w->s, NULL);
    w->at = 0;
}

/* Waits for ms at most, or until a signal; who has something to tell is in p->found. */
static void poller_wait(poller *p, int ms)
{
    struct epoll_event got[MOST_FOUND];
    int i, n = epoll_wait(p->fd, got, MOST_FOUND, ms);
    p->n_found = 0;
    for (i = 0; i < n; i++) {
        watch *w = (watch *)got[i].data.ptr;
        w->found = 0;
        poller_report(p, w,
                      ((got[i].events & (EPOLLIN | EPOLLHUP)) != 0 ? WANTS_READ : 0u) |
                          ((got[i].events & EPOLLOUT) != 0 ? WANTS_WRITE : 0u) |
                          ((got[i].events & EPOLLERR) != 0 ? IS_BROKEN : 0u));
    }
}
#elif defined(SERVER_WAITS_BY_KQUEUE)
static bool poller_open(poller *p)
{
    memset(p, 0, sizeof *p);
    p->fd = kqueue();
    return p->fd >= 0;
}

static void poller_close(poller *p)
{
    close(p->fd);
}

/* From now on, w is waited for in these ways. False: the system has no room for it. */
static bool poller_want(poller *p, watch *w, unsigned wants)
{
    struct kevent change[2];
    unsigned was = w->at != 0 ? w->wants : 0;
    int n = 0;
    if (((was ^ wants) & WANTS_READ) != 0) {
        EV_SET(&change[n], w->s, EVFILT_READ, (wants & WANTS_READ) != 0 ? EV_ADD : EV_DELETE, 0, 0, w);
        n++;
    }
    if (((was ^ wants) & WANTS_WRITE) != 0) {
        EV_SET(&change[n], w->s, EVFILT_WRITE, (wants & WANTS_WRITE) != 0 ? EV_ADD : EV_DELETE, 0, 0, w);
        n++;
    }
    if (n > 0 && kevent(p->fd, change, n, NULL, 0, NULL) != 0)
        return false;
    w->wants = wants;
    w->at = 1;
    return true;
}

/* Before w's socket is closed. */
static void poller_forget(poller *p, watch *w)
{
    (void)poller_want(p, w, 0);
    w->at = 0;
}

/* Waits for ms at most, or until a signal; who has something to tell is in p->found. Reading and writing
   are two events here, so an entry may come twice. */
static void poller_wait(poller *p, int ms)
{
    struct kevent got[MOST_FOUND];
    struct timespec t;
    int i, n;
    t.tv_sec = ms / 1000;
    t.tv_nsec = (long)(ms % 1000) * 1000000;
    n = kevent(p->fd, NULL, 0, got, MOST_FOUND, &t);
    p->n_found = 0;
    for (i = 0; i < n; i++)
        ((watch *)got[i].udata)->found = 0;
    for (i = 0; i < n; i++)
        poller_report(p, (watch *)got[i].udata,
                      (got[i].flags & EV_ERROR) != 0 ? (unsigned)IS_BROKEN
                      : got[i].filter == EVFILT_READ ? (unsigned)WANTS_READ
                                                     : (unsigned)WANTS_WRITE);
}
#else
static bool poller_open(poller *p)
{
    memset(p, 0, sizeof *p);
    return true;
}

static void poller_close(poller *p)
{
    free(p->slots);
    free((void *)p->watches);
}

/* From now on, w is waited for in these ways. False: the system has no room for it. */
static bool poller_want(poller *p, watch *w, unsigned wants)
{
    poll_slot *slot;
    if (w->at == 0) {
        if (p->n == p->cap) {
            p->cap = p->cap * 2 + 64;
            p->slots = (poll_slot *)grow(p->slots, p->cap * sizeof *p->slots);
            p->watches = (watch **)grow((void *)p->watches, p->cap * sizeof *p->watches);
        }
        p->watches[p->n] = w;
        w->at = ++p->n;
    }
    slot = &p->slots[w->at - 1];
    slot->fd = w->s;
    slot->events =
        (short)(((wants & WANTS_READ) != 0 ? POLLIN : 0) | ((wants & WANTS_WRITE) != 0 ? POLLOUT : 0));
    slot->revents = 0;
    w->wants = wants;
    return true;
}

/* Before w's socket is closed. The last one takes its place in the list. */
static void poller_forget(poller *p, watch *w)
{
    size_t at = w->at;
    if (at == 0)
        return;
    w->at = 0;
    p->n--;
    if (at <= p->n) {
        p->slots[at - 1] = p->slots[p->n];
        p->watches[at - 1] = p->watches[p->n];
        p->watches[at - 1]->at = at;
    }
}

/* Waits for ms at most, or until a signal; who has something to tell is in p->found. */
static void poller_wait(poller *p, int ms)
{
    size_t i, at;
    p->n_found = 0;
    if (wait_for(p->slots, p->n, ms) <= 0)
        return;
    for (i = 0; i < p->n && p->n_found < MOST_FOUND; i++) {
        at = (p->turn + i) % p->n;
        if (p->slots[at].revents != 0) {
            short events = p->slots[at].revents;
            p->watches[at]->found = 0;
            poller_report(p, p->watches[at],
                          ((events & (POLLIN | POLLHUP)) != 0 ? WANTS_READ : 0u) |
                              ((events & POLLOUT) != 0 ? WANTS_WRITE : 0u) |
                              ((events & (POLLERR | POLLNVAL)) != 0 ? IS_BROKEN : 0u));
        }
    }
    p->turn = p->n > 0 ? (p->turn + i) % p->n : 0;
}
#endif

/* A socket of this process that hears its own datagrams: a wait ends when another thread sends one. */
static sock open_waker(void)
{
    static const unsigned char loopback[] = {127, 0, 0, 1};
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    sock s = SYS(socket)(AF_INET, SOCK_DGRAM, 0);
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    memcpy(&a.sin_addr, loopback, 4);
    if (s == NO_SOCKET)
        return s;
    if (SYS(bind)(s, (struct sockaddr *)&a, sizeof a) != 0 ||
        SYS(getsockname)(s, (struct sockaddr *)&a, &len) != 0 ||
        SYS(connect)(s, (struct sockaddr *)&a, sizeof a) != 0) {
        close_sock(s);
        return NO_SOCKET;
    }
    never_wait(s);
    return s;
}

/* A listening socket; *port becomes the one chosen where 0 was asked for. */
static sock open_listener(const char *host, unsigned *port)
{
    struct addrinfo want, *list = NULL, *a;
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    char service[16];
    sock s = NO_SOCKET;
    int on = 1;
    memset(&want, 0, sizeof want);
    want.ai_socktype = SOCK_STREAM;
    want.ai_flags = AI_PASSIVE;
    snprintf(service, sizeof service, "%u", *port);
    if (SYS(getaddrinfo)(host, service, &want, &list) != 0)
        return NO_SOCKET;
    for (a = list; a != NULL && s == NO_SOCKET; a = a->ai_next) {
        s = SYS(socket)(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (s == NO_SOCKET)
            continue;
#ifndef _WIN32
        SYS(setsockopt)(s, SOL_SOCKET, SO_REUSEADDR, (const char *)&on, sizeof on);
#else
        (void)on;
#endif
        if (SYS(bind)(s, a->ai_addr, (socklen_t)a->ai_addrlen) != 0 || SYS(listen)(s, 512) != 0) {
            int why = errno;
            close_sock(s);
            errno = why;
            s = NO_SOCKET;
        }
    }
    SYS(freeaddrinfo)(list);
    if (s != NO_SOCKET && SYS(getsockname)(s, (struct sockaddr *)&bound, &len) == 0) {
        unsigned char at[4]; /* family and port, the same in IPv4 and IPv6 */
        memcpy(at, &bound, sizeof at);
        *port = (unsigned)at[2] << 8 | at[3];
    }
    if (s != NO_SOCKET)
        never_wait(s);
    return s;
}

/* The next who waits at the door; NO_SOCKET: nobody, or no handle is left. address: whose it is, in
   digits. */
static sock accept_from(sock listener, char *address, size_t cap)
{
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    int on = 1, buffer = 65536; /* what a client does not read is not to fill the system's memory */
    sock s = SYS(accept)(listener, (struct sockaddr *)&from, &len);
    if (s == NO_SOCKET)
        return s;
    if (SYS(getnameinfo)((struct sockaddr *)&from, len, address, (unsigned)cap, NULL, 0, NI_NUMERICHOST) != 0)
        snprintf(address, cap, "?");
    never_wait(s);
    SYS(setsockopt)(s, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof on);
    SYS(setsockopt)(s, SOL_SOCKET, SO_SNDBUF, (const char *)&buffer, sizeof buffer);
    return s;
}

/* ---- HTTP/1.1 requests, strictly: RFC 9112 ---- */
/* http_feed takes bytes as they come, in any pieces, until `step` is HTTP_DONE (a request, whose parts are views
   of `head`; `body` may be taken away) or HTTP_BAD (`status` and `why` are for whoever sent it, and nothing
   that follows on this connection counts). It takes no byte of the next request. http_reset begins anew.

   What two programs could read in two ways is refused: bare line feeds, folded lines, two lengths, a length
   beside chunks. That leaves nothing for smuggling requests past a proxy. */

enum {
    MOST_HEAD = 16384, /* bytes of request line and headers */
    MOST_TARGET = 4096,
    MOST_HEADERS = 100,
    MOST_CHUNK_LINE = 256,
    MOST_TRAILER = 4096
};

typedef enum http_step {
    HTTP_HEAD,
    HTTP_BODY, /* so many bytes */
    HTTP_CHUNK_SIZE,
    HTTP_CHUNK_DATA,
    HTTP_CHUNK_END, /* its line's end */
    HTTP_TRAILER,
    HTTP_DONE,
    HTTP_BAD
} http_step;

typedef enum http_header {
    H_HOST,
    H_LENGTH,
    H_TRANSFER,
    H_EXPECT,
    H_AUTHORIZATION,
    H_API_KEY,
    H_ORIGIN,
    H_FORWARDED,
    H_COUNT
} http_header;

/* Of some there may be one only. */
static const struct {
    const char *name;
    bool once;
} header_rows[H_COUNT] = {{"host", true},   {"content-length", true},  {"transfer-encoding", true},
                          {"expect", true}, {"authorization", true},   {"x-api-key", true},
                          {"origin", true}, {"x-forwarded-for", false}};

/* A request as it comes in. */
typedef struct http {
    http_step step;
    int status;      /* of HTTP_BAD: what to answer */
    const char *why; /* and one line, static        */
    text head;       /* as it came, then with NULs behind its parts */
    const char *method, *target;
    const char *header[H_COUNT];  /* NULL: absent */
    bool old;                     /* HTTP/1.0 */
    bool keep;                    /* the connection is good for another request */
    bool wants_close, wants_keep; /* what the headers Connection say, all of them */
    bool expects;                 /* wants to hear 100 Continue, once */
    bool chunked;
    uint64_t left; /* of the body, or of this chunk */
    text line;     /* a chunk's size, a trailer */
    size_t trailer;
    text body;
    size_t most_body;
} http;

/* Ready for a request whose body has most_body bytes at most; also frees what the last one left. */
static void http_reset(http *h, size_t most_body)
{
    drop_text(&h->body);
    drop_text(&h->line);
    drop_text(&h->head);
    memset(h, 0, sizeof *h);
    h->most_body = most_body;
}

/* No request: `why`, a static line, is for whoever sent it. What follows on this connection cannot be
   trusted. */
static bool http_bad(http *h, int status, const char *why)
{
    h->step = HTTP_BAD;
    h->status = status;
    h->why = why;
    h->keep = false;
    return false;
}

/* Of ASCII alone, whatever the locale. */
static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Whether they are equal, in any case. */
static bool same_word(const char *a, const char *b)
{
    while (*a != 0 && lower(*a) == lower(*b))
        a++, b++;
    return lower(*a) == lower(*b);
}

/* A character of a token: RFC 9110, 5.6.2. */
static bool is_token(char c)
{
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
           (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* Whether a list "a, b" holds word. */
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word), i;
    while (list != NULL && *list != 0) {
        list += strspn(list, ", \t");
        for (i = 0; i < n && lower(list[i]) == word[i]; i++)
            ;
        if (i == n && (list[n] == 0 || strchr(", \t;", list[n]) != NULL))
            return true;
        list += strcspn(list, ",");
    }
    return false;
}

/* "POST /path HTTP/1.1" */
static bool http_request_line(http *h, char *line)
{
    char *target = strchr(line, ' '), *version;
    const char *p;
    if (target == NULL || target == line)
        return http_bad(h, 400, "the request line is not METHOD PATH HTTP/1.1");
    *target++ = 0;
    version = strchr(target, ' ');
    if (version == NULL)
        return http_bad(h, 400, "the request line is not METHOD PATH HTTP/1.1");
    *version++ = 0;
    for (p = line; *p != 0; p++)
        if (!is_token(*p))
            return http_bad(h, 400, "the method is not a word");
    for (p = target; *p != 0; p++)
        if (*p <= ' ' || *p >= 0x7f)
            return http_bad(h, 400, "the path has bytes that have to be written as %XX");
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
        return http_bad(h, strncmp(version, "HTTP/", 5) == 0 ? 505 : 400, "HTTP/1.1 is spoken here");
    if (strlen(target) > MOST_TARGET)
        return http_bad(h, 414, "the path is too long");
    if (target[0] != '/' && strcmp(target, "*") != 0)
        return http_bad(h, 400, "the path does not begin with /");
    if (strlen(line) > 15)
        return http_bad(h, 501, "no such method");
    h->old = version[7] == '0';
    h->method = line;
    h->target = target;
    return true;
}

/* "Name: value". The value loses the white space around it and stays where it is; the head is kept. */
static bool http_header_line(http *h, char *line)
{
    char *colon = strchr(line, ':'), *value, *end;
    const char *p;
    int i;
    if (colon == NULL || colon == line)
        return http_bad(h, 400, "a header is not NAME: VALUE");
    for (p = line; p < colon; p++)
        if (!is_token(*p))
            return http_bad(h, 400, "a header's name has characters that it may not have");
    *colon = 0;
    value = colon + 1 + strspn(colon + 1, " \t");
    for (end = value + strlen(value); end > value && (end[-1] == ' ' || end[-1] == '\t'); end--)
        ;
    *end = 0;
    for (p = value; *p != 0; p++)
        if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
            return http_bad(h, 400, "a header's value has control characters");
    for (i = 0; i < H_COUNT; i++)
        if (same_word(line, header_rows[i].name)) {
            if (h->header[i] != NULL && header_rows[i].once)
                return http_bad(h, 400, "a header that may be there once is there twice");
            h->header[i] = value;
        }
    if (same_word(line, "connection")) {
        h->wants_close = h->wants_close || has_word(value, "close");
        h->wants_keep = h->wants_keep || has_word(value, "keep-alive");
    }
    return true;
}

/* Digits alone, at most 18 of them. */
static bool http_length(http *h, const char *digits)
{
    const char *p = digits;
    for (h->left = 0; *p >= '0' && *p <= '9' && p - digits < 19; p++)
        h->left = h->left * 10 + (uint64_t)(*p - '0');
    if (p == digits || (*p != 0 && p - digits < 19))
        return http_bad(h, 400, "Content-Length is not a number");
    if (h->left > h->most_body || *p != 0)
        return http_bad(h, 413, "the body is too large");
    return true;
}

/* How long the body is, and whether the connection goes on after it. */
static bool http_framing(http *h)
{
    const char *length = h->header[H_LENGTH], *transfer = h->header[H_TRANSFER];
    if (h->header[H_HOST] == NULL && !h->old)
        return http_bad(h, 400, "the header Host is missing");
    if (transfer != NULL && (length != NULL || h->old))
        return http_bad(h, 400, "Transfer-Encoding, and Content-Length or HTTP/1.0: which is it?");
    if (transfer != NULL && !same_word(transfer, "chunked"))
        return http_bad(h, 501, "the only Transfer-Encoding here is chunked");
    if (h->header[H_EXPECT] != NULL && !same_word(h->header[H_EXPECT], "100-continue"))
        return http_bad(h, 417, "nothing but 100-continue can be expected");
    h->keep = !h->wants_close && (!h->old || h->wants_keep);
    h->chunked = transfer != NULL;
    if (length != NULL && !http_length(h, length))
        return false;
    h->step = h->chunked ? HTTP_CHUNK_SIZE : h->left > 0 ? HTTP_BODY : HTTP_DONE;
    h->expects = h->header[H_EXPECT] != NULL && !h->old && h->step != HTTP_DONE;
    return true;
}

/* The head is complete: lines that end in CR LF, the last one empty. */
static bool http_take_head(http *h)
{
    char *line = h->head.data, *end;
    int n = 0;
    if (memchr(line, 0, h->head.len) != NULL)
        return http_bad(h, 400, "a NUL in the head");
    for (; (end = strstr(line, "\r\n")) != NULL && end != line; line = end + 2) {
        *end = 0;
        if (strchr(line, '\r') != NULL)
            return http_bad(h, 400, "a carriage return by itself");
        if (n == 0 ? !http_request_line(h, line) : !http_header_line(h, line))
            return false;
        if (++n > MOST_HEADERS)
            return http_bad(h, 431, "too many headers");
    }
    return http_framing(h);
}

/* Bytes of the head, up to its end. Empty lines before it are passed over (RFC 9112, 2.2), a few. */
static size_t http_feed_head(http *h, const char *data, size_t n)
{
    size_t i;
    for (i = 0; i < n && h->step == HTTP_HEAD; i++) {
        char c = data[i];
        if (h->head.len == 0 && (c == '\r' || c == '\n') && h->trailer < 8) {
            h->trailer++;
            continue;
        }
        put(&h->head, &c, 1);
        if (c == '\n' && (h->head.len < 2 || h->head.data[h->head.len - 2] != '\r'))
            http_bad(h, 400, "a line ends in LF without CR");
        else if (c == '\n' && h->head.len >= 4 && memcmp(h->head.data + h->head.len - 4, "\r\n\r\n", 4) == 0)
            http_take_head(h);
        else if (h->head.len >= MOST_HEAD)
            http_bad(h, strchr(h->head.data, '\n') != NULL ? 431 : 414, "the head is too large");
    }
    if (h->step != HTTP_HEAD)
        h->trailer = 0;
    return i;
}

/* "1f;extensions" in hexadecimal */
static bool http_chunk(http *h)
{
    const char *p = h->line.data;
    int n = 0;
    for (h->left = 0; n < 9; n++, p++) {
        char c = lower(*p);
        if (c >= '0' && c <= '9')
            h->left = h->left * 16 + (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            h->left = h->left * 16 + (uint64_t)(c - 'a') + 10;
        else
            break;
    }
    if (n == 0 || (*p != 0 && strchr(";", *p) == NULL && n < 9))
        return http_bad(h, 400, "a chunk's size is not a hexadecimal number");
    if (n == 9 || h->left > h->most_body - h->body.len)
        return http_bad(h, 413, "the body is too large");
    h->step = h->left > 0 ? HTTP_CHUNK_DATA : HTTP_TRAILER;
    return true;
}

/* One line of a chunked body: a size, the end of a chunk, a trailer (read and forgotten). */
static bool http_body_line(http *h)
{
    if (h->step == HTTP_CHUNK_SIZE)
        return http_chunk(h);
    if (h->step == HTTP_CHUNK_END && h->line.len > 0)
        return http_bad(h, 400, "a chunk is longer than its size");
    h->trailer += h->line.len;
    if (h->trailer > MOST_TRAILER)
        return http_bad(h, 431, "the trailers are too large");
    if (h->step == HTTP_CHUNK_END)
        h->step = HTTP_CHUNK_SIZE;
    else if (h->line.len == 0)
        h->step = HTTP_DONE;
    return true;
}

/* Collects a line between chunks until its CR LF, and acts on it. Returns the bytes used. */
static size_t http_feed_line(http *h, const char *data, size_t n)
{
    const char *nl = (const char *)memchr(data, '\n', n);
    size_t used = nl != NULL ? (size_t)(nl - data) + 1 : n;
    put(&h->line, data, used);
    if (h->line.len > (h->step == HTTP_TRAILER ? MOST_TRAILER : MOST_CHUNK_LINE)) {
        http_bad(h, h->step == HTTP_CHUNK_END ? 400 : 431, "a line between chunks is too long");
    } else if (nl != NULL) {
        if (h->line.len < 2 || h->line.data[h->line.len - 2] != '\r') {
            http_bad(h, 400, "a line ends in LF without CR");
        } else {
            h->line.len -= 2;
            h->line.data[h->line.len] = 0;
            if (memchr(h->line.data, 0, h->line.len) != NULL ||
                memchr(h->line.data, '\r', h->line.len) != NULL)
                http_bad(h, 400, "control characters between chunks");
            else
                http_body_line(h);
            h->line.len = 0;
        }
    }
    return used;
}

/* Takes bytes until the request is complete (HTTP_DONE) or no request (HTTP_BAD); how many it took. */
static size_t http_feed(http *h, const char *data, size_t n)
{
    size_t used = 0, part;
    while (used < n && h->step != HTTP_DONE && h->step != HTTP_BAD) {
        if (h->step == HTTP_HEAD) {
            used += http_feed_head(h, data + used, n - used);
        } else if (h->step == HTTP_BODY || h->step == HTTP_CHUNK_DATA) {
            part = n - used < h->left ? n - used : (size_t)h->left;
            put(&h->body, data + used, part);
            used += part;
            h->left -= part;
            if (h->left == 0)
                h->step = h->step == HTTP_BODY ? HTTP_DONE : HTTP_CHUNK_END;
        } else {
            used += http_feed_line(h, data + used, n - used);
        }
    }
    return used;
}

/* ---- what the command line says ---- */
/* argv into `settings`, whose strings are argv's own. Every number is checked against its row's bounds; what is
   wrong is told in one line, and the program ends with EXIT_USAGE. */

#include "files.h"
#include "options.h"

/* All options, with their defaults from main; 0 is what the row's help says. */
typedef struct settings {
    const char *model, *embedding_model, *tokenizer, *alias, *host, *format, *template_file, *isa, *kv_type,
        *log, *sessions, *key_file;
    const char **keys, **origins, **loras; /* as they were written */
    size_t n_keys, n_origins, n_loras;
    uint32_t port, threads, context, slots, queue, batch_tokens, predict, kv_pool, prefix_mb;
    uint32_t connections, body_mb, rate, grace, timeout;
    llmc_sample_options sample;
    bool no_mmap, trust_proxy, log_prompts, no_page, help;
} settings;

enum { AS_KEY = OPTION_OTHER, AS_ORIGIN, AS_LORA };

#define AT(member) offsetof(settings, member)

/* Every option: names, bounds, help, where its value goes. Whatever knows of options reads it here. */
static const option_row rows[] = {
    {"model", 'm', AS_TEXT, AT(model), 0, 0, "FILE", "model file or folder"},
    {"alias", 'a', AS_TEXT, AT(alias), 0, 0, "NAME",
     "what the model is called in answers (default: the file's name)"},
    {"host", 0, AS_TEXT, AT(host), 0, 0, "ADDRESS",
     "where to listen (default 127.0.0.1: this machine alone)"},
    {"port", 0, AS_WHOLE, AT(port), 0, 65535, "N",
     "TCP port (default 8000); 0: any that is free, stderr says which"},
    {"threads", 't', AS_WHOLE, AT(threads), 0, 1024, "N", "threads; 0: all that this process may use"},
    {"context", 'c', AS_WHOLE, AT(context), 0, INT32_MAX, "N",
     "tokens of one request; 0: the model's, at most 4096"},
    {"parallel", 0, AS_WHOLE, AT(slots), 1, 1024, "N", "requests computed at once (default 64)"},
    {"queue", 0, AS_WHOLE, AT(queue), 0, 65536, "N", "requests that may wait for those (default 256)"},
    {"batch-tokens", 'b', AS_WHOLE, AT(batch_tokens), 0, 1 << 20, "N", "most tokens in one step; 0: 128"},
    {"kv-pool", 0, AS_WHOLE, AT(kv_pool), 0, INT32_MAX, "N",
     "tokens in the cache, all requests; 0: by the memory there is"},
    {"kv-type", 0, AS_TEXT, AT(kv_type), 0, 0, "TYPE", "cache: f16 (default), bf16, f32, q8_0, q4_0"},
    {"prefix-mb", 0, AS_WHOLE, AT(prefix_mb), 0, INT32_MAX, "N",
     "of the cache, most that finished requests may keep for others that begin alike; 0: nothing (default: "
     "all)"},
    {"predict", 'n', AS_WHOLE, AT(predict), 0, INT32_MAX, "N",
     "most tokens of an answer; 0: what the context holds"},
    {"temp", 0, AS_REAL, AT(sample.temperature), 0, 100, "X", "where a request does not say (default 0.8)"},
    {"top-k", 0, AS_WHOLE, AT(sample.top_k), 0, INT32_MAX, "N", "likewise (default 0: off)"},
    {"top-p", 0, AS_REAL, AT(sample.top_p), 0, 1, "X", "likewise (default 0.95)"},
    {"min-p", 0, AS_REAL, AT(sample.min_p), 0, 1, "X", "likewise (default 0: off)"},
    {"repeat-penalty", 0, AS_REAL, AT(sample.repeat_penalty), 0, 100, "X", "likewise (default 1: off)"},
    {"chat-format", 0, AS_TEXT, AT(format), 0, 0, "NAME", "auto (the model's template), chatml, llama3, ..."},
    {"template", 0, AS_TEXT, AT(template_file), 0, 0, "FILE",
     "a chat template in Jinja, instead of the model's"},
    {"tokenizer", 0, AS_TEXT, AT(tokenizer), 0, 0, "FILE", "tokenizer apart from the model"},
    {"embedding-model", 0, AS_TEXT, AT(embedding_model), 0, 0, "FILE",
     "another model, a BERT for example, for /v1/embeddings and /rerank (default: the same)"},
    {"lora", 0, AS_LORA, 0, 0, 0, "NAME=FILE[:S]",
     "an adapter of the model, counted S times (default 1), for requests whose \"model\" is NAME; "
     "repeatable"},
    {"sessions", 0, AS_TEXT, AT(sessions), 0, 0, "FOLDER",
     "where the cache may be saved, and is at the end (default: nowhere)"},
    {"api-key", 0, AS_KEY, 0, 0, 0, "KEY", "clients have to know one of these; repeatable"},
    {"api-key-file", 0, AS_TEXT, AT(key_file), 0, 0, "FILE", "the same, a key to a line"},
    {"cors", 0, AS_ORIGIN, 0, 0, 0, "ORIGIN",
     "pages from there may ask, * from anywhere; repeatable (default: none)"},
    {"rate", 0, AS_WHOLE, AT(rate), 0, INT32_MAX, "N",
     "requests a minute for each key or address; 0: no limit (default)"},
    {"trust-proxy", 0, AS_FLAG, AT(trust_proxy), 0, 0, NULL, "clients' addresses are in X-Forwarded-For"},
    {"connections", 0, AS_WHOLE, AT(connections), 1, 65536, "N", "connections at once (default 1024)"},
    {"body-mb", 0, AS_WHOLE, AT(body_mb), 1, 1024, "N",
     "largest request (default 8); eight times that for all together"},
    {"timeout", 0, AS_WHOLE, AT(timeout), 1, 86400, "S",
     "seconds for a request to arrive, and for a client to take something (default 30)"},
    {"grace", 0, AS_WHOLE, AT(grace), 0, 86400, "S",
     "seconds to finish answers after SIGTERM or Ctrl-C (default 30)"},
    {"access-log", 0, AS_TEXT, AT(log), 0, 0, "FILE",
     "a line of JSON for each request; - (default): stdout; none"},
    {"log-prompts", 0, AS_FLAG, AT(log_prompts), 0, 0, NULL, "with the requests' bodies in it"},
    {"no-page", 0, AS_FLAG, AT(no_page), 0, 0, NULL, "nothing for people at /"},
    {"isa", 0, AS_TEXT, AT(isa), 0, 0, "NAME", "kernels: auto, scalar, avx2, avx-vnni, avx512, neon, simde"},
    {"no-mmap", 0, AS_FLAG, AT(no_mmap), 0, 0, NULL, "read the model into memory instead of mapping it"},
    {"help", 'h', AS_FLAG, AT(help), 0, 0, NULL, "this text"},
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

static void print_help(void)
{
    printf("usage: server MODEL [options]\n\n"
           "Answers OpenAI's API (/v1/chat/completions, /v1/completions, /v1/responses, /v1/embeddings,\n"
           "/v1/models), llama.cpp's (/completion, /tokenize, /slots, /props, /metrics, /rerank) and\n"
           "claude-rust's (/generate, /generate_stream). A page to chat with is at /.\n\n");
    options_print(rows, N_ROWS, 30);
}

/* At the end of a list of words, which it does not copy. */
static void store_word(const char ***list, size_t *n, const char *word)
{
    *list = (const char **)grow((void *)*list, (*n + 1) * sizeof **list);
    (*list)[(*n)++] = word;
}

/* option_row's kinds of this program. */
static int store_other(void *settings_, const option_row *row, const char *word)
{
    settings *s = (settings *)settings_;
    if (row->kind == AS_KEY && *word == 0)
        return complain(EXIT_USAGE, "--api-key: an empty key is no key");
    if (row->kind == AS_KEY)
        store_word(&s->keys, &s->n_keys, word);
    else if (row->kind == AS_ORIGIN)
        store_word(&s->origins, &s->n_origins, word);
    else
        store_word(&s->loras, &s->n_loras, word);
    return EXIT_OK;
}

/* The command line into s. Returns EXIT_OK, or EXIT_USAGE after one line on stderr. */
static int parse_options(settings *s, int argc, char **argv)
{
    const options o = {rows, N_ROWS, s, NULL, store_other};
    int code = options_parse(&o, argc, argv);
    for (; code == EXIT_OK && optind < argc; optind++) {
        if (s->model != NULL)
            code = complain(EXIT_USAGE, "unexpected argument '%s'", argv[optind]);
        s->model = argv[optind];
    }
    if (code == EXIT_OK && s->model == NULL && !s->help)
        code = complain(EXIT_USAGE, "no model given (-h shows how)");
    return code;
}

/* ---- a request and its answer, on the way through the threads ---- */
/* The types that all parts share, each member under the name of the thread that may touch it, and the rule by
   which an exchange changes hands: see the top of the file. */

typedef enum api {
    API_NONE,
    API_CHAT,      /* /v1/chat/completions */
    API_TEXT,      /* /v1/completions      */
    API_RESPONSES, /* /v1/responses        */
    API_LLAMA,     /* /completion          */
    API_RUST,      /* /generate            */
    API_EMBED,
    API_RERANK,
    API_TOKENIZE,
    API_DETOKENIZE,
    API_TEMPLATE,
    API_SLOTS,
    API_SESSION
} api;

#define BIT(a)   (1u << API_##a)
#define OPEN_AI  (BIT(CHAT) | BIT(TEXT) | BIT(RESPONSES))
#define GENERATE (OPEN_AI | BIT(LLAMA))

/* What a body may say, whatever the endpoint: one set, as most of it means the same everywhere, and the table
   `fields` says which endpoint knows what. What is a llmc_json is a view of the body, looked at later. */
typedef struct params {
    llmc_sample_options sample;
    /* -1 where a body may leave it open: see default_params */
    int64_t top_k, repeat_last_n, seed, max_tokens, n, best_of, top_logprobs, n_probs, dimensions, top_n;
    bool stream, ignore_eos, echo, do_sample, parallel_calls, add_special, with_pieces, return_tokens;
    llmc_json messages, prompt, input, stop, logit_bias, tools, tool_choice, response_format, grammar, schema,
        logprobs, stream_options, variables, format, instructions, previous, suffix, encoding, query,
        documents, content, ids, tokens, text, filename, model, lora;
} params;

typedef struct choice choice; /* one of its answers: below */
typedef struct server server;
typedef struct conn conn;

typedef struct block { /* memory that goes with its exchange */
    struct block *next;
} block;

typedef struct prompt {
    llmc_token *ids;
    size_t n;
} prompt;

/* An adapter by its name, which clients say instead of the model's. Made before the threads start, and not
   changed after. */
typedef struct adapter {
    char name[64];
    const char *file; /* its path's last part, of the command line's: folders are nobody's business */
    size_t file_len;
    float scale;
    llmc_lora_host host;
} adapter;

typedef struct route route;

/* A request on its way, and the answer that becomes of it. Who may touch it when: see the top of the file. */
typedef struct exchange {
    struct exchange *next; /* in whose queue it is */
    server *server;
    uint64_t number;
    const route *route;
    char method[16];
    const char *allow; /* of a 405: what goes with the path */
    bool old, keep;    /* HTTP/1.0; the connection goes on */
    bool cors;         /* the page that asks may see the answer */
    text body;
    char target[96];   /* of the log; the path, cut */
    const char *query; /* of the target, behind the path */
    uint64_t arrived;  /* nanoseconds */
    time_t created;
    block *kept;
    params p;
    const adapter *adapter; /* that answers, or NULL: the model by itself */
    float lora_scale;       /* how often it counts */
    /* what is generated, by the engine's thread */
    prompt *prompts;
    size_t n_prompts, i_prompt;
    choice *choices;
    size_t n_choices, n_open;
    size_t cost;        /* places in the queue */
    bool begun;         /* the head of a stream is out */
    bool stream, usage; /* stream_options.include_usage */
    text fresh;         /* of the stream, not delivered yet */
    text wire;          /* the same on its way out, as a chunk */
    text chunk_head;    /* what every chunk of a stream begins with */
    bool stopped;       /* as the lock last saw it: nobody waits for this any more */
    size_t backlog;     /* bytes that wait for the client */
    text items;         /* responses: what is complete of the output */
    uint32_t n_items, n_events;
    text result; /* embeddings */
    bool base64; /* encoding_format */
    /* under the lock */
    text out;
    bool ended; /* out is the last of it */
    bool gone;  /* nobody waits for it; whoever has it drops it */
    bool ready; /* in the list of those with news */
    struct exchange *next_ready;
    conn *conn; /* of the network thread */
    /* for the log */
    int status;
    uint64_t n_sent, n_prompt, n_cached, n_generated, first;
} exchange;

/* What goes by a method and a path. */
struct route {
    const char *method, *path;
    api kind;
    void (*fn)(exchange *x); /* of the network's thread; NULL: the reader's work */
    bool open;               /* no key is asked for */
};

/* Numbers for /metrics, under the lock. */
typedef struct counters {
    uint64_t prompt_tokens, cached_tokens, generated, steps, busy, requests, cancelled, refused;
    uint64_t reading, running, held, waiting; /* now; held: of those who run, their clients are slow */
    double prompt_seconds, generate_seconds;
} counters;

/* Grammars that were compiled, kept for the next who asks for the same: programs send one schema with every
   request, and compiling takes longer than many an answer. */
typedef struct rules {
    struct rules *next;
    text source;
    void *memory;
    llmc_grammar *grammar;
    uint32_t users; /* under the lock */
} rules;

enum {
    MOST_RULES = 16,     /* kept without users */
    MOST_BACKLOG = 65536 /* bytes that a client has not taken: then its answer waits */
};

/* Exchanges in the order in which they came. */
typedef struct queue {
    exchange *first, *last;
} queue;

/* What makes vectors of texts: the model that answers, too, or one of its own. */
typedef struct embedding {
    llmc_model *model;
    const llmc_tokenizer *tok;
    llmc_engine *engine;
    uint32_t context;
    char name[128];
    llmc_host own; /* all zero if it is the one that answers; so is the memory of its engine */
    void *memory;
    size_t bytes;
} embedding;

/* All there is but connections. What is not under the lock, or one thread's, does not change once the threads
   have started. */
struct server {
    settings set;
    embedding embed;
    llmc_host host;
    const llmc_tokenizer *tok;
    llmc_engine *engine;
    llmc_engine_options cache;
    void *engine_memory;
    size_t engine_bytes;
    char name[128];    /* of the model */
    adapter *adapters; /* [set.n_loras] */
    llmc_chat_format format;
    text template_text; /* of --template */
    const char *chat_template;
    size_t chat_template_len;
    llmc_template *chat;
    void *chat_memory;
    llmc_reply_format reply;
    bool knows_tools; /* the template shows them to the model */
    llmc_grammar_vocab *vocab;
    void *vocab_memory;
    char bos[128], eos[128];
    uint32_t context;
    time_t started;
    FILE *log;
    lock_type lock;
    condition for_reader, for_engine;
    /* under the lock */
    queue to_read, to_do; /* of the reader, of the engine's thread */
    exchange *ready;
    bool awake;     /* the network's thread has been told */
    bool held_back; /* it will be told by the engine's thread, soon */
    bool stop;      /* threads end */
    bool closing;
    size_t load; /* places taken: what is computed, and what waits */
    counters count;
    rules *rules;
    /* of the reader */
    uint64_t seeds;
    /* of the network's thread */
    sock waker;
    uint64_t numbers;
    text keys_text;
};

static uint64_t now_ns(void)
{
    return llmc_os_nanoseconds();
}

/* An encoder, or a model without a head: it generates nothing. */
static bool only_embeds(const server *s)
{
    const llmc_config *c = llmc_model_config(s->host.model);
    return c->bidirectional || c->no_head;
}

/* ---- memory and answers ---- */
/* What ends an exchange, or tells its client something on the way. answer, answer_as, fail and deliver with
   `end` give the exchange up: its client may have been told, and it may have been freed, before they return.
   Whoever called them touches it no more. flush_stream does so with `end`, and by itself only hands bytes on.
   An error before a stream has begun is a status and a body; behind that it is the stream's last event. */

/* Memory that goes with the exchange. */
static void *keep(exchange *x, size_t bytes)
{
    block *b = (block *)grow(NULL, sizeof(block) + 16 + bytes);
    b->next = x->kept;
    x->kept = b;
    return (char *)b + ((sizeof(block) + 15) & ~(size_t)15);
}

static void free_choices(exchange *x);

/* Nobody else may know x any more, and its requests are closed. */
static void free_exchange(exchange *x)
{
    free_choices(x);
    while (x->kept != NULL) {
        block *b = x->kept;
        x->kept = b->next;
        free(b);
    }
    drop_text(&x->body);
    drop_text(&x->fresh);
    drop_text(&x->wire);
    drop_text(&x->chunk_head);
    drop_text(&x->items);
    drop_text(&x->result);
    drop_text(&x->out);
    free(x);
}

/* Under the lock: wakes the network's thread; it is told once until it looks. While the engine's thread goes
   through what a step has made it is not told at all: one waking for the step, not one for each stream. */
static void wake(server *s)
{
    if (!s->awake && !s->held_back) {
        s->awake = true;
        (void)SYS(send)(s->waker, "", 1, 0);
    }
}

/* Under the lock: x at the end of q. */
static void join_queue(queue *q, exchange *x)
{
    x->next = NULL;
    if (q->last != NULL)
        q->last->next = x;
    else
        q->first = x;
    q->last = x;
}

/* Bytes for the client; with end they are the last, and the exchange is no longer the caller's. */
static void deliver(exchange *x, text *bytes, bool end)
{
    server *s = x->server;
    bool alone;
    lock_take(&s->lock);
    alone = x->gone && end;
    if (!x->gone) {
        if (x->out.len == 0 && bytes->len > 0) {
            text was = x->out;
            x->out = *bytes;
            *bytes = was;
        } else {
            put(&x->out, bytes->data, bytes->len);
        }
        x->ended = end;
        if (!x->ready) {
            x->ready = true;
            x->next_ready = s->ready;
            s->ready = x;
        }
        wake(s);
    }
    lock_give(&s->lock);
    bytes->len = 0;
    if (alone)
        free_exchange(x);
}

/* What HTTP calls a status. */
static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } table[] = {{200, "OK"},
                 {204, "No Content"},
                 {400, "Bad Request"},
                 {401, "Unauthorized"},
                 {403, "Forbidden"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {408, "Request Timeout"},
                 {413, "Content Too Large"},
                 {414, "URI Too Long"},
                 {417, "Expectation Failed"},
                 {429, "Too Many Requests"},
                 {431, "Request Header Fields Too Large"},
                 {500, "Internal Server Error"},
                 {501, "Not Implemented"},
                 {503, "Service Unavailable"},
                 {505, "HTTP Version Not Supported"}};
    size_t i;
    for (i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].status == status)
            return table[i].text;
    return "?";
}

/* The head of an answer; length SIZE_MAX: a stream. more: further headers, each with its CR LF. */
static void put_head(text *t, exchange *x, int status, const char *type, size_t length, const char *more)
{
    x->status = status;
    if (length == SIZE_MAX && x->old)
        x->keep = false;
    putf(t, "HTTP/1.1 %d %s\r\n", status, reason(status));
    if (type != NULL)
        putf(t, "Content-Type: %s\r\n", type);
    if (length != SIZE_MAX && status != 204)
        putf(t, "Content-Length: %zu\r\n", length);
    else if (length == SIZE_MAX && !x->old)
        puts_to(t, "Transfer-Encoding: chunked\r\n");
    putf(t, "Connection: %s\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n",
         x->keep ? "keep-alive" : "close");
    if (more != NULL)
        puts_to(t, more);
    puts_to(t, "\r\n");
}

/* A whole answer; the exchange is no longer the caller's. body is freed. */
static void answer_as(exchange *x, int status, const char *type, text *body, const char *more)
{
    text t = {NULL, 0, 0};
    char headers[512] = "";
    if (x->cors)
        snprintf(headers, sizeof headers,
                 "Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: *\r\n%s",
                 more != NULL ? more : "");
    put_head(&t, x, status, type, body->len, x->cors ? headers : more);
    if (strcmp(x->method, "HEAD") != 0) /* else what follows would be the next answer */
        put(&t, body->data, body->len);
    drop_text(body);
    deliver(x, &t, true);
    drop_text(&t);
}

/* JSON, with status 200. */
static void answer(exchange *x, text *body)
{
    answer_as(x, 200, "application/json", body, NULL);
}

/* The stream's bytes so far as one chunk. With end x is no longer the caller's. */
static void flush_stream(exchange *x, bool end)
{
    text *t = &x->wire;
    t->len = 0;
    if (!x->begun && (x->fresh.len > 0 || end)) {
        put_head(t, x, 200, "text/event-stream", SIZE_MAX,
                 x->cors ? "X-Accel-Buffering: no\r\nAccess-Control-Allow-Origin: *\r\n"
                         : "X-Accel-Buffering: no\r\n");
        x->begun = true;
    }
    if (x->fresh.len > 0) {
        if (!x->old)
            putf(t, "%zx\r\n", x->fresh.len);
        put(t, x->fresh.data, x->fresh.len);
        if (!x->old)
            puts_to(t, "\r\n");
        x->fresh.len = 0;
    }
    if (end) {
        text last = *t; /* deliver may free x, and this with it */
        memset(t, 0, sizeof *t);
        if (!x->old)
            puts_to(&last, "0\r\n\r\n");
        deliver(x, &last, true);
        drop_text(&last);
    } else if (t->len > 0) {
        deliver(x, t, false);
    }
}

/* {"error": ...} as OpenAI's and llama.cpp's clients read it. */
static void put_error(text *t, int status, const char *param, const char *message)
{
    const char *type = status == 401   ? "authentication_error"
                       : status == 403 ? "permission_error"
                       : status == 404 ? "not_found_error"
                       : status == 429 ? "rate_limit_error"
                       : status == 501 ? "not_supported_error"
                       : status == 503 ? "unavailable_error"
                       : status >= 500 ? "server_error"
                                       : "invalid_request_error";
    put_json(t, "{\"error\":{\"message\":%s,\"type\":%s,\"param\":%s,\"code\":%d}}", message, type, param,
             (int64_t)status);
}

/* An error instead of an answer, or behind what a stream has said, whose status is out already. The exchange
   is no longer the caller's: nothing may follow but return. */
LIKE_PRINTF(4, 5) static void fail(exchange *x, int status, const char *param, const char *fmt, ...)
{
    char message[512], allow[48];
    text t = {NULL, 0, 0};
    va_list args;
    snprintf(allow, sizeof allow, "Allow: %s\r\n", x->allow != NULL ? x->allow : "");
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    put_error(&t, status, param, message);
    if (x->begun) {
        put_json(&x->fresh, "data: %r\n\n", &t);
        drop_text(&t);
        flush_stream(x, true);
        return;
    }
    answer_as(x, status, "application/json", &t,
              status == 429 || status == 503 ? "Retry-After: 1\r\n"
              : status == 401                ? "WWW-Authenticate: Bearer\r\n"
              : status == 405                ? allow
                                             : NULL);
}

/* ---- bodies: JSON to params ---- */
/* A body in, x->params out, its views pointing into the body, or a 400 that names the member and what was
   expected. Sizes are bounded by the body's (--body-mb), depth by the header's parser. What a view means is
   decided by whoever uses it. */

typedef enum field_kind { IS_REAL, IS_WHOLE, IS_FLAG, IS_VALUE } field_kind;

typedef struct field {
    const char *name;
    unsigned apis; /* who knows it; the others pass over it */
    field_kind kind;
    size_t at; /* member of params */
    double low, high;
} field;

#define PARAM(member)  offsetof(params, member)
#define SAMPLE(member) offsetof(params, sample.member)
#define EVERY          (GENERATE | BIT(RUST))
#define MOST_WHOLE     2147483647.0

/* One name may mean different things to different endpoints ("text"), and two names the same thing. Adding a
   parameter is adding a row. */
static const field fields[] = {
    {"temperature", EVERY, IS_REAL, SAMPLE(temperature), 0, 100},
    {"top_p", EVERY, IS_REAL, SAMPLE(top_p), 0, 1},
    {"min_p", EVERY, IS_REAL, SAMPLE(min_p), 0, 1},
    {"typical_p", EVERY, IS_REAL, SAMPLE(typical_p), 0, 1},
    {"top_k", EVERY, IS_WHOLE, PARAM(top_k), -1, MOST_WHOLE},
    {"repeat_penalty", EVERY, IS_REAL, SAMPLE(repeat_penalty), 0, 100},
    {"repetition_penalty", EVERY, IS_REAL, SAMPLE(repeat_penalty), 0, 100},
    {"frequency_penalty", EVERY, IS_REAL, SAMPLE(frequency_penalty), -100, 100},
    {"presence_penalty", EVERY, IS_REAL, SAMPLE(presence_penalty), -100, 100},
    {"repeat_last_n", EVERY, IS_WHOLE, PARAM(repeat_last_n), -1, MOST_WHOLE},
    {"seed", EVERY, IS_WHOLE, PARAM(seed), -9e15, 9e15},
    {"max_tokens", OPEN_AI, IS_WHOLE, PARAM(max_tokens), -1, MOST_WHOLE},
    {"max_completion_tokens", BIT(CHAT), IS_WHOLE, PARAM(max_tokens), -1, MOST_WHOLE},
    {"max_output_tokens", BIT(RESPONSES), IS_WHOLE, PARAM(max_tokens), -1, MOST_WHOLE},
    {"n_predict", BIT(LLAMA) | BIT(CHAT) | BIT(TEXT), IS_WHOLE, PARAM(max_tokens), -1, MOST_WHOLE},
    {"max_new_tokens", BIT(RUST), IS_WHOLE, PARAM(max_tokens), 1, MOST_WHOLE},
    {"n", BIT(CHAT) | BIT(TEXT), IS_WHOLE, PARAM(n), 1, 128},
    {"best_of", BIT(TEXT), IS_WHOLE, PARAM(best_of), 1, 128},
    {"top_logprobs", BIT(CHAT), IS_WHOLE, PARAM(top_logprobs), 0, 20},
    {"n_probs", BIT(LLAMA), IS_WHOLE, PARAM(n_probs), 0, 20},
    {"dimensions", BIT(EMBED), IS_WHOLE, PARAM(dimensions), 1, MOST_WHOLE},
    {"top_n", BIT(RERANK), IS_WHOLE, PARAM(top_n), 1, MOST_WHOLE},
    {"stream", GENERATE, IS_FLAG, PARAM(stream), 0, 0},
    {"ignore_eos", EVERY, IS_FLAG, PARAM(ignore_eos), 0, 0},
    {"echo", BIT(TEXT), IS_FLAG, PARAM(echo), 0, 0},
    {"do_sample", BIT(RUST), IS_FLAG, PARAM(do_sample), 0, 0},
    {"parallel_tool_calls", BIT(CHAT) | BIT(RESPONSES), IS_FLAG, PARAM(parallel_calls), 0, 0},
    {"add_special", BIT(TOKENIZE), IS_FLAG, PARAM(add_special), 0, 0},
    {"with_pieces", BIT(TOKENIZE), IS_FLAG, PARAM(with_pieces), 0, 0},
    {"return_tokens", BIT(LLAMA), IS_FLAG, PARAM(return_tokens), 0, 0},
    {"messages", BIT(CHAT) | BIT(TEMPLATE), IS_VALUE, PARAM(messages), 0, 0},
    {"prompt", BIT(TEXT) | BIT(LLAMA) | BIT(RUST), IS_VALUE, PARAM(prompt), 0, 0},
    {"input", BIT(RESPONSES) | BIT(EMBED), IS_VALUE, PARAM(input), 0, 0},
    {"stop", GENERATE, IS_VALUE, PARAM(stop), 0, 0},
    {"stop_sequences", BIT(RUST), IS_VALUE, PARAM(stop), 0, 0},
    {"logit_bias", GENERATE, IS_VALUE, PARAM(logit_bias), 0, 0},
    {"tools", BIT(CHAT) | BIT(RESPONSES) | BIT(TEMPLATE), IS_VALUE, PARAM(tools), 0, 0},
    {"tool_choice", BIT(CHAT) | BIT(RESPONSES), IS_VALUE, PARAM(tool_choice), 0, 0},
    {"response_format", GENERATE, IS_VALUE, PARAM(response_format), 0, 0},
    {"grammar", GENERATE, IS_VALUE, PARAM(grammar), 0, 0},
    {"json_schema", GENERATE, IS_VALUE, PARAM(schema), 0, 0},
    {"logprobs", BIT(CHAT) | BIT(TEXT), IS_VALUE, PARAM(logprobs), 0, 0},
    {"stream_options", BIT(CHAT) | BIT(TEXT), IS_VALUE, PARAM(stream_options), 0, 0},
    {"chat_template_kwargs", BIT(CHAT) | BIT(RESPONSES) | BIT(TEMPLATE), IS_VALUE, PARAM(variables), 0, 0},
    {"text", BIT(RESPONSES), IS_VALUE, PARAM(format), 0, 0},
    {"instructions", BIT(RESPONSES), IS_VALUE, PARAM(instructions), 0, 0},
    {"previous_response_id", BIT(RESPONSES), IS_VALUE, PARAM(previous), 0, 0},
    {"suffix", BIT(TEXT), IS_VALUE, PARAM(suffix), 0, 0},
    {"encoding_format", BIT(EMBED), IS_VALUE, PARAM(encoding), 0, 0},
    {"query", BIT(RERANK), IS_VALUE, PARAM(query), 0, 0},
    {"documents", BIT(RERANK), IS_VALUE, PARAM(documents), 0, 0},
    {"content", BIT(TOKENIZE), IS_VALUE, PARAM(content), 0, 0},
    {"text", BIT(TOKENIZE), IS_VALUE, PARAM(text), 0, 0},
    {"ids", BIT(DETOKENIZE), IS_VALUE, PARAM(ids), 0, 0},
    {"tokens", BIT(DETOKENIZE), IS_VALUE, PARAM(tokens), 0, 0},
    {"filename", BIT(SESSION), IS_VALUE, PARAM(filename), 0, 0},
    {"model", EVERY | BIT(EMBED) | BIT(RERANK), IS_VALUE, PARAM(model), 0, 0},
    {"lora", EVERY, IS_VALUE, PARAM(lora), 0, 0},
};

/* One member into its place, null counting as absent, as clients mean it; false: answered. */
static bool take_field(exchange *x, const field *f, llmc_json v)
{
    void *to = (char *)&x->p + f->at;
    double number = llmc_json_number(v, NAN);
    if (v.type == LLMC_JSON_NULL)
        return true;
    if (f->kind == IS_VALUE) {
        *(llmc_json *)to = v;
    } else if (f->kind == IS_FLAG) {
        if (v.type != LLMC_JSON_BOOL) {
            fail(x, 400, f->name, "%s: true or false is expected", f->name);
            return false;
        }
        *(bool *)to = llmc_json_bool(v, false);
    } else {
        if (!(number >= f->low && number <= f->high) || (f->kind == IS_WHOLE && !is_whole(number))) {
            fail(x, 400, f->name, "%s: a %snumber between %.10g and %.10g is expected", f->name,
                 f->kind == IS_WHOLE ? "whole " : "", f->low, f->high);
            return false;
        }
        if (f->kind == IS_REAL)
            *(float *)to = (float)number;
        else
            *(int64_t *)to = (int64_t)number;
    }
    return true;
}

/* What holds where a body says nothing. */
static void default_params(server *s, api kind, params *p)
{
    const llmc_generation *g = llmc_model_generation(s->host.model);
    memset(p, 0, sizeof *p);
    p->sample = s->set.sample;
    if (kind == API_RUST) {
        p->sample.temperature = 0.8f;
        p->sample.top_p = 0.95f;
        p->sample.repeat_penalty = 1.1f;
        p->sample.top_k = 40;
        p->max_tokens = 256;
    } else if (g->sample) {
        p->sample.temperature = g->temperature > 0 ? g->temperature : p->sample.temperature;
        p->sample.top_p = g->top_p > 0 ? g->top_p : p->sample.top_p;
        p->sample.top_k = g->top_k > 0 ? g->top_k : p->sample.top_k;
        p->sample.repeat_penalty = g->repeat_penalty > 0 ? g->repeat_penalty : p->sample.repeat_penalty;
    }
    p->top_k = p->sample.top_k;
    p->repeat_last_n = kind == API_RUST ? -1 : 64;
    p->seed = -1;
    p->n = 1;
    p->do_sample = p->parallel_calls = p->add_special = true;
    if (kind != API_RUST)
        p->max_tokens = -1;
    if (kind == API_TOKENIZE)
        p->add_special = false;
}

/* The body's members into x->p, which then holds views of the body: they live as long as that. A member
   that is there twice counts the last time; one that this endpoint does not know is passed over, as clients
   send many. */
static bool take_body(exchange *x)
{
    llmc_json root, key, value;
    llmc_json_iter it = {NULL, false};
    llmc_blob json;
    llmc_diag diag;
    char name[64];
    size_t i;
    json.data = x->body.data != NULL ? x->body.data : "";
    json.size = x->body.len;
    json.name = "body";
    if (llmc_json_parse(&json, &root, &diag) != LLMC_OK) {
        fail(x, 400, NULL, "%s", x->body.len == 0 ? "the body is empty: JSON is expected" : diag.message);
        return false;
    }
    if (root.type != LLMC_JSON_OBJECT) {
        fail(x, 400, NULL, "the body is not a JSON object");
        return false;
    }
    default_params(x->server, x->route->kind, &x->p);
    while (llmc_json_next(root, &it, &key, &value)) {
        if (llmc_json_string(key, name, sizeof name) >= sizeof name)
            continue;
        for (i = 0; i < sizeof fields / sizeof fields[0]; i++)
            if ((fields[i].apis & (1u << x->route->kind)) != 0 && strcmp(fields[i].name, name) == 0 &&
                !take_field(x, &fields[i], value))
                return false;
    }
    return true;
}

/* A JSON string as a C string of *n bytes that goes with the exchange. */
static char *keep_string(exchange *x, llmc_json v, size_t *n)
{
    size_t len = llmc_json_string(v, NULL, 0);
    char *s = (char *)keep(x, len + 1);
    s[0] = 0;
    (void)llmc_json_string(v, s, len + 1);
    if (n != NULL)
        *n = len;
    return s;
}

/* Bytes of a value in its checked text: to its own end, found by counting brackets outside of strings, which
   is enough because the whole body has been parsed. */
static size_t json_len(llmc_json v)
{
    const char *p = v.text;
    int depth = 0;
    bool quoted = false;
    if (v.type == LLMC_JSON_NONE)
        return 0;
    for (; p < v.end; p++) {
        if (quoted) {
            if (*p == '\\')
                p++;
            else if (*p == '"')
                quoted = false;
            else
                continue;
        } else if (*p == '"') {
            quoted = true;
        } else if (*p == '{' || *p == '[') {
            depth++;
        } else if (*p == '}' || *p == ']') {
            depth--;
        } else if (depth == 0 &&
                   (*p == ',' || *p == ':' || *p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) {
            return (size_t)(p - v.text);
        }
        if (depth < 0)
            return (size_t)(p - v.text);
        if (depth == 0 && !quoted && (*p == '"' || *p == '}' || *p == ']'))
            return (size_t)(p - v.text) + 1;
    }
    return (size_t)(p - v.text);
}

/* A value as it was written. */
static void put_value(text *t, llmc_json v)
{
    put(t, v.text, json_len(v));
}

/* A text to be parsed by itself, as long as its bytes live. */
static llmc_json parse_again(const char *data, size_t n)
{
    llmc_json v;
    llmc_blob b;
    b.data = data;
    b.size = n;
    b.name = NULL;
    if (llmc_json_parse(&b, &v, NULL) != LLMC_OK)
        memset(&v, 0, sizeof v);
    return v;
}

/* ---- grammars: schemas and tools ---- */
/* A schema or a grammar in, `rules` out: compiled, shared, counted. Whoever got them from make_rules gives them
   back by release_rules, once for each user. The lists are under the lock; a compiled grammar does not change,
   and each answer follows it by a state of its own. Sizes: the header's limits (max_code, max_rules). */

/* Nobody uses it now: most stay for the next, the oldest go. */
static void release_rules(server *s, rules *r)
{
    rules **at;
    unsigned idle = 0;
    if (r == NULL)
        return;
    lock_take(&s->lock);
    r->users--;
    for (at = &s->rules; *at != NULL;) {
        rules *old = *at;
        if (old->users == 0 && ++idle > MOST_RULES) {
            *at = old->next;
            drop_text(&old->source);
            free(old->memory);
            free(old);
        } else {
            at = &old->next;
        }
    }
    lock_give(&s->lock);
}

/* Those compiled from this source, with one more user; NULL: none. */
static rules *find_rules(server *s, const text *source)
{
    rules *r;
    lock_take(&s->lock);
    for (r = s->rules; r != NULL; r = r->next)
        if (r->source.len == source->len && memcmp(r->source.data, source->data, source->len) == 0) {
            r->users++;
            break;
        }
    lock_give(&s->lock);
    return r;
}

/* A schema as GBNF behind out. */
static llmc_status schema_gbnf(const char *schema, size_t n, text *out, llmc_diag *diag)
{
    llmc_schema_options opt;
    llmc_blob file;
    size_t work_bytes, len = 0;
    void *work;
    llmc_status status;
    memset(&opt, 0, sizeof opt);
    opt.space = LLMC_SPACE_ONE; /* as models write it; nothing that could go on for ever */
    file.data = schema;
    file.size = n;
    file.name = "schema";
    work_bytes = llmc_schema_need(&opt);
    work = grow(NULL, work_bytes);
    status = llmc_schema_gbnf(&file, &opt, NULL, 0, &len, work, work_bytes, diag);
    if (status == LLMC_NO_MEMORY && len > 0) {
        char *gbnf = (char *)grow(NULL, len);
        status = llmc_schema_gbnf(&file, &opt, gbnf, len, &len, work, work_bytes, diag);
        if (status == LLMC_OK)
            put(out, gbnf, len);
        free(gbnf);
    }
    free(work);
    return status;
}

/* GBNF into r->grammar, over the tokenizer's tables, which are made for the first. */
static llmc_status compile_gbnf(server *s, const text *gbnf, const char *root, rules *r, llmc_diag *diag)
{
    llmc_grammar_options opt;
    size_t bytes = 0;
    llmc_status status = LLMC_OK;
    memset(&opt, 0, sizeof opt);
    if (s->vocab == NULL) { /* the first grammar */
        status = llmc_grammar_vocab_need(s->tok, &bytes, diag);
        if (status == LLMC_OK) {
            s->vocab_memory = grow(NULL, bytes);
            status = llmc_grammar_vocab_init(&s->vocab, s->tok, s->vocab_memory, bytes, diag);
        }
        if (status != LLMC_OK)
            return status;
    }
    opt.vocab = s->vocab;
    opt.root = root;
    status = llmc_grammar_need(s->tok, gbnf->data, gbnf->len, &opt, &bytes, diag);
    if (status != LLMC_OK)
        return status;
    r->memory = grow(NULL, bytes);
    return llmc_grammar_init(&r->grammar, s->tok, gbnf->data, gbnf->len, &opt, r->memory, bytes, diag);
}

/* What binds an answer: a schema, or a grammar where is_schema is false, and rules behind it of which
   `answer` is the root, NULL: none. NULL: refused, and answered. */
static rules *make_rules(exchange *x, const char *data, size_t n, bool is_schema, const char *more,
                         const char *param)
{
    server *s = x->server;
    text source = {NULL, 0, 0}, gbnf = {NULL, 0, 0};
    rules *r;
    llmc_diag diag;
    llmc_status status = LLMC_OK;
    put(&source, is_schema ? "S" : "G", 1);
    put(&source, data, n);
    if (more != NULL)
        put(&source, more, strlen(more) + 1);
    r = find_rules(s, &source);
    if (r != NULL) {
        drop_text(&source);
        return r;
    }
    r = (rules *)grow(NULL, sizeof *r);
    memset(r, 0, sizeof *r);
    if (is_schema)
        status = schema_gbnf(data, n, &gbnf, &diag);
    else
        put(&gbnf, data, n);
    if (status == LLMC_OK && more != NULL)
        puts_to(&gbnf, more);
    if (status == LLMC_OK)
        status = compile_gbnf(s, &gbnf, more != NULL ? "answer" : NULL, r, &diag);
    drop_text(&gbnf);
    if (status != LLMC_OK) {
        fail(x, 400, param, "%s: %s", param, diag.message);
        drop_text(&source);
        free(r->memory);
        free(r);
        return NULL;
    }
    r->source = source;
    r->users = 1;
    lock_take(&s->lock);
    r->next = s->rules;
    s->rules = r;
    lock_give(&s->lock);
    return r;
}

/* A schema that is to stand inside another at `path`: its "$ref"s to its own root go there. */
static void put_schema_at(text *t, llmc_json v, const char *path)
{
    const char *p = v.text, *end = v.text + json_len(v);
    while (p < end) {
        const char *q = (const char *)memchr(p, '"', (size_t)(end - p)), *begin;
        bool is_ref;
        if (q == NULL)
            break;
        for (begin = q++; *q != '"'; q++)
            if (*q == '\\')
                q++;
        q++;
        is_ref = q - begin == 6 && memcmp(begin, "\"$ref\"", 6) == 0;
        put(t, p, (size_t)(q - p));
        p = q;
        if (!is_ref)
            continue;
        q += strspn(q, " \t\r\n");
        if (*q != ':')
            continue;
        q += 1 + strspn(q + 1, " \t\r\n");
        if (q[0] == '"' && q[1] == '#') {
            put(t, p, (size_t)(q - p) + 2);
            puts_to(t, path);
            for (p = q += 2; *q != '"'; q++) /* the rest of that string */
                if (*q == '\\')
                    q++;
            put(t, p, (size_t)(q - p) + 1);
            p = q + 1;
        }
    }
    put(t, p, (size_t)(end - p));
}

/* ---- tools ---- */
/* tools and tool_choice in, a `plan` out: what the template is told of tools, how the reply is taken apart, and
   what binds it. The plan is the reader's, on its stack; its rules go to the choices, which count as users. */

typedef enum tool_use { TOOLS_NONE, TOOLS_AUTO, TOOLS_FORCED } tool_use;

/* How the model is to answer, out of tools, tool_choice, response_format and grammar. `bound` rules hold from
   the first token on; `lazy` ones once the model begins a call by itself, which it may or may not. */
typedef struct plan {
    tool_use tools;
    llmc_reply_format reply;
    rules *bound;        /* from the first token on */
    rules *lazy;         /* from the trigger on     */
    const char *trigger; /* "": a brace as the first character */
    bool lazy_once;      /* nothing comes after it */
    text tools_json;     /* as the template gets them: goes with the exchange */
    const char *only;    /* tool_choice names one */
} plan;

/* Name and parameters of a tool, which stand in "function" in chats and by themselves in responses. */
static bool tool_parts(exchange *x, llmc_json tool, char *name, size_t cap, llmc_json *function)
{
    llmc_json type = llmc_json_get(tool, "type");
    size_t n, i;
    *function = llmc_json_get(tool, "function");
    if (function->type != LLMC_JSON_OBJECT)
        *function = tool;
    if (tool.type != LLMC_JSON_OBJECT || !llmc_json_equal(type, "function")) {
        fail(x, 400, "tools", "tools: objects of \"type\": \"function\" are expected");
        return false;
    }
    n = llmc_json_string(llmc_json_get(*function, "name"), name, cap);
    for (i = 0; i < n && i < cap; i++)
        if (!(lower(name[i]) >= 'a' && lower(name[i]) <= 'z') && !(name[i] >= '0' && name[i] <= '9') &&
            name[i] != '_' && name[i] != '-' && name[i] != '.')
            n = 0;
    if (n == 0 || n >= cap) {
        fail(x, 400, "tools", "tools: a name of at most %d letters, digits, _ - . is expected", (int)cap - 1);
        return false;
    }
    return true;
}

/* A tool's parameters, with the properties that templates go through even where there are none. */
static void put_parameters(text *t, llmc_json parameters)
{
    llmc_json key, value;
    llmc_json_iter it = {NULL, false};
    if (llmc_json_get(parameters, "properties").type == LLMC_JSON_OBJECT) {
        put_value(t, parameters);
        return;
    }
    puts_to(t, "{\"properties\":{}");
    while (parameters.type == LLMC_JSON_OBJECT && llmc_json_next(parameters, &it, &key, &value)) {
        if (llmc_json_equal(key, "properties"))
            continue;
        separate(t);
        put_value(t, key);
        put(t, ":", 1);
        put_value(t, value);
    }
    puts_to(t, parameters.type == LLMC_JSON_OBJECT ? "}" : ",\"type\":\"object\"}");
}

/* A tool as chats have it: as it came, or of its function's parts if it came flat or without parts that
   OpenAI lets be missing and templates do not. */
static void put_tool(text *t, llmc_json tool, llmc_json function, const char *name)
{
    llmc_json description = llmc_json_get(function, "description"),
              parameters = llmc_json_get(function, "parameters");
    bool whole = description.type == LLMC_JSON_STRING &&
                 llmc_json_get(parameters, "properties").type == LLMC_JSON_OBJECT;
    if (function.text != tool.text && whole) {
        puts_to(t, "{\"type\":\"function\",\"function\":");
        put_value(t, function);
        puts_to(t, "}");
        return;
    }
    put_json(t, "{\"type\":\"function\",\"function\":{\"name\":%s,\"description\":", name);
    if (description.type == LLMC_JSON_STRING)
        put_value(t, description);
    else
        puts_to(t, "\"\"");
    puts_to(t, ",\"parameters\":");
    put_parameters(t, parameters);
    puts_to(t, "}}");
}

/* The tools as chats have them, and the schema of one call of any of them (or of the one named). False:
   answered. */
static bool put_tools(exchange *x, plan *pl, const char *arguments, text *schema)
{
    llmc_json tool, function, parameters;
    llmc_json_iter it = {NULL, false};
    char name[65], path[64];
    int n = 0; /* tools that may be called */
    puts_to(schema, "{\"anyOf\":[");
    put(&pl->tools_json, "[", 1);
    while (llmc_json_next(x->p.tools, &it, NULL, &tool)) {
        if (!tool_parts(x, tool, name, sizeof name, &function))
            return false;
        separate(&pl->tools_json);
        put_tool(&pl->tools_json, tool, function, name);
        if (pl->only != NULL && strcmp(pl->only, name) != 0)
            continue;
        parameters = llmc_json_get(function, "parameters");
        snprintf(path, sizeof path, "/anyOf/%d/properties/%s", n, arguments);
        puts_to(schema, n++ > 0 ? "," : "");
        put_json(schema, "{\"type\":\"object\",\"properties\":{\"name\":{\"const\":%s},%s:", name, arguments);
        if (parameters.type == LLMC_JSON_OBJECT)
            put_schema_at(schema, parameters, path);
        else
            puts_to(schema, "{\"type\":\"object\"}");
        put_json(schema, "},\"required\":[\"name\",%s],\"additionalProperties\":false}", arguments);
    }
    put(&pl->tools_json, "]", 1);
    puts_to(schema, "]}");
    if (n > 0)
        return true;
    fail(x, 400, "tool_choice", "tool_choice: there is no tool of that name");
    return false;
}

/* tool_choice: "none", "auto", "required", {"function": {"name"}} or, in responses, {"name"}. */
static bool choose_tools(exchange *x, plan *pl)
{
    llmc_json wanted = x->p.tool_choice, name;
    llmc_json_iter it = {NULL, false};
    if (x->p.tools.type != LLMC_JSON_NONE && x->p.tools.type != LLMC_JSON_ARRAY) {
        fail(x, 400, "tools", "tools: an array is expected");
        return false;
    }
    pl->tools = TOOLS_NONE;
    if (x->p.tools.type == LLMC_JSON_NONE || !llmc_json_next(x->p.tools, &it, NULL, &name)) {
        if (wanted.type == LLMC_JSON_OBJECT || llmc_json_equal(wanted, "required")) {
            fail(x, 400, "tool_choice", "tool_choice: there are no tools");
            return false;
        }
        return true;
    }
    if (wanted.type == LLMC_JSON_NONE || llmc_json_equal(wanted, "auto"))
        pl->tools = TOOLS_AUTO;
    else if (llmc_json_equal(wanted, "required"))
        pl->tools = TOOLS_FORCED;
    else if (wanted.type == LLMC_JSON_OBJECT) {
        name = llmc_json_get(llmc_json_get(wanted, "function"), "name");
        if (name.type != LLMC_JSON_STRING)
            name = llmc_json_get(wanted, "name");
        pl->only = keep_string(x, name, NULL);
        pl->tools = TOOLS_FORCED;
    } else if (!llmc_json_equal(wanted, "none")) {
        fail(x, 400, "tool_choice", "tool_choice: none, auto, required or a function is expected");
        return false;
    }
    return true;
}

/* The rules of calls, as the model's family writes them: 19's grammar of what 21's parser reads. Families
   whose calls are no JSON objects get Hermes' form where a call is forced, and no rules where it is not. */
static bool bind_tools(exchange *x, plan *pl)
{
    const server *s = x->server;
    llmc_reply_format f = s->knows_tools && s->reply != LLMC_REPLY_PLAIN ? s->reply : LLMC_REPLY_HERMES;
    bool forced = pl->tools == TOOLS_FORCED, ok;
    const char *arguments = f == LLMC_REPLY_LLAMA3 ? "parameters" : "arguments";
    char more[256];
    text schema = {NULL, 0, 0};
    llmc_token id;
    rules *r = NULL;
    if (forced && f != LLMC_REPLY_LLAMA3 && f != LLMC_REPLY_MISTRAL && f != LLMC_REPLY_CLAUDE_RUST)
        f = LLMC_REPLY_HERMES;
    pl->reply = f;
    ok = put_tools(x, pl, arguments, &schema);
    switch (f) {
    case LLMC_REPLY_LLAMA3:
        snprintf(more, sizeof more, "\nanswer ::= root\n");
        pl->trigger = "";
        pl->lazy_once = true;
        break;
    case LLMC_REPLY_MISTRAL:
        id = llmc_token_find(s->tok, "[TOOL_CALLS]", 12);
        pl->trigger = "[TOOL_CALLS]";
        pl->lazy_once = true;
        if (!forced)
            snprintf(more, sizeof more, "\nanswer ::= \"[\" root (\",\" \" \"? root)* \"]\"\n");
        else if (id != LLMC_TOKEN_NONE)
            snprintf(more, sizeof more, "\nanswer ::= <[%d]> \"[\" root \"]\"\n", (int)id);
        else
            snprintf(more, sizeof more, "\nanswer ::= \"[TOOL_CALLS][\" root \"]\"\n");
        break;
    case LLMC_REPLY_HERMES:
    case LLMC_REPLY_CLAUDE_RUST:
        pl->trigger = "<tool_call>";
        snprintf(more, sizeof more, "\nanswer ::= %s \"\\n\"? root \"\\n\"? \"</tool_call>\"\n",
                 forced ? "\"<tool_call>\"" : "");
        break;
    default:
        pl->trigger = NULL;
        break;
    }
    if (ok && (forced || pl->trigger != NULL)) {
        r = make_rules(x, schema.data, schema.len, true, more, "tools");
        ok = r != NULL;
    }
    if (forced)
        pl->bound = r;
    else
        pl->lazy = r;
    drop_text(&schema);
    return ok;
}

/* response_format, in responses text.format; false: answered. *schema: NONE, or what binds the text. */
static bool wanted_format(exchange *x, llmc_json *schema, const char **param)
{
    llmc_json f = x->p.response_format, inner;
    static const char any_object[] = "{\"type\":\"object\"}";
    *param = "response_format";
    if (x->route->kind == API_RESPONSES) {
        f = llmc_json_get(x->p.format, "format");
        *param = "text";
    }
    if (f.type == LLMC_JSON_NONE || llmc_json_equal(llmc_json_get(f, "type"), "text"))
        return true;
    if (llmc_json_equal(llmc_json_get(f, "type"), "json_object")) {
        inner = llmc_json_get(f, "schema");
        *schema = inner.type != LLMC_JSON_NONE ? inner : parse_again(any_object, sizeof any_object - 1);
        return true;
    }
    if (!llmc_json_equal(llmc_json_get(f, "type"), "json_schema")) {
        fail(x, 400, *param, "%s: its type is none of text, json_object, json_schema", *param);
        return false;
    }
    inner = llmc_json_get(f, "json_schema");
    *schema = llmc_json_get(inner.type == LLMC_JSON_OBJECT ? inner : f, "schema");
    if (schema->type == LLMC_JSON_NONE) {
        fail(x, 400, *param, "%s: json_schema has no schema", *param);
        return false;
    }
    return true;
}

/* What the answer is bound to, out of response_format, json_schema, grammar and tools. */
static bool bind_answer(exchange *x, plan *pl)
{
    server *s = x->server;
    params *p = &x->p;
    llmc_json schema;
    const char *param = "json_schema";
    bool grammar = p->grammar.type != LLMC_JSON_NONE;
    memset(&schema, 0, sizeof schema);
    if (!wanted_format(x, &schema, &param))
        return false;
    if (p->schema.type != LLMC_JSON_NONE) {
        param = "json_schema";
        schema = p->schema;
    }
    if (grammar && llmc_json_string(p->grammar, NULL, 0) == 0)
        grammar = false;
    if ((grammar && schema.type != LLMC_JSON_NONE) ||
        ((grammar || schema.type != LLMC_JSON_NONE) && pl->tools == TOOLS_FORCED)) {
        fail(x, 400, param, "a schema, a grammar, a forced tool: only one of them can bind the answer");
        return false;
    }
    pl->reply = s->reply;
    if (pl->tools == TOOLS_NONE && s->reply == LLMC_REPLY_LLAMA3)
        pl->reply = LLMC_REPLY_PLAIN; /* its calls have no tags: an answer in JSON would be one */
    if (grammar) {
        size_t n;
        const char *g = keep_string(x, p->grammar, &n);
        pl->bound = make_rules(x, g, n, false, NULL, "grammar");
    } else if (schema.type != LLMC_JSON_NONE) {
        pl->bound = make_rules(x, schema.text, json_len(schema), true, NULL, param);
    } else {
        return pl->tools == TOOLS_NONE || bind_tools(x, pl);
    }
    pl->reply = LLMC_REPLY_PLAIN;
    pl->tools = TOOLS_NONE;
    return pl->bound != NULL;
}

/* ---- prompts ---- */
/* What the body says into x->prompts, ids that go with the exchange. Messages, which are the client's, never
   become control tokens; prompts as they stand may, since who writes those writes templates. A prompt that
   leaves no room in the context is a 400 here and does not get to the engine. */

/* A message's content, a string or parts of it, as one JSON string. */
static bool put_content(exchange *x, text *t, llmc_json content)
{
    llmc_json part, words, type;
    llmc_json_iter it = {NULL, false};
    if (content.type == LLMC_JSON_STRING || content.type == LLMC_JSON_NULL) {
        put_value(t, content);
        return true;
    }
    if (content.type != LLMC_JSON_ARRAY) {
        fail(x, 400, "messages", "messages: content is a string or an array of parts");
        return false;
    }
    put(t, "\"", 1);
    while (llmc_json_next(content, &it, NULL, &part)) {
        type = llmc_json_get(part, "type");
        words = llmc_json_get(part, llmc_json_equal(type, "refusal") ? "refusal" : "text");
        if (words.type != LLMC_JSON_STRING) {
            fail(x, 400, "messages", "messages: parts of content can only be text here");
            return false;
        }
        put(t, words.text + 1, json_len(words) - 2); /* what JSON had escaped stays so */
    }
    put(t, "\"", 1);
    return true;
}

/* Arguments of a call are an object to most templates, but a text to OpenAI and to some. */
static void put_calls(text *t, llmc_json calls, bool as_text, exchange *x)
{
    llmc_json call, key, value, inner;
    llmc_json_iter it = {NULL, false}, members, parts;
    put(t, "[", 1);
    while (llmc_json_next(calls, &it, NULL, &call)) {
        separate(t);
        put(t, "{", 1);
        memset(&members, 0, sizeof members);
        while (llmc_json_next(call, &members, &key, &value)) {
            separate(t);
            put_value(t, key);
            put(t, ":", 1);
            if (!llmc_json_equal(key, "function") || value.type != LLMC_JSON_OBJECT) {
                put_value(t, value);
                continue;
            }
            memset(&parts, 0, sizeof parts);
            inner = value;
            put(t, "{", 1);
            while (llmc_json_next(inner, &parts, &key, &value)) {
                llmc_json object = value;
                if (llmc_json_equal(key, "arguments") && value.type == LLMC_JSON_STRING && !as_text) {
                    size_t n;
                    const char *arguments = keep_string(x, value, &n);
                    object = parse_again(arguments, n);
                    if (object.type != LLMC_JSON_OBJECT)
                        object = value;
                }
                separate(t);
                put_value(t, key);
                put(t, ":", 1);
                put_value(t, object);
            }
            put(t, "}", 1);
        }
        put(t, "}", 1);
    }
    put(t, "]", 1);
}

/* One message as templates expect it. `lead` stands before its text: tools, for templates without them. */
static bool put_message(exchange *x, text *t, llmc_json m, bool as_text, const text *lead)
{
    llmc_json key, value, role = llmc_json_get(m, "role");
    llmc_json_iter it = {NULL, false};
    if (m.type != LLMC_JSON_OBJECT || role.type != LLMC_JSON_STRING) {
        fail(x, 400, "messages", "messages: objects with a role are expected");
        return false;
    }
    put(t, "{", 1);
    while (llmc_json_next(m, &it, &key, &value)) {
        separate(t);
        put_value(t, key);
        put(t, ":", 1);
        if (llmc_json_equal(key, "content")) {
            if (!put_content(x, t, value))
                return false;
            if (lead != NULL && lead->len > 0 && t->data[t->len - 1] == '"') {
                t->len--;
                puts_to(t, "\\n\\n");
                put_escaped(t, lead->data, lead->len);
                put(t, "\"", 1);
            }
        } else if (llmc_json_equal(key, "role") && llmc_json_equal(value, "developer")) {
            puts_to(t, "\"system\"");
        } else if (llmc_json_equal(key, "tool_calls") && value.type == LLMC_JSON_ARRAY) {
            put_calls(t, value, as_text, x);
        } else {
            put_value(t, value);
        }
    }
    if (llmc_json_get(m, "content").type == LLMC_JSON_NONE)
        puts_to(t, ",\"content\":null");
    put(t, "}", 1);
    return true;
}

/* Tells a model whose template has no place for tools what there is. */
static void put_tool_lead(text *lead, const plan *pl)
{
    puts_to(lead, "You can call tools. To call one, write\n<tool_call>{\"name\": NAME, \"arguments\": "
                  "{...}}</tool_call>\nand its result comes in the next message. The tools, as JSON:\n");
    put(lead, pl->tools_json.data, pl->tools_json.len);
}

/* The conversation as a JSON array for the template. as_text: arguments of calls stay strings. False:
   answered. */
static bool put_messages(exchange *x, const plan *pl, bool as_text, text *out)
{
    llmc_json m, messages = x->p.messages;
    llmc_json_iter it = {NULL, false};
    text lead = {NULL, 0, 0};
    bool ok = true, first = true, leads = pl->tools != TOOLS_NONE && !x->server->knows_tools;
    if (leads)
        put_tool_lead(&lead, pl);
    put(out, "[", 1);
    while (ok && llmc_json_next(messages, &it, NULL, &m)) {
        llmc_json role = llmc_json_get(m, "role");
        bool system = llmc_json_equal(role, "system") || llmc_json_equal(role, "developer");
        if (first && leads && !system)
            put_json(out, "{\"role\":\"system\",\"content\":%t}", &lead);
        separate(out);
        ok = put_message(x, out, m, as_text, first && system ? &lead : NULL);
        first = false;
    }
    put(out, "]", 1);
    drop_text(&lead);
    if (ok && first) {
        fail(x, 400, "messages", "messages: at least one is expected");
        ok = false;
    }
    return ok;
}

/* Runs the template with as much memory as it takes, within limits: a template is a program, and how much it
   writes is known only when it has. */
static llmc_status render(exchange *x, const llmc_chat_options *opt, size_t n_text, llmc_chat_text *out,
                          llmc_diag *diag)
{
    server *s = x->server;
    size_t bytes = llmc_chat_need(s->chat, n_text / 64 + 1, n_text);
    llmc_status status;
    out->cap = n_text * 2 + 65536;
    out->plain_cap = n_text / 32 + 1024;
    for (;;) {
        void *work = grow(NULL, bytes);
        out->text = (char *)grow(NULL, out->cap);
        out->plain = (llmc_span *)grow(NULL, out->plain_cap * sizeof *out->plain);
        status = llmc_chat_render(s->chat, opt, NULL, 0, work, bytes, out, diag);
        free(work);
        if (status != LLMC_NO_MEMORY || bytes > (size_t)256 << 20 || out->cap > (size_t)256 << 20)
            return status;
        bytes *= 2;
        free(out->text);
        free(out->plain);
        if (out->len > out->cap)
            out->cap = out->len;
        else
            out->cap *= 2;
        out->plain_cap = out->n_plain > out->plain_cap ? out->n_plain : out->plain_cap * 2;
    }
}

/* Whether it is the embedding model's work. */
static bool is_embedding(const exchange *x)
{
    return x->route->kind == API_EMBED || x->route->kind == API_RERANK;
}

/* Of the model that will read the exchange's prompts. */
static const llmc_tokenizer *tokenizer_of(const exchange *x)
{
    return is_embedding(x) ? x->server->embed.tok : x->server->tok;
}

/* How many tokens a prompt may have. Where something is to be generated there has to be room for it. */
static size_t most_tokens(const exchange *x)
{
    if (x->route->kind == API_TOKENIZE || x->route->kind == API_DETOKENIZE)
        return SIZE_MAX;
    return is_embedding(x) ? x->server->embed.context : x->server->context - 1;
}

/* Refuses a prompt without tokens and one with too many. */
static bool check_length(exchange *x, size_t n, const char *param)
{
    size_t most = most_tokens(x);
    if (n == 0)
        fail(x, 400, param, "%s: it is empty", param);
    else if (n > most)
        fail(x, 400, param, "%s: %zu tokens, and the context has room for %zu (context_length_exceeded)",
             param, n, most);
    return n > 0 && n <= most;
}

/* Text to the exchange's next prompt. */
static bool add_prompt(exchange *x, const char *words, size_t n, const llmc_encode_options *opt,
                       const char *param)
{
    const llmc_tokenizer *tok = tokenizer_of(x);
    size_t work_bytes = llmc_encode_need(tok, n), cap = n + 8;
    void *work = grow(NULL, work_bytes + 1);
    prompt *p = &x->prompts[x->n_prompts];
    llmc_status status;
    llmc_diag diag;
    p->ids = (llmc_token *)keep(x, cap * sizeof *p->ids);
    p->n = 0;
    status = llmc_encode(tok, words, n, opt, work, work_bytes, p->ids, cap, &p->n, &diag);
    free(work);
    if (status != LLMC_OK) {
        fail(x, 400, param, "%s: %s", param, diag.message);
        return false;
    }
    if (!check_length(x, p->n, param))
        return false;
    x->n_prompts++;
    return true;
}

/* A conversation, by the template. What came from messages never becomes a control token. tail: the prompt's
   end, for the reply's parser. */
static bool add_conversation(exchange *x, const plan *pl, text *rendered)
{
    server *s = x->server;
    llmc_chat_options opt;
    llmc_encode_options enc;
    llmc_chat_text out;
    llmc_diag diag;
    llmc_status status = LLMC_OK;
    text messages = {NULL, 0, 0}, variables = {NULL, 0, 0};
    size_t bos = strlen(s->bos);
    bool ok, as_text = false;
    memset(&opt, 0, sizeof opt);
    memset(&out, 0, sizeof out);
    if (x->p.messages.type != LLMC_JSON_ARRAY) {
        fail(x, 400, "messages", "messages: an array is expected");
        return false;
    }
    if (x->p.variables.type == LLMC_JSON_OBJECT) {
        put_value(&variables, x->p.variables);
        opt.variables = variables.data;
    }
    opt.bos_token = s->bos[0] != 0 ? s->bos : NULL;
    opt.eos_token = s->eos[0] != 0 ? s->eos : NULL;
    opt.now = (int64_t)x->created;
    if (pl->tools != TOOLS_NONE && s->knows_tools)
        opt.tools = pl->tools_json.data;
    do { /* again where a template wants the arguments of earlier calls as a text */
        messages.len = 0;
        ok = put_messages(x, pl, as_text, &messages);
        if (!ok)
            break;
        opt.messages = messages.data;
        free(out.text);
        free(out.plain);
        status = render(x, &opt, messages.len + pl->tools_json.len, &out, &diag);
        as_text = !as_text;
    } while (status == LLMC_BAD_ARG && as_text && strstr(messages.data, "\"tool_calls\"") != NULL);
    if (ok && status != LLMC_OK) {
        fail(x, status == LLMC_BAD_ARG ? 400 : 500, "messages", "%s", diag.message);
        ok = false;
    }
    if (ok) {
        memset(&enc, 0, sizeof enc);
        enc.parse_special = true;
        enc.plain = out.plain;
        enc.n_plain = out.n_plain;
        enc.add_bos = llmc_tokenizer_adds_bos(s->tok) &&
                      !(bos > 0 && out.len >= bos && memcmp(out.text, s->bos, bos) == 0 &&
                        (out.n_plain == 0 || out.plain[0].begin >= bos));
        put(rendered, out.text, out.len);
        ok = x->route->kind == API_TEMPLATE || add_prompt(x, out.text, out.len, &enc, "messages");
    }
    free(out.text);
    free(out.plain);
    drop_text(&messages);
    drop_text(&variables);
    return ok;
}

/* Ids given as such. */
static bool add_ids(exchange *x, llmc_json list, const char *param)
{
    size_t count = llmc_tokenizer_count(tokenizer_of(x));
    prompt *p = &x->prompts[x->n_prompts];
    llmc_json v;
    llmc_json_iter it = {NULL, false};
    size_t cap = json_len(list) / 2 + 1;
    p->ids = (llmc_token *)keep(x, cap * sizeof *p->ids);
    p->n = 0;
    while (llmc_json_next(list, &it, NULL, &v)) {
        int64_t id = llmc_json_integer(v, -1);
        if (id < 0 || id >= (int64_t)count) {
            fail(x, 400, param, "%s: tokens are whole numbers from 0 to %zu", param, count - 1);
            return false;
        }
        p->ids[p->n++] = (llmc_token)id;
    }
    if (!check_length(x, p->n, param))
        return false;
    x->n_prompts++;
    return true;
}

enum { MOST_PROMPTS = 2048 };

/* A string, strings, ids, or arrays of ids. */
static bool add_prompts(exchange *x, llmc_json v, const llmc_encode_options *opt, const char *param)
{
    llmc_json one;
    llmc_json_iter it = {NULL, false};
    size_t n = 0, len;
    const char *words;
    bool list = v.type == LLMC_JSON_ARRAY;
    while (list && llmc_json_next(v, &it, NULL, &one))
        n++;
    memset(&it, 0, sizeof it);
    if (list && n > 0 && llmc_json_next(v, &it, NULL, &one) && one.type == LLMC_JSON_NUMBER) {
        x->prompts = (prompt *)keep(x, sizeof *x->prompts);
        return add_ids(x, v, param);
    }
    memset(&it, 0, sizeof it);
    if ((!list && v.type != LLMC_JSON_STRING) || (list && (n == 0 || n > MOST_PROMPTS))) {
        fail(x, 400, param, "%s: a string, an array of 1 to %d strings, or ids are expected", param,
             MOST_PROMPTS);
        return false;
    }
    x->prompts = (prompt *)keep(x, (list ? n : 1) * sizeof *x->prompts);
    if (!list) {
        words = keep_string(x, v, &len);
        return add_prompt(x, words, len, opt, param);
    }
    while (llmc_json_next(v, &it, NULL, &one)) {
        if (one.type == LLMC_JSON_ARRAY) {
            if (!add_ids(x, one, param))
                return false;
        } else if (one.type == LLMC_JSON_STRING) {
            words = keep_string(x, one, &len);
            if (!add_prompt(x, words, len, opt, param))
                return false;
        } else {
            fail(x, 400, param, "%s: a string, an array of strings, or ids are expected", param);
            return false;
        }
    }
    return true;
}

/* ---- one answer of a request: from the engine's pieces to text, reasoning, calls ---- */
/* A choice is one of the n answers to one of the prompts: what the engine needs for it (options, states of
   grammars, a chooser), and what has come of it so far. The reader makes it, the engine's thread works on it,
   and it is freed with its exchange. Its buffers grow with its answer, which max_tokens bounds. */

enum { MOST_TOP = 20, MOST_STOPS = 16, TAIL = 16 };

typedef struct top_token {
    llmc_token id;
    float logprob;
} top_token;

struct choice {
    exchange *x;
    prompt *prompt;
    uint32_t index;
    llmc_sample_options sample;
    llmc_seq_options opt;
    llmc_request *request;
    bool done;
    llmc_finish finish;
    /* rules of the whole answer, or of calls in it */
    rules *rules, *lazy_rules;
    void *grammar_memory, *lazy_memory;
    llmc_grammar_state *lazy;
    const char *trigger;
    bool lazy_once, lazy_on, lazy_off;
    char tail[TAIL]; /* of the text before a trigger */
    size_t n_tail;
    /* parts */
    llmc_reply *reply;
    void *reply_memory;
    text content, reasoning, calls, arguments;
    char call_name[LLMC_REPLY_NAME_MAX + 1], call_id[LLMC_REPLY_NAME_MAX + 1];
    bool in_call, announced, message_open, spoke;
    uint32_t n_calls, item;
    /* probabilities */
    bool wants_probs;
    uint32_t n_top, n_found;
    top_token top[MOST_TOP];
    text probs;                                    /* entries since the last chunk */
    text lp_tokens, lp_values, lp_top, lp_offsets; /* the same as /v1/completions has them */
    size_t offset;
    text ids; /* generated, as JSON */
    /* figures */
    uint32_t n_generated, n_cached;
    uint64_t added, first, last;
};

/* Their requests are closed already: this may be the network's thread. */
static void free_choices(exchange *x)
{
    size_t i;
    for (i = 0; i < x->n_choices; i++) {
        choice *c = &x->choices[i];
        free(c->grammar_memory);
        free(c->lazy_memory);
        release_rules(x->server, c->rules);
        release_rules(x->server, c->lazy_rules);
        free(c->reply_memory);
        drop_text(&c->content);
        drop_text(&c->reasoning);
        drop_text(&c->calls);
        drop_text(&c->arguments);
        drop_text(&c->probs);
        drop_text(&c->lp_tokens);
        drop_text(&c->lp_values);
        drop_text(&c->lp_top);
        drop_text(&c->lp_offsets);
        drop_text(&c->ids);
    }
    x->n_choices = 0;
}

/* The engine's chooser, which only looks: the most likely tokens before one is chosen, and the rules of a
   call once it has begun. It leaves the choice to the engine. */
static llmc_token on_choose(void *user, llmc_seq *seq, float *logits, size_t n)
{
    choice *c = (choice *)user;
    size_t i;
    uint32_t k;
    (void)seq;
    if (c->lazy_on && llmc_grammar_apply(c->lazy, logits, n, NULL) != LLMC_OK)
        c->lazy_on = false;
    c->n_found = 0;
    for (i = 0; i < n && c->n_top > 0; i++) {
        if (c->n_found == c->n_top && !(logits[i] > c->top[c->n_found - 1].logprob))
            continue;
        k = c->n_found < c->n_top ? c->n_found++ : c->n_found - 1;
        for (; k > 0 && c->top[k - 1].logprob < logits[i]; k--)
            c->top[k] = c->top[k - 1];
        c->top[k].id = (llmc_token)i;
        c->top[k].logprob = logits[i];
    }
    if (c->n_found > 0) {
        float best = c->top[0].logprob, top = llmc_logprob(logits, n, c->top[0].id);
        for (k = 0; k < c->n_found; k++)
            c->top[k].logprob += top - best;
    }
    return LLMC_TOKEN_NONE;
}

/* A token's bytes by itself; cut to cap. */
static size_t token_bytes(const server *s, llmc_token id, char *out, size_t cap)
{
    llmc_decode_options opt;
    size_t n = 0;
    memset(&opt, 0, sizeof opt);
    opt.show_special = true;
    opt.keep_space = true;
    if (llmc_decode(s->tok, &id, 1, &opt, out, cap, &n, NULL) != LLMC_OK)
        return 0;
    return n;
}

/* {"token", "id", "logprob", "bytes": without the closing brace. */
static void put_token_prob(const server *s, text *t, llmc_token id, float logprob)
{
    char bytes[1024];
    size_t n = token_bytes(s, id, bytes, sizeof bytes), i;
    puts_to(t, "{\"token\":");
    put_string(t, bytes, n);
    putf(t, ",\"id\":%d,\"logprob\":", (int)id);
    put_real(t, (double)logprob);
    puts_to(t, ",\"bytes\":[");
    for (i = 0; i < n; i++)
        putf(t, i > 0 ? ",%u" : "%u", (unsigned)(unsigned char)bytes[i]);
    puts_to(t, "]");
}

/* What is known of the token's probability, for the next chunk or the end, in the API's form. */
static void add_probs(choice *c, const llmc_piece *p)
{
    const server *s = c->x->server;
    uint32_t k;
    char bytes[1024];
    size_t n;
    if (!c->wants_probs)
        return;
    if (c->x->route->kind == API_TEXT) {
        n = token_bytes(s, p->token, bytes, sizeof bytes);
        separate(&c->lp_tokens);
        put_string(&c->lp_tokens, bytes, n);
        separate(&c->lp_values);
        put_real(&c->lp_values, (double)p->logprob);
        separate(&c->lp_offsets);
        put_whole(&c->lp_offsets, (int64_t)c->offset);
        c->offset += n;
        separate(&c->lp_top);
        put(&c->lp_top, "{", 1);
        for (k = 0; k < c->n_found; k++) {
            n = token_bytes(s, c->top[k].id, bytes, sizeof bytes);
            separate(&c->lp_top);
            put_string(&c->lp_top, bytes, n);
            puts_to(&c->lp_top, ":");
            put_real(&c->lp_top, (double)c->top[k].logprob);
        }
        puts_to(&c->lp_top, "}");
        return;
    }
    separate(&c->probs);
    put_token_prob(s, &c->probs, p->token, p->logprob);
    puts_to(&c->probs, ",\"top_logprobs\":[");
    for (k = 0; k < c->n_found; k++) {
        separate(&c->probs);
        put_token_prob(s, &c->probs, c->top[k].id, c->top[k].logprob);
        puts_to(&c->probs, "}");
    }
    puts_to(&c->probs, "]}");
}

/* What was said last, under the rules of a call if one has begun. A trigger may end in the middle of a token:
   what the token says beyond it counts for the rules already. */
static void follow_call(choice *c, const llmc_piece *p)
{
    size_t i, n, begin = 0;
    bool found = false;
    if (c->lazy == NULL || c->lazy_off)
        return;
    n = strlen(c->trigger);
    if (c->lazy_on) {
        c->lazy_on = llmc_grammar_advance(c->lazy, p->token, NULL) == LLMC_OK;
        if (c->lazy_on && llmc_grammar_is_done(c->lazy) && !c->lazy_once) {
            c->lazy_on = false; /* free again until the next */
            c->n_tail = 0;
            (void)llmc_grammar_reset(c->lazy, false, NULL);
        }
        return;
    }
    for (i = 0; i < p->text_len && !found; i++) {
        char ch = p->text[i];
        if (n == 0) { /* a brace, if nothing but space came before it */
            if (ch == ' ' || ch == '\n')
                continue;
            c->lazy_off = ch != '{';
            found = ch == '{';
            begin = i;
            if (c->lazy_off)
                return;
            continue;
        }
        if (c->n_tail == n) {
            memmove(c->tail, c->tail + 1, n - 1);
            c->n_tail--;
        }
        c->tail[c->n_tail++] = ch;
        found = c->n_tail == n && memcmp(c->tail, c->trigger, n) == 0;
        begin = i + 1;
    }
    if (found)
        c->lazy_on = llmc_grammar_text(c->lazy, p->text + begin, p->text_len - begin, NULL) == LLMC_OK;
}

/* ---- streams and answers, in each API's words ---- */
/* From here to "ends", parts of answers become what a client reads: take_piece is where pieces go in; out comes
   x->fresh in a stream, for flush_stream, and else the choice's buffers, for end_whole. Nothing here waits or
   locks, but end_choice for its counts. */

/* OpenAI's reason. */
static const char *finish_word(const choice *c)
{
    if (c->finish == LLMC_FINISH_LENGTH || c->finish == LLMC_FINISH_CONTEXT)
        return "length";
    return c->n_calls > 0 ? "tool_calls" : "stop";
}

/* "kind" and a number that no other request of this or an earlier run has. */
static void put_id(text *t, const exchange *x, const char *kind)
{
    putf(t, "\"%s%08llx%08llx\"", kind, (unsigned long long)x->server->started & 0xffffffff,
         (unsigned long long)x->number);
}

static const char fingerprint[] = "llmc-" LLMC_VERSION;

/* OpenAI's figures, of all choices together. */
static void put_usage(text *t, const exchange *x)
{
    put_json(t,
             "{\"prompt_tokens\":%d,\"completion_tokens\":%d,\"total_tokens\":%d,"
             "\"prompt_tokens_details\":{\"cached_tokens\":%d}}",
             (int64_t)x->n_prompt, (int64_t)x->n_generated, (int64_t)(x->n_prompt + x->n_generated),
             (int64_t)x->n_cached);
}

/* What the client calls what answers it. */
static const char *model_name(const exchange *x)
{
    return x->adapter != NULL ? x->adapter->name : x->server->name;
}

/* "id":...,"object":...,"created":...,"model":... */
static void put_common(text *t, const exchange *x, const char *kind, const char *object)
{
    puts_to(t, "\"id\":");
    put_id(t, x, kind);
    put_json(t, ",\"object\":%s,\"created\":%d,\"model\":%s,\"system_fingerprint\":%s", object,
             (int64_t)x->created, model_name(x), fingerprint);
}

/* The entries since last time; they then count as told. */
static void put_chat_probs(text *t, choice *c)
{
    if (!c->wants_probs) {
        puts_to(t, "null");
        return;
    }
    put_json(t, "{\"content\":[%r],\"refusal\":null}", &c->probs);
    c->probs.len = 0;
}

/* The same in the form of /v1/completions. */
static void put_text_probs(text *t, choice *c)
{
    if (!c->wants_probs) {
        puts_to(t, "null");
        return;
    }
    put_json(t, "{\"tokens\":[%r],\"token_logprobs\":[%r],\"top_logprobs\":[%r],\"text_offset\":[%r]}",
             &c->lp_tokens, &c->lp_values, &c->lp_top, &c->lp_offsets);
    c->lp_tokens.len = c->lp_values.len = c->lp_top.len = c->lp_offsets.len = 0;
}

/* The beginning of a chunk, up to the choice's number. It is written once for each stream: a token's chunk is
   mostly that. */
static void put_chunk_head(text *t, exchange *x, const char *kind, const char *object, uint32_t index)
{
    if (x->chunk_head.len == 0) {
        puts_to(&x->chunk_head, "data: {");
        put_common(&x->chunk_head, x, kind, object);
        puts_to(&x->chunk_head, ",\"choices\":[{\"index\":");
    }
    put(t, x->chunk_head.data, x->chunk_head.len);
    put_whole(t, (int64_t)index);
}

/* One chunk of a chat's stream: delta is the inside of an object. */
static void chat_chunk(choice *c, const text *delta, const char *finish)
{
    text *t = &c->x->fresh;
    put_chunk_head(t, c->x, "chatcmpl-", "chat.completion.chunk", c->index);
    put_json(t, ",\"delta\":{%r},\"logprobs\":", delta);
    put_chat_probs(t, c);
    put_json(t, ",\"finish_reason\":%s}]}\n\n", finish);
}

/* The same of /v1/completions. */
static void text_chunk(choice *c, const char *words, size_t n, const char *finish)
{
    text *t = &c->x->fresh;
    put_chunk_head(t, c->x, "cmpl-", "text_completion", c->index);
    puts_to(t, ",\"text\":");
    put_string(t, words, n);
    puts_to(t, ",\"logprobs\":");
    put_text_probs(t, c);
    put_json(t, ",\"finish_reason\":%s}]}\n\n", finish);
}

/* One event of a response's stream; members is the inside of its object but for type and number. */
static void response_event(exchange *x, const char *type, const text *members)
{
    if (!x->stream)
        return;
    putf(&x->fresh, "event: %s\n", type);
    put_json(&x->fresh, "data: {\"type\":%s,\"sequence_number\":%d%r}\n\n", type, (int64_t)x->n_events++,
             members);
}

/* The same for the output item that the choice is at. */
static void put_item_id(text *t, const choice *c, const char *kind)
{
    putf(t, "\"%s%08llx%08llx_%u\"", kind, (unsigned long long)c->x->server->started & 0xffffffff,
         (unsigned long long)c->x->number, (unsigned)c->item);
}

/* The whole object of /v1/responses; without usage while it is in progress. */
static void put_response(text *t, exchange *x, const char *status)
{
    const params *p = &x->p;
    bool running = strcmp(status, "in_progress") == 0;
    puts_to(t, "{\"id\":");
    put_id(t, x, "resp_");
    put_json(t,
             ",\"object\":\"response\",\"created_at\":%d,\"status\":%s,\"background\":false,\"error\":null,"
             "\"incomplete_details\":",
             (int64_t)x->created, status);
    puts_to(t, strcmp(status, "incomplete") == 0 ? "{\"reason\":\"max_output_tokens\"}" : "null");
    put_json(t,
             ",\"instructions\":null,\"max_output_tokens\":null,\"model\":%s,\"output\":[%r],"
             "\"parallel_tool_calls\":%b,\"previous_response_id\":null,\"reasoning\":{\"effort\":null,"
             "\"summary\":null},"
             "\"store\":false,\"temperature\":%g,\"text\":{\"format\":{\"type\":\"text\"}},\"tool_choice\":"
             "\"auto\","
             "\"tools\":[],\"top_p\":%g,\"truncation\":\"disabled\",\"metadata\":{},\"user\":null,\"usage\":",
             model_name(x), &x->items, (int)p->parallel_calls, (double)p->sample.temperature,
             p->sample.top_p > 0 ? (double)p->sample.top_p : 1.0);
    if (running)
        puts_to(t, "null}");
    else
        put_json(t,
                 "{\"input_tokens\":%d,\"input_tokens_details\":{\"cached_tokens\":%d},\"output_tokens\":%d,"
                 "\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":%d}}",
                 (int64_t)x->n_prompt, (int64_t)x->n_cached, (int64_t)x->n_generated,
                 (int64_t)(x->n_prompt + x->n_generated));
}

/* An event that carries the whole response as it is now. */
static void response_state(exchange *x, const char *type, const char *status)
{
    text t = {NULL, 0, 0};
    puts_to(&t, ",\"response\":");
    put_response(&t, x, status);
    response_event(x, type, &t);
    drop_text(&t);
}

/* A message or call becomes part of the output. */
static void response_item(choice *c, const char *type, const text *item, bool complete)
{
    exchange *x = c->x;
    text t = {NULL, 0, 0};
    put_json(&t, ",\"output_index\":%d,\"item\":%r", (int64_t)c->item, item);
    response_event(x, type, &t);
    drop_text(&t);
    if (complete) {
        separate(&x->items);
        put(&x->items, item->data, item->len);
        x->n_items++;
    }
}

/* The output items of /v1/responses; parts: the inside of an array. */
static void put_message_item(text *t, choice *c, const char *status, const text *parts)
{
    puts_to(t, "{\"type\":\"message\",\"id\":");
    put_item_id(t, c, "msg_");
    put_json(t, ",\"status\":%s,\"role\":\"assistant\",\"content\":[%r]}", status, parts);
}

/* /v1/responses tells its streams in items that are added and done, with parts that are added and done, and
   deltas inside. A message is such an item, and so is each call.

   More of a message, which is begun if none is open. */
static void response_text(choice *c, const char *words, size_t n)
{
    exchange *x = c->x;
    text t = {NULL, 0, 0}, none = {(char *)"", 0, 0};
    if (!c->message_open) {
        c->message_open = true;
        c->item = x->n_items;
        c->content.len = 0;
        put_message_item(&t, c, "in_progress", &none);
        response_item(c, "response.output_item.added", &t, false);
        t.len = 0;
        puts_to(&t, ",\"item_id\":");
        put_item_id(&t, c, "msg_");
        put_json(&t,
                 ",\"output_index\":%d,\"content_index\":0,\"part\":{\"type\":\"output_text\",\"text\":\"\","
                 "\"annotations\":[]}",
                 (int64_t)c->item);
        response_event(x, "response.content_part.added", &t);
        t.len = 0;
    }
    put(&c->content, words, n);
    puts_to(&t, ",\"item_id\":");
    put_item_id(&t, c, "msg_");
    putf(&t, ",\"output_index\":%u,\"content_index\":0,\"logprobs\":[],\"delta\":", (unsigned)c->item);
    put_string(&t, words, n);
    response_event(x, "response.output_text.delta", &t);
    drop_text(&t);
}

/* Nothing if none is open. */
static void response_close_message(choice *c)
{
    exchange *x = c->x;
    text t = {NULL, 0, 0}, part = {NULL, 0, 0};
    if (!c->message_open)
        return;
    c->message_open = false;
    put_json(&part, "{\"type\":\"output_text\",\"text\":%t,\"annotations\":[],\"logprobs\":[]}", &c->content);
    puts_to(&t, ",\"item_id\":");
    put_item_id(&t, c, "msg_");
    put_json(&t, ",\"output_index\":%d,\"content_index\":0,\"logprobs\":[],\"text\":%t", (int64_t)c->item,
             &c->content);
    response_event(x, "response.output_text.done", &t);
    t.len = 0;
    puts_to(&t, ",\"item_id\":");
    put_item_id(&t, c, "msg_");
    put_json(&t, ",\"output_index\":%d,\"content_index\":0,\"part\":%r", (int64_t)c->item, &part);
    response_event(x, "response.content_part.done", &t);
    t.len = 0;
    put_message_item(&t, c, "completed", &part);
    response_item(c, "response.output_item.done", &t, true);
    drop_text(&t);
    drop_text(&part);
}

/* The same for a call, with its arguments so far. */
static void put_call_item(text *t, choice *c, const char *status)
{
    puts_to(t, "{\"type\":\"function_call\",\"id\":");
    put_item_id(t, c, "fc_");
    put_json(t, ",\"status\":%s,\"call_id\":%s,\"name\":%s,\"arguments\":%t}", status, c->call_id,
             c->call_name, &c->arguments);
}

/* ---- what a reply's parts become ---- */

/* Text for the user, kept for an answer in one piece and told at once in a stream. */
static void say_text(choice *c, const char *words, size_t n)
{
    exchange *x = c->x;
    text t = {NULL, 0, 0};
    if (x->route->kind == API_RESPONSES) {
        if (n > 0)
            response_text(c, words, n);
        return;
    }
    put(&c->content, words, n);
    if (!x->stream || (n == 0 && x->route->kind != API_RUST))
        return;
    switch (x->route->kind) {
    case API_CHAT:
        puts_to(&t, "\"content\":");
        put_string(&t, words, n);
        chat_chunk(c, &t, NULL);
        break;
    case API_TEXT:
        text_chunk(c, words, n, NULL);
        break;
    default:
        break; /* the others tell tokens: see say_token */
    }
    drop_text(&t);
}

/* What a model thinks before it answers: apart from the answer, as llama.cpp and DeepSeek do it. */
static void say_reasoning(choice *c, const char *words, size_t n)
{
    text t = {NULL, 0, 0};
    put(&c->reasoning, words, n);
    if (c->x->stream && c->x->route->kind == API_CHAT) {
        puts_to(&t, "\"reasoning_content\":");
        put_string(&t, words, n);
        chat_chunk(c, &t, NULL);
        drop_text(&t);
    }
}

/* The call's name is known: clients hear of it. */
static void announce_call(choice *c, const char *name)
{
    exchange *x = c->x;
    text t = {NULL, 0, 0};
    if (c->announced || name[0] == 0)
        return;
    c->announced = true;
    snprintf(c->call_name, sizeof c->call_name, "%s", name);
    snprintf(c->call_id, sizeof c->call_id, "call_%08llx%04x%04x",
             (unsigned long long)(x->number * 2654435761u) & 0xffffffff, (unsigned)c->index,
             (unsigned)c->n_calls);
    if (x->route->kind == API_RESPONSES) {
        size_t n = c->arguments.len;
        c->item = x->n_items;
        c->arguments.len = 0;
        put_call_item(&t, c, "in_progress");
        c->arguments.len = n;
        response_item(c, "response.output_item.added", &t, false);
    } else if (x->stream) {
        put_json(&t,
                 "\"tool_calls\":[{\"index\":%d,\"id\":%s,\"type\":\"function\",\"function\":{\"name\":%s,"
                 "\"arguments\":%t}}]",
                 (int64_t)c->n_calls, c->call_id, c->call_name, &c->arguments);
        chat_chunk(c, &t, NULL);
    }
    drop_text(&t);
}

/* The next piece of a call's arguments; clients get it only after the call's name. */
static void say_arguments(choice *c, const char *words, size_t n)
{
    exchange *x = c->x;
    text t = {NULL, 0, 0};
    put(&c->arguments, words, n);
    if (!c->announced || !x->stream)
        return;
    if (x->route->kind == API_RESPONSES) {
        puts_to(&t, ",\"item_id\":");
        put_item_id(&t, c, "fc_");
        putf(&t, ",\"output_index\":%u,\"delta\":", (unsigned)c->item);
        put_string(&t, words, n);
        response_event(x, "response.function_call_arguments.delta", &t);
    } else {
        putf(&t, "\"tool_calls\":[{\"index\":%u,\"function\":{\"arguments\":", (unsigned)c->n_calls);
        put_string(&t, words, n);
        puts_to(&t, "}}]");
        chat_chunk(c, &t, NULL);
    }
    drop_text(&t);
}

/* The call is complete and sound. */
static void end_call(choice *c)
{
    exchange *x = c->x;
    text t = {NULL, 0, 0};
    if (x->route->kind == API_RESPONSES) {
        puts_to(&t, ",\"item_id\":");
        put_item_id(&t, c, "fc_");
        put_json(&t, ",\"output_index\":%d,\"name\":%s,\"arguments\":%t", (int64_t)c->item, c->call_name,
                 &c->arguments);
        response_event(x, "response.function_call_arguments.done", &t);
        t.len = 0;
        put_call_item(&t, c, "completed");
        response_item(c, "response.output_item.done", &t, true);
    } else {
        separate(&c->calls);
        put_json(&c->calls, "{\"id\":%s,\"type\":\"function\",\"function\":{\"name\":%s,\"arguments\":%t}}",
                 c->call_id, c->call_name, &c->arguments);
    }
    c->n_calls++;
    drop_text(&t);
}

/* One part of a reply, as 21 CHAT has taken it apart. */
static void on_part(choice *c, const llmc_reply_event *e)
{
    switch (e->kind) {
    case LLMC_REPLY_TEXT:
        say_text(c, e->text, e->len);
        break;
    case LLMC_REPLY_REASONING:
        say_reasoning(c, e->text, e->len);
        break;
    case LLMC_REPLY_CALL_BEGIN: /* the name may come now or only with the arguments */
        if (c->x->route->kind == API_RESPONSES)
            response_close_message(c);
        c->in_call = true;
        c->announced = false;
        c->arguments.len = 0;
        put(&c->arguments, "", 0);
        announce_call(c, e->name);
        break;
    case LLMC_REPLY_CALL_ARGUMENTS:
        announce_call(c, e->name);
        say_arguments(c, e->text, e->len);
        break;
    case LLMC_REPLY_CALL_END:
        announce_call(c, e->name);
        end_call(c);
        c->in_call = false;
        break;
    default:
        c->in_call = false;
        break; /* what cannot be a call is left out */
    }
}

/* Streams whose events are tokens: claude-rust's and llama.cpp's. */
static void say_token(choice *c, const llmc_piece *p)
{
    exchange *x = c->x;
    text *t = &x->fresh;
    if (x->route->kind == API_RUST) {
        if (p->text_len == 0 && p->finish != LLMC_FINISH_NONE)
            return;
        puts_to(t, "data: {\"token\":");
        put_string(t, p->text, p->text_len);
        putf(t, ",\"id\":%d}\n\n", (int)p->token);
    } else if (x->route->kind == API_LLAMA) {
        putf(t, "data: {\"index\":%u,\"content\":", (unsigned)c->index);
        put_string(t, p->text, p->text_len);
        put_json(
            t,
            ",\"tokens\":[%d],\"stop\":false,\"id_slot\":-1,\"tokens_predicted\":%d,\"tokens_evaluated\":%d",
            (int64_t)p->token, (int64_t)c->n_generated, (int64_t)c->prompt->n);
        if (c->wants_probs)
            put_json(t, ",\"completion_probabilities\":[%r]", &c->probs);
        puts_to(t, "}\n\n");
        c->probs.len = 0;
    }
}

static void end_choice(choice *c);

/* A piece out of the engine. */
static void take_piece(choice *c, const llmc_piece *p)
{
    exchange *x = c->x;
    llmc_reply_event e;
    c->last = now_ns();
    if (c->first == 0) { /* only now it is known how much of the prompt was in the cache */
        llmc_request_info info;
        llmc_request_progress(c->request, &info);
        c->n_cached = info.n_shared;
        c->first = c->last;
        if (x->first == 0)
            x->first = c->last;
    }
    if (p->finish != LLMC_FINISH_FAILED) {
        c->n_generated++;
        x->n_generated++;
        add_probs(c, p);
        if (x->p.return_tokens) {
            separate(&c->ids);
            put_whole(&c->ids, (int64_t)p->token);
        }
        follow_call(c, p);
    }
    if (c->reply != NULL) {
        (void)llmc_reply_feed(c->reply, p->text, p->text_len, NULL);
        while (llmc_reply_next(c->reply, &e))
            on_part(c, &e);
        if (p->finish != LLMC_FINISH_NONE) {
            llmc_reply_finish(c->reply);
            while (llmc_reply_next(c->reply, &e))
                on_part(c, &e);
        }
    } else {
        say_text(c, p->text, p->text_len);
    }
    if (x->stream)
        say_token(c, p);
    if (p->finish != LLMC_FINISH_NONE) {
        c->finish = p->finish;
        c->done = true;
        end_choice(c);
    }
}

/* ---- ends ---- */
/* A choice's last words, then the exchange's: end_stream and end_whole give it up. */

/* llama.cpp's reason. */
static const char *stop_type(const choice *c)
{
    return c->finish == LLMC_FINISH_END ? "eos" : c->finish == LLMC_FINISH_STOP ? "word" : "limit";
}

/* llama.cpp's last object. */
static void put_llama(text *t, choice *c)
{
    exchange *x = c->x;
    const text none = {(char *)"", 0, 0};
    double read = c->first > c->added ? (double)(c->first - c->added) / 1e6 : 0;
    double said = c->last > c->first ? (double)(c->last - c->first) / 1e6 : 0;
    double n_read = (double)(c->prompt->n - c->n_cached), n_said = (double)c->n_generated;
    put_json(t,
             "{\"index\":%d,\"content\":%t,\"tokens\":[%r],\"id_slot\":-1,\"stop\":true,\"model\":%s,"
             "\"tokens_predicted\":%d,\"tokens_evaluated\":%d,\"tokens_cached\":%d,\"truncated\":false,"
             "\"has_new_line\":%b,\"stop_type\":%s,\"stopping_word\":\"\",",
             (int64_t)c->index, &c->content, x->p.return_tokens && !x->stream ? &c->ids : &none,
             model_name(x), (int64_t)c->n_generated, (int64_t)c->prompt->n,
             (int64_t)(c->prompt->n + c->n_generated - 1),
             c->content.data != NULL && strchr(c->content.data, '\n') != NULL, stop_type(c));
    if (c->wants_probs && !x->stream)
        put_json(t, "\"completion_probabilities\":[%r],", &c->probs);
    put_json(
        t,
        "\"timings\":{\"prompt_n\":%g,\"prompt_ms\":%g,\"prompt_per_token_ms\":%g,\"prompt_per_second\":%g,"
        "\"predicted_n\":%g,\"predicted_ms\":%g,\"predicted_per_token_ms\":%g,\"predicted_per_second\":%g,"
        "\"cache_n\":%d}}",
        n_read, read, n_read > 0 ? read / n_read : 0.0, read > 0 ? n_read / read * 1e3 : 0.0, n_said, said,
        n_said > 0 ? said / n_said : 0.0, said > 0 ? n_said / said * 1e3 : 0.0, (int64_t)c->n_cached);
}

/* A whole choice of a chat. OpenAI has null for the content of an answer that only calls. */
static void put_chat_choice(text *t, choice *c)
{
    put_json(t, "{\"index\":%d,\"message\":{\"role\":\"assistant\",\"content\":", (int64_t)c->index);
    if (c->n_calls > 0 && c->content.len == 0)
        puts_to(t, "null");
    else
        put_json(t, "%t", &c->content);
    puts_to(t, ",\"refusal\":null");
    if (c->reasoning.len > 0)
        put_json(t, ",\"reasoning_content\":%t", &c->reasoning);
    if (c->n_calls > 0)
        put_json(t, ",\"tool_calls\":[%r]", &c->calls);
    puts_to(t, "},\"logprobs\":");
    put_chat_probs(t, c);
    put_json(t, ",\"finish_reason\":%s}", finish_word(c));
}

/* A whole choice of /v1/completions. */
static void put_text_choice(text *t, choice *c)
{
    put_json(t, "{\"index\":%d,\"text\":%t,\"logprobs\":", (int64_t)c->index, &c->content);
    put_text_probs(t, c);
    put_json(t, ",\"finish_reason\":%s}", finish_word(c));
}

/* A choice is complete: streams hear why. */
static void end_choice(choice *c)
{
    exchange *x = c->x;
    text none = {(char *)"", 0, 0};
    server *s = x->server;
    llmc_request_close(c->request);
    c->request = NULL;
    x->n_open--;
    lock_take(&s->lock);
    s->count.generated += c->n_generated;
    s->count.prompt_tokens += c->prompt->n - c->n_cached;
    s->count.cached_tokens += c->n_cached;
    s->count.prompt_seconds += c->first > c->added ? (double)(c->first - c->added) / 1e9 : 0;
    s->count.generate_seconds += c->last > c->first ? (double)(c->last - c->first) / 1e9 : 0;
    lock_give(&s->lock);
    x->n_cached += c->n_cached;
    if (x->route->kind == API_RESPONSES)
        response_close_message(c);
    if (!x->stream || c->finish == LLMC_FINISH_FAILED)
        return;
    if (x->route->kind == API_CHAT)
        chat_chunk(c, &none, finish_word(c));
    else if (x->route->kind == API_TEXT)
        text_chunk(c, "", 0, finish_word(c));
    else if (x->route->kind == API_LLAMA) {
        c->content.len = 0; /* it has been told */
        put(&c->content, "", 0);
        puts_to(&x->fresh, "data: ");
        put_llama(&x->fresh, c);
        puts_to(&x->fresh, "\n\n");
    }
}

/* All choices are complete. x is no longer the caller's. */
static void end_stream(exchange *x)
{
    text *t = &x->fresh;
    bool cut = false;
    size_t i;
    for (i = 0; i < x->n_choices; i++)
        cut = cut || strcmp(finish_word(&x->choices[i]), "length") == 0;
    switch (x->route->kind) {
    case API_CHAT:
    case API_TEXT:
        if (x->usage) {
            bool chat = x->route->kind == API_CHAT;
            puts_to(t, "data: {");
            put_common(t, x, chat ? "chatcmpl-" : "cmpl-",
                       chat ? "chat.completion.chunk" : "text_completion");
            puts_to(t, ",\"choices\":[],\"usage\":");
            put_usage(t, x);
            puts_to(t, "}\n\n");
        }
        puts_to(t, "data: [DONE]\n\n");
        break;
    case API_RUST:
        puts_to(t, "event: done\ndata: [DONE]\n\n");
        break;
    case API_RESPONSES:
        response_state(x, cut ? "response.incomplete" : "response.completed",
                       cut ? "incomplete" : "completed");
        break;
    default:
        break;
    }
    flush_stream(x, true);
}

/* The same where the answer comes in one piece. */
static void end_whole(exchange *x)
{
    text t = {NULL, 0, 0};
    choice *c = x->choices;
    size_t i;
    bool cut = false, chat = x->route->kind == API_CHAT;
    switch (x->route->kind) {
    case API_CHAT:
    case API_TEXT:
        puts_to(&t, "{");
        put_common(&t, x, chat ? "chatcmpl-" : "cmpl-", chat ? "chat.completion" : "text_completion");
        puts_to(&t, ",\"choices\":[");
        for (i = 0; i < x->n_choices; i++) {
            separate(&t);
            if (chat)
                put_chat_choice(&t, &x->choices[i]);
            else
                put_text_choice(&t, &x->choices[i]);
        }
        puts_to(&t, "],\"usage\":");
        put_usage(&t, x);
        puts_to(&t, "}");
        break;
    case API_RUST:
        put_json(&t, "{\"text\":%t,\"finish_reason\":%s}", &c->content,
                 c->finish == LLMC_FINISH_END    ? "eos"
                 : c->finish == LLMC_FINISH_STOP ? "stop"
                                                 : "length");
        break;
    case API_LLAMA:
        puts_to(&t, x->n_choices > 1 ? "[" : "");
        for (i = 0; i < x->n_choices; i++) {
            separate(&t);
            put_llama(&t, &x->choices[i]);
        }
        puts_to(&t, x->n_choices > 1 ? "]" : "");
        break;
    default:
        cut = strcmp(finish_word(c), "length") == 0;
        put_response(&t, x, cut ? "incomplete" : "completed");
        break;
    }
    answer(x, &t);
}

/* The beginning of a stream, before anything is generated. */
static void begin_stream(exchange *x)
{
    text t = {NULL, 0, 0};
    size_t i;
    if (x->route->kind == API_CHAT)
        for (i = 0; i < x->n_choices; i++) {
            t.len = 0;
            puts_to(&t, "\"role\":\"assistant\",\"content\":\"\"");
            chat_chunk(&x->choices[i], &t, NULL);
        }
    if (x->route->kind == API_RESPONSES) {
        response_state(x, "response.created", "in_progress");
        response_state(x, "response.in_progress", "in_progress");
    }
    drop_text(&t);
}

/* ---- the engine's thread ---- */
/* Exchanges from s->to_do in, in order; answers out. It alone calls the engine, so that needs no lock. Whoever
   has gone is found before each step and dropped with his pages; whose client is slow is not polled, and so
   not computed. Places in the queue (x->cost, s->load) are given back exactly once, before the answer. */

/* Gives its places in the queue back, once. */
static void release_load(exchange *x)
{
    server *s = x->server;
    lock_take(&s->lock);
    s->load -= x->cost;
    x->cost = 0;
    lock_give(&s->lock);
}

/* Takes what is still in the engine out of it. */
static void close_choices(exchange *x)
{
    size_t i;
    for (i = 0; i < x->n_choices; i++)
        if (x->choices[i].request != NULL) {
            llmc_request_close(x->choices[i].request);
            x->choices[i].request = NULL;
        }
    x->n_open = 0;
}

/* Into the engine; false: answered. */
static bool start_choices(exchange *x)
{
    server *s = x->server;
    llmc_diag diag;
    size_t i;
    uint64_t now = now_ns();
    for (i = 0; i < x->n_choices; i++) {
        choice *c = &x->choices[i];
        c->added = now;
        if (llmc_request_add(&c->request, s->engine, c->prompt->ids, c->prompt->n, 0, &c->opt, &diag) !=
            LLMC_OK) {
            close_choices(x);
            release_load(x);
            fail(x, diag.status == LLMC_FULL ? 400 : 500, "prompt", "%s", diag.message);
            return false;
        }
        x->n_open++;
    }
    for (i = 0; i < x->n_prompts; i++)
        x->n_prompt += x->prompts[i].n;
    if (x->stream)
        begin_stream(x);
    return true;
}

/* Takes what the engine has for x. 0: nothing new; 1: something; 2: it is over. A choice whose piece is left
   in the engine is not in the next step: that is how a slow client's answer waits, at nobody's cost.
   trouble: why the last step failed for somebody, if it did. */
static int advance(exchange *x, const llmc_diag *trouble)
{
    size_t i;
    bool news = false, failed = false;
    llmc_piece piece;
    if (x->stopped) {
        close_choices(x);
        release_load(x);
        lock_take(&x->server->lock);
        x->server->count.cancelled++;
        lock_give(&x->server->lock);
        deliver(x, &x->fresh, true);
        return 2;
    }
    for (i = 0; i < x->n_choices && x->backlog < MOST_BACKLOG; i++) {
        choice *c = &x->choices[i];
        if (c->done || !llmc_request_poll(c->request, &piece))
            continue;
        news = true;
        take_piece(c, &piece);
        failed = failed || c->finish == LLMC_FINISH_FAILED;
    }
    if (failed) {
        close_choices(x);
        release_load(x);
        /* a grammar or a cache that is too small: asking again would not help */
        fail(x, trouble->status == LLMC_FULL || trouble->status == LLMC_UNSUPPORTED ? 400 : 500, NULL, "%s",
             trouble->message[0] != 0 ? trouble->message : "the model's numbers are not finite");
        return 2;
    }
    if (x->n_open == 0) {
        release_load(x);
        if (x->stream)
            end_stream(x);
        else
            end_whole(x);
        return 2;
    }
    if (x->stream)
        flush_stream(x, false);
    return news ? 1 : 0;
}

/* ---- embeddings, and what ranks by them ---- */

/* RFC 4648, with padding. */
static void put_base64(text *t, const unsigned char *data, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t i;
    for (i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)data[i] << 16 | (uint32_t)(i + 1 < n ? data[i + 1] : 0) << 8 |
                     (i + 2 < n ? data[i + 2] : 0);
        char four[4];
        four[0] = digits[v >> 18];
        four[1] = digits[v >> 12 & 63];
        four[2] = i + 1 < n ? digits[v >> 6 & 63] : '=';
        four[3] = i + 2 < n ? digits[v & 63] : '=';
        put(t, four, 4);
    }
}

/* Vector [n] as an entry of the answer; cut to `dimensions` it has length 1 again. */
static void put_embedding(exchange *x, float *v, size_t n)
{
    text *t = &x->result;
    double sum = 0;
    size_t i;
    if (x->p.dimensions > 0 && (size_t)x->p.dimensions < n)
        n = (size_t)x->p.dimensions;
    for (i = 0; i < n; i++)
        sum += (double)v[i] * (double)v[i];
    sum = sum > 0 ? 1 / square_root(sum) : 1;
    for (i = 0; i < n; i++)
        v[i] = (float)(v[i] * sum);
    separate(t);
    put_json(t, "{\"object\":\"embedding\",\"index\":%d,\"embedding\":", (int64_t)x->i_prompt);
    if (x->base64) {
        text bytes = {NULL, 0, 0};
        for (i = 0; i < n; i++) { /* little-endian, whatever this machine is */
            uint32_t bits;
            char b[4];
            memcpy(&bits, &v[i], 4);
            b[0] = (char)bits;
            b[1] = (char)(bits >> 8);
            b[2] = (char)(bits >> 16);
            b[3] = (char)(bits >> 24);
            put(&bytes, b, 4);
        }
        puts_to(t, "\"");
        put_base64(t, (const unsigned char *)bytes.data, bytes.len);
        puts_to(t, "\"}");
        drop_text(&bytes);
        return;
    }
    for (i = 0; i < n; i++)
        putf(t, i > 0 ? ",%.9g" : "[%.9g", (double)v[i]);
    puts_to(t, "]}");
}

/* The score of a document is the cosine with the query, which came first. */
static void end_rerank(exchange *x, const float *vectors, size_t width)
{
    size_t n = x->n_prompts - 1, top = n, i, k, j;
    double *score = (double *)keep(x, n * sizeof *score);
    size_t *order = (size_t *)keep(x, n * sizeof *order);
    text t = {NULL, 0, 0};
    if (x->p.top_n > 0 && (size_t)x->p.top_n < n)
        top = (size_t)x->p.top_n;
    for (i = 0; i < n; i++) {
        score[i] = 0;
        for (k = 0; k < width; k++)
            score[i] += (double)vectors[k] * (double)vectors[(i + 1) * width + k];
        for (j = i; j > 0 && score[order[j - 1]] < score[i]; j--)
            order[j] = order[j - 1];
        order[j] = i;
    }
    put_json(&t,
             "{\"object\":\"list\",\"model\":%s,\"usage\":{\"prompt_tokens\":%d,\"total_tokens\":%d},"
             "\"results\":[",
             x->server->embed.name, (int64_t)x->n_prompt, (int64_t)x->n_prompt);
    for (i = 0; i < top; i++) {
        separate(&t);
        put_json(&t, "{\"index\":%d,\"relevance_score\":%g}", (int64_t)order[i], score[order[i]]);
    }
    puts_to(&t, "]}");
    answer(x, &t);
}

/* All vectors are in x->result. */
static void end_embed(exchange *x)
{
    text t = {NULL, 0, 0};
    put_json(&t,
             "{\"object\":\"list\",\"data\":[%r],\"model\":%s,\"usage\":{\"prompt_tokens\":%d,\"total_"
             "tokens\":%d}}",
             &x->result, x->server->embed.name, (int64_t)x->n_prompt, (int64_t)x->n_prompt);
    answer(x, &t);
}

/* One more text of x as a vector; one at a time, since an encoder reads a text in a batch by itself. 0: not
   now, others hold the cache; 1: done; 2: x is over. */
static int embed_next(exchange *x, llmc_seq *seq, bool busy)
{
    server *s = x->server;
    size_t width = llmc_model_config(s->embed.model)->n_embd;
    prompt *p = &x->prompts[x->i_prompt];
    llmc_status status;
    llmc_diag diag;
    float *v;
    if (x->stopped) {
        release_load(x);
        deliver(x, &x->fresh, true);
        return 2;
    }
    if (x->i_prompt == 0)
        put(&x->items, NULL, 0);
    if (x->items.cap < x->n_prompts * width * sizeof *v) /* all vectors; items is ours here */
        x->items.data = (char *)grow(x->items.data, x->items.cap = x->n_prompts * width * sizeof *v);
    v = (float *)x->items.data + x->i_prompt * width;
    status = llmc_seq_embed(seq, p->ids, p->n, LLMC_POOL_DEFAULT, v, &diag);
    if (status == LLMC_FULL) {
        llmc_engine_drop_prefixes(s->embed.engine);
        status = llmc_seq_embed(seq, p->ids, p->n, LLMC_POOL_DEFAULT, v, &diag);
    }
    if (status == LLMC_FULL && busy)
        return 0;
    if (status != LLMC_OK) {
        release_load(x);
        fail(x, status == LLMC_BAD_ARG || status == LLMC_FULL ? 400 : 500, "input", "%s", diag.message);
        return 2;
    }
    x->n_prompt += p->n;
    if (x->route->kind == API_EMBED)
        put_embedding(x, v, width);
    if (++x->i_prompt < x->n_prompts)
        return 1;
    release_load(x);
    if (x->route->kind == API_EMBED)
        end_embed(x);
    else
        end_rerank(x, (const float *)x->items.data, width);
    return 2;
}

/* ---- the engine's loop ---- */

typedef struct works { /* what the engine's thread has in hand */
    exchange *active, *embeds;
    llmc_seq *embedder;
    uint64_t steps, troubles;
    llmc_diag diag;
} works;

/* Those whose tokens come from the engine one after the other. */
static bool is_generation(const exchange *x)
{
    return ((1u << x->route->kind) & EVERY) != 0;
}

/* Every request that is in the engine, as llama.cpp lists its slots. */
static void answer_slots(exchange *x, const works *w)
{
    const exchange *o;
    text t = {NULL, 0, 0};
    uint32_t n = 0;
    size_t i;
    puts_to(&t, "[");
    for (o = w->active; o != NULL; o = o->next)
        for (i = 0; i < o->n_choices; i++) {
            const choice *c = &o->choices[i];
            llmc_request_info info;
            if (c->request == NULL)
                continue;
            llmc_request_progress(c->request, &info);
            separate(&t);
            put_json(&t, "{\"id\":%d,\"id_task\":%d,\"n_ctx\":%d,\"speculative\":false,\"is_processing\":%b,",
                     (int64_t)n, (int64_t)o->number, (int64_t)x->server->context,
                     (int)(info.state != LLMC_REQUEST_WAITING));
            put_json(&t,
                     "\"n_prompt_tokens\":%d,\"n_prompt_tokens_processed\":%d,\"n_prompt_tokens_cache\":%d,"
                     "\"n_decoded\":%d}",
                     (int64_t)info.n_prompt, (int64_t)info.n_read, (int64_t)info.n_shared,
                     (int64_t)info.n_generated);
            n++;
        }
    for (; n < x->server->set.slots; n++) {
        separate(&t);
        put_json(&t, "{\"id\":%d,\"id_task\":-1,\"n_ctx\":%d,\"speculative\":false,\"is_processing\":%b}",
                 (int64_t)n, (int64_t)x->server->context, 0);
    }
    puts_to(&t, "]");
    answer(x, &t);
}

/* The file of a session's name, which cannot lead out of the folder; it goes with the exchange. NULL:
   answered. */
static const char *session_path(exchange *x)
{
    size_t n, folder;
    char *path;
    const char *name = keep_string(x, x->p.filename, &n), *p;
    server *s = x->server;
    bool good = n > 0 && name[0] != '.' && strlen(name) == n;
    if (s->set.sessions == NULL) {
        fail(x, 501, NULL, "this server saves no sessions (--sessions FOLDER)");
        return NULL;
    }
    for (p = name; *p != 0 && good; p++)
        good = is_token(*p) && strchr("!#$%&'*+^`|~", *p) == NULL && p - name < 64;
    if (!good) {
        fail(x, 400, "filename", "filename: at most 64 letters, digits, - _ . are expected");
        return NULL;
    }
    folder = strlen(s->set.sessions);
    path = (char *)keep(x, folder + n + 2);
    memcpy(path, s->set.sessions, folder);
    path[folder] = '/';
    memcpy(path + folder + 1, name, n + 1);
    return path;
}

/* The cache's prefixes as a file, which appears under its name when it is whole. */
static llmc_status save_prefixes(server *s, const char *path, llmc_diag *diag)
{
    llmc_os_save *file;
    llmc_status status = llmc_os_save_begin(&file, path, diag);
    if (status != LLMC_OK)
        return status;
    status = llmc_engine_save_prefixes(s->engine, llmc_os_save_writer(file), diag);
    if (status == LLMC_OK)
        return llmc_os_save_commit(file, diag);
    llmc_os_save_drop(file);
    return status;
}

/* And back; *bytes: the file's size. */
static llmc_status restore_prefixes(server *s, const char *path, size_t *bytes, llmc_diag *diag)
{
    llmc_blob file;
    llmc_status status = llmc_map_open(&file, path, diag);
    if (status != LLMC_OK)
        return status;
    *bytes = file.size;
    status = llmc_engine_restore_prefixes(s->engine, file.data, file.size, diag);
    llmc_map_close(&file);
    return status;
}

/* /slots/N?action=save, restore, erase, as llama.cpp has it; here all slots share what was computed, so N
   says nothing, and a session is what finished requests have left in the cache. */
static void answer_session(exchange *x)
{
    server *s = x->server;
    const char *path;
    char name[80];
    text t = {NULL, 0, 0};
    llmc_diag diag;
    llmc_status status = LLMC_OK;
    size_t bytes = 0;
    bool save = strcmp(x->query, "action=save") == 0;
    uint64_t begun = now_ns();
    if (strcmp(x->query, "action=erase") == 0) {
        llmc_engine_drop_prefixes(s->engine);
        puts_to(&t, "{\"id_slot\":0,\"n_erased\":0}");
        answer(x, &t);
        return;
    }
    if (!save && strcmp(x->query, "action=restore") != 0) {
        fail(x, 400, "action", "action: save, restore or erase is expected");
        return;
    }
    path = session_path(x);
    if (path == NULL)
        return;
    status = save ? save_prefixes(s, path, &diag) : restore_prefixes(s, path, &bytes, &diag);
    if (status != LLMC_OK) { /* the folder's name is nobody's business */
        const char *why = strncmp(diag.message, s->set.sessions, strlen(s->set.sessions)) == 0
                              ? diag.message + strlen(s->set.sessions) + 1
                              : diag.message;
        fail(x, status != LLMC_IO ? 400 : save ? 500 : 404, "filename", "%s", why);
        return;
    }
    (void)llmc_json_string(x->p.filename, name, sizeof name);
    put_json(&t, "{\"id_slot\":0,\"filename\":%s", name);
    put_json(&t, save ? ",\"timings\":{\"save_ms\":%g}}" : ",\"timings\":{\"restore_ms\":%g}}",
             (double)(now_ns() - begun) / 1e6);
    answer(x, &t);
}

/* At its end, so that who came first is served first. */
static void append(exchange **list, exchange *x)
{
    while (*list != NULL)
        list = &(*list)->next;
    x->next = NULL;
    *list = x;
}

/* New exchanges, to those that generate, those that embed, or answered at once. */
static void accept_work(works *w, exchange *list)
{
    while (list != NULL) {
        exchange *x = list;
        list = x->next;
        x->next = NULL;
        if (x->route->kind == API_SLOTS)
            answer_slots(x, w);
        else if (x->route->kind == API_SESSION)
            answer_session(x);
        else if (!is_generation(x))
            append(&w->embeds, x);
        else if (start_choices(x))
            append(&w->active, x);
    }
}

/* Under the lock: who has gone, whose client is slow, and the figures of the moment. */
static void look_around(server *s, works *w)
{
    exchange *x;
    size_t i;
    uint64_t running = 0, held = 0, all = 0;
    for (x = w->active; x != NULL; x = x->next) {
        x->stopped = x->gone || s->stop;
        x->backlog = x->out.len;
        for (i = 0; i < x->n_choices; i++) {
            llmc_request_info info;
            if (x->choices[i].request == NULL)
                continue;
            llmc_request_progress(x->choices[i].request, &info);
            running += info.state != LLMC_REQUEST_WAITING;
            held += info.state != LLMC_REQUEST_WAITING && x->backlog >= MOST_BACKLOG; /* see advance */
            all++;
        }
    }
    for (x = w->embeds; x != NULL; x = x->next)
        x->stopped = x->gone || s->stop;
    s->count.running = running;
    s->count.held = held;
    s->count.waiting = all - running;
}

/* Waits until there is something to do; false: the server ends, and nobody is left. */
static bool await_work(server *s, works *w, bool idle)
{
    exchange *list;
    bool stop;
    lock_take(&s->lock);
    /* idle with work in hand: a slow client, or a cache that is full; neither says when it is over */
    if (idle && s->to_do.first == NULL && !s->stop)
        condition_wait(&s->for_engine, &s->lock, w->active != NULL || w->embeds != NULL ? 20 : 1000);
    list = s->to_do.first;
    s->to_do.first = s->to_do.last = NULL;
    look_around(s, w);
    stop = s->stop;
    lock_give(&s->lock);
    accept_work(w, list);
    return !stop || w->active != NULL || w->embeds != NULL;
}

/* Between the two calls the network's thread is not woken. */
static void hold_back(server *s, bool on)
{
    lock_take(&s->lock);
    s->held_back = on;
    if (!on && s->ready != NULL)
        wake(s);
    lock_give(&s->lock);
}

/* Takes every piece there is. True: there was one, so the engine can go on. */
static bool advance_all(server *s, works *w)
{
    exchange **at;
    bool news = false;
    hold_back(s, true);
    for (at = &w->active; *at != NULL;) {
        exchange *x = *at, *next = x->next;
        int state = advance(x, &w->diag);
        news = news || state > 0;
        if (state == 2)
            *at = next; /* x may be gone already */
        else
            at = &x->next;
    }
    hold_back(s, false);
    return news;
}

/* One text of the first in line, so that those who generate go on in between. */
static bool advance_embeds(const server *s, works *w)
{
    exchange *x = w->embeds, *next;
    int state;
    if (x == NULL)
        return false;
    next = x->next;
    state = embed_next(x, w->embedder, w->active != NULL && s->embed.engine == s->engine);
    if (state == 2)
        w->embeds = next;
    return state > 0;
}

/* The only thread that touches the engine: pump, tell, and sleep when there is nothing to do. */
static void engine_main(void *arg)
{
    server *s = (server *)arg;
    works w;
    bool idle = true;
    text kept = {NULL, 0, 0};
    size_t bytes = 0;
    memset(&w, 0, sizeof w);
    if (s->set.sessions != NULL) { /* what the last run had computed */
        puts_to(&kept, s->set.sessions);
        puts_to(&kept, "/server.last");
        if (restore_prefixes(s, kept.data, &bytes, &w.diag) == LLMC_OK)
            complain(0, "%s: %.1f MB of cache", kept.data, (double)bytes / 1e6);
    }
    if (llmc_seq_open(&w.embedder, s->embed.engine, NULL, &w.diag) != LLMC_OK)
        exit(complain(EXIT_FAILED, "%s", w.diag.message));
    while (await_work(s, &w, idle)) {
        llmc_status status = LLMC_DONE;
        bool news;
        if (w.active != NULL) {
            memset(&w.diag, 0, sizeof w.diag);
            status = llmc_engine_pump(s->engine, &w.diag);
            lock_take(&s->lock);
            s->count.steps += status == LLMC_OK;
            s->count.busy += status == LLMC_OK ? s->count.running - s->count.held : 0;
            lock_give(&s->lock);
        }
        news = advance_all(s, &w);
        news = advance_embeds(s, &w) || news;
        /* an engine that only fails must not keep a processor busy */
        w.troubles = status == LLMC_OK || status == LLMC_DONE || news ? 0 : w.troubles + 1;
        idle = !news && (status == LLMC_DONE || w.troubles > 0);
    }
    if (s->set.sessions != NULL && save_prefixes(s, kept.data, &w.diag) != LLMC_OK)
        complain(0, "%s", w.diag.message);
    drop_text(&kept);
}

/* ---- the reader: what an answer needs ---- */
/* Exchanges from s->to_read in; each is answered here or submitted to the engine's thread. What one answer needs
   first: settle_* take one matter each out of params, and answer if it cannot be settled. */

/* Into the queue of the engine's thread, if that has room. */
static bool submit(exchange *x, size_t cost)
{
    server *s = x->server;
    bool full;
    lock_take(&s->lock);
    /* an idle server takes whatever comes, or a request larger than the queue would never be taken */
    full = cost > 0 && s->load > 0 && s->load + cost > (size_t)s->set.slots + s->set.queue;
    if (!full) {
        s->load += cost;
        x->cost = cost;
        join_queue(&s->to_do, x);
        condition_signal(&s->for_engine);
    } else {
        s->count.refused++;
    }
    lock_give(&s->lock);
    if (full)
        fail(x, 503, NULL, "%u requests are waiting already; try again", (unsigned)s->set.queue);
    return !full;
}

/* The adapter of that name; NULL: none. */
static const adapter *find_adapter(const server *s, const char *name)
{
    size_t i;
    for (i = 0; i < s->set.n_loras; i++)
        if (strcmp(s->adapters[i].name, name) == 0)
            return &s->adapters[i];
    return NULL;
}

/* llama.cpp's [{"id":N,"scale":X}], which overrules "model": of adapters that count, a sequence has one here.
   False: answered. */
static bool settle_lora(exchange *x)
{
    server *s = x->server;
    llmc_json one;
    llmc_json_iter it = {NULL, false};
    if (x->p.lora.type == LLMC_JSON_NONE)
        return true;
    x->adapter = NULL;
    while (x->p.lora.type == LLMC_JSON_ARRAY && llmc_json_next(x->p.lora, &it, NULL, &one)) {
        double id = llmc_json_number(llmc_json_get(one, "id"), -1);
        double scale = llmc_json_number(llmc_json_get(one, "scale"), NAN);
        if (!(id >= 0 && id < (double)s->set.n_loras && is_whole(id)) || !(scale > -1000 && scale < 1000)) {
            fail(x, 400, "lora",
                 "lora: an id of /lora-adapters and a scale between -1000 and 1000 are expected");
            return false;
        }
        if ((float)scale == 0)
            continue;
        if (x->adapter != NULL) {
            fail(x, 400, "lora", "lora: several adapters at once are not supported");
            return false;
        }
        x->adapter = &s->adapters[(size_t)id];
        x->lora_scale = (float)scale;
    }
    if (x->p.lora.type == LLMC_JSON_ARRAY)
        return true;
    fail(x, 400, "lora", "lora: an array of {\"id\", \"scale\"} is expected");
    return false;
}

/* Who answers, by the name in "model". A server without adapters answers to every name, since many clients
   cannot leave it out; one with adapters has to be told which, or a slip would be answered by another model.
   False: answered. */
static bool settle_model(exchange *x)
{
    server *s = x->server;
    const char *name;
    size_t n;
    x->adapter = NULL;
    if (x->p.model.type != LLMC_JSON_NONE && x->p.model.type != LLMC_JSON_STRING) {
        fail(x, 400, "model", "model: a string is expected");
        return false;
    }
    name = keep_string(x, x->p.model, &n);
    if (s->set.n_loras > 0 && n > 0) {
        x->adapter = find_adapter(s, name);
        if (x->adapter == NULL && strcmp(name, s->name) != 0 && strcmp(name, s->embed.name) != 0) {
            fail(x, 404, "model", "there is no model of that name here; see /v1/models");
            return false;
        }
    }
    if (x->adapter != NULL)
        x->lora_scale = x->adapter->scale;
    return settle_lora(x);
}

/* Sampling out of what the body said. */
static bool settle_sample(exchange *x)
{
    params *p = &x->p;
    llmc_json key, value;
    llmc_json_iter it = {NULL, false};
    llmc_logit_bias *bias;
    llmc_diag diag;
    size_t n_tokens = llmc_tokenizer_count(x->server->tok);
    p->sample.top_k = p->top_k > 0 ? (uint32_t)p->top_k : 0;
    p->sample.penalty_window = p->repeat_last_n < 0 ? UINT32_MAX : (uint32_t)p->repeat_last_n;
    if (p->repeat_last_n == 0)
        p->sample.repeat_penalty = p->sample.frequency_penalty = p->sample.presence_penalty = 0;
    if (!p->do_sample)
        p->sample.temperature = 0;
    p->sample.seed = p->seed != -1 ? (uint64_t)p->seed : (x->server->seeds += 0x9e3779b97f4a7c15u);
    if (p->logit_bias.type != LLMC_JSON_NONE) {
        bool object = p->logit_bias.type == LLMC_JSON_OBJECT;
        bias = (llmc_logit_bias *)keep(x, (json_len(p->logit_bias) / 4 + 1) * sizeof *bias);
        p->sample.bias = bias;
        while ((object || p->logit_bias.type == LLMC_JSON_ARRAY) &&
               llmc_json_next(p->logit_bias, &it, &key, &value)) {
            char word[24], *end = word;
            double id = -1, add = NAN;
            llmc_json_iter pair = {NULL, false};
            llmc_json part;
            if (object && llmc_json_string(key, word, sizeof word) < sizeof word && word[0] != 0) {
                id = strtod(word, &end);
                if (*end != 0)
                    id = -1;
                add = llmc_json_number(value, NAN);
            } else if (!object && llmc_json_next(value, &pair, NULL, &part)) {
                id = llmc_json_number(part, -1);
                if (llmc_json_next(value, &pair, NULL, &part))
                    add = part.type == LLMC_JSON_BOOL ? -INFINITY : llmc_json_number(part, NAN);
            }
            if (!(id >= 0 && id < (double)n_tokens && is_whole(id)) || !(add <= 1e4)) {
                fail(x, 400, "logit_bias", "logit_bias: a token's id (below %zu) and a number are expected",
                     n_tokens);
                return false;
            }
            bias[p->sample.n_bias].token = (llmc_token)id;
            bias[p->sample.n_bias++].bias = (float)add;
        }
    }
    if (llmc_sample_check(&p->sample, &diag) != LLMC_OK) {
        fail(x, 400, NULL, "%s", diag.message);
        return false;
    }
    return true;
}

/* Stop strings into opt. */
static bool settle_stops(exchange *x, llmc_seq_options *opt)
{
    llmc_json v = x->p.stop, one = v;
    llmc_json_iter it = {NULL, false};
    const char **list = (const char **)keep(x, MOST_STOPS * sizeof *list);
    bool many = v.type == LLMC_JSON_ARRAY;
    size_t n;
    if (v.type == LLMC_JSON_NONE)
        return true;
    opt->stop = list;
    while (!many || llmc_json_next(v, &it, NULL, &one)) {
        const char *word = one.type == LLMC_JSON_STRING ? keep_string(x, one, &n) : NULL;
        if (word == NULL || opt->n_stop == MOST_STOPS || n > LLMC_STOP_MAX || strlen(word) != n) {
            fail(x, 400, "stop", "stop: at most %d strings of at most %d bytes are expected", MOST_STOPS,
                 LLMC_STOP_MAX);
            return false;
        }
        if (n > 0)
            list[opt->n_stop++] = word;
        if (!many)
            break;
    }
    return true;
}

/* logprobs: true and top_logprobs in chats, a number in /v1/completions, n_probs in llama.cpp's. */
static bool settle_probs(exchange *x, bool *wants, uint32_t *n_top)
{
    params *p = &x->p;
    double n = llmc_json_number(p->logprobs, -1);
    *wants = false;
    *n_top = 0;
    if (x->route->kind == API_CHAT) {
        if (p->logprobs.type != LLMC_JSON_NONE && p->logprobs.type != LLMC_JSON_BOOL) {
            fail(x, 400, "logprobs", "logprobs: true or false is expected");
            return false;
        }
        *wants = llmc_json_bool(p->logprobs, false);
        *n_top = (uint32_t)p->top_logprobs;
        if (*n_top > 0 && !*wants) {
            fail(x, 400, "top_logprobs", "top_logprobs needs logprobs: true");
            return false;
        }
    } else if (x->route->kind == API_TEXT && p->logprobs.type != LLMC_JSON_NONE) {
        if (!(n >= 0 && n <= MOST_TOP && is_whole(n))) {
            fail(x, 400, "logprobs", "logprobs: a whole number between 0 and %d is expected", MOST_TOP);
            return false;
        }
        *wants = true;
        *n_top = (uint32_t)n;
    } else if (x->route->kind == API_LLAMA) {
        *wants = p->n_probs > 0;
        *n_top = (uint32_t)p->n_probs;
    }
    return true;
}

/* A state for one choice; NULL: no room, diag says why. */
static llmc_grammar_state *make_state(const rules *r, void **memory, llmc_diag *diag)
{
    llmc_grammar_state *state = NULL;
    size_t bytes = 0;
    if (llmc_grammar_state_need(r->grammar, NULL, &bytes, diag) != LLMC_OK)
        return NULL;
    *memory = grow(NULL, bytes);
    return llmc_grammar_state_init(&state, r->grammar, NULL, *memory, bytes, diag) == LLMC_OK ? state : NULL;
}

/* The parser that takes the choice's text apart; the prompt's end tells it what is open already, a thought
   for example. tools: what may be called, for formats whose calls need it. False: answered. */
static bool make_reply(choice *c, const plan *pl, const text *rendered, const char *tools)
{
    llmc_reply_options opt;
    llmc_diag diag;
    memset(&opt, 0, sizeof opt);
    opt.format = pl->reply;
    opt.prompt = rendered->data;
    opt.prompt_len = rendered->len;
    if (tools != NULL) {
        opt.tools = tools;
        opt.tools_len = strlen(tools);
    }
    c->reply_memory = grow(NULL, llmc_reply_need());
    if (llmc_reply_init(&c->reply, &opt, c->reply_memory, llmc_reply_need(), &diag) == LLMC_OK)
        return true;
    fail(c->x, 400, "tools", "%s", diag.message);
    return false;
}

/* All that one answer needs besides its tokens. It has its own seed, so that n answers differ, and its own
   states of grammars that are shared. False: answered. */
static bool make_choice(choice *c, plan *pl, const llmc_seq_options *opt, const text *rendered,
                        const char *tools)
{
    llmc_diag diag;
    exchange *x = c->x;
    c->sample = x->p.sample;
    c->sample.seed += c->index;
    c->opt = *opt;
    c->opt.sample = &c->sample;
    c->opt.user = c;
    c->trigger = pl->trigger;
    c->lazy_once = pl->lazy_once;
    put(&c->content, "", 0);
    if (rendered != NULL && !make_reply(c, pl, rendered, tools))
        return false;
    lock_take(&x->server->lock); /* each choice is a user */
    if (pl->bound != NULL)
        (c->rules = pl->bound)->users++;
    if (pl->lazy != NULL)
        (c->lazy_rules = pl->lazy)->users++;
    lock_give(&x->server->lock);
    if ((pl->bound != NULL && (c->opt.grammar = make_state(pl->bound, &c->grammar_memory, &diag)) == NULL) ||
        (pl->lazy != NULL && (c->lazy = make_state(pl->lazy, &c->lazy_memory, &diag)) == NULL)) {
        fail(x, 400, "response_format", "%s", diag.message);
        return false;
    }
    if (c->n_top > 0 || c->lazy != NULL) {
        c->opt.chooser.fn = on_choose;
        c->opt.chooser.user = c;
    }
    return true;
}

/* Most tokens of an answer, out of the body's and the server's limits. */
static bool settle_length(exchange *x, llmc_seq_options *opt)
{
    int64_t most = x->p.max_tokens, limit = x->server->set.predict;
    if (most == 0 && x->route->kind != API_LLAMA) {
        fail(x, 400, "max_tokens", "max_tokens: at least 1 is expected");
        return false;
    }
    if (most == 0) /* llama.cpp: only the prompt is computed; one token more is as good */
        most = 1;
    if (x->route->kind == API_RUST && most > 2048) /* claude-rust's own limit */
        most = 2048;
    if (limit > 0 && (most < 0 || most > limit))
        most = limit;
    opt->max_tokens = most < 0 ? 0 : (uint32_t)most;
    return true;
}

/* Prompts are there: n choices for each, as the plan says. rendered: of a conversation, else NULL. */
static bool make_choices(exchange *x, plan *pl, const text *rendered)
{
    llmc_seq_options opt;
    size_t n = (size_t)x->p.n, total = n * x->n_prompts, i;
    uint32_t n_top;
    bool wants;
    const char *tools = NULL;
    memset(&opt, 0, sizeof opt);
    if (!settle_sample(x) || !settle_stops(x, &opt) || !settle_probs(x, &wants, &n_top) ||
        !settle_length(x, &opt))
        return false;
    if (total > (size_t)x->server->set.slots + x->server->set.queue) {
        fail(x, 400, "n", "%zu answers at once are more than this server takes", total);
        return false;
    }
    opt.ignore_end = x->p.ignore_eos;
    if (x->adapter != NULL) {
        opt.lora = x->adapter->host.lora;
        opt.lora_scale = x->lora_scale;
    }
    opt.show_special = rendered != NULL && llmc_reply_wants_special(pl->reply);
    if (pl->tools != TOOLS_NONE) {
        char *copy = (char *)keep(x, pl->tools_json.len + 1);
        memcpy(copy, pl->tools_json.data, pl->tools_json.len + 1);
        tools = copy;
    }
    x->choices = (choice *)keep(x, total * sizeof(choice));
    memset(x->choices, 0, total * sizeof(choice));
    for (i = 0; i < total; i++) {
        choice *c = &x->choices[x->n_choices++];
        c->x = x;
        c->index = (uint32_t)i;
        c->prompt = &x->prompts[i / n];
        c->wants_probs = wants;
        c->n_top = n_top;
        if (!make_choice(c, pl, &opt, rendered, tools))
            return false;
    }
    return true;
}

/* ---- the reader: endpoints, and its loop ---- */
/* One read_ for each kind of endpoint, from params to submit or answer. In all of them x is no longer the
   caller's when they return. */

/* What an answer with `echo` begins with. */
static void echo_prompts(exchange *x)
{
    size_t i;
    llmc_decode_options opt;
    memset(&opt, 0, sizeof opt);
    for (i = 0; i < x->n_choices; i++) {
        choice *c = &x->choices[i];
        size_t n = 0;
        text t = {NULL, 0, 0};
        (void)llmc_decode(x->server->tok, c->prompt->ids, c->prompt->n, &opt, NULL, 0, &n, NULL);
        t.data = (char *)grow(NULL, n + 1);
        if (llmc_decode(x->server->tok, c->prompt->ids, c->prompt->n, &opt, t.data, n, &n, NULL) == LLMC_OK)
            say_text(c, t.data, n);
        free(t.data);
    }
}

/* Prompts as they stand: /v1/completions, /completion, /generate. */
static bool read_text_request(exchange *x, plan *pl)
{
    llmc_encode_options enc;
    params *p = &x->p;
    memset(&enc, 0, sizeof enc);
    enc.add_bos = llmc_tokenizer_adds_bos(x->server->tok);
    enc.parse_special = x->route->kind != API_RUST; /* who writes templates by hand */
    if (x->route->kind == API_RUST && p->prompt.type != LLMC_JSON_STRING) {
        fail(x, 400, "prompt", "prompt: a string is expected");
        return false;
    }
    if (p->suffix.type == LLMC_JSON_STRING && llmc_json_string(p->suffix, NULL, 0) > 0) {
        fail(x, 400, "suffix", "suffix: filling in is not supported");
        return false;
    }
    if (p->best_of > p->n) {
        fail(x, 400, "best_of", "best_of: more than n is not supported");
        return false;
    }
    if (p->echo && p->logprobs.type != LLMC_JSON_NONE) {
        fail(x, 400, "echo", "echo: not with logprobs");
        return false;
    }
    if (p->echo && p->stream) {
        fail(x, 400, "echo", "echo: not with stream");
        return false;
    }
    return add_prompts(x, p->prompt, &enc, "prompt") && bind_answer(x, pl) && make_choices(x, pl, NULL);
}

/* A conversation: /v1/chat/completions, and what /v1/responses has made one. */
static bool read_chat_request(exchange *x, plan *pl)
{
    text rendered = {NULL, 0, 0};
    bool ok;
    put(&rendered, "", 0);
    x->prompts = (prompt *)keep(x, sizeof *x->prompts);
    ok = choose_tools(x, pl) && bind_answer(x, pl) && add_conversation(x, pl, &rendered) &&
         make_choices(x, pl, &rendered);
    drop_text(&rendered);
    return ok;
}

/* A call of an earlier answer, one of the array "tool_calls". False: answered. */
static bool put_input_call(exchange *x, text *t, llmc_json item)
{
    llmc_json id = llmc_json_get(item, "call_id"), name = llmc_json_get(item, "name");
    llmc_json arguments = llmc_json_get(item, "arguments");
    if (id.type != LLMC_JSON_STRING || name.type != LLMC_JSON_STRING || arguments.type != LLMC_JSON_STRING) {
        fail(x, 400, "input", "input: a function_call has call_id, name and arguments, all strings");
        return false;
    }
    puts_to(t, "{\"type\":\"function\",\"id\":");
    put_value(t, id);
    puts_to(t, ",\"function\":{\"name\":");
    put_value(t, name);
    puts_to(t, ",\"arguments\":");
    put_value(t, arguments);
    puts_to(t, "}}");
    return true;
}

/* A message, or what a tool has said. */
static bool put_input_message(exchange *x, text *t, llmc_json item)
{
    llmc_json type = llmc_json_get(item, "type"), role = llmc_json_get(item, "role");
    llmc_json id = llmc_json_get(item, "call_id"), content = llmc_json_get(item, "content");
    if (llmc_json_equal(type, "function_call_output")) {
        content = llmc_json_get(item, "output");
        if (id.type != LLMC_JSON_STRING ||
            (content.type != LLMC_JSON_STRING && content.type != LLMC_JSON_ARRAY)) {
            fail(x, 400, "input", "input: a function_call_output has call_id and output");
            return false;
        }
        puts_to(t, "{\"role\":\"tool\",\"tool_call_id\":");
        put_value(t, id);
    } else if (type.type == LLMC_JSON_NONE || llmc_json_equal(type, "message")) {
        if (role.type != LLMC_JSON_STRING || content.type == LLMC_JSON_NONE) {
            fail(x, 400, "input", "input: a message has role and content");
            return false;
        }
        puts_to(t, "{\"role\":");
        put_value(t, role);
    } else {
        fail(x, 400, "input", "input: messages, function calls and their outputs are understood");
        return false;
    }
    puts_to(t, ",\"content\":");
    put_value(t, content);
    puts_to(t, "}");
    return true;
}

/* Items of /v1/responses as messages of a chat: calls that follow each other are one message's. False:
   answered. */
static bool put_input(exchange *x, text *t)
{
    llmc_json item, type, input = x->p.input;
    llmc_json_iter it = {NULL, false};
    bool calls = false, call; /* the message written last is an assistant's with calls, still open */
    put(t, "[", 1);
    if (x->p.instructions.type == LLMC_JSON_STRING) {
        puts_to(t, "{\"role\":\"system\",\"content\":");
        put_value(t, x->p.instructions);
        puts_to(t, "}");
    }
    if (input.type == LLMC_JSON_STRING) {
        separate(t);
        puts_to(t, "{\"role\":\"user\",\"content\":");
        put_value(t, input);
        puts_to(t, "}]");
        return true;
    }
    while (input.type == LLMC_JSON_ARRAY && llmc_json_next(input, &it, NULL, &item)) {
        type = llmc_json_get(item, "type");
        if (llmc_json_equal(type, "reasoning"))
            continue;
        call = llmc_json_equal(type, "function_call");
        if (calls && !call)
            puts_to(t, "]}");
        separate(t);
        if (call && !calls)
            puts_to(t, "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[");
        calls = call;
        if (!(call ? put_input_call(x, t, item) : put_input_message(x, t, item)))
            return false;
    }
    puts_to(t, calls ? "]}]" : "]");
    if (input.type == LLMC_JSON_ARRAY)
        return true;
    fail(x, 400, "input", "input: a string or an array is expected");
    return false;
}

/* Items become messages; from there on it is a chat. False: answered. */
static bool read_responses_request(exchange *x, plan *pl)
{
    text t = {NULL, 0, 0};
    bool ok;
    if (x->p.previous.type == LLMC_JSON_STRING) {
        fail(x, 400, "previous_response_id",
             "previous_response_id: nothing is stored here; send the whole input");
        return false;
    }
    ok = put_input(x, &t);
    if (ok) {
        x->p.messages = parse_again(t.data, t.len);
        ok = read_chat_request(x, pl);
    }
    drop_text(&t);
    return ok;
}

/* Decodes a request that generates, and hands it to the engine's thread. x is no longer the caller's. */
static void read_generation(exchange *x)
{
    server *s = x->server;
    plan pl;
    bool ok;
    memset(&pl, 0, sizeof pl);
    x->stream = x->p.stream || (x->route->kind == API_RUST && strstr(x->route->path, "stream") != NULL);
    x->usage = llmc_json_bool(llmc_json_get(x->p.stream_options, "include_usage"), false);
    if (only_embeds(s)) {
        fail(x, 501, NULL, "the model only embeds texts");
        return;
    }
    if (!settle_model(x))
        return;
    if (x->route->kind == API_CHAT)
        ok = read_chat_request(x, &pl);
    else if (x->route->kind == API_RESPONSES)
        ok = read_responses_request(x, &pl);
    else
        ok = read_text_request(x, &pl);
    if (ok) { /* else x is no longer ours */
        if (x->p.echo)
            echo_prompts(x);
        drop_text(&x->body);
        (void)submit(x, x->n_choices);
    }
    drop_text(&pl.tools_json);
    release_rules(s, pl.bound); /* each choice has a claim of its own */
    release_rules(s, pl.lazy);
}

/* The query, then the documents: all of them prompts. False: answered. */
static bool add_rerank(exchange *x, const llmc_encode_options *enc)
{
    params *p = &x->p;
    text both = {NULL, 0, 0};
    llmc_json one;
    llmc_json_iter it = {NULL, false};
    bool ok = p->query.type == LLMC_JSON_STRING && p->documents.type == LLMC_JSON_ARRAY;
    put(&both, "[", 1);
    put_value(&both, p->query);
    while (ok && llmc_json_next(p->documents, &it, NULL, &one)) {
        llmc_json words = one.type == LLMC_JSON_OBJECT ? llmc_json_get(one, "text") : one;
        ok = words.type == LLMC_JSON_STRING;
        puts_to(&both, ",");
        put_value(&both, words);
    }
    puts_to(&both, "]");
    if (!ok || !it.started) {
        fail(x, 400, "documents", "a string query and an array of documents, texts, are expected");
        ok = false;
    } else {
        p->input = parse_again(both.data, both.len);
        ok = add_prompts(x, p->input, enc, "documents");
        if (ok && x->n_prompts < 2) {
            fail(x, 400, "documents", "documents: at least one is expected");
            ok = false;
        }
    }
    drop_text(&both);
    return ok;
}

/* /v1/embeddings and /rerank. x is no longer the caller's. */
static void read_embed(exchange *x)
{
    server *s = x->server;
    const llmc_config *c = llmc_model_config(s->embed.model);
    llmc_encode_options enc;
    params *p = &x->p;
    memset(&enc, 0, sizeof enc);
    enc.add_eos = c->bidirectional; /* encoders want both their tokens around a text */
    enc.add_bos = enc.add_eos || llmc_tokenizer_adds_bos(s->embed.tok);
    if (!settle_model(x))
        return;
    if (x->adapter != NULL) {
        fail(x, 400, "model", "model: vectors are the model's own; %s is an adapter", x->adapter->name);
        return;
    }
    if (p->dimensions > (int64_t)c->n_embd) {
        fail(x, 400, "dimensions", "dimensions: the vectors of %s have %u", s->embed.name,
             (unsigned)c->n_embd);
        return;
    }
    if (p->encoding.type != LLMC_JSON_NONE && !llmc_json_equal(p->encoding, "float") &&
        !llmc_json_equal(p->encoding, "base64")) {
        fail(x, 400, "encoding_format", "encoding_format: float or base64 is expected");
        return;
    }
    x->base64 = llmc_json_equal(p->encoding, "base64");
    if (!(x->route->kind == API_RERANK ? add_rerank(x, &enc) : add_prompts(x, p->input, &enc, "input")))
        return;
    drop_text(&x->body);
    (void)submit(x, x->n_prompts / 64 + 1);
}

/* claude-rust's {"text"} -> {"ids"}, llama.cpp's {"content"} -> {"tokens"}. */
static void read_tokenize(exchange *x)
{
    params *p = &x->p;
    bool ours = p->text.type == LLMC_JSON_STRING;
    llmc_json v = ours ? p->text : p->content;
    llmc_encode_options enc;
    const char *words;
    text t = {NULL, 0, 0};
    size_t n, i;
    if (v.type != LLMC_JSON_STRING) {
        fail(x, 400, "text", "text (or llama.cpp's content): a string is expected");
        return;
    }
    memset(&enc, 0, sizeof enc);
    enc.add_bos = !ours && p->add_special && llmc_tokenizer_adds_bos(x->server->tok);
    enc.parse_special = !ours;
    words = keep_string(x, v, &n);
    x->prompts = (prompt *)keep(x, sizeof *x->prompts);
    memset(x->prompts, 0, sizeof *x->prompts);
    if (n > 0 && !add_prompt(x, words, n, &enc, ours ? "text" : "content"))
        return;
    puts_to(&t, ours ? "{\"ids\":[" : "{\"tokens\":[");
    for (i = 0; i < x->prompts[0].n; i++) {
        char bytes[1024];
        separate(&t);
        putf(&t, !ours && p->with_pieces ? "{\"id\":%d,\"piece\":" : "%d", (int)x->prompts[0].ids[i]);
        if (ours || !p->with_pieces)
            continue;
        put_string(&t, bytes, token_bytes(x->server, x->prompts[0].ids[i], bytes, sizeof bytes));
        puts_to(&t, "}");
    }
    puts_to(&t, "]}");
    answer(x, &t);
}

/* claude-rust's {"ids"} -> {"text"}, llama.cpp's {"tokens"} -> {"content"}. */
static void read_detokenize(exchange *x)
{
    params *p = &x->p;
    bool ours = p->ids.type == LLMC_JSON_ARRAY;
    llmc_json v = ours ? p->ids : p->tokens;
    llmc_decode_options opt;
    llmc_diag diag;
    text t = {NULL, 0, 0}, words = {NULL, 0, 0};
    llmc_json_iter it = {NULL, false};
    llmc_json one;
    if (v.type != LLMC_JSON_ARRAY) {
        fail(x, 400, "ids", "ids (or llama.cpp's tokens): an array is expected");
        return;
    }
    memset(&opt, 0, sizeof opt);
    put(&words, "", 0);
    if (llmc_json_next(v, &it, NULL, &one)) {
        x->prompts = (prompt *)keep(x, sizeof *x->prompts);
        if (!add_ids(x, v, ours ? "ids" : "tokens")) {
            drop_text(&words);
            return;
        }
        (void)llmc_decode(x->server->tok, x->prompts[0].ids, x->prompts[0].n, &opt, NULL, 0, &words.len,
                          &diag);
        words.data = (char *)grow(words.data, words.len + 1);
        words.cap = words.len + 1;
        if (llmc_decode(x->server->tok, x->prompts[0].ids, x->prompts[0].n, &opt, words.data, words.len,
                        &words.len, &diag) != LLMC_OK) {
            drop_text(&words);
            fail(x, 400, "ids", "%s", diag.message);
            return;
        }
    }
    put_json(&t, ours ? "{\"text\":%t}" : "{\"content\":%t}", &words);
    drop_text(&words);
    answer(x, &t);
}

/* The prompt that a conversation becomes, as text. */
static void read_template(exchange *x)
{
    plan pl;
    text rendered = {NULL, 0, 0}, t = {NULL, 0, 0}, schema = {NULL, 0, 0};
    memset(&pl, 0, sizeof pl);
    put(&rendered, "", 0);
    if (choose_tools(x, &pl) && (pl.tools == TOOLS_NONE || put_tools(x, &pl, "arguments", &schema)) &&
        add_conversation(x, &pl, &rendered)) {
        put_json(&t, "{\"prompt\":%t}", &rendered);
        answer(x, &t);
    }
    drop_text(&schema);
    drop_text(&pl.tools_json);
    drop_text(&rendered);
}

/* One request, decoded. */
static void read_request(exchange *x)
{
    if (x->route->kind == API_SLOTS || (x->route->kind == API_SESSION && x->body.len == 0)) {
        (void)submit(x, 0); /* erase needs no body; the others will miss their filename */
        return;
    }
    if (!take_body(x))
        return;
    switch (x->route->kind) {
    case API_EMBED:
    case API_RERANK:
        read_embed(x);
        break;
    case API_TOKENIZE:
        read_tokenize(x);
        break;
    case API_DETOKENIZE:
        read_detokenize(x);
        break;
    case API_TEMPLATE:
        read_template(x);
        break;
    case API_SESSION:
        (void)submit(x, 0); /* the body's views live on with it */
        break;
    default:
        read_generation(x);
        break;
    }
}

/* Decodes one request after the other until the server stops. */
static void reader_main(void *arg)
{
    server *s = (server *)arg;
    text none = {NULL, 0, 0};
    for (;;) {
        exchange *x;
        bool stop;
        lock_take(&s->lock);
        while (s->to_read.first == NULL && !s->stop)
            condition_wait(&s->for_reader, &s->lock, 1000);
        x = s->to_read.first;
        stop = s->stop;
        if (x != NULL) {
            s->to_read.first = x->next;
            if (x->next == NULL)
                s->to_read.last = NULL;
            stop = x->gone;
        }
        lock_give(&s->lock);
        if (x == NULL)
            return;
        if (stop)
            deliver(x, &none, true); /* nobody waits for it */
        else
            read_request(x);
    }
}

/* ---- answers of the network's thread ---- */
/* What is known without reading a body, from figures under the lock and from what does not change: none of
   these takes long, since all connections wait meanwhile. */

/* For whoever balances load: 503 once the server is about to end. */
static void show_health(exchange *x)
{
    server *s = x->server;
    text t = {NULL, 0, 0};
    bool closing;
    lock_take(&s->lock);
    closing = s->closing;
    lock_give(&s->lock);
    put_json(&t, "{\"status\":%s,\"model\":%s}", closing ? "shutting down" : "ok", s->name);
    answer_as(x, closing ? 503 : 200, "application/json", &t, NULL);
}

/* As /v1/models lists it, with llama.cpp's figures. */
static void put_model(text *t, const server *s, const char *name, const llmc_model *model)
{
    const llmc_config *c = llmc_model_config(model);
    separate(t);
    put_json(t,
             "{\"id\":%s,\"object\":\"model\",\"created\":%d,\"owned_by\":\"llmc\",\"meta\":{\"n_vocab\":%d,"
             "\"n_ctx_train\":%d,\"n_embd\":%d,\"size\":%d}}",
             name, (int64_t)s->started, (int64_t)c->vocab_size, (int64_t)c->context_length,
             (int64_t)c->n_embd, (int64_t)llmc_model_weight_bytes(model));
}

/* The same for an adapter; parent: what it is for, as vLLM has it. */
static void put_adapter(text *t, const server *s, const adapter *a)
{
    llmc_lora_info info;
    llmc_lora_about(a->host.lora, &info);
    separate(t);
    put_json(t,
             "{\"id\":%s,\"object\":\"model\",\"created\":%d,\"owned_by\":\"llmc\",\"parent\":%s,\"meta\":{"
             "\"rank\":%d,\"size\":%d}}",
             a->name, (int64_t)s->started, s->name, (int64_t)info.rank, (int64_t)info.weights * 4);
}

/* The model, its adapters, and the one that makes vectors if that is another. */
static void show_models(exchange *x)
{
    const server *s = x->server;
    text t = {NULL, 0, 0};
    size_t i;
    puts_to(&t, "{\"object\":\"list\",\"data\":[");
    put_model(&t, s, s->name, s->host.model);
    for (i = 0; i < s->set.n_loras; i++)
        put_adapter(&t, s, &s->adapters[i]);
    if (s->embed.model != s->host.model)
        put_model(&t, s, s->embed.name, s->embed.model);
    puts_to(&t, "]}");
    answer(x, &t);
}

/* llama.cpp's list of adapters. Theirs are on or off for everybody; here `scale` is what a request gets that
   asks for one by its name. */
static void show_adapters(exchange *x)
{
    const server *s = x->server;
    text t = {NULL, 0, 0};
    size_t i;
    puts_to(&t, "[");
    for (i = 0; i < s->set.n_loras; i++) {
        const adapter *a = &s->adapters[i];
        separate(&t);
        put_json(&t, "{\"id\":%d,\"name\":%s,\"path\":", (int64_t)i, a->name);
        put_string(&t, a->file, a->file_len);
        put_json(&t, ",\"scale\":%g}", (double)a->scale);
    }
    puts_to(&t, "]");
    answer(x, &t);
}

/* One of them by its name. */
static void show_model(exchange *x)
{
    const server *s = x->server;
    const char *asked = x->target + strlen("/v1/models/");
    text t = {NULL, 0, 0};
    const adapter *a = find_adapter(s, asked);
    bool ours = strcmp(asked, s->name) == 0, other = strcmp(asked, s->embed.name) == 0;
    if (a == NULL && !ours && !other) {
        fail(x, 404, "model", "there is no model of that name here; see /v1/models");
        return;
    }
    if (a != NULL)
        put_adapter(&t, s, a);
    else
        put_model(&t, s, asked, ours ? s->host.model : s->embed.model);
    answer(x, &t);
}

/* llama.cpp's, without paths. */
static void show_props(exchange *x)
{
    server *s = x->server;
    const llmc_sample_options *o = &s->set.sample;
    text t = {NULL, 0, 0}, chat = {NULL, 0, 0};
    put(&chat, s->chat_template, s->chat_template_len);
    put_json(&t,
             "{\"default_generation_settings\":{\"n_ctx\":%d,\"params\":{\"temperature\":%g,\"top_k\":%d,"
             "\"top_p\":%g,"
             "\"min_p\":%g,\"repeat_penalty\":%g,\"n_predict\":%d}},\"total_slots\":%d,\"model_alias\":%s,"
             "\"model_path\":%s,",
             (int64_t)s->context, (double)o->temperature, (int64_t)o->top_k, (double)o->top_p,
             (double)o->min_p, (double)o->repeat_penalty, s->set.predict > 0 ? (int64_t)s->set.predict : -1,
             (int64_t)s->set.slots, s->name, s->name);
    put_json(&t,
             "\"modalities\":{\"vision\":false,\"audio\":false},\"chat_template\":%t,\"bos_token\":%s,\"eos_"
             "token\":%s,"
             "\"build_info\":%s}",
             &chat, s->bos, s->eos, fingerprint);
    drop_text(&chat);
    answer(x, &t);
}

/* One figure, with the two lines that Prometheus wants before it. */
static void put_metric(text *t, const char *name, const char *type, const char *help, double v)
{
    putf(t, "# HELP llamacpp:%s %s\n# TYPE llamacpp:%s %s\nllamacpp:%s %.9g\n", name, help, name, type, name,
         v);
}

/* Prometheus' text format, under llama.cpp's names. */
static void show_metrics(exchange *x)
{
    server *s = x->server;
    text t = {NULL, 0, 0};
    counters c;
    lock_take(&s->lock);
    c = s->count;
    lock_give(&s->lock);
    put_metric(&t, "prompt_tokens_total", "counter", "Prompt tokens computed.", (double)c.prompt_tokens);
    put_metric(&t, "prompt_tokens_cached_total", "counter", "Prompt tokens found in the cache.",
               (double)c.cached_tokens);
    put_metric(&t, "prompt_seconds_total", "counter", "Time to first tokens.", c.prompt_seconds);
    put_metric(&t, "tokens_predicted_total", "counter", "Tokens generated.", (double)c.generated);
    put_metric(&t, "tokens_predicted_seconds_total", "counter", "Time of generating.", c.generate_seconds);
    put_metric(&t, "n_decode_total", "counter", "Steps of the engine.", (double)c.steps);
    put_metric(&t, "n_busy_slots_per_decode", "gauge", "Requests in a step.",
               c.steps > 0 ? (double)c.busy / (double)c.steps : 0);
    put_metric(&t, "prompt_tokens_seconds", "gauge", "Prompt tokens per second.",
               c.prompt_seconds > 0 ? (double)c.prompt_tokens / c.prompt_seconds : 0);
    put_metric(&t, "predicted_tokens_seconds", "gauge", "Tokens per second of one request.",
               c.generate_seconds > 0 ? (double)c.generated / c.generate_seconds : 0);
    put_metric(&t, "requests_processing", "gauge", "Requests that are computed.", (double)c.running);
    put_metric(&t, "requests_deferred", "gauge", "Requests that wait.", (double)c.waiting);
    put_metric(&t, "requests_total", "counter", "HTTP requests.", (double)c.requests);
    put_metric(&t, "requests_cancelled_total", "counter", "Requests whose client left.", (double)c.cancelled);
    put_metric(&t, "requests_refused_total", "counter", "Requests refused for load.", (double)c.refused);
    answer_as(x, 200, "text/plain; version=0.0.4; charset=utf-8", &t, NULL);
}

static void show_page(exchange *x);

static const route routes[] = {
    {"GET", "/health", API_NONE, show_health, true},
    {"GET", "/v1/health", API_NONE, show_health, true},
    {"GET", "/", API_NONE, show_page, true},
    {"GET", "/v1/models", API_NONE, show_models, false},
    {"GET", "/models", API_NONE, show_models, false},
    {"GET", "/v1/models/", API_NONE, show_model, false}, /* and a name */
    {"GET", "/lora-adapters", API_NONE, show_adapters, false},
    {"GET", "/props", API_NONE, show_props, false},
    {"GET", "/metrics", API_NONE, show_metrics, false},
    {"GET", "/slots", API_SLOTS, NULL, false},
    {"POST", "/slots/", API_SESSION, NULL, false}, /* and a number */
    {"POST", "/v1/chat/completions", API_CHAT, NULL, false},
    {"POST", "/chat/completions", API_CHAT, NULL, false},
    {"POST", "/v1/completions", API_TEXT, NULL, false},
    {"POST", "/v1/responses", API_RESPONSES, NULL, false},
    {"POST", "/v1/embeddings", API_EMBED, NULL, false},
    {"POST", "/embeddings", API_EMBED, NULL, false},
    {"POST", "/rerank", API_RERANK, NULL, false},
    {"POST", "/v1/rerank", API_RERANK, NULL, false},
    {"POST", "/completion", API_LLAMA, NULL, false},
    {"POST", "/completions", API_LLAMA, NULL, false},
    {"POST", "/generate", API_RUST, NULL, false},
    {"POST", "/generate_stream", API_RUST, NULL, false},
    {"POST", "/tokenize", API_TOKENIZE, NULL, false},
    {"POST", "/detokenize", API_DETOKENIZE, NULL, false},
    {"POST", "/apply-template", API_TEMPLATE, NULL, false},
};
enum { N_ROUTES = sizeof routes / sizeof routes[0] };

/* ---- connections ---- */
/* The network's thread: the only one that reads, writes, opens and closes sockets, and that owns a `conn`. A
   connection has at most one exchange in work; what comes meanwhile waits in `rest`, MOST_REST bytes of it. A
   conn is freed in settle alone, so that it may be looked at until the round is over. */

/* A client's connection; of the network's thread. */
struct conn {
    watch line;         /* first: what a wait finds is the connection */
    size_t at;          /* of network.conns */
    size_t held;        /* its part of network.held */
    conn *next_touched; /* in network.touched, if touched */
    bool touched;
    bool ended; /* what was taken of the exchange is the last of it */
    char address[64];
    http in;
    text rest; /* read, but not looked at yet: further requests */
    text out;
    size_t sent;              /* of out */
    exchange *x;              /* in work */
    uint64_t began, deadline; /* of the request being read; nanoseconds */
    uint64_t stuck;           /* when the client last took something */
    bool closing;             /* after out */
    bool draining; /* all is said; what still comes is read away, so that the client gets to read */
    bool dead, used;
    size_t body_bytes; /* of the request in work */
    text asked;        /* its body, for a log that wants it */
};

/* Who may still ask: a bucket that fills with `rate` drops a minute. */
typedef struct bucket {
    char who[72];
    double left;
    uint64_t at;
} bucket;

/* As many who ask are remembered; eight places for each, so that nobody can push out all others by many
   addresses that fall together. */
enum { N_BUCKETS = 4096, READ_PART = 16384, MOST_REST = 65536 };

/* What the network's thread has in hand. */
typedef struct network {
    server *s;
    poller poll;
    watch listener, waker;
    conn **conns; /* all of them, in no order */
    conn **news;  /* scratch of hear_all, as long as conns */
    size_t n, cap;
    conn *touched; /* on which something has happened since the last wait */
    bucket *buckets;
    uint64_t now, end; /* end: of the grace, 0 before */
    uint64_t tick;     /* when to look at all of them next */
    size_t held;       /* bytes of bodies, all connections */
    uint64_t deaf;     /* no new connections until then: there are no handles */
    bool logged;       /* since the log was last flushed */
} network;

#define SECONDS(n) ((uint64_t)(n)*1000000000u)

static volatile sig_atomic_t interrupted;

/* Only counts: the network's loop sees it, at the latest when its wait ends. */
#ifdef _WIN32
/* In a thread of its own. When the window closes, or the machine goes down, the process ends as this returns, else
   after some seconds: those are for finishing. */
static BOOL WINAPI on_console(DWORD event)
{
    interrupted++;
    if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT)
        Sleep(INFINITE);
    return TRUE;
}
#else
static void on_signal(int number)
{
    (void)number;
    interrupted++;
}
#endif

/* cancelled: the engine still has x, so only what has not changed since it came may be looked at. */
static void log_request(network *w, const conn *c, const exchange *x, bool cancelled)
{
    server *s = w->s;
    text t = {NULL, 0, 0};
    struct tm *tm = gmtime(&x->created);
    char when[32] = "";
    if (s->log == NULL)
        return;
    if (tm != NULL)
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", tm);
    put_json(&t, "{\"time\":%s,\"client\":%s,\"method\":%s,\"path\":%s,\"status\":%d,\"ms\":%g,\"bytes\":%d",
             when, c->address, x->method, x->target, cancelled ? 499 : (int64_t)x->status,
             (double)((w->now - x->arrived) / 1000) / 1e3, (int64_t)x->n_sent);
    if (!cancelled && x->n_prompt > 0)
        put_json(&t, ",\"prompt_tokens\":%d,\"cached_tokens\":%d,\"tokens\":%d", (int64_t)x->n_prompt,
                 (int64_t)x->n_cached, (int64_t)x->n_generated);
    if (!cancelled && x->adapter != NULL)
        put_json(&t, ",\"adapter\":%s", x->adapter->name);
    if (!cancelled && x->first > x->arrived)
        put_json(&t, ",\"first_ms\":%g", (double)((x->first - x->arrived) / 1000) / 1e3);
    if (cancelled)
        puts_to(&t, ",\"cancelled\":true");
    if (c->asked.len > 0)
        put_json(&t, ",\"body\":%t", &c->asked);
    puts_to(&t, "}\n");
    fwrite(t.data, 1, t.len, s->log);
    w->logged = true;
    drop_text(&t);
}

/* The exchange will never be heard of again by this connection. */
static void leave_exchange(network *w, conn *c)
{
    server *s = w->s;
    exchange *x = c->x, **at;
    bool ended;
    if (x == NULL)
        return;
    lock_take(&s->lock);
    ended = x->ended;
    x->gone = !ended;
    for (at = &s->ready; *at != NULL; at = &(*at)->next_ready)
        if (*at == x) {
            *at = x->next_ready;
            break;
        }
    condition_signal(&s->for_engine);
    if (!ended && s->log != NULL) /* the engine's thread may free it as soon as the lock is given */
        log_request(w, c, x, !ended);
    lock_give(&s->lock);
    c->x = NULL;
    if (ended)
        free_exchange(x);
}

/* The connection is over; what was being made for it is dropped by whoever has it. */
static void drop_conn(network *w, conn *c)
{
    w->held -= c->held;
    w->conns[c->at] = w->conns[--w->n];
    w->conns[c->at]->at = c->at;
    leave_exchange(w, c);
    poller_forget(&w->poll, &c->line);
    close_sock(c->line.s);
    http_reset(&c->in, 0);
    drop_text(&c->rest);
    drop_text(&c->out);
    drop_text(&c->asked);
    free(c);
}

/* Something has happened: settle looks at it before the next wait. */
static void touch(network *w, conn *c)
{
    if (!c->touched) {
        c->touched = true;
        c->next_touched = w->touched;
        w->touched = c;
    }
}

/* Everything is said: the other side gets two seconds to read it. */
static void drain(network *w, conn *c)
{
    c->draining = true;
    c->deadline = w->now + SECONDS(2);
    (void)SYS(shutdown)(c->line.s, SHUT_WR);
}

/* As much as the socket takes now. */
static void conn_write(network *w, conn *c)
{
    while (c->sent < c->out.len) {
        long n = sock_write(c->line.s, c->out.data + c->sent, c->out.len - c->sent);
        if (n == -2)
            return;
        if (n <= 0) {
            c->dead = true;
            return;
        }
        c->sent += (size_t)n;
        c->stuck = w->now;
    }
    c->out.len = c->sent = 0;
    if (c->out.cap > MOST_BACKLOG * 4)
        drop_text(&c->out);
    if (c->closing && !c->draining && c->x == NULL)
        drain(w, c);
}

static void next_request(network *w, conn *c);

/* Under the lock: takes what the exchange has for its client. False: nothing, or the client has to take first
   what it has got already. */
static bool take_news(network *w, conn *c)
{
    exchange *x = c->x;
    size_t n;
    if (x == NULL || c->dead || c->out.len - c->sent >= MOST_BACKLOG)
        return false;
    n = x->out.len;
    if (n > 0 && c->out.len == 0) { /* buffers go round: none is allocated for a token */
        text was = c->out;
        c->out = x->out;
        x->out = was;
        c->stuck = w->now;
    } else {
        put(&c->out, x->out.data, n);
    }
    x->out.len = 0;
    x->n_sent += n;
    c->ended = x->ended;
    if (n >= MOST_BACKLOG)
        condition_signal(&w->s->for_engine); /* it has waited for that */
    return true;
}

/* Hands on what was taken; the end of the exchange frees the connection for the next request. */
static void pass_news(network *w, conn *c)
{
    exchange *x = c->x;
    bool ended = c->ended;
    if (ended) {
        bool keep = x->keep;
        log_request(w, c, x, !ended);
        c->x = NULL;
        c->body_bytes = 0;
        drop_text(&c->asked);
        free_exchange(x);
        if (!keep) {
            c->closing = true;
        } else {
            http_reset(&c->in, (size_t)w->s->set.body_mb << 20);
            c->deadline = w->now + SECONDS(75);
            c->began = 0;
        }
    }
    conn_write(w, c);
    if (ended && c->out.len == 0 && !c->closing && !c->dead)
        next_request(w, c);
    touch(w, c);
}

/* Both, for a client that has just taken what there was. */
static void hear(network *w, conn *c)
{
    bool news;
    lock_take(&w->s->lock);
    news = take_news(w, c);
    lock_give(&w->s->lock);
    if (news)
        pass_news(w, c);
}

/* ---- who may ask ---- */
/* Keys, origins, rates: nothing here remembers more than N_BUCKETS who ask. */

/* Compares all of what was given, whatever differs first: how long that takes says nothing of the key but, at
   most, its length. */
static bool same_key(const char *key, const char *given)
{
    size_t n = strlen(key), m = strlen(given), i;
    unsigned char differ = n != m;
    for (i = 0; i < m; i++)
        differ |= (unsigned char)(given[i] ^ key[n > 0 ? i % n : 0]);
    return differ == 0;
}

/* 1 + the key's number; 0: none of ours. */
static size_t key_of(const server *s, const http *in)
{
    const char *given = in->header[H_API_KEY], *bearer = in->header[H_AUTHORIZATION];
    size_t found = 0, i;
    for (i = 0; bearer != NULL && i < 7 && lower(bearer[i]) == "bearer "[i]; i++)
        ;
    if (i == 7)
        given = bearer + 7 + strspn(bearer + 7, " ");
    for (i = 0; given != NULL && i < s->set.n_keys; i++)
        if (same_key(s->set.keys[i], given))
            found = i + 1;
    return found;
}

/* A page of another site is not let in unless --cors says so. Its own page may, under names that no other
   site can take: that of a rebound DNS entry would be its own, too. */
static bool origin_fits(const server *s, const http *in, bool *cors)
{
    const char *origin = in->header[H_ORIGIN], *host = in->header[H_HOST], *name;
    size_t i;
    *cors = false;
    if (origin == NULL)
        return true;
    for (i = 0; i < s->set.n_origins; i++)
        if (strcmp(s->set.origins[i], "*") == 0 || same_word(s->set.origins[i], origin)) {
            *cors = true;
            return true;
        }
    name = strstr(origin, "://");
    if (name == NULL || host == NULL || !same_word(name + 3, host))
        return false;
    if (s->set.n_keys > 0)
        return true;
    name = host;
    if (strncmp(name, "localhost", 9) == 0 && (name[9] == 0 || name[9] == ':'))
        return true;
    return name[0] == '[' || name[strspn(name, "0123456789.")] == 0 ||
           name[strspn(name, "0123456789.")] == ':';
}

/* False: this one has asked too often. */
static bool within_rate(network *w, const char *who)
{
    server *s = w->s;
    uint32_t hash = 2166136261u, i;
    bucket *b = NULL;
    double full = s->set.rate < 60 ? (s->set.rate > 0 ? (double)s->set.rate : 0) : 60; /* at once */
    const char *p;
    if (s->set.rate == 0)
        return true;
    if (w->buckets == NULL) {
        w->buckets = (bucket *)grow(NULL, N_BUCKETS * sizeof *w->buckets);
        memset(w->buckets, 0, N_BUCKETS * sizeof *w->buckets);
    }
    for (p = who; *p != 0; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619u;
    for (i = 0; i < 8; i++) { /* its own, else the one not used for longest */
        bucket *o = &w->buckets[(hash + i) % N_BUCKETS];
        if (strcmp(o->who, who) == 0) {
            b = o;
            break;
        }
        if (b == NULL || o->at < b->at)
            b = o;
    }
    if (strcmp(b->who, who) != 0) {
        snprintf(b->who, sizeof b->who, "%s", who);
        b->left = full;
    } else {
        b->left += (double)(w->now - b->at) / 60e9 * s->set.rate;
        b->left = b->left < full ? b->left : full;
    }
    b->at = w->now;
    if (b->left < 1)
        return false;
    b->left -= 1;
    return true;
}

/* ---- from requests to exchanges ---- */
/* A whole request becomes an exchange and goes its way: answered at once, or to the reader. */

/* NULL: nothing goes by that method and path; *allow: what goes by the path, NULL: nothing. */
static const route *find_route(const char *method, const char *path, const char **allow)
{
    static const route head = {"HEAD", "/health", API_NONE, show_health, true};
    int i;
    *allow = NULL;
    for (i = 0; i < N_ROUTES; i++) {
        const route *r = &routes[i];
        size_t n = strlen(r->path);
        bool named = n > 1 && r->path[n - 1] == '/'; /* more follows */
        if (named ? strncmp(path, r->path, n) != 0 || path[n] == 0 : strcmp(path, r->path) != 0)
            continue;
        *allow = r->fn == show_health ? "GET, HEAD" : r->method;
        if (strcmp(r->method, method) == 0)
            return r;
        if (strcmp(method, "HEAD") == 0 && r->fn == show_health)
            return &head;
    }
    return NULL;
}

/* For the request in c->in, or for what could not become one. */
static exchange *new_exchange(network *w, conn *c)
{
    server *s = w->s;
    exchange *x = (exchange *)grow(NULL, sizeof *x);
    char *query;
    memset(x, 0, sizeof *x);
    x->server = s;
    x->conn = c;
    x->number = ++s->numbers;
    x->arrived = w->now;
    x->created = time(NULL);
    x->old = c->in.old;
    x->keep = c->in.keep && w->end == 0;
    snprintf(x->method, sizeof x->method, "%s", c->in.method != NULL ? c->in.method : "?");
    if (c->in.target != NULL)
        snprintf(x->target, sizeof x->target, "%s", c->in.target);
    query = strchr(x->target, '?');
    if (query != NULL)
        *query++ = 0;
    x->query = query != NULL ? query : "";
    c->x = x;
    return x;
}

/* A request that is none, answered where it can be. */
static void refuse(network *w, conn *c, int status, const char *why)
{
    exchange *x = new_exchange(w, c);
    x->keep = false;
    c->in.step = HTTP_BAD;
    c->rest.len = 0;
    fail(x, status, NULL, "%s", why);
}

/* A browser asks whether a page may ask. */
static void answer_options(exchange *x)
{
    text none = {NULL, 0, 0};
    if (!x->cors) {
        fail(x, 403, NULL, "pages from elsewhere are not let in (--cors)");
        return;
    }
    answer_as(x, 204, NULL, &none,
              "Access-Control-Allow-Methods: GET, POST, OPTIONS\r\nAccess-Control-Allow-Headers: *, "
              "Authorization\r\n"
              "Access-Control-Max-Age: 86400\r\n");
}

/* Everything that has a body to decode. */
static void to_reader(exchange *x)
{
    server *s = x->server;
    lock_take(&s->lock);
    join_queue(&s->to_read, x);
    condition_signal(&s->for_reader);
    lock_give(&s->lock);
}

/* A whole request is in c->in. */
static void begin_request(network *w, conn *c)
{
    server *s = w->s;
    http *in = &c->in;
    exchange *x = new_exchange(w, c);
    char who[72];
    size_t key = key_of(s, in);
    bool fits = origin_fits(s, in, &x->cors);
    if (s->set.trust_proxy && in->header[H_FORWARDED] != NULL) {
        const char *last = strrchr(in->header[H_FORWARDED], ',');
        last = last != NULL ? last + 1 + strspn(last + 1, " \t") : in->header[H_FORWARDED];
        snprintf(c->address, sizeof c->address, "%s", last);
    }
    lock_take(&s->lock);
    s->count.requests++;
    lock_give(&s->lock);
    x->route = find_route(in->method, x->target, &x->allow);
    x->body = in->body;
    memset(&in->body, 0, sizeof in->body);
    c->body_bytes = x->body.len;
    if (s->set.log_prompts && s->log != NULL)
        put(&c->asked, x->body.data, x->body.len);
    if (strcmp(in->method, "OPTIONS") == 0)
        answer_options(x);
    else if (!fits)
        fail(x, 403, NULL, "pages from elsewhere are not let in (--cors)");
    else if (x->route == NULL && x->allow != NULL)
        fail(x, 405, NULL, "%s does not go with %s", in->method, x->target);
    else if (x->route == NULL)
        fail(x, 404, NULL, "there is no %s", x->target);
    else if (s->set.n_keys > 0 && key == 0 && !x->route->open)
        fail(x, 401, NULL, "an API key is expected: Authorization: Bearer KEY");
    else {
        if (key > 0)
            snprintf(who, sizeof who, "key %zu", key);
        else
            snprintf(who, sizeof who, "%s", c->address);
        if (!x->route->open && !within_rate(w, who))
            fail(x, 429, NULL, "more than %u requests a minute", (unsigned)s->set.rate);
        else if (x->route->fn != NULL)
            x->route->fn(x);
        else
            to_reader(x);
    }
}

/* Feeds what was read to the parser, and begins a request if one is complete. */
static void next_request(network *w, conn *c)
{
    size_t used;
    if (c->x != NULL || c->closing || c->rest.len == 0 || c->in.step == HTTP_BAD)
        return;
    if (c->began == 0) {
        c->began = w->now;
        c->deadline = w->now + SECONDS(w->s->set.timeout);
    }
    used = http_feed(&c->in, c->rest.data, c->rest.len);
    memmove(c->rest.data, c->rest.data + used, c->rest.len - used);
    c->rest.len -= used;
    if (c->in.step != HTTP_HEAD) /* a slow line gets more time for more bytes, at 16 kB/s */
        c->deadline = c->began + SECONDS(w->s->set.timeout + c->in.body.len / 16384);
    if (c->in.step == HTTP_BODY || c->in.step == HTTP_CHUNK_SIZE || c->in.step == HTTP_CHUNK_DATA) {
        if (w->held / 8 > (size_t)w->s->set.body_mb << 20)
            http_bad(&c->in, 503, "too many large requests at once; try again");
        else if (c->in.expects && c->in.body.len == 0 && c->rest.len == 0)
            puts_to(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
        c->in.expects = false;
    }
    if (c->in.step == HTTP_DONE)
        begin_request(w, c);
    else if (c->in.step == HTTP_BAD)
        refuse(w, c, c->in.status, c->in.why);
}

/* What has come, or that nothing will. */
static void conn_read(network *w, conn *c)
{
    char part[READ_PART];
    long n = sock_read(c->line.s, part, sizeof part);
    if (n == -2)
        return;
    if (n <= 0) { /* gone: what was being made for it is dropped */
        c->dead = n < 0 || c->x != NULL || c->out.len == 0 || c->draining;
        c->closing = true;
        return;
    }
    if (c->draining || c->closing)
        return;
    put(&c->rest, part, (size_t)n);
    c->used = true;
    next_request(w, c);
}

/* ---- the network's loop ---- */
/* wait, serve, hear what the other threads have, look at the clock, settle. All time limits are here: a request
   that does not arrive, a client that takes nothing (--timeout), an idle connection (75 s), the end (--grace). */

/* A connection for s. */
static conn *open_conn(network *w, sock s, const char *address)
{
    conn *c = (conn *)grow(NULL, sizeof *c);
    memset(c, 0, sizeof *c);
    c->line.s = s;
    snprintf(c->address, sizeof c->address, "%s", address);
    c->deadline = w->now + SECONDS(w->s->set.timeout);
    c->stuck = w->now;
    http_reset(&c->in, (size_t)w->s->set.body_mb << 20);
    if (w->n == w->cap) {
        w->cap = w->cap * 2 + 64;
        w->conns = (conn **)grow((void *)w->conns, w->cap * sizeof *w->conns);
        w->news = (conn **)grow((void *)w->news, w->cap * sizeof *w->news);
    }
    c->at = w->n;
    w->conns[w->n++] = c;
    touch(w, c);
    return c;
}

/* Everybody who waits at the door, a few at a time; beyond the limit they are told so. */
static void accept_all(network *w)
{
    int i;
    for (i = 0; i < 64; i++) {
        char address[64];
        conn *c;
        sock h = accept_from(w->listener.s, address, sizeof address);
        if (h == NO_SOCKET) {
            if (!would_wait()) { /* out of handles: asking again at once would keep a processor busy */
                w->deaf = w->now + SECONDS(1) / 10;
                (void)poller_want(&w->poll, &w->listener, 0);
            }
            return;
        }
        c = open_conn(w, h, address);
        if (w->n > w->s->set.connections)
            refuse(w, c, 503, "too many connections; try again");
    }
}

/* Who is too slow, in asking or in taking, is dropped. */
static void check_deadline(network *w, conn *c)
{
    bool writing = c->sent < c->out.len;
    if (writing && w->now - c->stuck > SECONDS(w->s->set.timeout))
        c->dead = true; /* it takes nothing */
    else if (c->x == NULL && !writing && w->now >= c->deadline) {
        if (c->draining || c->closing || c->began == 0)
            c->dead = true;
        else
            refuse(w, c, 408, "the request did not arrive in time");
    } else {
        return;
    }
    touch(w, c);
}

/* Once the server is to end: who has nothing more to get goes, and in the end everybody. */
static void check_end(network *w, conn *c)
{
    if (w->now >= w->end || (c->x == NULL && c->sent == c->out.len && !c->draining && c->began == 0)) {
        c->dead = true;
        touch(w, c);
    }
}

/* Four times a second, not for every token: who is too slow, and whether there are handles again. */
static void look_at_clock(network *w)
{
    size_t i;
    if (w->now >= w->tick) {
        w->tick = w->now + SECONDS(1) / 4;
        for (i = 0; i < w->n; i++)
            check_deadline(w, w->conns[i]);
        if (w->listener.s != NO_SOCKET && w->now >= w->deaf)
            (void)poller_want(&w->poll, &w->listener, WANTS_READ);
    }
    for (i = 0; i < w->n && w->end != 0; i++)
        check_end(w, w->conns[i]);
}

/* Those on which something has happened: what they wait for now, what they hold; who is dead goes. */
static void settle(network *w)
{
    while (w->touched != NULL) {
        conn *c = w->touched;
        size_t held = c->in.body.len + c->body_bytes;
        unsigned wants = c->sent < c->out.len ? WANTS_WRITE : 0;
        w->touched = c->next_touched;
        c->touched = false;
        w->held += held - c->held;
        c->held = held;
        if (c->rest.len < MOST_REST && (!c->closing || c->draining))
            wants |= WANTS_READ;
        if (c->dead || !poller_want(&w->poll, &c->line, wants))
            drop_conn(w, c);
    }
}

/* What the other threads have for clients. Only this thread takes from that list. */
static void hear_all(network *w)
{
    server *s = w->s;
    exchange *x;
    size_t n = 0, i;
    lock_take(&s->lock);
    s->awake = false;
    for (x = s->ready; x != NULL; x = x->next_ready) {
        x->ready = false;
        if (take_news(w, x->conn))
            w->news[n++] = x->conn;
    }
    s->ready = NULL;
    lock_give(&s->lock);
    for (i = 0; i < n; i++)
        pass_news(w, w->news[i]);
}

/* What a wait has found out about one connection. */
static void serve_conn(network *w, conn *c)
{
    touch(w, c);
    if ((c->line.found & IS_BROKEN) != 0)
        c->dead = true;
    else if ((c->line.found & WANTS_READ) != 0)
        conn_read(w, c);
    if (!c->dead && c->sent < c->out.len) {
        conn_write(w, c);
        if (c->out.len == 0)
            hear(w, c);
    }
    if (!c->dead && c->x == NULL && c->out.len == 0)
        next_request(w, c);
    check_deadline(w, c);
}

/* From the first signal on nobody comes in any more; the second makes an end at once. */
static void heed_signals(network *w)
{
    server *s = w->s;
    if (interrupted > 0 && w->end == 0) {
        w->end = w->now + SECONDS(s->set.grace) + 1;
        poller_forget(&w->poll, &w->listener);
        close_sock(w->listener.s);
        w->listener.s = NO_SOCKET;
        lock_take(&s->lock);
        s->closing = true;
        lock_give(&s->lock);
        complain(0, "finishing: no new connections, %u s for the rest", (unsigned)s->set.grace);
    }
    if (interrupted > 1)
        w->end = w->now;
}

/* Until a signal ends it, and then until all answers are out, or the grace is over. */
static void run_network(network *w)
{
    server *s = w->s;
    size_t i;
    char byte[8];
    while (w->end == 0 || w->n > 0) {
        poller_wait(&w->poll, w->n > 0 ? 250 : 1000);
        w->now = now_ns();
        for (i = 0; i < w->poll.n_found; i++) {
            watch *found = w->poll.found[i];
            if (found == &w->waker) /* there is one datagram at most: see wake */
                (void)sock_read(w->waker.s, byte, sizeof byte);
            else if (found != &w->listener)
                serve_conn(w, (conn *)(void *)found);
            else if (w->listener.s != NO_SOCKET)
                accept_all(w);
        }
        heed_signals(w);
        hear_all(w);
        look_at_clock(w);
        settle(w);
        if (s->log != NULL && w->logged)
            fflush(s->log);
        w->logged = false;
    }
    free((void *)w->conns);
    free((void *)w->news);
    free(w->buckets);
    poller_close(&w->poll);
}

/* ---- the page ---- */

/* One document without anything from outside, in pieces short enough for every compiler. Text from models and
   people only ever becomes text nodes. */
// clang-format off
static const char *const page[] = {
    "<!doctype html>\n"
    "<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
    "<title>llmc</title>\n"
    "<link rel=\"icon\" href=\"data:,\">\n"
    "<style>\n"
    ":root{color-scheme:light dark;--back:#fff;--text:#1b1f24;--dim:#5b6470;--line:#d5dae0;--mine:#e8f0"
    "fe;--code:#f2f4f7;--act:#0b57d0}\n"
    "@media(prefers-color-scheme:dark){:root{--back:#16181c;--text:#e4e7eb;--dim:#9aa4b1;--line:#343a43"
    ";--mine:#1f2f4a;--code:#20242b;--act:#8ab4f8}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;height:100vh;height:100dvh;display:flex;flex-direction:column;background:var(--back)"
    ";color:var(--text);font:16px/1.55 system-ui,sans-serif}\n"
    "header,footer{padding:.5rem 1rem;display:flex;gap:.75rem;align-items:center}\n"
    "header{border-bottom:1px solid var(--line)}\n"
    "h1{font-size:1rem;margin:0;flex:1;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}\n"
    "#state{color:var(--dim);font-size:.85rem;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    "main{flex:1;overflow-y:auto;padding:1rem}\n"
    "#talk{max-width:46rem;margin:0 auto}\n"
    ".turn{margin:0 0 1rem;overflow-wrap:anywhere}\n"
    ".user{background:var(--mine);border-radius:.75rem;padding:.5rem "
    ".9rem;margin-left:15%;white-space:pre-wrap}\n"
    ".bad{color:#c5221f}\n"
    ".turn p,.turn ul,.turn ol,.turn pre,.turn table,.turn blockquote{margin:.4rem 0}\n"
    ".turn h3{font-size:1.05rem;margin:.8rem 0 .3rem}\n"
    "pre{background:var(--code);border-radius:.5rem;padding:.7rem;overflow-x:auto;position:relative}\n"
    "code{font:.88em ui-monospace,monospace;background:var(--code);border-radius:.25rem;padding:.1em "
    ".3em}\n"
    "pre code{padding:0}\n"
    "pre button{position:absolute;right:.4rem;top:.4rem;font-size:.75rem;padding:.1rem .4rem}\n"
    "blockquote{border-left:3px solid var(--line);padding-left:.8rem;color:var(--dim)}\n"
    "table{border-collapse:collapse}td,th{border:1px solid var(--line);padding:.2rem "
    ".6rem;text-align:left}\n"
    "details{color:var(--dim);font-size:.9rem}\n"
    ".speed{color:var(--dim);font-size:.8rem}\n"
    "form#ask{flex:1;display:flex;gap:.5rem;max-width:46rem;margin:0 auto;align-items:end}\n"
    "textarea,input,select,button{font:inherit;color:inherit;background:var(--back);border:1px solid "
    "var(--line);border-radius:.5rem;padding:.45rem .7rem}\n"
    "textarea{flex:1;resize:none;max-height:12rem}\n"
    "button{cursor:pointer}button.main{background:var(--act);color:var(--back);border-color:var(--act)}\n"
    ":focus-visible{outline:2px solid var(--act);outline-offset:1px}\n"
    "dialog{border:1px solid var(--line);border-radius:.75rem;background:var(--back);color:inherit;widt"
    "h:min(30rem,92vw)}\n"
    "dialog label{display:grid;gap:.2rem;margin:.6rem 0}\n"
    "dialog label[hidden]{display:none}\n"
    "dialog::backdrop{background:#0008}\n"
    "</style></head><body>\n"
    "<header><h1 id=\"name\">llmc</h1><span id=\"state\" role=\"status\"></span>\n"
    "<button id=\"new\" title=\"Forget the conversation\">New</button><button "
    "id=\"set\">Settings</button></header>\n"
    "<main tabindex=\"-1\"><div id=\"talk\" role=\"log\" aria-live=\"polite\" "
    "aria-label=\"Conversation\"></div></main>\n"
    "<footer><form id=\"ask\"><textarea id=\"words\" rows=\"1\" aria-label=\"Message\" "
    "placeholder=\"Message: Enter sends, Shift+Enter breaks the line, Esc stops\" autofocus></textarea>\n"
    "<button id=\"send\" class=\"main\" type=\"submit\">Send</button></form></footer>\n"
    "<dialog id=\"box\" aria-labelledby=\"boxname\"><form method=\"dialog\"><h2 id=\"boxname\" "
    "style=\"margin:0;font-size:1.1rem\">Settings</h2>\n"
    "<label hidden>Model<select id=\"model\"></select></label>\n"
    "<label>System message<textarea id=\"system\" rows=\"3\"></textarea></label>\n"
    "<label>Temperature (empty: the server's)<input id=\"temperature\" type=\"number\" min=\"0\" "
    "max=\"100\" step=\"0.05\"></label>\n"
    "<label>Top-p<input id=\"top_p\" type=\"number\" min=\"0\" max=\"1\" step=\"0.01\"></label>\n"
    "<label>Most tokens of an answer<input id=\"max_tokens\" type=\"number\" min=\"1\" "
    "step=\"1\"></label>\n"
    "<label>Seed<input id=\"seed\" type=\"number\" step=\"1\"></label>\n"
    "<label>API key (kept until this tab closes)<input id=\"key\" type=\"password\" "
    "autocomplete=\"off\"></label>\n"
    "<button class=\"main\">Done</button></form></dialog>\n"
    "<script>\n"
    "\"use strict\";\n",
    "const at = id => document.getElementById(id), talk = at(\"talk\"), words = at(\"words\"), main = "
    "document.querySelector(\"main\");\n"
    "const fields = [\"system\", \"temperature\", \"top_p\", \"max_tokens\", \"seed\"];\n"
    "let messages = [], running = null, waiting = 0;\n"
    "const element = (kind, parent, text) => { const e = document.createElement(kind); if (text !== "
    "undefined) e.textContent = text; parent.append(e); return e; };\n"
    "const headers = () => { const h = {\"Content-Type\": \"application/json\"}; if (at(\"key\").value) "
    "h.Authorization = \"Bearer \" + at(\"key\").value; return h; };\n"
    "for (const f of fields) { at(f).value = localStorage.getItem(\"llmc.\" + f) || \"\"; at(f).onchange = "
    "() => localStorage.setItem(\"llmc.\" + f, at(f).value); }\n"
    "at(\"key\").value = sessionStorage.getItem(\"llmc.key\") || \"\";\n"
    "at(\"key\").onchange = () => { sessionStorage.setItem(\"llmc.key\", at(\"key\").value); look(); };\n"
    "/* Markdown into elements; text only ever becomes text. */\n"
    "const inline = (parent, text) => {\n"
    "  const mark = /`([^`]+)`|\\*\\*(.+?)\\*\\*|\\*([^*\\s][^*]*?)\\*|\\[([^\\]]+)\\]\\((https?:\\/\\/[^\\"
    "s)]+)\\)/;\n"
    "  for (;;) {\n"
    "    const m = mark.exec(text);\n"
    "    if (!m) break;\n"
    "    parent.append(text.slice(0, m.index));\n"
    "    if (m[1] !== undefined) element(\"code\", parent, m[1]);\n"
    "    else if (m[2] !== undefined) inline(element(\"strong\", parent), m[2]);\n"
    "    else if (m[3] !== undefined) inline(element(\"em\", parent), m[3]);\n"
    "    else { const a = element(\"a\", parent, m[4]); a.href = m[5]; a.rel = \"noopener noreferrer\"; "
    "a.target = \"_blank\"; }\n"
    "    text = text.slice(m.index + m[0].length);\n"
    "  }\n"
    "  parent.append(text);\n"
    "};\n"
    "const code = (parent, text) => {\n"
    "  const pre = element(\"pre\", parent), button = element(\"button\", pre, \"Copy\");\n"
    "  element(\"code\", pre, text);\n"
    "  button.type = \"button\";\n"
    "  button.onclick = () => navigator.clipboard.writeText(text).then(() => { button.textContent = "
    "\"Copied\"; });\n"
    "};\n"
    "const markdown = (parent, text) => {\n"
    "  parent.replaceChildren();\n"
    "  const lines = text.split(\"\\n\");\n"
    "  for (let i = 0; i < lines.length;) {\n"
    "    const line = lines[i], fence = /^\\s*(```+|~~~+)/.exec(line), head = "
    "/^#{1,6}\\s+(.*)/.exec(line), item = /^\\s*([-*+]|\\d+[.)])\\s+/.exec(line);\n"
    "    if (fence) {\n"
    "      let n = i + 1;\n"
    "      while (n < lines.length && !lines[n].trim().startsWith(fence[1])) n++;\n"
    "      code(parent, lines.slice(i + 1, n).join(\"\\n\"));\n"
    "      i = n + 1;\n"
    "    } else if (head) { inline(element(\"h3\", parent), head[1]); i++;\n"
    "    } else if (item) {\n"
    "      const list = element(/\\d/.test(item[1]) ? \"ol\" : \"ul\", parent);\n"
    "      if (list.tagName === \"OL\") list.start = parseInt(item[1], 10);\n"
    "      for (let m; i < lines.length && (m = /^\\s*(?:[-*+]|\\d+[.)])\\s+(.*)/.exec(lines[i])); i++) "
    "inline(element(\"li\", list), m[1]);\n"
    "    } else if (/^\\s*>/.test(line)) {\n"
    "      const quote = element(\"blockquote\", parent);\n"
    "      for (; i < lines.length && /^\\s*>/.test(lines[i]); i++) { inline(quote, "
    "lines[i].replace(/^\\s*>\\s?/, \"\")); element(\"br\", quote); }\n"
    "    } else if (line.includes(\"|\") && /^[\\s|:-]+$/.test(lines[i + 1] || \"\") && (lines[i + 1] || "
    "\"\").includes(\"-\")) {\n"
    "      const table = element(\"table\", parent);\n"
    "      for (let row = 0; i < lines.length && lines[i].includes(\"|\"); i++, row++) {\n"
    "        if (row === 1) continue;\n"
    "        const tr = element(\"tr\", table);\n"
    "        for (const cell of lines[i].trim().replace(/^\\||\\|$/g, \"\").split(\"|\")) "
    "inline(element(row ? \"td\" : \"th\", tr), cell.trim());\n"
    "      }\n"
    "    } else if (line.trim() === \"\") i++;\n"
    "    else {\n"
    "      const p = element(\"p\", parent);\n"
    "      for (let first = true; i < lines.length && lines[i].trim() !== \"\" && (first || "
    "!/^\\s*(```|~~~|#{1,6}\\s|[-*+]\\s|\\d+[.)]\\s|>)/.test(lines[i])); i++, first = false) {\n"
    "        if (!first) element(\"br\", p);\n"
    "        inline(p, lines[i]);\n"
    "      }\n"
    "    }\n"
    "  }\n"
    "};\n"
    "const below = () => main.scrollHeight - main.scrollTop - main.clientHeight < 80;\n"
    "const down = () => { main.scrollTop = main.scrollHeight; };\n"
    "/* One answer, as it comes. */\n"
    "async function answer() {\n",
    "  const turn = element(\"div\", talk), thoughts = element(\"details\", turn), body = element(\"div\", "
    "turn), speed = element(\"div\", turn);\n"
    "  turn.className = \"turn assistant\"; speed.className = \"speed\"; thoughts.hidden = true;\n"
    "  element(\"summary\", thoughts, \"Thoughts\");\n"
    "  const thought = element(\"div\", thoughts);\n"
    "  let text = \"\", thinking = \"\", n = 0, first = 0, due = false;\n"
    "  const start = performance.now();\n"
    "  const show = () => {\n"
    "    due = false;\n"
    "    const follow = below();\n"
    "    markdown(body, text);\n"
    "    thoughts.hidden = !thinking;\n"
    "    thought.textContent = thinking;\n"
    "    if (first) { const s = (performance.now() - first) / 1000; speed.textContent = n + \" tokens, "
    "\" + (s > .05 ? ((n - 1) / s).toFixed(1) + \" tokens/s, \" : \"\") + \"first after \" + ((first - "
    "start) / 1000).toFixed(2) + \" s\"; }\n"
    "    if (follow) down();\n"
    "  };\n"
    "  running = new AbortController();\n"
    "  at(\"send\").textContent = \"Stop\";\n"
    "  down();\n"
    "  try {\n"
    "    const ask = {messages: at(\"system\").value ? [{role: \"system\", content: at(\"system\").value}, "
    "...messages] : messages, stream: true, stream_options: {include_usage: true}};\n"
    "    for (const f of fields.slice(1)) if (at(f).value !== \"\") ask[f] = Number(at(f).value);\n"
    "    if (at(\"model\").length > 1) ask.model = at(\"model\").value;\n"
    "    const reply = await fetch(\"v1/chat/completions\", {method: \"POST\", headers: headers(), body: "
    "JSON.stringify(ask), signal: running.signal});\n"
    "    if (!reply.ok) throw new Error((await reply.json()).error.message);\n"
    "    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();\n"
    "    for (let rest = \"\";;) {\n"
    "      const {done, value} = await reader.read();\n"
    "      if (done) break;\n"
    "      rest += value;\n"
    "      const events = rest.split(\"\\n\\n\");\n"
    "      rest = events.pop();\n"
    "      for (const e of events) {\n"
    "        const line = e.slice(e.indexOf(\"data: \") + 6);\n"
    "        if (line === \"[DONE]\") continue;\n"
    "        const data = JSON.parse(line);\n"
    "        if (data.error) throw new Error(data.error.message);\n"
    "        if (data.usage) n = data.usage.completion_tokens;\n"
    "        const delta = data.choices.length ? data.choices[0].delta : {};\n"
    "        if (delta.content || delta.reasoning_content) { first = first || performance.now(); if "
    "(!data.usage) n++; }\n"
    "        text += delta.content || \"\";\n"
    "        thinking += delta.reasoning_content || \"\";\n"
    "      }\n"
    "      if (!due) { due = true; setTimeout(show, 30); }\n"
    "    }\n"
    "  } catch (e) {\n"
    "    if (e.name !== \"AbortError\") { const p = element(\"p\", turn, e.message); p.className = "
    "\"bad\"; p.setAttribute(\"role\", \"alert\"); }\n"
    "  }\n"
    "  show();\n"
    "  running = null;\n"
    "  at(\"send\").textContent = \"Send\";\n"
    "  if (text) messages.push({role: \"assistant\", content: text});\n"
    "  words.focus();\n"
    "}\n"
    "at(\"ask\").onsubmit = e => {\n"
    "  e.preventDefault();\n"
    "  if (running) { running.abort(); return; }\n"
    "  const text = words.value.trim();\n"
    "  if (!text) return;\n"
    "  const turn = element(\"div\", talk, text);\n"
    "  turn.className = \"turn user\";\n"
    "  messages.push({role: \"user\", content: text});\n"
    "  words.value = \"\"; words.rows = 1;\n"
    "  answer();\n"
    "};\n"
    "words.onkeydown = e => { if (e.key === \"Enter\" && !e.shiftKey && !e.isComposing) { "
    "e.preventDefault(); if (!running) at(\"ask\").requestSubmit(); } };\n"
    "words.oninput = () => { words.rows = Math.min(8, words.value.split(\"\\n\").length); };\n"
    "document.onkeydown = e => { if (e.key === \"Escape\" && running && !at(\"box\").open) "
    "running.abort(); };\n"
    "at(\"new\").onclick = () => { if (running) running.abort(); messages = []; talk.replaceChildren(); "
    "words.focus(); };\n"
    "at(\"set\").onclick = () => at(\"box\").showModal();\n"
    "/* How busy the server is. */\n"
    "async function look() {\n"
    "  clearTimeout(waiting);\n"
    "  try {\n"
    "    if (!document.hidden) {\n"
    "      if (at(\"name\").textContent === \"llmc\") { const h = await (await fetch(\"health\")).json(); "
    "at(\"name\").textContent = document.title = h.model; }\n"
    "      const m = await fetch(\"metrics\", {headers: headers()}), t = m.ok ? await m.text() : \"\";\n"
    "      const of = name => { const v = new RegExp(\"^llamacpp:\" + name + \" (\\\\S+)\", "
    "\"m\").exec(t); return v ? Number(v[1]) : 0; };\n",
    "      at(\"state\").textContent = m.ok ? of(\"requests_processing\") + \" running, \" + "
    "of(\"requests_deferred\") + \" waiting\" : m.status === 401 ? \"needs an API key\" : \"\";\n"
    "      if (m.ok && !at(\"model\").length) {\n"
    "        const all = (await (await fetch(\"v1/models\", {headers: headers()})).json()).data;\n"
    "        for (const d of all) if (d === all[0] || d.parent) element(\"option\", at(\"model\"), d.id);\n"
    "        at(\"model\").parentNode.hidden = at(\"model\").length < 2;\n"
    "      }\n"
    "    }\n"
    "  } catch (e) { at(\"state\").textContent = \"no connection\"; }\n"
    "  waiting = setTimeout(look, 2000);\n"
    "}\n"
    "look();\n"
    "</script></body></html>\n",
    NULL};
// clang-format on

/* The policy lets the page load nothing, and talk to this server alone. */
static void show_page(exchange *x)
{
    text t = {NULL, 0, 0};
    int i;
    if (x->server->set.no_page) {
        fail(x, 404, NULL, "there is no page (--no-page)");
        return;
    }
    for (i = 0; page[i] != NULL; i++)
        puts_to(&t, page[i]);
    answer_as(
        x, 200, "text/html; charset=utf-8", &t,
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n");
}

/* ---- the beginning and the end ---- */
/* Files, model, adapters, engines, threads; and all of it back. What fails says so in one line. */

/* All of it, with a NUL behind it. */
static int read_file(text *out, const char *path)
{
    char part[4096];
    size_t n;
    FILE *f = open_file(path, "rb");
    if (f == NULL)
        return complain(EXIT_FAILED, "%s: %s", path, strerror(errno));
    put(out, "", 0);
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        put(out, part, n);
    n = ferror(f) ? 1 : 0;
    fclose(f);
    return n == 0 ? EXIT_OK : complain(EXIT_FAILED, "%s: cannot be read", path);
}

/* --api-key-file, a key to a line. */
static int read_keys(server *s)
{
    char *line, *end;
    if (s->set.key_file == NULL)
        return EXIT_OK;
    if (read_file(&s->keys_text, s->set.key_file) != EXIT_OK)
        return EXIT_FAILED;
    for (line = s->keys_text.data; *line != 0; line = end) {
        end = line + strcspn(line, "\r\n");
        if (*end != 0)
            *end++ = 0;
        if (*line != 0)
            store_word(&s->set.keys, &s->set.n_keys, line);
    }
    return s->set.n_keys > 0 ? EXIT_OK : complain(EXIT_FAILED, "%s: there is no key in it", s->set.key_file);
}

/* A path's last part: what a model is called. */
static const char *last_part(const char *path)
{
    const char *at = path;
    for (; *path != 0; path++)
        if ((*path == '/' || *path == '\\') && path[1] != 0)
            at = path + 1;
    return at;
}

/* NONE: no type for a cache. */
static llmc_dtype cache_type(const char *name)
{
    static const llmc_dtype known[] = {LLMC_F32, LLMC_F16, LLMC_BF16, LLMC_Q8_0, LLMC_Q4_0};
    size_t i;
    for (i = 0; i < sizeof known / sizeof known[0]; i++)
        if (llmc_dtype_named(name) == known[i])
            return known[i];
    return LLMC_DTYPE_NONE;
}

/* NAME=FILE or NAME=FILE:SCALE into *a. A name stands in paths and in the log: no blanks, no controls. */
static int open_adapter(server *s, adapter *a, const char *word)
{
    const char *equals = strchr(word, '='), *colon = strrchr(word, ':');
    size_t n = equals != NULL ? (size_t)(equals - word) : 0, i;
    double scale = 1;
    text path = {NULL, 0, 0};
    char *end = NULL;
    llmc_diag diag;
    llmc_status status;
    for (i = 0; i < n && word[i] > ' ' && word[i] < 0x7f; i++)
        ;
    if (n == 0 || i < n || n >= sizeof a->name || equals[1] == 0)
        return complain(EXIT_USAGE,
                        "--lora: NAME=FILE or NAME=FILE:SCALE is expected, and a name of 1 to %d "
                        "characters of ASCII without blanks, not '%s'",
                        (int)sizeof a->name - 1, word);
    memcpy(a->name, word, n);
    if (find_adapter(s, a->name) != a || strcmp(a->name, s->name) == 0)
        return complain(EXIT_USAGE, "--lora: the name '%s' is taken", a->name);
    if (colon != NULL && colon > equals && colon[1] != 0)
        scale = strtod(colon + 1, &end);
    if (end == NULL || *end != 0) { /* no number: the colon is the path's */
        colon = word + strlen(word);
        scale = 1;
    }
    if (!(scale > -1000 && scale < 1000) || (float)scale == 0)
        return complain(EXIT_USAGE, "--lora: a scale of%s: between -1000 and 1000, not 0, is expected",
                        colon);
    a->scale = (float)scale;
    put(&path, equals + 1, (size_t)(colon - equals - 1));
    a->file = equals + 1 + (last_part(path.data) - path.data);
    a->file_len = (size_t)(colon - a->file);
    status = llmc_lora_open(&a->host, s->host.model, path.data, &diag);
    drop_text(&path);
    return status == LLMC_OK ? EXIT_OK : complain(EXIT_FAILED, "%s", diag.message);
}

/* --lora, in its order; the engine gets room for the largest rank. */
static int open_adapters(server *s)
{
    size_t i, n = s->set.n_loras;
    int code = EXIT_OK;
    if (n > 0 && only_embeds(s))
        return complain(EXIT_USAGE, "--lora: the model only embeds texts");
    s->set.n_loras = 0;
    s->adapters = (adapter *)grow(NULL, (n + 1) * sizeof *s->adapters);
    memset(s->adapters, 0, (n + 1) * sizeof *s->adapters);
    for (i = 0; i < n && code == EXIT_OK; i++) {
        llmc_lora_info info;
        s->set.n_loras = i + 1;
        code = open_adapter(s, &s->adapters[i], s->set.loras[i]);
        if (code != EXIT_OK)
            break;
        llmc_lora_about(s->adapters[i].host.lora, &info);
        if (s->cache.lora_rank < info.rank)
            s->cache.lora_rank = info.rank;
    }
    return code;
}

/* A pool for every request to be as long as the context, if a quarter of the free memory has room for it. */
static void choose_pool(server *s)
{
    llmc_engine_options *o = &s->cache;
    llmc_engine_memory small, large;
    uint64_t available = 0, per_token, most;
    uint32_t context = o->context_length;
    llmc_engine_options trial = *o;
    if (o->kv_pool_tokens > 0)
        return;
    trial.kv_pool_tokens = context;
    if (llmc_engine_quote(s->host.model, &trial, &small, NULL) != LLMC_OK)
        return;
    trial.kv_pool_tokens = 2 * (uint64_t)context;
    if (llmc_engine_quote(s->host.model, &trial, &large, NULL) != LLMC_OK)
        return;
    llmc_os_available(NULL, &available);
    per_token = (large.kv_cache - small.kv_cache) / context + 1;
    most = (available > 0 ? available / 4 : (uint64_t)1 << 30) / per_token;
    o->kv_pool_tokens = (uint64_t)context * s->set.slots;
    if (o->kv_pool_tokens > most)
        o->kv_pool_tokens = most > context ? most : context;
}

/* An engine as the options have it, and its memory. */
static int make_engine(llmc_model *model, const llmc_engine_options *o, llmc_engine **engine, void **memory,
                       size_t *bytes)
{
    llmc_diag diag;
    if (llmc_engine_need(model, o, bytes, &diag) != LLMC_OK ||
        llmc_os_memory(memory, *bytes, &diag) != LLMC_OK ||
        llmc_engine_init(engine, model, o, *memory, *bytes, &diag) != LLMC_OK)
        return complain(EXIT_FAILED, "%s", diag.message);
    return EXIT_OK;
}

/* The model's own context if that is at most 4096, which is what nobody who asked for nothing runs out of
   memory by. */
static uint32_t usual_context(const llmc_config *c)
{
    return c->context_length > 0 && c->context_length < 4096 ? c->context_length : 4096;
}

/* What makes vectors: --embedding-model, or else the model that is open already. One that looks both ways
   reads a text in one batch, however long it is. */
static int open_embedding(server *s)
{
    embedding *e = &s->embed;
    llmc_engine_options o;
    llmc_open_options opt;
    llmc_diag diag;
    const llmc_config *c;
    if (s->set.embedding_model == NULL) {
        e->model = s->host.model;
        e->tok = s->tok;
        e->engine = s->engine;
        e->context = s->context;
        memcpy(e->name, s->name, sizeof e->name);
        return EXIT_OK;
    }
    memset(&o, 0, sizeof o);
    memset(&opt, 0, sizeof opt);
    opt.no_mmap = s->set.no_mmap;
    opt.no_engine = true;
    if (llmc_open(&e->own, s->set.embedding_model, &opt, &diag) != LLMC_OK)
        return complain(EXIT_FAILED, "%s", diag.message);
    e->model = e->own.model;
    e->tok = llmc_model_tokenizer(e->model);
    if (e->tok == NULL)
        return complain(EXIT_FAILED, "%s has no tokenizer in it", s->set.embedding_model);
    snprintf(e->name, sizeof e->name, "%s", last_part(s->set.embedding_model));
    c = llmc_model_config(e->model);
    o.context_length = usual_context(c);
    o.max_seqs = 1;
    o.batch_tokens = c->bidirectional ? o.context_length : 128;
    o.cpu = s->cache.cpu;
    o.tasks = s->cache.tasks;
    o.kv_type = LLMC_F32; /* it holds one text: exact costs nothing */
    if (make_engine(e->model, &o, &e->engine, &e->memory, &e->bytes) != EXIT_OK)
        return EXIT_FAILED;
    e->context = llmc_engine_context(e->engine);
    return EXIT_OK;
}

/* The engine that answers, as the options have it. */
static int open_engine(server *s)
{
    llmc_engine_options *o = &s->cache;
    const llmc_config *c = llmc_model_config(s->host.model);
    o->context_length = s->set.context;
    if (o->context_length == 0)
        o->context_length = usual_context(c);
    o->max_seqs = s->set.slots + (s->set.embedding_model == NULL); /* one for embeddings */
    o->batch_tokens = s->set.batch_tokens > 0 ? s->set.batch_tokens : 128;
    if (s->set.batch_tokens == 0 && o->batch_tokens < o->max_seqs)
        o->batch_tokens = o->max_seqs;
    if (c->bidirectional)
        o->batch_tokens = o->context_length > o->batch_tokens ? o->context_length : o->batch_tokens;
    o->max_requests = s->set.slots + s->set.queue;
    o->max_prefixes = s->set.slots * 2;
    o->kv_pool_tokens = s->set.kv_pool;
    o->prefix_bytes = s->set.prefix_mb == UINT32_MAX ? UINT64_MAX / 4 : (uint64_t)s->set.prefix_mb << 20;
    if (o->prefix_bytes == 0)
        o->max_prefixes = 0;
    if (only_embeds(s)) {
        o->max_seqs = 1;
        o->max_requests = o->max_prefixes = 0;
        o->prefix_bytes = 0;
        o->kv_type = LLMC_F32; /* it holds one text */
    }
    o->text_bytes = 4096;
    o->chat_bytes = 0;
    o->tasks = llmc_pool_tasks(s->host.pool);
    if (s->set.kv_type != NULL && (o->kv_type = cache_type(s->set.kv_type)) == LLMC_DTYPE_NONE)
        return complain(EXIT_USAGE, "--kv-type: '%s' is none of f16, bf16, f32, q8_0, q4_0", s->set.kv_type);
    choose_pool(s);
    if (make_engine(s->host.model, o, &s->engine, &s->engine_memory, &s->engine_bytes) != EXIT_OK)
        return EXIT_FAILED;
    s->context = llmc_engine_context(s->engine);
    return EXIT_OK;
}

/* A special token as templates are given it; "" if there is none. */
static void special_text(const server *s, llmc_special which, char *out, size_t cap)
{
    llmc_token id = llmc_tokenizer_special(s->tok, which);
    llmc_token_info info;
    out[0] = 0;
    if (id != LLMC_TOKEN_NONE && llmc_token_get(s->tok, id, &info) == LLMC_OK && info.text_len < cap) {
        memcpy(out, info.text, info.text_len);
        out[info.text_len] = 0;
    }
}

/* The template by which conversations become prompts, and how replies to it are read. */
static int open_template(server *s)
{
    llmc_diag diag;
    size_t bytes = 0;
    if (s->set.format != NULL && llmc_chat_format_named(s->set.format, &s->format) != LLMC_OK)
        return complain(EXIT_USAGE, "--chat-format: there is no format '%s'", s->set.format);
    if (s->set.template_file != NULL) {
        if (read_file(&s->template_text, s->set.template_file) != EXIT_OK)
            return EXIT_FAILED;
        s->chat_template = s->template_text.data;
        s->chat_template_len = s->template_text.len;
        s->reply = llmc_reply_format_in(s->chat_template, s->chat_template_len);
    } else {
        s->chat_template = llmc_chat_template(s->host.model, s->format, &s->chat_template_len);
        s->reply = s->format == LLMC_CHAT_AUTO ? llmc_reply_format_of(s->host.model)
                                               : llmc_reply_format_in(s->chat_template, s->chat_template_len);
    }
    if (llmc_template_need(s->chat_template, s->chat_template_len, &bytes, &diag) != LLMC_OK)
        return complain(EXIT_FAILED, "%s", diag.message);
    s->chat_memory = grow(NULL, bytes);
    if (llmc_template_init(&s->chat, s->chat_template, s->chat_template_len, s->chat_memory, bytes, &diag) !=
        LLMC_OK)
        return complain(EXIT_FAILED, "%s", diag.message);
    {
        text t = {NULL, 0, 0};
        put(&t, s->chat_template, s->chat_template_len);
        s->knows_tools = strstr(t.data, "tools") != NULL;
        drop_text(&t);
    }
    special_text(s, LLMC_SPECIAL_BOS, s->bos, sizeof s->bos);
    special_text(s, LLMC_SPECIAL_EOS, s->eos, sizeof s->eos);
    return EXIT_OK;
}

/* Model, template, engine. */
static int open_model(server *s)
{
    llmc_open_options opt;
    llmc_diag diag;
    int code;
    if (llmc_os_cpu(s->set.isa, &s->cache.cpu, &diag) != LLMC_OK)
        return complain(EXIT_USAGE, "%s%s", s->set.isa != NULL ? "--isa: " : "", diag.message);
    memset(&opt, 0, sizeof opt);
    opt.tokenizer_path = s->set.tokenizer;
    opt.threads = s->set.threads;
    opt.no_mmap = s->set.no_mmap;
    opt.no_engine = true;
    if (llmc_open(&s->host, s->set.model, &opt, &diag) != LLMC_OK)
        return complain(EXIT_FAILED, "%s", diag.message);
    if (s->host.pool == NULL && llmc_pool_open(&s->host.pool, s->set.threads, &diag) != LLMC_OK)
        return complain(EXIT_FAILED, "%s", diag.message);
    s->tok = llmc_model_tokenizer(s->host.model);
    if (s->tok == NULL)
        return complain(EXIT_FAILED, "%s has no tokenizer in it: give one with --tokenizer", s->set.model);
    snprintf(s->name, sizeof s->name, "%s", s->set.alias != NULL ? s->set.alias : last_part(s->set.model));
    code = open_template(s);
    if (code == EXIT_OK)
        code = open_adapters(s);
    if (code == EXIT_OK)
        code = open_engine(s);
    return code == EXIT_OK ? open_embedding(s) : code;
}

/* Lines of requests; appended to a file, so that it may be rotated by copying. */
static int open_log(server *s)
{
    if (s->set.log == NULL || strcmp(s->set.log, "-") == 0)
        s->log = stdout;
    else if (strcmp(s->set.log, "none") != 0 && (s->log = open_file(s->set.log, "ab")) == NULL)
        return complain(EXIT_FAILED, "%s: %s", s->set.log, strerror(errno));
    return EXIT_OK;
}

/* The first ends the server when it has finished, the second at once. */
static void catch_signals(void)
{
#ifdef _WIN32
    SetConsoleCtrlHandler(on_console, TRUE);
#else
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
#endif
}

/* Listens, starts the threads, and serves until a signal. */
static int serve(server *s)
{
    network w;
    thread reader, engine;
    unsigned port = s->set.port;
    bool loopback = strncmp(s->set.host, "127.", 4) == 0 || strcmp(s->set.host, "localhost") == 0 ||
                    strcmp(s->set.host, "::1") == 0;
    bool six = strchr(s->set.host, ':') != NULL;
    memset(&w, 0, sizeof w);
    w.s = s;
    w.now = now_ns();
    lock_init(&s->lock);
    condition_init(&s->for_reader);
    condition_init(&s->for_engine);
    s->started = time(NULL);
    s->seeds = now_ns() ^ (uint64_t)s->started << 20;
    if (start_sockets() != EXIT_OK)
        return EXIT_FAILED;
    s->waker = open_waker();
    w.waker.s = s->waker;
    w.listener.s = open_listener(s->set.host, &port);
    if (s->waker == NO_SOCKET || w.listener.s == NO_SOCKET || !poller_open(&w.poll) ||
        !poller_want(&w.poll, &w.waker, WANTS_READ) || !poller_want(&w.poll, &w.listener, WANTS_READ))
        return complain(EXIT_FAILED, "%s, port %u: %s", s->set.host, port, strerror(errno));
    catch_signals();
    if (!thread_open(&reader, reader_main, s) || !thread_open(&engine, engine_main, s))
        return complain(EXIT_FAILED, "no threads");
    complain(
        0,
        "http://%s%s%s:%u/ answers with %s: %s kernels, %u threads, context %u, %u at once, %llu tokens of "
        "cache",
        six ? "[" : "", s->set.host, six ? "]" : "", port, s->name, llmc_engine_isa(s->engine),
        (unsigned)s->cache.tasks.workers, (unsigned)s->context, (unsigned)s->set.slots,
        (unsigned long long)s->cache.kv_pool_tokens);
    if (!loopback && s->set.n_keys == 0)
        complain(0, "warning: %s is open to others, and no --api-key is asked for", s->set.host);
    run_network(&w);
    lock_take(&s->lock);
    s->stop = true;
    condition_signal(&s->for_reader);
    condition_signal(&s->for_engine);
    lock_give(&s->lock);
    thread_join(reader);
    thread_join(engine);
    close_sock(s->waker);
    return EXIT_OK;
}

/* The threads have ended. */
static void close_server(server *s)
{
    size_t i;
    while (s->rules != NULL) {
        rules *r = s->rules;
        s->rules = r->next;
        drop_text(&r->source);
        free(r->memory);
        free(r);
    }
    free(s->vocab_memory);
    free(s->chat_memory);
    drop_text(&s->template_text);
    drop_text(&s->keys_text);
    free(s->set.keys);
    free(s->set.origins);
    free(s->set.loras);
    if (s->embed.memory != NULL)
        llmc_os_release(s->embed.memory, s->embed.bytes);
    llmc_close(&s->embed.own);
    if (s->engine_memory != NULL)
        llmc_os_release(s->engine_memory, s->engine_bytes);
    for (i = 0; i < s->set.n_loras && s->adapters != NULL; i++)
        if (s->adapters[i].host.lora != NULL)
            llmc_lora_close(&s->adapters[i].host);
    free(s->adapters);
    llmc_close(&s->host);
    if (s->log != NULL && s->log != stdout)
        fclose(s->log);
}

int main(int argc, char **argv)
{
    server s;
    int code;
    memset(&s, 0, sizeof s);
    s.set.host = "127.0.0.1";
    s.set.port = 8000;
    s.set.slots = 64;
    s.set.queue = 256;
    s.set.prefix_mb = UINT32_MAX;
    s.set.connections = 1024;
    s.set.body_mb = 8;
    s.set.timeout = s.set.grace = 30;
    s.set.sample.temperature = 0.8f;
    s.set.sample.top_p = 0.95f;
    argv = llmc_os_arguments(argc, argv);
    code = parse_options(&s.set, argc, argv);
    if (code == EXIT_OK && s.set.help)
        print_help();
    else if (code == EXIT_OK && (code = read_keys(&s)) == EXIT_OK && (code = open_log(&s)) == EXIT_OK &&
             (code = open_model(&s)) == EXIT_OK)
        code = serve(&s);
    close_server(&s);
    return code;
}
