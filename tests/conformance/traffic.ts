// Answers: what went over both wires in one run of a case, message by message.
// Owns: the printed form of requests, responses and of what the origin saw, for `--only`.
// Leaves out: the verdict (judge.ts), which report.ts prints after it.
import type { CaseRun, Exchange } from "./case-run.ts";
import type { Field } from "./http-message.ts";
import type { OriginRecord } from "./origin-answer.ts";

/** The run as text: `>` client to cache, `<` cache to client, `>>` and `<<` between cache and origin. */
export function trafficText(run: CaseRun): string {
  const parts = run.exchanges.map((exchange, index) => {
    const number = index + 1;
    const records = run.records.filter((record) => record.request.number === number);
    const seen = records.length === 0 ? ["   the origin did not see it"] : records.flatMap(originLines);
    return [`-- request ${number}`, ...clientLines(exchange), ...seen, ...cacheLines(exchange)].join("\n");
  });
  return [`== ${run.testCase.id}: ${run.testCase.name}`, ...parts].join("\n");
}

function clientLines({ request }: Exchange): readonly string[] {
  const lines = [
    `${request.method} ${request.target}`,
    ...fieldLines(request.fields),
    ...bodyLine(request.body),
  ];
  return lines.map((line) => `> ${line}`);
}

function originLines({ request, answer }: OriginRecord): readonly string[] {
  const seen = [
    `${request.method} ${request.target}`,
    ...fieldLines(request.fields),
    ...bodyLine(request.body),
  ];
  const sent =
    answer.kind === "disconnect"
      ? ["the origin closes the connection"]
      : [
          ...answer.interim.flatMap(([status, fields = []]) => [String(status), ...fieldLines(fields)]),
          `${answer.status} ${answer.phrase}`,
          ...fieldLines(answer.fields),
          ...bodyLine(answer.body),
        ];
  return [...seen.map((line) => `   >> ${line}`), ...sent.map((line) => `   << ${line}`)];
}

function cacheLines({ received }: Exchange): readonly string[] {
  if (received.kind === "broken") return [`< ${received.reason}`];
  const interim = received.interim.flatMap(({ status, fields }) => [String(status), ...fieldLines(fields)]);
  const final = [
    `${received.status} ${received.phrase}`,
    ...fieldLines(received.fields),
    ...bodyLine(received.body),
  ];
  return [...interim, ...final, ...(received.complete ? [] : ["(the body was cut short)"])].map(
    (line) => `< ${line}`,
  );
}

const fieldLines = (fields: readonly Field[]): readonly string[] =>
  fields.map(([name, value]) => `${name}: ${value}`);

const bodyLine = (body: string): readonly string[] => (body === "" ? [] : [`  ${JSON.stringify(body)}`]);
