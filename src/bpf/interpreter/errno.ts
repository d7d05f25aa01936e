/** The error numbers that helpers give back, negated. */
export const Errno = { ENOENT: 2, E2BIG: 7, EFAULT: 14, EBUSY: 16, EEXIST: 17, EINVAL: 22, ENOSPC: 28 } as const;
