// SPDX-License-Identifier: AGPL-3.0-or-later
//
// A library to preload: makes the n-th matching system call of a program fail, lie, wait, or be the last thing that the
// program does; and tells it another time of day. It is steered while the program runs, through one shared page:
//
//   the page := magic:u32 armed:u32 calls:u32 mode:u32 n:u32 forever:u32 fired:u32 sleep_ms:u32 counts:u32[8]
//               fired_ns:u64 offset_s:i64 pieces:char[64] volume:char[256] marks:u32               (native byte order)
//
// AMICALE_FAULTS names the file that is the page; without it nothing happens. `calls` is a set of kinds (bits of enum
// kind), `pieces` what the path contains, parted by '|' ("" = every path). Kinds are counted from the
// moment of arming. CUT_BEFORE and CUT_AFTER shut down the file system that `volume` names, without a log flush, and end
// the process: the power goes at this call, and nobody is answered after it. Every wrapped call goes to the kernel
// directly: nothing here depends on who else was preloaded. `marks` counts the syncs of files named END that were done, armed
// or not.
//
//   cc -shared -fPIC -O1 -o faults.so faults.c
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind { WRITE, SYNC, RENAME, OPEN, TRUNCATE, UNLINK, ALLOCATE, RANGE, KINDS };
enum mode {
  NONE,
  KILL_BEFORE,
  KILL_AFTER,
  KILL_TORN,
  FAIL_EIO,
  FAIL_ENOSPC,
  SHORT,
  FAIL_EINTR,
  LIE,
  SLEEP,
  FAIL_EFBIG,
  CUT_BEFORE,
  CUT_AFTER
};

struct page {
  uint32_t magic, armed, calls, mode, n, forever, fired, sleep_ms;
  uint32_t counts[KINDS];
  uint64_t fired_ns;
  int64_t offset_s;
  char pieces[64];
  char volume[256];
  uint32_t marks;
};

static struct page* page;

__attribute__((constructor)) static void map_page(void) {
  const char* file = getenv("AMICALE_FAULTS");
  if (file == NULL || page != NULL) return;
  const int descriptor = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC, 0);
  if (descriptor < 0) return;
  void* at =
      (void*)syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  syscall(SYS_close, descriptor);
  if (at != MAP_FAILED) page = at;
}

static uint64_t monotonic_ns(void) {
  struct timespec now;
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int concerns(const char* path, const char* pieces) {
  if (pieces[0] == 0) return 1;
  for (const char* at = pieces; *at != 0;) {
    const char* end = strchrnul(at, '|');
    const size_t size = (size_t)(end - at);
    if (size > 0 && memmem(path, strlen(path), at, size) != NULL) return 1;
    at = *end == 0 ? end : end + 1;
  }
  return 0;
}

// The path of an open regular file; sockets, pipes and terminals are nobody's business here.
static int path_of(int descriptor, char* path, size_t size) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, size - 1);
  if (length <= 0 || path[0] != '/') return 0;
  path[length] = 0;
  return strncmp(path, "/dev/", 5) != 0 && strncmp(path, "/proc/", 6) != 0;
}

static void die(void) {
  syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
  for (;;) syscall(SYS_pause);
}

// The file system's shutdown ioctl with "no log flush", for ext4 and xfs; then nobody is left to answer.
static void cut_power(void) {
  const uint32_t no_log_flush = 2;
  const int descriptor = (int)syscall(SYS_openat, AT_FDCWD, page->volume, O_RDONLY | O_CLOEXEC, 0);
  syscall(SYS_ioctl, descriptor, 0x8004587d, &no_log_flush);
  die();
}

static void end(enum mode mode) {
  if (mode == KILL_AFTER || mode == KILL_TORN) die();
  if (mode == CUT_AFTER) cut_power();
}

// What happens to this call: NONE, or the armed mode when its turn has come.
static enum mode judge(enum kind kind, const char* path) {
  if (page == NULL || !page->armed || !(page->calls & (1u << kind)) ||
      !concerns(path, page->pieces))
    return NONE;
  __atomic_add_fetch(&page->counts[kind], 1, __ATOMIC_SEQ_CST);
  uint32_t all = 0;
  for (int k = 0; k < KINDS; ++k) all += (page->calls & (1u << k)) ? page->counts[k] : 0;
  if (all < page->n || (all > page->n && !page->forever)) return NONE;
  if (page->fired == 0) page->fired_ns = monotonic_ns();
  __atomic_add_fetch(&page->fired, 1, __ATOMIC_SEQ_CST);
  return (enum mode)page->mode;
}

static enum mode judge_descriptor(enum kind kind, int descriptor) {
  char path[512];
  if (page == NULL || !page->armed || !(page->calls & (1u << kind)) ||
      !path_of(descriptor, path, sizeof path))
    return NONE;
  return judge(kind, path);
}

// Deals with all modes that need not know the call. 1 = the call is over and answers *result.
static int over(enum mode mode, long* result) {
  switch (mode) {
    case KILL_BEFORE: die(); return 1;
    case CUT_BEFORE: cut_power(); return 1;
    case FAIL_EIO:
      errno = EIO;
      *result = -1;
      return 1;
    case FAIL_ENOSPC:
      errno = ENOSPC;
      *result = -1;
      return 1;
    case FAIL_EINTR:
      errno = EINTR;
      *result = -1;
      return 1;
    case FAIL_EFBIG:
      errno = EFBIG;
      *result = -1;
      return 1;
    case SLEEP: {
      struct timespec pause = {page->sleep_ms / 1000, (long)(page->sleep_ms % 1000) * 1000000};
      syscall(SYS_nanosleep, &pause, NULL);
      return 0;
    }
    default: return 0;
  }
}

#define SIMPLE(kind, decide, call)             \
  const enum mode mode = (decide);             \
  long result = 0;                             \
  if (over(mode, &result)) return (int)result; \
  if (mode == LIE) return 0;                   \
  result = (call);                             \
  end(mode);                                   \
  return (int)result

static ssize_t written(enum mode mode, int descriptor, const void* bytes, size_t size, off_t at,
                       int placed) {
  long result = 0;
  if (over(mode, &result)) return result;
  if (mode == LIE) return (ssize_t)size;
  size_t part = size;
  if ((mode == SHORT || mode == KILL_TORN) && size > 1) part = size / 2;
  result = placed ? syscall(SYS_pwrite64, descriptor, bytes, part, at)
                  : syscall(SYS_write, descriptor, bytes, part);
  end(mode);
  return result;
}

ssize_t write(int descriptor, const void* bytes, size_t size) {
  return written(judge_descriptor(WRITE, descriptor), descriptor, bytes, size, 0, 0);
}

ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t at) {
  return written(judge_descriptor(WRITE, descriptor), descriptor, bytes, size, at, 1);
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off_t at) {
  return written(judge_descriptor(WRITE, descriptor), descriptor, bytes, size, at, 1);
}

int fsync(int descriptor) {
  SIMPLE(SYNC, judge_descriptor(SYNC, descriptor), syscall(SYS_fsync, descriptor));
}

static int synced(int descriptor, int result) {
  char path[512];
  if (result != 0 || page == NULL || !path_of(descriptor, path, sizeof path)) return result;
  const size_t size = strlen(path);
  if (size >= 4 && strcmp(path + size - 4, "/END") == 0)
    __atomic_add_fetch(&page->marks, 1, __ATOMIC_SEQ_CST);
  return result;
}

int fdatasync(int descriptor) {
  SIMPLE(SYNC, judge_descriptor(SYNC, descriptor),
         synced(descriptor, (int)syscall(SYS_fdatasync, descriptor)));
}

int sync_file_range(int descriptor, off_t at, off_t size, unsigned flags) {
  SIMPLE(RANGE, judge_descriptor(RANGE, descriptor),
         syscall(SYS_sync_file_range, descriptor, at, size, flags));
}

int ftruncate(int descriptor, off_t size) {
  SIMPLE(TRUNCATE, judge_descriptor(TRUNCATE, descriptor),
         syscall(SYS_ftruncate, descriptor, size));
}

int ftruncate64(int descriptor, off_t size) {
  SIMPLE(TRUNCATE, judge_descriptor(TRUNCATE, descriptor),
         syscall(SYS_ftruncate, descriptor, size));
}

int fallocate(int descriptor, int how, off_t at, off_t size) {
  SIMPLE(ALLOCATE, judge_descriptor(ALLOCATE, descriptor),
         syscall(SYS_fallocate, descriptor, how, at, size));
}

int rename(const char* from, const char* to) {
  SIMPLE(RENAME, judge(RENAME, to), syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int unlink(const char* path) {
  SIMPLE(UNLINK, judge(UNLINK, path), syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

static int opened(const char* path, int flags, mode_t permissions) {
  SIMPLE(OPEN, (flags & O_CREAT) ? judge(OPEN, path) : NONE,
         syscall(SYS_openat, AT_FDCWD, path, flags, permissions));
}

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t permissions = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return opened(path, flags, permissions);
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t permissions = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return opened(path, flags, permissions);
}

// The time of day, moved; clocks that only measure durations stay true.
int clock_gettime(clockid_t clock, struct timespec* now) {
  const int result = (int)syscall(SYS_clock_gettime, clock, now);
  if (result != 0 || page == NULL || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
    return result;
  now->tv_sec += page->offset_s;
  return 0;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  (void)zone;
  struct timespec exact;
  if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* now) {
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  if (now != NULL) *now = exact.tv_sec;
  return exact.tv_sec;
}
