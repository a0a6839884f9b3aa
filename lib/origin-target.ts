// Answers: which names of files a request target spells, one for each step from the root.
// Owns: the target as Bun hands it over (RFC 9112 §3.2, RFC 3986 §2.1), percent-decoding, which names are refused.
// Leaves out: what lies under these names (`origin-file.ts`).

/** A path of plain names, none of which is empty, starts with a dot or holds a separator. */
export interface PathTarget {
  readonly kind: "path";
  readonly names: readonly string[];
  /** The path ended in a slash. */
  readonly folder: boolean;
  /** The query with its `?`, or empty. */
  readonly query: string;
}

/** What a target is. */
export type Target =
  | PathTarget
  /** Not a target: broken percent-encoding, or a Host that names no host (RFC 9112 §3.2). */
  | { readonly kind: "malformed" }
  /** A path that no file is served under, whatever lies in the folder. */
  | { readonly kind: "nameless" };

/**
 * Reads the target from the URL that Bun made of it: dot segments are gone already, fragments and `//` are not.
 * Where Bun could make no URL, the target came through raw; `host` is null only for HTTP/1.0. Never throws.
 */
export function targetOf(url: string, host: string | null): Target {
  if (host?.includes(",") || (url.startsWith("/") && host !== null)) return { kind: "malformed" };
  const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("://") + 3);
  const [path = "", query] = split((start === -1 ? "/" : url.slice(start)).replace(/#.*$/s, ""));
  const encoded = path.split("/").slice(1);
  const names: string[] = [];
  for (const segment of encoded) {
    const name = decoded(segment);
    if (name === undefined) return { kind: "malformed" };
    names.push(name);
  }
  const folder = names.at(-1) === "";
  if (folder) names.pop();
  return names.every(isPlain) ? { kind: "path", names, folder, query } : { kind: "nameless" };
}

/** Where a folder that was asked for without its slash is found; always a path of this server. */
export function folderLocation(target: PathTarget): string {
  return `/${target.names.map(encodeURIComponent).join("/")}/${target.query}`;
}

// `.` covers `.`, `..` and every dotfile. Once decoded, a separator can only have come from %2f or %5c.
function isPlain(name: string): boolean {
  return name !== "" && !name.startsWith(".") && !/[/\\\0]/.test(name);
}

function split(target: string): readonly [path: string, query: string] {
  const mark = target.indexOf("?");
  return mark === -1 ? [target, ""] : [target.slice(0, mark), target.slice(mark)];
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
