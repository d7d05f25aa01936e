/** The names of the registers that a handler can read. */

export const GENERAL_REGISTERS = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"] as const;
export type GeneralRegister = (typeof GENERAL_REGISTERS)[number];
export type Register = GeneralRegister | "rip" | "rflags";
