import type { Command } from "commander";
import type { ExecutionAnswer } from "../connection/wire.ts";
import { type Session, withSession } from "../session.ts";

export function defineCancel(program: Command): Command {
  return program
    .command("cancel")
    .description("stop executions: a pending one at once, a running one with its whole process group")
    .argument("<execution...>", "ids of executions")
    .action(withSession(cancel));
}

async function cancel({ api, terminal }: Session, ids: string[]): Promise<void> {
  for (const id of ids) {
    const path = `/api/v1/executions/${encodeURIComponent(id)}/cancel`;
    const { body } = await api.send<ExecutionAnswer>("POST", path);
    terminal.entry(body, () => `${body.id}  ${body.status === "in_progress" ? "asked to stop" : body.status}`);
  }
}
