/** Run once by the build: compiles scripts of every kind, so that V8's code of the front end's part of TypeScript can be kept. */
import { compileScript } from "./compile.ts";
import { keepCompiledCode } from "./package.ts";

const scripts = [
  'const calls = count(); uprobe("libc:malloc", (c) => calls.add());',
  'uprobe("libc:malloc", (c) => { size.at(c.comm).add(c.arg0); }); const size = hash(comm, hist());',
  `import { uprobe as probe } from "sonde";
  const limit = param("limit", 10, "from which");
  const S = struct({ n: u64, text: cstring(16) });
  const state = hash([u32, cstring(16)], S, { capacity: 16 }), out = events({ pid: u32, text: cstring(64), ns: u64 });
  const half = (x: number): number => x / 2;
  function busy(k: { n: number }, { a = 1 }: { a?: number }): boolean { return k.n > a; }
  probe(["libc:poll", "libc:read"], {
    enter: (c) => { if (c.arg0 < 10) return; const [p, q] = [c.pid, c.comm]; return { from: c.time, host: str(c.arg0), p, q }; },
    leave: (c, at) => {
      const ns = c.time - at.from, k = state.get([c.pid, at.q]);
      if (k && busy(k, {})) { k.n += half(c.ret); k.n++; }
      for (let i = 0; i < 8; i++) { if (((c.ret >> i) & 1) === 0) continue; else break; }
      switch (i32(c.ret)) { case -1: return; default: }
      if (ns > limit && c.ret !== 0) print\`\${c.comm}[\${c.pid}] \${at.host}: \${duration(ns)}\`;
      out.emit({ pid: c.pid, text: at.host, ns });
      state.set([at.p, at.q], { n: ns, text: "x" });
    },
  });
  out.on((e) => console.log(e.text.toUpperCase(), Number(e.ns / 1000n)));
  interval("1s", () => { show(state); clear(state); });`,
  'const n = count(); uprobe("libc:malloc", async (c) => { n.add(c.nothing); }); uretprobe("libc:malloc", (c) => n.read());',
];
const expected = ["", "", "", "SONDE_C_ASYNC SONDE_C_HOST_METHOD"];
for (const [i, text] of scripts.entries()) {
  const codes = compileScript({ path: "-e", text, readFile: () => undefined })
    .diagnostics.map((diagnostic) => diagnostic.code)
    .join(" ");
  if (codes !== expected[i]) throw new Error(`the reduced compiler says "${codes}" of script ${i}, not "${expected[i]}"`);
}
keepCompiledCode(process.argv[2]!);
