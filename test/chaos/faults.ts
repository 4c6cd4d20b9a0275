import { setTimeout as pause } from "node:timers/promises";
import { Admin } from "@platformatic/kafka";
import { brokerOf } from "../../engines/kafka.ts";
import { killServer, startServer } from "../../engines/servers.ts";
import { topics } from "../../src/events/topics.ts";
import { eventually } from "../support/eventually.ts";
import type { Installation } from "../support/installation.ts";
import type { CutOffNetwork } from "./cut-off.ts";

/** Of every executor. */
export const leaseMs = 5000;

export interface Fault {
  name: string;
  strike(installation: Installation): Promise<void>;
}

/** A while in which the fault is felt: pauses decide what is hit, never whether the test passes. */
const feltMs = 1500;

function kill(process: string): Fault {
  return {
    name: `kill -9 of ${process}`,
    async strike(installation) {
      await installation.kill(process);
      await pause(feltMs / 3);
      await installation.start(process);
    },
  };
}

function crash(engine: string, index = 0): Fault {
  return {
    name: `kill -9 of ${engine} ${index}`,
    async strike(installation) {
      const servers = installation.servers(engine);
      await killServer(servers, index);
      await pause(feltMs);
      await startServer(servers, index);
    },
  };
}

const pausedExecutor: Fault = {
  name: "an executor that sleeps past its leases and wakes",
  async strike(installation) {
    const executor = installation.process("executor-1");
    executor.signal("SIGSTOP");
    await pause(leaseMs * 1.5);
    executor.signal("SIGCONT");
    await pause(feltMs);
  },
};

const rebalance: Fault = {
  name: "routers and sinks that come and go",
  async strike(installation) {
    await installation.start("router-3", "sink-2");
    await pause(feltMs);
    await installation.stop("router-3");
    await installation.stop("sink-2");
  },
};

const rollingRestart: Fault = {
  name: "a rolling restart of every role",
  async strike(installation) {
    for (const name of ["router-1", "router-2", "executor-1", "executor-2", "sink-1", "manager"]) {
      const code = await installation.stop(name);
      if (code !== 0) throw new Error(`${name} ended with ${code}: ${installation.process(name).talk}`);
      await installation.start(name);
    }
  },
};

const offsetsReset: Fault = {
  name: "offsets of the routers' group set back to the beginning",
  async strike(installation) {
    await Promise.all(["router-1", "router-2"].map((name) => installation.stop(name)));
    const brokers = installation.servers("kafka").places.map(brokerOf);
    const admin = new Admin({ clientId: "chaos", bootstrapBrokers: brokers });
    try {
      const names = [topics.events, topics.platform];
      const { topics: known } = await admin.metadata({ topics: names });
      const groupTopics = names.map((name) => ({
        name,
        partitionOffsets: Array.from({ length: known.get(name)?.partitionsCount ?? 0 }, (_, partition) => ({
          partition,
          offset: 0n,
        })),
      }));
      // A group has to be empty for that, which the brokers may learn a moment later.
      await eventually(async () => {
        await admin.alterConsumerGroupOffsets({ groupId: "fx.router", topics: groupTopics });
        return true;
      });
    } finally {
      await admin.close();
    }
    await installation.start("router-1", "router-2");
  },
};

export function cutNetwork(network: CutOffNetwork): Fault {
  return {
    name: "a network that takes nothing from an executor, past its leases",
    async strike() {
      network.cut();
      await pause(leaseMs * 1.5);
      network.mend();
    },
  };
}

export const faults: readonly Fault[] = [
  kill("router-1"),
  kill("executor-1"),
  kill("sink-1"),
  kill("manager"),
  crash("kafka", 0),
  crash("kafka", 1),
  crash("kafka", 2),
  crash("postgres"),
  crash("consul"),
  pausedExecutor,
  rebalance,
  rollingRestart,
  offsetsReset,
];
