// Answers: what the supervisor knows of one worker, and how it reaches it.
// Owns: the process of a worker: its start, its messages, its output line by line, its end.
// Leaves out: what is said (`messages.ts`), what follows from it (`supervisor.ts`).
import { ROLE_VARIABLE, type FromWorker, type Role, type ToWorker } from "./messages.ts";
import type { Hearer } from "./rounds.ts";

/** How a worker is started, and who hears of it. */
export interface MemberParts {
  /** The command line of this program. */
  readonly command: readonly string[];
  /** What its environment has besides that of this process. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly role: Role;
  readonly onMessage: (member: Member, message: FromWorker) => void;
  /** `how` is its exit code or signal. */
  readonly onEnd: (member: Member, how: string) => void;
  readonly writeLine: (line: string) => void;
}

/** Where a worker is in its life. */
export type MemberState = "starting" | "told to listen" | "listening" | "drained";

/** One worker process. */
export class Member implements Hearer {
  readonly slot: number;
  readonly startedMs = performance.now();
  state: MemberState = "starting";
  readonly #process: Bun.Subprocess<"ignore", "pipe", "inherit">;
  #hasEnded = false;

  constructor({ command, environment, role, onMessage, onEnd, writeLine }: MemberParts) {
    this.slot = role.slot;
    this.#process = Bun.spawn([...command], {
      env: { ...process.env, ...environment, [ROLE_VARIABLE]: JSON.stringify(role) },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
      serialization: "json",
      ipc: (message: FromWorker) => onMessage(this, message),
    });
    const read = writeLines(this.#process.stdout, writeLine);
    void this.#process.exited.then(async () => {
      this.#hasEnded = true;
      onEnd(this, String(this.#process.signalCode ?? `exit code ${this.#process.exitCode ?? 0}`));
      await read;
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Says something, if there is still somebody to hear it. */
  send(message: ToWorker): void {
    if (this.#hasEnded) return;
    try {
      this.#process.send(message);
    } catch {
      // It ends at this moment, which will be told.
    }
  }

  /** Ends it at once. */
  end(): void {
    this.#process.kill("SIGKILL");
  }

  /** Settles when its process has ended. */
  async ended(): Promise<void> {
    await this.#process.exited;
  }
}

/** Only whole lines are written, so that those of several workers do not mix; at the end also what is left of one. */
async function writeLines(stream: ReadableStream<Uint8Array>, write: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) write(line);
  }
  if (rest !== "") write(rest);
}
