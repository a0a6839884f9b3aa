// Answers: what does the purge log say from a place on?
// Owns: an entry as it is written and read.
// Leaves out: when it is read and what follows from it (`purge-log.ts`).
import type { InvalidationTarget } from "../rfc9111/cache-groups.ts";
import { EVERYTHING, softly } from "../store/targets.ts";
import type { Client } from "./connect.ts";
import { runScript, script } from "./link.ts";
import { LOG } from "./names.ts";

/** A purge. */
export interface LogEntry {
  readonly id: string;
  readonly targets: readonly InvalidationTarget[];
}

/** About so many entries are retained. */
const RETAINED = 20_000;

/** Entries of one reply. */
const PAGE = 500;

/** KEYS: purges. ARGV: entries to retain, targets, node. Where the server is full, a purge is written all the same. */
const APPEND = script(
  `return redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'targets', ARGV[2], 'node', ARGV[3])`,
  true,
);

/** Writes a purge; its id. Rejects as commands do. */
export async function append(
  client: Client,
  targets: readonly InvalidationTarget[],
  { node, retained = RETAINED }: { readonly node: string; readonly retained?: number },
): Promise<string> {
  return String(await runScript(client, APPEND, [LOG.purges], [retained, JSON.stringify(targets), node]));
}

/** The entries that follow a place, at most a page; waits for one where there is none and `blockMs` is given. */
export async function entriesAfter(
  client: Client,
  id: string,
  blockMs?: number,
): Promise<readonly LogEntry[]> {
  const block = blockMs === undefined ? [] : ["BLOCK", blockMs];
  const reply = await client.call("xread", "COUNT", PAGE, ...block, "STREAMS", LOG.purges, id);
  const [stream] = (reply ?? []) as readonly (readonly [string, readonly (readonly [string, string[]])[]])[];
  return (stream?.[1] ?? []).map(([entryId, fields]) => ({ id: entryId, targets: targetsIn(fields) }));
}

/** What cannot be read may mean anything. */
function targetsIn(fields: readonly string[]): readonly InvalidationTarget[] {
  try {
    const targets: unknown = JSON.parse(fields[fields.indexOf("targets") + 1] ?? "");
    if (Array.isArray(targets) && targets.every((target) => typeof target === "string")) return targets;
  } catch {
    // As below.
  }
  return [softly(EVERYTHING)];
}
