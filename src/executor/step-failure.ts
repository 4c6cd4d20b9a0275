import type { ExecutionError } from "../executions/execution.ts";
import { overrunText } from "../services/run-limits.ts";
import type { StepResult } from "./step-runner.ts";

/** What of a step's end is the failure of its script, in words for people; undefined: nothing, it did its work. */
export function failureOf(
  result: Exclude<StepResult, { kind: "lost" | "stopped" }>,
  script: string,
): ExecutionError | undefined {
  switch (result.kind) {
    case "exited": {
      const { exitCode, isMute } = result;
      if (exitCode === 0) return undefined;
      // Who reads it would look in vain for an error that was printed.
      const mute = isMute ? " and told no reason: nothing came from its stderr, which it may have closed" : "";
      return { kind: "exit", message: `${script} ended with exit code ${exitCode}${mute}`, script, exitCode };
    }
    case "signalled":
      return { kind: "exit", message: `${script} was ended by ${result.signal}`, script, exitCode: undefined };
    case "timeout": {
      const message = `${script} took longer than ${result.timeoutMs / 1000} s (manifest key "timeout")`;
      return { kind: "timeout", message, script, exitCode: undefined };
    }
    case "overrun": {
      const message = `${script} ${overrunText(result.limit, result.value)}`;
      return { kind: "limit", message, script, exitCode: undefined };
    }
    case "limited":
      return { kind: "limit", message: `${script} ${result.message}`, script, exitCode: undefined };
    case "unstartable":
      return {
        kind: "start",
        message: `${script} could not be started: ${result.message}`,
        script,
        exitCode: undefined,
      };
  }
}
