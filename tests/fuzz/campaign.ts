// Answers: what a run of many cases through one cache finds.
// Owns: the run: cases side by side, a canary behind each, the origin's ears, memory at half and at the end.
// Leaves out: the command line (`run.ts`), how findings are printed (`fuzz-report.ts`).
import { Connection, type Conversation } from "./conversation.ts";
import { caseFrom, caseOf, type FuzzCase } from "./fuzz-case.ts";
import { FuzzOrigin } from "./fuzz-origin.ts";
import { knownLimit, type KnownLimit, type Wire } from "./known-limits.ts";
import type { CacheUnderFuzz, OnTrouble } from "./larder-child.ts";
import { answerable, judge } from "./oracle.ts";
import { OriginOracle, sendsAnonymous } from "./origin-oracle.ts";
import type { ReadRequest } from "./request-reader.ts";
import type { Suspicion } from "./suspicion.ts";
import { tokenFor } from "./token.ts";

/** What is run. */
export interface Campaign {
  readonly seed: number;
  /** Requests to send before it ends, canaries not counted. */
  readonly requests: number;
  /** Only these cases. */
  readonly only: readonly number[];
  readonly wire: Wire;
  /** Cases at a time. */
  readonly parallel: number;
  /** How long a complete request may go without an answer. */
  readonly limitMs: number;
  readonly start: (originPort: number, onTrouble: OnTrouble) => Promise<CacheUnderFuzz>;
}

/** What looked wrong and no known limit explains, with the cases that were under way. */
export type Finding = Suspicion & { readonly underWay: readonly number[] };

/** What came of it. */
export interface Result {
  readonly findings: readonly Finding[];
  /** Suspicions that a row of the table explains, counted by its name. */
  readonly limits: ReadonlyMap<string, number>;
  readonly cases: number;
  readonly requests: number;
  readonly atOrigin: number;
  readonly answers: number;
  readonly seconds: number;
  /** Resident memory at half of the run and at its end, in bytes. */
  readonly memory: { readonly half: number | undefined; readonly end: number | undefined };
}

/** So much may the resident memory grow in the second half of a run: the store is full by then, and garbage comes and goes. */
export const GROWTH_BYTES = 96 * 2 ** 20;
/** Findings after which a run ends early. */
const ENOUGH = 40;

/** Runs it. */
export async function runCampaign(campaign: Campaign): Promise<Result> {
  const run = new Run(campaign);
  const origin = await FuzzOrigin.start({
    request: (request) => run.hear(request),
    malformed: (why, bytes) => run.suspect({ kind: "malformed-request", detail: why, bytes }),
  });
  try {
    const cache = await campaign.start(origin.port, (kind, detail) => run.suspect({ kind, detail }));
    try {
      return { ...(await run.through(cache)), atOrigin: origin.serial };
    } finally {
      await cache.stop();
    }
  } finally {
    origin.stop();
  }
}

class Run {
  readonly #campaign: Campaign;
  readonly #underWay = new Map<number, FuzzCase>();
  readonly #ears: OriginOracle;
  readonly #findings: Finding[] = [];
  readonly #limits = new Map<string, number>();
  #cases = 0;
  #requests = 0;
  #answers = 0;
  #half: number | undefined;

  constructor(campaign: Campaign) {
    this.#campaign = campaign;
    this.#ears = new OriginOracle((number) => this.#underWay.get(number) ?? caseOf(campaign.seed, number));
  }

  hear(request: ReadRequest): void {
    const found = this.#ears.judge(request, () => [...this.#underWay.values()].some(sendsAnonymous));
    if (found !== undefined) this.suspect(found);
  }

  suspect(suspicion: Suspicion): void {
    const limit: KnownLimit | undefined = knownLimit(suspicion, this.#campaign.wire);
    if (limit === undefined) this.#findings.push({ ...suspicion, underWay: [...this.#underWay.keys()] });
    else this.#limits.set(limit.name, (this.#limits.get(limit.name) ?? 0) + 1);
  }

  async through(cache: CacheUnderFuzz): Promise<Omit<Result, "atOrigin">> {
    const { parallel, only } = this.#campaign;
    const started = performance.now();
    const numbers = only.length > 0 ? only.values() : this.#numbers();
    const lane = async (): Promise<void> => {
      for (const number of numbers) await this.#oneCase(cache, number);
    };
    await Promise.all(Array.from({ length: parallel }, lane));
    const seconds = (performance.now() - started) / 1000;
    const memory = { half: this.#half, end: await this.#settled(cache) };
    if (memory.half !== undefined && memory.end !== undefined && memory.end - memory.half > GROWTH_BYTES) {
      this.suspect({
        kind: "memory",
        detail: `from ${memory.half} to ${memory.end} bytes in the second half`,
      });
    }
    const { cases, requests, answers } = {
      cases: this.#cases,
      requests: this.#requests,
      answers: this.#answers,
    };
    return { findings: this.#findings, limits: this.#limits, cases, requests, answers, seconds, memory };
  }

  *#numbers(): Generator<number> {
    for (let number = 0; this.#requests < this.#campaign.requests; number++) {
      if (this.#findings.length >= ENOUGH) return;
      yield number;
    }
  }

  async #oneCase(cache: CacheUnderFuzz, number: number): Promise<void> {
    const fuzzCase = caseOf(this.#campaign.seed, number);
    this.#cases++;
    this.#requests += fuzzCase.size;
    this.#underWay.set(number, fuzzCase);
    await this.#converse(cache, fuzzCase);
    await this.#converse(cache, canary(number, "fresh"));
    this.#underWay.delete(number);
    if (this.#half === undefined && this.#requests >= this.#campaign.requests / 2)
      this.#half = cache.memoryBytes();
  }

  async #converse({ url }: CacheUnderFuzz, fuzzCase: FuzzCase): Promise<void> {
    const { run, flights, leave, number } = fuzzCase;
    const expected = [...answerable(run.requests)];
    const methods = [
      ...run.requests.map(({ method }) => method),
      ...(run.rest === undefined ? [] : [run.rest.method]),
    ];
    const connection = new Connection(url, methods, this.#campaign.limitMs);
    for (const flight of flights) {
      const due = answerable(flight.run.requests).length + (flight.run.rest?.kind === "bad" ? 1 : 0);
      await connection.take({ pieces: flight.pieces, answers: leave === "is-gone" ? 0 : due });
    }
    if (leave === "half-closes") await connection.halfClose();
    const isWhole =
      run.rest === undefined && expected.length === run.requests.length && expected.at(-1)?.isLast !== true;
    if (leave === "asks-again" && isWhole && connection.isOpen && connection.answers === expected.length) {
      const again = canary(number, "same");
      expected.push(...again.run.requests);
      await connection.take({ pieces: again.flights[0]?.pieces ?? [], answers: expected.length });
    }
    const conversation: Conversation = connection.leave();
    this.#answers += conversation.responses.length;
    for (const suspicion of judge(fuzzCase, expected, conversation)) this.suspect(suspicion);
  }

  /** The least of several looks while nothing is asked: what is not garbage. */
  async #settled(cache: CacheUnderFuzz): Promise<number | undefined> {
    let least = cache.memoryBytes();
    for (let look = 0; look < 10 && least !== undefined; look++) {
      await Bun.sleep(200);
      least = Math.min(least, cache.memoryBytes() ?? least);
    }
    return least;
  }
}

/** A request that must get its own answer, whatever went before it. */
function canary(number: number, place: "same" | "fresh"): FuzzCase {
  const token = tokenFor(number, place);
  const text = `GET /f/${token} HTTP/1.1\r\nHost: fuzz.test\r\nX-Fuzz: ${token}\r\n\r\n`;
  return caseFrom(number, [[text]], { leave: "is-content", size: 0 });
}
