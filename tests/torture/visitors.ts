// Answers: is what a client gets the right bytes, and not what was purged?
// Owns: requests through the cache, purges through its admin, the judgement of each answer.
// Leaves out: what is right (`world.ts`), killing the cache (`whole.ts`).
import type { CacheProcess } from "./cache-process.ts";
import type { Dice } from "../chaos/dice.ts";
import { contentOf, keysWith, KEYS, tagsOf, type PurgeOrder, type World } from "./world.ts";

/** Where the cache is now, if it is. */
export type Target = Pick<CacheProcess, "url" | "admin">;

/** What was seen. */
export interface Seen {
  answers: number;
  hits: number;
  purges: number;
  /** Connections that broke, as they do where a process is killed. */
  broken: number;
  readonly wrong: string[];
}

const HEADERS = { Host: "torture.test" };

/** Somebody who does something again and again, until `isOver`. */
export interface Visitor {
  readonly world: World;
  readonly target: () => Target | undefined;
  readonly seen: Seen;
  readonly dice: Dice;
  readonly isOver: () => boolean;
}

/** Has `act` done one time after the other, while there is a cache. */
export async function repeatedly(
  visitor: Visitor,
  act: (at: Target, visitor: Visitor) => Promise<void>,
): Promise<void> {
  while (!visitor.isOver()) {
    const at = visitor.target();
    if (at === undefined) await Bun.sleep(5);
    else await act(at, visitor);
  }
}

/** Asks for a key. */
export async function ask({ url }: Target, { world, seen, dice }: Visitor): Promise<void> {
  // Some keys are asked for far more often than others.
  const key = Math.floor(dice.next() ** 2 * KEYS);
  const floor = world.floor(key);
  const range = dice.next() < 0.1 ? rangeFor(key, dice) : undefined;
  try {
    const headers =
      range === undefined ? HEADERS : { ...HEADERS, Range: `bytes=${range.first}-${range.last}` };
    const response = await fetch(`${url}/${key}`, { headers, signal: AbortSignal.timeout(10_000) });
    const bytes = new Uint8Array(await response.arrayBuffer());
    seen.answers++;
    if (response.headers.get("cache-status")?.includes("; hit") === true) seen.hits++;
    const wrong = fault(key, floor, response, bytes, range);
    if (wrong !== undefined) seen.wrong.push(`/${key}: ${wrong} (${response.headers.get("cache-status")})`);
  } catch {
    seen.broken++;
  }
}

interface ByteRange {
  readonly first: number;
  readonly last: number;
}

function rangeFor(key: number, dice: Dice): ByteRange | undefined {
  const { length } = contentOf(key, 0);
  if (length === 0) return undefined;
  const first = Math.floor(dice.next() * length);
  return { first, last: Math.min(length - 1, first + Math.floor(dice.next() * 100_000)) };
}

function fault(
  key: number,
  floor: number,
  { status, headers }: Response,
  bytes: Uint8Array,
  range?: ByteRange,
): string | undefined {
  if (status === 502 || status === 503 || status === 504) return `${status}, though the origin is well`;
  if (status !== 200 && status !== 206) return `status ${status}`;
  const version = Number(headers.get("x-version"));
  if (version < floor) return `version ${version}, though ${floor} was promised by a purge`;
  const whole = contentOf(key, version);
  const expected =
    status === 206 && range !== undefined ? whole.subarray(range.first, range.last + 1) : whole;
  if (Buffer.compare(bytes, expected) === 0) return undefined;
  return `wrong bytes of version ${version}: ${bytes.length} instead of ${expected.length}`;
}

/** Purges in one of all ways, and rests; a purge whose answer does not come promises nothing. */
export async function purge({ admin }: Target, { world, seen, dice }: Visitor): Promise<void> {
  const purged = orderFor(dice);
  const versions = world.begin(purged);
  try {
    const response = await admin("/api/purge", purged.json);
    const text = await response.text();
    if (response.status !== 200)
      seen.wrong.push(`purge ${JSON.stringify(purged.json)}: ${response.status} ${text}`);
    else world.acknowledged(purged, versions);
    seen.purges++;
  } catch {
    seen.broken++;
  }
  await Bun.sleep(dice.next() * 40);
}

function orderFor(dice: Dice): PurgeOrder {
  const key = Math.floor(dice.next() * KEYS);
  const soft = dice.next() < 0.3;
  const kind = dice.next();
  if (kind < 0.5) return { json: { url: `http://torture.test/${key}`, soft }, keys: [key] };
  const tag = tagsOf(key)[kind < 0.6 ? 0 : kind < 0.75 ? 1 : 2] ?? "";
  if (kind < 0.9) return { json: { tag, soft }, keys: keysWith(tag) };
  const all = Array.from({ length: KEYS }, (_, at) => at);
  if (kind > 0.98) return { json: { all: true, soft }, keys: all };
  const prefix = String(key).slice(0, 2);
  const keys = all.filter((one) => String(one).startsWith(prefix));
  return { json: { prefix: `http://torture.test/${prefix}`, soft }, keys };
}
