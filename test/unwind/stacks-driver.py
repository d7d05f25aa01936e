# Run inside gdb: stops at breakpoints and at random instructions behind them, as a plan says (SONDE_PLAN, JSON), and writes what
# gdb makes of the stack there (SONDE_SEEN, JSON): registers, frames; with memory in a file of its own (SONDE_MEMORY).
import json
import os
import random

import gdb

plan = json.load(open(os.environ["SONDE_PLAN"]))
memory = open(os.environ["SONDE_MEMORY"], "wb")
REGISTERS = "rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip".split()
MASK = (1 << 64) - 1
WORD = None
chance = random.Random(plan["seed"])


def number(frame, name):
    return int(frame.read_register(name).cast(WORD)) & MASK


def frames_of(newest):
    """Those that aren't inlined, with the names of all. What gdb makes up for calls that were jumps is left out: it isn't on the stack."""
    frames = []
    frame = newest
    names = []
    while frame is not None and len(frames) < 200:
        names.append(frame.name() or "")
        if frame.type() == gdb.TAILCALL_FRAME:
            names = []
        elif frame.type() != gdb.INLINE_FRAME:
            frames.append({"pc": str(frame.pc()), "names": names, "signal": frame.type() == gdb.SIGTRAMP_FRAME})
            names = []
            last = frame
        frame = frame.older()
    return frames, gdb.frame_stop_reason_string(last.unwind_stop_reason())


def keep(address, length):
    """Writes memory to the file, as much as there is."""
    try:
        data = bytes(gdb.selected_inferior().read_memory(address, length))
    except gdb.MemoryError:
        return None
    at = memory.tell()
    memory.write(data)
    return [str(address), at, len(data)]


def stacks():
    """What may be a stack: from each stack pointer up to the end of its mapping."""
    found = []
    for low, high, name in mappings():
        if name == "[stack]":
            sp = number(gdb.newest_frame(), "rsp")
            low = max(low, sp - 256 if low <= sp < high else high - 65536)
            found.append(keep(low, high - low))
    for name in plan["stacks"]:
        try:
            value = gdb.parse_and_eval(name)
            found.append(keep(int(value.address.cast(WORD)), value.type.sizeof))
        except gdb.error:
            pass
    sp = number(gdb.newest_frame(), "rsp")
    found.append(keep(sp - 128, 2048))
    return [one for one in found if one is not None]


def mappings():
    found = []
    for line in open("/proc/%d/maps" % gdb.selected_inferior().pid):
        parts = line.split(None, 5)
        low, high = (int(one, 16) for one in parts[0].split("-"))
        found.append((low, high, parts[5].strip() if len(parts) > 5 else ""))
    return found


def look():
    newest = gdb.newest_frame()
    frames, end = frames_of(newest)
    seen.append({"registers": [str(number(newest, name)) for name in REGISTERS], "frames": frames, "end": end, "memory": stacks()})


gdb.execute("set pagination off")
gdb.execute("set confirm off")
gdb.execute("set backtrace past-main on")
gdb.execute("set backtrace past-entry on")
gdb.execute("set python print-stack full")
gdb.execute("set startup-with-shell off")
gdb.execute("set breakpoint pending on")
for name in "SIGUSR1 SIGUSR2 SIGSEGV SIGALRM".split():
    gdb.execute("handle %s nostop noprint pass" % name, to_string=True)
for name in plan["breakpoints"]:
    gdb.Breakpoint(name, internal=True)
gdb.execute("run %s" % plan["arguments"], to_string=True)
WORD = gdb.newest_frame().architecture().integer_type(64)
seen = []
maps = None
try:
    while len(seen) < plan["stops"]:
        if maps is None:
            maps = open("/proc/%d/maps" % gdb.selected_inferior().pid).read()
            vdso = [keep(low, high - low) for low, high, name in mappings() if name == "[vdso]"]
        look()
        for _ in range(chance.randrange(4)):
            gdb.execute("stepi %d" % chance.choice([1, 1, 2, 3, 5, 9, 17, 40]), to_string=True)
            look()
        gdb.execute("continue", to_string=True)
except gdb.error as error:
    if gdb.selected_inferior().pid != 0 and "not being run" not in str(error):
        raise

memory.close()
json.dump({"maps": maps, "vdso": vdso, "stops": seen}, open(os.environ["SONDE_SEEN"], "w"))
if gdb.selected_inferior().pid != 0:
    gdb.execute("kill", to_string=True)
