import type { Catalog } from "../../src/catalog/catalog.ts";
import type { StepRequest } from "../../src/executor/step-runner.ts";
import { messageOf } from "../../src/foundation/errors.ts";
import type { InstanceId, VersionId } from "../../src/foundation/ids.ts";
import type { ServiceVersion } from "../../src/services/service.ts";
import { Disk, type Drivers } from "./disk.ts";
import { EffectsWitness } from "./effects-witness.ts";
import { type FaultRates, noFaults } from "./faults.ts";
import { faultyBus, type ProcessBus } from "./faulty-bus.ts";
import { type Faults, faultyPort } from "./faulty-port.ts";
import { History } from "./history.ts";
import { LeaseWitness } from "./lease-witness.ts";
import { LimitWitness } from "./limit-witness.ts";
import type { WorldOptions } from "./options.ts";
import { type ProcessPorts, startParts } from "./platform-process.ts";
import type { Program } from "./programs.ts";
import { RoutingWitness } from "./routing-witness.ts";
import { ScheduleWitness } from "./schedule-witness.ts";
import { Domain, Scheduler } from "./scheduler.ts";
import { SeededRandom } from "./seeded-random.ts";
import { SimulatedScripts } from "./simulated-scripts.ts";
import { watchCatalog } from "./watch-catalog.ts";

/** One running copy of the platform. */
interface Process {
  domain: Domain;
  bus: ProcessBus;
  scripts: SimulatedScripts;
  stop: ((graceMs: number) => Promise<void>) | undefined;
}

/** A whole installation: a disk, what serves it, and the processes that use it, in one thread under one seed. */
export class World {
  readonly options: WorldOptions;
  readonly history: History;
  readonly random: SeededRandom;
  readonly scheduler: Scheduler;
  readonly leases: LeaseWitness;
  readonly routing: RoutingWitness;
  readonly schedules: ScheduleWitness;
  readonly limits: LimitWitness;
  readonly effects: EffectsWitness;
  readonly programs = new Map<string, Program>();
  readonly versions = new Map<VersionId, Omit<ServiceVersion, "createdAt">>();
  /** As the drivers answer, without faults, watched. */
  drivers!: Drivers;
  rates: FaultRates;
  /** Set by tests that kill at a chosen call. */
  onCall: Faults["onCall"];
  readonly #processes = new Map<string, Process>();
  #disk!: Disk;
  #server!: Domain;
  #boots = 0;
  #busAwayUntil = 0;

  private constructor(options: WorldOptions, keepTrace: boolean) {
    this.options = options;
    this.history = new History(keepTrace);
    this.random = new SeededRandom(options.seed ^ 0x5f3759df);
    this.scheduler = new Scheduler(this.random.fork());
    this.rates = options.faults;
    const { history } = this;
    const now = () => this.databaseNow();
    this.effects = new EffectsWitness(history);
    this.effects.overlapsMatter = !options.databaseClockJumps;
    this.limits = new LimitWitness({ history, now, timesMatter: !options.databaseClockJumps });
    this.leases = new LeaseWitness({
      history,
      now,
      limits: this.limits,
      isOver: async (id) => {
        const execution = await this.drivers.catalog.executions.get(id);
        return execution === undefined || execution.status === "skipped";
      },
      manifestOf: (version) => this.versions.get(version)?.manifest,
      onlyTheBusFails: Object.values(options.faults).every((rate) => rate === 0),
      completed: (id, attempt) => this.effects.completed(id, attempt),
    });
    this.schedules = new ScheduleWitness(history);
    this.routing = new RoutingWitness({
      history,
      limits: options.limits,
      forgets: options.pruning,
      created: (id, concurrencyKey) => this.leases.created(id, concurrencyKey),
    });
  }

  static async create(options: WorldOptions, keepTrace = false): Promise<World> {
    const world = new World(options, keepTrace);
    await world.#startServer();
    return world;
  }

  /** The database's clock. */
  databaseNow(): number {
    return this.scheduler.clockOf(this.#server).now();
  }

  get processNames(): string[] {
    return Array.from({ length: this.options.processes }, (_, index) => `process-${index + 1}`);
  }

  isRunning(name: string): boolean {
    return this.#processes.has(name);
  }

  /** A process, or what a client uses: ports with faults, whose calls end with the domain. */
  portsFor(domain: Domain): { bus: ProcessBus; catalog: Catalog; configStore: ProcessPorts["configStore"] } {
    const faults = this.faults;
    return {
      bus: faultyBus(faults, domain, this.drivers.bus),
      // What a process knows of itself is no call.
      catalog: faultyPort(faults, domain, "catalog", this.drivers.catalog, { failure: () => undefined }),
      configStore: this.#configStoreFor(domain),
    };
  }

  #configStoreFor(domain: Domain): ProcessPorts["configStore"] {
    const { faults } = this;
    const { configStore } = this.drivers;
    // `all` is read at start only, between two calls that have their own faults.
    const state = faultyPort(faults, domain, "configStore.state", configStore.state, {
      all: () => configStore.state.all(),
    });
    return faultyPort(faults, domain, "configStore", configStore, { state });
  }

  /** Starts a process. It may die while it starts, and start again. */
  start(name: string): void {
    if (this.#processes.has(name)) return;
    this.#boots += 1;
    const domain = new Domain(`${name}#${this.#boots}`);
    const { scheduler, history } = this;
    const random = this.random.fork();
    const ports = this.portsFor(domain);
    const scripts = new SimulatedScripts({
      scheduler,
      random: random.fork(),
      history,
      executor: domain,
      programOf: (request) => this.#programOf(request),
      slots: this.options.slots,
      witness: this.effects,
    });
    const process: Process = { domain, bus: ports.bus, scripts, stop: undefined };
    this.#processes.set(name, process);
    history.trace(scheduler.nowMs, domain.name, "starts");
    const parts: ProcessPorts = {
      bus: ports.bus.bus,
      catalog: ports.catalog,
      configStore: ports.configStore,
      runner: scripts,
      versions: faultyPort(this.faults, domain, "versions", { open: (version) => this.#open(version) }),
      clock: scheduler.clockOf(domain),
      random,
      log: history.logOf(domain.name, () => scheduler.nowMs),
    };
    const instance = `${name}/${this.#boots}` as InstanceId;
    startParts(parts, this.options, instance).then(
      ({ appended, stop }) => {
        process.stop = stop;
        if (appended > 0) history.reach("state was appended to the log at start");
      },
      (error: unknown) => {
        // A start that fails ends the process, as it does in the product; whoever watches starts it again.
        history.trace(scheduler.nowMs, domain.name, `could not start: ${messageOf(error)}`);
        if (!domain.alive) return;
        this.kill(name);
        scheduler.setTimer(new Domain("supervisor"), 1000, () => this.start(name));
      },
    );
  }

  /** kill -9: nothing of it runs from now on. Where it held the disk, the disk's servers die with it. */
  kill(name: string): void {
    const process = this.#processes.get(name);
    if (process === undefined) return;
    this.#processes.delete(name);
    process.domain.alive = false;
    process.scripts.executorDied();
    this.history.trace(this.scheduler.nowMs, process.domain.name, "killed");
    this.history.reach("a process was killed");
    if (process.domain.unanswered > 0) this.history.reach("a process was killed between a commit and its answer");
    process.bus.disconnect();
  }

  /** After a kill of everything: new drivers over the same databases. */
  async restartServer(): Promise<void> {
    for (const name of this.#processes.keys()) this.kill(name);
    this.#server.alive = false;
    await this.#startServer();
  }

  /** SIGTERM: drains, then ends. */
  async shutDown(name: string, graceMs: number): Promise<void> {
    const process = this.#processes.get(name);
    if (process?.stop === undefined) return;
    const { stop } = process;
    process.stop = undefined;
    await stop(graceMs);
    if (!process.domain.alive) return;
    this.history.reach("a process was shut down in good order");
    process.domain.alive = false;
    process.bus.disconnect();
    this.#processes.delete(name);
  }

  pause(name: string, forMs: number): void {
    const process = this.#processes.get(name);
    if (process === undefined) return;
    this.scheduler.pause(process.domain, forMs);
    this.history.trace(this.scheduler.nowMs, process.domain.name, `paused for ${forMs} ms`);
    if (forMs > this.options.leaseMs) this.history.reach("a process was paused past its lease");
  }

  /** Everybody's calls to it fail for so long; what subscribers were given before they have. */
  cutBus(forMs: number): void {
    this.#busAwayUntil = Math.max(this.#busAwayUntil, this.scheduler.nowMs + forMs);
  }

  jumpClock(name: string, byMs: number): void {
    const process = this.#processes.get(name);
    if (process === undefined) return;
    process.domain.skewMs += byMs;
    // By less: a database set back by an hour keeps leases an hour longer, as it should.
    if (this.options.databaseClockJumps) this.#server.skewMs += Math.sign(byMs) * Math.min(Math.abs(byMs), 5000);
    this.history.reach("a wall clock jumped");
  }

  async redeliver(name: string, back: number): Promise<void> {
    // From where routing stands: a seek to any later place would skip what was never read.
    const routed = await this.drivers.catalog.routing.positions();
    this.#processes.get(name)?.bus.redeliver(routed, back);
  }

  /** No further faults, and the clocks are right again: one that is an hour behind lets its jobs wait an hour. */
  heal(): void {
    this.rates = noFaults;
    this.#busAwayUntil = 0;
    for (const { domain } of this.#processes.values()) domain.skewMs = 0;
  }

  close(): void {
    for (const name of [...this.#processes.keys()]) this.kill(name);
    this.#disk.close();
  }

  async #startServer(): Promise<void> {
    this.#server = new Domain("server");
    const { scheduler } = this;
    const server = this.#server;
    const parts = {
      clock: scheduler.clockOf(server),
      random: this.random.fork(),
      partitions: this.options.partitions,
      defer: (run: () => void) => scheduler.enqueue(server, run),
    };
    this.#disk ??= await Disk.create(parts);
    const { bus, catalog, configStore } = await this.#disk.open(parts);
    this.drivers = {
      bus: this.effects.tapBus(bus),
      catalog: watchCatalog(catalog, this),
      configStore: { ...configStore, state: this.effects.tapState(configStore.state) },
    };
  }

  /** What every call of this world goes through. */
  get faults(): Faults {
    return {
      scheduler: this.scheduler,
      random: this.random,
      history: this.history,
      rates: () => this.rates,
      isAway: (name) => name.startsWith("bus.") && this.scheduler.nowMs < this.#busAwayUntil,
      onCall: (moment, domain, name) => this.onCall?.(moment, domain, name),
    };
  }

  #programOf({ context, script }: StepRequest): Program {
    return this.programs.get(`${context.service.version}/${script}`) ?? { instructions: [] };
  }

  async #open(version: VersionId) {
    const found = await this.drivers.catalog.services.version(version);
    const kept = found ?? this.versions.get(version);
    if (kept === undefined) throw new Error(`the workload never deployed ${version}`);
    return { directory: "/", manifest: kept.manifest, scripts: kept.scripts };
  }
}
