/* Every function of hf3fs_usrbio.h against a mount: layouts, results, error paths, threads, fork, many rings.
 * Usage: usrbio_api MOUNT. Prints "ok" and exits 0, or says what went wrong. */
#define _GNU_SOURCE
#include "hf3fs_usrbio.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

_Static_assert(sizeof(struct hf3fs_iov) == 312 && sizeof(struct hf3fs_ior) == 600 && sizeof(struct hf3fs_cqe) == 24, "sizes");
_Static_assert(offsetof(struct hf3fs_iov, iovh) == 8 && offsetof(struct hf3fs_iov, id) == 16 && offsetof(struct hf3fs_iov, mount_point) == 32
    && offsetof(struct hf3fs_iov, size) == 288 && offsetof(struct hf3fs_iov, block_size) == 296 && offsetof(struct hf3fs_iov, numa) == 304, "iov");
_Static_assert(offsetof(struct hf3fs_ior, iorh) == 312 && offsetof(struct hf3fs_ior, mount_point) == 320
    && offsetof(struct hf3fs_ior, for_read) == 576 && offsetof(struct hf3fs_ior, io_depth) == 580 && offsetof(struct hf3fs_ior, priority) == 584
    && offsetof(struct hf3fs_ior, timeout) == 588 && offsetof(struct hf3fs_ior, flags) == 592, "ior");
_Static_assert(offsetof(struct hf3fs_cqe, result) == 8 && offsetof(struct hf3fs_cqe, userdata) == 16, "cqe");

#define CHECK(condition) do { if (!(condition)) { printf("line %d: %s (errno %d)\n", __LINE__, #condition, errno); exit(1); } } while (0)
#define EQUAL(actual, expected) do { long long a_ = (long long)(actual), e_ = (long long)(expected); \
    if (a_ != e_) { printf("line %d: %s is %lld, not %lld\n", __LINE__, #actual, a_, e_); exit(1); } } while (0)

enum { BLOCK = 64 << 10, BLOCKS = 64, SIZE = BLOCK * BLOCKS };

static const char *mp;
static char path[4096];

/* Memory of rings and buffers in /dev/shm, or all names elsewhere: semaphores of other mounts come and go. */
static int count_of(const char *directory)
{
    const char *prefix = strcmp(directory, "/dev/shm") == 0 ? "hf3fs-iov-" : "";
    int count = 0;
    DIR *d = opendir(directory);
    for (struct dirent *e; (e = readdir(d));) count += e->d_name[0] != '.' && strncmp(e->d_name, prefix, strlen(prefix)) == 0;
    closedir(d);
    return count;
}

static int64_t one(struct hf3fs_ior *ring, const struct hf3fs_iov *iov, void *at, int fd, size_t offset, uint64_t length)
{
    int index = hf3fs_prep_io(ring, iov, ring->for_read, at, fd, offset, length, at);
    CHECK(index >= 0);
    EQUAL(hf3fs_submit_ios(ring), 0);
    struct hf3fs_cqe cqe;
    EQUAL(hf3fs_wait_for_ios(ring, &cqe, 1, 1, NULL), 1);
    EQUAL(cqe.index, index);
    CHECK(cqe.userdata == at);
    return cqe.result;
}

static void fill(uint8_t *memory, unsigned seed)
{
    for (size_t i = 0; i < SIZE; i += 4) *(uint32_t *)(memory + i) = seed = seed * 1664525 + 1013904223;
}

static void write_all(struct hf3fs_ior *ring, struct hf3fs_iov *iov, int fd)
{
    struct hf3fs_cqe cqes[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) CHECK(hf3fs_prep_io(ring, iov, false, iov->base + i * BLOCK, fd, i * BLOCK, BLOCK, NULL) >= 0);
    hf3fs_submit_ios(ring);
    EQUAL(hf3fs_wait_for_ios(ring, cqes, BLOCKS, BLOCKS, NULL), BLOCKS);
    for (int i = 0; i < BLOCKS; i++) EQUAL(cqes[i].result, BLOCK);
}

/* A ring and a buffer of its own, in a thread or in a forked child. */
static void *read_all(void *argument)
{
    int fd = *(int *)argument;
    struct hf3fs_iov iov;
    struct hf3fs_ior ring;
    EQUAL(hf3fs_iovcreate(&iov, mp, SIZE, 0, -1), 0);
    EQUAL(hf3fs_iorcreate3(&ring, mp, BLOCKS, true, 0, -1, 0, -1), 0);
    uint8_t *expected = malloc(SIZE);
    fill(expected, 7);
    for (int round = 0; round < 10; round++) {
        memset(iov.base, 0, SIZE);
        for (size_t i = 0; i < BLOCKS; i++) CHECK(hf3fs_prep_io(&ring, &iov, true, iov.base + i * BLOCK, fd, i * BLOCK, BLOCK, NULL) >= 0);
        EQUAL(hf3fs_prep_io(&ring, &iov, true, iov.base, fd, 0, BLOCK, NULL), -EAGAIN);
        hf3fs_submit_ios(&ring);
        struct hf3fs_cqe cqes[BLOCKS];
        for (int done = 0; done < BLOCKS;) {
            int n = hf3fs_wait_for_ios(&ring, cqes, BLOCKS, 1, NULL);
            CHECK(n > 0);
            for (int i = 0; i < n; i++) EQUAL(cqes[i].result, BLOCK);
            done += n;
        }
        CHECK(memcmp(iov.base, expected, SIZE) == 0);
    }
    free(expected);
    hf3fs_iordestroy(&ring);
    hf3fs_iovdestroy(&iov);
    return NULL;
}

struct reaper { struct hf3fs_ior *ring; int *left; };

static void *reap_some(void *argument)
{
    struct reaper *r = argument;
    struct hf3fs_cqe cqes[4];
    while (__atomic_load_n(r->left, __ATOMIC_SEQ_CST) > 0) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 5000000;
        if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
        int n = hf3fs_wait_for_ios(r->ring, cqes, 4, 1, &until);
        CHECK(n >= 0);
        for (int i = 0; i < n; i++) EQUAL(cqes[i].result, BLOCK);
        __atomic_fetch_sub(r->left, n, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static void test_errors(struct hf3fs_ior *reads, struct hf3fs_ior *writes, struct hf3fs_iov *iov, int fd)
{
    struct hf3fs_iov other;
    struct hf3fs_ior ring;
    char longest[300];
    memset(longest, 'x', sizeof longest);
    longest[0] = '/', longest[299] = 0;
    EQUAL(hf3fs_iovcreate(NULL, mp, SIZE, 0, -1), -EINVAL);
    EQUAL(hf3fs_iovcreate(&other, NULL, SIZE, 0, -1), -EINVAL);
    EQUAL(hf3fs_iovcreate(&other, longest, SIZE, 0, -1), -EINVAL);
    EQUAL(hf3fs_iovcreate(&other, mp, 0, 0, -1), -EIO);
    EQUAL(hf3fs_iovcreate(&other, mp, SIZE, SIZE + 1, -1), -EINVAL);
    EQUAL(hf3fs_iovcreate(&other, "/tmp", SIZE, 0, -1), -ENOENT);
    EQUAL(hf3fs_iorcreate(NULL, mp, 8, true, 0, -1), -EINVAL);
    EQUAL(hf3fs_iorcreate(&ring, mp, 0, true, 0, -1), -EINVAL);
    EQUAL(hf3fs_iorcreate(&ring, mp, 8, true, 9, -1), -EINVAL);
    EQUAL(hf3fs_iorcreate3(&ring, mp, 8, true, 0, 0, -1, -1), -EINVAL);
    EQUAL(hf3fs_prep_io(NULL, iov, true, iov->base, fd, 0, 1, NULL), -EINVAL);
    EQUAL(hf3fs_prep_io(reads, NULL, true, iov->base, fd, 0, 1, NULL), -EINVAL);
    EQUAL(hf3fs_prep_io(reads, iov, true, NULL, fd, 0, 1, NULL), -EINVAL);
    EQUAL(hf3fs_prep_io(reads, iov, true, iov->base, fd, 0, 0, NULL), -EINVAL);
    EQUAL(hf3fs_prep_io(reads, iov, false, iov->base, fd, 0, 1, NULL), -EINVAL);
    EQUAL(hf3fs_prep_io(reads, iov, true, iov->base - 1, fd, 0, 1, NULL), -EINVAL);
    EQUAL(hf3fs_prep_io(reads, iov, true, iov->base + SIZE, fd, 0, 1, NULL), -EINVAL);
    EQUAL(hf3fs_prep_io(reads, iov, true, iov->base + SIZE - 1, fd, 0, UINT64_MAX, NULL), -EINVAL);
    EQUAL(hf3fs_prep_io(reads, iov, true, iov->base, 1 << 30, 0, 1, NULL), -EBADF);
    EQUAL(hf3fs_prep_io(reads, iov, true, iov->base, INT32_MIN, 0, 1, NULL), -EINVAL);
    EQUAL(hf3fs_submit_ios(NULL), -EINVAL);
    struct hf3fs_cqe cqe;
    EQUAL(hf3fs_wait_for_ios(reads, &cqe, 0, 0, NULL), -EINVAL);
    EQUAL(hf3fs_wait_for_ios(reads, &cqe, 1, 0, NULL), 0);
    struct timespec past;
    clock_gettime(CLOCK_MONOTONIC, &past); /* what some callers pass by mistake */
    EQUAL(hf3fs_wait_for_ios(reads, &cqe, 1, 1, &past), 0);

    EQUAL(hf3fs_reg_fd(-1, 0), EBADF);
    EQUAL(hf3fs_reg_fd(0, 0), EBADF);
    EQUAL(hf3fs_reg_fd(fd, 0), EINVAL);
    int readonly = open(path, O_RDONLY), writeonly = open(path, O_WRONLY);
    CHECK(hf3fs_reg_fd(readonly, 0) <= 0 && hf3fs_reg_fd(writeonly, 0) <= 0);
    EQUAL(hf3fs_prep_io(writes, iov, false, iov->base, readonly, 0, 1, NULL), -EACCES);
    EQUAL(hf3fs_prep_io(reads, iov, true, iov->base, writeonly, 0, 1, NULL), -EACCES);
    hf3fs_dereg_fd(readonly), hf3fs_dereg_fd(writeonly), hf3fs_dereg_fd(writeonly);
    EQUAL(hf3fs_prep_io(reads, iov, true, iov->base, readonly, 0, 1, NULL), -EBADF);
    int duplicate = -hf3fs_reg_fd(readonly, 0); /* either number ends the registration of both */
    CHECK(duplicate > 0);
    hf3fs_dereg_fd(duplicate);
    EQUAL(hf3fs_prep_io(reads, iov, true, iov->base, readonly, 0, 1, NULL), -EBADF);
    EQUAL(hf3fs_prep_io(reads, iov, true, iov->base, duplicate, 0, 1, NULL), -EBADF);
    close(readonly), close(writeonly);
}

static void test_names(int fd)
{
    char found[256], small[4] = "abc";
    EQUAL(hf3fs_extract_mount_point(found, sizeof found, path), strlen(mp) + 1);
    CHECK(strcmp(found, mp) == 0);
    EQUAL(hf3fs_extract_mount_point(small, sizeof small, path), strlen(mp) + 1);
    CHECK(strcmp(small, "abc") == 0);
    EQUAL(hf3fs_extract_mount_point(found, sizeof found, "/"), -1);
    EQUAL(hf3fs_extract_mount_point(found, sizeof found, "/no/such/path"), -1);
    CHECK(hf3fs_is_hf3fs(fd) && !hf3fs_is_hf3fs(0) && !hf3fs_is_hf3fs(-1));
    EQUAL(hf3fs_ior_size(1), 4336);
    EQUAL(hf3fs_ior_size(100), 13840);
    EQUAL(hf3fs_ior_size(1024), 102544);

    char link[4200];
    snprintf(link, sizeof link, "%s.link", path);
    unlink(link); /* of a run that was killed */
    EQUAL(hf3fs_hardlink(path, link), 0);
    EQUAL(hf3fs_hardlink(path, link), EEXIST);
    struct stat stat;
    fstat(fd, &stat);
    EQUAL(stat.st_nlink, 2);
    unlink(link);

    /* Of a symlink: what it leads to gets the name. */
    char symbolic[4200];
    snprintf(symbolic, sizeof symbolic, "%s.symbolic", path);
    unlink(symbolic);
    EQUAL(symlink(path, symbolic), 0);
    EQUAL(hf3fs_hardlink(symbolic, link), 0);
    fstat(fd, &stat);
    EQUAL(stat.st_nlink, 2);
    unlink(link), unlink(symbolic);
}

static void test_holes(struct hf3fs_iov *iov, struct hf3fs_ior *reads, int fd)
{
    size_t start = 16 * BLOCK, end = 48 * BLOCK;
    EQUAL(hf3fs_punchhole(fd, 1, &end, &start, 0), EINVAL);
    EQUAL(hf3fs_punchhole(fd, 1001, &start, &end, 0), EINVAL);
    EQUAL(hf3fs_punchhole(0, 1, &start, &end, 0), EBADF);
    EQUAL(hf3fs_punchhole(fd, 1, &start, &end, 0), 0);
    memset(iov->base, 1, BLOCK);
    EQUAL(one(reads, iov, iov->base, fd, 32 * BLOCK, BLOCK), BLOCK);
    for (int i = 0; i < BLOCK; i++) CHECK(iov->base[i] == 0);
    struct hf3fs_ior strict;
    EQUAL(hf3fs_iorcreate4(&strict, mp, 8, true, 0, 0, -1, HF3FS_IOR_FORBID_READ_HOLES), 0);
    EQUAL(one(&strict, iov, iov->base, fd, 32 * BLOCK, BLOCK), -ENODATA);
    EQUAL(one(&strict, iov, iov->base, fd, 0, BLOCK), BLOCK);
    hf3fs_iordestroy(&strict);
}

/* Each function as the very first one of a process: the library starts with it. */
static void test_first_calls(void)
{
    for (int i = 0; i < 21; i++) {
        pid_t child = fork();
        if (child == 0) {
            static struct hf3fs_iov iov;
            static struct hf3fs_ior ior;
            struct hf3fs_cqe cqe;
            char found[256];
            uint8_t id[16] = { 1 };
            size_t zero = 0;
            switch (i) {
                case 0: hf3fs_is_hf3fs(0); break;
                case 1: EQUAL(hf3fs_extract_mount_point(found, sizeof found, mp), strlen(mp) + 1); break;
                case 2: EQUAL(hf3fs_iovcreate(&iov, mp, 4096, 0, -1), 0); break;
                case 3: EQUAL(hf3fs_iovopen(&iov, id, mp, 4096, 0, -1), -ENOENT); break;
                case 4: hf3fs_iovunlink(&iov); break;
                case 5: hf3fs_iovdestroy(&iov); break;
                case 6: EQUAL(hf3fs_iovwrap(&iov, found, id, mp, 4096, 0, -1), 0); break;
                case 7: hf3fs_ior_size(1); break;
                case 8: EQUAL(hf3fs_iorcreate(&ior, mp, 8, true, 0, -1), 0); break;
                case 9: EQUAL(hf3fs_iorcreate2(&ior, mp, 8, true, 0, 1, -1), 0); break;
                case 10: EQUAL(hf3fs_iorcreate3(&ior, mp, 8, true, 0, -1, 1, -1), 0); break;
                case 11: EQUAL(hf3fs_iorcreate4(&ior, mp, 8, true, 0, 0, -1, 2), 0); break;
                case 12: hf3fs_iordestroy(&ior); break;
                case 13: EQUAL(hf3fs_reg_fd(0, 0), EBADF); break;
                case 14: hf3fs_dereg_fd(0); break;
                case 15: hf3fs_io_entries(&ior); break;
                case 16: EQUAL(hf3fs_prep_io(&ior, &iov, true, found, 0, 0, 1, NULL), -EINVAL); break;
                case 17: EQUAL(hf3fs_submit_ios(&ior), -EINVAL); break;
                case 18: EQUAL(hf3fs_wait_for_ios(&ior, &cqe, 1, 1, NULL), -EINVAL); break;
                case 19: EQUAL(hf3fs_hardlink("/no", "/where"), ENOENT); break;
                case 20: EQUAL(hf3fs_punchhole(0, 1, &zero, &zero, 0), EBADF); break;
            }
            _exit(0);
        }
        int status;
        waitpid(child, &status, 0);
        if (status != 0) {
            printf("function %d as the first one: status %x\n", i, status);
            exit(1);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    mp = argv[1];
    test_first_calls();
    char registry[4096];
    snprintf(registry, sizeof registry, "%s/3fs-virt/iovs", mp);
    snprintf(path, sizeof path, "%s/usrbio-api-file", mp);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0);
    int before = count_of(registry), shared = count_of("/dev/shm");

    struct hf3fs_iov iov;
    struct hf3fs_ior reads, writes;
    EQUAL(hf3fs_iovcreate(&iov, mp, SIZE, 0, 0), 0);
    EQUAL(hf3fs_iorcreate4(&reads, mp, 100, true, 0, 0, -1, 0), 0);
    EQUAL(hf3fs_iorcreate(&writes, mp, 100, false, 0, -1), 0);
    EQUAL(hf3fs_io_entries(&reads), 100);
    int registered = hf3fs_reg_fd(fd, 0);
    CHECK(registered <= 0);
    fill(iov.base, 7);
    write_all(&writes, &iov, fd);
    int ignored;
    EQUAL(ioctl(fd, 0x8004680b, &ignored), 0);
    struct stat stat;
    fstat(fd, &stat);
    EQUAL(stat.st_size, SIZE);
    EQUAL(one(&reads, &iov, iov.base, registered, 0, SIZE), SIZE); /* the duplicate stands for the descriptor */
    EQUAL(one(&reads, &iov, iov.base, fd, SIZE - 10, BLOCK), 10);

    test_errors(&reads, &writes, &iov, fd);
    test_names(fd);

    /* Another handle on the same memory. */
    struct hf3fs_iov opened, wrapped;
    EQUAL(hf3fs_iovopen(&opened, (uint8_t *)iov.id, mp, SIZE, 0, -1), 0);
    CHECK(memcmp(opened.base, iov.base, SIZE) == 0 && opened.base != iov.base);
    hf3fs_iovunlink(&iov);
    hf3fs_iovdestroy(&opened); /* ends nothing but itself */
    EQUAL(hf3fs_iovopen(&opened, (uint8_t *)iov.id, mp, SIZE, 0, -1), -ENOENT); /* the name is gone */
    EQUAL(one(&reads, &iov, iov.base, fd, 0, BLOCK), BLOCK);
    EQUAL(hf3fs_iovwrap(&wrapped, iov.base, (uint8_t *)iov.id, mp, SIZE, 0, -1), 0);
    EQUAL(one(&reads, &wrapped, wrapped.base + BLOCK, fd, BLOCK, BLOCK), BLOCK);
    hf3fs_iovdestroy(&wrapped);

    /* Threads with rings of their own, and one ring reaped by several. */
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, read_all, &fd);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    int left = BLOCKS;
    struct reaper reaper = { &reads, &left };
    for (size_t i = 0; i < BLOCKS; i++) CHECK(hf3fs_prep_io(&reads, &iov, true, iov.base + i * BLOCK, fd, i * BLOCK, BLOCK, NULL) >= 0);
    hf3fs_submit_ios(&reads);
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, reap_some, &reaper);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    EQUAL(left, 0);

    /* A child that was forked in the middle, as data loaders do. */
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        if (child == 0) {
            read_all(&fd);
            hf3fs_iordestroy(&reads); /* the parent's go on */
            hf3fs_iovunlink(&iov);
            hf3fs_iovdestroy(&iov);
            _exit(0);
        }
        int status;
        waitpid(child, &status, 0);
        EQUAL(status, 0);
    }

    EQUAL(one(&reads, &iov, iov.base, fd, 0, BLOCK), BLOCK);
    test_holes(&iov, &reads, fd);
    int descriptors = count_of("/proc/self/fd");
    for (int i = 0; i < 2000; i++) {
        struct hf3fs_iov b;
        struct hf3fs_ior r;
        EQUAL(hf3fs_iovcreate(&b, mp, 8192, 0, -1), 0);
        EQUAL(hf3fs_iorcreate4(&r, mp, 4, i % 2, i % 3 - 1, 5, -1, (uint64_t)(i % 4)), 0);
        hf3fs_iordestroy(&r);
        hf3fs_iovdestroy(&b);
    }
    EQUAL(count_of("/proc/self/fd"), descriptors);
    hf3fs_dereg_fd(fd);
    hf3fs_iordestroy(&reads);
    hf3fs_iordestroy(&writes);
    hf3fs_iovdestroy(&iov);
    hf3fs_iovdestroy(&iov);
    EQUAL(count_of(registry), before);
    EQUAL(count_of("/dev/shm"), shared);
    close(fd);
    unlink(path);
    puts("ok");
    return 0;
}
