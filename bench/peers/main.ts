/**
 * npm run bench:peers [-- name ...] [--rounds N] [--save] [--list]
 *
 * The same jobs by the platform and by systems that a user might take instead, on this machine, in one run. What is missing
 * is installed outside the tree; what cannot be had is said, loudly. `--save` also writes the tables to
 * bench/results/<date>-peers.md.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { describeMachine } from "../support/machine.ts";
import { median } from "../support/rounds.ts";
import { renderReport } from "../support/table.ts";
import { absent } from "./absent.ts";
import { measureRound } from "./measure.ts";
import type { Missed, Peer } from "./peer.ts";
import { peers } from "./peers.ts";
import { type Outcome, speedReport, traitsReport } from "./report.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "3" },
    save: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
  },
});

function chosen(): readonly Peer[] {
  const unknown = positionals.filter((name) => !peers.some((peer) => peer.name === name));
  if (unknown.length > 0) {
    console.error(`no such contender: ${unknown.join(", ")}; there are ${peers.map(({ name }) => name).join(", ")}`);
    process.exit(2);
  }
  return positionals.length === 0 ? peers : peers.filter(({ name }) => positionals.includes(name));
}

async function run(): Promise<void> {
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds: a whole number from 1, not ${values.rounds}`);
  const missed: Missed[] = positionals.length === 0 ? [...absent] : [];
  for (const { name, why } of missed) console.error(`MISSED ${name}: ${why}`);
  const outcomes = await installAll(chosen(), missed);
  const words = process.argv.slice(2);
  const command = ["npm run bench:peers", ...(words.length > 0 ? ["--", ...words] : [])].join(" ");
  const heading = [`# ${new Date().toISOString().slice(0, 16)} \`${command}\``, describeMachine()];
  await measureAll(outcomes, rounds, missed);
  const measured = outcomes.filter((outcome) => outcome.rounds.length > 0);
  const reports = [speedReport(measured, missed), traitsReport(measured)].map(renderReport);
  const load = `Load of the machine at the end: ${describeMachine().split("load ").at(-1)}`;
  const text = [...heading, ...reports, load].join("\n\n");
  console.log(text);
  if (values.save) save(text);
  // What was asked for by name and cannot be measured is an error; otherwise it is said above.
  if (positionals.length > 0 && missed.length > 0) process.exitCode = 1;
}

async function installAll(wanted: readonly Peer[], missed: Missed[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const peer of wanted) {
    try {
      outcomes.push({ peer, versions: await peer.install(), rounds: [] });
    } catch (error) {
      miss(missed, peer.name, error);
    }
  }
  return outcomes;
}

/** In turn, A B C A B C: what the machine does besides hits all of them. */
async function measureAll(outcomes: readonly Outcome[], rounds: number, missed: Missed[]): Promise<void> {
  for (let round = 1; round <= rounds; round += 1) {
    for (const { peer, rounds: measured } of outcomes) {
      console.error(`round ${round} of ${rounds}: ${peer.name}`);
      try {
        const figures = await measureRound(peer);
        console.error(JSON.stringify({ ...figures, firstLineMs: median(figures.firstLineMs) }));
        measured.push(figures);
      } catch (error) {
        miss(missed, `${peer.name}, round ${round}`, error);
      }
    }
  }
}

function miss(missed: Missed[], name: string, error: unknown): void {
  missed.push({ name, why: (error as Error).message });
  console.error(`MISSED ${name}: ${(error as Error).message}`);
}

function save(text: string): void {
  const folder = path.join(import.meta.dirname, "../results");
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${new Date().toISOString().slice(0, 10)}-peers.md`);
  writeFileSync(file, `${text}\n`, { flag: "a" });
  console.log(`\nadded to ${path.relative(process.cwd(), file)}`);
}

if (values.list) for (const { name, title } of peers) console.log(`${name.padEnd(20)} ${title}`);
else await run();
