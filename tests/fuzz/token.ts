// Answers: which request a message is about.
// Owns: the names that requests carry in their target and in X-Fuzz, and that answers carry in X-Answers.
// Leaves out: where they are compared (`oracle.ts`). A changed digit makes another name, so each carries a checksum.
import { valuesOf, type Field } from "./message-grammar.ts";

/** What a request is named by: the number of its case, and its place in it or what else it is. */
export interface Named {
  readonly number: number;
  readonly place: string;
}

/** Targets under this many names are shared by all cases, so that there are hits. */
export const SHARED = 48;

/** `12.0.x3k`: case 12, its first request. `place` is a number, `same`, `fresh` or `smuggled`. */
export function tokenFor(number: number, place: number | string): string {
  return `${number}.${place}.${checksum(`${number}.${place}`)}`;
}

/** The name in the target, else in X-Fuzz, else none; for a shared target, `c7` and its like. */
export function tokenOf(target: string, fields: readonly Field[]): string | undefined {
  const shared = /^(?:https?:\/\/[^/?#]*)?\/c\/(\d+)(?:\?.*)?$/i.exec(target)?.[1];
  if (shared !== undefined && Number(shared) < SHARED) return `c${Number(shared)}`;
  return [target, ...valuesOf(fields, "x-fuzz")].map(tokenIn).find((token) => token !== undefined);
}

/** The first name with the right checksum. */
export function tokenIn(text: string): string | undefined {
  const found = text.matchAll(/(\d+)\.(\d+|same|fresh|smuggled)\.([0-9a-z]+)/g);
  return [...found].find(([, number, place, sum]) => checksum(`${number}.${place}`) === sum)?.[0];
}

/** Whose request that is; `undefined` for a shared target. */
export function namedBy(token: string): Named | undefined {
  const [number, place] = token.split(".");
  return place === undefined ? undefined : { number: Number(number), place };
}

/** The body of the answer that carries that name: every byte of it tells where it belongs. */
export function answerBody(token: string, serial: string, size: number): string {
  const unit = `${token}#${serial};`;
  return unit.repeat(Math.ceil(size / unit.length)).slice(0, size);
}

function checksum(text: string): string {
  return (Bun.hash.crc32(text) % 46_656).toString(36).padStart(3, "0");
}
