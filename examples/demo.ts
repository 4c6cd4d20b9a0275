/**
 * Plays every example by the commands that a person would type, on a platform of its own, or with
 * `--url <url>` on a running one. Ends with 0 only when everything completed; leaves nothing running.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const cli = join(root, "src/cli/main.ts");
const weatherFile = "node_modules/vega-datasets/data/seattle-weather.csv";

const given = process.argv.indexOf("--url");
const url = given === -1 ? undefined : process.argv[given + 1];
process.exitCode = url === undefined ? await onOwnPlatform() : await play({ ...process.env, FX_URL: url });

async function onOwnPlatform(): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), "fx-demo-"));
  // The settings of the caller's shell are another platform's: with them, the commands would go there.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("FX_"));
  const environment = { ...Object.fromEntries(inherited), FX_DATA_DIR: dataDir, FX_LOG_LEVEL: "warn" };
  const platform = spawn(process.execPath, [cli, "start", "--port", "0"], {
    cwd: root,
    env: environment,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(platform, "exit");
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => platform.kill("SIGTERM"));
  try {
    return await play({ ...environment, FX_URL: await readyUrl(platform) });
  } finally {
    platform.kill("SIGTERM");
    await ended;
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function play(environment: NodeJS.ProcessEnv): Promise<number> {
  const fx = (...words: string[]) => run(words, environment);
  const failures = [
    await fx("deploy", "examples/hello", "examples/chain", "examples/weather"),
    await fx("send", "hello.asked", "--data", '{"name": "Ada"}', "--wait"),
    await fx("send", "order.placed", "--data", '{"order": 7, "items": {"bread": 1, "cheese": 2}}', "--wait"),
    await fx("send", "weather.file_received", "--data", `@${weatherFile}`, "--wait"),
    await printReport(environment),
  ].filter((code) => code !== 0);
  process.stdout.write(failures.length === 0 ? "\nEverything completed.\n" : `\n${failures.length} commands failed.\n`);
  return failures.length === 0 ? 0 : 1;
}

/** The summary event carries the report; that it is there shows that the chain went to its end. */
async function printReport(environment: NodeJS.ProcessEnv): Promise<number> {
  const words = ["events", "--type", "weather.summary", "--limit", "1", "--json"];
  const child = start(words, environment, "pipe");
  const chunks: Uint8Array[] = [];
  child.stdout?.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  const [code] = (await once(child, "close")) as [number];
  if (code !== 0) return code;
  const [summary] = JSON.parse(Buffer.concat(chunks).toString()) as { event: { data: { markdown: string } } }[];
  process.stdout.write(summary ? `${summary.event.data.markdown}\n` : "no weather.summary was sent\n");
  return summary ? 0 : 1;
}

async function run(words: string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const [code] = (await once(start(words, environment, "inherit"), "exit")) as [number | null];
  return code ?? 1;
}

function start(words: string[], environment: NodeJS.ProcessEnv, stdout: "inherit" | "pipe"): ChildProcess {
  const shown = words.map((word) => (/^[\w./@:-]+$/.test(word) ? word : `'${word}'`)).join(" ");
  process.stdout.write(`\n$ npx fx ${shown}\n`);
  return spawn(process.execPath, [cli, ...words], {
    cwd: root,
    env: environment,
    stdio: ["ignore", stdout, "inherit"],
  });
}

/** Resolves with the address that the platform prints when it can take events. */
function readyUrl(platform: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    platform.stdout?.on("data", (chunk: Uint8Array) => {
      text += Buffer.from(chunk).toString();
      const ready = /^FX is ready at (\S+)$/m.exec(text);
      if (ready?.[1]) resolve(ready[1]);
    });
    platform.once("exit", (code) => reject(new Error(`the platform did not start: exit code ${code}`)));
  });
}
