/* Writes down what a process asks of the disk below one folder, so that a test can take away what a power cut may.
 * Loaded with LD_PRELOAD; ONHOOK_POWER_ROOT is the folder, ONHOOK_POWER_JOURNAL the file that is written, and the
 * folder ONHOOK_POWER_STASH gets a link to each file that loses its name. Changes nothing that the process does.
 *
 * A line is an event. What makes a file or a folder worse than what is on the disk is written down before it is done,
 * what makes it last after:
 *   w INO            the file is written to, or cut
 *   s INO SIZE       the file is synced
 *   d PATH           the folder is synced
 *   c PATH           a name for a new file          m PATH   a new folder
 *   l PATH           a second name for a file       u PATH INO   a name is removed
 *   r FROM TO INO    a name is changed; INO is the file that had the new one, or 0
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES 4096

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;
static const char *root, *stash;
static struct {
    char kind; /* 0 not ours, 'f' a file, 'd' a folder */
    char is_dirty;
    char path[PATH_MAX];
} *open_files;

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static void start(void) {
    if (journal != -1) return;
    const char *path = getenv("ONHOOK_POWER_JOURNAL");
    root = getenv("ONHOOK_POWER_ROOT");
    stash = getenv("ONHOOK_POWER_STASH");
    open_files = calloc(FILES, sizeof *open_files);
    if (!path || !root || !stash || !open_files) { journal = -2; return; }
    journal = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static void event(const char *format, ...) {
    char line[3 * PATH_MAX];
    va_list values;
    va_start(values, format);
    int length = vsnprintf(line, sizeof line, format, values);
    va_end(values);
    if (syscall(SYS_write, journal, line, (size_t)length) != length) abort();
}

/* The path in full where it lies below the root. */
static int ours(int folder, const char *path, char *full) {
    if (journal < 0 || !path) return 0;
    if (path[0] == '/') snprintf(full, PATH_MAX, "%s", path);
    else {
        char here[PATH_MAX];
        if (folder != AT_FDCWD || !getcwd(here, sizeof here)) return 0;
        if (!strncmp(path, "./", 2)) path += 2;
        if (snprintf(full, PATH_MAX, "%s/%s", here, strcmp(path, ".") ? path : "") >= PATH_MAX) return 0;
    }
    size_t length = strlen(full), above = strlen(root);
    while (length > 1 && full[length - 1] == '/') full[--length] = 0;
    return length >= above && !strncmp(full, root, above) && (full[above] == 0 || full[above] == '/');
}

static unsigned long inode(const char *path) {
    struct stat data;
    return lstat(path, &data) ? 0 : (unsigned long)data.st_ino;
}

static unsigned long inode_of(int fd) {
    struct stat data;
    return fstat(fd, &data) ? 0 : (unsigned long)data.st_ino;
}

static void keep(const char *path, unsigned long ino) {
    char kept[PATH_MAX + 32];
    snprintf(kept, sizeof kept, "%s/%lu", stash, ino);
    syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, kept, 0);
}

static int opening(int folder, const char *path, int flags, mode_t mode) {
    char full[PATH_MAX] = "";
    pthread_mutex_lock(&one_at_a_time);
    start();
    int is_ours = ours(folder, path, full);
    unsigned long before = is_ours ? inode(full) : 0;
    if (is_ours && before && (flags & O_TRUNC)) event("w %lu\n", before);
    if (is_ours && !before && (flags & O_CREAT)) event("c %s\n", full);
    int fd = syscall(SYS_openat, folder, path, flags, mode);
    int error = errno;
    if (journal >= 0 && fd >= 0 && fd < FILES) {
        struct stat data;
        open_files[fd].kind = 0;
        int is_there = full[0] && !fstat(fd, &data) && data.st_nlink;
        /* The folder above the root holds the root's own name. */
        if (is_there && (is_ours || S_ISDIR(data.st_mode))) {
            open_files[fd].kind = S_ISDIR(data.st_mode) ? 'd' : 'f';
            open_files[fd].is_dirty = 0;
            strcpy(open_files[fd].path, full);
        }
    }
    pthread_mutex_unlock(&one_at_a_time);
    errno = error;
    return fd;
}

static mode_t mode_of(int flags, va_list rest) {
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, mode_t) : 0;
}

#define OPEN(name)                                         \
    int name(const char *path, int flags, ...) {           \
        va_list rest;                                      \
        va_start(rest, flags);                             \
        mode_t mode = mode_of(flags, rest);                \
        va_end(rest);                                      \
        return opening(AT_FDCWD, path, flags, mode);       \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                         \
    int name(int folder, const char *path, int flags, ...) { \
        va_list rest;                                        \
        va_start(rest, flags);                               \
        mode_t mode = mode_of(flags, rest);                  \
        va_end(rest);                                        \
        return opening(folder, path, flags, mode);           \
    }
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
    pthread_mutex_lock(&one_at_a_time);
    if (journal >= 0 && fd >= 0 && fd < FILES) open_files[fd].kind = 0;
    pthread_mutex_unlock(&one_at_a_time);
    return syscall(SYS_close, fd);
}

static void dirty(int fd) {
    if (journal < 0 || fd < 0 || fd >= FILES || open_files[fd].kind != 'f') return;
    pthread_mutex_lock(&one_at_a_time);
    if (open_files[fd].kind == 'f' && !open_files[fd].is_dirty) {
        open_files[fd].is_dirty = 1;
        event("w %lu\n", inode_of(fd));
    }
    pthread_mutex_unlock(&one_at_a_time);
}

ssize_t write(int fd, const void *bytes, size_t length) { dirty(fd); REAL(write); return real(fd, bytes, length); }
ssize_t writev(int fd, const struct iovec *parts, int count) { dirty(fd); REAL(writev); return real(fd, parts, count); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { dirty(fd); REAL(pwrite); return real(fd, bytes, length, at); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) { dirty(fd); REAL(pwrite64); return real(fd, bytes, length, at); }
int ftruncate(int fd, off_t length) { dirty(fd); REAL(ftruncate); return real(fd, length); }
int ftruncate64(int fd, off64_t length) { dirty(fd); REAL(ftruncate64); return real(fd, length); }
ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *there, size_t length, unsigned flags) {
    dirty(to);
    REAL(copy_file_range);
    return real(from, at, to, there, length, flags);
}

static void synced(int fd) {
    struct stat data;
    pthread_mutex_lock(&one_at_a_time);
    if (journal >= 0 && fd >= 0 && fd < FILES && open_files[fd].kind == 'd') event("d %s\n", open_files[fd].path);
    if (journal >= 0 && fd >= 0 && fd < FILES && open_files[fd].kind == 'f' && !fstat(fd, &data)) {
        open_files[fd].is_dirty = 0;
        event("s %lu %lu\n", (unsigned long)data.st_ino, (unsigned long)data.st_size);
    }
    pthread_mutex_unlock(&one_at_a_time);
}

int fsync(int fd) { REAL(fsync); int failed = real(fd); if (!failed) synced(fd); return failed; }
int fdatasync(int fd) { REAL(fdatasync); int failed = real(fd); if (!failed) synced(fd); return failed; }

int mkdirat(int folder, const char *path, mode_t mode) {
    char full[PATH_MAX];
    pthread_mutex_lock(&one_at_a_time);
    start();
    if (ours(folder, path, full) && !inode(full)) event("m %s\n", full);
    int failed = syscall(SYS_mkdirat, folder, path, mode);
    pthread_mutex_unlock(&one_at_a_time);
    return failed;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    char full[PATH_MAX];
    pthread_mutex_lock(&one_at_a_time);
    start();
    if (ours(to_folder, to, full) && !inode(full)) event("l %s\n", full);
    int failed = syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
    int error = errno;
    pthread_mutex_unlock(&one_at_a_time);
    errno = error;
    return failed;
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    char old[PATH_MAX], new[PATH_MAX];
    pthread_mutex_lock(&one_at_a_time);
    start();
    if (ours(from_folder, from, old) & ours(to_folder, to, new)) {
        unsigned long replaced = inode(new);
        if (replaced) keep(new, replaced);
        event("r %s %s %lu\n", old, new, replaced);
    }
    int failed = syscall(SYS_renameat2, from_folder, from, to_folder, to, 0);
    pthread_mutex_unlock(&one_at_a_time);
    return failed;
}
int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }

int unlinkat(int folder, const char *path, int flags) {
    char full[PATH_MAX];
    pthread_mutex_lock(&one_at_a_time);
    start();
    unsigned long ino = ours(folder, path, full) && !flags ? inode(full) : 0;
    if (ino) {
        keep(full, ino);
        event("u %s %lu\n", full, ino);
    }
    int failed = syscall(SYS_unlinkat, folder, path, flags);
    int error = errno;
    pthread_mutex_unlock(&one_at_a_time);
    errno = error;
    return failed;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
