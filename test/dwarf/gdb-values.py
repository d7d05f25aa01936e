# Run inside gdb, before a driver, whose names these are too: what gdb says of values and registers, as JSON has it.
import json
import os
import struct

import gdb

plan = json.load(open(os.environ["SONDE_PLAN"]))
REGISTERS = "rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15".split()
MASK = (1 << 64) - 1
TRIED = (gdb.error, RuntimeError, ValueError, OverflowError, NotImplementedError)


def members(value, kind, taken):
    """A structure's members by name: its own first, then its base classes', where the first of a name counts."""
    own = [field for field in kind.fields() if hasattr(field, "bitpos")]
    for field in own:
        if getattr(field, "is_base_class", False):
            continue
        if field.name:
            if field.name not in taken:
                taken.add(field.name)
                yield field.name, value[field]
        elif field.type.strip_typedefs().code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
            yield from members(value[field], field.type.strip_typedefs(), taken)
    for field in own:
        if getattr(field, "is_base_class", False):
            yield from members(value[field], field.type.strip_typedefs(), taken)


def flatten(value, path, out, depth=0):
    """Scalars by path. What the compiler has removed is None."""
    if len(out) > 400 or depth > 12:
        return
    kind = value.type.strip_typedefs()
    code = kind.code
    if code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        for name, member in members(value, kind, set()):
            flatten(member, "%s.%s" % (path, name), out, depth + 1)
    elif code == gdb.TYPE_CODE_ARRAY:
        low, high = kind.range()
        for i in range(low, min(high, low + 32) + 1 if kind.sizeof > 0 else low):
            flatten(value[i], "%s[%d]" % (path, i - low), out, depth + 1)
    elif kind.sizeof == 0:
        return
    elif value.is_optimized_out:
        out[path] = None
    elif code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR, gdb.TYPE_CODE_BOOL, gdb.TYPE_CODE_ENUM):
        out[path] = str(int(value)) if kind.sizeof <= 8 else "?" + str(kind)
    elif code == gdb.TYPE_CODE_FLT and kind.sizeof in (4, 8) and "ecimal" not in str(kind):
        out[path] = "f" + struct.pack("<d", float(value)).hex()
    elif code == gdb.TYPE_CODE_PTR:
        out[path] = str(int(value.cast(WORD)) & MASK)
    elif code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
        out[path] = str(int(value.referenced_value().address) & MASK)
    else:
        out[path] = "?" + str(kind)


def tried(value):
    """The scalars of what a function gives; why it gives nothing, by the path ""."""
    out = {}
    try:
        flatten(value(), "", out)
        return out
    except TRIED as error:
        return {"": "error: %s" % error}


def registers(frame):
    found = {}
    for name in REGISTERS:
        found[name] = str(int(frame.read_register(name).cast(WORD)) & MASK)
    for i in range(16):
        halves = frame.read_register("xmm%d" % i)["v2_int64"]
        found["xmm%d" % i] = [str(int(halves[0]) & MASK), str(int(halves[1]) & MASK)]
    return found


def bytes_at(ranges):
    """Of ranges of memory, those that can be read."""
    found = []
    for address, length in ranges:
        try:
            found.append([str(address), bytes(gdb.selected_inferior().read_memory(address, length)).hex()])
        except TRIED:
            continue
    return found


def run(arguments=""):
    """Starts the program, to the first of the breakpoints that are set."""
    global WORD
    gdb.execute("set pagination off")
    gdb.execute("set confirm off")
    gdb.execute("set print object off")
    # Thousands of them, at hundreds of stops.
    gdb.execute("set breakpoint always-inserted on")
    gdb.execute("set python print-stack full")
    gdb.execute("handle SIGURG nostop noprint pass", to_string=True)
    gdb.execute("run %s > /dev/null" % arguments, to_string=True)
    WORD = gdb.newest_frame().architecture().integer_type(64)


def loaded_at(file):
    """Where the program has a file."""
    for line in open("/proc/%d/maps" % gdb.selected_inferior().pid):
        if line.rstrip().endswith(file):
            return int(line.split("-")[0], 16)
    raise gdb.GdbError("%s isn't loaded" % file)


bias = 0


def stops(addresses):
    """Runs the program with a breakpoint, hit once, at each address, and gives the frame and the address at each stop until it has ended.

    Addresses are as linked: those of the plan's file, wherever that is loaded (`bias`), or of the program."""
    global bias
    arguments = plan.get("arguments", "")
    if "file" in plan:
        # Where the file is, is known once the program has been loaded.
        gdb.execute("set breakpoint pending on")
        gdb.Breakpoint("__libc_start_main", temporary=True, internal=True)
        run(arguments)
        bias = loaded_at(plan["file"])
    for address in addresses:
        gdb.Breakpoint("*%d" % (address + bias), temporary=True, internal=True)
    if "file" not in plan:
        run(arguments)
    while True:
        try:
            frame = gdb.newest_frame()
            pc = frame.pc()
        except gdb.error:
            return
        yield frame, pc - bias
        try:
            gdb.execute("continue", to_string=True)
        except gdb.error:
            return


def seen(what):
    json.dump(what, open(os.environ["SONDE_SEEN"], "w"))
