import { usageError } from "../cli-error.ts";

/**
 * Reads flags that name settings, `--executor-slots 8` or `--executor-slots=8`, into the form that the
 * settings are loaded from. Which names exist is the settings' schema to say. Throws a usage error.
 */
export function readSettingFlags(command: string, words: readonly string[]): Record<string, string> {
  const flags: Record<string, string> = {};
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const match = /^--([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(word);
    if (!match) throw usageError(`\`${command}\` takes no argument "${word}"`, `fx ${command} --help`);
    const [, name = "", attached] = match;
    const value = attached ?? rest.shift();
    if (value === undefined) throw usageError(`--${name} needs a value`, "fx config show");
    flags[name.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())] = value;
  }
  return flags;
}
