/*
 * Executes original instructions and their slots from the same random states, and compares all that they leave behind.
 *
 *     low memory:  originals … slots … pads to jump to … scratch … slots 3 GiB away
 *
 * Wherever code may be, int3 is; the runner writes it through another mapping, so that what is tested can't. Far apart, so
 * that what is tested doesn't read it either, and below 4 GiB, so that addresses of 32 bits find it.
 *
 * All happens in one signal handler: it writes the next state into its own context and returns into the code; whatever the
 * code does, it ends in a signal (an int3 of the filling, or a fault), and the handler sees everything. A run of the
 * original is followed by one of the slot from the same state, where an int3 stands in the original's place. A rip in the slot
 * is translated by the slot's positions, as the engine does it.
 *
 * Usage: runner CASES; the file's format is in cases.ts.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>
#include <asm/prctl.h>

#define CODE 0x40000000ul
#define CODE_BYTES 0x4000ul
#define SLOTS 0x48000000ul
#define FAR_SLOTS 0x100000000ul
#define PADS 0x50000000ul
#define SCRATCH 0x58000000ul
#define SCRATCH_BYTES 0x2000ul
#define MOST_REPORTS 20

enum { FLAGS_ON_STACK = 1, CALL = 2, SYSTEM_CALL = 4, FRAME_ON_STACK = 8, SYSTEM_CALL_32 = 16, OPERANDS = 32 };

struct position { uint32_t offset, has_rcx; int64_t stack; uint64_t rip, rcx; };
struct test {
  uint32_t kind, states, original_bytes, slot_bytes, positions, unused;
  uint64_t address, slot;
  uint8_t original[64], code[256];
  struct position position[32];
};
struct vector_state { uint16_t control, status, tags; uint32_t mxcsr; uint8_t x87[8][10], low[256], high[256]; };
struct outcome {
  int signal, code, fault;
  uint64_t at, registers[16], rip, flags;
  struct vector_state vector;
  uint8_t memory[SCRATCH_BYTES];
};
struct report { uint32_t test, state; char what[48]; uint64_t original, slot; };

static const int ORDER[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
static const char *const NAMES[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                      "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

static struct test *tests;
static uint8_t *code_written, *slots_written, *far_slots_written;
static uint32_t count, current, state;
static int phase; /* 0: nothing has run; 1: the original runs; 2: the slot runs */
static struct outcome outcomes[2];
static struct report reports[MOST_REPORTS];
static uint64_t mismatches, runs, finished, faulted, in_slot;
static uint64_t random_state, own_fs, own_gs;
static ucontext_t start;
static uint8_t start_vector[4096];
static volatile sig_atomic_t done;

static uint64_t next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state * 0x2545f4914f6cdd1dul;
}

/* Addresses of scratch memory mostly; small numbers; pads to jump to; anything. */
static uint64_t random_value(void) {
  uint64_t choice = next_random() % 16, value = next_random();
  if (choice < 9) return SCRATCH + 0x400 + (value % 0x1800 & ~63ul);
  if (choice < 12) return value % 64;
  if (choice < 14) return PADS + 0x100 + value % 0x1000;
  return value;
}

/* For operands of several registers: one an address, the other a small number. */
static uint64_t random_operand(void) {
  uint64_t choice = next_random() % 16, value = next_random();
  if (choice < 7) return SCRATCH + 0x408 + (value % 0x1800 & ~63ul);
  if (choice < 14) return value % 8 * 8;
  return PADS + 0x100 + value % 0x1000;
}

static void report(const char *what, uint64_t original, uint64_t slot) {
  if (mismatches < MOST_REPORTS) {
    struct report *here = &reports[mismatches];
    here->test = current;
    here->state = state;
    strncpy(here->what, what, sizeof here->what - 1);
    here->original = original;
    here->slot = slot;
  }
  mismatches++;
}

static void vector_of(struct _libc_fpstate *fp, struct vector_state *to) {
  to->control = fp->cwd;
  to->status = fp->swd;
  to->tags = fp->ftw;
  to->mxcsr = fp->mxcsr;
  for (int i = 0; i < 8; i++) memcpy(to->x87[i], &fp->_st[i], 10);
  memcpy(to->low, fp->_xmm, 256);
  uint32_t magic;
  memcpy(&magic, (uint8_t *)fp + 464, 4);
  if (magic == 0x46505853) memcpy(to->high, (uint8_t *)fp + 576, 256);
}

static void random_vector(struct _libc_fpstate *fp) {
  fp->cwd = 0x37f;
  fp->swd = next_random() & 0x7f00;
  fp->ftw = next_random() & 0xff;
  fp->mxcsr = 0x1f80;
  for (int i = 0; i < 8; i++) {
    uint64_t mantissa = next_random() | 1ul << 63;
    uint16_t exponent = 16383 - 20 + next_random() % 40;
    memcpy(&fp->_st[i], &mantissa, 8);
    memcpy((uint8_t *)&fp->_st[i] + 8, &exponent, 2);
  }
  for (int i = 0; i < 32; i++) {
    uint64_t value = next_random();
    memcpy((uint8_t *)fp->_xmm + 8 * i, &value, 8);
  }
  uint32_t magic;
  memcpy(&magic, (uint8_t *)fp + 464, 4);
  if (magic != 0x46505853) return;
  uint64_t features;
  memcpy(&features, (uint8_t *)fp + 512, 8);
  features |= 7;
  memcpy((uint8_t *)fp + 512, &features, 8);
  for (int i = 0; i < 32; i++) {
    uint64_t value = next_random();
    memcpy((uint8_t *)fp + 576 + 8 * i, &value, 8);
  }
}

static void random_memory(uint64_t rsp, uint32_t kind) {
  uint64_t *memory = (uint64_t *)SCRATCH;
  for (unsigned i = 0; i < SCRATCH_BYTES / 8; i++) memory[i] = i % 2 == 0 ? random_value() : PADS + 0x100 + next_random() % 0x1000;
  uint64_t *stack = (uint64_t *)rsp;
  uint64_t flags = (next_random() & 0xcd5) | 0x202;
  if (kind & FLAGS_ON_STACK) stack[0] = flags;
  /* A call through this very place reads in a slot what the slot has pushed; the same, then. */
  if (kind & CALL) stack[-1] = tests[current].address + tests[current].original_bytes;
  if (kind & FRAME_ON_STACK) { /* of iretq; its first two words are those of a far return */
    stack[0] = PADS + 0x100;
    stack[1] = 0x33;
    stack[2] = flags;
    stack[3] = rsp + 0x80;
    stack[4] = 0x2b;
  }
}

/* The state is a function of the test's and the state's numbers: both runs get the same. */
static void enter(ucontext_t *context, uint64_t rip) {
  struct test *test = &tests[current];
  random_state = 0x9e3779b97f4a7c15ul * (current * 1000ul + state + 1);
  for (int i = 0; i < 8; i++) next_random();
  greg_t *registers = context->uc_mcontext.gregs;
  for (int i = 0; i < 16; i++) registers[ORDER[i]] = test->kind & OPERANDS ? random_operand() : random_value();
  uint64_t rsp = SCRATCH + 0x1000 + (next_random() % 0x200 & ~7ul);
  registers[REG_RSP] = rsp;
  if (test->kind & SYSTEM_CALL) registers[REG_RAX] = SYS_getpid;
  if (test->kind & SYSTEM_CALL_32) registers[REG_RAX] = 20; /* getpid, too */
  /* CF PF AF ZF SF DF OF: all combinations of the five that conditions ask for come in 32 states. */
  uint64_t flags = next_random() & 0x410;
  flags |= (state & 1) | (state >> 1 & 1) << 2 | (state >> 2 & 1) << 6 | (state >> 3 & 1) << 7 | (state >> 4 & 1) << 11;
  registers[REG_EFL] = flags | 0x202;
  registers[REG_RIP] = rip;
  random_vector(context->uc_mcontext.fpregs);
  random_memory(rsp, test->kind);
}

static void observe(struct outcome *outcome, int signal, siginfo_t *info, ucontext_t *context) {
  greg_t *registers = context->uc_mcontext.gregs;
  outcome->signal = signal;
  outcome->code = info->si_code;
  outcome->fault = registers[REG_TRAPNO] << 16 | registers[REG_ERR];
  /* An int3's si_addr isn't set; of SIGILL and SIGFPE it is the instruction's, translated with rip. */
  outcome->at = signal == SIGSEGV || signal == SIGBUS ? (uint64_t)info->si_addr : 0;
  for (int i = 0; i < 16; i++) outcome->registers[i] = registers[ORDER[i]];
  outcome->rip = registers[REG_RIP];
  outcome->flags = registers[REG_EFL] & ~0x10000ul;
  memset(&outcome->vector, 0, sizeof outcome->vector);
  vector_of(context->uc_mcontext.fpregs, &outcome->vector);
  memcpy(outcome->memory, (void *)SCRATCH, SCRATCH_BYTES);
}

static void translate(struct outcome *outcome, const struct test *test) {
  uint64_t offset = outcome->rip - test->slot;
  if (offset >= test->slot_bytes) return;
  in_slot++;
  for (uint32_t i = 0; i < test->positions; i++) {
    const struct position *position = &test->position[i];
    if (position->offset != offset) continue;
    outcome->rip = position->rip;
    outcome->registers[4] += position->stack;
    if (position->has_rcx) outcome->registers[1] = position->rcx;
    return;
  }
}

static void compare(void) {
  const struct test *test = &tests[current];
  struct outcome *original = &outcomes[0], *slot = &outcomes[1];
  if (original->signal == SIGTRAP) finished++;
  else faulted++;
  if (original->signal != slot->signal) report("signal", original->signal, slot->signal);
  else if (original->code != slot->code) report("si_code", original->code, slot->code);
  else if (original->fault != slot->fault) report("trap and error code", original->fault, slot->fault);
  if (original->at != slot->at) report("si_addr", original->at, slot->at);
  if (original->rip != slot->rip) report("rip", original->rip, slot->rip);
  if (original->flags != slot->flags) report("flags", original->flags, slot->flags);
  for (int i = 0; i < 16; i++) {
    if (original->registers[i] != slot->registers[i]) report(NAMES[i], original->registers[i], slot->registers[i]);
  }
  if (memcmp(&original->vector, &slot->vector, sizeof original->vector) != 0) report("vector or x87 state", 0, 0);
  uint64_t ignored = 0;
  /* A call that faults has pushed in the slot: below the stack pointer. */
  if (test->kind & CALL && original->signal != SIGTRAP) ignored = original->registers[4] - 8;
  for (unsigned i = 0; i < SCRATCH_BYTES / 8; i++) {
    uint64_t a, b;
    memcpy(&a, original->memory + 8 * i, 8);
    memcpy(&b, slot->memory + 8 * i, 8);
    if (a != b && SCRATCH + 8 * i != ignored) {
      report("memory at the address", SCRATCH + 8 * i, SCRATCH + 8 * i);
      report("memory: its contents", a, b);
      break;
    }
  }
}

static void place(const struct test *test, int slot) {
  uint8_t *code = code_written + (test->address - CODE);
  memset(code - 0x40, 0xcc, 0x100);
  memcpy(code, test->original, test->original_bytes);
  if (!slot) return;
  code[0] = 0xcc;
  uint8_t *elsewhere = test->slot < FAR_SLOTS ? slots_written + (test->slot - SLOTS) : far_slots_written + (test->slot - FAR_SLOTS);
  memset(elsewhere, 0xcc, sizeof test->code);
  memcpy(elsewhere, test->code, test->slot_bytes);
}

static void finish(ucontext_t *context) {
  memcpy(context->uc_mcontext.gregs, start.uc_mcontext.gregs, sizeof start.uc_mcontext.gregs);
  memcpy(context->uc_mcontext.fpregs, start_vector, 576 + 256);
  done = 1;
}

static void handle(int signal, siginfo_t *info, void *argument) {
  ucontext_t *context = argument;
  if (signal == SIGALRM) {
    report("time: it doesn't end", phase, 0);
    return finish(context);
  }
  if (phase == 0) {
    memcpy(start.uc_mcontext.gregs, context->uc_mcontext.gregs, sizeof start.uc_mcontext.gregs);
    memcpy(start_vector, context->uc_mcontext.fpregs, 576 + 256);
  } else {
    struct outcome *outcome = &outcomes[phase - 1];
    observe(outcome, signal, info, context);
    if (phase == 2) {
      translate(outcome, &tests[current]);
      compare();
      runs++;
      if (++state == tests[current].states) {
        state = 0;
        current++;
      }
    }
  }
  if (current == count) return finish(context);
  phase = phase == 1 ? 2 : 1;
  const struct test *test = &tests[current];
  place(test, phase == 2);
  enter(context, phase == 1 ? test->address : test->slot);
}

static void *map(uint64_t at, uint64_t bytes, int protection, int flags, int file) {
  void *mapped = mmap((void *)at, bytes, protection, flags | (at == 0 ? 0 : MAP_FIXED_NOREPLACE), file, 0);
  if (mapped == MAP_FAILED || (at != 0 && mapped != (void *)at)) {
    perror("runner: mmap");
    exit(2);
  }
  return mapped;
}

/* Memory full of int3 that is executed at one address and written at another, which is returned. */
static uint8_t *map_code(uint64_t at, uint64_t bytes) {
  int file = memfd_create("code", 0);
  if (file < 0 || ftruncate(file, bytes) != 0) {
    perror("runner: memfd");
    exit(2);
  }
  uint8_t *written = map(0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file);
  memset(written, 0xcc, bytes);
  map(at, bytes, PROT_READ | PROT_EXEC, MAP_SHARED, file);
  return written;
}

int main(int argc, char **argv) {
  int file = argc == 2 ? open(argv[1], O_RDONLY) : -1;
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) return perror("runner: cases"), 2;
  tests = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
  count = status.st_size / sizeof(struct test);
  if (tests == MAP_FAILED || status.st_size % sizeof(struct test) != 0) return fprintf(stderr, "runner: not a file of cases\n"), 2;
  code_written = map_code(CODE, CODE_BYTES);
  slots_written = map_code(SLOTS, 0x1000);
  far_slots_written = map_code(FAR_SLOTS, 0x1000);
  map_code(PADS, 0x2000);
  map(SCRATCH, SCRATCH_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  static uint8_t signal_stack[1 << 17];
  stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
  sigaltstack(&stack, NULL);
  struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  const int signals[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGALRM};
  sigfillset(&action.sa_mask);
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
  struct itimerval limit = {.it_value = {.tv_sec = 20}};
  setitimer(ITIMER_REAL, &limit, NULL);
  /* Instructions with fs and gs act on scratch memory; until they are put back, nothing may use thread-local storage. */
  syscall(SYS_arch_prctl, ARCH_GET_FS, &own_fs);
  syscall(SYS_arch_prctl, ARCH_GET_GS, &own_gs);
  syscall(SYS_arch_prctl, ARCH_SET_GS, SCRATCH);
  syscall(SYS_arch_prctl, ARCH_SET_FS, SCRATCH);
  __asm__ volatile("int3" ::: "memory");
  while (!done) {}
  register long result __asm__("rax") = SYS_arch_prctl;
  __asm__ volatile("syscall" : "+r"(result) : "D"((long)ARCH_SET_FS), "S"(own_fs) : "rcx", "r11", "memory");
  printf("{\"tests\":%u,\"runs\":%lu,\"finished\":%lu,\"faulted\":%lu,\"inSlot\":%lu,\"mismatches\":%lu,\"reports\":[", count, runs, finished,
         faulted, in_slot, mismatches);
  for (unsigned i = 0; i < mismatches && i < MOST_REPORTS; i++) {
    printf("%s{\"test\":%u,\"state\":%u,\"what\":\"%s\",\"original\":\"0x%lx\",\"slot\":\"0x%lx\"}", i == 0 ? "" : ",", reports[i].test,
           reports[i].state, reports[i].what, reports[i].original, reports[i].slot);
  }
  printf("]}\n");
  return mismatches != 0;
}
