import { cpSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { driven } from "../../../bench/peers/support/driven.ts";
import { Stage } from "../../../bench/peers/support/stage.ts";
import { eventually } from "../../support/eventually.ts";
import { tempDir } from "../../support/temp-dir.ts";

const shared = path.join(import.meta.dirname, "../../../bench/peers/shared");

function stageOf(): Stage {
  const stage = new Stage(tempDir());
  onTestFinished(() => stage.end());
  return stage;
}

/** A driver in JavaScript whose jobs run where they are queued, but for those that fail. */
async function drivenHere(stage: Stage) {
  cpSync(shared, stage.directory, { recursive: true });
  writeFileSync(
    path.join(stage.directory, "driver.mjs"),
    `import { drive } from "./drive.mjs";
import { fib, job } from "./work.mjs";

await drive({
  burst: async (numbers) => numbers.forEach(job),
  one: async (number) => void job(number),
  flow: async (steps) => { throw new Error(\`no flow of \${steps} steps\`); },
});
`,
  );
  return await driven(stage, { command: process.execPath, args: ["driver.mjs"], cwd: stage.directory });
}

describe("a contender's driver", () => {
  test("queues a job every so often, and each is timed from its call until its own line", async () => {
    const running = await drivenHere(stageOf());
    const waits = await running.paced(1, 5, 10);
    expect(waits).toHaveLength(5);
    // A job's line tells its moment to a microsecond.
    for (const wait of waits) expect(wait).toBeGreaterThan(-0.001);
  });

  test("tells how long a burst took", async () => {
    const stage = stageOf();
    const running = await drivenHere(stage);
    expect(await running.burst(10, 3)).toBeGreaterThan(0);
    expect(await stage.startsOf(10, 3)).toHaveLength(3);
  });

  test("passes on what failed, in its own words", async () => {
    const running = await drivenHere(stageOf());
    await expect(running.flow(7, 10)).rejects.toThrow("no flow of 7 steps");
  });
});

describe("a stage", () => {
  test("says what a program said that ended before it was ready", async () => {
    const program = { command: "sh", args: ["-c", "echo no such broker >&2; exit 3"], ready: /never/ };
    await expect(stageOf().run(program)).rejects.toThrow(/ended with 3: \s*no such broker/);
  });

  test("ends what its programs have started", async () => {
    const stage = new Stage(tempDir());
    let below = 0;
    const { lines } = await stage.run({ command: "sh", args: ["-c", "sleep 1000 & echo $!; wait"] });
    lines.once("line", (line) => {
      below = Number(line);
    });
    await eventually(() => below > 0);
    await stage.end();
    await eventually(() => {
      try {
        return !process.kill(below, 0);
      } catch {
        return true;
      }
    });
  });
});
