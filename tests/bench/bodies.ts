// Answers: what the targets of the benchmark are, and which bytes belong to each.
// Owns: `/1k` and the like, `/keys/N`, `/tens/N`, `/mixed/NAME` of three sizes, and `/miss`, which nobody may keep.
// Leaves out: who asks for which (`scenarios.ts`), the header fields (`bench-origin.ts`, `bare-server.ts`).

/** The Host of all requests: the same for each contestant, wherever it listens. */
export const BENCH_HOST = "bench.example";

const SIZES: Readonly<Record<string, number>> = {
  "/1k": 1024,
  "/10k": 10_240,
  "/100k": 102_400,
  "/1m": 2 ** 20,
  "/miss": 1024,
};

const LARGEST = Uint8Array.from({ length: 2 ** 20 }, (_, at) => (at * 31) % 251);

/** The bytes of a target: they start with the target itself, so that no two are the same. `undefined` for no target. */
export function bodyOf(target: string): Uint8Array<ArrayBuffer> | undefined {
  const size = sizeOf(target);
  if (size === undefined) return undefined;
  const bytes = LARGEST.slice(0, size);
  new TextEncoder().encodeInto(target, bytes);
  return bytes;
}

/** The validator of a target. */
export function etagOf(target: string): string {
  return `"${Bun.hash.crc32(target).toString(16)}"`;
}

function sizeOf(target: string): number | undefined {
  if (/^\/keys\/\d+$/.test(target)) return 1024;
  if (/^\/tens\/\d+$/.test(target)) return 10_240;
  if (!target.startsWith("/mixed/")) return SIZES[target];
  const share = Bun.hash.crc32(target) % 100;
  return share < 80 ? 1024 : share < 98 ? 10_240 : 102_400;
}
