/** Errors of the engines and of the system below them. */
import type { RunEntries } from "./entry.ts";

export const choice: RunEntries = {
  SONDE_ENGINE_UNKNOWN: {
    cause: "There is no engine of that name.",
    example: 'await open("./a.probe.ts", { engine: "fast" as never });',
    mend: "The engines are auto, kernel, breakpoint and inline.",
  },
  SONDE_ENGINE_UNAVAILABLE: {
    cause: "The engine needs rights, or something of the kernel, that aren't here.",
    example: "sonde run script.ts --engine kernel",
    mend: "sonde doctor shows what works here and how to mend the rest; --engine auto takes what works.",
  },
  SONDE_ENGINE_LACKS: {
    cause: "The engine can't do what the command line asks for.",
    example: "sonde run script.ts --engine breakpoint --cgroup /sys/fs/cgroup/web",
    mend: "Name the processes with -p, or use the engine kernel.",
  },
};

export const kernel: RunEntries = {
  SONDE_KERNEL_ATTACH: {
    cause: "The kernel refuses to attach a probe, or has none of the ways to do so.",
    example: "sonde run script.ts --engine kernel",
    mend: "The message has the kernel's reason. sonde doctor lists the ways that work; the engine breakpoint needs none of them.",
  },
  SONDE_KERNEL_BTF: {
    cause: "What is asked for needs the kernel's type information, /sys/kernel/btf/vmlinux, and this kernel has none.",
    example: "sonde types kernel",
    mend: "Use a kernel with CONFIG_DEBUG_INFO_BTF, as those of distributions are.",
  },
  SONDE_KERNEL_CGROUP: {
    cause: "The path isn't a cgroup of version 2, or how deep it lies can't be told from inside a container.",
    example: "sonde run script.ts --cgroup /sys/fs/cgroup/nothing",
    mend: "Name a folder below /sys/fs/cgroup; `cat /proc/PID/cgroup` shows a process's. Run sonde outside of containers.",
  },
  SONDE_KERNEL_FILTER: {
    cause: "Processes were chosen by cgroup and by number at once.",
    example: "sonde run script.ts --cgroup /sys/fs/cgroup/web -p 1234",
    mend: "Give one of them.",
  },
  SONDE_KERNEL_GO_RETURN: {
    cause: "The function is a Go program's, which crashes when the kernel replaces a return address on its stack.",
    example: 'uretprobe("./server:main.handle", () => {});',
    mend: "Probe the entry alone, or use the engine breakpoint.",
  },
  SONDE_KERNEL_LOAD: {
    cause: "The kernel refused a compiled handler.",
    example: "sonde run script.ts --engine kernel",
    mend: "The message has the telling lines of the kernel's log. sonde checks handlers before, so please report it with the script.",
  },
  SONDE_KERNEL_NAMESPACE: {
    cause: "Inside a pid namespace the kernel's process ids aren't known, and children can't be followed by them.",
    example: "sonde run script.ts -p 12 --children",
    mend: "Run sonde outside the container, or without --children.",
  },
  SONDE_KERNEL_SECCOMP_RETURN: {
    cause: "The process runs under a seccomp filter, which may kill it for the system call by which kernels from 6.11 to 6.13 return from probed functions.",
    example: 'uretprobe("libc:malloc", () => {});',
    mend: "Probe the entry alone; kernels from 6.14 on don't show that call to filters.",
  },
  SONDE_KERNEL_TOO_LARGE: {
    cause: "The handler has more ways through it than the kernel is willing to check: it walks every round of every loop, up to a million instructions.",
    example: "for (let i = 0; i < 4000; i++) if (str(c.arg0 + i) === name) n.add();",
    mend: "Use smaller bounds, shorter texts or fewer tests inside loops; or split the handler into several probes.",
  },
  SONDE_KERNEL_TOO_OLD: {
    cause: "The kernel lacks something that this run needs; the message names it and the kernel that has it.",
    example: "sonde run script.ts --engine kernel",
    mend: "Use a newer kernel, or the engine breakpoint.",
  },
  SONDE_KERNEL_TRACEFS: {
    cause: "The kernel's tracing file system isn't mounted, or this user may not look into it.",
    example: "sonde types kernel 'sched:*'",
    mend: "As root: mount -t tracefs nodev /sys/kernel/tracing.",
  },
  SONDE_SYS_RIGHTS: {
    cause: "A system call was refused for want of rights.",
    example: "sonde run script.ts --engine kernel",
    mend: "Run as root, or with the capabilities that sonde doctor names.",
  },
  "SONDE_SYS_*": {
    cause: "A system call failed; the code ends in the system's own name of the error, as SONDE_SYS_ENOMEM.",
    example: "sonde run script.ts",
    mend: "The message names the call and what it was for; errno(3) explains the name. sonde doctor shows what works here.",
  },
};

export const breakpoint: RunEntries = {
  SONDE_TRACE_RIGHTS: {
    cause: "This user may not trace the process: that takes its owner's rights or CAP_SYS_PTRACE, and kernel.yama.ptrace_scope may restrict it further.",
    example: "sonde run script.ts --engine breakpoint -p 1234",
    mend: "Start the program by sonde (-c), run as root, or have ptrace_scope set to 0.",
  },
  SONDE_TRACE_BUSY: {
    cause: "Another program traces the process (a debugger, strace, another sonde), and a process has one tracer.",
    example: "sonde run script.ts --engine breakpoint -p 1234",
    mend: "End the other tracer, or use the engine kernel.",
  },
  SONDE_TRACE_SELF: {
    cause: "The process is sonde itself, which can't stand still and watch.",
    example: "sonde run script.ts --engine breakpoint -p $$",
    mend: "Probe it from another sonde with the engine kernel.",
  },
  SONDE_TRACE_ZOMBIE: {
    cause: "The process has ended: only its status is left, for its parent.",
    example: "sonde run script.ts --engine breakpoint -p 1234",
    mend: "Probe the program when it runs, or start it by -c.",
  },
  SONDE_TRACE_LEADER: {
    cause: "The first thread of the process has ended, and others go on: the engine breakpoint can't attach to it any more.",
    example: "sonde run script.ts --engine breakpoint -p 1234",
    mend: "Use the engine kernel, or attach earlier.",
  },
  SONDE_TRACE_KERNEL_THREAD: {
    cause: "The number is a kernel thread's, which has no user memory.",
    example: "sonde run script.ts --engine breakpoint -p 2",
    mend: "Probe a program.",
  },
  SONDE_TRACE_32BIT: {
    cause: "The process runs a 32-bit or foreign program; sonde displaces x86-64 code alone.",
    example: "sonde run script.ts --engine breakpoint -p 1234",
    mend: "Probe 64-bit programs.",
  },
  SONDE_TRACE_SECCOMP: {
    cause: "The process runs under a seccomp filter, which may kill it for the system calls that arming makes in it.",
    example: "sonde run script.ts --engine breakpoint -p chrome",
    mend: "Run as root, or use the engine kernel.",
  },
  SONDE_TRACE_INJECT: {
    cause: "The process can't be had make the system calls that arming needs: it doesn't come to a place where that is safe.",
    example: "sonde run script.ts --engine breakpoint -p 1234",
    mend: "The message has the reason; the engine kernel makes no calls in the target.",
  },
  SONDE_TRACE_VFORK: {
    cause: "Every thread of the process waits for a process that it has made by vfork; until that has executed something or ended, none can be stopped.",
    example: "sonde run script.ts --engine breakpoint -p 1234",
    mend: "Try again, or use the engine kernel.",
  },
  SONDE_TRACE_NO_ROOM: {
    cause: "Displaced instructions must lie near the code, and nothing is free there, or the process may not map memory.",
    example: "sonde run script.ts --engine breakpoint -p 1234",
    mend: "Raise the process's limit of memory (RLIMIT_AS), or use the engine kernel.",
  },
  SONDE_INLINE_SHADOW_STACK: {
    cause: "The process has a shadow stack, which would miss the return addresses that calls push which are executed elsewhere.",
    example: "sonde run script.ts --engine inline -p 1234",
    mend: "Use the engine kernel.",
  },
  SONDE_INLINE_TAKEN: {
    cause: "Another sonde has put a jump there, and two can't be in one place.",
    example: "sonde run script.ts --engine inline -p 1234",
    mend: "End the other sonde, or use the engine kernel.",
  },
  SONDE_ARMER_LOST: {
    cause: "The process that arms for sonde has ended: it was killed, or has a fault.",
    example: "kill -9 ARMER",
    mend: "The targets were left running and their code put back. Run it again; if it happens again, please report it.",
  },
  SONDE_TRACER_LOST: {
    cause: "The process that traces for sonde has ended: it was killed, or has a fault.",
    example: "kill -9 TRACER",
    mend: "The target was left running and its code put back. Run the script again; if it happens again, please report it.",
  },
};

export const inline: RunEntries = {
  SONDE_INLINE_PROGRAM: {
    cause: "A handler does what can't be done from inside the program, or isn't found to end within a million steps.",
    example: "sonde run script.ts --engine inline",
    mend: "Use the engine kernel or breakpoint.",
  },
};
