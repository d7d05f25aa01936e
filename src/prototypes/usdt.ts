/**
 * What the arguments of known static probes are called, for their notes only say where they are.
 * Sources: docs.python.org "Instrumenting CPython with DTrace and SystemTap"; PostgreSQL 17 §27.5.2; libstdc++'s manual "Debugging support";
 * glibc's manual "Internal probes"; docs.ruby-lang.org "DTrace probes"; docs.oracle.com "DTrace probes in HotSpot VM".
 */
import type { CType, Signature } from "../schema/ctypes.ts";
import { readType } from "./notation.ts";

/** By the provider in notes: `probe(name, name s …)`. `s` is the address of a text; others have the type that the note says. */
const NAMES: { readonly [provider: string]: string } = {
  python: `
function__entry(filename s, funcname s, lineno)
function__return(filename s, funcname s, lineno)
line(filename s, funcname s, lineno)
gc__start(generation)
gc__done(collected)
import__find__load__start(modulename s)
import__find__load__done(modulename s, found)
audit(event s, tuple)
`,
  postgresql: `
transaction__start(lxid)
transaction__commit(lxid)
transaction__abort(lxid)
query__start(query s)
query__done(query s)
query__parse__start(query s)
query__parse__done(query s)
query__rewrite__start(query s)
query__rewrite__done(query s)
statement__status(status s)
checkpoint__start(flags)
checkpoint__done(written, total, added, removed, recycled)
lock__wait__start(database, relation, page, tuple, offset, mode)
lock__wait__done(database, relation, page, tuple, offset, mode)
lwlock__acquire(tranche s, mode)
lwlock__release(tranche s)
lwlock__wait__start(tranche s, mode)
lwlock__wait__done(tranche s, mode)
sort__start(kind, unique, columns, workmem, random)
sort__done(external, size)
buffer__read__start(fork, block, tablespace, database, relation, backend)
`,
  libstdcxx: `
throw(object, type)
catch(object, type)
rethrow(object, type)
`,
  libc: `
memory_heap_new(heap, size)
memory_heap_free(heap, size)
memory_heap_more(heap, size)
memory_heap_less(heap, size)
memory_arena_new(arena, size)
memory_arena_reuse(arena, shared)
memory_sbrk_more(address, size)
memory_sbrk_less(address, size)
memory_mallopt(parameter, value)
setjmp(environment, value, pc)
longjmp(environment, value, pc)
longjmp_target(environment, value, pc)
`,
  rtld: `
init_start(namespace, debug)
init_complete(namespace, debug)
map_start(namespace, debug)
map_complete(namespace, debug, map)
unmap_start(namespace, debug)
unmap_complete(namespace, debug)
reloc_start(namespace, debug)
reloc_complete(namespace, debug)
`,
  ruby: `
method__entry(class s, method s, filename s, lineno)
method__return(class s, method s, filename s, lineno)
cmethod__entry(class s, method s, filename s, lineno)
cmethod__return(class s, method s, filename s, lineno)
require__entry(name s, filename s, lineno)
require__return(name s, filename s, lineno)
find__require__entry(name s, filename s, lineno)
load__entry(name s, filename s, lineno)
raise(class s, filename s, lineno)
object__create(class s, filename s, lineno)
array__create(length, filename s, lineno)
hash__create(length, filename s, lineno)
string__create(length, filename s, lineno)
parse__begin(filename s, lineno)
parse__end(filename s, lineno)
`,
  hotspot: `
class__loaded(class, class_length, loader, shared)
class__unloaded(class, class_length, loader, shared)
gc__begin(full)
thread__start(name, name_length, id, native, daemon)
thread__stop(name, name_length, id, native, daemon)
method__entry(thread, class, class_length, method, method_length, signature, signature_length)
method__return(thread, class, class_length, method, method_length, signature, signature_length)
monitor__contended__enter(thread, monitor, class, class_length)
monitor__contended__entered(thread, monitor, class, class_length)
object__alloc(thread, class, class_length, size)
`,
};

const TEXT: CType = readType("s");

/** `name s`, for each argument; undefined where nothing is known of the probe. */
function namesOf(provider: string, probe: string): readonly string[] | undefined {
  const lines = Object.hasOwn(NAMES, provider) ? (NAMES[provider] as string) : "";
  const at = lines.indexOf(`\n${probe}(`);
  if (at < 0) return undefined;
  const open = at + probe.length + 2;
  return lines.slice(open, lines.indexOf(")", open)).split(", ");
}

/** How many arguments a known static probe has. */
export const knownArguments = (provider: string, probe: string): number | undefined => namesOf(provider, probe)?.length;

/** The signature of a static probe's note with the names that are known of its arguments; by its number each can be had all the same. */
export function withKnownNames(provider: string, probe: string, signature: Signature): Signature {
  const known = namesOf(provider, probe);
  // Another version's probe may have other arguments.
  if (known?.length !== signature.params.length) return signature;
  return {
    ...signature,
    params: signature.params.map((param, i) => {
      const [name = "", type] = known[i]!.split(" ");
      const isAddress = param.type.k === "int" && param.type.name.endsWith("64");
      return { ...param, name, number: i, ...(type === "s" && isAddress ? { type: TEXT } : {}) };
    }),
  };
}
