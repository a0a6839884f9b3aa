// Answers: what a person, or with `--json` a program, reads after a run.
// Owns: the table, the list of failures, the `check` answers with our reasons, the last line and its counting.
// Leaves out: traffic of single cases (traffic.ts) and the reasons themselves (check-answers.ts).
import type { Kind } from "./cases.ts";
import { checkAnswers } from "./check-answers.ts";
import type { Outcome, Result } from "./judge.ts";

/** Of required and optimal cases only; what could not be set up or decided counts as failed. */
export type Totals = { readonly passed: number; readonly failed: number; readonly skipped: number };

const outcomeKinds = ["passed", "failed", "setup", "undecided", "skipped"] as const;
const kinds: readonly Kind[] = ["required", "optimal", "check"];

/** Counts the required and optimal results. */
export function total(results: readonly Result[]): Totals {
  const counted = results.filter(({ testCase }) => testCase.kind !== "check");
  const passed = counted.filter(({ outcome }) => outcome.kind === "passed").length;
  const skipped = counted.filter(({ outcome }) => outcome.kind === "skipped").length;
  return { passed, failed: counted.length - passed - skipped, skipped };
}

/** The whole report for people, ending with the line of totals. */
export function reportText(results: readonly Result[]): string {
  const { passed, failed, skipped } = total(results);
  const parts = [
    table(results),
    section("Skipped", results.filter(isKind("skipped")).map(failureLine)),
    section("Failed required and optimal cases", results.filter(isFailure).map(failureLine)),
    section("Answers to the check cases", results.filter(isCheck).map(answerLines)),
    section(
      "Unexpected answers",
      results.filter(isUnexpected).map(({ testCase }) => `  ${testCase.id}`),
    ),
    `${passed} passed, ${failed} failed, ${skipped} skipped`,
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

/** The same as one JSON document. */
export function reportJson(results: readonly Result[]): string {
  const cases = results.map((result) => {
    const { id, suite, kind } = result.testCase;
    const answer = kind === "check" ? checkAnswers.get(id) : undefined;
    const unexpected = answer === undefined ? undefined : isUnexpected(result);
    return {
      id,
      suite,
      kind,
      ...outcomeFields(result.outcome),
      expected: answer?.answer,
      unexpected,
      why: answer?.why,
    };
  });
  return JSON.stringify({ ...total(results), cases }, undefined, 2);
}

function table(results: readonly Result[]): string {
  const suites = [...new Set(results.map(({ testCase }) => testCase.suite))];
  const rows = suites.flatMap((suite) =>
    kinds.map((kind) =>
      row(
        suite,
        kind,
        results.filter(({ testCase }) => testCase.suite === suite),
      ),
    ),
  );
  const totals = kinds.map((kind) => row("all", kind, results));
  const head = ["suite", "kind", "passed/yes", "failed/no", "not set up", "undecided", "skipped"];
  const lines = [head, ...rows.filter(isFilled), ...totals.filter(isFilled)];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  return lines
    .map((line) =>
      line.map((cell, at) => (at < 2 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))),
    )
    .map((cells) => cells.join("  "))
    .join("\n");
}

function row(suite: string, kind: Kind, results: readonly Result[]): readonly string[] {
  const ofKind = results.filter(({ testCase }) => testCase.kind === kind);
  const counts = outcomeKinds.map((each) => ofKind.filter(isKind(each)).length);
  return [suite, kind, ...counts.map((count) => (count === 0 ? "·" : String(count)))];
}

const isFilled = (cells: readonly string[]): boolean => cells.slice(2).some((cell) => cell !== "·");

const isKind =
  (kind: Outcome["kind"]) =>
  ({ outcome }: Result): boolean =>
    outcome.kind === kind;

const isCheck = ({ testCase }: Result): boolean => testCase.kind === "check";

const isFailure = (result: Result): boolean =>
  !isCheck(result) && result.outcome.kind !== "passed" && result.outcome.kind !== "skipped";

/** A check case that was decided otherwise than our table says, or that has no row there. */
function isUnexpected(result: Result): boolean {
  if (!isCheck(result) || result.outcome.kind === "undecided" || result.outcome.kind === "skipped")
    return false;
  return checkAnswers.get(result.testCase.id)?.answer !== (result.outcome.kind === "passed");
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : [`${title}:`, ...lines].join("\n");
}

function failureLine({ testCase, outcome }: Result): string {
  return `  ${testCase.id} (${testCase.suite}, ${testCase.kind}): ${described(outcome)}`;
}

function answerLines(result: Result): string {
  const { testCase, outcome } = result;
  const expected = checkAnswers.get(testCase.id);
  const answer = outcome.kind === "passed" ? "yes" : outcome.kind === "failed" ? "no" : described(outcome);
  const detail = outcome.kind === "failed" ? ` (${described(outcome)})` : "";
  const mark = isUnexpected(result)
    ? `unexpected answer, ours is ${expected?.answer === true ? "yes" : "no"}: `
    : "";
  return `  ${testCase.id}: ${answer}${detail}\n      ${mark}${expected?.why ?? "no reason is written down yet"}`;
}

function described(outcome: Outcome): string {
  switch (outcome.kind) {
    case "passed":
      return "passed";
    case "failed":
      return `request ${outcome.request}, ${outcome.rule}: ${outcome.reason}`;
    case "setup":
      return `could not be set up: request ${outcome.request}, ${outcome.rule}: ${outcome.reason}`;
    case "undecided":
    case "skipped":
      return `${outcome.kind}: ${outcome.reason}`;
  }
}

function outcomeFields({ kind, ...rest }: Outcome): Record<string, unknown> {
  return { outcome: kind, ...rest };
}
