import { onTestFinished } from "vitest";
import { systemClock } from "../../src/foundation/clock.ts";
import { createIds } from "../../src/foundation/ids.ts";
import { systemRandom } from "../../src/foundation/random.ts";
import { ElasticsearchOpsData } from "../../src/ops-data/elasticsearch.ts";
import { sharedEnvironment } from "./engines.ts";

const ids = createIds(systemClock, systemRandom);

/** Names that no other test has. */
export function freshPrefix(): string {
  return `test-${ids.next()}`;
}

/** On the shared server of an engine, or on that of `environment`; closed when the test ends. */
export async function openOpsData(
  engine: string,
  prefix: string,
  environment: Record<string, string> = sharedEnvironment(engine),
): Promise<ElasticsearchOpsData> {
  const { FX_OPS_DATA_URL: url = "", FX_OPS_DATA_USER: user, FX_OPS_DATA_PASSWORD: password } = environment;
  const opsData = await ElasticsearchOpsData.open({
    connection: { url, user, password },
    indices: { prefix, replicas: 0 },
  });
  onTestFinished(() => opsData.close());
  return opsData;
}
