import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describeMachine } from "../support/machine.ts";
import type { Figures } from "../support/rounds.ts";

const file = path.join(import.meta.dirname, "figures.json");

/** What one bench measured, by contender. */
export interface BenchFigures {
  /** Measures them anew. */
  command: string;
  machine: string;
  figures: Record<string, Figures>;
}

export type AllFigures = Record<string, BenchFigures>;

export function readFigures(): AllFigures {
  return JSON.parse(readFileSync(file, "utf8")) as AllFigures;
}

/** In place of what was kept of the bench before. */
export function keepFigures(bench: string, options: string, figures: Readonly<Record<string, Figures>>): void {
  const command = `npm run bench -- ${bench} ${options} --figures`;
  const rounded = Object.entries(figures).map(([name, each]) => [name, roundedOf(each)]);
  const all = {
    ...readFigures(),
    [bench]: { command, machine: describeMachine(), figures: Object.fromEntries(rounded) },
  };
  writeFileSync(file, `${JSON.stringify(all, undefined, 2)}\n`);
}

function roundedOf(figures: Figures): Figures {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, Number(value.toPrecision(3))]));
}
