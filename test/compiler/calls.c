/* Calls that don't end where they began: recursion, longjmp, tail calls, fork, eight threads. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <pthread.h>
#include <unistd.h>
#include <sys/wait.h>
jmp_buf env;
__attribute__((noinline)) long leaf(long n, const char *s) { __asm__ volatile(""::"r"(s):"memory"); return n * 2; }
__attribute__((noinline)) long fact(long n, const char *s) { if (n <= 1) return 1; long r = fact(n - 1, s); __asm__ volatile("":::"memory"); return r * n; }
__attribute__((noinline)) long jumper(long n, const char *s) { if (n % 3 == 0) longjmp(env, 1); __asm__ volatile("":::"memory"); return n; }
__attribute__((noinline)) long tail(long n, const char *s) { __asm__ volatile("":::"memory"); return leaf(n + 1, s); }
__attribute__((noinline)) long forker(long n, const char *s) { pid_t p = fork(); __asm__ volatile("":::"memory"); if (p == 0) return 7; waitpid(p, 0, 0); return 8; }
static void *work(void *a) { for (long i = 0; i < 20000; i++) leaf(i, "thread text that is longer than eight bytes"); return 0; }
int main(int argc, char **argv) {
  usleep(100000);
  pid_t me = getpid();
  for (volatile long i = 0; i < 100; i++) fact(10, "recursive");
  for (volatile long i = 0; i < 3000; i++) if (!setjmp(env)) jumper(i, "jumping");
  for (volatile long i = 0; i < 1000; i++) tail(i, "tail");
  for (volatile long i = 0; i < 20; i++) { long r = forker(i, "fork"); if (getpid() != me) _exit(r == 7 ? 0 : 1); }
  pthread_t t[8];
  for (int i = 0; i < 8; i++) pthread_create(&t[i], 0, work, 0);
  for (int i = 0; i < 8; i++) pthread_join(t[i], 0);
  return 0;
}
