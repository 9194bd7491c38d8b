/* Says what a process makes durable: a line for each fsync(2) and fdatasync(2) that succeeds, to the file in $SYNCS.
   "F INODE SIZE" for a file, "D INODE" for a folder, and with it "N INODE NAME" for all that it lists just then. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void tell(int fd) {
    const char *path = getenv("SYNCS");
    struct stat about;
    if (path == NULL || fstat(fd, &about) != 0) return;
    char text[1 << 16];
    size_t length = 0;
    if (S_ISDIR(about.st_mode)) {
        length = (size_t)snprintf(text, sizeof text, "D %llu\n", (unsigned long long)about.st_ino);
        int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *folder = own < 0 ? NULL : fdopendir(own);
        struct dirent *entry;
        while (folder != NULL && (entry = readdir(folder)) != NULL && length < sizeof text - 512)
            length += (size_t)snprintf(text + length, sizeof text - length, "N %llu %s\n",
                                       (unsigned long long)entry->d_ino, entry->d_name);
        if (folder != NULL) closedir(folder);
    } else {
        length = (size_t)snprintf(text, sizeof text, "F %llu %lld\n", (unsigned long long)about.st_ino,
                                  (long long)about.st_size);
    }
    int log = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (log < 0) return;
    if (write(log, text, length) < 0) abort();
    close(log);
}

static int done(const char *name, int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    int result = real(fd);
    if (result == 0) tell(fd);
    return result;
}

int fsync(int fd) { return done("fsync", fd); }
int fdatasync(int fd) { return done("fdatasync", fd); }
