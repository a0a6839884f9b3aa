// Answers: how often was a response used before it left?
// Owns: what is remembered of those that left: a fingerprint and a count of uses each, as many as are stored.
// Leaves out: what the count is worth (`eviction.ts`).

/** What came back: how often it was used before, and whether it had to leave for want of room. */
export interface Remembered {
  readonly uses: number;
  readonly wasEvicted: boolean;
}

/** So many share a place in the table, the oldest leaves first: as good as one queue for all, without its links. */
const WAYS = 4;
const FEWEST = 64;

/** A table of those that left, 8 bytes each. It forgets the oldest; two that share a fingerprint are taken for one. */
export class Frequency {
  #fingerprints = new Uint32Array(FEWEST);
  /** Below 0 for what left for another reason than room; 0 where there is none. */
  #uses = new Float32Array(FEWEST);

  /** For how many it has room. */
  get room(): number {
    return this.#uses.length;
  }

  /** The bytes of its arrays. */
  get bytes(): number {
    return this.#fingerprints.byteLength + this.#uses.byteLength;
  }

  /** Room for as many as `stored`, at least, and not for more than eight times as many. */
  fit(stored: number): void {
    if (stored > this.room) this.#resize(this.room * 2);
    else if (this.room > FEWEST && stored < this.room / 8) this.#resize(this.room / 2);
  }

  /** Remembers one that leaves; `uses` is 1 or more. */
  note(fingerprint: number, uses: number, wasEvicted: boolean): void {
    const first = this.#first(fingerprint);
    for (let at = first + WAYS - 1; at > first; at--) this.#copy(at - 1, at);
    this.#fingerprints[first] = fingerprint;
    this.#uses[first] = wasEvicted ? uses : -uses;
  }

  /** What is remembered of one, and forgets it; `undefined` where there is nothing. */
  recall(fingerprint: number): Remembered | undefined {
    const first = this.#first(fingerprint);
    for (let at = first; at < first + WAYS; at++) {
      const uses = this.#uses[at] as number;
      if (uses === 0 || this.#fingerprints[at] !== fingerprint) continue;
      for (let next = at + 1; next < first + WAYS; next++) this.#copy(next, next - 1);
      this.#uses[first + WAYS - 1] = 0;
      return { uses: Math.abs(uses), wasEvicted: uses > 0 };
    }
    return undefined;
  }

  #first(fingerprint: number): number {
    return (fingerprint & (this.room / WAYS - 1)) * WAYS;
  }

  #copy(from: number, to: number): void {
    this.#fingerprints[to] = this.#fingerprints[from] as number;
    this.#uses[to] = this.#uses[from] as number;
  }

  #resize(room: number): void {
    const [fingerprints, uses] = [this.#fingerprints, this.#uses];
    this.#fingerprints = new Uint32Array(room);
    this.#uses = new Float32Array(room);
    // From old to new, so that the new ones come to stand first.
    for (let at = uses.length - 1; at >= 0; at--) {
      const count = uses[at] as number;
      if (count !== 0) this.note(fingerprints[at] as number, Math.abs(count), count > 0);
    }
  }
}

/** 32 bits of a cache key and, for a variant, the values that select it: FNV-1a over code units, its bits mixed. */
export function fingerprintOf(key: string, selecting: string | undefined): number {
  let bits = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) bits = Math.imul(bits ^ key.charCodeAt(at), 0x01000193);
  if (selecting !== undefined) {
    bits = Math.imul(bits ^ 0x10000, 0x01000193);
    for (let at = 0; at < selecting.length; at++)
      bits = Math.imul(bits ^ selecting.charCodeAt(at), 0x01000193);
  }
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  return (bits ^ (bits >>> 13)) >>> 0;
}
