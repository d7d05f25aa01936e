/** The fixture that most tests probe: it calls its functions, forks, starts threads and executes itself when told to. */
import { compile } from "./fixture.ts";

export const targetPath = (): string =>
  compile(
    "target",
    `
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
__attribute__((noinline)) long hit(long n) { __asm__ volatile("push %%rbx; pop %%rbx" ::: "memory"); return n + 1; }
__attribute__((noinline)) long other(long n) { __asm__ volatile("push %%rbx; pop %%rbx" ::: "memory"); return n + 2; }
__attribute__((noinline)) long nest(long n) { long r = n > 1 ? nest(n - 1) : 0; __asm__ volatile("" ::: "memory"); return r + 1; }
static char *self;
static void hits(long n) { for (long i = 0; i < n; i++) hit(i); }
static void *hitting(void *n) { hits((long)n); return 0; }
static void *executing(void *mark) { execl(self, self, (char *)mark, (char *)0); return 0; }
int main(int argc, char **argv) {
  self = "/proc/self/exe";
  if (argc > 1) { hits(atoi(argv[1])); printf("executed\\n"); fflush(stdout); }
  char line[200];
  while (fgets(line, sizeof line, stdin)) {
    char word[50]; long n = 0, m = 0;
    sscanf(line, "%49s %ld %ld", word, &n, &m);
    if (!strcmp(word, "hit")) hits(n);
    else if (!strcmp(word, "other")) for (long i = 0; i < n; i++) other(i);
    else if (!strcmp(word, "nest")) nest(n);
    else if (!strcmp(word, "fork")) { pid_t p = fork(); if (!p) { hits(n); _exit(0); } waitpid(p, 0, 0); }
    else if (!strcmp(word, "grandchild")) { pid_t p = fork(); if (!p) { pid_t q = fork(); if (!q) { hits(n); _exit(0); } waitpid(q, 0, 0); _exit(0); } waitpid(p, 0, 0); }
    else if (!strcmp(word, "threads")) {
      pthread_t t[64];
      for (long i = 0; i < n; i++) pthread_create(&t[i], 0, hitting, (void *)m);
      for (long i = 0; i < n; i++) pthread_join(t[i], 0);
    }
    else if (!strcmp(word, "exec")) { char mark[20]; sprintf(mark, "%ld", n); execl(self, self, mark, (char *)0); }
    else if (!strcmp(word, "thread-exec")) {
      pthread_t t; static char mark[20]; sprintf(mark, "%ld", n);
      pthread_create(&t, 0, executing, mark); pause();
    }
    puts("done"); fflush(stdout);
  }
}`,
  );
