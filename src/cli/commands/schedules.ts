import type { Command } from "commander";
import { defaultProject } from "../../services/service-ref.ts";
import type { JobAnswer, ScheduleAnswer, ScheduleDetail } from "../connection/wire.ts";
import { serviceRefOf } from "../service-ref.ts";
import { type Session, withSession } from "../session.ts";
import type { Column } from "../terminal/column.ts";
import { wholeNumber } from "../terminal/read-options.ts";
import { clockText, countText } from "../terminal/times.ts";

interface ProjectOption {
  project: string;
}

const columns: Column<ScheduleAnswer>[] = [
  { title: "service", of: ({ project, service }) => `${project}/${service}` },
  { title: "schedule", of: ({ cron, timezone }) => `${cron} ${timezone}` },
  { title: "next, local time", of: (schedule, paint) => nextText(schedule) ?? paint("yellow", stateOf(schedule)) },
  { title: "last", of: ({ lastFired }) => (lastFired ? timeOf(lastFired) : "") },
  { title: "missed", of: ({ missed }, paint) => (missed ? paint("yellow", String(missed.count)) : "") },
  { title: "catch up", of: ({ catchUp }) => catchUp },
];

const jobColumns: Column<JobAnswer>[] = [
  { title: "at, local time", of: ({ at }) => timeOf(at) },
  { title: "service", of: ({ project, service }) => `${project}/${service}` },
  { title: "asked by", of: ({ executionId }) => executionId },
  { title: "job", of: ({ id }) => id },
];

export function defineSchedules(program: Command): Command {
  const schedules = program.command("schedules").description("what runs by the clock, and changes to it");
  schedules
    .command("list", { isDefault: true })
    .description("schedules and their next times (the default: `fx schedules`)")
    .option("--project <project>", "of one project")
    .action(withSession(list));
  const one = (name: string, description: string) =>
    schedules
      .command(name)
      .description(description)
      .argument("<service>", "project/name, or a name")
      .option("--project <project>", "the project of a bare name", defaultProject);
  one("show", "one schedule: its next times and when it was missed")
    .option("--times <count>", "so many of the next times", wholeNumber(1, 1000), 10)
    .action(withSession(show));
  one("pause", "start no more runs, also after a redeploy, until it is resumed").action(withSession(pause));
  one("resume", "start runs again from now on; what came meanwhile is not made up").action(withSession(resume));
  one("run", "run it now as its schedule would; its next time stays").action(withSession(run));
  schedules
    .command("jobs")
    .description("runs that scripts asked for later (context.scheduler.retry)")
    .option("--project <project>", "of one project")
    .option("--limit <count>", "at most so many", wholeNumber(1, 100_000), 100)
    .action(withSession(jobs));
  schedules
    .command("cancel")
    .description("cancel a run that a script asked for later")
    .argument("<job>", "the job's id")
    .action(withSession(cancel));
  return schedules;
}

async function list({ api, terminal }: Session, { project }: { project?: string }): Promise<void> {
  const { items } = await api.list<ScheduleAnswer>("/api/v1/schedules", { project }, 100_000);
  const empty = 'no service has a schedule: write "schedule": "*/5 * * * *" into its manifest.json and `fx deploy` it';
  await terminal.list(items, columns, empty);
}

async function show({ api, terminal }: Session, service: string, options: ProjectOption & { times: number }) {
  const detail = await api.get<ScheduleDetail>(pathOf(service, options), { times: options.times });
  await terminal.one(detail, () =>
    [
      `${detail.project}/${detail.service}  ${detail.cron} ${detail.timezone}, catch up: ${detail.catchUp}`,
      detail.next.length === 0 ? `  ${stateOf(detail)}` : "  next, local time:",
      ...detail.next.map((time) => `    ${timeOf(time)}`),
      ...(detail.misses.length === 0 ? [] : ["  missed:"]),
      ...detail.misses.map(
        ({ first, last, count }) => `    ${timeOf(first)} to ${timeOf(last)}: ${countText(count, "time")}`,
      ),
    ].join("\n"),
  );
}

function pause(session: Session, service: string, options: ProjectOption): Promise<void> {
  return setPaused(session, service, options, true);
}

function resume(session: Session, service: string, options: ProjectOption): Promise<void> {
  return setPaused(session, service, options, false);
}

async function setPaused({ api, terminal }: Session, service: string, options: ProjectOption, paused: boolean) {
  const { body } = await api.send<ScheduleDetail>("PATCH", pathOf(service, options), { json: { paused } });
  const ref = `${body.project}/${body.service}`;
  await terminal.one(body, () => (paused ? `${ref} is paused` : `${ref} runs next at ${nextText(body) ?? "no time"}`));
  terminal.next(paused ? `fx schedules resume ${ref}` : "fx schedules");
}

async function run({ api, terminal }: Session, service: string, options: ProjectOption): Promise<void> {
  const { text } = serviceRefOf(service, options.project);
  const { body } = await api.send<{ executionId: string }>("POST", `${pathOf(service, options)}/run`);
  await terminal.one(body, () => `${text} runs as ${body.executionId}`);
  terminal.next(`fx logs ${body.executionId} --follow`);
}

async function jobs({ api, terminal }: Session, { project, limit }: { project?: string; limit: number }) {
  const { items } = await api.list<JobAnswer>("/api/v1/schedules/jobs", { project }, limit);
  await terminal.list(items, jobColumns, "no script waits for a later run");
}

async function cancel({ api, terminal }: Session, id: string): Promise<void> {
  await api.send("DELETE", `/api/v1/schedules/jobs/${encodeURIComponent(id)}`);
  await terminal.one({ cancelled: id }, () => `cancelled job ${id}`);
  terminal.next("fx schedules jobs");
}

function pathOf(service: string, { project }: ProjectOption): string {
  const ref = serviceRefOf(service, project);
  return `/api/v1/schedules/${ref.project}/${ref.name}`;
}

function nextText({ next }: ScheduleAnswer): string | undefined {
  return next[0] === undefined ? undefined : timeOf(next[0]);
}

function stateOf({ paused, active }: ScheduleAnswer): string {
  if (paused) return "paused";
  return active ? "never again" : "switched off";
}

/** Schedules come at whole minutes. */
function timeOf(time: string): string {
  return clockText(time, Date.now()).replace(/\.000$/, "");
}
