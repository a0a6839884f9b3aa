// Answers: does anybody take a response for whole whose origin died, at whatever byte that was?
// Owns: the claims about fills that break off: leader, followers, late followers, the store, the number of requests.
// Leaves out: fills that can be resumed (`fill-resume.test.ts`), the rules of retrying (`retry.test.ts`).
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Asked } from "../scripted-origin.ts";
import {
  atEvery,
  expectCut,
  expectWhole,
  faultInCut,
  faultInWhole,
  FRESH,
  numbered,
  Rig,
  until,
  TEST_LIMIT_MS,
} from "./rig.ts";
import { cacheStatusIn, type StreamClient } from "./stream-client.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const WHOLE = "0123456789";
const LENGTH = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\n";
const CHUNKED = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n";
const CHUNKS = "3\r\n012\r\n7;x=y\r\n3456789\r\n0\r\n\r\n";

/** How much of the content a reader can have, by how much of the message has left. */
type Content = (sent: string) => string;

const FRAMINGS: readonly (readonly [name: string, head: string, body: string, content: Content])[] = [
  ["Content-Length", LENGTH, WHOLE, (sent) => sent.slice(LENGTH.length)],
  ["chunks", CHUNKED, CHUNKS, (sent) => contentOf(sent.slice(CHUNKED.length))],
];

const ENDS: readonly (readonly [how: string, end: (asked: Asked) => void])[] = [
  ["ends its connection", (asked) => asked.end()],
  ["breaks it off", (asked) => asked.breakOff()],
  ["resets it", (asked) => asked.reset()],
];

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start(["--breaker", "0"]);
});
afterAll(() => rig.stop());

/** The content of chunks, as far as they have come. */
function contentOf(chunks: string): string {
  const [, first = "", second = ""] = /^3\r\n(.{0,3})(?:\r\n7;x=y\r\n(.{0,7}))?/.exec(chunks) ?? [];
  return first + second;
}

/** Afterwards the origin is asked again; what it says then is passed on and stored. */
async function faultAfterwards(target: string): Promise<string | undefined> {
  const before = rig.origin.requests(target).length;
  // Not to be used again: what becomes of a request on a kept connection is another story (`retry.test.ts`).
  rig.origin.on(target, { fields: { ...FRESH, Connection: "close" }, body: "anew" });
  for (const when of ["anew", "from the store"]) {
    const fault = faultInWhole(await rig.get(target), "anew");
    if (fault !== undefined) return `${when}: ${fault}`;
  }
  const asked = rig.origin.requests(target).length - before;
  return asked === 1 ? undefined : `afterwards asked ${asked} times`;
}

describe.each(ENDS)("an origin that %s", (how, end) => {
  describe.each(FRAMINGS)("in a response with %s", (framing, head, body) => {
    const path = `/${framing}/${how.replaceAll(" ", "-")}`;

    test("at every byte of the header section: 502 for all, two requests, nothing stored", async () => {
      const faultAt = async (offset: number): Promise<string | undefined> => {
        const target = `${path}/head/${offset}`;
        rig.origin.on(target, (asked) => asked.send(head.slice(0, offset)).then(() => end(asked)));
        const replies = await Promise.all([1, 2, 3].map(() => rig.get(target)));
        const odd = replies.filter(({ status, text }) => status !== 502 || text.includes(WHOLE));
        if (odd.length > 0) return `status ${odd.map(({ status }) => status).join(", ")}`;
        const asked = rig.origin.requests(target).length;
        // One retry, whoever waits; a client that comes when all is over makes two requests of its own.
        return asked > 0 && asked % 2 === 0 ? faultAfterwards(target) : `asked ${asked} times`;
      };
      expect(await atEvery(0, head.length, faultAt)).toEqual([]);
    });

    test("at every byte of the body: no clean end for anybody, nothing stored", async () => {
      const faultAt = async (offset: number): Promise<string | undefined> => {
        const target = `${path}/body/${offset}`;
        rig.origin.on(target, (asked) => asked.send(head + body.slice(0, offset)).then(() => end(asked)));
        const replies = await Promise.all([1, 2, 3].map(() => rig.get(target)));
        const faults = replies.map((got) => faultInCut(got, WHOLE)).filter((one) => one !== undefined);
        return faults[0] ?? faultAfterwards(target);
      };
      // Without its very last CRLF a chunked message lacks nothing but the end of its trailers.
      const whole = framing === "chunks" ? body.length - "\r\n".length : body.length;
      expect(await atEvery(0, whole, faultAt)).toEqual([]);
    });
  });
});

describe.each(FRAMINGS)("readers that have all that came, with %s", (framing, head, body, content) => {
  test("at every byte: leader, follower and late follower are cut off, and the origin is not asked again", async () => {
    const faultAt = async (offset: number): Promise<string | undefined> => {
      const target = `/read/${framing}/${offset}`;
      const sent = head + body.slice(0, offset);
      const came = content(sent);
      const readers = [rig.open(target)];
      const asked = await rig.origin.asked(target);
      readers.push(rig.open(target));
      await asked.send(sent);
      const reading = readers.map(async (reader) => (await reader).read(came.length));
      readers.push(rig.open(target));
      const late = Promise.resolve(readers[2]).then((reader) => reader?.read(came.length));
      const read = await Promise.all([...reading, late]);
      if (read.some((text) => text !== came)) return `read ${JSON.stringify(read)} of ${came}`;
      asked.breakOff();
      const rests = await Promise.all(readers.map(async (reader) => (await reader).rest()));
      const faults = rests.map((got) =>
        got.complete || got.text !== "" ? `a clean end or more: ${got.text}` : "",
      );
      const fault = faults.find((one) => one !== "");
      const count = rig.origin.requests(target).length;
      return fault ?? (count === 1 ? faultAfterwards(target) : `asked ${count} times`);
    };
    const first = framing === "chunks" ? "3\r\n0".length : 1;
    const end = framing === "chunks" ? body.length - "0\r\n\r\n".length : body.length;
    expect(await atEvery(first, end, faultAt)).toEqual([]);
  });
});

describe("a large body", () => {
  const large = numbered(1_000_000);

  test.each([1, 65_535, 65_536, 500_000, 999_999])(
    "that breaks after %i bytes: a slow reader gets no more than what came, and no clean end",
    async (offset) => {
      const target = `/large/${offset}`;
      const opening: Promise<StreamClient> = rig.open(target);
      const asked = await rig.origin.asked(target);
      await asked.head({ fields: { ...FRESH, "Content-Length": String(large.length) } });
      const sent = asked.send(large.slice(0, offset));
      const slow = await opening;
      expect(await slow.read(1)).toBe("0");
      const fast = await rig.open(target);
      expect(await fast.read(1)).toBe("0");
      await sent;
      asked.breakOff();
      const got = await fast.rest();
      expectCut({ ...got, text: `0${got.text}` }, large);
      const { text, complete } = await slow.rest();
      expect([large.startsWith(`0${text}`), complete]).toEqual([true, false]);
      expect(await faultAfterwards(target)).toBeUndefined();
    },
  );
});

describe("a body that does not fit its framing", () => {
  test.each([
    ["a chunk size that is none", `${CHUNKED}3\r\n012\r\nx\r\n3456789\r\n0\r\n\r\n`],
    ["a chunk longer than its size", `${CHUNKED}3\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n`],
    ["a negative chunk size", `${CHUNKED}3\r\n012\r\n-7\r\n3456789\r\n0\r\n\r\n`],
    ["a chunk size beyond all numbers", `${CHUNKED}3\r\n012\r\nfffffffffffffffff\r\n3456789\r\n0\r\n\r\n`],
    ["two lengths that differ", `${LENGTH.replace("\r\n\r\n", "\r\nContent-Length: 4\r\n\r\n")}${WHOLE}`],
  ])("%s: no clean end, nothing stored", async (name, message) => {
    const target = `/corrupt/${name.replaceAll(" ", "-")}`;
    rig.origin.on(target, (asked) => asked.send(message));
    expectCut(await rig.get(target), WHOLE);
    expect(await faultAfterwards(target)).toBeUndefined();
  });

  test("bytes after the end reach neither the client nor the next response", async () => {
    rig.origin.on("/excess", (asked) =>
      asked.send(`${LENGTH}${WHOLE}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`),
    );
    expectWhole(await rig.get("/excess"), WHOLE);
    rig.origin.on("/next", { fields: FRESH, body: "good" });
    expectWhole(await rig.get("/next"), "good");
    expectWhole(await rig.get("/excess"), WHOLE);
  });

  test("bytes that come one at a time are one whole response, which is stored", async () => {
    for (const [framing, head, body] of FRAMINGS) {
      const target = `/one-by-one/${framing}`;
      rig.origin.on(target, async (asked) => {
        for (const byte of head + body) await asked.send(byte);
      });
      expectWhole(await rig.get(target), WHOLE);
      await until(async () => cacheStatusIn(await rig.get(target))["hit"] === true, "a hit");
      expectWhole(await rig.get(target), WHOLE);
      expect(rig.origin.requests(target).length).toBe(1);
    }
  });
});
