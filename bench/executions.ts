import path from "node:path";
import { bareForks, bareRuns, bareWarm } from "./support/bare-runs.ts";
import type { Bench } from "./support/bench.ts";
import { BenchPlatform } from "./support/platform.ts";
import { interleaved, type Measured, ratio } from "./support/rounds.ts";
import { type Language, languages, otherLevels, serviceFiles } from "./support/scripts.ts";
import { withTempDir } from "./support/temp-dir.ts";
import { until } from "./support/until.ts";

/** So many that a round lasts about a second, the beginning and the end a small part of it. */
const runsPerRound = { warm: 1000, forked: 600, started: 200 };
const roundsAhead = 3;
const slots = 4;
const measuredLanguages: readonly Language[] = [...languages, ...otherLevels];
const forks = [
  { name: "python, bare forks", driven: false },
  { name: "python, driven forks", driven: true },
];

interface Execution {
  createdAt: string;
  finishedAt: string | null;
  status: string;
}

/** Executions through the whole durable path: accepted, routed, claimed, isolated, run, output kept, completed. */
export const executions: Bench = {
  name: "executions",
  title: "Executions through the whole durable path",
  run: ({ rounds, note }) =>
    withTempDir(async (directory) => {
      const platform = await BenchPlatform.start(path.join(directory, "data"), {
        FX_EXECUTOR_SLOTS: `${slots}`,
        // As many as run at a time, of each: one that made room for another would be measured with its start.
        FX_EXECUTOR_WARM_PROCESSES: `${slots * measuredLanguages.filter(({ isolation }) => isolation === "warm").length}`,
      });
      try {
        for (const language of measuredLanguages) {
          await platform.deploy(language.slug, serviceFiles(language, typeOf(language)));
          // A platform that has run for a while has its code compiled: a thousand runs later it ends half as many again.
          for (let round = 1; round <= roundsAhead; round += 1) await runMany(platform, language, runsOf(language));
        }
        const measured = await interleaved(
          measuredLanguages.flatMap((language) => [
            { name: language.slug, measure: () => runMany(platform, language, runsOf(language)) },
            ...(hasBare(language)
              ? [
                  {
                    name: `${language.slug}, bare`,
                    measure: async () => {
                      const folder = path.join(directory, language.slug);
                      const runs = runsOf(language);
                      const { elapsedMs } = await bare(language)(language, folder, runs, slots);
                      return { perSecond: (runs / elapsedMs) * 1000 };
                    },
                  },
                ]
              : []),
            ...(language.slug === "python" ? forks : []).map(({ name, driven }) => ({
              name,
              measure: async () => {
                const folder = path.join(directory, language.slug);
                const runs = runsOf(language);
                const { elapsedMs } = await bareForks(language, folder, runs, slots, driven);
                return { perSecond: (runs / elapsedMs) * 1000 };
              },
            })),
          ]),
          rounds,
          note,
        );
        const of = (name: string): Measured => {
          const found = measured.find((one) => one.name === name);
          if (!found) throw new Error(`${name} was not measured`);
          return found;
        };
        const rows = measuredLanguages.map((language) => {
          const { name, slug, runtime } = language;
          const ours = of(slug);
          if (!hasBare(language)) return [name, ours.median.perSecond ?? 0, ...Array(5).fill("")];
          const without = of(`${slug}, bare`);
          const toNode = runtime === undefined ? "" : ratio(ours, of("node, bare"), "perSecond");
          const toForks = forks.map((other) => (slug === "python" ? ratio(ours, of(other.name), "perSecond") : ""));
          const figures = [
            ours.median.perSecond ?? 0,
            without.median.perSecond ?? 0,
            ratio(ours, without, "perSecond"),
          ];
          return [name, ...figures, toNode, ...toForks];
        });
        return {
          title: executions.title,
          columns: ["", "executions/s", "bare/s", "ratio", "to bare Node", "to bare forks", "- to driven forks"],
          rows,
          remarks: [
            `${runsPerRound.started} events sent at once (Python: ${runsPerRound.forked}, warm: ${runsPerRound.warm}), ${slots} slots, after ${roundsAhead} rounds that do not count; from the first request until the last execution is completed. Bare: the same interpreter and script, ${slots} at a time, from a small Node process that keeps nothing. The platform's scripts load the SDK, have a user of their own or Landlock, and a private channel. Bare forks: a warm interpreter that forks one process a run, gives it a user of its own, collects what it prints and keeps nothing. Driven forks: the same for a small Node process that asks for each run, with parameters, and gets its output; the process has limits too. Warm, bare: a loop that hands each run to one of ${slots} interpreters and collects what it prints.`,
          ],
        };
      } finally {
        await platform.stop();
      }
    }),
};

function runsOf({ isolation, runtime }: Language): number {
  if (isolation === "warm") return runsPerRound.warm;
  return runtime === undefined ? runsPerRound.forked : runsPerRound.started;
}

/** The loop of warm interpreters speaks Python only, and none has a sandbox. */
function hasBare({ isolation, runtime }: Language): boolean {
  return isolation === undefined || (isolation === "warm" && runtime === undefined);
}

function bare({
  isolation,
}: Language): (language: Language, directory: string, runs: number, atATime: number) => Promise<{ elapsedMs: number }> {
  return isolation === "warm" ? bareWarm : bareRuns;
}

function typeOf(language: Language): string {
  return `bench.${language.slug}.run`;
}

async function runMany(platform: BenchPlatform, language: Language, count: number): Promise<{ perSecond: number }> {
  const flow = `flow-${Math.round(performance.now() * 1000)}`;
  const events = Array.from({ length: count }, (_, n) => ({
    id: `${flow}-${n}`,
    type: typeOf(language),
    correlationid: flow,
    data: { n },
  }));
  const began = performance.timeOrigin + performance.now();
  const keys = await platform.send(events);
  // One flow is one partition, so that with the last event all are routed. Asking for a line at a time costs the platform little.
  await platform.request("GET", `/api/v1/events/${keys.at(-1)}?wait=60000`);
  const route = `/api/v1/executions?correlationid=${flow}`;
  for (const status of ["pending", "in_progress"]) {
    await until(async () => {
      const { items } = await platform.request<{ items: Execution[] }>("GET", `${route}&status=${status}&limit=1`);
      return items.length === 0 || undefined;
    }, 50);
  }
  const { items: ended } = await platform.request<{ items: Execution[] }>("GET", `${route}&limit=1000`);
  const completed = ended.filter(({ status }) => status === "completed");
  if (completed.length !== count) throw new Error(`${completed.length} of ${count} executions completed`);
  const last = Math.max(...ended.map(({ finishedAt }) => Date.parse(finishedAt ?? "")));
  return { perSecond: (count / (last - began)) * 1000 };
}
