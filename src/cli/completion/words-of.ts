import type { Command } from "commander";
import { wordsOf } from "../terminal/closed-words.ts";

/** What can follow the words typed so far. */
export interface Place {
  /** The commands typed, with spaces between, e.g. "links change"; empty at the beginning. */
  path: string;
  /** Sub-commands and options that can come next, with what each does. */
  words: { word: string; description: string }[];
  /** Options whose value is one of a few words. */
  values: { option: string; words: readonly string[] }[];
}

/** Every place of the command line at which something can be completed. */
export function placesOf(program: Command): Place[] {
  const shared = optionWords(program);
  const visit = (command: Command, path: string): Place[] => {
    const children = command.commands;
    const words = [
      ...children.map((child) => ({ word: child.name(), description: firstSentence(child.description()) })),
      ...(path === "" ? [] : optionWords(command)),
      ...shared,
    ];
    const values = command.options.flatMap((option) => {
      const known = wordsOf(option);
      return option.long && known.length > 0 ? [{ option: option.long, words: known }] : [];
    });
    const args = command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices);
    const first = args.map((word) => ({ word, description: "" }));
    return [
      { path, words: [...first, ...words], values },
      ...children.flatMap((child) => visit(child, `${path} ${child.name()}`.trim())),
    ];
  };
  return visit(program, "");
}

function optionWords(command: Command): Place["words"] {
  return command.options
    .filter((option) => option.long !== undefined && !option.hidden)
    .map((option) => ({ word: option.long as string, description: firstSentence(option.description) }));
}

function firstSentence(text: string): string {
  return text.split(/[.;:(]\s|\s\(/, 1)[0] ?? text;
}
