import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Bench } from "./support/bench.ts";
import { BenchPlatform } from "./support/platform.ts";
import { interleaved } from "./support/rounds.ts";
import { withTempDir } from "./support/temp-dir.ts";

const settleMs = 3_000;

/** Time to start and memory at rest. */
export const footprint: Bench = {
  name: "footprint",
  title: "Start and rest",
  run: ({ rounds, note }) =>
    withTempDir(async (directory) => {
      const data = path.join(directory, "data");
      const started = async (folder: string, command?: readonly string[]) => {
        const platform = await BenchPlatform.start(folder, {}, command);
        await platform.stop();
        return { ms: platform.startMs };
      };
      await started(data);
      const starts = await interleaved(
        [
          {
            name: "start on an empty directory, ms",
            measure: (round) => started(path.join(directory, `data-${round}`)),
          },
          { name: "second start, ms", measure: () => started(data) },
          { name: "second start by `npm start`, ms", measure: () => started(data, ["npm", "start"]) },
        ],
        rounds,
        note,
      );
      const platform = await BenchPlatform.start(data);
      await pause(settleMs);
      const memory = platform.memory();
      await platform.stop();
      return {
        title: footprint.title,
        columns: ["", "measured", "aim"],
        rows: [
          ...starts.map(({ name, median }) => [name, median.ms ?? 0, name.startsWith("second") ? 2000 : ""]),
          ...memory.map(({ command, megabytes }) => [`memory at rest: ${command}, MB`, megabytes, ""]),
          ["memory at rest: all, MB", memory.reduce((sum, { megabytes }) => sum + megabytes, 0), ""],
        ],
        remarks: [
          "From the start of the process to the line `FX is ready`. Memory is resident and counts shared pages in each.",
        ],
      };
    }),
};
