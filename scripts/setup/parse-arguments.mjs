// @ts-check
import { SetUpError } from "./set-up-error.mjs";

/**
 * `[--node=<version>] <target> [arguments]`. Everything after the target belongs to the target, `--node` included.
 *
 * @param {string[]} args
 * @returns {{ node: string | undefined, target: string, rest: string[] }}
 */
export function parseArguments(args) {
  const [first, ...others] = args;
  if (first?.startsWith("--node=")) return { ...parseArguments(others), node: first.slice("--node=".length) };
  if (first === undefined || first.startsWith("--")) {
    throw new SetUpError({
      what: first === undefined ? "no program was named" : `unknown option ${first}`,
      why: "the set-up takes [--node=<version>] <file or @program> [arguments]",
      fix: "node scripts/with-setup.mjs src/cli/main.ts start",
    });
  }
  return { node: undefined, target: first, rest: others };
}
