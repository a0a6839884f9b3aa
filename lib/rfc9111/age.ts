// Answers: how old a response is, in the RFC's own variables.
// Owns: §4.2.3 and §5.1.
// Leaves out: how old is too old (`freshness.ts`), and Age in an answer, which is now minus `bornAt` (`respond.ts`).
import { listMembers } from "./syntax.ts";
import { deltaSeconds, parseDeltaSeconds, type DeltaSeconds, type EpochSeconds } from "./time.ts";

/** The variables of §4.2.3 that are known once a response has come. */
export interface AgeVariables {
  readonly ageValue: DeltaSeconds;
  readonly dateValue: EpochSeconds;
  readonly requestTime: EpochSeconds;
  readonly responseTime: EpochSeconds;
}

/**
 * The value of Age in seconds: its first member where it is a list; 0 where it is absent or no non-negative integer.
 * @owns §5.1
 */
export function ageValue(age: string | null): DeltaSeconds {
  return parseDeltaSeconds(listMembers(age ?? "")[0] ?? "") ?? (0 as DeltaSeconds);
}

/**
 * `corrected_initial_age` in seconds: the age of a response when it was received. Never negative.
 * @owns §4.2.3
 */
export function correctedInitialAge(variables: AgeVariables): DeltaSeconds {
  const apparentAge = deltaSeconds(variables.responseTime - variables.dateValue);
  const responseDelay = deltaSeconds(variables.responseTime - variables.requestTime);
  const correctedAgeValue = variables.ageValue + responseDelay;
  return deltaSeconds(Math.max(apparentAge, correctedAgeValue));
}

/** `current_age` in seconds of a response that was born, with age 0, at `bornAt`. Never negative. */
export function currentAge(bornAt: EpochSeconds, now: EpochSeconds): DeltaSeconds {
  return deltaSeconds(now - bornAt);
}
