/* event.h -- as much of BSD's kqueue as examples/server.c uses, over poll: so that the server's branch for BSD and
   macOS runs in tests on Linux (-DSERVER_KQUEUE -Itests/server/kqueue). One thread, sockets only, level-triggered.
   Written from the manual page of FreeBSD; proves the server's logic, not the kernels'. */
#ifndef TEST_EVENT_H
#define TEST_EVENT_H
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EVFILT_READ  (-1)
#define EVFILT_WRITE (-2)
#define EV_ADD       0x0001
#define EV_DELETE    0x0002
#define EV_ERROR     0x4000

struct kevent {
    uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned int fflags;
    intptr_t data;
    void *udata;
};

#define EV_SET(p, a, b, c, d, e, f)                                                                 \
    ((p)->ident = (uintptr_t)(a), (p)->filter = (b), (p)->flags = (unsigned short)(c), (p)->fflags = (d), \
     (p)->data = (e), (p)->udata = (f))

enum { TEST_KQUEUE_MOST = 8192 };
static struct kevent test_kqueue_list[TEST_KQUEUE_MOST]; /* what is registered, a filter each */
static struct pollfd test_kqueue_polls[TEST_KQUEUE_MOST];
static int test_kqueue_n, test_kqueue_turn;

/* A handle that can be closed. */
static int kqueue(void)
{
    return dup(2);
}

/* The kernel's own rules: adding twice changes, deleting what is not there is ENOENT. */
static int test_kqueue_change(const struct kevent *e)
{
    int i;
    for (i = 0; i < test_kqueue_n; i++)
        if (test_kqueue_list[i].ident == e->ident && test_kqueue_list[i].filter == e->filter)
            break;
    if ((e->flags & EV_DELETE) != 0) {
        if (i == test_kqueue_n) {
            errno = ENOENT;
            return -1;
        }
        test_kqueue_list[i] = test_kqueue_list[--test_kqueue_n];
        return 0;
    }
    if (i == TEST_KQUEUE_MOST) {
        errno = ENOMEM;
        return -1;
    }
    test_kqueue_list[i] = *e;
    test_kqueue_n += i == test_kqueue_n;
    return 0;
}

static int kevent(int kq, const struct kevent *changes, int n_changes, struct kevent *out, int n_out,
                  const struct timespec *t)
{
    int i, n = 0, at;
    (void)kq;
    for (i = 0; i < n_changes; i++)
        if (test_kqueue_change(&changes[i]) != 0)
            return -1;
    if (n_out == 0)
        return 0;
    for (i = 0; i < test_kqueue_n; i++) {
        test_kqueue_polls[i].fd = (int)test_kqueue_list[i].ident;
        test_kqueue_polls[i].events = test_kqueue_list[i].filter == EVFILT_READ ? POLLIN : POLLOUT;
    }
    if (poll(test_kqueue_polls, (nfds_t)test_kqueue_n, (int)(t->tv_sec * 1000 + t->tv_nsec / 1000000)) < 0)
        return -1;
    for (i = 0; i < test_kqueue_n && n < n_out; i++) {
        at = (test_kqueue_turn + i) % test_kqueue_n;
        if (test_kqueue_polls[at].revents != 0) { /* ends and errors are the filter's own events */
            out[n] = test_kqueue_list[at];
            out[n++].flags = EV_ADD;
        }
    }
    test_kqueue_turn = test_kqueue_n > 0 ? (test_kqueue_turn + i) % test_kqueue_n : 0;
    return n;
}
#endif
