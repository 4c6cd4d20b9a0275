import { rmSync } from "node:fs";
import { Command } from "commander";
import { Cache, cacheRoot } from "./cache.ts";
import type { Engine } from "./engine.ts";
import { allEngines, engineNamed, engines } from "./engines.ts";
import { placeServers, runs, type Servers, startServers, stopServers } from "./servers.ts";
import { dataRoot, EnginesState } from "./state.ts";

const state = new EnginesState(dataRoot());
const tell = (line: string) => console.error(line);

const names = allEngines.map((engine) => engine.name).join(", ");

const program = new Command("npm run engines --")
  .description("The real servers that the platform can be put on, on this machine's loopback, without containers.")
  .configureHelp({ showGlobalOptions: true });

program
  .command("up")
  .description("Bring what is missing, start what does not run, wait until each answers, and print what to set.")
  .argument("[engine...]", `${names}; without one all but kubernetes`)
  .option("--brokers <n>", "brokers of Kafka where it is not there yet: 1 or 3", "1")
  .action(async (wanted: string[], { brokers }: { brokers: string }) => {
    if (brokers !== "1" && brokers !== "3") throw new Error(`--brokers must be 1 or 3, not ${brokers}`);
    const all = state.read();
    for (const engine of chosen(wanted, engines)) {
      const servers = all.find((each) => each.engine === engine) ?? (await place(engine, Number(brokers), all));
      try {
        await startServers(servers);
      } finally {
        // What was started and does not answer is also to be found by `down`.
        state.write(all);
      }
      tell(`${engine.title} answers`);
    }
    for (const { engine, places } of all) {
      for (const [name, value] of Object.entries(engine.environment(places))) console.log(`export ${name}='${value}'`);
    }
  });

program
  .command("down")
  .description("Stop them. Their data stays for the next up.")
  .argument("[engine...]", `${names}; without one all`)
  .option("--wipe", "delete their data too")
  .action(async (wanted: string[], { wipe }: { wipe?: boolean }) => {
    const all = state.read();
    const stopped = all.filter(({ engine }) => chosen(wanted, allEngines).includes(engine));
    for (const servers of stopped.toReversed()) {
      await stopServers(servers);
      tell(`${servers.engine.title} is stopped`);
    }
    const left = wipe ? all.filter((servers) => !stopped.includes(servers)) : all;
    if (wipe)
      for (const servers of stopped)
        for (const { directory } of servers.places) rmSync(directory, { recursive: true, force: true });
    if (left.length === 0) state.wipe();
    else state.write(left);
  });

program
  .command("status")
  .description("What runs, where, and whether it answers.")
  .action(async () => {
    const all = state.read();
    if (all.length === 0) console.log("nothing was started; npm run engines -- up");
    for (const servers of all) {
      for (const place of servers.places) console.log(await describe(servers, place.index));
    }
  });

try {
  await program.parseAsync();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

function chosen(wanted: readonly string[], otherwise: readonly Engine[]): readonly Engine[] {
  return wanted.length === 0 ? otherwise : wanted.map(engineNamed);
}

async function place(engine: Engine, brokers: number, all: Servers[]): Promise<Servers> {
  const programs = await engine.install(new Cache(cacheRoot(), tell));
  const servers = await placeServers(engine, programs, state.directory, engine.name === "kafka" ? brokers : 1);
  all.push(servers);
  return servers;
}

async function describe(servers: Servers, index: number): Promise<string> {
  const { engine, places, processes } = servers;
  const place = places[index];
  const running = runs(servers, index);
  const answers = running && place !== undefined && (await engine.answers(place).catch(() => false));
  const found = answers ? "answers" : running ? "runs but does not answer" : "stopped";
  const addresses = place?.ports.map((port) => `127.0.0.1:${port}`).join(" ") ?? "";
  return [engine.title, addresses, running ? `pid ${processes[index]?.pid}` : "", found].filter(Boolean).join("  ");
}
