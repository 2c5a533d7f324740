/* Preloaded into a server: every flush to disk takes SLOWDISK_MS longer, as on a disk that is slow or shared. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static int slowly(const char *name, int fd) {
    const char *delay = getenv("SLOWDISK_MS");
    int (*flush)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    if (delay) usleep(atoi(delay) * 1000);
    return flush(fd);
}

int fdatasync(int fd) { return slowly("fdatasync", fd); }
int fsync(int fd) { return slowly("fsync", fd); }
