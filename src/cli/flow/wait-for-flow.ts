import { CliError } from "../cli-error.ts";
import type { EventAnswer, ExecutionAnswer } from "../connection/wire.ts";
import type { Session } from "../session.ts";
import type { LiveLines } from "../terminal/live-lines.ts";
import { safe } from "../terminal/safe.ts";
import { paintStatus } from "../terminal/style.ts";
import { countText, durationText, elapsedMs } from "../terminal/times.ts";
import { type FlowListener, followFlow } from "./follow-flow.ts";
import { printFlow } from "./print-flow.ts";

const defaultWaitSeconds = 300;

/**
 * `--wait`: tells on standard error what happens while the flow runs, then prints the tree, which takes its place on a terminal. Throws
 * `runFailed` when an execution failed or an event was rejected, `waitEnded` when the time was over before the flow was quiet.
 */
export async function waitForFlow(session: Session, eventKey: string, wait: number | true): Promise<void> {
  const { api, terminal } = session;
  const seconds = wait === true ? defaultWaitSeconds : wait;
  const began = performance.now();
  const first = await api.get<EventAnswer>(`/api/v1/events/${encodeURIComponent(eventKey)}`, {
    wait: Math.min(seconds * 1000, 5000),
  });
  const flow = first.event.correlationid ?? "";
  const live = terminal.live();
  const followed = await followFlow(api, flow, seconds * 1000, liveTelling(session, live));
  live.clear();
  await printFlow(session, followed, { everything: false });
  const { events, executions } = followed;
  const failed = executions.filter(({ status }) => status === "failed");
  const counts = `${countText(events.length, "event")}, ${countText(executions.length, "execution")}`;
  if (!followed.quiet) {
    throw new CliError({
      what: `not quiet after ${durationText(seconds * 1000)}: ${counts} so far, and it goes on`,
      fix: `fx flow ${flow}`,
      exit: "waitEnded",
    });
  }
  const took = durationText(flowMs(events, executions) ?? performance.now() - began);
  const rejected = events.filter(({ outcome }) => outcome === "rejected");
  const skipped = executions.filter(({ status }) => status === "skipped");
  const left = [
    ...(failed.length > 0 ? [`${failed.length} failed`] : []),
    ...(rejected.length > 0 ? [`${countText(rejected.length, "event")} rejected`] : []),
    ...(skipped.length > 0 ? [`${countText(skipped.length, "execution")} skipped`] : []),
  ];
  const verdict = left.length === 0 ? "all well" : left.join(", ");
  const told = `${counts} in ${took}${failed.length > 0 ? ";" : ","} ${verdict}`;
  const broken = failed[0] ? `fx show ${failed[0].id}` : rejected[0] && `fx why ${rejected[0].key}`;
  if (broken !== undefined) throw new CliError({ what: told, fix: broken, exit: "runFailed" });
  terminal.say(told);
  terminal.next(executions.length === 0 ? `fx why ${eventKey}` : `fx flow ${flow}`);
}

/** From the acceptance of the first event to the end of the last execution. */
function flowMs(events: readonly EventAnswer[], executions: readonly ExecutionAnswer[]): number | undefined {
  const received = events.flatMap(({ receivedAt }) => (receivedAt ? [receivedAt] : [])).sort();
  const finished = executions.flatMap(({ finishedAt }) => (finishedAt ? [finishedAt] : [])).sort();
  return elapsedMs(received[0], finished.at(-1) ?? received.at(-1));
}

function liveTelling({ terminal }: Session, live: LiveLines): FlowListener {
  const { paintTalk: paint } = terminal;
  return {
    routed({ key, event, outcome, links }) {
      const starts = links
        .filter(({ executionId }) => executionId)
        .map(({ project, service }) => `${project}/${service}`);
      const told = starts.length > 0 ? ` → ${starts.join(", ")}` : `  ${paintStatus(paint, outcome)}`;
      live.say(key, `◆ ${event.type}${told}`);
    },
    changed(execution) {
      if (execution.status === "pending" && execution.attempt === 0) return;
      const { id, project, service, status, attempt, startedAt, finishedAt, error, reason } = execution;
      const took = elapsedMs(startedAt, finishedAt);
      const nth = attempt > 1 ? ` (attempt ${attempt})` : "";
      const after = took === undefined ? "" : ` in ${durationText(took)}`;
      const cause = error?.message ?? reason;
      const why = cause ? `: ${safe(cause.split("\n", 1)[0] ?? "")}` : "";
      live.say(id, `■ ${project}/${service}${nth} ${paintStatus(paint, status)}${after}${why}`);
    },
  };
}
