/* Calls with structures by value and behind pointers, whose values the test knows. Each line on its stdin is a round of calls. */
#include <stdbool.h>
#include <stdio.h>

#define KEPT __attribute__((noinline))

enum method { GET, POST = 5, PUT = -1 };
struct point { int x, y; };
struct mixed { long a; int b; char c; };
struct item { short id; struct point at; };
struct request {
  unsigned version : 7;
  int delta : 5;
  enum method method;
  char tag[8];
  struct point points[3];
  struct request *next;
  union { long whole; unsigned char low; } u;
  struct { int inner; };
  float ratio;
  bool done;
  struct item items[12];
};

volatile long sum;

KEPT long by_value(struct point p, struct mixed m, enum method method) { sum += p.x + m.b + method; return sum; }
KEPT long by_pointer(struct request *request, struct request **table) { sum += request->version + (table != 0); return sum; }
KEPT struct mixed given(long a) { sum += a; return (struct mixed){ a, -7, 'z' }; }

int main(void) {
  struct request second = { .version = 3, .delta = 2, .method = PUT, .tag = "second", .next = 0 };
  struct request first = { .version = 99, .delta = -3, .method = POST, .tag = { 'e', 'i', 'g', 'h', 't', 'c', 'h', 's' },
    .points = { { 1, 2 }, { 3, 4 }, { 5, -6 } }, .next = &second, .u = { .whole = 0x1234 }, { .inner = 42 }, .ratio = 0.75f, .done = true };
  for (int i = 0; i < 12; i++) first.items[i] = (struct item){ i, { i * 10, -i } };
  struct request *table[] = { &second, 0 };
  puts("ready");
  fflush(stdout);
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    by_value((struct point){ -4, 5 }, (struct mixed){ 1L << 40, -22, 'q' }, POST);
    by_pointer(&first, table);
    given(77);
    puts("ok");
    fflush(stdout);
  }
}
