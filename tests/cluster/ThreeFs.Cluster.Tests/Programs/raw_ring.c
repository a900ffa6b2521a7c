/* Speaks the ring protocol by hand, without any library: registers shared memory and rings through 3fs-virt/iovs, writes a file with
 * one ring, reads it back with another, verifies every byte, and then does what an honest program never does.
 * Usage: raw_ring MOUNT. Prints "ok" and exits 0, or says what went wrong. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ENTRIES = 64, SLOTS = ENTRIES + 1, BLOCK = 128 << 10, BLOCKS = 48, BUFFER = BLOCK * BLOCKS };

struct operation { uint8_t buffer[16]; uint64_t buffer_offset, inode, file_offset, length, userdata; };
struct completion { int32_t index, reserved; int64_t result; uint64_t userdata; };
struct submission { int32_t index, padding; uint64_t userdata; };
_Static_assert(sizeof(struct operation) == 56 && sizeof(struct completion) == 24 && sizeof(struct submission) == 16, "layout");

struct shared { char name[64], key[128], link[4096]; uint8_t id[16]; uint8_t *memory; size_t size; int fd; };
struct ring { struct shared shared; int32_t *positions; struct operation *operations; struct completion *completions;
    struct submission *submissions; sem_t *done, *submit; int next; };

static const char *mount_point;

static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    printf(" (errno %d, %s)\n", errno, strerror(errno));
    exit(1);
}

static void share(struct shared *s, size_t size, const char *decoration)
{
    int random = open("/dev/urandom", O_RDONLY);
    if (read(random, s->id, 16) != 16) fail("urandom");
    close(random);
    char uuid[40], *at = uuid;
    for (int i = 0; i < 16; i++) at += sprintf(at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", s->id[i]);
    snprintf(s->name, sizeof s->name, "/raw-ring-%s", uuid);
    snprintf(s->key, sizeof s->key, "%s%s", uuid, decoration);
    snprintf(s->link, sizeof s->link, "%s/3fs-virt/iovs/%s", mount_point, s->key);
    int fd = shm_open(s->name, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0) fail("shm_open %s", s->name);
    s->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    s->size = size;
    s->fd = fd;
    char target[128];
    snprintf(target, sizeof target, "/dev/shm%s", s->name);
    if (symlink(target, s->link) != 0) fail("symlink %s", s->link);
    shm_unlink(s->name); /* at once: the mount has it mapped */
    char back[128] = {0};
    if (readlink(s->link, back, sizeof back - 1) < 0 || strcmp(back, target) != 0) fail("readlink answers '%s', not '%s'", back, target);
}

static void unshare_memory(struct shared *s)
{
    if (unlink(s->link) != 0) fail("unlink %s", s->link);
    if (access(s->link, F_OK) == 0 || unlink(s->link) != -1 || errno != ENOENT) fail("%s is still there", s->link);
    munmap(s->memory, s->size);
    close(s->fd);
}

static void make_ring(struct ring *r, const char *decoration)
{
    share(&r->shared, 16 + 32 + 96 * SLOTS + 4096, decoration);
    uint8_t *base = r->shared.memory;
    r->positions = (int32_t *)base;
    r->operations = (struct operation *)(base + 16);
    r->completions = (struct completion *)(base + 16 + 56 * SLOTS);
    r->submissions = (struct submission *)(base + 16 + 80 * SLOTS);
    r->done = (sem_t *)(base + 16 + 96 * SLOTS);
    r->next = 0;
    char link[4096], target[256] = {0};
    snprintf(link, sizeof link, "%s/3fs-virt/iovs/submit-ios", mount_point);
    if (readlink(link, target, sizeof target - 1) < 0 || strncmp(target, "/dev/shm/sem.", 13) != 0) fail("%s → '%s'", link, target);
    target[12] = '/';
    r->submit = sem_open(target + 12, 0);
    if (r->submit == SEM_FAILED) fail("sem_open %s", target + 12);
}

static void prepare(struct ring *r, const struct shared *buffer, uint64_t buffer_offset, uint64_t inode, uint64_t offset, uint64_t length)
{
    int slot = r->next++ % SLOTS, head = r->positions[0];
    struct operation *o = &r->operations[slot];
    memcpy(o->buffer, buffer->id, 16);
    o->buffer_offset = buffer_offset, o->inode = inode, o->file_offset = offset, o->length = length, o->userdata = 1000 + slot;
    r->submissions[head] = (struct submission){ .index = slot, .userdata = 1000 + slot };
    __atomic_store_n(&r->positions[0], (head + 1) % SLOTS, __ATOMIC_SEQ_CST);
}

/* Waits for a completion and answers its result. */
static int64_t reap_one(struct ring *r)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 60;
    int tail = r->positions[3];
    while (tail == __atomic_load_n(&r->positions[2], __ATOMIC_SEQ_CST))
        if (sem_timedwait(r->done, &until) != 0 && errno != EINTR) fail("a completion is missing");
    struct completion c = r->completions[tail];
    if (c.userdata != 1000 + (uint64_t)c.index) fail("slot %d came back with userdata %lu", c.index, c.userdata);
    __atomic_store_n(&r->positions[3], (tail + 1) % SLOTS, __ATOMIC_SEQ_CST);
    return c.result;
}

/* Waits for so many completions; each result has to be the one expected. */
static void reap(struct ring *r, int count, int64_t expected)
{
    for (; count > 0; count--) {
        int64_t result = reap_one(r);
        if (result != expected) fail("a result is %ld, not %ld", (long)result, (long)expected);
    }
}

static void expect(struct ring *r, const struct shared *buffer, uint64_t at, uint64_t inode, uint64_t offset, uint64_t length, int64_t result)
{
    prepare(r, buffer, at, inode, offset, length);
    sem_post(r->submit);
    reap(r, 1, result);
}

/* Cuts its memory while the mount reads into it, writes out of it, and looks at the ring: that is nobody's trouble but ours. */
static void cut_memory(uint64_t inode)
{
    for (int round = 0; round < 12; round++) {
        struct shared buffer;
        struct ring ring;
        share(&buffer, BUFFER, "");
        make_ring(&ring, round % 2 ? ".w0.t0" : ".r0.t0");
        memset(buffer.memory, 1, BUFFER);
        for (int i = 0; i < BLOCKS; i++) prepare(&ring, &buffer, (uint64_t)i * BLOCK, inode, (uint64_t)i * BLOCK, BLOCK);
        if (round < 2 && ftruncate(buffer.fd, 0) != 0) fail("cut a buffer");
        sem_post(ring.submit);
        if (round >= 2) usleep((useconds_t)random() % 5000);
        if (round < 8) {
            if (ftruncate(buffer.fd, round % 3 * BLOCK) != 0) fail("cut a buffer");
            for (int i = 0; i < BLOCKS; i++) reap_one(&ring);
        } else if (ftruncate(ring.shared.fd, 0) != 0) {
            fail("cut a ring");
        }
        unshare_memory(&buffer);
        unshare_memory(&ring.shared);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    mount_point = argv[1];
    char path[4096], path3[4200];
    struct stat other;
    snprintf(path, sizeof path, "%s/raw-ring-file", mount_point);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    struct stat stat;
    if (fd < 0 || fstat(fd, &stat) != 0) fail("open %s", path);
    uint32_t magic = 0;
    if (ioctl(fd, 0x80046802, &magic) != 0 || magic != 0x8f3f5fff) fail("magic number %x", magic);

    struct shared out, in;
    struct ring writes, reads;
    share(&out, BUFFER, "");
    share(&in, BUFFER, ".b1048576");
    make_ring(&writes, ".w0.t0");
    make_ring(&reads, ".r0.t0");

    srandom(7);
    for (size_t i = 0; i < BUFFER; i += 4) *(uint32_t *)(out.memory + i) = (uint32_t)random();
    for (int i = 0; i < BLOCKS; i++) prepare(&writes, &out, (uint64_t)i * BLOCK, stat.st_ino, (uint64_t)i * BLOCK, BLOCK);
    sem_post(writes.submit);
    reap(&writes, BLOCKS, BLOCK);
    int ignored;
    if (ioctl(fd, 0x8004680b, &ignored) != 0) fail("fsync ioctl");
    if (fstat(fd, &stat) != 0 || stat.st_size != BUFFER) fail("the file has %ld bytes after the fsync ioctl", (long)stat.st_size);

    for (int round = 0; round < 20; round++) {
        memset(in.memory, 0, BUFFER);
        for (int i = 0; i < BLOCKS; i++) prepare(&reads, &in, (uint64_t)i * BLOCK, stat.st_ino, (uint64_t)(BLOCKS - 1 - i) * BLOCK, BLOCK);
        sem_post(reads.submit);
        reap(&reads, BLOCKS, BLOCK);
        for (int i = 0; i < BLOCKS; i++)
            if (memcmp(in.memory + (size_t)i * BLOCK, out.memory + (size_t)(BLOCKS - 1 - i) * BLOCK, BLOCK) != 0) fail("block %d differs", i);
    }

    /* Through the kernel the bytes are the same. */
    uint8_t *copy = malloc(BUFFER);
    if (pread(fd, copy, BUFFER, 0) != BUFFER || memcmp(copy, out.memory, BUFFER) != 0) fail("read(2) differs");

    /* What a ring overwrites is not hidden by pages that the kernel has: for the next open at once, for this one after the ioctl. */
    memset(out.memory, 0x5a, BLOCK);
    expect(&writes, &out, 0, stat.st_ino, 0, BLOCK, BLOCK);
    int again = open(path, O_RDONLY);
    if (pread(again, copy, BLOCK, 0) != BLOCK || memcmp(copy, out.memory, BLOCK) != 0) fail("an open after a ring's write sees old bytes");
    close(again);
    memset(out.memory, 0x3c, BLOCK);
    expect(&writes, &out, 0, stat.st_ino, 0, BLOCK, BLOCK);
    if (ioctl(fd, 0x8004680b, &ignored) != 0) fail("fsync ioctl");
    if (pread(fd, copy, BLOCK, 0) != BLOCK || memcmp(copy, out.memory, BLOCK) != 0) fail("read(2) after the fsync ioctl sees old bytes");

    /* A file that only a ring has written has its length and bytes for the next open at once, and for this one after fsync(2). */
    snprintf(path3, sizeof path3, "%s.grown", path);
    int grown = open(path3, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (fstat(grown, &other) != 0) fail("open %s", path3);
    for (int i = 0; i < 3; i++) {
        int64_t end = (int64_t)(i + 1) * BLOCK;
        expect(&writes, &out, 0, other.st_ino, (uint64_t)i * BLOCK, BLOCK, BLOCK);
        if (i != 1 && fsync(grown) != 0) fail("fsync");
        again = open(path3, O_RDONLY);
        if (i == 1 && (fstat(again, &other) != 0 || other.st_size != end)) fail("an open after a ring's write sees %ld bytes", (long)other.st_size);
        if (i != 1 && (fstat(grown, &other) != 0 || other.st_size != end)) fail("after fsync(2) there are %ld bytes", (long)other.st_size);
        if (pread(again, copy, BLOCK, (off_t)i * BLOCK) != BLOCK || memcmp(copy, out.memory, BLOCK) != 0) fail("bytes of a ring's write are not there");
        close(again);
    }
    close(grown), unlink(path3);

    /* The end of the file, and what is refused. */
    expect(&reads, &in, 0, stat.st_ino, BUFFER - 100, 4096, 100);
    expect(&reads, &in, 0, stat.st_ino, BUFFER, 4096, 0);
    expect(&reads, &in, 0, stat.st_ino + 12345, 0, 4096, -EBADF);
    expect(&reads, &in, BUFFER - 100, stat.st_ino, 0, 4096, -EINVAL);
    expect(&reads, &in, (1 << 20) - 100, stat.st_ino, 0, 4096, -EINVAL); /* crosses a block of the buffer */
    expect(&reads, &in, UINT64_MAX - 10, stat.st_ino, 0, 4096, -EINVAL);
    expect(&reads, &in, 0, stat.st_ino, UINT64_MAX - 10, 4096, -EINVAL);
    struct shared unknown = { .id = { 1, 2, 3 } };
    expect(&reads, &unknown, 0, stat.st_ino, 0, 4096, -EINVAL);
    expect(&reads, &reads.shared, 0, stat.st_ino, 0, 4096, -EINVAL); /* a ring is no buffer */
    int readonly = open(path, O_RDONLY);
    char path2[4200];
    snprintf(path2, sizeof path2, "%s.readonly", path);
    close(open(path2, O_WRONLY | O_CREAT, 0644));
    close(readonly);
    readonly = open(path2, O_RDONLY);
    fstat(readonly, &other);
    expect(&writes, &out, 0, other.st_ino, 0, 4096, -EBADF); /* open for reading only */
    close(fd);
    for (time_t start = time(NULL);;) { /* not open any more, as soon as the mount has heard of it */
        prepare(&reads, &in, 0, stat.st_ino, 0, 4096);
        sem_post(reads.submit);
        int64_t result = reap_one(&reads);
        if (result == -EBADF) break;
        if (result != 4096 || time(NULL) > start + 30) fail("a file that is closed answers %ld", (long)result);
    }

    /* A depth: exactly so many at a time; and a partial job that time releases. */
    fd = open(path, O_RDWR);
    struct ring four, timed;
    make_ring(&four, ".r4.t0");
    make_ring(&timed, ".r-8.t50");
    for (int i = 0; i < 3; i++) prepare(&four, &in, 0, stat.st_ino, 0, 4096);
    sem_post(four.submit);
    prepare(&timed, &in, 0, stat.st_ino, 0, 4096);
    sem_post(timed.submit);
    reap(&timed, 1, 4096);
    if (four.positions[2] != 0) fail("a job of 4 began with 3");
    prepare(&four, &in, 0, stat.st_ino, 0, 4096);
    sem_post(four.submit);
    reap(&four, 4, 4096);

    /* Nonsense in a ring's memory breaks that ring and nothing else. */
    struct ring bad;
    make_ring(&bad, ".r0.t0");
    bad.submissions[0].index = 1 << 30;
    __atomic_store_n(&bad.positions[0], 1, __ATOMIC_SEQ_CST);
    sem_post(bad.submit);
    struct ring worse;
    make_ring(&worse, ".r0.t0");
    __atomic_store_n(&worse.positions[0], -5, __ATOMIC_SEQ_CST);
    sem_post(worse.submit);
    expect(&reads, &in, 0, stat.st_ino, 0, 4096, 4096);

    /* Names that are refused. */
    const char *wrong[] = { "x", "00000000-0000-0000-0000-000000000000.z1", "00000000-0000-0000-0000-000000000000.t5",
        "00000000-0000-0000-0000-000000000000.r100000.t0", "00000000-0000-0000-0000-000000000000.b-4" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char link[4096];
        snprintf(link, sizeof link, "%s/3fs-virt/iovs/%s", mount_point, wrong[i]);
        if (symlink("/dev/shm/does-not-exist", link) == 0) fail("%s was taken", wrong[i]);
    }

    cut_memory(stat.st_ino);
    expect(&reads, &in, 0, stat.st_ino, 0, 4096, 4096);

    unshare_memory(&out);
    expect(&writes, &out, 0, stat.st_ino, 0, 4096, -EINVAL); /* registered no more */
    unshare_memory(&in);
    unshare_memory(&writes.shared);
    unshare_memory(&reads.shared);
    unlink(path);
    unlink(path2);
    puts("ok");
    return 0;
}
