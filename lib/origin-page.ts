// Answers: what a person sees where the origin has no file to send.
// Owns: the status codes of the origin without a file, their words, and the one small page.
// Leaves out: when each is sent and with which further header fields (`origin-app.ts`).
import { formatHttpDate, type EpochSeconds } from "./rfc9111/time.ts";

/** Status → title and sentence of its page. */
const PAGES = {
  301: ["Moved Permanently", "This is a folder; its address ends in a slash."],
  400: ["Bad Request", "This address is not written the way addresses are written."],
  404: ["Not Found", "There is nothing on this shelf."],
  405: ["Method Not Allowed", "Files can be looked at here, not changed: GET, HEAD or OPTIONS."],
  412: ["Precondition Failed", "The file is not, or no longer, what the request took it for."],
  416: ["Range Not Satisfiable", "The file ends before the part that was asked for."],
  500: ["Internal Server Error", "The file could not be read."],
  503: ["Service Unavailable", "The file is being changed at this moment; please ask again."],
} as const satisfies Readonly<Record<number, readonly [title: string, sentence: string]>>;

/** A response with a small page; `no-store` unless `fields` say otherwise. Nothing of the request is echoed. */
export function pageResponse(
  status: keyof typeof PAGES,
  now: EpochSeconds,
  fields: Readonly<Record<string, string>> = {},
): Response {
  const [title, sentence] = PAGES[status];
  const bytes = new TextEncoder().encode(html(`${status} ${title}`, sentence));
  return new Response(bytes, {
    status,
    headers: {
      Date: formatHttpDate(now),
      "Cache-Control": "no-store",
      "Content-Type": "text/html;charset=utf-8",
      "Content-Length": String(bytes.length),
      ...fields,
    },
  });
}

function html(title: string, sentence: string): string {
  return `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width">
  <meta name="color-scheme" content="light dark">
  <title>${title}</title>
  <style>body { max-width: 36rem; margin: 20vh auto; padding: 0 1.5rem; font: 1.1rem/1.6 system-ui, sans-serif }</style>
  <h1>${title}</h1>
  <p>${sentence}</p>
</html>
`;
}
