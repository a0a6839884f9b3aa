// Answers: what does an operation of eviction cost, in time and in bytes?
// Owns: `bun run bench eviction --cost`: nanoseconds with 10^3 to 10^6 stored responses.
// Leaves out: hit ratios (`run.ts`).
import type { EpochSeconds } from "../../../lib/rfc9111/time.ts";
import { Eviction, type Evictable } from "../../../lib/store/eviction.ts";

const OPERATIONS = 400_000;
const NOW = 0 as EpochSeconds;

/** The table: a line a number of stored responses. */
export function costTable(): string {
  costs(1000);
  const rows = [1e3, 1e4, 1e5, 1e6].map((count) => {
    const { touchNs, replaceNs, warmNs, bytes } = costs(count);
    return `| ${count} | ${touchNs.toFixed(0)} | ${replaceNs.toFixed(0)} | ${warmNs.toFixed(0)} | ${bytes.toFixed(0)} |`;
  });
  return [
    "| stored | touch, ns | victim + remove + add, ns | the same, each with 4 touches, ns | bytes each |",
    "|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

interface Costs {
  readonly touchNs: number;
  readonly replaceNs: number;
  readonly warmNs: number;
  readonly bytes: number;
}

function costs(count: number): Costs {
  const eviction = new Eviction<Evictable>();
  const items = Array.from({ length: count }, (_, at) => itemOf(at));
  const others = Array.from({ length: OPERATIONS }, (_, at) => itemOf(count + at));
  for (const item of items) eviction.add(item);
  const bytes = 8 + eviction.bytes / count;
  const order = Array.from({ length: OPERATIONS }, () => items[Math.floor(Math.random() * count)]!);
  const touchNs = timed(order, (item) => eviction.touch(item));
  const half = OPERATIONS / 2;
  const replace = (item: Evictable): void => {
    eviction.remove(eviction.victim(NOW)!);
    eviction.add(item);
  };
  const replaceNs = timed(others.slice(0, half), replace);
  let at = 0;
  const warmNs = timed(others.slice(half), (item) => {
    for (let touches = 0; touches < 4; touches++) eviction.touch(order[at++ % OPERATIONS]!);
    replace(item);
  });
  return { touchNs, replaceNs, warmNs, bytes };
}

function timed(items: readonly Evictable[], operation: (item: Evictable) => void): number {
  const startMs = performance.now();
  for (const item of items) operation(item);
  return ((performance.now() - startMs) * 1e6) / items.length;
}

function itemOf(at: number): Evictable {
  const sizeBytes = 1024 + ((at * 7919) % 100_003);
  const validators = { etag: at % 8 === 0 ? undefined : '"1"', lastModified: undefined };
  const staleAt = (1 + (at % 3600)) as EpochSeconds;
  return { key: `http://example.com/a/path/to/${at}`, selecting: undefined, sizeBytes, validators, staleAt };
}
