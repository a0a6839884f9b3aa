// Answers: how bytes of a header section become text and back.
// Owns: two methods of `Buffer` that its types do not name; they are twice as fast as those that take an encoding.
// Leaves out: what the text means.

interface Latin1Buffer {
  latin1Slice(from: number, to: number): string;
  latin1Write(text: string, at: number): number;
}

/** The text of some bytes, a letter a byte. */
export function latin1Text(bytes: Buffer, from: number, to: number): string {
  return (bytes as unknown as Latin1Buffer).latin1Slice(from, to);
}

/** Writes a text of letters below U+0100 into a buffer that has room for it; how many bytes that were. */
export function writeLatin1(bytes: Buffer, text: string, at: number): number {
  return (bytes as unknown as Latin1Buffer).latin1Write(text, at);
}
