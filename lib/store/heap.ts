// Answers: which of many numbered things has the smallest key?
// Owns: a binary heap of slots in typed arrays, each operation O(log n): 12 bytes for what is in, 4 for each slot.
// Leaves out: what a slot and a key stand for (`eviction.ts`).

const FEWEST = 16;

/** A heap of slots: small whole numbers without gaps, from 0. */
export class SlotHeap {
  #keys = new Float64Array(FEWEST);
  #slots = new Int32Array(FEWEST);
  /** By slot: where it stands, from 1; 0 for one that is not in. */
  #places = new Int32Array(FEWEST);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The bytes of its arrays. */
  get bytes(): number {
    return this.#keys.byteLength + this.#slots.byteLength + this.#places.byteLength;
  }

  /** The slot with the smallest key; `undefined` where it is empty. */
  get first(): number | undefined {
    return this.#size === 0 ? undefined : this.#slots[0];
  }

  /** The smallest key; Infinity where it is empty. */
  get firstKey(): number {
    return this.#size === 0 ? Infinity : this.#key(0);
  }

  has(slot: number): boolean {
    return slot < this.#places.length && this.#placeOf(slot) > 0;
  }

  /** Takes in a slot that is not in. */
  insert(slot: number, key: number): void {
    if (this.#size === this.#keys.length) this.#resize(this.#size + 1);
    if (slot >= this.#places.length) this.#places = resized(this.#places, slot + 1);
    this.#rise(this.#size++, slot, key);
  }

  /** Takes a slot out; nothing happens where it is not in. */
  remove(slot: number): void {
    if (!this.has(slot)) return;
    const at = this.#placeOf(slot) - 1;
    this.#places[slot] = 0;
    const last = --this.#size;
    if (at < last) this.#settle(at, this.#slot(last), this.#key(last));
    if (last < this.#keys.length / 4) this.#resize(last);
  }

  /** Gives a slot that is in another key. */
  rekey(slot: number, key: number): void {
    this.#settle(this.#placeOf(slot) - 1, slot, key);
  }

  /** The last of all slots goes by another number, that of one which is not in; there is no such slot afterwards. */
  renumber(last: number, slot: number): void {
    if (last >= this.#places.length) return;
    const place = this.#placeOf(last);
    this.#places[last] = 0;
    if (slot !== last && place > 0) {
      this.#places[slot] = place;
      this.#slots[place - 1] = slot;
    }
    if (last < this.#places.length / 4) this.#places = resized(this.#places, last);
  }

  #resize(length: number): void {
    this.#keys = resized(this.#keys, length);
    this.#slots = resized(this.#slots, length);
  }

  #settle(at: number, slot: number, key: number): void {
    const above = (at - 1) >> 1;
    if (at > 0 && this.#key(above) > key) this.#rise(at, slot, key);
    else this.#sink(at, slot, key);
  }

  #rise(from: number, slot: number, key: number): void {
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (this.#key(above) <= key) break;
      this.#place(at, this.#slot(above), this.#key(above));
      at = above;
    }
    this.#place(at, slot, key);
  }

  #sink(from: number, slot: number, key: number): void {
    let at = from;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= this.#size) break;
      if (below + 1 < this.#size && this.#key(below + 1) < this.#key(below)) below++;
      if (this.#key(below) >= key) break;
      this.#place(at, this.#slot(below), this.#key(below));
      at = below;
    }
    this.#place(at, slot, key);
  }

  #key(at: number): number {
    return this.#keys[at] as number;
  }

  #slot(at: number): number {
    return this.#slots[at] as number;
  }

  #placeOf(slot: number): number {
    return this.#places[slot] as number;
  }

  #place(at: number, slot: number, key: number): void {
    this.#keys[at] = key;
    this.#slots[at] = slot;
    this.#places[slot] = at + 1;
  }
}

/** An array with room for `length` numbers: the same one, or a copy, half as large again or half as large. */
export function resized<A extends Float64Array | Float32Array | Int32Array>(array: A, length: number): A {
  const isTooLarge = array.length > FEWEST && length < array.length / 4;
  if (length <= array.length && !isTooLarge) return array;
  const room = Math.max(FEWEST, isTooLarge ? array.length >> 1 : length + (length >> 1));
  const copy = new (array.constructor as new (room: number) => A)(room);
  copy.set(array.subarray(0, room));
  return copy;
}
