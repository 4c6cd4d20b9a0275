import { InvalidArgumentError, Option } from "commander";

const wordsOfOption = new WeakMap<Option, readonly string[]>();

/** An option whose value is one of these words, which its description tells already; `several`: or some of them with commas. */
export function wordsOption(
  flags: string,
  description: string,
  words: readonly string[],
  { several = false }: { several?: boolean } = {},
): Option {
  const option = new Option(flags, description).argParser((text: string) => {
    const wrong = (several ? text.split(",") : [text]).find((word) => !words.includes(word));
    if (wrong === undefined) return text;
    throw new InvalidArgumentError(`"${wrong}" is none of ${words.join(", ")}.`);
  });
  wordsOfOption.set(option, words);
  return option;
}

/** What the value of an option can be, where that is known; for completion. */
export function wordsOf(option: Option): readonly string[] {
  return wordsOfOption.get(option) ?? option.argChoices ?? [];
}
