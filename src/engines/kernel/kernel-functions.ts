/** BTF ids of kernel functions that programs call, from the running kernel's own type information. */
import { SondeBug } from "../../errors/error.ts";

export function kernelFunction(name: string): { readonly id: number; readonly offset: number } {
  throw new SondeBug(`a program calls the kernel function ${name}, which this kernel doesn't have`);
}
