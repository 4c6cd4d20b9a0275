import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { root } from "../support/cli.ts";
import { placeOf, readSteps, requireShown } from "../support/guide-page.ts";
import { TestPlatform, testToken } from "../support/platform.ts";
import { tempDir } from "../support/temp-dir.ts";

const guide = join(root, "docs/guide");

/** A reader's directory: the token of the platform, the examples, and the Python that scripts are given too. */
function readersDirectory(): string {
  const directory = tempDir();
  cpSync(join(root, "examples"), join(directory, "examples"), { recursive: true });
  cpSync(join(root, "sdk"), join(directory, "sdk"), {
    recursive: true,
    filter: (path) => !path.includes("node_modules"),
  });
  mkdirSync(join(directory, ".fx"));
  writeFileSync(join(directory, ".fx/token"), testToken);
  return directory;
}

/** Types a block as it is written; only `npx` is the CLI of this tree, and the address the test's. */
async function typeIn(
  text: string,
  directory: string,
  platform: TestPlatform,
): Promise<{ code: number; output: string }> {
  const cli = `"${process.execPath}" "${join(root, "src/cli/main.ts")}"`;
  const setup = `npx() { shift; ${cli} "$@"; }\n`;
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("FX_") && name !== "FORCE_COLOR");
  const child = spawn("sh", ["-e", "-c", setup + text.replaceAll("http://127.0.0.1:8080", platform.url)], {
    cwd: directory,
    env: { ...Object.fromEntries(inherited), FX_URL: platform.url, FX: cli.replaceAll('"', "") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (piece: string) => {
      output += piece;
    });
  }
  const [code] = (await once(child, "close")) as [number];
  return { code, output };
}

describe("the guide", () => {
  it.each(readdirSync(guide).filter((name) => name.endsWith(".md")))(
    "%s: every file and command does what the page says",
    async (name) => {
      const file = join(guide, name);
      const steps = readSteps(file);
      if (steps.length === 0) return;
      const directory = readersDirectory();
      const platform = await TestPlatform.start();
      onTestFinished(() => platform.stop());
      for (const step of steps) {
        const place = placeOf(root, file, step);
        if (step.kind === "file") {
          mkdirSync(dirname(join(directory, step.path)), { recursive: true });
          writeFileSync(join(directory, step.path), step.text);
          continue;
        }
        const { code, output } = await typeIn(step.text, directory, platform);
        expect({ place, code, output }).toMatchObject({ code: 0 });
        if (step.shows !== undefined) requireShown(step.shows, output);
      }
    },
  );
});
