// Answers: which form of heads is written and read?
// Owns: its number. It stands alone, since a thread reads it that can load no package.
// Leaves out: the form (`codec.ts`).

/** To be changed with the form: what is of another version is not read. */
export const HEAD_VERSION = 1;
