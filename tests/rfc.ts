// Answers: `bun run rfc`: where each section of RFC 9111 lives in the house.
// Owns: reading `lib/rfc9111/*.ts`, the printed table, and the exit code: 1 where the table is not whole.
// Leaves out: what makes it whole (`rfc-sections.ts`).
import { ownership, type Ownership, type Source } from "./rfc-sections.ts";

/** The files that may own sections, by their names in `lib/rfc9111`. */
export async function rfcSources(): Promise<Source[]> {
  const folder = `${import.meta.dir}/../lib/rfc9111`;
  const files = (await Array.fromAsync(new Bun.Glob("*.ts").scan(folder))).sort();
  return Promise.all(files.map(async (file) => ({ file, text: await Bun.file(`${folder}/${file}`).text() })));
}

/** The table `section  title  file:function`, the faults, and the count, as lines. */
export function reportLines({ sections, faults }: Ownership): string[] {
  const width = Math.max(...sections.map(({ title }) => title.length));
  const rows = sections.map(({ section, title, owners }) =>
    `${`§${section}`.padEnd(9)}  ${title.padEnd(width)}  ${owners.join(", ") || "-"}`.trimEnd(),
  );
  const owned = sections.filter(({ owners }) => owners.length === 1).length;
  const count = `${owned} of ${sections.length} sections have one owner; ${faults.length} faults.`;
  return [...rows, "", ...faults, ...(faults.length === 0 ? [] : [""]), count];
}

if (import.meta.main) {
  const found = ownership(await rfcSources());
  console.log(reportLines(found).join("\n"));
  process.exitCode = found.faults.length === 0 ? 0 : 1;
}
