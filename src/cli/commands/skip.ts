import type { Command } from "commander";
import type { ExecutionAnswer } from "../connection/wire.ts";
import { type Session, withSession } from "../session.ts";

export function defineSkip(program: Command): Command {
  return program
    .command("skip")
    .description("let pending executions not run: they end as skipped")
    .argument("<execution...>", "ids of executions")
    .action(withSession(skip));
}

async function skip({ api, terminal }: Session, ids: string[]): Promise<void> {
  for (const id of ids) {
    const path = `/api/v1/executions/${encodeURIComponent(id)}/skip`;
    const { body } = await api.send<ExecutionAnswer>("POST", path);
    terminal.entry(body, () => `${body.id}  ${body.status}`);
  }
}
