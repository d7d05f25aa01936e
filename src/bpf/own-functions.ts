/** Functions that no kernel has, which programs may call where sonde runs them itself; they are called as the kernel's are. */

/** The place of the highest bit of r1 that is set, 0 for 0. */
export const HIGHEST_BIT = "sonde_highest_bit";
