/*
 * A process to be armed while it runs: so many threads that sleep (its argument), one that watches the clock, and functions
 * fn_0 … (generated) of which it calls none. A line on its stdin:
 *     reset     forgets the longest gap
 *     gap       "ok NANOSECONDS": the longest time between two looks at the clock since then
 *     loop N    "ok NANOSECONDS": what N turns of a loop take, with a call that isn't probed in each
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static _Atomic long long longest;
static atomic_int watching;

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void *sleeper(void *unused) {
  (void)unused;
  for (;;) pause();
}

static void *watcher(void *unused) {
  (void)unused;
  long long before = now();
  for (;;) {
    /* Between measurements it leaves the processor to others. */
    while (!watching) {
      usleep(100);
      before = now();
    }
    long long at = now();
    if (at - before > longest) longest = at - before;
    before = at;
  }
}

__attribute__((noinline)) long unprobed(long n) {
  __asm__ volatile("" : "+r"(n));
  return n + 1;
}

int main(int argc, char **argv) {
  pthread_t thread;
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 64 * 1024);
  for (int i = argc > 1 ? atoi(argv[1]) : 0; i > 0; i--)
    if (pthread_create(&thread, &small, sleeper, 0) != 0) return 1;
  if (pthread_create(&thread, &small, watcher, 0) != 0) return 1;
  setvbuf(stdout, 0, _IOLBF, 0);
  puts("ready");
  char line[256];
  while (fgets(line, sizeof line, stdin)) {
    if (strncmp(line, "reset", 5) == 0) {
      watching = 1;
      usleep(1000);
      longest = 0;
      puts("ok");
    } else if (strncmp(line, "gap", 3) == 0) {
      watching = 0;
      printf("ok %lld\n", longest);
    } else if (strncmp(line, "loop ", 5) == 0) {
      long n = atol(line + 5), sum = 0;
      long long from = now();
      for (long i = 0; i < n; i++) sum = unprobed(sum);
      printf("ok %lld\n", now() - from + (sum == -1));
    } else puts("error");
  }
  return 0;
}
