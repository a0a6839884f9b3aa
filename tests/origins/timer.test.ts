// Answers: does the timer of this room go off, can it be called off, and does it let the process end?
// Owns: the claims about `lib/origins/timer.ts`.
// Leaves out: what is timed (`health.test.ts`, `connect-probe.test.ts`).
import { expect, test } from "bun:test";
import { after } from "../../lib/origins/timer.ts";

test("a timer goes off once, unless it is called off", async () => {
  const calls: string[] = [];
  const callOff = after(1, () => calls.push("called off"));
  callOff();
  await new Promise<void>((resolve) => {
    after(2, () => {
      calls.push("gone off");
      resolve();
    });
    // The timer itself does not keep the test alive.
    const alive = setInterval(() => calls.length > 0 && clearInterval(alive), 1);
  });
  callOff();
  expect(calls).toEqual(["gone off"]);
});

test("a process does not wait for it", async () => {
  const code = `import { after } from "${import.meta.dir}/../../lib/origins/timer.ts"; after(1e9, () => {});`;
  const child = Bun.spawn([process.execPath, "-e", code]);
  expect(await child.exited).toBe(0);
});
