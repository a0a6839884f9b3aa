// Answers: which bytes may a client get, and which must it not get any more?
// Owns: an origin whose every byte follows from key and version, and what acknowledged purges have promised.
// Leaves out: who asks (`visitors.ts`), the cache under test (`whole.ts`).
import { createHash } from "node:crypto";

/** Different sizes, in bytes: empty, small, some chunks, one that no memory of the run holds. */
const SIZES = [0, 17, 1000, 5000, 20_000, 70_000, 300_000, 6_000_000];

/** How many keys there are; the largest ones are few. */
export const KEYS = 400;

/** A purge, as the admin takes it, and which keys it means. */
export interface PurgeOrder {
  readonly json: Readonly<Record<string, unknown>>;
  readonly keys: readonly number[];
}

/** One run's truth. */
export class World {
  readonly #versions = new Array<number>(KEYS).fill(0);
  readonly #floors = new Array<number>(KEYS).fill(0);
  readonly #server: Bun.Server<undefined>;
  /** Hears of each response of the origin. */
  onFetch: (key: number, version: number) => void = () => {};

  constructor() {
    this.#server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) => this.#answer(Number(new URL(request.url).pathname.slice(1))),
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  /** What a purge has promised so far: nothing older may be served. */
  floor(key: number): number {
    return this.#floors[key] ?? 0;
  }

  /** The purge is about to be sent: from now on the origin has something newer. */
  begin({ keys }: PurgeOrder): readonly number[] {
    return keys.map((key) => (this.#versions[key] = (this.#versions[key] ?? 0) + 1));
  }

  /** It was acknowledged. */
  acknowledged({ keys }: PurgeOrder, versions: readonly number[]): void {
    for (const [at, key] of keys.entries()) this.#floors[key] = Math.max(this.floor(key), versions[at] ?? 0);
  }

  stop(): Promise<void> {
    return this.#server.stop(true);
  }

  #answer(key: number): Response {
    const version = this.#versions[key] ?? 0;
    this.onFetch(key, version);
    const fields = {
      "Cache-Control": "max-age=86400",
      "Content-Type": "application/octet-stream",
      ETag: `"${key}-${version}"`,
      "Surrogate-Key": tagsOf(key).join(" "),
      "X-Version": String(version),
    };
    return new Response(contentOf(key, version), { headers: fields });
  }
}

/** The tags of a key. */
export function tagsOf(key: number): readonly string[] {
  return [`mod7-${key % 7}`, `mod50-${key % 50}`, `key-${key}`];
}

/** All keys with a tag. */
export function keysWith(tag: string): readonly number[] {
  return Array.from({ length: KEYS }, (_, key) => key).filter((key) => tagsOf(key).includes(tag));
}

/** Every byte of a version of a key. */
export function contentOf(key: number, version: number): Uint8Array<ArrayBuffer> {
  const size = key % 50 === 0 ? SIZES.at(-1) : SIZES[key % (SIZES.length - 1)];
  const bytes = new Uint8Array(size ?? 0);
  const seed = createHash("sha256").update(`${key}/${version}`).digest();
  // A run of bytes that is nowhere the same as elsewhere in it, nor in another version.
  const words = new Uint32Array(bytes.buffer, 0, Math.floor(bytes.length / 4));
  let state = seed.readUInt32LE(0) | 1;
  for (let at = 0; at < words.length; at++) {
    state = Math.imul(state, 1_664_525) + 1_013_904_223;
    words[at] = state ^ at;
  }
  bytes.set(seed.subarray(0, bytes.length % 4), bytes.length - (bytes.length % 4));
  return bytes;
}
