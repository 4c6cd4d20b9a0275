import type { Command } from "commander";
import { defaultProject } from "../../services/service-ref.ts";
import { serviceRefOf } from "../service-ref.ts";
import { type Session, withSession } from "../session.ts";
import { seconds, wholeNumber } from "../terminal/read-options.ts";
import { wholeVersion } from "../whole-version.ts";
import type { WaitOption } from "./send.ts";

interface RunOptions extends WaitOption {
  data?: string;
  project: string;
  priority?: number;
  version?: string;
  idempotencyKey?: string;
}

export function defineRun(program: Command): Command {
  return program
    .command("run")
    .description("run a service now, whatever its links are")
    .argument("<service>", "project/name, or a name")
    .option("--data <data>", "its parameters: JSON; @file; -: standard input")
    .option("--project <project>", "the project of a bare name", defaultProject)
    .option("--priority <priority>", "1 (highest) to 10 (lowest)", wholeNumber(1, 10))
    .option("--version <version>", "a version's id instead of the active one")
    .option("--idempotency-key <key>", "the same key again is the same run")
    .option(
      "--wait [seconds]",
      "show the flow while it runs, until it is quiet, for so long at most (10, 10s, 2m); exit code 5 if something failed",
      seconds,
    )
    .action(withSession(run));
}

async function run(session: Session, service: string, options: RunOptions): Promise<void> {
  const { api, terminal } = session;
  const { readData } = await import("../send/read-data.ts");
  const ref = serviceRefOf(service, options.project);
  const { path, text } = ref;
  const { data } = readData(options.data);
  const { body } = await api.send<{ eventKey: string; executionId: string }>("POST", `${path}/run`, {
    json: {
      data: data ?? {},
      ...(options.priority === undefined ? {} : { priority: options.priority }),
      ...(options.version === undefined ? {} : { version: await wholeVersion(api, ref, options.version) }),
    },
    ...(options.idempotencyKey === undefined ? {} : { headers: { "idempotency-key": options.idempotencyKey } }),
  });
  if (options.wait !== undefined) {
    const { waitForFlow } = await import("../flow/wait-for-flow.ts");
    return waitForFlow(session, body.eventKey, options.wait);
  }
  await terminal.one(body, () => `${text} runs as ${body.executionId}`);
  terminal.next(`fx logs ${body.executionId} --follow`);
}
