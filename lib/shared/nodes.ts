// Answers: which nodes are there, and how far has each of them read the purge log?
// Owns: the roll of nodes in Redis: joining, reporting, leaving, and waiting until all that live have applied a purge.
// Leaves out: reading the log (`purge-log.ts`).
import { randomBytes } from "node:crypto";
import type { Client } from "./connect.ts";
import { runScript, script, type Link } from "./link.ts";
import { LOG } from "./names.ts";
import { BEGINNING, compareIds, parsePosition, positionText, type Position } from "./position.ts";

/** What the log is like when a node joins. */
export interface LogState {
  readonly generation: string;
  /** The oldest entry that is retained; empty where there is none. */
  readonly firstId: string;
  /** The newest that there ever was. */
  readonly lastId: string;
  /** Whether entries have left it, as far as the server can tell. */
  readonly isTrimmed: boolean;
  /** Whether it holds the entry at which the node is. */
  readonly holdsPosition: boolean;
}

/** What became of a purge in the fleet. */
export interface FleetOutcome {
  /** Stored responses, summed over the nodes. */
  readonly removed: number;
  /** Nodes that have applied it. */
  readonly nodes: number;
  /** Nodes that have not: cut off, or too slow. They will before they serve again what they have. */
  readonly pending: readonly string[];
}

/** A node whose heartbeat is older is not waited for. */
const LIVE_MS = 3000;

/** A node that was not heard of for so long is forgotten. */
const GONE_MS = 3_600_000;

/** Seconds for which it is known how many responses each node has removed. */
const REMOVED_SECONDS = 60;

/** Between two looks at the roll. */
const FIRST_LOOK_MS = 2;
const LAST_LOOK_MS = 50;

const ANNOUNCE = `
local function announce(node, position)
  local now = redis.call('TIME')
  local at = now[1] * 1000 + math.floor(now[2] / 1000)
  redis.call('HSET', KEYS[1], node, string.format('%.0f %s', at, position))
end
local function generation(candidate)
  redis.call('SET', KEYS[2], candidate, 'NX')
  return redis.call('GET', KEYS[2])
end
`;

/** KEYS: nodes, generation, purges. ARGV: node, generation if there is none, position, its id. */
const JOIN = script(
  `${ANNOUNCE}
local first, last, added, length = '', '${BEGINNING}', 0, 0
if redis.call('EXISTS', KEYS[3]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[3])
  added = -1
  for at = 1, #info, 2 do
    if info[at] == 'length' then length = info[at + 1] end
    if info[at] == 'last-generated-id' then last = info[at + 1] end
    if info[at] == 'entries-added' then added = info[at + 1] end
  end
  local entry = redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', 1)[1]
  if entry then first = entry[1] end
end
local holds = #redis.call('XRANGE', KEYS[3], ARGV[4], ARGV[4])
local current = generation(ARGV[2])
announce(ARGV[1], ARGV[3])
return { current, first, last, added == length and 0 or 1, holds }`,
  true,
);

/** KEYS: nodes, generation, then one for each entry. ARGV: node, generation, position, seconds, then a count for each. */
const REPORT = script(
  `${ANNOUNCE}
for at = 3, #KEYS do
  redis.call('HSET', KEYS[at], ARGV[1], ARGV[at + 2])
  redis.call('EXPIRE', KEYS[at], ARGV[4])
end
announce(ARGV[1], ARGV[3])
return generation(ARGV[2])`,
  true,
);

/** KEYS: nodes, removed. The time, the roll, the counts. */
const LOOK = script(`
local now = redis.call('TIME')
local at = now[1] * 1000 + math.floor(now[2] / 1000)
return { at, redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2]) }`);

/** Announces a node, and says what the log is like. Rejects as commands do. */
export async function join(client: Client, node: string, position: Position | undefined): Promise<LogState> {
  const text = position === undefined ? "" : positionText(position);
  const args = [node, randomBytes(9).toString("base64url"), text, position?.id ?? BEGINNING];
  const reply = await runScript(client, JOIN, [LOG.nodes, LOG.generation, LOG.purges], args);
  const [generation, firstId, lastId, isTrimmed, holds] = reply as readonly unknown[];
  return {
    ...{ generation: String(generation), firstId: String(firstId), lastId: String(lastId) },
    isTrimmed: isTrimmed !== 0,
    holdsPosition: holds !== 0,
  };
}

/** A heartbeat: how far the node is, and how many responses each entry has removed. The generation of the log. */
export async function report(
  client: Client,
  node: string,
  position: Position,
  removed: ReadonlyMap<string, number>,
): Promise<string> {
  const counts = [...removed].filter(([, count]) => count > 0);
  const keys = [LOG.nodes, LOG.generation, ...counts.map(([id]) => LOG.removed + id)];
  const args = [node, randomBytes(9).toString("base64url"), positionText(position), REMOVED_SECONDS];
  return String(await runScript(client, REPORT, keys, [...args, ...counts.map(([, count]) => count)]));
}

/** Takes a node off the roll. Rejects as commands do. */
export async function leave(client: Client, node: string): Promise<void> {
  await client.call("hdel", LOG.nodes, node);
}

/** Waits until all live nodes have applied the entry, `deadlineMs` milliseconds at most. Never rejects. */
export async function awaitFleet(link: Link, at: Position, deadlineMs: number): Promise<FleetOutcome> {
  const until = performance.now() + deadlineMs;
  let outcome: FleetOutcome = { removed: 0, nodes: 0, pending: [] };
  for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(lookMs * 2, LAST_LOOK_MS)) {
    const roll = await look(link, at);
    if (roll !== undefined) ({ outcome } = roll);
    if (roll?.isSettled === true || performance.now() >= until) return outcome;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

/** The time in milliseconds, the roll, the counts: names and values in turn. */
type Roll = readonly [nowMs: number, roll: readonly string[], counts: readonly string[]];

async function look(
  link: Link,
  at: Position,
): Promise<{ readonly outcome: FleetOutcome; readonly isSettled: boolean } | undefined> {
  const reply = await link.script(LOOK, [LOG.nodes, LOG.removed + at.id], []);
  if (!Array.isArray(reply)) return undefined;
  const [now, roll, counts] = reply as unknown as Roll;
  const pending: string[] = [];
  let [nodes, waiting, removed] = [0, 0, 0];
  for (let index = 0; index < roll.length; index += 2) {
    const [node = "", text = ""] = roll.slice(index);
    const [beat = "", position = ""] = text.split(" ");
    const ageMs = now - Number(beat);
    if (!(ageMs < GONE_MS)) void link.run((client) => leave(client, node));
    else if (isBehind(parsePosition(position), at)) pending.push(node);
    else nodes++;
    if (ageMs < LIVE_MS && pending.at(-1) === node) waiting++;
  }
  for (let index = 1; index < counts.length; index += 2) removed += Number(counts[index]);
  return { outcome: { removed, nodes, pending }, isSettled: waiting === 0 };
}

function isBehind(position: Position | undefined, at: Position): boolean {
  return position?.generation !== at.generation || compareIds(position.id, at.id) < 0;
}
