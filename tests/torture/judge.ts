// Answers: is what a killed process left behind as it must be?
// Owns: the bytes of what is found; that nothing is found whose removal was acknowledged.
// Leaves out: what the content is (`content.ts`), the processes (`torture.ts`).
import type { StoredBody, StoredResponse } from "../../lib/message.ts";
import type { OuterTier } from "../../lib/store/store.ts";
import { meets } from "../../lib/store/labels-of.ts";
import { parsedTarget } from "../../lib/store/targets.ts";
import { contentOf, keyOf, KEYS, versionsOf } from "./content.ts";

/** A removal: what is met of this version or an older one must not be found once it was acknowledged. */
interface Removal {
  readonly version: number;
  readonly target: string;
}

/** What is wrong with the bytes of a stored response; `gone` where they left while they were read. */
export async function wrongWith(stored: StoredResponse): Promise<string | undefined> {
  const { content } = versionsOf(stored);
  const bytes = await bytesOf(stored.body).catch(() => undefined);
  if (bytes === undefined) return "gone";
  const right = contentOf(stored.key, content);
  if (Buffer.from(bytes).equals(right)) return undefined;
  return `${bytes.length} bytes are not the ${right.length} of version ${content}`;
}

async function bytesOf(body: StoredBody): Promise<Uint8Array> {
  if (body.kind === "complete") return body.bytes;
  if (body.kind !== "outside") throw new Error(body.kind);
  return new Response(body.read(0, body.length - 1) ?? broken()).bytes();
}

function broken(): ReadableStream {
  return new ReadableStream({ start: (controller) => controller.error(new Error("gone")) });
}

/** What has been said of removals, over all processes. */
export class Ledger {
  readonly #asked = new Map<string, Removal>();
  readonly #acknowledged: Removal[] = [];

  /** Takes a line of a process; gives what that found wrong itself. */
  take(line: string): string | undefined {
    const [word, number = "", version = "", ...rest] = line.split(" ");
    if (word === "ask")
      this.#asked.set(number, { version: Number(version), target: JSON.parse(rest.join(" ")) as string });
    if (word === "ack") {
      const removal = this.#asked.get(number);
      if (removal !== undefined) this.#acknowledged.push(removal);
    }
    return word === "wrong" ? line : undefined;
  }

  /** The process is dead: its numbers will be given again. */
  forgetAsked(): void {
    this.#asked.clear();
  }

  get acknowledged(): number {
    return this.#acknowledged.length;
  }

  /** Looks at everything that a tier finds: how much that is, and what of it is wrong. */
  async judge(tier: OuterTier): Promise<{ found: number; wrong: readonly string[] }> {
    const wrong: string[] = [];
    let found = 0;
    for (let number = 0; number < KEYS; number++) {
      for (const stored of await tier.recall(keyOf(number), () => true)) {
        found++;
        const why = (await wrongWith(stored)) ?? this.#removedBut(stored);
        if (why !== undefined) wrong.push(`${stored.key}: ${why}`);
      }
    }
    return { found, wrong };
  }

  #removedBut(stored: StoredResponse): string | undefined {
    const { version } = versionsOf(stored);
    const removal = this.#acknowledged.find(
      (one) =>
        version <= one.version &&
        meets(one.target, stored) &&
        !(parsedTarget(one.target).isSoft && stored.isPurged === true),
    );
    return (
      removal &&
      `version ${version} is found after ${JSON.stringify(removal.target)} of version ${removal.version}`
    );
  }
}
