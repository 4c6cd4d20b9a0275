import { hostname } from "node:os";
import type { Bus } from "../bus/bus.ts";
import type { Clock } from "../foundation/clock.ts";
import { isPlatformError } from "../foundation/errors.ts";
import type { InstanceId } from "../foundation/ids.ts";
import type { Log } from "../foundation/log.ts";
import { Loop } from "../foundation/loop.ts";
import type { Figure } from "../metrics/figure.ts";
import { encodeMetricSample, type MetricSample, type MetricValue } from "../metrics/metric-sample.ts";
import type { Role } from "./roles.ts";

export interface MetricSamplerParts {
  bus: Bus;
  figures: readonly Figure[];
  instance: InstanceId;
  roles: readonly Role[];
  clock: Clock;
  log: Log;
  everyMs: number;
}

/** Puts what this process measures of itself on `fx.metrics`, every so often. What cannot be sent is not sent later: it is of then. */
export class MetricSampler {
  readonly #loop: Loop;
  readonly #parts: MetricSamplerParts;
  readonly #labels: MetricSample["labels"];

  constructor(parts: MetricSamplerParts) {
    this.#parts = parts;
    const { instance, roles, clock, log, everyMs } = parts;
    this.#labels = { process: instance, host: hostname(), roles: roles.join(",") };
    this.#loop = new Loop({ name: "metrics", clock, log, idleMs: everyMs, work: () => this.#sample() });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #sample(): Promise<void> {
    const { bus, clock, figures, instance } = this.#parts;
    const at = Math.floor(clock.now());
    const own = { at, labels: this.#labels, values: await valuesOf(figures.filter(({ isShared }) => !isShared)) };
    // Of no process: several that tell it tell one series.
    const shared = { at, labels: {}, values: await valuesOf(figures.filter(({ isShared }) => isShared)) };
    await bus.publish([own, shared].map((sample) => encodeMetricSample(instance, sample)));
  }
}

/** What cannot be read now, because a store is away, is left out: the rest is wanted then all the more. */
async function valuesOf(figures: readonly Figure[]): Promise<MetricValue[]> {
  const values: MetricValue[] = [];
  for (const { name, kind, read } of figures) {
    try {
      for (const { labels, value } of await read()) values.push({ name, kind, value, ...(labels && { labels }) });
    } catch (error) {
      if (!isPlatformError(error)) throw error;
    }
  }
  return values;
}
