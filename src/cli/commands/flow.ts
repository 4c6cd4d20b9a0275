import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { fetchFlow } from "../flow/fetch-flow.ts";
import { type Session, withSession } from "../session.ts";

export function defineFlow(program: Command): Command {
  return program
    .command("flow")
    .description("a flow as a tree: what each event started, and what that emitted")
    .argument("<correlationid>", "the flow's id, or the key or id of one of its events, or an execution's id")
    .option("--all", "draw everything, also the fiftieth event of a kind")
    .action(withSession(flow));
}

async function flow(session: Session, id: string, options: { all?: boolean }): Promise<void> {
  const parts = await fetchFlow(session.api, id);
  if (parts.events.length === 0 && parts.executions.length === 0) {
    throw new CliError({ what: `there is no flow "${id}"`, fix: "fx events", exit: "notFound" });
  }
  const { printFlow } = await import("../flow/print-flow.ts");
  await printFlow(session, parts, { everything: options.all ?? false });
}
