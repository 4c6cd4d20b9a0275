import type { Figure, Measured } from "../metrics/figure.ts";
import { serviceRef } from "../services/service-ref.ts";

/** More are counted together: a label with any number of values costs whoever keeps them. */
const maxServices = 1000;
const theRest = "others";

/** How much of this process's slots each service has had. */
export class ServiceUse {
  readonly #uses = new Map<string, { steps: number; ms: number }>();

  ran(service: { project: string; name: string }, ms: number): void {
    const ref = serviceRef(service);
    const key = this.#uses.has(ref) || this.#uses.size < maxServices ? ref : theRest;
    const use = this.#uses.get(key) ?? { steps: 0, ms: 0 };
    this.#uses.set(key, use);
    use.steps += 1;
    // A clock may have been set back.
    use.ms += Math.max(0, ms);
  }

  get figures(): Figure[] {
    const counter = (name: string, help: string, of: (use: { steps: number; ms: number }) => number): Figure => ({
      name,
      help,
      kind: "counter",
      labelNames: ["service"],
      isKept: true,
      read: () => [...this.#uses].map(([service, use]): Measured => ({ labels: { service }, value: of(use) })),
    });
    return [
      counter("fx_service_steps_total", "Scripts that were run, by service", ({ steps }) => steps),
      counter("fx_service_busy_seconds_total", "Time that slots were taken, by service", ({ ms }) => ms / 1000),
    ];
  }
}
