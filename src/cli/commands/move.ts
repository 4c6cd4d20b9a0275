import { type Command, Option } from "commander";
import { lanes } from "../../executions/lanes.ts";
import type { ExecutionAnswer } from "../connection/wire.ts";
import { type Session, withSession } from "../session.ts";

export function defineMove(program: Command): Command {
  return program
    .command("move")
    .description("put pending executions into another lane, once: high is claimed first, low last")
    .argument("<execution...>", "ids of executions")
    .addOption(new Option("--lane <lane>", "where to").choices(lanes).makeOptionMandatory())
    .action(withSession(move));
}

async function move({ api, terminal }: Session, ids: string[], { lane }: { lane: string }): Promise<void> {
  for (const id of ids) {
    const path = `/api/v1/executions/${encodeURIComponent(id)}`;
    const { body } = await api.send<ExecutionAnswer>("PATCH", path, { json: { lane } });
    terminal.entry(body, () => `${body.id}  ${body.movedFrom} → ${body.lane}, priority ${body.priority}`);
  }
}
