// Answers: what was true at the origin, and when; times are milliseconds of this process's monotonic clock.
// Owns: the versions of each object, what unsafe requests have promised, what the origin did wrong.
// Leaves out: whether a response agrees with it (`judge-head.ts`, `judge-body.ts`), who writes it (`origin.ts`).

/** Something that the origin did wrong, from when to when. */
export interface Fault {
  readonly kind: string;
  /** `undefined` where it met everybody: an outage, a connection that was cut off. */
  readonly object?: string | undefined;
  readonly requestId?: string | undefined;
  readonly fromMs: number;
  /** Infinite while it goes on. */
  untilMs: number;
}

/** A request that reached the origin, and whether its response went out as it should. */
interface Arrivals {
  count: number;
  faults: Fault[];
  /** Versions that were sent for it, 304 included. */
  versions: number[];
}

interface History {
  /** When version number `index` began to be current. */
  readonly since: number[];
  /** From when on requests may not get anything older than that version. */
  readonly floors: { readonly atMs: number; readonly version: number }[];
  readonly lengths: Map<string, Set<number>>;
  faults: Fault[];
}

/** How long after its end a fault still explains what a client sees: fills that others follow last that long. */
export const AFTERMATH_MS = 4_000;

/** How long after the last sign that the origin is away it may be taken to be so: a pause of the breaker and a probe. */
const PROBING_MS = AFTERMATH_MS / 4;

const FAILS_A_PROBE = /head$|^connection-reset$/;

/** One run's truth. */
export class Ledger {
  readonly #histories = new Map<string, History>();
  readonly #arrivals = new Map<string, Arrivals>();
  readonly #counts = new Map<string, number>();
  #general: Fault[] = [];

  constructor(objects: readonly { readonly id: string }[], nowMs: number) {
    for (const { id } of objects) {
      this.#histories.set(id, { since: [nowMs], floors: [], lengths: new Map(), faults: [] });
    }
  }

  current(object: string): number {
    return this.#history(object).since.length - 1;
  }

  /** The next version is current from now on. */
  bump(object: string, nowMs: number): number {
    return this.#history(object).since.push(nowMs) - 1;
  }

  /** When another version took its place; infinite for the current one, `undefined` for one that never was. */
  supersededAt(object: string, version: number): number | undefined {
    const { since } = this.#history(object);
    if (!Number.isInteger(version) || version < 0 || version >= since.length) return undefined;
    return since[version + 1] ?? Number.POSITIVE_INFINITY;
  }

  /** An unsafe request that made `version` current has been answered: who asks later gets nothing older. */
  promise(object: string, version: number, nowMs: number): void {
    this.#history(object).floors.push({ atMs: nowMs, version });
  }

  /** The oldest version that a request may get by what unsafe requests have promised before `startMs`. */
  floor(object: string, startMs: number): number {
    const before = this.#history(object).floors.filter(({ atMs }) => atMs < startMs);
    return Math.max(0, ...before.map(({ version }) => version));
  }

  /** The origin has announced a length that is not the real one: from outside, that is the length. */
  announce(
    object: string,
    version: number,
    lie: { readonly variant: string; readonly length: number },
  ): void {
    const { lengths } = this.#history(object);
    const key = `${version}/${lie.variant}`;
    lengths.set(key, (lengths.get(key) ?? new Set()).add(lie.length));
  }

  /** Whether the origin has announced that length of a representation though it is not so long. */
  wasAnnounced(
    object: string,
    version: number,
    lie: { readonly variant: string; readonly length: number },
  ): boolean {
    return this.#history(object).lengths.get(`${version}/${lie.variant}`)?.has(lie.length) === true;
  }

  /** A request reaches the origin; how often it has done so before. */
  arrive(requestId: string): number {
    const arrivals = this.#arrivals.get(requestId) ?? { count: 0, faults: [], versions: [] };
    this.#arrivals.set(requestId, arrivals);
    return arrivals.count++;
  }

  sends(requestId: string, version: number): void {
    this.#arrivals.get(requestId)?.versions.push(version);
  }

  /** What became of a request at the origin; `undefined` where it never came there. */
  arrivals(requestId: string): Readonly<Arrivals> | undefined {
    return this.#arrivals.get(requestId);
  }

  /** The origin begins to do something wrong; it goes on until `untilMs` is set. */
  fault(kind: string, nowMs: number, whom: Pick<Fault, "object" | "requestId"> = {}): Fault {
    const fault: Fault = { kind, ...whom, fromMs: nowMs, untilMs: Number.POSITIVE_INFINITY };
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    const history = whom.object === undefined ? undefined : this.#histories.get(whom.object);
    if (history === undefined) this.#general = [...recent(this.#general, nowMs), fault];
    else history.faults = [...recent(history.faults, nowMs), fault];
    if (whom.requestId !== undefined) this.#arrivals.get(whom.requestId)?.faults.push(fault);
    return fault;
  }

  /**
   * What the origin did wrong that explains what a client saw of a request that began at `fromMs`: with the request
   * itself or with everybody. One that never came to the origin may have followed another one for the same object, or
   * was lost with its connection. `kinds` narrows it down.
   */
  explains(
    request: { readonly id: string; readonly object: string },
    fromMs: number,
    kinds = /./,
  ): Fault | undefined {
    const since = (sinceMs: number) => (fault: Fault) => kinds.test(fault.kind) && fault.untilMs > sinceMs;
    const own = this.#arrivals.get(request.id);
    const general = this.#general.filter(since(fromMs - PROBING_MS));
    const found = own?.faults.find(since(0)) ?? general.find(({ kind }) => kind !== "connection-reset");
    if (found !== undefined || own !== undefined) return found;
    return general[0] ?? this.#history(request.object).faults.find(since(fromMs - AFTERMATH_MS));
  }

  /**
   * Whether the breaker may be open at `fromMs` because of an outage. While it is open only probes come to the origin,
   * and a probe that meets a fault before its head rightly keeps it open: one explains the next, as far as
   * `AFTERMATH_MS` after the outage.
   */
  explainsOpenBreaker(fromMs: number): boolean {
    const outage = this.#general.findLast(({ kind }) => kind === "outage");
    if (outage === undefined || outage.untilMs < fromMs - AFTERMATH_MS) return false;
    const faults = [this.#general, ...[...this.#histories.values()].map((history) => history.faults)].flat();
    const probes = faults.filter(
      ({ kind, fromMs: sinceMs }) => FAILS_A_PROBE.test(kind) && sinceMs <= fromMs,
    );
    let untilMs = outage.untilMs;
    for (const probe of probes.toSorted((one, other) => one.fromMs - other.fromMs)) {
      if (probe.fromMs - untilMs <= PROBING_MS) untilMs = Math.max(untilMs, probe.untilMs);
    }
    return untilMs > fromMs - PROBING_MS;
  }

  /** Faults by kind. */
  get faultCounts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  #history(object: string): History {
    const history = this.#histories.get(object);
    if (history === undefined) throw new Error(`there is no object ${object}`);
    return history;
  }
}

/** Faults that can still explain something: exchanges last less than 30 s. */
function recent(faults: readonly Fault[], nowMs: number): Fault[] {
  return faults.filter(({ untilMs }) => untilMs > nowMs - 30_000);
}
