/* Source lines with variables, and functions that are inlined. The numbers in comments are those of their lines. */
#include <stdio.h>
#include <string.h>

struct order {
  int id;
  long total;
  const char *item;
};
static long rate = 7;

static inline __attribute__((always_inline)) long priced(const struct order *order, long factor) {
  long sum = order->total * factor;
  return sum + rate; /* line 14 */
}

__attribute__((noinline)) long bill(struct order *orders, int count) {
  static long bills = 40;
  long all = 0;
  bills++;
  for (int i = 0; i < count; i++) {
    struct order *one = &orders[i];
    long part = priced(one, i + 1);
    all += part; /* line 24 */
    __asm__ volatile("" : : "r"(part), "r"(one), "r"(i) : "memory");
  }
  return all;
}

__attribute__((noinline)) static long only_here(long n) {
  __asm__ volatile("" : "+r"(n) : : "memory");
  return n * 2;
}

int main(void) {
  struct order orders[3] = {{1, 10, "pen"}, {2, 20, "ink"}, {3, 30, "pad"}};
  char line[64];
  puts("ready");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) {
    long sum = bill(orders, 3) + only_here(4) + priced(&orders[2], (long)strlen(line));
    printf("ok %ld\n", sum);
    fflush(stdout);
  }
  return 0;
}
