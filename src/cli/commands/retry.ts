import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import type { ExecutionAnswer } from "../connection/wire.ts";
import { type Session, withSession } from "../session.ts";

export function defineRetry(program: Command): Command {
  return program
    .command("retry")
    .description("run again what has ended: a new execution for the same event")
    .argument("<execution...>", "ids of executions that have ended")
    .option("--again", "also where an earlier retry of it has completed, or has not ended yet")
    .option("--version <version>", '"same", "active", or a version\'s id', "same")
    .action(withSession(retry));
}

interface RetryOptions {
  version: string;
  again?: boolean;
}

async function retry(session: Session, ids: string[], options: RetryOptions): Promise<void> {
  const { terminal } = session;
  let last: string | undefined;
  const refused: CliError[] = [];
  for (const id of ids) {
    try {
      last = await retryOne(session, id, options);
    } catch (error) {
      // One whose state does not allow it keeps nobody from retrying the others.
      if (ids.length === 1 || !(error instanceof CliError) || error.exit !== "refused") throw error;
      terminal.say(error.message);
      refused.push(error);
    }
  }
  if (last !== undefined) terminal.next(`fx logs ${last} --follow`);
  const [first] = refused;
  if (first !== undefined) {
    throw new CliError({
      what: `${refused.length} of ${ids.length} were not retried`,
      fix: first.fix,
      exit: first.exit,
    });
  }
}

async function retryOne({ api, terminal }: Session, id: string, { version, again = false }: RetryOptions) {
  const path = `/api/v1/executions/${encodeURIComponent(id)}/retry`;
  const { body } = await api.send<ExecutionAnswer>("POST", path, { json: { version, again } });
  const told = body.status === "skipped" ? `is not run again: ${body.reason}` : `runs again as ${body.id}`;
  terminal.entry(body, () => `${id} ${told}`);
  return body.id;
}
