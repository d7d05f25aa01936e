/** Errors of targets: what they name, and the files that it should be in. */
import type { RunEntries } from "./entry.ts";

export const targets: RunEntries = {
  SONDE_TARGET: {
    cause: "A target is a text, or a list of them with at least one.",
    example: "uprobe([], () => {});",
    mend: 'Write for instance "libc:malloc", or leave the probe out where there is nothing to probe.',
  },
  SONDE_TARGET_EMPTY: { cause: "The target is an empty text.", example: "sonde list ''", mend: 'Name a file and a function: "libc:malloc".' },
  SONDE_TARGET_NO_FILE: {
    cause: "Nothing stands before the colon: a function is looked for in one file, or in one library.",
    example: "sonde list ':malloc'",
    mend: 'Name a library ("libc"), a program ("bash") or a path before it.',
  },
  SONDE_TARGET_NO_PLACE: {
    cause: "A file without a function, or a function without a file.",
    example: "sonde list malloc",
    mend: 'Write both with a colon between them: "libc:malloc". Wildcards are places too: "libc:mem*".',
  },
  SONDE_TARGET_ADDRESS: {
    cause: "What stands behind the colon begins like an address and isn't one.",
    example: "sonde list 'bash:0x40zz'",
    mend: 'Write the virtual address as linked, in hexadecimal, as objdump and nm show it: "bin:0x4011d6".',
  },
  SONDE_TARGET_OFFSET: {
    cause: "What stands behind the plus sign isn't a number of bytes.",
    example: "sonde list 'libc:malloc+first'",
    mend: 'Write the bytes from the function\'s start: "libc:malloc+0x1c".',
  },
  SONDE_TARGET_LINE: {
    cause: "The target names a source line without the program that it is in, or a line or column that there can't be: they count from 1.",
    example: "sonde list 'main.c:120'",
    mend: 'Write the program or library before it: "/usr/bin/server:main.c:120".',
  },
  SONDE_SOURCE_NOT_FOUND: {
    cause: "No file that the program's debug information names has a path that ends so.",
    example: "sonde list './server:mian.c:120'",
    mend: "Check the name; near ones are suggested. A folder before it tells files of one name apart: net/main.c:120.",
  },
  SONDE_LINE_NOT_FOUND: {
    cause: "Neither the line nor any behind it in the file has code in this program: the compiler has left it out, or it is another version of the source.",
    example: "sonde list './server:main.c:99999'",
    mend: "Name the line that the message suggests, or a function.",
  },
  SONDE_FILE_NOT_FOUND: {
    cause: "There is no file at the path; or no library of that name in the loader's folders and no program of it in PATH.",
    example: "sonde list '/no/such/file:main'",
    mend: "Check the name; near ones are suggested. A program that isn't in PATH is named by its path. With -p, names are looked up as that process sees them.",
  },
  SONDE_FILE_DIRECTORY: { cause: "The path of the target is a folder.", example: "sonde list '/usr/bin:main'", mend: "Name the executable or library in it." },
  SONDE_FILE_NOT_REGULAR: {
    cause: "The path is a device, a socket or a pipe.",
    example: "sonde list '/dev/null:main'",
    mend: "Name an executable or a library.",
  },
  SONDE_FILE_PERMISSION: { cause: "This user may not read the file.", example: "sonde list '/root/server:main'", mend: "Run as root, or as the file's owner." },
  SONDE_FILE_UNREADABLE: {
    cause: "The file is there, and opening or reading it fails; the error's message has the system's own reason.",
    example: "sonde list '/proc/1/mem:main'",
    mend: "Copy the file to another disk and try that, if the disk is at fault.",
  },
  SONDE_FILE_REPLACED: {
    cause: "The file was written anew while sonde looked at it, as an upgrade or a build does.",
    example: "sonde list './server:main'",
    mend: "Start again when the build or upgrade is done.",
  },
  SONDE_ELF_NOT_ELF: {
    cause: "The file isn't an executable or library in the ELF format: a script, for instance, which an interpreter runs.",
    example: "sonde list '/usr/bin/ldd:main'",
    mend: "Name the interpreter's executable, or a library that it loads.",
  },
  SONDE_ELF_CLASS: {
    cause: "The file is a 32-bit program, and sonde probes 64-bit ones.",
    example: "sonde list './program32:main'",
    mend: "Name a 64-bit x86-64 executable or library.",
  },
  SONDE_ELF_BYTE_ORDER: {
    cause: "The file is made for a big-endian processor.",
    example: "sonde list './program-s390x:main'",
    mend: "Name a 64-bit x86-64 executable or library.",
  },
  SONDE_ELF_MACHINE: {
    cause: "The file is made for another processor, such as arm64.",
    example: "sonde list './program-arm64:main'",
    mend: "Name a 64-bit x86-64 executable or library.",
  },
  SONDE_ELF_RELOCATABLE: {
    cause: "The file is an object file, which isn't linked yet: no process maps it.",
    example: "sonde list './main.o:main'",
    mend: "Name the executable or library that it is linked into.",
  },
  SONDE_ELF_CORE: { cause: "The file is a core dump: no process runs it.", example: "sonde list './core:main'", mend: "Name the program that it came from." },
  SONDE_ELF_TRUNCATED: {
    cause: "A table of the file would end behind the file's end: it was copied in part, or is being written.",
    example: "sonde list './server:main'",
    mend: "Copy or build the file again.",
  },
  SONDE_ELF_MALFORMED: {
    cause: "The file's tables contradict each other or themselves.",
    example: "sonde list './server:main'",
    mend: "Copy or build the file again. A packer may have made it so: name the unpacked program.",
  },
  SONDE_ELF_TOO_LARGE: {
    cause: "A table of the file is larger than sonde reads.",
    example: "sonde list './server:main'",
    mend: "Strip the file, or name the place by its address.",
  },
  SONDE_DEBUG_INFO_MISSING: {
    cause: "What is asked for needs debug information, and there is none of this file, or none of these functions in it.",
    example: "sonde types /usr/bin/bash",
    mend: "Build it with -g and don't strip it; or install the package with its debug symbols, or set DEBUGINFOD_URLS: the message names both where they are known.",
  },
  SONDE_DWARF_UNREADABLE: {
    cause: "The file's debug information contradicts itself, or is cut short. Functions can still be probed, without their types.",
    example: "sonde list './server:main.c:120'",
    mend: "Build the program or its debug information again.",
  },
  SONDE_DWARF_COMPRESSION: {
    cause: "The file's debug information is compressed by a method other than zlib and zstd.",
    example: "sonde list './server:main.c:120'",
    mend: "Decompress it: objcopy --decompress-debug-sections FILE.",
  },
  SONDE_FUNCTION_NOT_FOUND: {
    cause: "The file has no function of that name: it is misspelt, inlined everywhere, or was compiled under another name.",
    example: "sonde list libc:mallok",
    mend: "Take one of the near names that are suggested, or see what there is: sonde list 'libc:*alloc*'.",
  },
  SONDE_FUNCTION_NO_MATCH: {
    cause: "No function of the file matches the wildcard.",
    example: "sonde list 'libc:nothing*'",
    mend: "See what there is: sonde list 'libc:*'.",
  },
  SONDE_USDT_NONE: {
    cause: "The file has no static probes: it was built without them, or its notes (.note.stapsdt) were stripped.",
    example: "sonde list --usdt 'cat:*'",
    mend: "Name another build of the program (an option such as --enable-dtrace puts them in), or probe a function with uprobe().",
  },
  SONDE_USDT_NOT_FOUND: {
    cause: "The file has static probes, and none of this provider and name.",
    example: "sonde list --usdt 'libstdc++:libstdcxx:trow'",
    mend: "Near names are suggested; see what there is: sonde list --usdt 'libstdc++:*'.",
  },
  SONDE_USDT_SEVERAL: {
    cause: "The target names a probe without its provider, and several providers have one of that name.",
    example: "sonde list --usdt './server:start'",
    mend: "Name the provider too, or all of them by *: ./server:*:start.",
  },
  SONDE_USDT_SEMAPHORE: {
    cause: "The static probe is off until its semaphore is raised, and that has no place in the file by which the kernel could do it.",
    example: "sonde run script.ts --engine kernel",
    mend: "Use the engine breakpoint, which raises it in the process's memory.",
  },
  SONDE_FUNCTION_NO_SYMBOLS: {
    cause: "The file was stripped: no symbol says where its functions are.",
    example: "sonde list './stripped:main'",
    mend: "Name the place by its address (bin:0x4011d6), or use a build that isn't stripped.",
  },
  SONDE_FUNCTION_IMPORTED: {
    cause: "The file calls the function and doesn't contain it: it is in a library.",
    example: "sonde list bash:malloc",
    mend: 'Name the library: "libc:malloc". With -p or -c only the wanted process is probed.',
  },
  SONDE_FUNCTION_IS_DATA: { cause: "The name is a variable's.", example: "sonde list libc:environ", mend: "Name a function." },
  SONDE_FUNCTION_INDIRECT: {
    cause: "The symbol is a resolver's, which chooses the function for this processor when the program starts; no process shows what it chose.",
    example: "sonde list libc:memcpy",
    mend: "Give a process that uses it with -p PID.",
  },
  SONDE_FUNCTION_VDSO: {
    cause: "The library hands calls of the function on to the kernel's own page (vdso), which no probe reaches.",
    example: "sonde list libc:time",
    mend: "Probe the functions that call it.",
  },
  SONDE_ADDRESS_NOT_CODE: {
    cause: "No code of the file is at this address.",
    example: "sonde list 'bash:0x10'",
    mend: "Write the virtual address as linked, as objdump and nm show it, not the one in a running process.",
  },
  SONDE_OFFSET_BEHIND_END: {
    cause: "The offset is larger than the function.",
    example: "sonde list 'libc:malloc+0x100000'",
    mend: "Write an offset inside the function.",
  },
  SONDE_OFFSET_NOT_BOUNDARY: {
    cause: "The offset is in the middle of an instruction; a breakpoint there would break it.",
    example: "sonde list 'libc:malloc+0x2'",
    mend: "Write the beginning of an instruction: the message has the nearest ones.",
  },
  SONDE_OFFSET_UNDECODABLE: {
    cause: "The code in front of the offset can't be decoded: there may be data in it.",
    example: "sonde list './handwritten:table+0x40'",
    mend: "Write an offset in front of the place that the message names.",
  },
  SONDE_OFFSET_INDIRECT: {
    cause: "The symbol is a resolver's: an offset into it isn't one into the function that is called.",
    example: "sonde list 'libc:memcpy+0x4'",
    mend: "List the function (sonde list libc:memcpy) and write the place as an address.",
  },
  SONDE_RETURN_OFFSET: {
    cause: "Calls and returns are a function's; the target is a place inside one. intercept() holds calls, and so do handlers with `leave`.",
    example: 'uretprobe("libc:malloc+0x1c", () => {});',
    mend: "Leave the offset out, or probe the place by uprobe().",
  },
  SONDE_RETURN_INLINED: {
    cause: "The function is inlined wherever it is used: its code is a part of others, and there is no call to it and no return of its own.",
    example: 'uretprobe("./server:always_inlined", () => {});',
    mend: "Probe its beginning by uprobe(), or a line behind it.",
  },
  SONDE_RETURN_GO: {
    cause:
      "The function is a Go program's, whose returns are probed at their instructions, for Go moves its stacks; and it has none, since it jumps to another function at its end.",
    example: 'uretprobe("./server:main.handle", () => {});',
    mend: "Probe the return of the function that it jumps to, or the entry alone; the engine breakpoint follows every return.",
  },
  SONDE_SITE_REFUSED: {
    cause: "The instruction there can't be probed: it can't be run elsewhere without changing what it does, or is a breakpoint already.",
    example: "sonde list './program:start+0x4'",
    mend: "Probe another instruction of the function (function+0x…); the kernel engine and the engine breakpoint refuse different ones.",
  },
  SONDE_ERRNO_UNKNOWN: {
    cause: "An errno was asked for, and where this process keeps it can't be told: its C library is one that sonde doesn't know.",
    example: 'intercept("libc:open", { leave: (c) => console.log(c.errno) });',
    mend: "Leave errno out: the result can be read and set without it.",
  },
};
