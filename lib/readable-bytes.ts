// Answers: how a number of bytes reads to a person.
// Owns: the one way to write it, in both logs.
// Leaves out: sizes that a person types (`option-values.ts`).

const UNITS = ["kB", "MB", "GB", "TB"] as const;

/** `999 B`, `1.2 kB`, `1.0 MB`: steps of 1000, one decimal. */
export function readableBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  let size = bytes / 1000;
  let unit = 0;
  // What would be rounded up to 1000.0 is 1.0 of the next unit.
  while (size >= 999.95 && unit < UNITS.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${size.toFixed(1)} ${UNITS[unit]}`;
}
