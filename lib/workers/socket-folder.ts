// Answers: where are the sockets on which workers ask each other?
// Owns: a folder that nobody else may enter, and its end, also where processes do not end in order.
// Leaves out: the sockets (`../wire/peer-bun.ts`).
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder that is there as long as this process, unless it is removed before. */
export class SocketFolder {
  /** Only this user may enter it: whoever can ask a worker can say which client it is for. */
  readonly path = mkdtempSync(join(tmpdir(), "larder-"));
  readonly #onExit = (): void => removeFolder(this.path);

  constructor() {
    process.once("exit", this.#onExit);
  }

  remove(): void {
    process.off("exit", this.#onExit);
    removeFolder(this.path);
  }
}

/** The socket of the worker in a slot. */
export function socketPath(folder: string, slot: number): string {
  return join(folder, String(slot));
}

/** Removes it with all that is in it. Several may do so at the same time, and be in each other's way. Never throws. */
export function removeFolder(path: string): void {
  for (let tries = 0; tries < 5 && existsSync(path); tries++) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // Another one was faster at some of it.
    }
  }
}
