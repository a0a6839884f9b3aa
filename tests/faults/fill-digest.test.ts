// Answers: is a body whose digest is wrong ever stored, or taken for whole?
// Owns: the claims about Repr-Digest and Content-Digest (RFC 9530): which count, over which bytes, when.
// Leaves out: bodies that break off (`fill-break.test.ts`).
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { FieldRecord } from "../scripted-origin.ts";
import { dying, RESUMABLE } from "./dying-origin.ts";
import { atEvery, expectCut, expectWhole, faultInCut, FRESH, numbered, Rig, TEST_LIMIT_MS } from "./rig.ts";
import { cacheStatusIn } from "./stream-client.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const WHOLE = numbered(60);
const LARGE = numbered(300_000);

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start(["--breaker", "0"]);
});
afterAll(() => rig.stop());

/** A member of a digest field, over latin1 text. */
function digest(algorithm: "sha-256" | "sha-512", text: string): string {
  const name = algorithm === "sha-256" ? "sha256" : "sha512";
  return `${algorithm}=:${new Bun.CryptoHasher(name).update(Buffer.from(text, "latin1")).digest("base64")}:`;
}

const RIGHT = digest("sha-256", WHOLE);
const RIGHT_512 = digest("sha-512", WHOLE);
const WRONG = digest("sha-256", `${WHOLE}!`);
const WRONG_512 = digest("sha-512", `${WHOLE}!`);

/** Field values that are kept, and those that are broken. */
const STORED: readonly (readonly [what: string, value: string])[] = [
  ["sha-256", RIGHT],
  ["sha-512", RIGHT_512],
  ["both", `${RIGHT}, ${RIGHT_512}`],
  ["both the other way round, with parameters", `${RIGHT_512};x=1,${RIGHT}`],
  ["an algorithm nobody knows", "xyz=:AAAA:"],
  ["algorithms that are too weak to count", "md5=:AAAA:, sha=:AAAA:, unixsum=:AAAA:, crc32c=:AAAA:"],
  ["an unknown one beside a right one", `xyz=:AAAA:, ${RIGHT}`],
  ["what is no dictionary", "=;,"],
  ["a value that is no byte sequence", "sha-256=abc"],
  ["a value that is no base64", "sha-256=:!!!:"],
  ["a member without value", "sha-256"],
  ["a string", `sha-256="${RIGHT.slice(9, -1)}"`],
  ["nothing", ""],
];

const REFUSED: readonly (readonly [what: string, value: string])[] = [
  ["sha-256", WRONG],
  ["sha-512", WRONG_512],
  ["both", `${WRONG}, ${WRONG_512}`],
  ["sha-512 beside a right sha-256", `${RIGHT}, ${WRONG_512}`],
  ["sha-256 beside a right sha-512", `${RIGHT_512}, ${WRONG}`],
  ["sha-256 beside an unknown one", `xyz=:AAAA:, ${WRONG}`],
];

const FIELDS = ["Repr-Digest", "Content-Digest"] as const;

/** The next request is answered from the store, or not. */
async function isStored(target: string, whole: string): Promise<boolean> {
  const before = rig.origin.requests(target).length;
  expectWhole(await rig.get(target), whole);
  return rig.origin.requests(target).length === before;
}

/** Nothing of it is stored: what the origin says next is passed on, and stored. */
async function expectFilledAnew(target: string): Promise<void> {
  rig.origin.on(target, { fields: FRESH, body: "anew" });
  expect(await isStored(target, "anew")).toBe(false);
  expect(await isStored(target, "anew")).toBe(true);
}

/** The body in pieces, each of which has arrived before the next one leaves the origin. */
function answering(target: string, fields: FieldRecord, body: string): void {
  rig.origin.on(target, async (asked) => {
    await asked.head({ fields });
    for (let at = 0; at < body.length; at += 50_000) await asked.chunk(body.slice(at, at + 50_000));
    await asked.lastChunk();
  });
}

describe.each(FIELDS)("%s", (field) => {
  test.concurrent.each(STORED)("right or not to be judged: %s; whole, and stored", async (what, value) => {
    const target = `/right/${field}/${what.replaceAll(/\W+/g, "-")}`;
    rig.origin.on(target, { fields: { ...FRESH, [field]: value }, body: WHOLE });
    expectWhole(await rig.get(target), WHOLE);
    expect(await isStored(target, WHOLE)).toBe(true);
  });

  test.concurrent.each(REFUSED)(
    "wrong: %s; no clean end for anybody, nothing stored",
    async (what, value) => {
      for (const framing of ["length", "chunks"]) {
        const target = `/wrong/${field}/${framing}/${what.replaceAll(/\W+/g, "-")}`;
        const fields = { ...FRESH, [field]: value };
        if (framing === "length") rig.origin.on(target, { fields, body: WHOLE });
        else answering(target, fields, WHOLE);
        for (const got of await Promise.all([1, 2, 3].map(() => rig.get(target)))) expectCut(got, WHOLE);
        await expectFilledAnew(target);
      }
    },
  );

  test("a body with any one byte changed: no clean end, nothing stored", async () => {
    const faultAt = async (offset: number): Promise<string | undefined> => {
      const target = `/flipped/${field}/${offset}`;
      const body = `${WHOLE.slice(0, offset)}!${WHOLE.slice(offset + 1)}`;
      rig.origin.on(target, { fields: { ...FRESH, [field]: RIGHT }, body });
      const fault = faultInCut(await rig.get(target), body);
      return fault ?? expectFilledAnew(target).then(() => undefined);
    };
    expect(await atEvery(0, WHOLE.length, faultAt)).toEqual([]);
  });

  test.concurrent.each(["length", "chunks"])(
    "wrong, framed by %s: a reader that has all but the end gets no clean one, nor does one that has the first byte",
    async (framing) => {
      const target = `/late/${field}/${framing}`;
      const first = await rig.open(target);
      const asked = await rig.origin.asked(target);
      const length = framing === "length" ? { "Content-Length": String(LARGE.length) } : {};
      await asked.head({ fields: { ...FRESH, [field]: WRONG, ...length } });
      const send = (bytes: string): Promise<void> =>
        framing === "length" ? asked.send(bytes) : asked.chunk(bytes);
      await send(LARGE.slice(0, 200_000));
      const slow = await rig.open(target);
      expect(await slow.read(1)).toBe("0");
      const read = await first.read(150_000);
      await send(LARGE.slice(200_000));
      if (framing === "chunks") await asked.lastChunk();
      for (const [got, came] of [
        [await first.rest(), read],
        [await slow.rest(), "0"],
      ] as const) {
        expect(got.complete).toBe(false);
        expect(LARGE.startsWith(came + got.text)).toBe(true);
      }
      await expectFilledAnew(target);
    },
  );

  test("right over a large body in many pieces: whole, and stored", async () => {
    const target = `/pieces/${field}`;
    answering(target, { ...FRESH, [field]: digest("sha-512", LARGE) }, LARGE);
    expectWhole(await rig.get(target), LARGE);
    expect(await isStored(target, LARGE)).toBe(true);
  });

  test("RFC 9530 §2 with Content-Encoding it is over the encoded bytes", async () => {
    const gzip = Buffer.from(Bun.gzipSync(WHOLE)).toString("latin1");
    const encoded = { ...FRESH, "Content-Encoding": "gzip" };
    const accept = { fields: { "Accept-Encoding": "gzip" } };
    rig.origin.on(`/gzip/${field}`, {
      fields: { ...encoded, [field]: digest("sha-256", gzip) },
      body: Buffer.from(gzip, "latin1"),
    });
    expectWhole(await rig.get(`/gzip/${field}`, accept), gzip);
    expectWhole(await rig.get(`/gzip/${field}`, accept), gzip);
    expect(rig.origin.requests(`/gzip/${field}`).length).toBe(1);
    rig.origin.on(`/plain/${field}`, {
      fields: { ...encoded, [field]: RIGHT },
      body: Buffer.from(gzip, "latin1"),
    });
    expectCut(await rig.get(`/plain/${field}`, accept), gzip);
    await expectFilledAnew(`/plain/${field}`);
  });

  test("a response to HEAD has nothing to verify", async () => {
    rig.origin.on(`/head/${field}`, { fields: { ...FRESH, [field]: WRONG }, body: WHOLE });
    const got = await rig.get(`/head/${field}`, { method: "HEAD" });
    expect([got.status, got.complete]).toEqual([200, true]);
  });

  test("over several lines is one list", async () => {
    rig.origin.on(`/lines/${field}`, { fields: { ...FRESH, [field]: [RIGHT, WRONG_512] }, body: WHOLE });
    expectCut(await rig.get(`/lines/${field}`), WHOLE);
    await expectFilledAnew(`/lines/${field}`);
  });
});

describe("both fields", () => {
  test.each([
    ["Repr-Digest", { "Repr-Digest": WRONG, "Content-Digest": RIGHT }],
    ["Content-Digest", { "Repr-Digest": RIGHT, "Content-Digest": WRONG }],
  ])("one wrong %s is enough", async (name, fields) => {
    rig.origin.on(`/both/${name}`, { fields: { ...FRESH, ...fields }, body: WHOLE });
    expectCut(await rig.get(`/both/${name}`), WHOLE);
    await expectFilledAnew(`/both/${name}`);
  });

  test("RFC 9530 §3 of a part, Repr-Digest is over the whole, Content-Digest over the part", async () => {
    const part = WHOLE.slice(10, 20);
    const fields = { ...RESUMABLE, "Content-Range": "bytes 10-19/60", "Repr-Digest": RIGHT };
    const content = { "Content-Digest": digest("sha-256", part) };
    rig.origin.on("/part", { status: 206, fields: { ...fields, ...content }, body: part });
    const got = await rig.get("/part", { fields: { Range: "bytes=10-19" } });
    expect([got.status, got.text, got.complete]).toEqual([206, part, true]);
    rig.origin.on("/wrong-part", { status: 206, fields: { ...fields, "Content-Digest": RIGHT }, body: part });
    expectCut(await rig.get("/wrong-part", { fields: { Range: "bytes=10-19" } }), part);
  });
});

describe("a fill that was resumed", () => {
  test("is verified as a whole: right, and stored", async () => {
    rig.origin.on(
      "/resumed",
      dying({ whole: WHOLE, deaths: [20, 40], fields: { ...RESUMABLE, "Repr-Digest": RIGHT } }),
    );
    expectWhole(await rig.get("/resumed"), WHOLE);
    expect(await isStored("/resumed", WHOLE)).toBe(true);
  });

  test("is verified as a whole: wrong, and no clean end", async () => {
    rig.origin.on(
      "/mixed",
      dying({ whole: WHOLE, deaths: [20], fields: { ...RESUMABLE, "Repr-Digest": WRONG } }),
    );
    expectCut(await rig.get("/mixed"), WHOLE);
    await expectFilledAnew("/mixed");
  });
});

test("a small body with a wrong digest, of which nothing has left yet, is a 502 that says so", async () => {
  rig.origin.on("/told", { fields: { ...FRESH, "Repr-Digest": WRONG }, body: "soup" });
  const got = await rig.get("/told");
  // Where the head left before the body came, all that is left is to break off.
  if (got.status === 502) expect(cacheStatusIn(got)["detail"]).toBe("origin-corrupt");
  else expectCut(got, "soup");
});
