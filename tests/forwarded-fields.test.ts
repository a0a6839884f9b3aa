// Answers: do fields that frameworks believe stay here, however they are spelled?
// Owns: the claims about `lib/forwarded-fields.ts`.
// Leaves out: what the origin sees over a socket (`attacks/believed-fields.test.ts`).
import { describe, expect, test } from "bun:test";
import { BELIEVED_FIELDS, withoutBelieved } from "../lib/forwarded-fields.ts";

function left(fields: Record<string, string>, method = "GET"): string[] {
  const headers = new Headers(fields);
  withoutBelieved(headers, method);
  return [...headers.keys()];
}

const METHOD_FIELDS = BELIEVED_FIELDS.filter((field) => field.as === "method").map(({ name }) => name);
const OTHERS = BELIEVED_FIELDS.map(({ name }) => name).filter((name) => !METHOD_FIELDS.includes(name));

describe("a believed field is gone", () => {
  test.each(BELIEVED_FIELDS.map(({ name }) => name))("%s in GET, in every spelling", (name) => {
    for (const spelled of [
      name,
      name.replaceAll("-", "_"),
      name.replaceAll("-", "."),
      name.replace("-", "_"),
    ]) {
      expect([spelled, left({ [spelled]: "x" })]).toEqual([spelled, []]);
    }
  });

  test.each(OTHERS)("%s in POST too", (name) => expect(left({ [name]: "x" }, "POST")).toEqual([]));

  test.each(["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "QUERY"])("the method fields in %s", (method) => {
    for (const name of METHOD_FIELDS) expect(left({ [name]: "x" }, method)).toEqual([]);
  });
});

describe("what stays", () => {
  test.each(METHOD_FIELDS)("%s in POST, as it is spelled in its documentation", (name) => {
    expect(left({ [name]: "PATCH" }, "POST")).toEqual([name]);
    expect(left({ [name.replaceAll("-", "_")]: "PATCH" }, "POST")).toEqual([]);
  });

  test("the fields that a gateway adds to, in their own spelling only", () => {
    expect(left({ "x-forwarded-for": "1.2.3.4", via: "1.1 a", "cdn-loop": "b" })).toEqual([
      "cdn-loop",
      "via",
      "x-forwarded-for",
    ]);
    expect(left({ x_forwarded_for: "1.2.3.4", cdn_loop: "b" })).toEqual([]);
  });

  test("all others, with underscores or not", () => {
    const fields = { accept: "a", my_field: "b", "x-hosts": "c", "x-requested-with": "d" };
    expect(left(fields).sort()).toEqual(Object.keys(fields).sort());
  });

  test("every row has a name in lower case, once, and says who believes it", () => {
    const names = BELIEVED_FIELDS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, sources } of BELIEVED_FIELDS) {
      expect(name).toMatch(/^[a-z-]+$/);
      expect(sources.length).toBeGreaterThan(5);
    }
  });
});
