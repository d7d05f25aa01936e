/** Numbers of the system calls that sonde makes itself, on x86-64 (arch/x86/entry/syscalls/syscall_64.tbl). */
export const nr = {
  close: 3,
  mmap: 9,
  munmap: 11,
  ioctl: 16,
  mount: 165,
  perf_event_open: 298,
  prlimit64: 302,
  bpf: 321,
  pidfd_open: 434,
} as const;
