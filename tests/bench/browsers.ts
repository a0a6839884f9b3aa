// Answers: what a browser says of itself with every request.
// Owns: a dozen header fields in a browser's order, of clients that differ by their cookie, and in part by language.
// Leaves out: what they ask for (`scenarios.ts`).

const LANGUAGES = ["en-GB,en;q=0.9", "de-DE,de;q=0.9,en;q=0.8", "fr-FR,fr;q=0.9,en-US;q=0.8,en;q=0.7"];

/** The fields of one client, counted from 0; two clients never send the same. */
export function browserFields(client: number): Readonly<Record<string, string>> {
  const session = Bun.hash(`client ${client}`).toString(36);
  return {
    "sec-ch-ua": '"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Linux"',
    "User-Agent":
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    Accept: "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "no-cors",
    "Sec-Fetch-Dest": "image",
    Referer: "http://bench.example/gallery/summer",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": LANGUAGES[client % LANGUAGES.length] ?? "en",
    Cookie: `_ga=GA1.1.${1_000_000 + client}.1760000000; session=${session}; theme=dark`,
  };
}
