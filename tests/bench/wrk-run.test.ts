// Answers: is the load generator's line read rightly, and no error overlooked?
// Owns: the claims about figures, and about what must be true of answers under load.
// Leaves out: running it.
import { expect, test } from "bun:test";
import { bodyOf, etagOf } from "./bodies.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";
import { faultOf } from "./verify.ts";
import { sampleFrom, type Sample } from "./wrk-run.ts";

const LINE =
  "figures requests=50000 us=1000000 bytes=70000000 connect=0 read=0 write=0 status=0 timeout=0 p50=640 p99=1900";
const REPORT = `Running 1s test @ http://127.0.0.1:1/\n  50000 requests in 1.00s, 66.76MB read\n${LINE}\n`;

test("rate, bytes and times come from its own line, whatever is around it", () => {
  expect(sampleFrom(REPORT)).toEqual({
    requests: 50_000,
    perSecond: 50_000,
    bytes: 70_000_000,
    p50Ms: 0.64,
    p99Ms: 1.9,
  });
});

test.each(["connect", "read", "write", "status", "timeout"])("an error of kind %s fails it", (kind) => {
  expect(() => sampleFrom(REPORT.replace(`${kind}=0`, `${kind}=3`))).toThrow(`errors: ${kind} 3`);
});

test("no line, or no answer, fails it", () => {
  expect(() => sampleFrom("unable to connect\n")).toThrow("unable to connect");
  expect(() => sampleFrom(REPORT.replace("requests=50000", "requests=0"))).toThrow("nothing was answered");
});

function scenario(id: string): Scenario {
  return SCENARIOS.find((one) => one.id === id)!;
}

function sample(bytesEach: number): Sample {
  return { requests: 10_000, perSecond: 10_000, bytes: bytesEach * 10_000, p50Ms: 1, p99Ms: 2 };
}

test("a hit that reaches the origin is a fault, a miss that does not is one too", () => {
  expect(faultOf(scenario("1k"), sample(1400), 0)).toBeUndefined();
  expect(faultOf(scenario("1k"), sample(1400), 1)).toContain("1 of 10000 requests");
  expect(faultOf(scenario("miss"), sample(1400), 10_040)).toBeUndefined();
  expect(faultOf(scenario("miss"), sample(1400), 9000)).toContain("9000 of 10000");
});

test("of mixed traffic a tenth reaches the origin, within a percent and what is under way", () => {
  expect([950, 1000, 1150].map((reached) => faultOf(scenario("zipf"), sample(1400), reached))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(faultOf(scenario("zipf"), sample(1400), 1300)).toContain("1300 of 10000");
});

test("an answer with another size than it must have is a fault: 200 for 304, all for a part", () => {
  expect(faultOf(scenario("304"), sample(350), 0)).toBeUndefined();
  expect(faultOf(scenario("304"), sample(1374), 0)).toContain("1374 bytes an answer");
  expect(faultOf(scenario("range"), sample(1400), 0)).toBeUndefined();
  expect(faultOf(scenario("range"), sample(102_700), 0)).toContain("102700 bytes");
  expect(faultOf(scenario("head"), sample(1374), 0)).toContain("1374 bytes");
  expect(faultOf(scenario("100k"), sample(103_600), 0)).toBeUndefined();
});

test("no two targets have the same bytes or validator, and each always has the same", () => {
  const targets = ["/1k", "/miss", "/keys/1", "/keys/11", "/mixed/1"];
  const bytes = targets.map((target) => Buffer.from(bodyOf(target)!).toString("latin1"));
  expect(new Set(bytes).size).toBe(targets.length);
  expect(new Set(targets.map(etagOf)).size).toBe(targets.length);
  expect(bodyOf("/keys/1")).toEqual(bodyOf("/keys/1")!);
  expect(bodyOf("/keys/tea")).toBeUndefined();
});
