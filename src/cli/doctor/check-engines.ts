import { connect } from "node:net";
import type { Settings } from "../../config/settings.ts";
import type { Finding } from "./finding.ts";

const connectedWithinMs = 5000;

/** Where engines are that are no part of this process. */
interface Address {
  setting: string;
  host: string;
  port: number;
}

/** Whether somebody answers where each engine should be. Whether it is the right one, and takes our password, a start says. */
export async function checkEngines(settings: Settings): Promise<Finding[]> {
  return Promise.all(addressesOf(settings).map(findingOf));
}

async function findingOf({ setting, host, port }: Address): Promise<Finding> {
  const check = "engines";
  const failure = await tryToConnect(host, port);
  const address = `${host}:${port}`;
  if (failure === undefined) return { check, verdict: "ok", found: `${setting}: ${address} takes connections` };
  const fix = "start it, or correct the setting: fx config show";
  return { check, verdict: "fail", found: `${setting}: nobody answers at ${address}: ${failure}`, fix };
}

function addressesOf({ bus, catalog, configStore, artifactStore, opsData }: Settings): Address[] {
  const addresses: Address[] = [];
  if (bus.driver === "kafka") {
    for (const broker of bus.brokers.split(",")) addresses.push(addressOf("bus.brokers", `kafka://${broker}`, 9092));
  }
  if (catalog.driver === "postgres") addresses.push(addressOf("catalog.url", catalog.url, 5432));
  if (configStore.driver === "consul") addresses.push(addressOf("configStore.url", configStore.url));
  if (artifactStore.driver === "s3" && artifactStore.endpoint !== undefined) {
    addresses.push(addressOf("artifactStore.endpoint", artifactStore.endpoint));
  }
  if (opsData.driver === "elasticsearch") addresses.push(addressOf("opsData.url", opsData.url));
  return addresses;
}

function addressOf(setting: string, text: string, usualPort?: number): Address {
  const { hostname, port, protocol } = new URL(text);
  const ofScheme = usualPort ?? (protocol === "https:" ? 443 : 80);
  // An IPv6 address stands in brackets in a URL, and nowhere else.
  return { setting, host: hostname.replace(/^\[|\]$/g, ""), port: port === "" ? ofScheme : Number(port) };
}

/** Undefined: somebody answered. */
function tryToConnect(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: connectedWithinMs });
    const end = (failure: string | undefined) => {
      socket.destroy();
      resolve(failure);
    };
    socket.once("connect", () => end(undefined));
    socket.once("timeout", () => end(`not within ${connectedWithinMs / 1000} s`));
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}
