import type { Clock } from "../foundation/clock.ts";
import type { Log } from "../foundation/log.ts";
import type { Random } from "../foundation/random.ts";
import type { ConfigStore } from "./config-store.ts";
import { ConsulConfiguration } from "./consul/consul-configuration.ts";
import { type ConsulConnection, ConsulHttp } from "./consul/consul-http.ts";
import { ConsulSecrets } from "./consul/consul-secrets.ts";
import { ConsulSession } from "./consul/consul-session.ts";
import { ConsulState } from "./consul/consul-state.ts";

export interface ConsulConfigStoreOptions {
  connection: ConsulConnection;
  /** In front of every key; several installations may share a Consul. */
  prefix: string;
  clock: Clock;
  random: Random;
  log: Log;
}

export interface OpenedConsul {
  store: ConfigStore;
  /** It held nothing: a first start, or everything was lost. */
  isNew: boolean;
}

/** Opens the configuration store in Consul's KV. Throws `unavailable` when Consul does not answer. */
export async function openConsulConfigStore(options: ConsulConfigStoreOptions): Promise<OpenedConsul> {
  const { connection, prefix, clock, random, log } = options;
  const http = new ConsulHttp(connection);
  const session = new ConsulSession({ http, prefix, clock, random, log });
  try {
    const isNew = !(await session.holdsMark());
    // What is new has no mark yet, which would look like one that was lost.
    if (!isNew) session.watch();
    const store: ConfigStore = {
      state: new ConsulState(session),
      configuration: new ConsulConfiguration(session),
      secrets: new ConsulSecrets(session),
      onLost: (restore) => session.onLost(restore),
      restored: async () => {
        await session.setMark();
        session.watch();
      },
      close: () => session.close(),
    };
    return { store, isNew };
  } catch (error) {
    await session.close();
    throw error;
  }
}
