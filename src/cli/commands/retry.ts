import type { Command } from "commander";
import type { ExecutionAnswer } from "../connection/wire.ts";
import { type Session, withSession } from "../session.ts";

export function defineRetry(program: Command): Command {
  return program
    .command("retry")
    .description("run again what has ended: a new execution for the same event")
    .argument("<execution...>", "ids of executions that have ended")
    .option("--version <version>", '"same", "active", or a version\'s id', "same")
    .action(withSession(retry));
}

async function retry({ api, terminal }: Session, ids: string[], options: { version: string }): Promise<void> {
  let last: string | undefined;
  for (const id of ids) {
    const path = `/api/v1/executions/${encodeURIComponent(id)}/retry`;
    const { body } = await api.send<ExecutionAnswer>("POST", path, { json: { version: options.version } });
    const told = body.status === "skipped" ? `is not run again: ${body.reason}` : `runs again as ${body.id}`;
    terminal.entry(body, () => `${id} ${told}`);
    last = body.id;
  }
  if (last !== undefined) terminal.next(`fx logs ${last} --follow`);
}
