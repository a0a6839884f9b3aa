// Answers: what does Larder's own order of eviction do with a trace?
// Owns: the real class of `lib/store/eviction.ts` as a policy.
// Leaves out: the order itself.
import type { EpochSeconds } from "../../../lib/rfc9111/time.ts";
import { Eviction, type Evictable } from "../../../lib/store/eviction.ts";
import type { Policy } from "./simulate.ts";
import type { Trace } from "./trace.ts";

interface TracedObject extends Evictable {
  readonly object: number;
}

const NEVER = Infinity as EpochSeconds;

/** Larder's policy; nothing in a trace becomes stale. */
export function larder({ sizesBytes }: Trace): Policy {
  const eviction = new Eviction<TracedObject>();
  const items = Array.from(sizesBytes, (sizeBytes, object): TracedObject => {
    const validators = { etag: `"${object}"`, lastModified: undefined };
    return {
      object,
      key: `http://trace/${object}`,
      selecting: undefined,
      sizeBytes,
      validators,
      staleAt: NEVER,
    };
  });
  return {
    hit: (object) => eviction.touch(items[object]!),
    add: (object) => eviction.add(items[object]!),
    evict: () => {
      const victim = eviction.victim(0 as EpochSeconds)!;
      eviction.remove(victim);
      return victim.object;
    },
  };
}
