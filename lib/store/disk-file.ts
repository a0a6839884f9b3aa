// Answers: can a folder keep what is stored?
// Owns: making and opening `larder.sqlite`, knowing one that is damaged or of another version, setting it aside.
// Leaves out: what is in it (`disk-schema.ts`), who uses it (`disk.ts`).
import type { Database } from "bun:sqlite";
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../errors.ts";
import { hasWriter } from "./disk-thread.ts";
import { APPLICATION_ID, codeOf, FILE_VERSION, isDamage, PAGE_BYTES, SCHEMA } from "./disk-schema.ts";

type Open = typeof Database;

/** A file that is open for reading, and can be opened for writing by another thread. */
export interface DiskFile {
  readonly path: string;
  readonly reading: Database;
  /** Which file it is, whatever it is called by now. */
  readonly inode: number;
}

/** SQLite's own. @throws ConfigError where this is not Bun, or a binary that lacks the writing thread. */
export async function loadSqlite(folder: string): Promise<Open> {
  if (process.versions.bun === undefined) throw new ConfigError("--disk", folder, "needs Bun");
  if (!hasWriter())
    throw new ConfigError(
      "--disk",
      folder,
      "needs a binary that is built with lib/store/disk-writer.ts besides",
    );
  return (await import("bun:sqlite")).Database;
}

/**
 * Opens the file of a folder, or makes it. What is there and no use is set aside, with a line to `warn`; `undefined`, with
 * a line as well, where the folder cannot be used. Reads nothing but the first pages and a log that was left.
 */
export function openFile(Open: Open, folder: string, warn: (line: string) => void): DiskFile | undefined {
  const path = join(folder, "larder.sqlite");
  try {
    mkdirSync(folder, { recursive: true });
    for (let time = 0; ; time++) {
      const trouble = prepared(Open, path);
      if (typeof trouble !== "string") return trouble;
      if (time > 0) throw new Error(trouble);
      const aside = setAside(path);
      warn(`disk: ${path} is ${trouble}; it is now ${aside}, and a new one is begun`);
    }
  } catch (error) {
    warn(`disk: ${folder} cannot be used (${codeOf(error)}); Larder runs without it`);
    return undefined;
  }
}

/** The file, open; or what is wrong with it. */
function prepared(Open: Open, path: string): DiskFile | string {
  let making: Database | undefined;
  try {
    making = new Open(path, { create: true });
    making.run("PRAGMA busy_timeout = 5000");
    if (isEmpty(making)) make(making);
    const version = numberOf(making, "PRAGMA user_version");
    if (numberOf(making, "PRAGMA application_id") !== APPLICATION_ID) return "no file of Larder";
    if (version !== FILE_VERSION) return `of another version (${version}, not ${FILE_VERSION})`;
    // Fails where the folder can be read and not written.
    making.run("BEGIN IMMEDIATE; UPDATE counters SET responses = responses WHERE id = 1; COMMIT");
    const reading = new Open(path, { readonly: true });
    reading.run("PRAGMA busy_timeout = 20");
    numberOf(reading, "SELECT count(*) FROM counters");
    return { path, reading, inode: statSync(path).ino };
  } catch (error) {
    if (isDamage(error)) return `damaged (${codeOf(error)})`;
    throw error;
  } finally {
    making?.close();
  }
}

function isEmpty(db: Database): boolean {
  return numberOf(db, "SELECT count(*) FROM sqlite_schema") === 0;
}

function make(db: Database): void {
  db.run(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL`);
  db.run("BEGIN IMMEDIATE");
  try {
    // Another process may have been faster.
    if (isEmpty(db)) db.run(SCHEMA);
    db.run("COMMIT");
  } catch (error) {
    db.run("ROLLBACK");
    throw error;
  }
}

/** The first number that a statement gives. */
function numberOf(db: Database, sql: string): number {
  const statement = db.prepare(sql);
  const [[value] = []] = statement.values();
  statement.finalize();
  return Number(value);
}

/**
 * Gives a file another name, for a person to look at; what it is called then. Where it is not the file of this inode any
 * more, another process has done so.
 * @throws where the folder cannot be written
 */
export function setAside(path: string, inode?: number): string | undefined {
  if (inode !== undefined && inodeOf(path) !== inode) return undefined;
  let number = 1;
  while (existsSync(`${path}.damaged-${number}`)) number++;
  const aside = `${path}.damaged-${number}`;
  for (const part of ["", "-wal", "-shm"]) if (existsSync(path + part)) renameSync(path + part, aside + part);
  return aside;
}

/**
 * Deletes a file: where the disk is full, to keep it would help nobody. How many bytes it had; infinity where it is not
 * the file of this inode any more.
 * @throws where the folder cannot be written
 */
export function deleteFile(path: string, inode: number): number {
  if (inodeOf(path) !== inode) return Infinity;
  let bytes = 0;
  for (const part of ["", "-wal", "-shm"]) {
    bytes += statSync(path + part, { throwIfNoEntry: false })?.size ?? 0;
    rmSync(path + part, { force: true });
  }
  return bytes;
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
