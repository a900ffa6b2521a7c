/* Reads a whole file through a ring, many pieces at a time, and prints its sum: what a loader of a model or a dataset does.
 *
 *     cc -o read_file read_file.c $(pkg-config --cflags --libs hf3fs_usrbio)
 *     ./read_file /mnt/threefs/weights.bin
 */
#include <errno.h>
#include <fcntl.h>
#include <hf3fs_usrbio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 1 << 20, DEPTH = 32 };

static void must(int result, const char *what)
{
    if (result >= 0) return;
    fprintf(stderr, "%s: %s\n", what, strerror(-result));
    exit(1);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: read_file FILE\n");
        return 2;
    }

    char mount[256];
    int length = hf3fs_extract_mount_point(mount, sizeof mount, argv[1]);
    if (length < 0 || length > (int)sizeof mount) {
        fprintf(stderr, "%s is not on a mounted ThreeFs\n", argv[1]);
        return 1;
    }

    int fd = open(argv[1], O_RDONLY);
    struct stat stat;
    must(fd < 0 || fstat(fd, &stat) != 0 ? -errno : 0, argv[1]);
    struct hf3fs_iov buffers;
    struct hf3fs_ior ring;
    must(hf3fs_iovcreate(&buffers, mount, (size_t)PIECE * DEPTH, 0, -1), "register memory");
    must(hf3fs_iorcreate(&ring, mount, DEPTH, true, 0, -1), "open a ring");
    must(-(hf3fs_reg_fd(fd, 0) > 0), "register the file");

    /* Each buffer is read into again as soon as its bytes were used. */
    uint64_t sum = 0, next = 0, done = 0, pieces = ((uint64_t)stat.st_size + PIECE - 1) / PIECE;
    uint8_t *idle[DEPTH];
    int idle_count = 0;
    for (int i = 0; i < DEPTH; i++) idle[idle_count++] = buffers.base + (size_t)i * PIECE;
    while (done < pieces) {
        for (; next < pieces && idle_count > 0; next++) {
            uint8_t *buffer = idle[--idle_count];
            must(hf3fs_prep_io(&ring, &buffers, true, buffer, fd, next * PIECE, PIECE, buffer), "prepare a read");
        }

        must(hf3fs_submit_ios(&ring), "submit");
        struct hf3fs_cqe results[DEPTH];
        int count = hf3fs_wait_for_ios(&ring, results, DEPTH, 1, NULL);
        must(count, "wait");
        for (int i = 0; i < count; i++, done++) {
            must((int)results[i].result, "read");
            uint8_t *buffer = (uint8_t *)results[i].userdata;
            for (int64_t at = 0; at < results[i].result; at++) sum += buffer[at];
            idle[idle_count++] = buffer;
        }
    }

    printf("%llu bytes, sum %llu\n", (unsigned long long)stat.st_size, (unsigned long long)sum);
    hf3fs_dereg_fd(fd);
    hf3fs_iordestroy(&ring);
    hf3fs_iovdestroy(&buffers);
    close(fd);
    return 0;
}
