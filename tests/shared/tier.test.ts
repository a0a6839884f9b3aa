// Answers: does the shared tier keep what nodes put there, and find it again for all of them?
// Owns: the contract of an outer tier on a real Redis: put, recall, variants, bytes, limits, names.
// Leaves out: purges (`purge.test.ts`), leases (`lease.test.ts`), faults (`faults.test.ts`).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { textOnce } from "../../lib/store/field-block.ts";
import {
  describeWithRedis,
  fill,
  freshHead,
  openNode,
  responseOf,
  startRedis,
  textsIn,
  urlAt,
  written,
  type Node,
  type Redis,
} from "./redis-process.ts";

describeWithRedis("the shared tier", () => {
  let redis: Redis;
  let one: Node;
  let other: Node;
  let count = 0;
  const newKey = (): string => `http://larder.test/menu/${++count}`;

  beforeAll(async () => {
    redis = await startRedis();
    [one, other] = [await openNode(urlAt(redis.port)), await openNode(urlAt(redis.port))];
  });
  afterAll(async () => {
    await Promise.all([one.tier.close(), other.tier.close()]);
    await redis.end();
  });

  test("what one node puts the other recalls, head and body", async () => {
    const head = freshHead(newKey(), "en");
    await fill(one.tier, head, "tea");
    const [found] = await other.tier.recall(head.key, () => true);
    expect(found).toMatchObject({ key: head.key, status: 200, staleAt: head.staleAt, isPurged: false });
    expect(found!.selecting).toEqual(head.selecting);
    expect(textOnce(found!.fields)).toBe(textOnce(head.fields));
    expect(await textsIn(other.tier, head.key)).toEqual(["tea"]);
    expect(await textsIn(other.tier, newKey())).toEqual([]);
  });

  test.each([0, 1, 256, 16_384, 16_385, 100_000])("%d bytes of all values come back", async (length) => {
    const head = freshHead(newKey());
    const bytes = Uint8Array.from({ length }, (_, at) => (at * 7 + (at >> 8)) % 256);
    await fill(one.tier, head, bytes);
    const [found] = await other.tier.recall(head.key, () => true);
    expect(found?.body).toEqual({ kind: "complete", bytes });
    expect(found!.sizeBytes).toBeGreaterThan(length);
  });

  test("header fields with every byte value come back", async () => {
    const value = Array.from({ length: 256 }, (_, at) => String.fromCharCode(at))
      .filter((letter) => !/[\0\r\n]/.test(letter))
      .join("")
      .trim();
    const head = freshHead(newKey(), undefined, { "x-all": value });
    await fill(one.tier, head, "tea");
    const [found] = await other.tier.recall(head.key, () => true);
    expect(found!.fields.get("x-all")).toBe(head.fields.get("x-all"));
  });

  test("a Blob and an outside body are kept as bytes, half a body is not", async () => {
    const outside = {
      kind: "outside" as const,
      length: 6,
      read: () => new Blob(["abc", "def"]).stream(),
      isThere: () => true,
    };
    for (const body of [{ kind: "blob" as const, blob: new Blob(["abcdef"]) }, outside]) {
      const head = freshHead(newKey());
      const turn = await one.tier.turn(head.key, { hasArrived: async () => false, waitMs: 1000 });
      one.tier.put({ ...responseOf(head, ""), body }, turn.kind === "ours" ? turn.mark : undefined);
      await written(one.tier);
      expect(await textsIn(other.tier, head.key)).toEqual(["abcdef"]);
      one.tier.put(
        { ...responseOf(head, ""), body: { ...outside, length: 7 } },
        { fence: 9e15, asOf: one.tier.position },
      );
      await written(one.tier);
      expect(await textsIn(other.tier, head.key)).toEqual([]);
    }
  });

  test("variants stand beside each other, the last at the end; one takes the place of its like", async () => {
    const key = newKey();
    for (const [language, text] of [
      ["en", "tea"],
      ["de", "Tee"],
      ["fr", "thé"],
      ["de", "Tee!"],
    ] as const)
      await fill(one.tier, freshHead(key, language), text);
    expect(await textsIn(other.tier, key)).toEqual(["tea", "thé", "Tee!"]);
    const english = freshHead(key, "en").selecting!.values;
    const found = await other.tier.recall(key, ({ selecting }) => selecting?.values === english);
    expect(found.map(({ selecting }) => selecting?.values)).toEqual([english]);
  });

  test("a body that lies apart goes with its variant", async () => {
    const key = newKey();
    const large = "x".repeat(20_000);
    await fill(one.tier, freshHead(key), large);
    await fill(one.tier, freshHead(key), `${large}y`);
    expect((await textsIn(other.tier, key))[0]?.length).toBe(20_001);
    const bodies = (await redis.client.call("keys", "larder:*:b:*")) as string[];
    const [entry] = (await Promise.all(bodies.map((name) => redis.client.call("strlen", name)))).filter(
      (length) => length === 20_000,
    );
    expect(entry).toBeUndefined();
    other.tier.drop(freshHead(key));
    await written(other.tier);
    expect(await textsIn(one.tier, key)).toEqual([]);
  });

  test("what is dropped is gone, its sister is not", async () => {
    const key = newKey();
    for (const language of ["en", "de"]) await fill(one.tier, freshHead(key, language), language);
    other.tier.drop(freshHead(key, "en"));
    await written(other.tier);
    expect(await textsIn(one.tier, key)).toEqual(["de"]);
  });

  test("what is too large, unmarked or selected by a credential is not kept, and its older like goes", async () => {
    const isGone = async (put: (head: ReturnType<typeof freshHead>) => unknown): Promise<void> => {
      const head = freshHead(newKey());
      await fill(one.tier, head, "old");
      await put(head);
      await written(one.tier);
      expect(await textsIn(one.tier, head.key)).toEqual([]);
    };
    await isGone((head) => fill(one.tier, head, new Uint8Array(100_001)));
    await isGone((head) => one.tier.put(responseOf(head, "new")));
    await isGone((head) =>
      fill(one.tier, freshHead(head.key, undefined, { "x-large": "x".repeat(70_000) }), "new"),
    );
    const head = { ...freshHead(newKey()), selecting: { names: ["cookie"], values: "=sid=secret" } };
    await fill(one.tier, head, "mine");
    expect(await textsIn(one.tier, head.key)).toEqual([]);
  });

  test("who began to fill first does not overwrite who began later", async () => {
    const head = freshHead(newKey());
    const turn = await one.tier.turn(head.key, { hasArrived: async () => false, waitMs: 1000 });
    if (turn.kind !== "ours") throw new Error("not ours");
    turn.end("failed");
    await fill(other.tier, head, "newer");
    one.tier.put(responseOf(head, "older"), turn.mark);
    await written(one.tier);
    expect(await textsIn(one.tier, head.key)).toEqual(["newer"]);
    expect(one.tier.stats().skipped).toBeGreaterThan(0);
  });

  test("neither keys nor variants can be read from names, and all of them lapse", async () => {
    const key = `${newKey()}?token=hush`;
    await fill(one.tier, freshHead(key, "tlh"), "x".repeat(20_000));
    const names = (await redis.client.call("keys", "larder:{*}*")) as string[];
    expect(names.join()).not.toMatch(/menu|hush|larder\.test/);
    for (const name of names.filter((each) => !each.startsWith("larder:{log}"))) {
      expect(Number(await redis.client.call("pttl", name))).toBeGreaterThan(0);
      const fields = name.includes(":", 8)
        ? []
        : ((await redis.client.call("hkeys", name).catch(() => [])) as string[]);
      expect(fields.join()).not.toContain("tlh");
    }
  });

  test("what somebody else has written there is not taken for a response", async () => {
    const key = newKey();
    await fill(one.tier, freshHead(key), "tea");
    const before = new Set((await redis.client.call("keys", "larder:*")) as string[]);
    await fill(one.tier, freshHead(newKey()), "coffee");
    const names = (await redis.client.call("keys", "larder:*")) as string[];
    const entry = names.find((name) => !before.has(name) && name.endsWith("}"))!;
    const [field = ""] = (await redis.client.call("hkeys", entry)) as string[];
    const packed = await redis.client.callBuffer("hget", entry, field);
    // Of another key, cut off, and nonsense.
    const mine = [...before].filter((name) => name.endsWith("}"));
    for (const name of mine) await redis.client.call("hset", name, "a", packed as Buffer);
    for (const name of mine) await redis.client.call("hset", name, "b", (packed as Buffer).subarray(0, 70));
    for (const name of mine) await redis.client.call("hset", name, "c", "nonsense");
    expect(await textsIn(one.tier, key)).toEqual(["tea"]);
  });

  test("more variants than it keeps push out others", async () => {
    const key = newKey();
    for (let at = 0; at < 70; at++) await fill(one.tier, freshHead(key, `l${at}`), `${at}`);
    const texts = await textsIn(one.tier, key);
    expect(texts).toHaveLength(64);
    expect(texts.at(-1)).toBe("69");
  });

  test("questions and findings are counted", async () => {
    const key = newKey();
    const before = other.tier.stats();
    await fill(one.tier, freshHead(key), "tea");
    await textsIn(other.tier, key);
    await textsIn(other.tier, newKey());
    const { recalls, found, isWell } = other.tier.stats();
    expect([recalls - before.recalls, found - before.found, isWell]).toEqual([2, 1, true]);
  });
});
