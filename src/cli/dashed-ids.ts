import type { Command } from "commander";

/** Keys and ids are hashes in base64url (`foundation/hash.ts`): one in 64 begins with a dash. No option is so long. */
const dashedId = /^-[A-Za-z0-9_-]{42}$/;
/** No word of a command line can hold it. */
const mark = "\0";

/** Words of a command line in which ids that begin with a dash will not be taken for options. */
export function markDashedIds(words: readonly string[]): string[] {
  return words.map((word) => (dashedId.test(word) ? mark + word : word));
}

/** Gives every command the words as they were typed. */
export function unmarkDashedIds(program: Command): void {
  const writeErr = (text: string) => void process.stderr.write(text.replaceAll(mark, ""));
  for (const command of [program, ...program.commands]) command.configureOutput({ writeErr });
  program.hook("preAction", (_, command) => {
    for (const list of [command.args, command.processedArgs]) list.splice(0, list.length, ...list.map(unmarked));
    for (const [name, value] of Object.entries(command.optsWithGlobals())) {
      const typed = unmarked(value);
      if (typed !== value) command.setOptionValueWithSource(name, typed, "cli");
    }
  });
}

function unmarked(value: unknown): unknown {
  if (typeof value === "string") return value.startsWith(mark) ? value.slice(mark.length) : value;
  return Array.isArray(value) && value.some((part) => unmarked(part) !== part) ? value.map(unmarked) : value;
}
