/**
 * A constant in a text, and where a text ends: word by word and without branches on what is read, of which the kernel's verifier
 * would keep one for each byte (it ends at 8,192).
 */
import type { Base, Operand, Reg } from "../mir/types.ts";
import type { Program } from "./program.ts";

const WORD = 8;
const HIGH = BigInt.asIntN(64, 0x8080_8080_8080_8080n);
const LOW = 0x7f7f_7f7f_7f7f_7f7fn;

/** 1 where a word is 0, else 0. */
function isZero(p: Program, word: Operand): Operand {
  const { b } = p;
  return b.binary("xor", b.binary("shr", b.binary("or", word, b.binary("sub", 0n, word)), 63n), 1n);
}

/** Bytes of the needle that a word of states has. */
const BLOCK = 64;
/** A word for each byte that a text may have. */
const MASK_BYTES = 256 * 8;

/** For each block of the needle, and for each byte: at which of the block's places it stands, a bit each. */
export function masksOf(needle: Uint8Array): Uint8Array {
  const blocks = Math.ceil(needle.length / BLOCK);
  const words = new BigUint64Array(blocks * 256);
  for (const [i, byte] of needle.entries()) words[Math.floor(i / BLOCK) * 256 + byte]! |= 1n << BigInt(i % BLOCK);
  return new Uint8Array(words.buffer);
}

/**
 * 1 where `needle` stands within the first `length` bytes at `start`, which are padded with NULs and begin at a multiple of 8. Bit n
 * of a state says that the last n + 1 bytes are the first ones of the needle: at the next byte all move up, and those stay
 * that have this byte at their place (Baeza-Yates and Gonnet 1992, "shift-and").
 */
export function findBytes(p: Program, start: Reg, length: number, needle: Uint8Array): Operand {
  const { b } = p;
  const masks = p.session.constant(masksOf(needle));
  const tables = Array.from({ length: Math.ceil(needle.length / BLOCK) }, (_, block) => b.mapValue(masks.map, masks.offset + block * MASK_BYTES));
  const states = tables.map(() => b.variable());
  const last = BigInt((needle.length - 1) % BLOCK);
  const [hit, at] = [b.variable(), b.variable()];
  for (const one of [hit, at, ...states]) b.set(one, 0n);
  const search = (word: Operand, bytes: number): void => {
    for (let i = 0; i < bytes; i++) {
      // The byte's place in a table, in bytes.
      const place = b.binary("and", i === 0 ? b.binary("shl", word, 3n) : b.binary("shr", word, BigInt(8 * i - 3)), 0x7f8n);
      let carry: Operand = 1n;
      for (const [block, state] of states.entries()) {
        const up = b.binary("or", b.binary("shl", state, 1n), carry);
        if (block < states.length - 1) carry = b.binary("shr", state, 63n);
        b.set(state, b.binary("and", up, b.load({ reg: b.binary("add", tables[block]!, place) as Reg }, 0, WORD)));
      }
      b.set(hit, b.binary("or", hit, b.binary("shr", states.at(-1)!, last)));
    }
  };
  const whole = Math.floor(length / WORD) * WORD;
  const [loop, body, more, rest, after] = [b.block(), b.block(), b.block(), b.block(), b.block()];
  b.jump(loop);
  b.enter(loop);
  b.branch("ult", at, BigInt(whole), body, rest);
  b.enter(body);
  const word = b.load({ reg: b.binary("add", start, at) as Reg }, 0, WORD);
  search(word, WORD);
  b.set(at, b.binary("add", at, BigInt(WORD)));
  // Found, or the text has ended.
  b.branch("ne", b.binary("or", b.binary("and", hit, 1n), isZero(p, b.binary("shr", word, 56n))), 0n, after, more);
  b.enter(more);
  b.jump(loop);
  b.enter(rest);
  if (length > whole) search(b.load({ reg: start }, whole, WORD), length - whole);
  b.jump(after);
  b.enter(after);
  return b.binary("and", hit, 1n);
}

/** Multiplied with 2^(8n), its upper byte is n. */
const BYTE_NUMBERS = 0x0001_0203_0405_0607n;

/** What stands behind the first NUL of `bytes` (a multiple of 8) becomes NULs. Gives where that NUL is; there has to be one. */
export function clearBehindNul(p: Program, base: Base, bytes: number): Operand {
  const { b } = p;
  const start = b.address(base, 0);
  const [at, keep, length] = [b.variable(), b.variable(), b.variable()];
  b.set(at, 0n);
  b.set(keep, -1n);
  b.set(length, 0n);
  const [loop, body, after] = [b.block(), b.block(), b.block()];
  b.jump(loop);
  b.enter(loop);
  b.branch("ult", at, BigInt(bytes), body, after);
  b.enter(body);
  const place = { reg: b.binary("add", start, at) as Reg };
  const word = b.load(place, 0, WORD);
  // The high bit of each byte that is 0, exactly: no carry goes from one byte to the next.
  const nonZero = b.binary("or", b.binary("add", b.binary("and", word, LOW), LOW), word);
  const nuls = b.binary("and", b.binary("xor", nonZero, -1n), HIGH);
  // 2^(8n), where byte n is the first NUL; 0 where there is none.
  const first = b.binary("shr", b.binary("and", nuls, b.binary("sub", 0n, nuls)), 7n);
  b.store(place, 0, WORD, b.binary("and", word, b.binary("and", b.binary("sub", first, 1n), keep)));
  const here = b.binary("add", at, b.binary("shr", b.binary("mul", first, BYTE_NUMBERS), 56n));
  const none = b.binary("sub", 0n, isZero(p, first));
  b.set(length, b.binary("or", length, b.binary("and", here, b.binary("and", keep, b.binary("xor", none, -1n)))));
  b.set(keep, b.binary("and", keep, none));
  b.set(at, b.binary("add", at, BigInt(WORD)));
  b.jump(loop);
  b.enter(after);
  return length;
}
