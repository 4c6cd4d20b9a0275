import { consul } from "./consul.ts";
import { elasticsearch } from "./elasticsearch.ts";
import type { Engine } from "./engine.ts";
import { kafka } from "./kafka.ts";
import { kubernetes } from "./kubernetes.ts";
import { opensearch } from "./opensearch.ts";
import { postgres } from "./postgres.ts";
import { s3 } from "./s3.ts";

/** What an installation is put on, in the order they are started and shown. */
export const engines: readonly Engine[] = [postgres, kafka, consul, s3, opensearch, elasticsearch];

/** Those that are started only where they are named are the last. */
export const allEngines: readonly Engine[] = [...engines, kubernetes];

export function engineNamed(name: string): Engine {
  const engine = allEngines.find((each) => each.name === name);
  if (engine) return engine;
  throw new Error(`there is no engine "${name}"; there are ${allEngines.map((each) => each.name).join(", ")}`);
}
