# Run inside gdb: sets a breakpoint at each line of a plan (SONDE_PLAN, JSON), and writes the addresses that gdb chooses (SONDE_SEEN).
import json
import os

import gdb

gdb.execute("set breakpoint pending off")
seen = {}
for where in json.load(open(os.environ["SONDE_PLAN"])):
    try:
        point = gdb.Breakpoint(where, internal=True)
        seen[where] = sorted({location.address for location in point.locations})
        point.delete()
    except (gdb.error, RuntimeError):
        seen[where] = []
json.dump(seen, open(os.environ["SONDE_SEEN"], "w"))
