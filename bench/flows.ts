import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bareRuns } from "./support/bare-runs.ts";
import type { Bench, BenchOptions, Report } from "./support/bench.ts";
import { BenchPlatform } from "./support/platform.ts";
import { interleaved, type Measured, median, ratio } from "./support/rounds.ts";
import { fibonacci, importing, languages, sequence } from "./support/scripts.ts";
import { withTempDir } from "./support/temp-dir.ts";
import { until } from "./support/until.ts";

const short = { count: 40, of: 10 };
const long = { count: 10, of: 33 };
const chain = "bench.flow.chain";
const steps = "bench.flow.steps";
const work = "bench.flow.work";
const plain = "bench.flow.plain";
const numpy = "bench.flow.numpy";
const numpyAhead = "bench.flow.numpy.ahead";
const numpyWarm = "bench.flow.numpy.warm";
const numpyFile = { "requirements.txt": "numpy\n" };

/** Whole flows in Python, by the time that a user waits for them: many short runs, few long ones, and an import of a package. */
export const flows: Bench = {
  name: "flows",
  title: "Whole flows in Python",
  run: ({ rounds, note }) => withTempDir((directory) => measureAll(directory, rounds, note)),
};

async function measureAll(directory: string, rounds: number, note: BenchOptions["note"]): Promise<Report> {
  const platform = await BenchPlatform.start(path.join(directory, "data"));
  try {
    note("installing numpy");
    await deployAll(platform);
    const flow = (name: string, type: string, executions: number, data: object = {}) => ({
      name,
      measure: () => flowMs(platform, type, executions, data),
    });
    const again = (name: string, type: string) => ({ name, measure: () => medianMs(platform, type) });
    const bare = (name: string, source: string, runs: number) => ({
      name,
      measure: async () => {
        const folder = path.join(directory, name.replaceAll(/\W+/g, "-"));
        const { elapsedMs } = await bareRuns({ ...languages[0], source: () => source }, folder, runs, 1);
        return { ms: elapsedMs };
      },
    });
    const contenders = [
      flow("steps", steps, 1),
      flow("chain", chain, short.count, { left: short.count }),
      bare("short, bare", fibonacci(short.of), short.count),
      flow("long", work, 1),
      bare("long, bare", fibonacci(long.of), long.count),
      again("plain", plain),
      again("numpy", numpy),
      again("numpy, preloaded", numpyAhead),
      again("numpy, warm", numpyWarm),
    ];
    // What a script imports is learned from its first runs, and a warm interpreter with it made ready.
    for (let n = 0; n < 3; n += 1)
      for (const { name, measure } of contenders) if (!name.includes("long")) await measure();
    const measured = await interleaved(contenders, rounds, note);
    return report((name) => measured.find((one) => one.name === name) as Measured);
  } finally {
    await platform.stop();
  }
}

function report(of: (name: string) => Measured): Report {
  const ms = (name: string) => of(name).median.ms ?? Number.NaN;
  const to = (name: string, other: string) => ratio(of(name), of(other), "ms");
  const shorts = `${short.count} x fib(${short.of})`;
  const longs = `${long.count} x fib(${long.of})`;
  return {
    title: flows.title,
    columns: ["", "ms", "to", "ratio", "aim"],
    rows: [
      [`${shorts}, steps of one run`, ms("steps"), "bare processes", to("steps", "short, bare"), "250 ms"],
      [`${shorts}, a run an event`, ms("chain"), "bare processes", to("chain", "short, bare"), ""],
      [`${shorts}, bare processes`, ms("short, bare"), "", "", ""],
      [`${longs}, steps of one run`, ms("long"), "bare processes", to("long", "long, bare"), "ratio 1.1"],
      [`${longs}, bare processes`, ms("long, bare"), "", "", ""],
      ["an empty script", ms("plain"), "", "", ""],
      ["a script that imports numpy", ms("numpy"), "the empty script", to("numpy", "plain"), "ratio 2"],
      [
        "- with it in the manifest's preload",
        ms("numpy, preloaded"),
        "the empty script",
        to("numpy, preloaded", "plain"),
        "ratio 2",
      ],
      ["- at the level warm", ms("numpy, warm"), "the empty script", to("numpy, warm", "plain"), "ratio 2"],
    ],
    remarks: [
      "From before the POST of the one event until the last execution of its flow is completed, by the clock of this machine, to a millisecond. One after the other, never two at a time; the empty script and those with numpy ten times in a round, 100 ms apart, of which the median counts. A run an event: the script sends an event that starts the service again, until it has counted down. Bare: the same interpreter and script, started by a small Node process. numpy was installed at the deploy.",
    ],
  };
}

async function deployAll(platform: BenchPlatform): Promise<void> {
  await platform.deploy("flow-steps", sequence(steps, short.count, fibonacci(short.of)));
  await platform.deploy("flow-work", sequence(work, long.count, fibonacci(long.of)));
  await platform.deploy("flow-plain", sequence(plain, 1, ""));
  await platform.deploy("flow-numpy", { ...sequence(numpy, 1, importing("numpy")), ...numpyFile });
  const ahead = sequence(numpyAhead, 1, importing("numpy"), { preload: ["numpy"] });
  await platform.deploy("flow-numpy-ahead", { ...ahead, ...numpyFile });
  const warm = sequence(numpyWarm, 1, importing("numpy"), { isolation: "warm" });
  await platform.deploy("flow-numpy-warm", { ...warm, ...numpyFile });
  const next = `from fx_ef import context
left = context.params["left"] - 1
if left > 0: context.events.send("${chain}", {"left": left})
`;
  await platform.deploy("flow-chain", sequence(chain, 1, `${fibonacci(short.of)}${next}`));
}

/** Of ten runs, a tenth of a second apart, as of a service that runs often. */
async function medianMs(platform: BenchPlatform, type: string): Promise<{ ms: number }> {
  const each: number[] = [];
  for (let n = 0; n < 10; n += 1) {
    await sleep(100);
    each.push((await flowMs(platform, type, 1, {})).ms);
  }
  return { ms: median(each) };
}

let sent = 0;

/** Milliseconds from the POST until so many executions of the flow are completed. */
async function flowMs(
  platform: BenchPlatform,
  type: string,
  executions: number,
  data: object,
): Promise<{ ms: number }> {
  sent += 1;
  const flow = `flow-${type}-${sent}`;
  const route = `/api/v1/executions?correlationid=${flow}&limit=100`;
  const began = performance.timeOrigin + performance.now();
  await platform.send([{ id: flow, type, correlationid: flow, data }]);
  const ended = await until(async () => {
    const { items } = await platform.request<{ items: { status: string; finishedAt: string }[] }>("GET", route);
    if (items.some(({ status }) => status === "failed")) throw new Error(`an execution of ${flow} failed`);
    const completed = items.filter(({ status }) => status === "completed");
    return completed.length === executions ? completed : undefined;
  }, 50);
  return { ms: Math.max(...ended.map(({ finishedAt }) => Date.parse(finishedAt))) - began };
}
