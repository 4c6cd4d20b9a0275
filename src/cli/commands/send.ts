import { type Command, Option } from "commander";
import type { CloudEvent } from "../../events/cloud-event.ts";
import { type Session, withSession } from "../session.ts";
import { seconds } from "../terminal/read-options.ts";
import { safe } from "../terminal/safe.ts";

export interface WaitOption {
  wait?: number | true;
}

interface SendOptions extends WaitOption {
  data?: string;
  example?: boolean;
  source: string;
  subject?: string;
  id?: string;
  project?: string;
  correlation?: string;
  partitionKey?: string;
}

interface Accepted {
  key: string;
  id: string;
  source: string;
  duplicate: boolean;
  differs?: boolean;
}

export function defineSend(program: Command): Command {
  return program
    .command("send")
    .description("send an event")
    .argument("<type>", "the event's type, e.g. order.placed")
    .option("--data <data>", "JSON; @file: a file's JSON, or its text; -: JSON from standard input")
    .addOption(new Option("--example", "send data made from the schema that was learned of the type").conflicts("data"))
    .option("--source <source>", "who sends it", "/fx/cli")
    .option("--subject <subject>", "what it is about")
    .option("--id <id>", "its id: the same id and source again is the same event (made by itself)")
    .option("--project <project>", "only services of this project see it")
    .option("--correlation <correlationid>", "make it part of this flow instead of starting one")
    .option("--partition-key <key>", "events with the same one are routed in the order in which they are sent")
    .option(
      "--wait [seconds]",
      "show the flow while it runs, until it is quiet, for so long at most (10, 10s, 2m); exit code 5 if something failed",
      seconds,
    )
    .action(withSession(send));
}

async function send(session: Session, type: string, options: SendOptions): Promise<void> {
  const { api, terminal } = session;
  const [{ readData }, { newEventId }] = await Promise.all([
    import("../send/read-data.ts"),
    import("../send/new-event-id.ts"),
  ]);
  const event: CloudEvent = {
    specversion: "1.0",
    id: options.id ?? newEventId(),
    source: options.source,
    type,
    time: new Date().toISOString(),
    ...(options.subject === undefined ? {} : { subject: options.subject }),
    ...(options.project === undefined ? {} : { fxproject: options.project }),
    ...(options.correlation === undefined ? {} : { correlationid: options.correlation }),
    ...(options.partitionKey === undefined ? {} : { partitionkey: options.partitionKey }),
    ...(options.example ? await exampleData(session, type) : readData(options.data)),
  };
  // Asked before: the event itself is learned from as well.
  const offer = options.data === undefined && !options.example ? await offerOf(session, type) : undefined;
  const { body } = await api.send<{ accepted: Accepted[] }>("POST", "/api/v1/events", {
    body: Buffer.from(JSON.stringify(event)),
    headers: { "content-type": "application/cloudevents+json; charset=utf-8" },
  });
  const accepted = body.accepted[0] as Accepted;
  if (accepted.differs) {
    terminal.say(
      `warning: an event ${accepted.id} from ${accepted.source} with other data was accepted before; that one stands`,
    );
  }
  if (offer !== undefined) terminal.say(offer);
  if (options.wait !== undefined) {
    const { waitForFlow } = await import("../flow/wait-for-flow.ts");
    return waitForFlow(session, accepted.key, options.wait);
  }
  await terminal.one(
    accepted,
    () => `accepted ${type}  ${accepted.key}${accepted.duplicate ? "  (a repeat: nothing runs twice)" : ""}`,
  );
  terminal.next(`fx why ${accepted.key}`);
}

/** An event without data may be meant so; where its type usually has some, saying so saves a look at why nothing came of it. */
async function offerOf({ api, terminal, options }: Session, type: string): Promise<string | undefined> {
  if (terminal.isJson || options.quiet) return undefined;
  const { typePath } = await import("./types.ts");
  const known = await api
    .get<{ example?: CloudEvent["data"]; dataRequired: boolean }>(typePath(type))
    .catch(() => undefined);
  if (!known?.dataRequired) return undefined;
  return `${type} usually carries data, this one has none; --example sends ${shown(known.example)}`;
}

/** What is sent is shown: nobody should have to guess it. */
async function exampleData(
  { api, terminal }: Session,
  type: string,
): Promise<Pick<CloudEvent, "data" | "datacontenttype">> {
  const { typePath } = await import("./types.ts");
  const { example } = await api.get<{ example?: CloudEvent["data"] }>(typePath(type));
  if (example === undefined) {
    terminal.say(`data: none, as in all events of ${type} so far`);
    return {};
  }
  terminal.say(`data: ${shown(example)}`);
  return { data: example, datacontenttype: "application/json" };
}

function shown(data: CloudEvent["data"]): string {
  return safe(JSON.stringify(data) ?? "");
}
