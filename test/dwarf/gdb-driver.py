# Run inside gdb: stops at the functions of a plan (SONDE_PLAN, JSON) at each one's first instruction, after its prologue and at
# its return, and writes what gdb sees there, as JSON: registers, the memory that they point to, and values by their paths.
import json
import os
import struct

import gdb

plan = json.load(open(os.environ["SONDE_PLAN"]))
REGISTERS = "rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15".split()
MASK = (1 << 64) - 1


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
    """Scalars by path. What the compiler has removed isn't in it."""
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
    elif value.is_optimized_out or kind.sizeof == 0:
        return
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


def tried(value, name):
    out = {}
    try:
        if callable(value):
            value = value()
        if getattr(value, "is_optimized_out", False):
            return {"": "optimized out"}
        flatten(value, "", out)
        return out
    except (gdb.error, RuntimeError, ValueError, OverflowError) as error:
        return {"": "error: %s" % error}


def registers(frame):
    found = {}
    for name in REGISTERS:
        found[name] = str(int(frame.read_register(name).cast(WORD)) & MASK)
    for i in range(16):
        halves = frame.read_register("xmm%d" % i)["v2_int64"]
        found["xmm%d" % i] = [str(int(halves[0]) & MASK), str(int(halves[1]) & MASK)]
    return found


def memory(found, names, size):
    """What registers point to, each range once."""
    inferior = gdb.selected_inferior()
    ranges = []
    for name in names:
        address = int(found[name])
        for length in (size, 256, 16):
            try:
                ranges.append([str(address), bytes(inferior.read_memory(address, length)).hex()])
                break
            except (gdb.error, OverflowError):
                continue
    return ranges


def arguments(frame):
    listed = []
    block = frame.block()
    while block is not None and block.function is None:
        block = block.superblock
    for symbol in block or []:
        if symbol.is_argument:
            listed.append({"name": symbol.name, "type": str(symbol.type), "value": tried(lambda s=symbol: s.value(frame), symbol.name)})
    return listed


def at_stop():
    frame = gdb.newest_frame()
    found = registers(frame)
    return {"registers": found, "memory": memory(found, ["rsp"], 4096) + memory(found, ["rdi", "rsi", "rdx", "rcx", "r8", "r9", "rax"], 512)}


gdb.execute("set pagination off")
gdb.execute("set confirm off")
gdb.execute("set print object off")
gdb.execute("set python print-stack full")
by_address = {}
for one in plan["functions"]:
    one["seen"] = None
    by_address[int(one["address"])] = one
    gdb.Breakpoint("*%s" % one["address"], temporary=True, internal=True)

gdb.execute("handle SIGURG nostop noprint pass", to_string=True)
gdb.execute("run > /dev/null", to_string=True)
WORD = gdb.newest_frame().architecture().integer_type(64)
while True:
    try:
        frame = gdb.newest_frame()
        pc = frame.pc()
    except gdb.error:
        break
    one = by_address.get(pc)
    if one is not None and one["seen"] is None:
        seen = one["seen"] = at_stop()
        seen["entry"] = arguments(frame)
        for name, text in one.get("truth", {}).items():
            seen.setdefault("truth", {})[name] = tried(lambda t=text: gdb.parse_and_eval(t), name)
        back = struct.unpack("<Q", bytes(gdb.selected_inferior().read_memory(int(seen["registers"]["rsp"]), 8)))[0]
        if plan.get("prologue"):
            last = gdb.find_pc_line(pc).last
            if last is not None:
                gdb.Breakpoint("*%d" % (last + 1), temporary=True, internal=True)
                gdb.execute("continue", to_string=True)
                frame = gdb.newest_frame()
                if frame.pc() == last + 1:
                    seen["after"] = arguments(frame)
        if "result" in one:
            gdb.Breakpoint("*%d" % back, temporary=True, internal=True)
            gdb.execute("continue", to_string=True)
            if gdb.newest_frame().pc() == back:
                seen["return"] = at_stop()
                seen["return"]["truth"] = tried(lambda: gdb.parse_and_eval(one["result"]), "result")
    try:
        gdb.execute("continue", to_string=True)
    except gdb.error:
        break

json.dump([{"name": one["name"], "seen": one["seen"]} for one in plan["functions"]], open(os.environ["SONDE_SEEN"], "w"))
