import { launchedTools } from "../src/executor/launcher/launched-tools.ts";
import { LauncherClient } from "../src/executor/launcher/launcher-client.ts";
import { type RunTool, runTool } from "../src/executor/runtimes/run-tool.ts";
import { systemClock } from "../src/foundation/clock.ts";
import { silentLog } from "../src/foundation/log.ts";
import type { Bench } from "./support/bench.ts";
import { interleaved, median } from "./support/rounds.ts";

const mebibyte = 1024 * 1024;
/** Beside what a process of this bench has anyway. */
const heldMebibytes = [0, 400, 1_000];
const toolsARound = 15;

/** How long everything else waits while a tool is started: what checks syntax, compiles or installs packages. */
export const tools: Bench = {
  name: "tools",
  title: "Starting a tool",
  async run({ rounds, note }) {
    const launcher = new LauncherClient({ clock: systemClock, log: silentLog });
    await launcher.ready();
    const ways: [string, RunTool][] = [
      ["this process", runTool],
      ["the launcher", launchedTools(launcher)],
    ];
    const rows: (string | number)[][] = [];
    for (const held of heldMebibytes) {
      const memory = Buffer.alloc(held * mebibyte, 1);
      const contenders = ways.map(([name, run]) => ({ name, measure: () => starts(run) }));
      const size = `${Math.round(process.memoryUsage.rss() / mebibyte)} MB`;
      for (const { name, median } of await interleaved(contenders, rounds, (text) => note(`${size}, ${text}`))) {
        rows.push([size, name, median.stillMs ?? Number.NaN, median.wholeMs ?? Number.NaN]);
      }
      memory.fill(0);
    }
    await launcher.close();
    return {
      title: `${tools.title}: /bin/true, ${toolsARound} a round, one after the other`,
      columns: ["size of this process", "started by", "stands still, ms", "until it has ended, ms"],
      rows,
      remarks: ["Medians. While a process stands still it accepts, routes and answers nothing."],
    };
  },
};

async function starts(run: RunTool): Promise<{ stillMs: number; wholeMs: number }> {
  const stillMs: number[] = [];
  const wholeMs: number[] = [];
  for (let count = 0; count < toolsARound; count += 1) {
    const begunAt = performance.now();
    const running = run("/bin/true", []);
    stillMs.push(performance.now() - begunAt);
    await running;
    wholeMs.push(performance.now() - begunAt);
  }
  return { stillMs: median(stillMs), wholeMs: median(wholeMs) };
}
