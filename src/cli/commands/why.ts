import type { Command } from "commander";
import type { ExecutionAnswer, LinkAnswer } from "../connection/wire.ts";
import { type Session, withSession } from "../session.ts";

export function defineWhy(program: Command): Command {
  return program
    .command("why")
    .description("why an event started what it started, and why it did not start the rest; what to do about it")
    .argument("<event>", "its key or its id")
    .action(withSession(why));
}

async function why({ api, terminal }: Session, keyOrId: string): Promise<void> {
  const { findEvent } = await import("../why/find-event.ts");
  const entry = await findEvent(api, keyOrId);
  const [executions, links] = await Promise.all([
    api.list<ExecutionAnswer>("/api/v1/executions", { eventkey: entry.key }, 1000),
    api.list<LinkAnswer>("/api/v1/links", {}, 10_000),
  ]);
  const explained = { entry, executions: executions.items, links: links.items };
  await terminal.one({ ...entry, executions: executions.items }, async () => {
    const { explainEvent } = await import("../why/explain-event.ts");
    return explainEvent(explained, terminal.paint, Date.now());
  });
  if (executions.items.length > 0 && entry.event.correlationid) terminal.next(`fx flow ${entry.event.correlationid}`);
}
