/** Decodes LZMA2, the one filter that .xz files are made with by default. Source: the .xz file format 1.2.1, §5.3.1; the LZMA specification of the LZMA SDK. */

/** What isn't LZMA2, or is cut short, or unpacks to more than is allowed. */
export class LzmaDamage extends Error {}

/** Bytes that grow up to a limit: what was written before is what later matches are copied from. */
export class Unpacked {
  #bytes = new Uint8Array(64 * 1024);
  readonly #most: number;
  length = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Where to write `more` bytes behind `length`. Throws LzmaDamage beyond the limit. */
  room(more: number): Uint8Array {
    const wanted = this.length + more;
    if (wanted > this.#most) throw new LzmaDamage(`it unpacks to more than ${this.#most} bytes`);
    if (wanted > this.#bytes.length) {
      const larger = new Uint8Array(Math.min(this.#most, Math.max(wanted, this.#bytes.length * 2)));
      larger.set(this.#bytes.subarray(0, this.length));
      this.#bytes = larger;
    }
    return this.#bytes;
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }
}

const EVEN = 1024;
/** Where each table of probabilities begins in one array. */
const IS_MATCH = 0;
const IS_REP = IS_MATCH + 12 * 16;
const IS_REP0 = IS_REP + 12;
const IS_REP1 = IS_REP0 + 12;
const IS_REP2 = IS_REP1 + 12;
const IS_REP0_LONG = IS_REP2 + 12;
const DISTANCE_SLOT = IS_REP0_LONG + 12 * 16;
const DISTANCE_SPECIAL = DISTANCE_SLOT + 4 * 64;
const DISTANCE_ALIGN = DISTANCE_SPECIAL + 115;
/** Of lengths: choice, choice2, low[16][8], middle[16][8], high[256]. */
const LENGTH_SIZE = 2 + 16 * 8 + 16 * 8 + 256;
const MATCH_LENGTH = DISTANCE_ALIGN + 16;
const REP_LENGTH = MATCH_LENGTH + LENGTH_SIZE;
const LITERAL = REP_LENGTH + LENGTH_SIZE;
/** lc + lp is 4 at most in LZMA2. */
const PROBABILITIES = LITERAL + (0x300 << 4);

/**
 * A stream of chunks: a control byte, sizes, data.
 *
 *     00 end | 01, 02 size:2 stored (01: nothing before is referred to)
 *     1rrsssss size:2 packed:2 [properties] data    rr: what is begun anew: nothing, state, properties too, all
 */
export class Lzma2Decoder {
  readonly #in: Uint8Array;
  readonly #out: Unpacked;
  #at: number;
  #dictionary: number;
  #probabilities = new Uint16Array(PROBABILITIES);
  #lc = 0;
  #lpMask = 0;
  #pbMask = 0;
  #state = 0;
  #rep0 = 0;
  #rep1 = 0;
  #rep2 = 0;
  #rep3 = 0;
  #range = 0;
  #code = 0;
  #end = 0;

  constructor(bytes: Uint8Array, at: number, out: Unpacked) {
    this.#in = bytes;
    this.#at = at;
    this.#out = out;
    this.#dictionary = out.length;
  }

  /** Decodes all chunks; gives the offset behind the last. Throws LzmaDamage. */
  decode(): number {
    let needs: "dictionary" | "properties" | undefined = "dictionary";
    for (;;) {
      const control = this.#byte();
      if (control === 0) return this.#at;
      if (control === 1 || control >= 0xe0) {
        this.#dictionary = this.#out.length;
        if (needs === "dictionary") needs = "properties";
      } else if (needs === "dictionary") throw new LzmaDamage("it refers to bytes in front of it");
      if (control >= 0x80) {
        const size = ((control & 0x1f) << 16) + (this.#byte() << 8) + this.#byte() + 1;
        const packed = (this.#byte() << 8) + this.#byte() + 1;
        if (control >= 0xc0) {
          this.#properties(this.#byte());
          needs = undefined;
        }
        if (needs !== undefined) throw new LzmaDamage("a part has no properties");
        if (control >= 0xa0) this.#reset();
        this.#chunk(size, packed);
      } else if (control <= 2) this.#stored((this.#byte() << 8) + this.#byte() + 1);
      else throw new LzmaDamage("a part is of no known kind");
    }
  }

  #byte(): number {
    if (this.#at >= this.#in.length) throw new LzmaDamage("it is cut short");
    return this.#in[this.#at++]!;
  }

  #properties(value: number): void {
    const lc = value % 9;
    const lp = Math.floor(value / 9) % 5;
    const pb = Math.floor(value / 45);
    if (pb > 4 || lc + lp > 4) throw new LzmaDamage("its properties are out of range");
    this.#lc = lc;
    this.#lpMask = (1 << lp) - 1;
    this.#pbMask = (1 << pb) - 1;
  }

  #reset(): void {
    this.#probabilities.fill(EVEN);
    this.#state = this.#rep0 = this.#rep1 = this.#rep2 = this.#rep3 = 0;
  }

  #stored(size: number): void {
    if (this.#at + size > this.#in.length) throw new LzmaDamage("it is cut short");
    this.#out.room(size).set(this.#in.subarray(this.#at, this.#at + size), this.#out.length);
    this.#at += size;
    this.#out.length += size;
  }

  #chunk(size: number, packed: number): void {
    this.#end = this.#at + packed;
    if (packed < 5 || this.#end > this.#in.length) throw new LzmaDamage("it is cut short");
    if (this.#in[this.#at] !== 0) throw new LzmaDamage("a part begins wrongly");
    this.#range = 0xffffffff;
    this.#code = 0;
    for (let i = 1; i < 5; i++) this.#code = ((this.#code << 8) | this.#in[this.#at + i]!) >>> 0;
    this.#at += 5;
    this.#symbols(this.#out.room(size), size);
    this.#normalize();
    if (this.#code !== 0 || this.#at !== this.#end) throw new LzmaDamage("a part doesn't end where it should");
  }

  #symbols(out: Uint8Array, size: number): void {
    let at = this.#out.length;
    const end = at + size;
    while (at < end) {
      const position = at - this.#dictionary;
      const place = position & this.#pbMask;
      if (this.#bit(IS_MATCH + (this.#state << 4) + place) === 0) {
        out[at] = this.#literal(out, at, position);
        at++;
        continue;
      }
      const length = this.#match(place);
      if (length === 0) {
        // A short repetition: the byte at the last distance.
        if (this.#rep0 >= position) throw new LzmaDamage("it refers to bytes in front of it");
        out[at] = out[at - this.#rep0 - 1]!;
        at++;
        continue;
      }
      if (this.#rep0 >= position) throw new LzmaDamage("it refers to bytes in front of it");
      if (length > end - at) throw new LzmaDamage("a part is longer than it says");
      for (let from = at - this.#rep0 - 1, left = length; left > 0; left--) out[at++] = out[from++]!;
    }
    this.#out.length = at;
  }

  #literal(out: Uint8Array, at: number, position: number): number {
    const before = position > 0 ? out[at - 1]! : 0;
    const table = LITERAL + 0x300 * (((position & this.#lpMask) << this.#lc) + (before >> (8 - this.#lc)));
    let symbol = 1;
    if (this.#state >= 7) {
      if (this.#rep0 >= position) throw new LzmaDamage("it refers to bytes in front of it");
      // Behind a match, the byte that would have continued it is a likely one not to come.
      let likely = out[at - this.#rep0 - 1]!;
      while (symbol < 0x100) {
        const expected = (likely >> 7) & 1;
        likely <<= 1;
        const bit = this.#bit(table + ((1 + expected) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (bit !== expected) break;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(table + symbol);
    this.#state = this.#state < 4 ? 0 : this.#state < 10 ? this.#state - 3 : this.#state - 6;
    return symbol & 0xff;
  }

  /** Its length, with its distance in `rep0`; 0 for a short repetition. */
  #match(place: number): number {
    const state = this.#state;
    if (this.#bit(IS_REP + state) === 0) {
      this.#rep3 = this.#rep2;
      this.#rep2 = this.#rep1;
      this.#rep1 = this.#rep0;
      const length = this.#length(MATCH_LENGTH, place);
      this.#state = state < 7 ? 7 : 10;
      this.#rep0 = this.#distance(length);
      return length;
    }
    if (this.#bit(IS_REP0 + state) === 0) {
      if (this.#bit(IS_REP0_LONG + (state << 4) + place) === 0) {
        this.#state = state < 7 ? 9 : 11;
        return 0;
      }
    } else {
      let distance = this.#rep1;
      if (this.#bit(IS_REP1 + state) !== 0) {
        distance = this.#rep2;
        if (this.#bit(IS_REP2 + state) !== 0) {
          distance = this.#rep3;
          this.#rep3 = this.#rep2;
        }
        this.#rep2 = this.#rep1;
      }
      this.#rep1 = this.#rep0;
      this.#rep0 = distance;
    }
    this.#state = state < 7 ? 8 : 11;
    return this.#length(REP_LENGTH, place);
  }

  #length(table: number, place: number): number {
    if (this.#bit(table) === 0) return 2 + this.#tree(table + 2 + (place << 3), 3);
    if (this.#bit(table + 1) === 0) return 10 + this.#tree(table + 130 + (place << 3), 3);
    return 18 + this.#tree(table + 258, 8);
  }

  /** Less one: 0 is the byte before. */
  #distance(length: number): number {
    const slot = this.#tree(DISTANCE_SLOT + (Math.min(length - 2, 3) << 6), 6);
    if (slot < 4) return slot;
    const bits = (slot >> 1) - 1;
    const base = (2 | (slot & 1)) << bits;
    if (slot < 14) return base + this.#reverse(DISTANCE_SPECIAL + base - slot, bits);
    return (base >>> 0) + this.#direct(bits - 4) * 16 + this.#reverse(DISTANCE_ALIGN, 4);
  }

  #tree(table: number, bits: number): number {
    let symbol = 1;
    for (let i = bits; i > 0; i--) symbol = (symbol << 1) | this.#bit(table + symbol);
    return symbol - (1 << bits);
  }

  #reverse(table: number, bits: number): number {
    let symbol = 1;
    let value = 0;
    for (let i = 0; i < bits; i++) {
      const bit = this.#bit(table + symbol);
      symbol = (symbol << 1) | bit;
      value |= bit << i;
    }
    return value;
  }

  #direct(bits: number): number {
    let value = 0;
    for (let i = bits; i > 0; i--) {
      this.#normalize();
      this.#range >>>= 1;
      const bit = this.#code >= this.#range ? 1 : 0;
      if (bit === 1) this.#code -= this.#range;
      value = (value << 1) | bit;
    }
    return value >>> 0;
  }

  #bit(index: number): number {
    this.#normalize();
    const probability = this.#probabilities[index]!;
    const bound = (this.#range >>> 11) * probability;
    if (this.#code < bound) {
      this.#range = bound;
      this.#probabilities[index] = probability + ((2048 - probability) >> 5);
      return 0;
    }
    this.#range -= bound;
    this.#code -= bound;
    this.#probabilities[index] = probability - (probability >> 5);
    return 1;
  }

  #normalize(): void {
    if (this.#range >= 0x1000000) return;
    if (this.#at >= this.#end) throw new LzmaDamage("it is cut short");
    this.#range = (this.#range << 8) >>> 0;
    this.#code = ((this.#code << 8) | this.#in[this.#at++]!) >>> 0;
  }
}
