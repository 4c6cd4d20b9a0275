import { describe, onTestFinished } from "vitest";
import { configStoreContract } from "../../../src/config-store/config-store.contract.ts";
import type { ConfigStore } from "../../../src/config-store/config-store.ts";
import { openConsulConfigStore } from "../../../src/config-store/consul.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { sharedEnvironment } from "../../support/engines.ts";

const ids = createIds(systemClock, systemRandom);

async function open(prefix: string): Promise<ConfigStore> {
  const { FX_CONFIG_STORE_URL: url = "", FX_CONFIG_STORE_TOKEN: token } = sharedEnvironment("consul");
  const parts = { clock: systemClock, random: systemRandom, log: silentLog };
  const { store, isNew } = await openConsulConfigStore({ connection: { url, token }, prefix, ...parts });
  onTestFinished(() => store.close());
  if (isNew) await store.restored?.();
  return store;
}

describe("the configuration store's contract on Consul", () => {
  configStoreContract({
    async open() {
      const prefix = `test/${ids.next()}`;
      const store = await open(prefix);
      const reopen = async () => {
        await store.close();
        return open(prefix);
      };
      return { store, reopen };
    },
  });
});
