import type {
  Bus,
  BusRecord,
  GroupPosition,
  SignalChannel,
  SubscribeOptions,
  Subscription,
} from "../../src/bus/bus.ts";
import { PlatformError } from "../../src/foundation/errors.ts";
import { call, type Faults, faultyPort } from "./faulty-port.ts";
import type { Domain } from "./scheduler.ts";

/** The bus as one process reaches it, and what the world does to its subscriptions. */
export interface ProcessBus {
  bus: Bus;
  /** Delivers again what was routed before: up to `back` records of each partition. */
  redeliver(routed: readonly GroupPosition[], back: number): void;
  /** The broker notices that the process is gone. */
  disconnect(): void;
}

export function faultyBus(faults: Faults, domain: Domain, target: Bus): ProcessBus {
  const { scheduler, random, history } = faults;
  const subscriptions = new Set<Subscription>();
  const unsubscribe: (() => void)[] = [];
  const gone = Promise.withResolvers<never>();
  gone.promise.catch(() => {});

  const subscribe = async (options: SubscribeOptions): Promise<Subscription> => {
    const inner = await call(faults, domain, "bus.subscribe", async () => {
      const { resumeAt } = options;
      const opened = await target.subscribe({
        ...options,
        ...(resumeAt && { resumeAt: () => Promise.race([resumeAt(), gone.promise]) }),
      });
      subscriptions.add(opened);
      return opened;
    });
    return {
      async next(signal) {
        await scheduler.yield(domain);
        const records = await call(faults, domain, "bus.next", () => inner.next(signal), false);
        if (records === undefined) return undefined;
        if (!random.chance(faults.rates().reordered)) return records;
        history.reach("partitions were reordered");
        return remerged(records);
      },
      commit: (positions) => call(faults, domain, "bus.commit", () => inner.commit(positions)),
      seek: (position) => inner.seek(position),
      close: () => inner.close(),
    };
  };

  /** Another merge of the partitions; each keeps its own order, as every bus promises. */
  const remerged = (records: BusRecord[]): BusRecord[] => {
    const queues = [...Map.groupBy(records, ({ topic, partition }) => `${topic}/${partition}`).values()];
    const merged: BusRecord[] = [];
    while (merged.length < records.length) {
      const left = queues.filter(({ length }) => length > 0);
      merged.push(random.pick(left).shift() as BusRecord);
    }
    return merged;
  };

  const signal = (channel: SignalChannel): void => {
    if (!domain.alive) return;
    if (random.chance(faults.rates().signalLost)) history.reach("a wake-up signal was lost");
    else target.signal(channel);
  };

  const onSignal = (channel: SignalChannel, listener: () => void): (() => void) => {
    const stop = target.onSignal(channel, () => scheduler.enqueue(domain, listener));
    unsubscribe.push(stop);
    return stop;
  };

  return {
    bus: faultyPort(faults, domain, "bus", target, { subscribe, signal, onSignal }),
    redeliver(routed, back) {
      for (const subscription of subscriptions) {
        for (const { topic, partition, offset } of routed) {
          subscription.seek({ topic, partition, offset: Math.max(0, offset - random.between(1, back)) });
        }
      }
      if (routed.length > 0) history.reach("records were delivered again");
    },
    disconnect() {
      // A member that was asked where to go on will not answer.
      gone.reject(new PlatformError("unavailable", "the process is gone"));
      for (const stop of unsubscribe) stop();
      for (const subscription of subscriptions) void subscription.close();
    },
  };
}
