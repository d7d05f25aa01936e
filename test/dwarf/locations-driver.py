# Run inside gdb: stops once at each address of a plan (SONDE_PLAN, JSON), and writes what gdb sees there, as JSON (SONDE_SEEN):
# registers, memory, the frame's address, and the variables of the scopes there with their values by paths.
import json
import os
import struct

import gdb

plan = json.load(open(os.environ["SONDE_PLAN"]))
REGISTERS = "rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15".split()
MASK = (1 << 64) - 1
TRIED = (gdb.error, RuntimeError, ValueError, OverflowError, NotImplementedError)


def flatten(value, path, out, depth=0):
    """Scalars by path. What the compiler has removed is None."""
    if len(out) > 200 or depth > 8:
        return
    kind = value.type.strip_typedefs()
    code = kind.code
    if value.is_optimized_out:
        out[path] = None
    elif code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        for field in kind.fields():
            if hasattr(field, "bitpos") and field.name and not field.is_base_class:
                flatten(value[field], "%s.%s" % (path, field.name), out, depth + 1)
    elif code == gdb.TYPE_CODE_ARRAY:
        low, high = kind.range()
        for i in range(low, min(high, low + 16) + 1):
            flatten(value[i], "%s[%d]" % (path, i - low), out, depth + 1)
    elif code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR, gdb.TYPE_CODE_BOOL, gdb.TYPE_CODE_ENUM):
        out[path] = str(int(value)) if kind.sizeof <= 8 else "?" + str(kind)
    elif code == gdb.TYPE_CODE_FLT and kind.sizeof in (4, 8):
        out[path] = "f" + struct.pack("<d", float(value)).hex()
    elif code == gdb.TYPE_CODE_PTR:
        out[path] = str(int(value.cast(WORD)) & MASK)
    elif code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
        out[path] = str(int(value.referenced_value().address) & MASK)
    else:
        out[path] = "?" + str(kind)


def tried(symbol, frame):
    out = {}
    try:
        flatten(symbol.value(frame), "", out)
        return out
    except TRIED as error:
        return {"": "error: %s" % error}


def variables(frame, pc):
    """Those of the innermost function or inlined instance and of its blocks; the first of a name hides the others."""
    listed = {}
    block = gdb.block_for_pc(pc)
    while block is not None and not block.is_static and not block.is_global:
        for symbol in block:
            constant = symbol.is_constant and symbol.type.strip_typedefs().code != gdb.TYPE_CODE_ENUM
            if (symbol.is_variable or symbol.is_argument or constant) and symbol.name not in listed:
                listed[symbol.name] = tried(symbol, frame)
        if block.function is not None:
            break
        block = block.superblock
    return listed


def registers(frame):
    found = {}
    for name in REGISTERS:
        found[name] = str(int(frame.read_register(name).cast(WORD)) & MASK)
    for i in range(16):
        halves = frame.read_register("xmm%d" % i)["v2_int64"]
        found["xmm%d" % i] = [str(int(halves[0]) & MASK), str(int(halves[1]) & MASK)]
    return found


def memory(found):
    """The stack, what registers point to, and the ranges of the plan."""
    inferior = gdb.selected_inferior()
    wanted = [(int(found["rsp"]) - 256, 8192), (int(found["rsp"]) - 256, 1024)]
    wanted += [(int(found[name]) - 512, 1536) for name in REGISTERS] + [(one["address"], one["size"]) for one in plan["ranges"]]
    ranges = []
    for address, length in wanted:
        try:
            ranges.append([str(address), bytes(inferior.read_memory(address, length)).hex()])
        except TRIED:
            continue
    return ranges


def level(frame):
    """The frame that isn't inlined."""
    while frame.type() == gdb.INLINE_FRAME:
        frame = frame.older()
    return frame


gdb.execute("set pagination off")
gdb.execute("set confirm off")
gdb.execute("set python print-stack full")
left = {int(address) for address in plan["addresses"]}
for address in left:
    gdb.Breakpoint("*%d" % address, temporary=True, internal=True)
gdb.execute("handle SIGURG nostop noprint pass", to_string=True)
gdb.execute("run %s > /dev/null" % plan.get("arguments", ""), to_string=True)
WORD = gdb.newest_frame().architecture().integer_type(64)
seen = []
while True:
    try:
        frame = gdb.newest_frame()
        pc = frame.pc()
    except gdb.error:
        break
    if pc in left:
        left.remove(pc)
        found = registers(frame)
        older = level(frame).older()
        seen.append(
            {
                "address": pc,
                "registers": found,
                "memory": memory(found),
                "cfa": str(int(older.read_register("rsp").cast(WORD)) & MASK) if older is not None else None,
                "variables": variables(frame, pc),
            }
        )
    try:
        gdb.execute("continue", to_string=True)
    except gdb.error:
        break

json.dump(seen, open(os.environ["SONDE_SEEN"], "w"))
