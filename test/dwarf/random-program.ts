/** Programs of functions with random parameters and results, in the common part of C and C++: each is called once with known values. */
import fc from "fast-check";

/** A type of C: its declaration around a name, and assignments that fill a variable of it. */
interface Made {
  readonly declare: (name: string) => string;
  readonly fill: (path: string, seed: number) => readonly string[];
}

const number = (cast: string) => (path: string, seed: number) => [`${path} = (${cast})${(seed * 7919) % 2_000_003};`];
const float = (path: string, seed: number): readonly string[] => [`${path} = ${(seed % 1000) + 0.25};`];
const complex = (path: string, seed: number): readonly string[] => [`__real__ ${path} = ${seed % 97}; __imag__ ${path} = ${seed % 89};`];
const scalar = (type: string, fill: Made["fill"]): Made => ({ declare: (name) => `${type} ${name}`, fill });

const PLAIN: readonly Made[] = [
  scalar("char", number("char")),
  scalar("signed char", number("signed char")),
  scalar("unsigned char", number("unsigned char")),
  scalar("short", number("short")),
  scalar("unsigned short", number("unsigned short")),
  scalar("int", number("int")),
  scalar("unsigned", number("unsigned")),
  scalar("long", number("long")),
  scalar("unsigned long long", number("unsigned long long")),
  scalar("boolean", (path, seed) => [`${path} = ${seed % 2};`]),
  scalar("enum color", number("enum color")),
  scalar("enum level", number("enum level")),
  scalar("counter", number("counter")),
  scalar("float", float),
  scalar("double", float),
];
const POINTERS: readonly Made[] = [
  scalar("const char *", number("const char *")),
  scalar("struct opaque *", number("struct opaque *")),
  { declare: (name) => `int (*${name})(const void *, long)`, fill: number("int (*)(const void *, long)") },
  scalar("void *const *", number("void *const *")),
];
const WIDE: readonly Made[] = [
  scalar("long double", float),
  scalar("__int128", number("__int128")),
  scalar("_Complex float", complex),
  scalar("_Complex double", complex),
  scalar("quad", (path, seed) => [`${path}[0] = ${seed % 100}; ${path}[3] = 1.5f;`]),
];

interface Member {
  readonly made: Made;
  readonly bits: number | undefined;
  readonly array: number | undefined;
}

const INTEGERS = PLAIN.slice(0, 9);

/** Structures, each of members of plain types and of the structures before it. */
function structures(count: number): fc.Arbitrary<{ readonly text: string; readonly types: readonly Made[] }> {
  const member = fc.record({
    pick: fc.nat(),
    kind: fc.constantFrom("plain", "plain", "plain", "pointer", "wide", "bits", "bits", "struct", "struct"),
    width: fc.integer({ min: 1, max: 31 }),
    array: fc.option(fc.integer({ min: 1, max: 3 }), { freq: 5 }),
  });
  const shape = fc.record({
    members: fc.oneof({ weight: 4, arbitrary: fc.array(member, { minLength: 1, maxLength: 3 }) }, fc.array(member, { minLength: 1, maxLength: 6 })),
    form: fc.constantFrom("struct", "struct", "struct", "struct", "union", "packed", "aligned"),
  });
  return fc.array(shape, { minLength: count, maxLength: count }).map((shapes) => {
    const types: Made[] = [];
    const texts = shapes.map(({ members, form }, i) => {
      const list = members.map(({ pick, kind, width, array }): Member => {
        if (kind === "bits") {
          const at = pick % INTEGERS.length;
          const most = [8, 8, 8, 16, 16, 32, 32, 64, 64][at]!;
          return { made: INTEGERS[at]!, bits: 1 + ((width - 1) % most), array: undefined };
        }
        const from = kind === "struct" && types.length > 0 ? types : kind === "pointer" ? POINTERS : kind === "wide" ? WIDE : PLAIN;
        const made = from[pick % from.length]!;
        return { made, bits: undefined, array: array !== null && kind !== "pointer" ? array : undefined };
      });
      const keyword = form === "union" ? "union" : "struct";
      const fields = list.map(({ made, bits, array }, n) => `  ${made.declare(`m${n}${array ? `[${array}]` : ""}`)}${bits ? ` : ${bits}` : ""};`);
      const attribute = form === "packed" ? " __attribute__((packed))" : form === "aligned" ? " __attribute__((aligned(16)))" : "";
      types.push({
        declare: (name) => `${keyword} s${i} ${name}`,
        fill: (path, seed) =>
          (form === "union" ? list.slice(0, 1) : list).flatMap(({ made, array }, n) =>
            array === undefined
              ? made.fill(`${path}.m${n}`, seed + n)
              : Array.from({ length: array }, (_, k) => made.fill(`${path}.m${n}[${k}]`, seed + n + k)).flat(),
          ),
      });
      return `${keyword} s${i} {\n${fields.join("\n")}\n}${attribute};`;
    });
    return { text: texts.join("\n"), types };
  });
}

export interface RandomProgram {
  readonly text: string;
  readonly functions: readonly { readonly name: string; readonly parameters: readonly string[]; readonly result: string | undefined }[];
}

const HEAD = `#ifdef __cplusplus
extern "C" {
typedef bool boolean;
#else
typedef _Bool boolean;
#endif
typedef unsigned counter;
typedef float quad __attribute__((vector_size(16)));
enum color { RED = 1, GREEN, BLUE = 200 };
enum level { LOW = -5, HIGH = 5 };
struct opaque;
`;

/** The same program for the same seed. Parameter p1 of f3 has the value of the variable f3_p1, and its result is f3_r. */
export function randomProgram(seed: number, functionCount: number): RandomProgram {
  const choice = fc.record({ pick: fc.nat(), kind: fc.constantFrom("plain", "plain", "pointer", "wide", "struct", "struct", "struct") });
  const [made] = fc.sample(
    structures(Math.ceil(functionCount / 2)).chain(({ text, types }) =>
      fc
        .array(fc.record({ parameters: fc.array(choice, { maxLength: 9 }), result: fc.option(choice, { freq: 4 }) }), {
          minLength: functionCount,
          maxLength: functionCount,
        })
        .map((functions) => {
          const of = ({ pick, kind }: { readonly pick: number; readonly kind: string }): Made => {
            const from = kind === "struct" ? types : kind === "pointer" ? POINTERS : kind === "wide" ? WIDE : PLAIN;
            return from[pick % from.length]!;
          };
          const parts = functions.map(({ parameters, result }, i) => {
            const name = `f${i}`;
            const list = parameters.map((one, n) => ({ made: of(one), name: `p${n}`, truth: `${name}_p${n}` }));
            const returned = result === null ? undefined : of(result);
            const globals = [...list.map((one) => `${one.made.declare(one.truth)};`), ...(returned ? [`${returned.declare(`${name}_r`)};`] : [])];
            const head = `${name}(${list.map((one) => one.made.declare(one.name)).join(", ") || "void"})`;
            // A pointer to a function can't stand before a name as it is.
            const signature = returned === undefined ? `void ${head}` : returned.declare(head);
            const uses = list.map((one) => `  __asm__ volatile("" : : "r"(&${one.name}) : "memory");`);
            const body = [...uses, `  calls++;`, ...(returned ? [`  return ${name}_r;`] : [])];
            const fills = [
              ...list.flatMap((one, n) => one.made.fill(one.truth, 1 + i * 31 + n * 7)),
              ...(returned ? returned.fill(`${name}_r`, 5 + i * 17) : []),
            ];
            return {
              name,
              parameters: list.map((one) => one.truth),
              result: returned && `${name}_r`,
              text: `${globals.join("\n")}\n__attribute__((noinline, noclone, noipa)) ${signature} {\n${body.join("\n")}\n}`,
              call: `  ${fills.join("\n  ")}\n  ${name}(${list.map((one) => one.truth).join(", ")});`,
            };
          });
          const all = `${HEAD}${text}\nint calls;\n${parts.map((part) => part.text).join("\n")}\n${parts.map((part, i) => `void call${i}(void) {\n${part.call}\n}`).join("\n")}
int main(void) {
${parts.map((_, i) => `  call${i}();`).join("\n")}
  return 0;
}
#ifdef __cplusplus
}
#endif
`;
          return { text: all, functions: parts };
        }),
    ),
    { numRuns: 1, seed },
  );
  return made!;
}
