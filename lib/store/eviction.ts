// Answers: which stored response leaves when room is needed.
// Owns: the order of eviction: SIEVE (Zhang et al., NSDI 2024), each operation O(1).
// Leaves out: when room is needed, and the bytes (`memory.ts`).

interface Node<T> {
  readonly item: T;
  visited: boolean;
  newer: Node<T> | undefined;
  older: Node<T> | undefined;
}

/** A queue in order of arrival and a hand that goes from old to new and takes the first item not used since it passed. */
export class Sieve<T> {
  readonly #nodes = new Map<T, Node<T>>();
  #newest: Node<T> | undefined;
  #oldest: Node<T> | undefined;
  #hand: Node<T> | undefined;

  /** Takes a new item in; one that is in already counts as used. */
  add(item: T): void {
    if (this.#nodes.has(item)) return this.touch(item);
    const node: Node<T> = { item, visited: false, newer: undefined, older: this.#newest };
    if (this.#newest !== undefined) this.#newest.newer = node;
    this.#newest = node;
    this.#oldest ??= node;
    this.#nodes.set(item, node);
  }

  /** Notes that an item was used; nothing happens where it is not in. */
  touch(item: T): void {
    const node = this.#nodes.get(item);
    if (node !== undefined) node.visited = true;
  }

  /** Takes an item out; nothing happens where it is not in. */
  remove(item: T): void {
    const node = this.#nodes.get(item);
    if (node === undefined) return;
    this.#nodes.delete(item);
    if (this.#hand === node) this.#hand = node.newer;
    if (node.newer === undefined) this.#newest = node.older;
    else node.newer.older = node.older;
    if (node.older === undefined) this.#oldest = node.newer;
    else node.older.newer = node.newer;
  }

  /** The item that is to leave next, still in, of those that may leave; `undefined` where there is none. */
  victim(mayLeave: (item: T) => boolean = () => true): T | undefined {
    let node = this.#hand ?? this.#oldest;
    // Two rounds: one may be needed to take back all marks of use.
    for (let left = 2 * this.#nodes.size; node !== undefined && left > 0; left--) {
      if (!node.visited && mayLeave(node.item)) {
        this.#hand = node;
        return node.item;
      }
      node.visited = false;
      node = node.newer ?? this.#oldest;
    }
    return undefined;
  }
}
