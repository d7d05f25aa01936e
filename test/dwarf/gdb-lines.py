# Run inside gdb, after gdb-values.py: sets a breakpoint at each line of a plan (SONDE_PLAN, JSON), and writes the addresses that gdb
# chooses (SONDE_SEEN).
gdb.execute("set breakpoint pending off")
chosen = {}
for where in plan:
    try:
        point = gdb.Breakpoint(where, internal=True)
        chosen[where] = sorted({location.address for location in point.locations})
        point.delete()
    except (gdb.error, RuntimeError):
        chosen[where] = []
seen(chosen)
