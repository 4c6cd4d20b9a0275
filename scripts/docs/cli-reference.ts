import type { Argument, Command, Option } from "commander";
import { exitCodes } from "../../src/cli/exit-codes.ts";
import { createProgram } from "../../src/cli/program.ts";

/** `docs/reference/cli.md`, made from the definitions of the commands. */
export function cliReference(): string {
  const program = createProgram();
  const commands = program.commands.filter((command) => command.name() !== "help");
  return `${[
    "# The command line",
    "",
    "<!-- Made from the definitions of the commands by `npm run docs`; a test holds it to them. -->",
    "",
    "`npx fx <command>`. Data goes to standard output, talk to standard error, so that a pipe gets the data only. Only",
    "`fx secrets set` asks, at a terminal and where no file is given. `fx <command> --help` says what is said here.",
    "",
    "## Options of every command",
    "",
    ...optionTable(program.options),
    "",
    "A bare `--json` or `--wait` takes a word that follows it for its value: write it last, or before another option.",
    "",
    "The address of the platform is `--url`, else `FX_URL`, else what `FX_HOST` and `FX_PORT` say, else what the platform that runs on the data",
    "directory has told there, else what `fx.config.json` says, else `http://127.0.0.1:8080`. The token is `--token-file`'s, else `FX_TOKEN`, else the one in the data directory: on the",
    "platform's own machine, in the directory it was started in, nothing needs to be said.",
    "",
    "## Exit codes",
    "",
    "| Code | Meaning |",
    "|---|---|",
    ...Object.values(exitCodes).map(({ code, meaning }) => `| ${code} | ${meaning} |`),
    "",
    ...commands.flatMap((command) => commandSection(command, "fx", "##")),
  ]
    .join("\n")
    .trimEnd()}\n`;
}

function commandSection(command: Command, above: string, heading: string): string[] {
  const name = `${above} ${command.name()}`;
  const { registeredArguments, options } = command;
  const parts = command.commands.filter((child) => child.name() !== "help");
  const words = [name, ...(options.length > 0 ? ["[options]"] : []), ...registeredArguments.map(argumentWord)];
  return [
    `${heading} ${name}`,
    "",
    `${sentence(command.description())}`,
    "",
    ...(parts.length === 0 ? ["```", words.join(" "), "```", ""] : []),
    ...argumentTable(registeredArguments),
    ...(options.length > 0 ? [...optionTable(options), ""] : []),
    ...parts.flatMap((child) => commandSection(child, name, `${heading}#`)),
  ];
}

function argumentTable(all: readonly Argument[]): string[] {
  const told = all.filter(({ description }) => description !== "");
  if (told.length === 0) return [];
  return ["| Argument | |", "|---|---|", ...told.map((one) => `| \`${one.name()}\` | ${cell(one.description)} |`), ""];
}

function optionTable(options: readonly Option[]): string[] {
  return [
    "| Option | |",
    "|---|---|",
    ...options.map(({ flags, description, defaultValue }) => {
      const usual =
        defaultValue === undefined || typeof defaultValue === "boolean" ? "" : ` (default: \`${defaultValue}\`)`;
      return `| \`${flags}\` | ${cell(description)}${usual} |`;
    }),
  ];
}

function argumentWord(argument: Argument): string {
  const name = argument.variadic ? `${argument.name()}...` : argument.name();
  return argument.required ? `<${name}>` : `[${name}]`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}
