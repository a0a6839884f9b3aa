// Answers: how something happens later, without keeping the process alive for it.
// Owns: the one timer that health checks and connect probes are given; tests give them one that they wind themselves.
// Leaves out: what happens then (`health.ts`, `connect-probe.ts`).

/** Calls once after some milliseconds; what it returns calls it off. */
export type After = (ms: number, act: () => void) => () => void;

/** `setTimeout` that does not keep the process alive, on any runtime. */
export const after: After = (ms, act) => {
  const timer = setTimeout(act, ms);
  timer.unref?.();
  return () => clearTimeout(timer);
};
