/** What verify() is told of a program's surroundings, and what it finds. */

export interface MapFacts {
  readonly type: string;
  readonly keySize: number;
  readonly valueSize: number;
}

export interface VerifyOptions {
  /** By the map's index. */
  readonly maps: readonly MapFacts[];
  /** Bytes of the context. */
  readonly contextBytes: number;
  /** It may be written to as well. */
  readonly writesContext?: boolean;
  /** What may be called; all that there is a signature of, unless said. */
  readonly calls?: ReadonlySet<string>;
  /** Which of its two runs a session's program is verified for; unless said, either. */
  readonly isReturn?: boolean;
  /** Instructions to be walked at most. */
  readonly budget?: number;
}

/** What was found of an instruction, on all paths that reach it. */
export interface Fact {
  /** Of a conditional jump: whether it may be taken, and not taken. */
  taken: boolean;
  passed: boolean;
  /** A load or store in the context: at which offset from its start. */
  context?: number;
  /** The call's map, or that whose value a load or store is in: -1 where it isn't always the same. */
  map?: number;
  /** The call's sizes, where they are constant. */
  size?: number | "varies";
}

export interface Verified {
  /** By instruction; undefined for what no path reaches. */
  readonly facts: readonly (Fact | undefined)[];
  /** Bytes of the frame that are used, from r10 down; a multiple of 8. */
  readonly frameBytes: number;
  /** By name. */
  readonly calls: ReadonlySet<string>;
}

export class Refused extends Error {
  readonly index: number;

  constructor(index: number, message: string) {
    super(message);
    this.name = "Refused";
    this.index = index;
  }
}
