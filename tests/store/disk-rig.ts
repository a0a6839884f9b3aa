// Answers: how does a test get disk tiers, and a folder for each?
// Owns: opening them, closing them behind each test, what they say, what their files take.
// Leaves out: claims (`disk*.test.ts`).
import { afterAll, afterEach } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DiskOptions } from "../../lib/store/disk-options.ts";
import { openDisk, type DiskTier } from "../../lib/store/disk.ts";

/** What the tests of one file share. */
export interface DiskRig {
  readonly newFolder: () => string;
  /** The lines that tiers said, in this test. */
  readonly lines: string[];
  /** Opens one, in a new folder where none is given. @throws where it cannot be used. */
  readonly disk: (folder?: string, options?: Partial<DiskOptions>) => Promise<DiskTier>;
}

/** To be called once, at the top of a file: it tidies up behind each test, and behind all. */
export function diskRig(): DiskRig {
  const root = mkdtempSync(join(tmpdir(), "larder-disk-"));
  const lines: string[] = [];
  const open: DiskTier[] = [];
  let folders = 0;
  const newFolder = (): string => join(root, `${++folders}`);
  afterAll(() => rmSync(root, { recursive: true }));
  afterEach(async () => {
    await Promise.all(open.splice(0).map((tier) => tier.close()));
    lines.length = 0;
  });
  return {
    newFolder,
    lines,
    async disk(folder = newFolder(), options = {}) {
      const warn = (line: string): void => void lines.push(line);
      const tier = await openDisk(folder, { sizeBytes: 2 ** 28, warn, ...options });
      if (tier === undefined) throw new Error(lines.join());
      open.push(tier);
      return tier;
    },
  };
}

/** For `recall`: whatever there is. */
export const all = (): boolean => true;

/** What the files in a folder take. */
export function fileBytes(folder: string): number {
  const sizes = ["", "-wal"].map(
    (part) => statSync(join(folder, `larder.sqlite${part}`), { throwIfNoEntry: false })?.size,
  );
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}

/** Waits until it is so. */
export async function eventually(claim: () => boolean): Promise<void> {
  while (!claim()) await new Promise((resolve) => setTimeout(resolve, 5));
}
