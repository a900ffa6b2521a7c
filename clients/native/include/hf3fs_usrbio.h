/* hf3fs_usrbio.h - zero-copy I/O through rings in shared memory.
 *
 * A program registers memory with a mounted file system (an iov) and opens rings (an ior). It prepares reads or writes of open files
 * into or out of that memory, submits them together, and takes the results. Data is moved by the mount's process; no system call is made
 * for an operation, and no copy in this process.
 *
 *     struct hf3fs_iov iov;
 *     struct hf3fs_ior ring;
 *     hf3fs_iovcreate(&iov, "/mnt/threefs", 64 << 20, 0, -1);
 *     hf3fs_iorcreate(&ring, "/mnt/threefs", 256, true, 0, -1);
 *     int fd = open("/mnt/threefs/file", O_RDONLY);
 *     hf3fs_reg_fd(fd, 0);
 *     hf3fs_prep_io(&ring, &iov, true, iov.base, fd, 0, 1 << 20, NULL);
 *     hf3fs_submit_ios(&ring);
 *     struct hf3fs_cqe cqe;
 *     hf3fs_wait_for_ios(&ring, &cqe, 1, 1, NULL);        // cqe.result: bytes, or -errno
 *
 * Unless a function says otherwise it answers 0 or a positive value on success and -errno on failure. The library starts no thread, may be
 * called from any thread, and after fork(2). What a process made and its child destroys is gone for the child only.
 */
#ifndef HF3FS_USRBIO_H
#define HF3FS_USRBIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HF3FS_SUPER_MAGIC 0x8f3f5fff

/* Flags of hf3fs_iorcreate4. */
#define HF3FS_IOR_ALLOW_READ_UNCOMMITTED 1 /* reads may see bytes of writes that are not acknowledged yet */
#define HF3FS_IOR_FORBID_READ_HOLES 2      /* a read that meets a hole ends with -ENODATA instead of zeros */

typedef void *hf3fs_iov_handle;
typedef void *hf3fs_ior_handle;

/* Memory that a mount knows. Read its fields; only the functions below change them. */
struct hf3fs_iov {
    uint8_t *base;
    hf3fs_iov_handle iovh; /* NULL: wrapped, the caller owns the memory and its registration */
    char id[16];           /* UUID, 16 bytes in the order of its text */
    char mount_point[256];
    size_t size;
    size_t block_size; /* an operation must not cross a multiple of it; 0: none */
    int numa;
};

/* A ring. One thread prepares and submits; several may wait. */
struct hf3fs_ior {
    struct hf3fs_iov iov;
    hf3fs_ior_handle iorh;
    char mount_point[256];
    bool for_read;
    int io_depth;
    int priority;
    int timeout;
    uint64_t flags;
};

/* How an operation ended. */
struct hf3fs_cqe {
    int32_t index; /* what hf3fs_prep_io answered */
    int32_t reserved;
    int64_t result; /* bytes, fewer at the end of the file, or -errno */
    const void *userdata;
};

/* The descriptor is of a file or directory on such a mount. */
bool hf3fs_is_hf3fs(int fd);

/* Finds the mount above an existing path. Answers the length of its mount point with the closing NUL, and copies it if it fits into size
 * bytes; -1: there is none. */
int hf3fs_extract_mount_point(char *hf3fs_mount_point, int size, const char *path);

/* Makes shared memory and registers it. block_size 0: one block. numa -1: anywhere. */
int hf3fs_iovcreate(struct hf3fs_iov *iov, const char *hf3fs_mount_point, size_t size, size_t block_size, int numa);

/* Maps memory that another process of the same user has registered, with the size and block_size it has there; -ENOENT when its name is
 * gone. */
int hf3fs_iovopen(struct hf3fs_iov *iov, const uint8_t id[16], const char *hf3fs_mount_point, size_t size, size_t block_size, int numa);

/* Removes the memory's name from /dev/shm early; memory and registration stay. */
void hf3fs_iovunlink(struct hf3fs_iov *iov);

/* Ends the registration of created memory and unmaps it; opened memory is only unmapped. */
void hf3fs_iovdestroy(struct hf3fs_iov *iov);

/* Describes memory that the caller has registered himself, by a link in 3fs-virt/iovs named like the UUID. */
int hf3fs_iovwrap(struct hf3fs_iov *iov, void *buf, const uint8_t id[16], const char *hf3fs_mount_point, size_t size, size_t block_size,
                  int numa);

/* Bytes of shared memory that a ring with so many entries takes. */
size_t hf3fs_ior_size(int entries);

/* Opens a ring for reads or for writes with room for so many operations under way.
 * io_depth > 0: operations start in groups of exactly so many (fewer wait for more). 0: all that are submitted start at once. < 0: groups of
 * at most so many, and with a timeout (milliseconds) an incomplete group waits that long for more.
 * priority < 0: high, 0: normal, > 0: low. */
int hf3fs_iorcreate(struct hf3fs_ior *ior, const char *hf3fs_mount_point, int entries, bool for_read, int io_depth, int numa);
int hf3fs_iorcreate2(struct hf3fs_ior *ior, const char *hf3fs_mount_point, int entries, bool for_read, int io_depth, int priority, int numa);
int hf3fs_iorcreate3(struct hf3fs_ior *ior, const char *hf3fs_mount_point, int entries, bool for_read, int io_depth, int priority,
                     int timeout, int numa);
int hf3fs_iorcreate4(struct hf3fs_ior *ior, const char *hf3fs_mount_point, int entries, bool for_read, int io_depth, int timeout, int numa,
                     uint64_t flags);

void hf3fs_iordestroy(struct hf3fs_ior *ior);

/* Makes an open file known to rings, with the access it was opened for. Answers a value <= 0 on success (its negation is a duplicate
 * descriptor that may stand for fd in hf3fs_prep_io) and a positive errno on failure. */
int hf3fs_reg_fd(int fd, uint64_t flags);

/* The same descriptor that was registered, before or after it was closed. */
void hf3fs_dereg_fd(int fd);

/* How many operations fit into the ring. */
int hf3fs_io_entries(const struct hf3fs_ior *ior);

/* Puts one operation into the ring: len bytes between ptr, which lies in iov, and off in the file. Answers its index, or -EINVAL, -EBADF
 * (not registered), -EACCES (not opened for that), -EAGAIN (the ring is full). It may start before it is submitted. */
int hf3fs_prep_io(const struct hf3fs_ior *ior, const struct hf3fs_iov *iov, bool read, void *ptr, int fd, size_t off, uint64_t len,
                  const void *userdata);

/* Starts what was prepared. */
int hf3fs_submit_ios(const struct hf3fs_ior *ior);

/* Takes results: at least min_results, and all that are ready, up to cqec. abs_timeout is on CLOCK_REALTIME, NULL waits without end; when
 * the time is over, answers how many there are. -ENOTCONN when there are none and the mount is gone. */
int hf3fs_wait_for_ios(const struct hf3fs_ior *ior, struct hf3fs_cqe *cqes, int cqec, int min_results, const struct timespec *abs_timeout);

/* Gives a file, or what a symlink leads to, another name. Answers 0 or a positive errno, which is in errno too. */
int hf3fs_hardlink(const char *target, const char *link_name);

/* Makes n <= 1000 ranges [start, end) of a file read as zeros and frees their space. Answers 0 or a positive errno. */
int hf3fs_punchhole(int fd, int n, const size_t *start, const size_t *end, size_t flags);

#ifdef __cplusplus
}
#endif

#endif
