// Answers: what a client on a socket of its own gets.
// Owns: one request, and all that came back, byte by byte.
// Leaves out: claims (`proxy-socket*.test.ts`), the reading itself (`conformance/raw-client.ts`).
import { exchange, type ReceivedResponse } from "./conformance/raw-client.ts";
import type { FieldRecord } from "./scripted-origin.ts";

/** A request on a connection of its own, and all that came. */
export async function ask(
  url: string,
  method: string,
  target: string,
  fields: FieldRecord = {},
  body = "",
): Promise<ReceivedResponse> {
  const lines = Object.entries({ Host: "larder.test", ...fields }).map(
    ([name, value]) => [name, String(value)] as const,
  );
  const received = await exchange(new URL(url), { method, target, fields: lines, body });
  if (received.kind === "broken") throw new Error(received.reason);
  return received;
}
