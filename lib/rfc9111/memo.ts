// Answers: what was made of a field value when it came the last time.
// Owns: one bounded memory for each reader of texts that say the same wherever they stand.
// Leaves out: the readers (`cache-control.ts`, `time.ts`); a reader that depends on anything but the text has no place here.

/** Texts that one reader remembers; with one more, all are forgotten. */
const MAX_TEXTS = 256;

/** Longer ones are read anew each time: memory is bounded in bytes too. */
const MAX_LENGTH = 512;

/**
 * The same reader, which reads a text once: an origin says the same `Cache-Control` with most of its responses, and the
 * same `Date` for a second. What it gives is shared, and must not be changed; `undefined` is not remembered.
 */
export function remembering<Result>(read: (text: string) => Result): (text: string) => Result {
  const results = new Map<string, Result>();
  return (text) => {
    const known = results.get(text);
    if (known !== undefined) return known;
    const result = read(text);
    if (text.length > MAX_LENGTH) return result;
    if (results.size >= MAX_TEXTS) results.clear();
    results.set(text, result);
    return result;
  };
}
