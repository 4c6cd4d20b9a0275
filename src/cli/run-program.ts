import { CommanderError } from "commander";
import { isPlatformError, messageOf } from "../foundation/errors.ts";
import { CliError, withoutProblems } from "./cli-error.ts";
import { markDashedIds, unmarkDashedIds } from "./dashed-ids.ts";
import { exitCodes } from "./exit-codes.ts";
import { createProgram } from "./program.ts";
import { Terminal } from "./terminal/terminal.ts";

/** Runs one command line and answers the process's exit code. */
export async function runProgram(args: readonly string[]): Promise<number> {
  try {
    const program = createProgram();
    if (args.length === 0) program.outputHelp();
    else {
      unmarkDashedIds(program);
      // No option of the program itself: `fx services change --version <version>` would never get its own.
      const words = args[0] === "--version" ? ["version", ...args.slice(1)] : args;
      await program.parseAsync(markDashedIds(words), { from: "user" });
    }
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return exitOfCommander(error, args);
    const shown = asCliError(error);
    new Terminal({ json: false, quiet: false }).error(shown);
    return shown.exitCode;
  }
}

/** Commander has printed its message already; help and version are no errors. */
function exitOfCommander(error: CommanderError, args: readonly string[]): number {
  if (error.exitCode === 0) return exitCodes.ok.code;
  if (error.code === "commander.missingArgument") {
    const eater = args.find((arg) => arg === "--json" || arg === "--wait");
    if (eater) process.stderr.write(`A bare ${eater} takes the word after it for its value: write it last.\n`);
  }
  return exitCodes.usage.code;
}

function asCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (isPlatformError(error)) {
    const exit = error.code === "invalid-input" ? "usage" : "refused";
    return new CliError({ what: withoutProblems(error.message, error.problems), exit, problems: error.problems });
  }
  const what = error instanceof Error && error.stack ? error.stack : messageOf(error);
  return new CliError({ what, why: "this is a defect of the command itself: please report it", exit: "refused" });
}
