# Run inside gdb, after gdb-values.py: stops once at each address of a plan (SONDE_PLAN, JSON), and writes what gdb sees there, as JSON
# (SONDE_SEEN): registers, memory, the frame's address, and the variables of the scopes there with their values by paths.


def variables(frame, pc):
    """Those of the innermost function or inlined instance and of its blocks; the first of a name hides the others."""
    listed = {}
    block = gdb.block_for_pc(pc)
    while block is not None and not block.is_static and not block.is_global:
        for symbol in block:
            constant = symbol.is_constant and symbol.type.strip_typedefs().code != gdb.TYPE_CODE_ENUM
            if (symbol.is_variable or symbol.is_argument or constant) and symbol.name not in listed:
                listed[symbol.name] = tried(lambda s=symbol: s.value(frame))
        if block.function is not None:
            break
        block = block.superblock
    return listed


def memory(found):
    """The stack, what registers point to, and the ranges of the plan."""
    stack = int(found["rsp"]) - 256
    around = [(int(found[name]) - 512, 1536) for name in REGISTERS]
    return bytes_at([*((stack, size) for size in (8192, 4096, 2048, 1024)), *around, *((one["address"] + bias, one["size"]) for one in plan["ranges"])])


def level(frame):
    """The frame that isn't inlined."""
    while frame.type() == gdb.INLINE_FRAME:
        frame = frame.older()
    return frame


left = {int(address) for address in plan["addresses"]}
observed = []
for frame, address in stops(sorted(left)):
    if address in left:
        left.remove(address)
        found = registers(frame)
        older = level(frame).older()
        observed.append(
            {
                "address": address,
                "bias": str(bias),
                "registers": found,
                "memory": memory(found),
                "cfa": str(int(older.read_register("rsp").cast(WORD)) & MASK) if older is not None else None,
                "variables": variables(frame, address + bias),
            }
        )

seen(observed)
