import { setTimeout as pause } from "node:timers/promises";
import type { Command } from "commander";
import { CliError, usageError } from "../cli-error.ts";
import type { Client } from "../connection/client.ts";
import type { ReplayAnswer, ReplayDetail } from "../connection/wire.ts";
import { fetchFlow } from "../flow/fetch-flow.ts";
import { replayText } from "../replay/replay-text.ts";
import { serviceRefOf } from "../service-ref.ts";
import { type Session, withSession } from "../session.ts";
import { seconds } from "../terminal/read-options.ts";
import { countText } from "../terminal/times.ts";
import { wholeVersion } from "../whole-version.ts";

interface ReplayOptions {
  version?: string[];
  wait?: number | true;
  exitCode?: boolean;
  idempotencyKey?: string;
}

const defaultWaitSeconds = 300;
const pauseMs = 200;

export function defineReplay(program: Command): Command {
  return program
    .command("replay")
    .summary("run a flow again on its recorded events, with chosen versions, and see what differs")
    .description(
      "run a flow again on its recorded events, with chosen versions: what its scripts send, put and store by context and by .sql is not done; what they do by themselves is, requests to other systems too, with the secrets of today",
    )
    .argument("<correlationid>", "the flow's id, or the key or id of one of its events, or an execution's id")
    .option("--version <service=version...>", "project/service=VERSION, or =active; others run the version they ran")
    .option("--wait [seconds]", "wait for its end, for so long at most (10, 10s, 2m), and print what differs", seconds)
    .option("--exit-code", "with --wait: exit code 8 unless every execution is the same or fixed")
    .option("--idempotency-key <key>", "the same key again is the same replay")
    .action(withSession(replay));
}

async function replay(session: Session, id: string, options: ReplayOptions): Promise<void> {
  const { api, terminal } = session;
  if (options.exitCode && options.wait === undefined) throw usageError("--exit-code needs --wait: only the end tells");
  const correlationid = await correlationOf(api, id);
  const json = { correlationid, versions: await readVersions(api, options.version ?? []) };
  const { body } = await api.send<ReplayAnswer>("POST", "/api/v1/flows/replay", {
    json,
    ...(options.idempotencyKey === undefined ? {} : { headers: { "idempotency-key": options.idempotencyKey } }),
  });
  if (options.wait === undefined) {
    await terminal.one(body, () => `${countText(body.executions, "execution")} run again as replay ${body.id}`);
    terminal.next(`fx replays show ${body.id}`);
    return;
  }
  const ended = await untilDone(api, body.id, options.wait === true ? defaultWaitSeconds : options.wait);
  await terminal.one(ended, () => replayText(ended, terminal.paint));
  const { summary } = ended;
  const unlike = summary.differs + summary["failed-now"] + summary["not-replayable"];
  if (options.exitCode && unlike > 0) {
    throw new CliError({
      what: `${countText(unlike, "execution")} of the replay ${unlike === 1 ? "is" : "are"} not as the original`,
      fix: `fx replays show ${body.id}`,
      exit: "replayDiffers",
    });
  }
  terminal.next(`fx replays show ${body.id}`);
}

async function correlationOf(api: Client, id: string): Promise<string> {
  const { events, executions } = await fetchFlow(api, id);
  const found = executions[0]?.correlationId ?? events[0]?.event.correlationid;
  if (found === undefined) throw new CliError({ what: `there is no flow "${id}"`, fix: "fx events", exit: "notFound" });
  return found;
}

async function readVersions(api: Client, given: readonly string[]): Promise<Record<string, string>> {
  const versions: Record<string, string> = {};
  for (const text of given) {
    const [, name, version] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    if (name === undefined || version === undefined) {
      throw usageError(`"${text}" does not choose a version: write project/service=VERSION, or project/service=active`);
    }
    const service = serviceRefOf(name);
    versions[service.text] = await wholeVersion(api, service, version);
  }
  return versions;
}

async function untilDone(api: Client, id: string, waitSeconds: number): Promise<ReplayDetail> {
  const deadline = performance.now() + waitSeconds * 1000;
  for (;;) {
    const found = await api.get<ReplayDetail>(`/api/v1/replays/${encodeURIComponent(id)}`);
    if (found.status === "done") return found;
    if (performance.now() >= deadline) {
      throw new CliError({
        what: `${countText(found.summary.running, "execution")} of the replay had not ended after ${waitSeconds} s`,
        fix: `fx replays show ${id}`,
        exit: "waitEnded",
      });
    }
    await pause(pauseMs);
  }
}
