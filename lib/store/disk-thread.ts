// Answers: how is the writing thread started and ended?
// Owns: finding its file, from source and in a single binary; its end, asked for or not.
// Leaves out: what it does (`disk-writer.ts`), what it is told (`disk-messages.ts`).
import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { DiskOperation, DiskSettings, FromDisk, ToDisk } from "./disk-messages.ts";

/** So long the thread may take to write what it was given, in milliseconds. */
const CLOSE_MS = 30_000;

/** The writing thread, from here. */
export class DiskThread {
  readonly #worker: Worker;
  readonly #closed: Promise<void>;
  #isOver = false;
  #hasSpoken = false;

  /** `onEnd` is called where it ends without being asked, with the reason. */
  constructor(settings: DiskSettings, onMessage: (message: FromDisk) => void, onEnd: (why: string) => void) {
    this.#worker = new Worker(writerFile(), { workerData: settings });
    this.#closed = new Promise((resolve) => {
      const end = (why: string): void => {
        resolve();
        if (this.#isOver) return;
        this.#isOver = true;
        onEnd(why);
      };
      this.#worker.on("message", (message: FromDisk) => {
        this.#hasSpoken = true;
        if (message.kind === "closed") resolve();
        else if (!this.#isOver) onMessage(message);
      });
      this.#worker.on("error", (error: Error) => end(error.message));
      this.#worker.on("exit", () => end("the writing thread has ended"));
    });
  }

  /** Whether it has come to run at all. */
  get hasSpoken(): boolean {
    return this.#hasSpoken;
  }

  /** Sends operations; their bodies are handed over. */
  send(operations: readonly DiskOperation[], bodies: ArrayBuffer[], nowMs: number): void {
    this.#post({ kind: "batch", operations, nowMs }, bodies);
  }

  /** Ends it when all that was sent is done; with `isNow`, its answers are not heard any more. */
  async close(isNow: boolean): Promise<void> {
    if (isNow) this.#isOver = true;
    this.#post({ kind: "close" }, []);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, isNow ? CLOSE_MS / 10 : CLOSE_MS);
    });
    await Promise.race([this.#closed, late]);
    clearTimeout(timer);
    this.#isOver = true;
    await this.#worker.terminate();
  }

  #post(message: ToDisk, bodies: ArrayBuffer[]): void {
    this.#worker.postMessage(message, bodies);
  }
}

/** A single binary has it as a file of its own, which its build must name besides the entry. */
const IN_BINARY = "/$bunfs/root/lib/store/disk-writer.js";

const isBinary = import.meta.url.includes("/$bunfs/");

/** Whether the thread can be started; not in a single binary that was built without its file. */
export function hasWriter(): boolean {
  return !isBinary || existsSync(IN_BINARY);
}

function writerFile(): string | URL {
  return isBinary ? IN_BINARY : new URL("./disk-writer.ts", import.meta.url);
}
