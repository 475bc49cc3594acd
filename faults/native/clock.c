/*
 * Shifts the wall clock of the process that preloads it by the microseconds in a file, which may change at any moment.
 *
 * The file, named by FAULTS_CLOCK, holds eight bytes in the machine's order. Monotonic clocks are left as they are. Without
 * the file, time is not shifted. libfaketime cannot be used: Redis's allocator asks for the time before it is ready.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *shift;

__attribute__((constructor)) static void open_shift(void) {
  const char *path = getenv("FAULTS_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *page = mmap(0, sizeof *shift, PROT_READ, MAP_SHARED, file, 0);
  if (page != MAP_FAILED) shift = page;
  close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  long failed = syscall(SYS_clock_gettime, clock, now);
  if (failed) return -1;
  if (!shift || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return 0;
  int64_t by = *shift;
  int64_t nanoseconds = now->tv_nsec + by % 1000000 * 1000;
  now->tv_sec += by / 1000000;
  if (nanoseconds < 0) now->tv_sec -= 1, nanoseconds += 1000000000;
  if (nanoseconds >= 1000000000) now->tv_sec += 1, nanoseconds -= 1000000000;
  now->tv_nsec = nanoseconds;
  return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec precise;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &precise)) return -1;
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *result) {
  struct timespec precise;
  if (clock_gettime(CLOCK_REALTIME, &precise)) return -1;
  if (result) *result = precise.tv_sec;
  return precise.tv_sec;
}
