/* What a benchmark's I/O engine in C++ does: files opened and registered by the parent, jobs as forked processes with a ring for each
 * direction over one piece of memory, batches of one direction at a time that are prepared, submitted and all waited for, and no ring
 * destroyed at the end. Every byte is verified. Usage: engine MOUNT. Prints "ok". */
#include <hf3fs/hf3fs_usrbio.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#define CHECK(condition) do { if (!(condition)) { printf("line %d: %s\n", __LINE__, #condition); exit(1); } } while (0)

namespace {

constexpr int depth = 16, block = 64 << 10, blocks = 64, jobs = 4;

struct Engine {
    hf3fs_iov iov{};
    hf3fs_ior reads{}, writes{};
    int fd;

    Engine(const std::string &mount, int file, int ior_depth) : fd(file)
    {
        CHECK(hf3fs_iorcreate3(&reads, mount.c_str(), depth, true, ior_depth, 0, 1, -1) == 0);
        CHECK(hf3fs_iorcreate(&writes, mount.c_str(), depth, false, ior_depth, -1) == 0);
        CHECK(hf3fs_iovcreate(&iov, mount.c_str(), size_t(depth) * block, 0, -1) == 0);
    }

    ~Engine() { hf3fs_iovdestroy(&iov); }

    void batch(bool read, const std::vector<size_t> &places)
    {
        auto &ring = read ? reads : writes;
        for (size_t i = 0; i < places.size(); i++)
            CHECK(hf3fs_prep_io(&ring, &iov, read, iov.base + i * block, fd, places[i] * block, block, nullptr) >= 0);
        CHECK(hf3fs_submit_ios(&ring) == 0);
        std::vector<hf3fs_cqe> cqes(places.size());
        CHECK(hf3fs_wait_for_ios(&ring, cqes.data(), int(places.size()), int(places.size()), nullptr) == int(places.size()));
        for (auto &cqe : cqes) CHECK(cqe.result == block);
    }
};

void fill(uint8_t *memory, unsigned seed)
{
    for (int i = 0; i < block; i += 4) memcpy(memory + i, &(seed = seed * 1664525 + 1013904223), 4);
}

void job(const std::string &mount, int fd, unsigned number, int ior_depth)
{
    Engine engine(mount, fd, ior_depth);
    std::vector<uint8_t> expected(block);
    for (bool read : { false, true }) {
        for (size_t first = 0; first < blocks; first += depth) {
            std::vector<size_t> places;
            for (size_t i = 0; i < depth; i++) places.push_back((first + i) * 37 % blocks);
            if (!read)
                for (size_t i = 0; i < depth; i++) fill(engine.iov.base + i * block, number * 1000 + unsigned(places[i]));
            engine.batch(read, places);
            for (size_t i = 0; read && i < depth; i++) {
                fill(expected.data(), number * 1000 + unsigned(places[i]));
                CHECK(memcmp(engine.iov.base + i * block, expected.data(), block) == 0);
            }
        }
    }
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    std::string mount = argv[1];
    for (int ior_depth : { 0, depth, -5 }) {
        int children[jobs];
        for (unsigned i = 0; i < jobs; i++) {
            std::string path = mount + "/engine." + std::to_string(i);
            int fd = open(path.c_str(), O_RDWR | O_CREAT, 0644);
            CHECK(fd >= 0 && hf3fs_reg_fd(fd, 0) <= 0);
            fflush(stdout);
            children[i] = fork();
            if (children[i] == 0) {
                job(mount, fd, i, ior_depth);
                exit(0);
            }
            hf3fs_dereg_fd(fd);
            close(fd);
        }
        for (int child : children) {
            int status;
            CHECK(waitpid(child, &status, 0) == child && status == 0);
        }
    }
    for (unsigned i = 0; i < jobs; i++) unlink((mount + "/engine." + std::to_string(i)).c_str());
    puts("ok");
    return 0;
}
