// Answers: what is stored for a key in the shared tier?
// Owns: reading, writing and dropping of variants: whoever began to fill first never overwrites who began later.
// Leaves out: their form (`packed.ts`), what was purged (`purge-index.ts`), when all this happens (`tier.ts`).
import { randomBytes } from "node:crypto";
import type { StoredHead } from "../message.ts";
import { textOnce } from "../store/field-block.ts";
import type { FillMark } from "../store/store.ts";
import { script, type Link } from "./link.ts";
import { bodyName, fieldOf, namesOf } from "./names.ts";
import { fenceText, FORM, pack, unpack, type Packed } from "./packed.ts";
import type { Position } from "./position.ts";

/** A variant as it was read, its body included. */
export interface Read {
  readonly head: StoredHead;
  readonly asOf: Position;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Larger bodies have a key of their own: of a variant that is not wanted, only the head is read. */
const INLINE_BYTES = 16 * 1024;

/** Variants of one key: a further one pushes out another. */
const MAX_VARIANTS = 64;

/** A stored response stays for so long after it became stale: to be validated, and to cover a failing origin. */
const STALE_MS = 86_400_000;
const LEAST_MS = 60_000;

/** Where a packed variant says the id of its body (`packed.ts`). Nothing is kept where that says `-`. */
const FIELDS = `
local function bodyOf(packed) return string.sub(packed, 18, 39) end
local function forget(packed) redis.call('UNLINK', KEYS[1] .. ':b:' .. bodyOf(packed)) end
`;

/**
 * KEYS: entry. ARGV: field, form and fence, packed, milliseconds, variants. 1 where it was written. That comes first: after
 * any other write Redis would not look any more whether it is full.
 */
const PUT = script(`${FIELDS}
local old = redis.call('HGET', KEYS[1], ARGV[1])
if old then
  if string.sub(old, 1, 1) == string.sub(ARGV[2], 1, 1) and string.sub(old, 2, 17) > string.sub(ARGV[2], 2, 17) then
    return 0
  end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if old then forget(old) end
if redis.call('HLEN', KEYS[1]) > tonumber(ARGV[5]) then
  local names = redis.call('HKEYS', KEYS[1])
  local first = names[1] == ARGV[1] and names[2] or names[1]
  forget(redis.call('HGET', KEYS[1], first))
  redis.call('HDEL', KEYS[1], first)
end
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return 1`);

/** KEYS: entry. ARGV: field. How many there were. */
const DROP = script(`${FIELDS}
local old = redis.call('HGET', KEYS[1], ARGV[1])
if not old then return 0 end
forget(old)
return redis.call('HDEL', KEYS[1], ARGV[1])`);

/** KEYS: entry. How many variants there were. */
const DROP_ALL = script(`${FIELDS}
local all = redis.call('HVALS', KEYS[1])
for _, packed in ipairs(all) do forget(packed) end
redis.call('UNLINK', KEYS[1])
return #all`);

/**
 * Whether it may be there at all. What it was selected by is kept in clear, and a credential is not to be. All heads for a
 * key are read together, so that none may be large.
 */
export function mayBeShared({ selecting, fields }: Pick<StoredHead, "selecting" | "fields">): boolean {
  if (textOnce(fields).length > MAX_HEAD_LETTERS) return false;
  return selecting?.names.some((name) => CREDENTIALS.has(name)) !== true;
}

const MAX_HEAD_LETTERS = 65_536;

const CREDENTIALS = new Set(["cookie", "authorization", "proxy-authorization"]);

/** The variants that `wants` agrees to, whose bodies are complete, the one stored last at the end. */
export async function readEntry(
  link: Link,
  key: string,
  wants: (packed: Packed) => boolean,
): Promise<readonly Read[]> {
  const names = namesOf(key);
  const reply = await link.run((client) => client.callBuffer("hgetall", names.entry));
  const wanted = buffersIn(reply)
    .map((bytes) => unpack(key, bytes))
    .filter((packed) => packed !== undefined)
    .filter(wants)
    .toSorted((one, other) => one.fence - other.fence);
  const read = await Promise.all(
    wanted.map(async ({ head, asOf, body, length }) => {
      const bytes = typeof body === "string" ? await readBody(link, bodyName(names, body)) : body;
      if (bytes?.length !== length) return undefined;
      return { head, asOf, bytes: bytes as Uint8Array<ArrayBuffer> };
    }),
  );
  return read.filter((one) => one !== undefined);
}

async function readBody(link: Link, name: string): Promise<Uint8Array | undefined> {
  const bytes = await link.run((client) => client.callBuffer("get", name));
  // The client hands out a piece of what it received: a copy, so that the rest of that can go.
  return Buffer.isBuffer(bytes) ? new Uint8Array(bytes) : undefined;
}

/** What became of a write: `late` where a variant is there whose fill began later. */
export type Written = "written" | "late" | "failed";

/** Writes a variant, unless one is there whose fill began later. */
export async function writeEntry(
  link: Link,
  head: StoredHead,
  bytes: Uint8Array,
  written: { readonly mark: FillMark; readonly asOf: Position; readonly nowMs: number },
): Promise<Written> {
  const names = namesOf(head.key);
  const ms = Math.max(LEAST_MS, head.staleAt * 1000 - written.nowMs + STALE_MS);
  const isInline = bytes.length <= INLINE_BYTES;
  const id = randomBytes(16).toString("base64url");
  if (!isInline) {
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const reply = await link.run((client) => client.call("set", bodyName(names, id), body, "PX", ms));
    if (reply !== "OK") return "failed";
  }
  const { fence } = written.mark;
  const body = isInline ? bytes : id;
  const packed = pack({ fence, asOf: written.asOf, head, length: bytes.length, body });
  const args = [fieldOf(head), FORM + fenceText(fence), packed, ms, MAX_VARIANTS];
  const reply = await link.script(PUT, [names.entry], args);
  if (reply === 1) link.tookBytes();
  else if (!isInline) void link.run((client) => client.call("unlink", bodyName(names, id)));
  if (reply === undefined) return "failed";
  return reply === 1 ? "written" : "late";
}

/** Drops the variant that this head would supersede; how many there were, `undefined` where that is not known. */
export async function dropVariant(link: Link, head: Pick<StoredHead, "key" | "selecting">): Promise<unknown> {
  return link.script(DROP, [namesOf(head.key).entry], [fieldOf(head)]);
}

/** Drops all variants of a key; how many there were, 0 where that is not known. */
export async function dropKey(link: Link, key: string): Promise<number> {
  const reply = await link.script(DROP_ALL, [namesOf(key).entry], []);
  return typeof reply === "number" ? reply : 0;
}

/** How many variants a key has, 0 where that is not known. */
export async function countVariants(link: Link, key: string): Promise<number> {
  const reply = await link.run((client) => client.call("hlen", namesOf(key).entry));
  return typeof reply === "number" ? reply : 0;
}

/** The values of a reply to HGETALL: an object, or names and values in turn. */
function buffersIn(reply: unknown): readonly Buffer[] {
  if (Array.isArray(reply)) return reply.filter((each, at) => at % 2 === 1 && Buffer.isBuffer(each));
  if (typeof reply !== "object" || reply === null) return [];
  return Object.values(reply).filter((each) => Buffer.isBuffer(each));
}
