/* test_os_fail.c -- section 26 OS with a system that fails: the calls below stand between the header and libc.
   Every operation on files is run with its first, second, ... call failing (alone, and all from there on),
   with calls that are interrupted, with reads and writes that do less than asked, with a disk that fills up.
   Whatever happens: nothing is lost that was there, the error says which file and why, no descriptor, mapping
   or temporary file is left, and once the system is well again so is everything. */
#define _DEFAULT_SOURCE   1
#define _FILE_OFFSET_BITS 64
#include "test.h"
#ifdef _WIN32
int main(void)
{
    printf("  skipped all: Windows has other calls\n");
    test_skipped = 1;
    return test_end("test_os_fail");
}
#else
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

//-- the system ----------------------------------------------------------

/* What goes wrong. Calls are counted whether or not any fails. */
static struct {
    long calls, fail_at; /* this one, counted from 0; -1: none    */
    bool from;           /* and all after it                      */
    int error;           /* with this                             */
    bool interrupt;      /* every other call that may be is       */
    size_t piece;        /* reads and writes do no more; 0: all   */
    long disk;           /* bytes until the disk is full; -1: any */
    long turn, files, maps, unlinks;
    const char *what; /* the call that failed last */
} os;

static void well(void)
{
    os.calls = 0;
    os.fail_at = -1;
    os.from = os.interrupt = false;
    os.error = EIO;
    os.piece = 0;
    os.disk = -1;
    os.unlinks = 0;
    os.what = "nothing";
}

static bool hit(const char *what)
{
    long n = os.calls++;
    if (os.fail_at < 0 || n < os.fail_at || (n > os.fail_at && !os.from))
        return false;
    os.what = what;
    errno = os.error;
    return true;
}

static bool interrupted(void)
{
    if (!os.interrupt || (os.turn++ & 1) != 0)
        return false;
    errno = EINTR;
    return true;
}

static size_t part(size_t n)
{
    return os.piece > 0 && n > os.piece ? os.piece : n;
}

static int fail_open(const char *path, int flags, ...)
{
    int fd = hit("open") || interrupted() ? -1 : open(path, flags, 0666);
    os.files += fd >= 0;
    return fd;
}

/* Closed it is in any case. */
static int fail_close(int fd)
{
    os.files--;
    return close(fd) != 0 || hit("close") ? -1 : 0;
}

static ssize_t fail_read(int fd, void *to, size_t n)
{
    return hit("read") || interrupted() ? -1 : read(fd, to, part(n));
}

static ssize_t fail_pread(int fd, void *to, size_t n, off_t at)
{
    return hit("pread") || interrupted() ? -1 : pread(fd, to, part(n), at);
}

static ssize_t fail_write(int fd, const void *from, size_t n)
{
    ssize_t done;
    if (hit("write") || interrupted())
        return -1;
    n = part(n);
    if (os.disk >= 0 && (size_t)os.disk < n)
        n = (size_t)os.disk;
    if (n == 0) {
        errno = ENOSPC;
        return -1;
    }
    done = write(fd, from, n);
    if (os.disk >= 0 && done > 0)
        os.disk -= done;
    return done;
}

static int fail_fstat(int fd, struct stat *st)
{
    return hit("fstat") ? -1 : fstat(fd, st);
}

static int fail_stat(const char *path, struct stat *st)
{
    return hit("stat") ? -1 : stat(path, st);
}

static int fail_lstat(const char *path, struct stat *st)
{
    return hit("lstat") ? -1 : lstat(path, st);
}

static int fail_access(const char *path, int how)
{
    return hit("access") ? -1 : access(path, how);
}

static char *fail_realpath(const char *path, char *out)
{
    return hit("realpath") ? NULL : realpath(path, out);
}

static int fail_flock(int fd, int how)
{
    return hit("flock") ? -1 : flock(fd, how);
}

static int fail_fchmod(int fd, mode_t mode)
{
    return hit("fchmod") ? -1 : fchmod(fd, mode);
}

static int fail_ftruncate(int fd, off_t n)
{
    return hit("ftruncate") || interrupted() ? -1 : ftruncate(fd, n);
}

static off_t fail_lseek(int fd, off_t at, int whence)
{
    return hit("lseek") ? -1 : lseek(fd, at, whence);
}

/* The power does not fail here, and thousands of these would take minutes. */
static int fail_fsync(int fd)
{
    (void)fd;
    return hit("fsync") || interrupted() ? -1 : 0;
}

static int fail_rename(const char *from, const char *to)
{
    return hit("rename") ? -1 : rename(from, to);
}

static int fail_unlink(const char *path)
{
    if (hit("unlink")) {
        os.unlinks++;
        return -1;
    }
    return unlink(path);
}

static void *fail_mmap(void *at, size_t n, int prot, int flags, int fd, off_t from)
{
    void *p = hit("mmap") ? MAP_FAILED : mmap(at, n, prot, flags, fd, from);
    os.maps += p != MAP_FAILED;
    return p;
}

static int fail_munmap(void *p, size_t n)
{
    os.maps--;
    return munmap(p, n);
}

static int fail_madvise(void *p, size_t n, int how)
{
    (void)p;
    (void)n;
    (void)how;
    return hit("madvise") ? -1 : 0;
}

/* Nothing is there yet, so that files are read through. */
static int fail_mincore(void *p, size_t n, unsigned char *there)
{
    (void)p;
    (void)n;
    *there = 0;
    return hit("mincore") ? -1 : 0;
}

static DIR *fail_opendir(const char *path)
{
    DIR *d = hit("opendir") ? NULL : opendir(path);
    os.files += d != NULL;
    return d;
}

static struct dirent *fail_readdir(DIR *d)
{
    return hit("readdir") ? NULL : readdir(d);
}

static int fail_closedir(DIR *d)
{
    os.files--;
    return closedir(d);
}

static int fail_thread(pthread_t *t, const pthread_attr_t *attr, void *(*main)(void *), void *arg)
{
    return hit("pthread_create") ? errno : pthread_create(t, attr, main, arg);
}

static int fail_attr(pthread_attr_t *attr)
{
    return hit("pthread_attr_init") ? errno : pthread_attr_init(attr);
}

#define open              fail_open
#define close             fail_close
#define read              fail_read
#define pread             fail_pread
#define write             fail_write
#define fstat(f, s)       fail_fstat(f, s)
#define stat(p, s)        fail_stat(p, s)
#define lstat(p, s)       fail_lstat(p, s)
#define access            fail_access
#define realpath          fail_realpath
#define flock(f, h)       fail_flock(f, h)
#define fchmod            fail_fchmod
#define ftruncate         fail_ftruncate
#define lseek             fail_lseek
#define fsync             fail_fsync
#define rename            fail_rename
#define unlink            fail_unlink
#define mmap              fail_mmap
#define munmap            fail_munmap
#define madvise           fail_madvise
#define mincore           fail_mincore
#define opendir           fail_opendir
#define readdir           fail_readdir
#define closedir          fail_closedir
#define pthread_create    fail_thread
#define pthread_attr_init fail_attr
#define LLMC_IMPLEMENTATION
#include "../llmc.h"

//-- every operation, every failure --------------------------------------

#define MODEL     "tests/models/tiny-llama.gguf"

static char folder[256], path[300], temp[310];
static llmc_diag diag;
static const char *now; /* operation and failure, for messages */

/* An operation: before puts files in place, run is what may fail, after looks at what is there now. Calls of
   before and after never fail. */
typedef struct operation {
    const char *name;
    void (*before)(void);
    llmc_status (*run)(void);
    void (*after)(llmc_status status);
} operation;

/* Text that is new, or old, with n bytes: nothing repeats within a buffer. */
#define NEW_BYTES 200003
#define OLD_BYTES 1000
static unsigned char content(bool fresh, size_t i)
{
    return (unsigned char)((i * 31 + i / 251 + (fresh ? 7 : 0)) & 0xff);
}

static void put_old(void)
{
    FILE *f = fopen(path, "wb");
    size_t i;
    if (!CHECK(f != NULL))
        return;
    for (i = 0; i < OLD_BYTES; i++)
        fputc(content(false, i), f);
    fclose(f);
}

static void put_nothing(void)
{
    remove(path);
}

static bool holds(const char *name, bool fresh, size_t n)
{
    size_t size = 0, i;
    unsigned char *got = test_read(name, &size);
    bool same = got != NULL && size == n;
    for (i = 0; same && i < n; i++)
        same = got[i] == content(fresh, i);
    free(got);
    return same;
}

static bool exists(const char *name)
{
    FILE *f = fopen(name, "rb");
    if (f != NULL)
        fclose(f);
    return f != NULL;
}

/* Small pieces, which gather, and one that is larger than what they gather in. */
static llmc_status save_run(void)
{
    static unsigned char data[NEW_BYTES];
    llmc_os_save *save = NULL;
    const llmc_writer *w;
    size_t i, n;
    for (i = 0; i < NEW_BYTES; i++)
        data[i] = content(true, i);
    LLMC__TRY(llmc_os_save_begin(&save, path, &diag));
    w = llmc_os_save_writer(save);
    for (i = 0; i < NEW_BYTES; i += n) {
        n = i == 0 ? 100000 : 5000;
        n = n < NEW_BYTES - i ? n : NEW_BYTES - i;
        if (!w->write(w->user, data + i, n))
            break;
    }
    return llmc_os_save_commit(save, &diag);
}

static void save_after_old(llmc_status status)
{
    CHECKF(status == LLMC_OK ? holds(path, true, NEW_BYTES) : holds(path, false, OLD_BYTES),
           "%s: status %d, and the file is neither as it was nor as it should be", now, (int)status);
}

static void save_after_none(llmc_status status)
{
    CHECKF(status == LLMC_OK ? holds(path, true, NEW_BYTES) : !exists(path), "%s: status %d, but the file %s",
           now, (int)status, exists(path) ? "is there" : "is not there");
}

static llmc_status map_run(void)
{
    llmc_blob b;
    size_t i;
    LLMC__TRY(llmc_map_open(&b, path, &diag));
    CHECK(b.size == OLD_BYTES);
    for (i = 0; i < b.size; i++)
        CHECK(((const unsigned char *)b.data)[i] == content(false, i));
    llmc_map_close(&b);
    return LLMC_OK;
}

static bool go_on(void *user, const char *what, uint64_t done, uint64_t total)
{
    (void)user;
    (void)what;
    return done <= total;
}

static llmc_status map_loaded(bool copy)
{
    llmc_progress watch = {go_on, NULL};
    llmc_blob b;
    size_t i;
    LLMC__TRY(llmc__map(&b, path, copy, &watch, &diag));
    CHECK(b.size == OLD_BYTES);
    for (i = 0; i < b.size; i++)
        CHECK(((const unsigned char *)b.data)[i] == content(false, i));
    llmc_map_close(&b);
    return LLMC_OK;
}

static llmc_status copy_run(void)
{
    return map_loaded(true);
}

static llmc_status cold_run(void)
{
    return map_loaded(false);
}

/* Reading leaves it as it is. */
static void read_after(llmc_status status)
{
    (void)status;
    CHECKF(holds(path, false, OLD_BYTES), "%s: what was read has changed", now);
}

static uint32_t listed;

static bool list_entry(void *user, const llmc_os_entry *entry)
{
    (void)user;
    listed += entry->file && strcmp(entry->name, "file") == 0 && entry->bytes == OLD_BYTES;
    return true;
}

static llmc_status list_run(void)
{
    listed = 0;
    LLMC__TRY(llmc_os_list(folder, list_entry, NULL, &diag));
    CHECKF(listed == 1 || strcmp(os.what, "lstat") == 0, "%s: %u files", now, listed);
    return LLMC_OK;
}

static llmc_status open_with(bool no_mmap)
{
    llmc_open_options o;
    llmc_engine_options e;
    llmc_host host;
    llmc_piece piece;
    llmc_status status;
    static const llmc_host zero;
    memset(&o, 0, sizeof o);
    memset(&e, 0, sizeof e);
    memset(&host, 0x55, sizeof host);
    e.context_length = 32;
    e.batch_tokens = 8;
    e.text_bytes = 256;
    o.engine = &e;
    o.threads = 2;
    o.no_mmap = no_mmap;
    status = llmc_open(&host, path, &o, &diag);
    if (status != LLMC_OK) {
        CHECKF(memcmp(&host, &zero, sizeof host) == 0, "%s: something of the host is left", now);
        return status;
    }
    CHECK(llmc_seq_add_text(host.seq, "Once", 4, &diag) == LLMC_OK &&
          llmc_seq_next(host.seq, &piece, &diag) == LLMC_OK);
    llmc_close(&host);
    return LLMC_OK;
}

static llmc_status open_run(void)
{
    return open_with(false);
}

static llmc_status open_copy_run(void)
{
    return open_with(true);
}

static void put_model(void)
{
    size_t n = 0;
    unsigned char *data = test_read(MODEL, &n);
    FILE *f = fopen(path, "wb");
    if (CHECK(data != NULL && f != NULL))
        CHECK(fwrite(data, 1, n, f) == n);
    if (f != NULL)
        fclose(f);
    free(data);
}

static void nothing_after(llmc_status status)
{
    (void)status;
}

/* A pool of three: failing threads end those that began. */
static llmc_status pool_run(void)
{
    llmc_pool *pool = NULL;
    llmc_status status = llmc__pool_make(&pool, 4, 4, &diag);
    CHECKF((pool != NULL) == (status == LLMC_OK), "%s: status %d", now, (int)status);
    llmc_pool_close(pool);
    return status;
}

static llmc_host host; /* for sessions */

static llmc_status session_save_run(void)
{
    return llmc_seq_save_file(host.seq, path, NULL, &diag);
}

static void put_session(void)
{
    CHECKF(llmc_seq_save_file(host.seq, path, NULL, &diag) == LLMC_OK, "%s", diag.message);
}

static void session_after(llmc_status status)
{
    size_t n;
    (void)status;
    (void)llmc_seq_ids(host.seq, &n);
    CHECKF(n > 0 && llmc_seq_restore_file(host.seq, path, &diag) == LLMC_OK, "%s: %s", now, diag.message);
}

static llmc_status session_restore_run(void)
{
    const llmc_token *ids;
    llmc_token before[64];
    size_t n, m;
    llmc_status status;
    ids = llmc_seq_ids(host.seq, &n);
    memcpy(before, ids, n * sizeof *ids);
    status = llmc_seq_restore_file(host.seq, path, &diag);
    ids = llmc_seq_ids(host.seq, &m);
    CHECKF(n == m && memcmp(before, ids, n * sizeof *ids) == 0, "%s: other tokens", now);
    return status;
}

//-- an index ------------------------------------------------------------

#define DIM        8
static llmc_index_file *index_opened(llmc_status *status)
{
    llmc_index_file_options o;
    llmc_index_options x;
    llmc_index_file *f = NULL;
    memset(&o, 0, sizeof o);
    memset(&x, 0, sizeof x);
    x.dim = DIM;
    x.capacity = 16;
    o.index = &x;
    o.threads = 1;
    *status = llmc_index_file_open(&f, path, &o, &diag);
    CHECKF((f != NULL) == (*status == LLMC_OK), "%s: status %d", now, (int)*status);
    return f;
}

/* Record `id` is told by its vector and its text. */
static llmc_status index_put(llmc_index_file *f, unsigned id)
{
    float v[DIM];
    char words[32];
    llmc_index_text text;
    uint64_t got = 99;
    unsigned i;
    llmc_status status;
    for (i = 0; i < DIM; i++)
        v[i] = i == id ? 2 : 1;
    snprintf(words, sizeof words, "record %u", id);
    text.data = words;
    text.len = strlen(words);
    status = llmc_index_add(llmc_index_file_index(f), v, &text, 1, &got, &diag);
    CHECKF(status != LLMC_OK || got == id, "%s: record %u got id %u", now, id, (unsigned)got);
    return status;
}

/* How many records there are from 0 on, all of them right, none besides. */
static unsigned index_count(llmc_index_file *f)
{
    llmc_index_info about;
    llmc_record r;
    unsigned n = 0;
    char words[32];
    for (; llmc_index_get(llmc_index_file_index(f), n, &r); n++) {
        snprintf(words, sizeof words, "record %u", n);
        CHECKF(r.text_len == strlen(words) && memcmp(r.text, words, r.text_len) == 0, "%s: record %u", now,
               n);
    }
    llmc_index_about(llmc_index_file_index(f), &about);
    CHECKF(about.count == n, "%s: %u records, %u in order", now, (unsigned)about.count, n);
    return n;
}

static void put_index(void)
{
    llmc_status status;
    llmc_index_file *f;
    unsigned i;
    remove(path);
    f = index_opened(&status);
    for (i = 0; f != NULL && i < 3; i++)
        CHECK(index_put(f, i) == LLMC_OK);
    if (CHECK(f != NULL))
        CHECKF(llmc_index_file_commit(f, &diag) == LLMC_OK, "%s: %s", now, diag.message);
    llmc_index_file_close(f);
}

static unsigned committed; /* records that a commit said are in the file */

/* Two more records, each committed; a commit that failed is tried again once the system is well. */
static llmc_status index_run(void)
{
    llmc_status status, first;
    llmc_index_file *f = index_opened(&status);
    unsigned i;
    committed = 3;
    for (i = 3; status == LLMC_OK && i < 5; i++) {
        CHECK(index_put(f, i) == LLMC_OK);
        status = llmc_index_file_commit(f, &diag);
        committed += status == LLMC_OK;
    }
    if (f != NULL)
        CHECKF(index_count(f) >= committed, "%s: in memory are %u records, %u were committed", now,
               index_count(f), committed);
    first = status;
    if (f != NULL && first != LLMC_OK && !os.from) {
        llmc_diag later;
        os.disk = -1; /* somebody has made room */
        CHECKF(llmc_index_file_commit(f, &later) == LLMC_OK, "%s: trying again: %s", now, later.message);
        committed = index_count(f);
    }
    llmc_index_file_close(f);
    return first;
}

static llmc_status compact_run(void)
{
    llmc_status status;
    llmc_index_file *f = index_opened(&status);
    committed = 3;
    if (f == NULL)
        return status;
    status = llmc_index_file_compact(f, NULL, &diag);
    if (llmc_index_file_index(f) != NULL) {
        CHECKF(index_count(f) == 3, "%s: %u records", now, index_count(f));
    } else { /* said to be possible: what follows is refused, not a crash */
        llmc_diag later;
        memset(&later, 0, sizeof later);
        CHECKF(status != LLMC_OK, "%s: no index, but all is well", now);
        CHECK(llmc_index_file_commit(f, &later) == LLMC_IO &&
              strstr(later.message, "not open any more") != NULL);
        CHECK(llmc_index_file_compact(f, NULL, &later) == LLMC_IO &&
              strstr(later.message, "not open any more") != NULL);
    }
    llmc_index_file_close(f);
    return status;
}

/* The system is well again: what was committed is there, and more can be. */
static void index_after(llmc_status status)
{
    llmc_status again;
    llmc_index_file *f = index_opened(&again);
    (void)status;
    if (!CHECKF(f != NULL, "%s: the file cannot be opened any more: %s", now, diag.message))
        return;
    CHECKF(index_count(f) >= committed, "%s: %u records of %u", now, index_count(f), committed);
    CHECKF(index_put(f, index_count(f)) == LLMC_OK && llmc_index_file_commit(f, &diag) == LLMC_OK, "%s: %s",
           now, diag.message);
    llmc_index_file_close(f);
}

/* A new index in a file that is not there. */
static llmc_status index_new_run(void)
{
    llmc_status status;
    llmc_index_file *f = index_opened(&status);
    committed = 0;
    if (f == NULL)
        return status;
    CHECK(index_put(f, 0) == LLMC_OK);
    status = llmc_index_file_commit(f, &diag);
    committed = status == LLMC_OK;
    llmc_index_file_close(f);
    return status;
}

static const operation operations[] = {
    {"saving over a file", put_old, save_run, save_after_old},
    {"saving a new file", put_nothing, save_run, save_after_none},
    {"mapping", put_old, map_run, read_after},
    {"reading into memory", put_old, copy_run, read_after},
    {"mapping what is not there yet", put_old, cold_run, read_after},
    {"listing a folder", put_old, list_run, read_after},
    {"opening a model", put_model, open_run, nothing_after},
    {"reading a model", put_model, open_copy_run, nothing_after},
    {"starting threads", put_nothing, pool_run, nothing_after},
    {"saving a session", put_session, session_save_run, session_after},
    {"restoring a session", put_session, session_restore_run, session_after},
    {"adding to an index", put_index, index_run, index_after},
    {"rewriting an index", put_index, compact_run, index_after},
    {"a new index", put_nothing, index_new_run, index_after},
};
#define OPERATIONS (sizeof operations / sizeof operations[0])

/* The reason in words, and of what. */
static void says_why(llmc_status status, const char *reason)
{
    if (status == LLMC_NO_MEMORY)
        CHECKF(strstr(diag.message, "memory") != NULL, "%s (%s): %s", now, os.what, diag.message);
    else
        CHECKF(strstr(diag.message, reason) != NULL && (strstr(diag.message, folder) != NULL ||
                                                        strstr(diag.message, "starting a thread") != NULL),
               "%s (%s): '%s' does not say '%s'", now, os.what, diag.message, reason);
}

/* Runs one with the failure that `os` describes. reason: what an error has to say, or NULL. Returns its
   status. */
static llmc_status run_once(const operation *op, const char *reason)
{
    long fail_at = os.fail_at, disk = os.disk, files, maps;
    bool from = os.from, interrupt = os.interrupt;
    size_t piece = os.piece;
    int error = os.error;
    char label[200];
    llmc_status status;
    well();
    now = op->name;
    op->before();
    well();
    files = os.files;
    maps = os.maps;
    os.fail_at = fail_at;
    os.disk = disk;
    os.from = from;
    os.interrupt = interrupt;
    os.piece = piece;
    os.error = error;
    snprintf(label, sizeof label, "%s, call %ld%s, error %d, pieces of %u, disk %ld", op->name, fail_at,
             from ? " and all after" : "", error, (unsigned)piece, disk);
    now = label;
    memset(&diag, 0, sizeof diag);
    status = op->run();
    os.fail_at = -1;
    os.interrupt = false;
    os.piece = 0;
    os.disk = -1;
    CHECKF(os.files == files, "%s (%s): %ld files are open still", now, os.what, os.files - files);
    CHECKF(os.maps == maps, "%s (%s): %ld mappings are left", now, os.what, os.maps - maps);
    /* with a system that answers nothing nobody knows whose it is; a later save takes it over */
    CHECKF(!exists(temp) || os.unlinks > 0 || from, "%s (%s): a temporary file is left", now, os.what);
    if (status != LLMC_OK) {
        CHECKF((status == LLMC_IO || status == LLMC_NO_MEMORY) && diag.status == status, "%s (%s): status %d",
               now, os.what, (int)status);
        CHECKF(diag.message[0] != 0 && strchr(diag.message, '\n') == NULL && diag.tag != NULL, "%s: '%s'",
               now, diag.message);
        if (reason != NULL)
            says_why(status, reason);
    }
    op->after(status);
    now = "";
    return status;
}

static void each_call_fails(void)
{
    static const struct {
        int error;
        const char *reason;
    } errors[] = {{EIO, "device cannot be"},
                  {ENOSPC, "no space is left"},
                  {EMFILE, "too many open files"},
                  {EDQUOT, "quota"},
                  {9999, "system error 9999"}};
    size_t i, e;
    for (i = 0; i < OPERATIONS; i++) {
        const operation *op = &operations[i];
        long calls, k, failed = 0;
        well();
        CHECKF(run_once(op, NULL) == LLMC_OK, "%s: %s", op->name, diag.message);
        calls = os.calls;
        CHECKF(calls > 0 && calls < 2000, "%s: %ld calls", op->name, calls);
        for (k = 0; k < calls; k++) {
            for (e = 0; e < sizeof errors / sizeof errors[0]; e++) {
                llmc_status status;
                well();
                os.fail_at = k;
                os.error = errors[e].error;
                status = run_once(op, errors[e].reason);
                failed += status != LLMC_OK;
            }
        }
        CHECKF(failed > 0, "%s: no failure was noticed", op->name);
    }
}

static void all_calls_fail(void)
{
    size_t i;
    for (i = 0; i < OPERATIONS; i++) {
        long calls, k;
        well();
        CHECK(run_once(&operations[i], NULL) == LLMC_OK);
        calls = os.calls;
        for (k = 0; k < calls; k++) {
            well();
            os.fail_at = k;
            os.from = true;
            (void)run_once(&operations[i], "device cannot be");
        }
    }
    remove(temp);
}

static void calls_are_interrupted(void)
{
    size_t i;
    for (i = 0; i < 2 * OPERATIONS; i++) {
        well();
        os.interrupt = true;
        os.turn = (long)(i % 2); /* the first, or the second */
        CHECKF(run_once(&operations[i / 2], NULL) == LLMC_OK, "%s: %s", operations[i / 2].name, diag.message);
    }
}

static void calls_do_less(void)
{
    static const size_t pieces[] = {7, 1000, 65535};
    size_t i, k;
    for (i = 0; i < OPERATIONS; i++)
        for (k = 0; k < sizeof pieces / sizeof pieces[0]; k++) {
            well();
            os.piece = pieces[k];
            CHECKF(run_once(&operations[i], NULL) == LLMC_OK, "%s: %s", operations[i].name, diag.message);
        }
}

/* After any number of bytes; enough of them are enough. */
static void disk_is_full(void)
{
    size_t i;
    for (i = 0; i < OPERATIONS; i++) {
        const operation *op = &operations[i];
        long disk, refused = 0;
        llmc_status status = LLMC_OK;
        if (op->after == read_after || op->after == nothing_after || op->run == session_restore_run)
            continue; /* writes nothing */
        for (disk = 0; disk < 300000; disk += disk < 100 ? 1 : 1 + disk / 7) {
            well();
            os.disk = disk;
            status = run_once(op, "no space is left");
            refused += status != LLMC_OK;
        }
        CHECKF(status == LLMC_OK, "%s: %s", op->name, diag.message);
        CHECKF(refused > 0, "%s: a full disk went unnoticed", op->name);
    }
}

/* A file that is shorter than it said: not read past its end. */
static void file_shrinks(void)
{
    llmc__file f = 0;
    uint64_t size = 0;
    char buffer[OLD_BYTES + 1];
    well();
    put_old();
    if (!CHECK(llmc__file_open(&f, path, &size) == 0 && size == OLD_BYTES))
        return;
    CHECK(llmc__file_read(f, 0, buffer, OLD_BYTES) == 0);
    CHECK(llmc__file_read(f, 1, buffer, OLD_BYTES) == LLMC__WHY_SHORT);
    CHECK(llmc__file_read(f, OLD_BYTES + 5, buffer, 1) == LLMC__WHY_SHORT);
    llmc__file_close(f);
}

int main(void)
{
    llmc_open_options o;
    llmc_engine_options e;
    well();
    snprintf(folder, sizeof folder, "build/test_os_fail.%ld", (long)getpid());
    (void)mkdir("build", 0777);
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(temp, sizeof temp, "%s.tmp", path);
    memset(&o, 0, sizeof o);
    memset(&e, 0, sizeof e);
    e.context_length = 64;
    e.batch_tokens = 8;
    e.text_bytes = 256;
    o.engine = &e;
    o.threads = 1;
    now = "";
    if (mkdir(folder, 0700) != 0 || llmc_open(&host, MODEL, &o, &diag) != LLMC_OK ||
        llmc_seq_add_text(host.seq, "Once upon a time", 16, &diag) != LLMC_OK) {
        printf("%s\n", diag.message);
        return 1;
    }
    RUN(each_call_fails);
    RUN(all_calls_fail);
    RUN(calls_are_interrupted);
    RUN(calls_do_less);
    RUN(disk_is_full);
    RUN(file_shrinks);
    llmc_close(&host);
    remove(path);
    remove(temp);
    CHECK(rmdir(folder) == 0);
    return test_end("test_os_fail");
}
#endif
