import { consul } from "./consul.ts";
import { elasticsearch } from "./elasticsearch.ts";
import type { Engine } from "./engine.ts";
import { kafka } from "./kafka.ts";
import { opensearch } from "./opensearch.ts";
import { postgres } from "./postgres.ts";
import { s3 } from "./s3.ts";

/** In the order they are started and shown. */
export const engines: readonly Engine[] = [postgres, kafka, consul, s3, opensearch, elasticsearch];

export function engineNamed(name: string): Engine {
  const engine = engines.find((each) => each.name === name);
  if (engine) return engine;
  throw new Error(`there is no engine "${name}"; there are ${engines.map((each) => each.name).join(", ")}`);
}
