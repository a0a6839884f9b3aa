// Answers: what is stored on the disk?
// Owns: the disk tier as the main thread has it: it reads itself and has a thread write; what it does when that fails.
// Leaves out: reading (`disk-reader.ts`), writing (`disk-writer.ts`), what waits (`disk-queue.ts`).
import { randomUUID } from "node:crypto";
import type { StoredHead, StoredResponse } from "../message.ts";
import type { InvalidationTarget } from "../rfc9111/cache-groups.ts";
import { variantOf } from "./codec.ts";
import { DiskAsks } from "./disk-asks.ts";
import { DiskBody } from "./disk-body.ts";
import { deleteFile, loadSqlite, openFile, setAside, type DiskFile } from "./disk-file.ts";
import type { DiskCounts, DiskDone, FromDisk } from "./disk-messages.ts";
import { maxBodyBytesOf, resolved, type DiskOptions } from "./disk-options.ts";
import { DiskPump, lengthOf } from "./disk-pump.ts";
import { DiskQueue } from "./disk-queue.ts";
import { DiskReader } from "./disk-reader.ts";
import { DiskTrouble } from "./disk-trouble.ts";
import { CHUNK_BYTES, codeOf, isDamage } from "./disk-schema.ts";
import { DiskThread } from "./disk-thread.ts";
import { cardOf, DiskWrites } from "./disk-write.ts";
import type { MaybePromise, OuterStats, OuterTier, Writer } from "./store.ts";

/** Of the room that a file had on a disk that was full, the next one takes this share. */
const SPARING = 0.7;

/** After so many files that had to be given up, the tier stays off. */
const MAX_FILES = 3;

/** What is open while there is a file. */
interface Parts {
  readonly file: DiskFile;
  readonly reader: DiskReader;
  readonly thread: DiskThread;
  readonly queue: DiskQueue;
  readonly writes: DiskWrites;
  readonly pump: DiskPump;
}

/**
 * Opens the disk tier in a folder, which is made where there is none. `undefined` where it cannot be used: a line has
 * been given to `warn` then.
 * @throws ConfigError where this is not Bun, or a binary that lacks the writing thread
 */
export async function openDisk(folder: string, options: DiskOptions): Promise<DiskTier | undefined> {
  const Open = await loadSqlite(folder);
  const reopen = (): DiskFile | undefined => openFile(Open, folder, options.warn);
  const file = reopen();
  return file && new DiskTier(file, reopen, options);
}

/** The disk tier. */
export class DiskTier implements OuterTier {
  readonly name = "disk";
  readonly #options: Required<DiskOptions>;
  readonly #reopen: () => DiskFile | undefined;
  /** Absent where it is off. */
  #parts: Parts | undefined;
  readonly #asks = new DiskAsks();
  #files = 0;
  readonly #trouble: DiskTrouble;
  /** What is being closed: its last batches may fail. */
  #closing: Parts | undefined;
  /** Settles when there is a new file, or none. */
  #opening: Promise<void> | undefined;
  /** Less than was asked for where the disk turned out to have less. */
  #sizeBytes: number;
  #counts: DiskCounts = { responses: 0, fileBytes: 0, evictions: 0 };
  #skipped = 0;
  #recalls = 0;
  #found = 0;

  /** Made by `openDisk`. */
  constructor(file: DiskFile, reopen: () => DiskFile | undefined, options: DiskOptions) {
    this.#options = resolved(options);
    this.#trouble = new DiskTrouble(options.warn);
    this.#sizeBytes = options.sizeBytes;
    this.#reopen = reopen;
    this.#parts = this.#begun(file);
  }

  recall(key: string, fits: (head: StoredHead) => boolean): MaybePromise<readonly StoredResponse[]> {
    this.#recalls++;
    const parts = this.#parts;
    // What is stored is not the last word on it, and that is not written yet.
    if (parts === undefined || parts.queue.isUnwritten(key)) return NOTHING;
    try {
      const found = parts.reader.recall(key, fits, this.#asks.removing);
      return found instanceof Promise ? found.then((all) => this.#noted(all)) : this.#noted(found);
    } catch (error) {
      this.#readFailed(error);
      return NOTHING;
    }
  }

  put(stored: StoredResponse): void {
    const { body } = stored;
    if (body.kind === "partial") return this.drop(stored);
    if (body instanceof DiskBody) return this.#freshen(stored, body);
    const [length, maxBytes] = [lengthOf(body), maxBodyBytesOf(this.#options, this.#sizeBytes)];
    if (this.#parts === undefined || length > maxBytes || !this.#parts.pump.hasRoom(length)) {
      this.#skipped++;
      return this.drop(stored);
    }
    const { queue, pump } = this.#parts;
    const card = cardOf(stored);
    if (body.kind === "complete" && length <= CHUNK_BYTES) {
      // Not `slice`: of a Buffer that would be the same bytes, which are handed over.
      const copy = new Uint8Array(body.bytes);
      queue.add({ kind: "put", card, body: copy }, copy, card.key);
    } else pump.add(stored, card);
  }

  drop(head: StoredHead): void {
    this.#parts?.queue.add({ kind: "drop", key: head.key, variant: variantOf(head) }, undefined, head.key);
  }

  /** A write for a body that need not fit into memory. Its response may be answered with at once. */
  write(head: StoredHead, lengthBytes: number | undefined): Writer | undefined {
    const maxBytes = maxBodyBytesOf(this.#options, this.#sizeBytes);
    if (this.#parts === undefined || (lengthBytes ?? 0) > maxBytes || !this.#parts.queue.hasRoom(0)) {
      this.#skipped++;
      return undefined;
    }
    return this.#parts.writes.begin({ head, card: cardOf(head), lengthBytes, maxBytes, isPut: false });
  }

  remove(target: InvalidationTarget): Promise<number> {
    return this.#ask((queue, ask) => queue.add({ kind: "remove", ask, target }), target);
  }

  used(uses: ReadonlyMap<string, number>): void {
    if (uses.size > 0 && this.#parts?.queue.hasRoom(0) === true)
      this.#parts.queue.add({ kind: "used", uses: [...uses] });
  }

  /** What was kept under a name; `undefined` where nothing is, or it cannot be read. Never throws. */
  getMeta(name: string): string | undefined {
    try {
      return this.#parts?.reader.meta(name);
    } catch (error) {
      this.#readFailed(error);
      return undefined;
    }
  }

  /** Keeps a text under a name; it is durable when it settles. Never rejects. */
  async setMeta(name: string, value: string): Promise<void> {
    await this.#ask((queue, ask) => queue.add({ kind: "meta", ask, name, value }));
  }

  stats(): OuterStats {
    return {
      isWell: this.#parts !== undefined && this.#trouble.isOver,
      responses: this.#counts.responses,
      storedBytes: this.#counts.fileBytes,
      budgetBytes: this.#sizeBytes,
      queued: (this.#parts?.queue.length ?? 0) + (this.#parts?.pump.length ?? 0),
      skipped: this.#skipped,
      evictions: this.#counts.evictions,
      recalls: this.#recalls,
      found: this.#found,
    };
  }

  async close(): Promise<void> {
    await this.#opening;
    const parts = this.#parts;
    if (parts === undefined) return;
    await parts.pump.idle();
    parts.queue.flush();
    this.#parts = undefined;
    this.#closing = parts;
    // First: who closes the file last clears its log away, and can do so only where it may write.
    parts.reader.close();
    await parts.thread.close(false);
    this.#asks.answerAll();
    parts.writes.end();
  }

  #begun(file: DiskFile): Parts {
    this.#files++;
    this.#trouble.renewed();
    const { inMemoryBytes, queueBytes, clockMs } = this.#options;
    const sizeBytes = this.#sizeBytes;
    const reader = new DiskReader(file.reading, inMemoryBytes, {
      onDamage: (key, id, bodyId) => {
        this.#trouble.damaged(file.path);
        queue.add({ kind: "lose", key, id, bodyId }, undefined, key);
      },
      onReading: (bodyId, isRead) => queue.add({ kind: "reading", bodyId, isRead }),
    });
    const thread = new DiskThread(
      { path: file.path, sizeBytes, owner: `${process.pid}:${randomUUID()}` },
      (message) => this.#told(message),
      // One that never ran has done nothing to the file.
      (why) => this.#giveUp(why, thread.hasSpoken || this.#asks.removing.length > 0 ? "aside" : "leave"),
    );
    const queue = new DiskQueue(
      (operations, bodies) => thread.send(operations, bodies, clockMs()),
      queueBytes,
    );
    const writes = new DiskWrites(queue, reader);
    return {
      file,
      reader,
      thread,
      queue,
      writes,
      pump: new DiskPump(queue, writes, { maxBytes: queueBytes, onSkip: () => void this.#skipped++ }),
    };
  }

  #told(message: FromDisk): void {
    // What it says has been done is seen from now on.
    this.#parts?.reader.renew();
    if (message.kind === "done") this.#done(message);
    else if (message.kind === "counts") this.#counts = message.counts;
    else if (message.kind === "broken") this.#giveUp(message.why, message.isDamaged ? "aside" : "delete");
  }

  #done({ batches, commits, lost, answers, skipped, trouble, counts }: DiskDone): void {
    this.#counts = counts;
    this.#skipped += skipped;
    this.#trouble.written(trouble);
    const settled = [...commits, ...lost.map((write) => [write, 0] as const)];
    for (const [write, bodyId] of settled) this.#parts?.writes.settle(write, bodyId);
    for (const [ask, count] of answers) this.#asks.answer(ask, count);
    this.#parts?.queue.done(batches);
  }

  #readFailed(error: unknown): void {
    const code = codeOf(error);
    if (isDamage(error)) return this.#giveUp(code, "aside");
    this.#trouble.unread(code);
  }

  /** The file cannot be relied on: what was removed goes with it, and a new one is begun. */
  #giveUp(why: string, how: "aside" | "delete" | "leave"): void {
    const parts = this.#parts ?? this.#closing;
    if (parts === undefined) return;
    const isClosing = this.#parts === undefined;
    this.#parts = this.#closing = undefined;
    this.#counts = { ...this.#counts, responses: 0, fileBytes: 0 };
    this.#skipped += parts.queue.clear();
    parts.writes.end();
    parts.reader.close();
    const { path, inode } = parts.file;
    this.#asks.answerAll();
    if (how === "leave")
      return this.#options.warn(`disk: its thread cannot run (${why}); Larder runs without`);
    try {
      if (how === "delete") this.#sizeBytes = Math.min(this.#sizeBytes, deleteFile(path, inode) * SPARING);
      const aside = how === "delete" ? "deleted" : `now ${setAside(path, inode) ?? "another one"}`;
      this.#options.warn(`disk: ${path} cannot be relied on (${why}); it is ${aside}`);
      if (!isClosing) this.#opening = this.#goOn(parts);
    } catch (error) {
      this.#options.warn(`disk: ${path} cannot be relied on (${why}), nor set aside (${codeOf(error)})`);
    }
  }

  /** With a new file: once nobody has the old one open any more, whose room is free only then. */
  async #goOn({ thread }: Parts): Promise<void> {
    await thread.close(true);
    const file = this.#files < MAX_FILES ? this.#reopen() : undefined;
    if (file !== undefined) this.#parts = this.#begun(file);
    else this.#options.warn("disk: it is given up");
  }

  /** Asks for what is to be durable; settles with the count, or with 0 where there is no file. */
  #ask(add: (queue: DiskQueue, ask: number) => void, removal?: InvalidationTarget): Promise<number> {
    const queue = this.#parts?.queue;
    if (queue === undefined) return Promise.resolve(0);
    const { ask, answer } = this.#asks.add(removal);
    add(queue, ask);
    queue.flushSoon();
    return answer;
  }

  /** Another head for what lies there already; once that is known to lie there. */
  #freshen(stored: StoredResponse, body: DiskBody): void {
    const parts = this.#parts;
    if (parts === undefined || body.source !== parts.reader) return this.drop(stored);
    const card = cardOf(stored);
    const add = (bodyId: number): void => {
      if (bodyId !== 0 && this.#parts === parts)
        parts.queue.add({ kind: "freshen", card, bodyId }, undefined, card.key);
    };
    const { bodyId, settled } = body.place;
    if (bodyId === undefined) void settled?.then(add);
    else add(bodyId);
  }

  #noted(found: readonly StoredResponse[]): readonly StoredResponse[] {
    if (found.length > 0) this.#found++;
    return found;
  }
}

const NOTHING: readonly StoredResponse[] = Object.freeze([]);
