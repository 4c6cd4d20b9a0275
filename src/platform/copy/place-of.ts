import type { Settings } from "../../config/settings.ts";
import type { Port } from "../roles.ts";

/** Where a port's engine keeps what it holds, for people and to know it again; nothing secret. */
export function placeOf(settings: Pick<Settings, Port | "dataDir">, port: Port): string {
  const { bus, catalog, configStore, artifactStore, opsData } = settings;
  const embedded = `the data directory ${settings.dataDir}`;
  switch (port) {
    case "bus":
      return bus.driver === "kafka" ? `Kafka at ${bus.brokers}${below(bus.prefix)}` : embedded;
    case "catalog":
      return catalog.driver === "postgres" ? `PostgreSQL at ${databaseOf(catalog.url)}` : embedded;
    case "configStore":
      return configStore.driver === "consul" ? `Consul at ${configStore.url}${below(configStore.prefix)}` : embedded;
    case "artifactStore": {
      if (artifactStore.driver === "filesystem") return embedded;
      const { bucket, endpoint, region, prefix } = artifactStore;
      return `the bucket ${bucket} at ${endpoint ?? `AWS in ${region}`}${below(prefix)}`;
    }
    case "opsData":
      return opsData.driver === "elasticsearch" ? `Elasticsearch at ${opsData.url}${below(opsData.prefix)}` : embedded;
  }
}

function below(prefix: string): string {
  return prefix === "" ? "" : `, below ${prefix}`;
}

/** Without user and password. */
function databaseOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
