# Run inside gdb, after gdb-values.py: stops at the functions of a plan (SONDE_PLAN, JSON) at each one's first instruction, after its
# prologue and at its return, and writes what gdb sees there, as JSON (SONDE_SEEN): registers, the memory that they point to, and values
# by their paths.


def shown(value):
    """Nothing of a value of which the compiler has removed a part."""
    scalars = tried(value)
    return {"": "optimized out"} if None in scalars.values() else scalars


def memory(found, names, size):
    """What registers point to, each range once."""
    for name in names:
        yield from next(filter(None, (bytes_at([(int(found[name]), length)]) for length in (size, 256, 16))), [])


def arguments(frame):
    listed = []
    block = frame.block()
    while block is not None and block.function is None:
        block = block.superblock
    for symbol in block or []:
        if symbol.is_argument:
            listed.append({"name": symbol.name, "type": str(symbol.type), "value": shown(lambda s=symbol: s.value(frame))})
    return listed


def at_stop():
    found = registers(gdb.newest_frame())
    return {"bias": str(bias), "registers": found, "memory": [*memory(found, ["rsp"], 4096), *memory(found, ["rdi", "rsi", "rdx", "rcx", "r8", "r9", "rax"], 512)]}


by_address = {int(one["address"]): one for one in plan["functions"]}
for one in plan["functions"]:
    one["seen"] = None

for frame, address in stops(by_address):
    one = by_address.get(address)
    if one is not None and one["seen"] is None:
        stop = one["seen"] = at_stop()
        stop["entry"] = arguments(frame)
        for name, text in one.get("truth", {}).items():
            stop.setdefault("truth", {})[name] = shown(lambda t=text: gdb.parse_and_eval(t))
        back = struct.unpack("<Q", bytes(gdb.selected_inferior().read_memory(int(stop["registers"]["rsp"]), 8)))[0]
        if plan.get("prologue"):
            last = gdb.find_pc_line(frame.pc()).last
            if last is not None:
                gdb.Breakpoint("*%d" % (last + 1), temporary=True, internal=True)
                gdb.execute("continue", to_string=True)
                frame = gdb.newest_frame()
                if frame.pc() == last + 1:
                    stop["after"] = arguments(frame)
        if "result" in one:
            gdb.Breakpoint("*%d" % back, temporary=True, internal=True)
            gdb.execute("continue", to_string=True)
            if gdb.newest_frame().pc() == back:
                stop["return"] = at_stop()
                stop["return"]["truth"] = shown(lambda: gdb.parse_and_eval(one["result"]))

seen([{"name": one["name"], "seen": one["seen"]} for one in plan["functions"]])
