/* Writes blocks at random places of a file through a ring, many at a time, and reads them back, round after round, until it is killed or
 * a wait says that the mount is gone. Any error, any differing byte ends it with 1. Usage: ring_load MOUNT. Prints a line for a round. */
#include <errno.h>
#include <fcntl.h>
#include <hf3fs_usrbio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 32 << 10, BLOCKS = 256, DEPTH = 64 };

static unsigned generation[BLOCKS];

static void fill(uint8_t *memory, unsigned place)
{
    unsigned seed = generation[place] * 1000 + place;
    for (int i = 0; i < BLOCK; i += 4) *(uint32_t *)(memory + i) = seed = seed * 1664525 + 1013904223;
}

static void fail(const char *what, long number)
{
    printf("%s: %ld\n", what, number);
    exit(1);
}

static void run(struct hf3fs_ior *ring, struct hf3fs_iov *iov, int fd, const unsigned *places)
{
    for (int i = 0; i < DEPTH; i++) {
        uint8_t *at = iov->base + (size_t)i * BLOCK;
        int index = hf3fs_prep_io(ring, iov, ring->for_read, at, fd, (size_t)places[i] * BLOCK, BLOCK, at);
        if (index < 0) fail("prep", index);
    }
    hf3fs_submit_ios(ring);
    struct hf3fs_cqe cqes[DEPTH];
    for (int done = 0; done < DEPTH;) {
        int n = hf3fs_wait_for_ios(ring, cqes, DEPTH, 1, NULL);
        if (n == -ENOTCONN) {
            puts("the mount is gone");
            exit(3);
        }
        if (n <= 0) fail("wait", n);
        for (int i = 0; i < n; i++)
            if (cqes[i].result != BLOCK) fail(ring->for_read ? "read" : "write", cqes[i].result);
        done += n;
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    char path[4096];
    snprintf(path, sizeof path, "%s/ring-load", argv[1]);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    struct hf3fs_iov iov;
    struct hf3fs_ior reads, writes;
    if (fd < 0 || hf3fs_iovcreate(&iov, argv[1], (size_t)DEPTH * BLOCK, 0, -1) || hf3fs_reg_fd(fd, 0) > 0
        || hf3fs_iorcreate4(&reads, argv[1], DEPTH, true, 0, 0, -1, 0) || hf3fs_iorcreate4(&writes, argv[1], DEPTH, false, 0, 0, -1, 0))
        fail("set up", errno);
    uint8_t *expected = malloc(BLOCK);
    for (int round = 1;; round++) {
        unsigned places[DEPTH], first = (unsigned)random();
        for (unsigned i = 0; i < DEPTH; i++) places[i] = (first + i * 37) % BLOCKS; /* all different */
        for (int i = 0; i < DEPTH; i++) generation[places[i]]++, fill(iov.base + (size_t)i * BLOCK, places[i]);
        run(&writes, &iov, fd, places);
        memset(iov.base, 0, iov.size);
        run(&reads, &iov, fd, places);
        for (int i = 0; i < DEPTH; i++) {
            fill(expected, places[i]);
            if (memcmp(expected, iov.base + (size_t)i * BLOCK, BLOCK) != 0) fail("differs: block", places[i]);
        }
        printf("round %d\n", round);
    }
}
