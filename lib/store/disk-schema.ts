// Answers: what the file of the disk tier looks like inside.
// Owns: its tables, their version, how texts are hashed, what tells bytes that have changed, how large its pieces are, what an error of SQLite means.
// Leaves out: opening it (`disk-file.ts`), writing (`disk-tables.ts`), reading (`disk-reader.ts`).
import { HEAD_VERSION } from "./head-version.ts";

/** Changes with the tables below and with the form of heads: a file of another version is not read. */
export const FILE_VERSION = 2000 + HEAD_VERSION;

/** Says that a SQLite file is ours: `Lard`. */
export const APPLICATION_ID = 0x4c617264;

/** Bytes of a page: a body of 10 KB takes two, and fewer reads than with smaller ones. */
export const PAGE_BYTES = 8192;

/** Larger bodies lie in chunks of this size, in bytes. */
export const CHUNK_BYTES = 65_536;

/** Chunks of one body: 64 GB. The number of a chunk is `bodyId * CHUNKS + at`, reckoned by SQLite in 64 bits. */
export const CHUNKS = 2 ** 20;

/**
 * `entries` is the index: rows of some hundred bytes, so that uses, soft removals and prefixes need not touch bodies,
 * which lie beside the head in `contents`, or in `chunks`. No id is ever given twice: who reads by one finds its body, or
 * nothing. `bodies` are those that are being written, `orphans` those whose chunks are to go, `removals` what has been
 * removed and is still there: no reader takes it for stored. `sum` tells bytes that have changed (`sumOf`): SQLite does not
 * look for that.
 */
export const SCHEMA = `
CREATE TABLE entries(id INTEGER PRIMARY KEY AUTOINCREMENT, hash INTEGER NOT NULL, key TEXT NOT NULL,
  variant TEXT NOT NULL, soft INTEGER NOT NULL, priority REAL NOT NULL, uses INTEGER NOT NULL,
  stale INTEGER NOT NULL, bytes INTEGER NOT NULL, length INTEGER NOT NULL, body INTEGER NOT NULL, labels TEXT NOT NULL);
CREATE INDEX entries_hash ON entries(hash);
CREATE INDEX entries_priority ON entries(priority);
CREATE TABLE contents(id INTEGER PRIMARY KEY, head TEXT NOT NULL, body BLOB, sum INTEGER NOT NULL);
CREATE TABLE chunks(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE labels(label INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY(label, id)) WITHOUT ROWID;
CREATE TABLE bodies(id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, key TEXT NOT NULL, labels TEXT NOT NULL);
CREATE TABLE orphans(id INTEGER PRIMARY KEY);
CREATE TABLE removals(seq INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, last INTEGER NOT NULL,
  at INTEGER NOT NULL, owner TEXT NOT NULL);
CREATE TABLE counters(id INTEGER PRIMARY KEY, responses INTEGER NOT NULL, level REAL NOT NULL,
  touches INTEGER NOT NULL);
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES(1, 0, 0, 0);
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${FILE_VERSION};
`;

/** 64 bits of a text: by these keys and labels are found. A key is compared besides; two labels that have the same are one. */
export function hashOf(text: string): bigint {
  return BigInt.asIntN(64, Bun.hash.xxHash64(text));
}

/**
 * 32 bits of a text, and of bytes besides. The text says whose bytes they are, so that those of another row, which are
 * whole, are not taken for them where it is the number of a row that has changed.
 */
export function sumOf(text: string, bytes?: Uint8Array): number {
  const sum = Bun.hash.xxHash32(text);
  return bytes === undefined ? sum : Bun.hash.xxHash32(bytes, sum);
}

/** What of an entry goes into the sum of its contents besides an inline body: `bodyId` is 0 where there is one. */
export function sumTextOf(key: string, length: number, bodyId: number, head: string): string {
  return `${length} ${bodyId} ${key}\n${head}`;
}

/** What goes into the sum of a chunk besides its bytes. */
export function chunkTextOf(bodyId: number, at: number): string {
  return `${bodyId} ${at}`;
}

/** The name of an error of SQLite, `SQLITE_FULL`; of any other its message. */
export function codeOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === "string" ? code : String(message ?? error);
}

/** Whether an error says that the file is damaged, or none of SQLite at all. */
export function isDamage(error: unknown): boolean {
  return /^SQLITE_(?:CORRUPT|NOTADB)/.test(codeOf(error));
}

/** Whether the process that opened the file under this name is alive; `own` is the name of this one. */
export function isAlive(owner: string, own: string): boolean {
  if (owner === own) return true;
  const pid = Number(owner.split(":")[0]);
  // A process that has the same number now is not the one that left its name here.
  if (pid === process.pid) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}
