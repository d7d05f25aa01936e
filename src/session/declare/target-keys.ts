/**
 * How scripts name functions: `ns::f(int)` is `ns::f`, too. Both are declared where the short name means several; that one
 * then has what they share, as the compiler has it.
 */

/** For each name, what follows the colon of the targets that mean it. */
export function targetKeys(names: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const count = new Map<string, number>();
  const all = new Set(names);
  for (const name of all) {
    const short = withoutParameters(name);
    count.set(short, (count.get(short) ?? 0) + 1);
  }
  return new Map(
    [...all].map((name) => {
      const short = withoutParameters(name);
      if (short === name) return [name, [name]];
      return [name, count.get(short) === 1 ? [short] : [short, name]];
    }),
  );
}

/** `ns::f<int>(char const*) const` → `ns::f<int>`; what has no list of parameters stays. */
function withoutParameters(name: string): string {
  const end = name.lastIndexOf(")");
  if (end < 0 || !/^(?: (?:const|volatile))*(?: ?&{1,2})?(?: \[.*\])?$/.test(name.slice(end + 1))) return name;
  let depth = 0;
  for (let i = end; i >= 0; i--) {
    if (name[i] === ")") depth++;
    else if (name[i] === "(" && --depth === 0) {
      const short = name.slice(0, i);
      // `operator()` and `(anonymous namespace)` are parts of names.
      return short === "" || short.endsWith("::") || short.endsWith("operator") ? name : short;
    }
  }
  return name;
}
