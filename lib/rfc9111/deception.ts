// Answers: whether a response comes under the name of a static asset without being one (web cache deception).
// Owns: which extensions name which kinds of content.
// Leaves out: what follows from it (`storing.ts`). A name never lets anything into the store.

/** Extensions that caches and CDNs take for static content, and how the Content-Type of that content begins. */
const ASSET_KINDS: readonly (readonly [extensions: string, kind: RegExp])[] = [
  ["css", /^text\/css/],
  ["js mjs cjs", /^(?:text|application)\/(?:x-)?(?:java|ecma)script/],
  ["avif bmp gif ico jpeg jpg png svg svgz tif tiff webp", /^image\//],
  ["eot otf ttf woff woff2", /^(?:font\/|application\/(?:x-)?font|application\/vnd\.ms-fontobject)/],
  ["avi m4v mkv mov mp4 mpeg webm", /^video\//],
  ["aac flac m4a mid midi mp3 ogg opus wav", /^(?:audio|video|application)\/(?!json|xml)/],
  ["pdf", /^application\/pdf/],
  ["wasm", /^application\/wasm/],
  [
    "7z apk bin bz2 doc docx dmg exe gz iso jar ppt pptx rar tar xls xlsx zip zst",
    /^application\/(?!json|xml|xhtml)/,
  ],
];

const KIND_OF = new Map(
  ASSET_KINDS.flatMap(([extensions, kind]) => extensions.split(" ").map((one) => [one, kind] as const)),
);

/** What origins send for content that they do not know: no page is sent so. */
const UNKNOWN = /^application\/octet-stream/;

/**
 * Whether the last path segment of a target URI names a static asset and the Content-Type, `null` where there is none,
 * is of another kind. The segment is read as the more lenient of origins read it: percent-decoded, and cut at `;`, an
 * encoded slash, question mark, hash or NUL. Never throws.
 */
export function contradictsName(uri: string, contentType: string | null): boolean {
  const kinds = assetKinds(uri);
  if (kinds.length === 0) return false;
  const type = (contentType ?? "").trim().toLowerCase();
  return !UNKNOWN.test(type) && !kinds.some((kind) => kind.test(type));
}

function assetKinds(uri: string): readonly RegExp[] {
  const path = uri.slice(uri.indexOf("/", uri.indexOf("//") + 2)).replace(/[?#].*$/s, "");
  const segment = decoded(path.slice(path.lastIndexOf("/") + 1));
  return segment.split(/[;/\\?#\0\r\n]/).flatMap((name) => {
    const extension = /\.(\w+)\s*$/.exec(name)?.[1]?.toLowerCase() ?? "";
    return KIND_OF.get(extension) ?? [];
  });
}

/** Byte by byte: names of assets are ASCII, and what is no valid UTF-8 must not throw. */
function decoded(segment: string): string {
  return segment.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
