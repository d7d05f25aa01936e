/* Passes a static probe as often as it is told, and says "ok NANOSECONDS". */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "usdt-note.h"

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 0;
  long long from = now();
  for (long i = 0; i < n; i++) __asm__ volatile(NOTE("bench", "passed", "0", "-8@%0 -4@%1") : : "r"(i), "r"(argc) : "memory");
  printf("ok %lld\n", now() - from);
  return 0;
}
