// Answers: what is stored under a key in a version, and what a removal means?
// Owns: content that follows from key and version, so that every byte can be judged; keys with their tags and prefixes.
// Leaves out: who stores it (`child.ts`), who judges (`judge.ts`).
import type { StoredHead, StoredResponse } from "../../lib/message.ts";
import { FieldBlock } from "../../lib/store/field-block.ts";
import { headFor } from "../store/contract.ts";

/** Keys that take part. */
export const KEYS = 300;

/** The key of this number: one of 5 prefixes. */
export function keyOf(number: number): string {
  return `${prefixOf(number % 5)}${number}`;
}

export function prefixOf(number: number): string {
  return `http://torture.test/p${number}/`;
}

/** One of 7 tags, by which a key is marked. */
export function tagOf(number: number): string {
  return `t${number % 7}`;
}

/** The head of a version of a key, which it names; `content` where its content is that of another version. */
export function headOf(number: number, version: number, content = version): StoredHead {
  const versions = `\r\nX-Version: ${version}\r\nX-Content: ${content}`;
  const lines = `\r\nContent-Type: text/plain${versions}\r\nXkey: ${tagOf(number)} all`;
  return { ...headFor(keyOf(number)), fields: new FieldBlock(lines) };
}

/** The version that a head names, and the one whose content it has: a freshened one has that of an older one. */
export function versionsOf(head: StoredHead): { version: number; content: number } {
  const version = Number(head.fields.get("x-version"));
  return { version, content: Number(head.fields.get("x-content") ?? version) };
}

/** The content of a version of a key: mostly small, sometimes empty, sometimes as large as a megabyte. */
export function contentOf(key: string, version: number): Uint8Array<ArrayBuffer> {
  let state = Number(Bun.hash.xxHash32(`${key} ${version}`)) | 1;
  const next = (): number => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223;
    return state >>> 0;
  };
  const kind = (next() >>> 8) % 40;
  const most = kind === 0 ? 1 : kind === 1 ? 1_000_000 : kind < 5 ? 200_000 : 20_000;
  const length = (next() >>> 4) % most;
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let at = 0; at < words.length; at++) words[at] = next();
  return new Uint8Array(words.buffer, 0, length);
}

/** A stored response with the content of its version. */
export function responseOf(number: number, version: number): StoredResponse {
  const bytes = contentOf(keyOf(number), version);
  return { ...headOf(number, version), body: { kind: "complete", bytes }, sizeBytes: 0 };
}
