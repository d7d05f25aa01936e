/* Two threads that call one function side by side: `pairs N` says how long a call takes each of them (ns). */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

__attribute__((noinline)) long called(long a) {
  __asm__ volatile("nop; nop; nop; nop; nop" ::: "memory");
  return a + 1;
}

static pthread_barrier_t together;
static void *work(void *argument) {
  long n = *(long *)argument, sum = 0;
  struct timespec from, to;
  pthread_barrier_wait(&together);
  clock_gettime(CLOCK_MONOTONIC, &from);
  for (long i = 0; i < n; i++) sum += called(i);
  clock_gettime(CLOCK_MONOTONIC, &to);
  return (void *)((to.tv_sec - from.tv_sec) * 1000000000L + to.tv_nsec - from.tv_nsec + (sum == 0));
}

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 1000, most = 0;
  pthread_t threads[2];
  pthread_barrier_init(&together, 0, 2);
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], 0, work, &n);
  for (int i = 0; i < 2; i++) {
    void *took;
    pthread_join(threads[i], &took);
    if ((long)took > most) most = (long)took;
  }
  printf("ok %ld\n", most);
}
