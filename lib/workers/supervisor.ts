// Answers: how several processes are one Larder.
// Owns: their start, together and one by one, their replacement, their end, and what they tell all others.
// Leaves out: one process (`member.ts`), invalidations (`rounds.ts`), what a worker does (`worker.ts`).
import { newLoopToken } from "../cache-status.ts";
import { CacheError } from "../errors.ts";
import type { Purged } from "../purge.ts";
import type { InvalidationTarget } from "../rfc9111/cache-groups.ts";
import { claimPort, type Claim } from "../wire/claim-port.ts";
import type { Running } from "../wire/serve-bun.ts";
import { Census } from "./census.ts";
import { Member } from "./member.ts";
import type { FromWorker, Role, WorkerStats } from "./messages.ts";
import { Errands } from "./errands.ts";
import { Rounds } from "./rounds.ts";
import { SocketFolder } from "./socket-folder.ts";
import { summed } from "./sum-stats.ts";

/** What is to be supervised. */
export interface Supervision {
  /** The command line of a worker; what it is told besides makes it one. */
  readonly command: readonly string[];
  /** What the environment of a worker has besides that of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly count: number;
  readonly host: string;
  /** 0 is any free one, the same for all. */
  readonly port: number;
  /** Milliseconds that workers have to end, when they are told to. */
  readonly endMs: number;
  readonly role: Pick<Role, "isTerminal" | "origin">;
  readonly writeLine: (line: string) => void;
  /** Tells a person that a worker has ended. */
  readonly warn: (line: string) => void;
  /** Milliseconds that a worker has to carry out an invalidation; 5000 where it is not said. */
  readonly roundMs?: number;
}

const ROUND_MS = 5000;

/** Failures in a row after which it is given up: while none listens, or before all of them have listened once. */
const MAX_FAILURES = 5;

/** A worker that lives longer than this after its start has not failed to start. */
const STARTED_MS = 2000;

/** The pause before a start that follows a failed one, doubled for each more, up to the longest. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

/** How often another port is tried, where any will do and somebody else was faster. */
const MAX_PORTS = 3;

/** Starts all workers; settles when all of them listen. Rejects where the port is taken, or they cannot start. */
export async function supervise(supervision: Supervision): Promise<Supervisor> {
  for (let tries = 1; ; tries++) {
    const claim = await claimPort(supervision.host, supervision.port);
    const supervisor = new Supervisor(supervision, claim);
    try {
      await supervisor.started;
      return supervisor;
    } catch (error) {
      await supervisor.abandon();
      const isTaken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
      if (!isTaken || supervision.port !== 0 || tries === MAX_PORTS) throw error;
    } finally {
      claim.release();
    }
  }
}

/** Several workers at one port. */
export class Supervisor implements Running {
  url = "";
  readonly #supervision: Supervision;
  readonly #port: number;
  readonly #folder = new SocketFolder();
  readonly #loopToken = newLoopToken();
  readonly #members = new Map<number, Member>();
  readonly #rounds: Rounds;
  readonly #census = new Census();
  readonly #errands = new Errands(() => this.#listeners());
  readonly #start: Deferred = deferred();
  readonly #drained: Deferred = deferred();
  #failures = 0;
  #isEnding = false;
  #hasStarted = false;

  constructor(supervision: Supervision, { port }: Claim) {
    this.#supervision = supervision;
    this.#port = port;
    this.#rounds = new Rounds(() => this.#hearers(), supervision.roundMs ?? ROUND_MS);
    for (let slot = 0; slot < supervision.count; slot++) this.#fill(slot);
  }

  /** Settles when all listen for the first time; rejects where that does not come about. */
  get started(): Promise<void> {
    return this.#start.promise;
  }

  /** The processes that are there, slot by slot. */
  get pids(): readonly number[] {
    return [...this.#members.values()].sort((one, other) => one.slot - other.slot).map(({ pid }) => pid);
  }

  /** What all workers together have, and do. */
  readonly stats = async (): Promise<WorkerStats> => summed(await this.#census.of(this.#hearers()));

  /** Removes what these mean from all workers, and from what they have in common with others. */
  readonly purge = (targets: readonly InvalidationTarget[]): Promise<Purged> => this.#errands.purge(targets);

  /** Lets all workers end what is under way, for as long as they have; then none is left. Never rejects. */
  readonly stop = async (): Promise<void> => {
    this.#isEnding = true;
    const timer = setTimeout(this.#drained.resolve, this.#supervision.endMs);
    // None ends before all are through: one may be reading what another has.
    for (const member of this.#members.values()) member.send({ kind: "stop" });
    this.#endIfDrained();
    await this.#drained.promise;
    clearTimeout(timer);
    await this.abandon();
  };

  /** Ends all workers at once. */
  async abandon(): Promise<void> {
    this.#isEnding = true;
    const members = [...this.#members.values()];
    for (const member of members) member.end();
    await Promise.all(members.map((member) => member.ended()));
    this.#folder.remove();
  }

  #fill(slot: number): void {
    const { command, environment, count, role, writeLine } = this.#supervision;
    const member = new Member({
      command,
      environment,
      role: { ...role, slot, count, folder: this.#folder.path, loopToken: this.#loopToken },
      onMessage: (from, message) => this.#hear(from, message),
      onEnd: (ended, how) => this.#ended(ended, how),
      writeLine,
    });
    this.#members.set(slot, member);
  }

  #hear(member: Member, message: FromWorker): void {
    switch (message.kind) {
      case "ready":
        if (this.#isEnding) return;
        member.state = "told to listen";
        this.#rounds.joined(member);
        return member.send({ kind: "listen", port: this.#port });
      case "listening":
        return this.#listens(member, message.url);
      case "refused":
        return this.#refused(member, message);
      case "invalidate":
        return this.#rounds.begin(member, message.id, message.targets);
      case "removed":
        return this.#rounds.carriedOut(member, message.round, message.removed);
      case "stats":
        return this.#census.told(member, message.id, message.stats);
      case "purged":
        return this.#errands.done(message.id, message.said);
      case "drained":
        member.state = "drained";
        return this.#endIfDrained();
      default:
        return message satisfies never;
    }
  }

  #listens(member: Member, url: string): void {
    member.state = "listening";
    this.url = url;
    this.#errands.joined();
    if (this.#hasStarted || this.#listening < this.#supervision.count) return;
    this.#hasStarted = true;
    this.#start.resolve();
  }

  /** It cannot listen: at the start that is the end, later it is one more failure. */
  #refused(member: Member, { code, message }: Extract<FromWorker, { kind: "refused" }>): void {
    if (!this.#hasStarted) this.#start.reject(Object.assign(new Error(message), { code }));
    member.end();
  }

  #ended(member: Member, how: string): void {
    this.#rounds.left(member);
    this.#census.left(member);
    this.#members.delete(member.slot);
    this.#errands.left(member);
    if (this.#isEnding) return this.#endIfDrained();
    const livedMs = performance.now() - member.startedMs;
    const hasFailed = member.state !== "listening" || livedMs < STARTED_MS;
    this.#failures = hasFailed ? this.#failures + 1 : 0;
    const isHopeless = !this.#hasStarted || this.#listening === 0;
    if (this.#failures >= MAX_FAILURES && isHopeless) return this.#giveUp(how);
    if (this.#hasStarted) this.#supervision.warn(`worker ${member.slot} ended (${how}): it is replaced`);
    this.#refill(member.slot);
  }

  /** Starts another worker in a slot: at once, or after the longer a pause the more have failed. */
  #refill(slot: number): void {
    const longerMs = this.#failures === 0 ? 0 : FIRST_PAUSE_MS * 2 ** (this.#failures - 1);
    const start = (): void => {
      if (this.#isEnding) return;
      try {
        this.#fill(slot);
      } catch (error) {
        // The machine has no room for another process just now.
        this.#failures++;
        this.#supervision.warn(`worker ${slot} cannot be started: ${String(error)}`);
        this.#refill(slot);
      }
    };
    setTimeout(start, Math.min(longerMs, LONGEST_PAUSE_MS));
  }

  #giveUp(how: string): void {
    const error = new CacheError(
      "workers",
      `${this.#failures} workers in a row ended at their start (${how})`,
    );
    if (!this.#hasStarted) return this.#start.reject(error);
    this.#supervision.warn(error.message);
    void this.abandon().finally(() => process.exit(1));
  }

  #endIfDrained(): void {
    if (!this.#isEnding) return;
    if ([...this.#members.values()].every(({ state }) => state === "drained")) this.#drained.resolve();
  }

  get #listening(): number {
    return [...this.#listeners()].length;
  }

  *#listeners(): Iterable<Member> {
    for (const member of this.#members.values()) if (member.state === "listening") yield member;
  }

  /** Those that may have something stored, or will in a moment; who is through with its clients answers other workers. */
  *#hearers(): Iterable<Member> {
    for (const member of this.#members.values()) if (member.state !== "starting") yield member;
  }
}

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

function deferred(): Deferred {
  let settle: Omit<Deferred, "promise"> = { resolve: () => {}, reject: () => {} };
  const promise = new Promise<void>((resolve, reject) => (settle = { resolve, reject }));
  return { promise, ...settle };
}
