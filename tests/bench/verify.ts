// Answers: do all contestants really do the same?
// Owns: that the bytes are the right ones, that hits come from the store and misses from the origin, also under load.
// Leaves out: how fast it goes (`wrk-run.ts`).
import { BENCH_HOST, bodyOf } from "./bodies.ts";
import type { Contestant } from "./contestant.ts";
import type { BenchRequest, Scenario } from "./scenarios.ts";
import type { Sample } from "./wrk-run.ts";

/** How many requests have reached the origin. */
export type Count = () => Promise<number>;

/** Asks the origin for its count. */
export function counterOf(originUrl: string): Count {
  return async () => (await (await fetch(`${originUrl}/count`)).json()) as number;
}

/** The count once nothing is under way any more: a load that has ended leaves requests behind, where they are misses. */
export async function settled(count: Count, { missShare }: Scenario): Promise<number> {
  for (let before = await count(); ;) {
    await Bun.sleep(missShare === 0 ? QUIET_MS.hits : QUIET_MS.misses);
    const now = await count();
    if (now === before) return now;
    before = now;
  }
}

/** Without a request for so long, nothing is under way: on a busy machine a server may stand still for a while. */
const QUIET_MS = { hits: 20, misses: 100 };

const PARALLEL = 32;
const SAMPLED = 200;
/** A head is longer than this, and shorter than that. */
const HEAD_BYTES = [50, 800] as const;

/**
 * Asks for every target of a scenario, so that what may be stored is, then for some as the scenario does. @throws where
 * bytes, status, or the number of requests that reach the origin are not what they must be.
 */
export async function warmAndVerify(contestant: Contestant, scenario: Scenario, count: Count): Promise<void> {
  const requests = scenario.requests();
  const targets = [...new Set(requests.map(({ target }) => target))];
  await each(targets, (target) => ask(contestant, { method: "GET", target, fields: {} }, 200));
  const before = await settled(count, scenario);
  const step = Math.ceil(requests.length / SAMPLED);
  const sampled = requests.filter((_, at) => at % step === 0);
  await each(sampled, (request) => ask(contestant, request, scenario.status));
  const reached = (await settled(count, scenario)) - before;
  const expected = scenario.missShare === 1 ? sampled.length : 0;
  if (reached !== expected) {
    throw new Error(
      `${contestant.name}, ${scenario.name}: ${reached} of ${sampled.length} reached the origin, not ${expected}`,
    );
  }
}

/** What is wrong with a measurement, given how many requests reached the origin in it; `undefined` where nothing is. */
export function faultOf(scenario: Scenario, sample: Sample, reached: number): string | undefined {
  const share = reached / sample.requests;
  const tolerated = scenario.missShare === 0 ? 0 : 0.01;
  // At the end as many requests as connections are under way: they reach the origin and are not counted as answered.
  const inFlight = scenario.connections / sample.requests;
  if (Math.abs(share - scenario.missShare) > tolerated + (scenario.missShare === 0 ? 0 : inFlight))
    return `${reached} of ${sample.requests} requests reached the origin`;
  if (scenario.missShare === 0.1) return undefined;
  const [first] = scenario.requests();
  const body = first === undefined ? 0 : contentOf(first, scenario.status).length;
  const bytes = sample.bytes / sample.requests;
  const [least, most] = HEAD_BYTES.map((head) => body + head) as [number, number];
  // Of those that are under way, the bytes that have come are counted.
  if (bytes < least || bytes > most * (1 + inFlight))
    return `${Math.round(bytes)} bytes an answer, not ${least}–${most}`;
  return undefined;
}

async function ask({ name, url }: Contestant, request: BenchRequest, status: number): Promise<void> {
  const { method, target, fields } = request;
  const headers = { Host: BENCH_HOST, ...fields };
  const response = await fetch(url + target, { method, headers, decompress: false });
  const bytes = await response.bytes();
  const isRight = Buffer.from(bytes).equals(contentOf(request, status));
  if (response.status === status && isRight) return;
  throw new Error(
    `${name}, ${method} ${target}: ${response.status} with ${bytes.length} bytes, not ${status}`,
  );
}

/** The bytes that must come with this status. */
function contentOf({ method, target, fields }: BenchRequest, status: number): Uint8Array {
  const body = bodyOf(target) ?? new Uint8Array();
  if (method === "HEAD" || status === 304) return new Uint8Array();
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(fields["Range"] ?? "") ?? [];
  return status === 206 ? body.subarray(Number(first), Number(last) + 1) : body;
}

async function each<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await act(item);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}
