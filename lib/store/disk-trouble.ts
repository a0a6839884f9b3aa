// Answers: what is a person told of the disk tier while it goes on?
// Owns: one line for each kind of trouble, until it is over; one for each file in which bytes have changed.
// Leaves out: a file that is given up (`disk.ts`) or cannot be opened (`disk-file.ts`).

/** The trouble that a disk tier has. */
export class DiskTrouble {
  readonly #warn: (line: string) => void;
  #current: string | undefined;
  #damaged: string | undefined;

  constructor(warn: (line: string) => void) {
    this.#warn = warn;
  }

  /** Whether all is well, but for what was damaged: that is left out. */
  get isOver(): boolean {
    return this.#current === undefined;
  }

  /** What was to be written was; or it was not, for this reason. */
  written(trouble: string | undefined): void {
    if (trouble !== undefined && trouble !== this.#current)
      this.#warn(`disk: what is to be stored cannot be written (${trouble}); it is left out`);
    this.#current = trouble;
  }

  /** What is stored could not be read, for this reason. */
  unread(code: string): void {
    if (code === this.#current) return;
    this.#warn(`disk: what is stored cannot be read (${code})`);
    this.#current = code;
  }

  /** Bytes in a file are not what was written. */
  damaged(path: string): void {
    if (path === this.#damaged) return;
    this.#damaged = path;
    this.#warn(`disk: bytes in ${path} have changed; what is damaged is left out`);
  }

  /** There is a new file under the same name. */
  renewed(): void {
    this.#damaged = undefined;
  }
}
