// Answers: which node of the fleet asks the origin for a key?
// Owns: the lease with a deadline, the fence that comes with it, those who wait for what its holder brings.
// Leaves out: followers within a node (`../collapse.ts`), what is written under the fence (`entries.ts`).
import { randomBytes } from "node:crypto";
import { runScript, script, type Link } from "./link.ts";
import { namesOf, type EntryNames } from "./names.ts";

/** What became of a fill, as far as those who wait for it are concerned. */
export type FillEnd =
  /** It is in the shared tier, or will never be: others may try. */
  | "stored"
  | "failed"
  /** It was for one client only: others go to the origin at once, all of them. */
  | "unshared";

/** What a request for the lease gives. */
export type Grant =
  /** The fence orders this fill among all others for the key. `end` gives the lease back; it never rejects. */
  | { readonly kind: "ours"; readonly fence: number; readonly end: (how: FillEnd) => Promise<void> }
  /** What another node fetched is there. */
  | { readonly kind: "arrived" }
  /** Without a lease: the server is away, the response is for one client only, or the wait was too long. */
  | { readonly kind: "alone" };

/** How somebody waits. */
export interface Waiting {
  /** Whether what another node fetched is in the shared tier by now. It must not reject. */
  readonly hasArrived: () => Promise<boolean>;
  /** Milliseconds after which it goes on alone. */
  readonly waitMs: number;
  /** What the request is for, where requests for the key differ: those for other variants do not wait for this one. */
  readonly part?: string;
}

/** The times of a lease, in milliseconds. */
export interface LeaseLimits {
  /** After this the lease of a node that died lapses: so long it can delay others. */
  readonly leaseMs: number;
  /** For how long a key is left to everybody after its response was for one client only. */
  readonly unsharedMs: number;
}

/** Between two looks whether it has arrived. */
const FIRST_LOOK_MS = 10;
const LAST_LOOK_MS = 100;

/** A fence outlives the lease of who has it; after that the clock, which it starts from, has gone on. */
const FENCE_MS = 7_200_000;

/**
 * KEYS: lease, fence, unshared, entry. ARGV: token, milliseconds of the lease, of the fence.
 * -1 everybody for himself, 0 somebody has it, else the fence, and whether anything is stored. It counts on from the
 * clock in microseconds, so that it grows even where its own count was lost.
 */
const TAKE = script(`
if redis.call('EXISTS', KEYS[3]) == 1 then return { -1, 0 } end
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return { 0, 0 } end
local now = redis.call('TIME')
local fence = math.max(now[1] * 1000000 + now[2], tonumber(redis.call('GET', KEYS[2]) or '0') + 1)
redis.call('SET', KEYS[2], string.format('%.0f', fence), 'PX', ARGV[3])
return { string.format('%.0f', fence), redis.call('EXISTS', KEYS[4]) }`);

/** KEYS: lease. ARGV: token, milliseconds. 1 where it is still ours. */
const RENEW = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`);

/** KEYS: lease, unshared. ARGV: token, milliseconds for which everybody goes alone, 0 for not. */
const END = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] ~= '0' then redis.call('SET', KEYS[2], '1', 'PX', ARGV[2]) end
return redis.call('DEL', KEYS[1])`);

/** The lease for a key, or what makes it needless. Never rejects. */
export async function lease(link: Link, key: string, waiting: Waiting, limits: LeaseLimits): Promise<Grant> {
  const names = namesOf(key, waiting.part);
  const token = randomBytes(12).toString("base64url");
  const until = performance.now() + waiting.waitMs;
  for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(lookMs * 1.5, LAST_LOOK_MS)) {
    const [fence, isStored] = await take(link, names, token, limits);
    if (fence === undefined || fence < 0) return { kind: "alone" };
    if (fence > 0) {
      const end = hold(link, names, token, limits);
      // It may have come between the look before and the lease.
      if (!isStored || !(await waiting.hasArrived())) return { kind: "ours", fence, end };
      void end("stored");
      return { kind: "arrived" };
    }
    const leftMs = until - performance.now();
    if (leftMs <= 0) return { kind: "alone" };
    await new Promise((resolve) => setTimeout(resolve, Math.min(lookMs, leftMs)));
    if (await waiting.hasArrived()) return { kind: "arrived" };
  }
}

type Taken = readonly [fence: number | undefined, isStored: boolean];

async function take(link: Link, names: EntryNames, token: string, { leaseMs }: LeaseLimits): Promise<Taken> {
  const keys = [names.lease, names.fence, names.unshared, names.entry];
  let asked: Promise<unknown> | undefined;
  const reply = await link.run((client) => {
    asked = runScript(client, TAKE, keys, [token, leaseMs, FENCE_MS]);
    return asked;
  });
  if (Array.isArray(reply)) return [Number(reply[0]), Number(reply[1]) > 0];
  // It may be ours all the same, too late to be of use, or still to come: what the server was sent it may yet read.
  if (asked !== undefined) void giveBack(link, names, [token, 0], { forMs: leaseMs, until: 1 });
  return [undefined, false];
}

/** Between two tries to give a lease back, in milliseconds. */
const RETRY_MS = 200;

/** Gives a lease back, as soon as the server hears it: at the latest it lapses. `until` is the reply that says so. */
async function giveBack(
  link: Link,
  names: EntryNames,
  args: readonly [token: string, unsharedMs: number],
  { forMs, until }: { readonly forMs: number; readonly until?: number },
): Promise<void> {
  const endMs = performance.now() + forMs;
  for (;;) {
    const reply = await link.script(END, [names.lease, names.unshared], args);
    if ((reply !== undefined && (until ?? reply) === reply) || performance.now() > endMs) return;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref?.());
  }
}

/** Renews the lease until it is given back. */
function hold(
  link: Link,
  names: EntryNames,
  token: string,
  limits: LeaseLimits,
): (how: FillEnd) => Promise<void> {
  const { leaseMs, unsharedMs } = limits;
  const renew = async (): Promise<void> => {
    const reply = await link.script(RENEW, [names.lease], [token, leaseMs]);
    // Somebody else may have it by now. The fence keeps what this fill brings behind what that one does.
    if (reply === 0) clearInterval(timer);
  };
  const timer = setInterval(() => void renew(), leaseMs / 3);
  timer.unref?.();
  let isOver = false;
  return async (how) => {
    if (isOver) return;
    isOver = true;
    clearInterval(timer);
    const args = [token, how === "unshared" ? unsharedMs : 0] as const;
    await giveBack(link, names, args, { forMs: leaseMs });
  };
}
