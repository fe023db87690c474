/* Put before libc by the tests of power cuts and full disks: notes writes, truncations and syncs of the
 * files in one folder, in the order in which they happened, and then does them, or makes some fail:
 *
 *   CORRENTE_TRACE         where to note
 *   CORRENTE_TRACE_FOLDER  the folder that is watched
 *   CORRENTE_FAIL_FROM     number of the first act that fails, from 1
 *   CORRENTE_FAIL_COUNT    how many fail from there on
 *   CORRENTE_FAIL_ERROR    with this errno
 *
 * Of a write that fails half of it arrives, as on a disk that fills up meanwhile. Files made anew after a
 * crash (shared memory, lock) are not noted, but their acts count and fail like others. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int trace = -2;

static int trace_file(void) {
    if (trace == -2) {
        const char *path = getenv("CORRENTE_TRACE");
        trace = path ? (int)syscall(SYS_openat, AT_FDCWD, path,
                                    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)
                     : -1;
    }
    return trace;
}

static unsigned long number_of(const char *variable) {
    const char *text = getenv(variable);
    return text ? strtoul(text, 0, 10) : 0;
}

/* Is this act of a watched file one that fails? Call it with the lock held, once per act. */
static int fails(const char *name) {
    static unsigned long acts, from, count;
    if (!acts) {
        from = number_of("CORRENTE_FAIL_FROM");
        count = number_of("CORRENTE_FAIL_COUNT");
    }
    /* The test's own note of acknowledgements is on another disk. */
    if (!strcmp(name, "acks")) return 0;
    acts++;
    if (!from || acts < from || acts - from >= count) return 0;
    errno = (int)number_of("CORRENTE_FAIL_ERROR");
    return 1;
}

static int ends_with(const char *name, const char *suffix) {
    size_t length = strlen(name), end = strlen(suffix);
    return length > end && !strcmp(name + length - end, suffix);
}

/* Is made anew after a crash. */
static int passes(const char *name) { return ends_with(name, "-shm") || ends_with(name, ".lock"); }

/* The file's name in the folder that is watched, or 0. */
static const char *name_of(int fd, char *buffer) {
    const char *folder = getenv("CORRENTE_TRACE_FOLDER");
    char link[64];
    if (!folder || trace_file() < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlink, link, buffer, PATH_MAX - 1);
    if (length <= 0) return 0;
    buffer[length] = 0;
    size_t prefix = strlen(folder);
    if (strncmp(buffer, folder, prefix) || buffer[prefix] != '/') return 0;
    return buffer + prefix + 1;
}

static void note(char kind, const char *name, uint64_t place, const void *data, uint32_t length) {
    if (passes(name)) return;
    unsigned char head[14];
    size_t of_name = strlen(name);
    head[0] = (unsigned char)kind;
    head[1] = (unsigned char)of_name;
    for (int i = 0; i < 8; i++) head[2 + i] = (unsigned char)(place >> (8 * i));
    for (int i = 0; i < 4; i++) head[10 + i] = (unsigned char)(length >> (8 * i));
    struct iovec parts[3] = {
        {head, sizeof head}, {(void *)name, of_name}, {(void *)data, length}};
    syscall(SYS_writev, trace_file(), parts, 3);
}

static ssize_t put(int fd, const void *data, size_t length, off_t offset, int moves) {
    char buffer[PATH_MAX];
    const char *name = name_of(fd, buffer);
    if (!name)
        return moves ? syscall(SYS_write, fd, data, length)
                     : syscall(SYS_pwrite64, fd, data, length, offset);
    pthread_mutex_lock(&lock);
    if (moves) {
        int append = fcntl(fd, F_GETFL) & O_APPEND;
        offset = (off_t)syscall(SYS_lseek, fd, 0, append ? SEEK_END : SEEK_CUR);
    }
    int failed = fails(name), error = errno;
    if (failed) length /= 2;
    note('w', name, (uint64_t)offset, data, (uint32_t)length);
    ssize_t done = moves ? syscall(SYS_write, fd, data, length)
                         : syscall(SYS_pwrite64, fd, data, length, offset);
    pthread_mutex_unlock(&lock);
    if (failed) errno = error;
    return failed ? -1 : done;
}

ssize_t write(int fd, const void *data, size_t length) { return put(fd, data, length, 0, 1); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t at) {
    return put(fd, data, length, at, 0);
}
ssize_t pwrite64(int fd, const void *data, size_t length, off_t at) {
    return put(fd, data, length, at, 0);
}

static int cut(int fd, off_t length) {
    char buffer[PATH_MAX];
    const char *name = name_of(fd, buffer);
    if (!name) return (int)syscall(SYS_ftruncate, fd, length);
    pthread_mutex_lock(&lock);
    int done = fails(name) ? -1 : 0;
    if (!done) {
        note('t', name, (uint64_t)length, "", 0);
        done = (int)syscall(SYS_ftruncate, fd, length);
    }
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate(int fd, off_t length) { return cut(fd, length); }
int ftruncate64(int fd, off_t length) { return cut(fd, length); }

static int settle(int fd, long call) {
    char buffer[PATH_MAX];
    const char *name = name_of(fd, buffer);
    if (!name) return (int)syscall(call, fd);
    /* What is written while the sync runs may or may not be in it: it is noted behind the sync. */
    pthread_mutex_lock(&lock);
    int done = fails(name) ? -1 : (int)syscall(call, fd);
    if (done == 0) note('s', name, 0, "", 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int unlink(const char *path) {
    const char *folder = getenv("CORRENTE_TRACE_FOLDER");
    size_t prefix = folder ? strlen(folder) : 0;
    if (!folder || trace_file() < 0 || strncmp(path, folder, prefix) || path[prefix] != '/')
        return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (done == 0) note('u', path + prefix + 1, 0, "", 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int fsync(int fd) { return settle(fd, SYS_fsync); }
int fdatasync(int fd) { return settle(fd, SYS_fdatasync); }
