/** Where the variables of a file are that operands of static probes name. */
import type { ElfImage } from "../../elf/image.ts";
import { readSymbolTable, STT_FUNC, STT_NOTYPE, STT_OBJECT, type SymbolTable } from "../../elf/symbol-table.ts";
import type { AddressesOf } from "./operand.ts";

const SHN_UNDEF = 0;
/** From here on: absolute numbers, and what isn't in the file. */
const SHN_LORESERVE = 0xff00;

/**
 * Reads the symbols when it is first asked. `elsewhere` gives a file that has those which were stripped from this one; it is
 * asked where neither .symtab nor .dynsym has a name.
 */
export function variablesOf(image: ElfImage, elsewhere?: () => ElfImage | undefined): AddressesOf {
  const tables = new Map<number, SymbolTable | undefined>();
  const sources = [
    () => readSymbolTable(image, "symtab"),
    () => readSymbolTable(image, "dynsym"),
    () => {
      const other = elsewhere?.();
      return other && readSymbolTable(other, "symtab");
    },
  ];
  const known = new Map<string, readonly bigint[]>();
  return (name) => {
    let found = known.get(name);
    for (const [i, source] of found === undefined ? sources.entries() : []) {
      if (!tables.has(i)) tables.set(i, source());
      found = addressesIn(tables.get(i), name);
      if (found.length > 0) break;
    }
    known.set(name, found ?? []);
    return found ?? [];
  };
}

function addressesIn(table: SymbolTable | undefined, name: string): readonly bigint[] {
  const addresses = new Set<bigint>();
  for (const i of table?.find(name) ?? []) {
    const [type, section] = [table!.type(i), table!.section(i)];
    const placed = section !== SHN_UNDEF && section < SHN_LORESERVE;
    if (placed && (type === STT_OBJECT || type === STT_FUNC || type === STT_NOTYPE)) addresses.add(BigInt(table!.address(i)));
  }
  return [...addresses];
}
