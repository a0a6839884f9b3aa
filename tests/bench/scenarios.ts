// Answers: what is measured.
// Owns: the bodies, and the scenarios over them.
// Leaves out: who is measured (`contestants.ts`) and how (`load.ts`).

/** One kind of request, sent by 64 connections as fast as it is answered. */
export interface Scenario {
  readonly name: string;
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly status: number;
  /** Whether each contestant must answer by itself. */
  readonly isHit: boolean;
}

/** Path → body: the same bytes in every run. */
export const BODIES: ReadonlyMap<string, Uint8Array<ArrayBuffer>> = new Map(
  Object.entries({ "/1k": 1024, "/10k": 10_240, "/100k": 102_400, "/1m": 2 ** 20, "/miss": 1024 }).map(
    ([path, length]) =>
      [path, Uint8Array.from({ length }, (_, index) => (index * 31 + length) % 251)] as const,
  ),
);

/** All scenarios, in the order of the table. */
export const SCENARIOS: readonly Scenario[] = [
  { name: "1 KB", path: "/1k", fields: {}, status: 200, isHit: true },
  { name: "304", path: "/1k", fields: { "If-None-Match": '"1k"' }, status: 304, isHit: true },
  { name: "10 KB", path: "/10k", fields: {}, status: 200, isHit: true },
  { name: "100 KB", path: "/100k", fields: {}, status: 200, isHit: true },
  { name: "1 MB", path: "/1m", fields: {}, status: 200, isHit: true },
  { name: "miss, passed on", path: "/miss", fields: {}, status: 200, isHit: false },
];
