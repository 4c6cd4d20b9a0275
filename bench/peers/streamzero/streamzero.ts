import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isolationLevels } from "../../../src/services/manifest.ts";
import { BenchPlatform } from "../../support/platform.ts";
import { until } from "../../support/until.ts";
import type { Peer, Running } from "../peer.ts";
import { jobType, type Level, servicesOf, stepType } from "./services.ts";

const slots = 4;
/** Events of one request, and executions of one answer. */
const pageSize = 1000;

interface Execution {
  id: string;
  status: string;
  finishedAt: string | null;
}

interface Page {
  items: Execution[];
  next: string | null;
}

const levels: readonly Level[] = [
  { slug: "fx-python", title: "**FX, process (Python)**", language: "python", isolation: "process" },
  { slug: "fx-python-warm", title: "**FX, warm (Python)**", language: "python", isolation: "warm" },
  { slug: "fx-typescript", title: "**FX, process (TypeScript)**", language: "typescript", isolation: "process" },
  { slug: "fx-typescript-warm", title: "**FX, warm (TypeScript)**", language: "typescript", isolation: "warm" },
];

/** The platform itself, at each level of isolation that its manifest knows. */
export const streamzero: readonly Peer[] = levels
  .filter(({ isolation }) => (isolationLevels as readonly string[]).includes(isolation))
  .map((level) => ({
    name: level.slug,
    title: level.title,
    traits: {
      isolation:
        level.isolation === "warm" ? "none within a service: its warm processes" : "a process, own user and limits",
      durable: "yes",
      kept: "events, output, history",
      ui: "none: an API and a command line",
    },
    burstJobs: level.isolation === "warm" ? 3000 : 500,
    install: async () => "this tree",
    start: async (stage) => {
      const settings = { FX_EXECUTOR_SLOTS: `${slots}` };
      const platform = await BenchPlatform.start(path.join(stage.directory, "data"), settings);
      stage.onEnd(() => platform.stop());
      for (const [name, files] of Object.entries(servicesOf(level))) await platform.deploy(name, files);
      return runningOn(platform, level.slug);
    },
  }));

function runningOn(platform: BenchPlatform, slug: string): Running {
  const send = async (type: string, flow: string, all: readonly Record<string, unknown>[]) => {
    const events = all.map((data, n) => ({ id: `${flow}-${n}`, type, correlationid: flow, data }));
    const keys: string[] = [];
    for (let at = 0; at < events.length; at += pageSize) {
      keys.push(...(await platform.send(events.slice(at, at + pageSize))));
    }
    return keys;
  };
  return {
    burst: async (first, jobs) => {
      const flow = `burst-${first}`;
      const began = epochMs();
      const numbers = Array.from({ length: jobs }, (_, index) => ({ number: first + index }));
      const keys = await send(jobType(slug), flow, numbers);
      // One flow is one partition, so that with the last event all are routed. Asking for a line at a time costs the platform little.
      await platform.request("GET", `/api/v1/events/${keys.at(-1)}?wait=60000`);
      return (await lastEnd(platform, flow, jobs)) - began;
    },
    paced: async (first, jobs, everyMs) => {
      const flow = `paced-${first}`;
      const sent: number[] = [];
      const began = epochMs();
      for (let index = 0; index < jobs; index += 1) {
        await pause(Math.max(0, began + index * everyMs - epochMs()));
        sent.push(epochMs());
        const number = first + index;
        await platform.send([{ id: `${flow}-${number}`, type: jobType(slug), correlationid: flow, data: { number } }]);
      }
      const starts = new Map<number, number>();
      for (const { id } of await allOf(platform, flow, jobs)) {
        const line = await until(async () => (await linesOf(platform, id))[0]?.text);
        const [, number, at] = /^job (\d+) (\S+)/.exec(line) ?? [];
        starts.set(Number(number), Number(at));
      }
      return sent.map((at, index) => {
        const start = starts.get(first + index);
        if (start === undefined) throw new Error(`job ${first + index} has no line`);
        return start - at;
      });
    },
    flow: async (steps, n) => {
      const began = epochMs();
      const flow = `flow-${began}`;
      await send(stepType(slug), flow, [{ left: steps, n }]);
      return (await lastEnd(platform, flow, steps)) - began;
    },
  };
}

async function linesOf(platform: BenchPlatform, id: string): Promise<{ text: string }[]> {
  return (await platform.request<{ items: { text: string }[] }>("GET", `/api/v1/executions/${id}/logs`)).items;
}

/** When the last of the flow's executions ended, by the platform's record. */
async function lastEnd(platform: BenchPlatform, flow: string, count: number): Promise<number> {
  const ended = await allOf(platform, flow, count);
  return Math.max(...ended.map(({ finishedAt }) => Date.parse(finishedAt ?? "")));
}

/** The flow's executions, once so many are completed. */
async function allOf(platform: BenchPlatform, flow: string, count: number): Promise<Execution[]> {
  const list = async (filter: string) =>
    await platform.request<Page>("GET", `/api/v1/executions?correlationid=${flow}${filter}`);
  return await until(async () => {
    for (const status of ["pending", "in_progress"]) {
      if ((await list(`&status=${status}&limit=1`)).items.length > 0) return undefined;
    }
    const items: Execution[] = [];
    for (let after: string | null = ""; after !== null; ) {
      const page: Page = await list(`&limit=${pageSize}${after && `&after=${after}`}`);
      items.push(...page.items);
      after = page.next;
    }
    const failed = items.find(({ status }) => status === "failed");
    if (failed) throw new Error(`execution ${failed.id} failed`);
    const whole = items.length === count && items.every(({ status }) => status === "completed");
    return whole ? items : undefined;
  }, 50);
}

function epochMs(): number {
  return performance.timeOrigin + performance.now();
}
