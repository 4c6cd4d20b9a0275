import type { Command } from "commander";
import { usageError } from "../cli-error.ts";
import type { EventAnswer } from "../connection/wire.ts";
import { type Session, withSession } from "../session.ts";
import { clockText } from "../terminal/times.ts";

interface ListenOptions {
  forwardTo: string;
  project?: string;
}

export function defineListen(program: Command): Command {
  return program
    .command("listen")
    .description(
      "send each event, as it is routed, to an address of yours, until Ctrl-C: for a program under development",
    )
    .argument("[type...]", "only these event types; a trailing .* takes all below")
    .requiredOption("--forward-to <url>", "where each event is posted, as a CloudEvent in structured mode")
    .option("--project <project>", "only events of this project")
    .action(withSession(listen));
}

async function listen({ api, terminal }: Session, types: string[], options: ListenOptions): Promise<void> {
  const { forwardTo: target, project } = options;
  if (!URL.canParse(target) || !/^https?:/.test(target)) {
    throw usageError(`"${target}" is not an address to post to: http://127.0.0.1:3000/events would be`);
  }
  const { forwardEvent } = await import("../listen/forward-event.ts");
  terminal.say(`forwarding ${types.length > 0 ? types.join(", ") : "all events"} to ${target}; Ctrl-C ends`);
  for await (const { data } of api.follow("/api/v1/events", { project })) {
    const { event, receivedAt } = JSON.parse(data) as EventAnswer;
    if (types.length > 0 && !types.some((type) => fits(event.type, type))) continue;
    const delivery = await forwardEvent(event, target);
    terminal.entry({ id: event.id, type: event.type, ...delivery }, () => {
      const told = delivery.delivered
        ? terminal.paint(delivery.status < 400 ? "green" : "yellow", String(delivery.status))
        : terminal.paint("red", delivery.reason);
      return `${clockText(receivedAt ?? "", Date.now())}  ${event.type}  ${event.id}  ${told}`;
    });
  }
}

function fits(type: string, wanted: string): boolean {
  return wanted.endsWith(".*") ? type.startsWith(wanted.slice(0, -1)) : type === wanted;
}
