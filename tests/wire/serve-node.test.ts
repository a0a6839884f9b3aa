// Answers: does the exact wire carry what it says, on Bun?
// Owns: the claims of `exact-claims.ts` and its neighbours, and `relay-claims.ts`, in this process.
// Leaves out: the same on Node (`node-process.test.ts`), timeouts and the end (`node-connections.test.ts`).
import { claimAnswers } from "./exact-answer-claims.ts";
import { claimExactness } from "./exact-claims.ts";
import { exactLarder } from "./exact-larder.ts";
import { claimRefusals } from "./exact-refusal-claims.ts";
import { claimRelay } from "./relay-claims.ts";

claimExactness("Bun", exactLarder);
claimAnswers(exactLarder);
claimRefusals("Bun", exactLarder);
claimRelay("Bun", exactLarder);
