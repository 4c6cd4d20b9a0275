import { describe, onTestFinished } from "vitest";
import { systemClock } from "../../../src/foundation/clock.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { ElasticsearchOpsData } from "../../../src/ops-data/elasticsearch.ts";
import { historyContract } from "../../../src/ops-data/history.contract.ts";
import { opsDataContract } from "../../../src/ops-data/ops-data.contract.ts";
import { searchContract } from "../../../src/ops-data/search.contract.ts";
import { sharedEnvironment } from "../../support/engines.ts";

const ids = createIds(systemClock, systemRandom);

async function openAs(prefix: string): Promise<ElasticsearchOpsData> {
  const { FX_OPS_DATA_URL: url = "" } = sharedEnvironment("opensearch");
  const opsData = await ElasticsearchOpsData.open({
    connection: { url },
    indices: { prefix, replicas: 0 },
    clock: systemClock,
  });
  onTestFinished(() => opsData.close());
  return opsData;
}

async function open() {
  const prefix = `test-${ids.next()}`;
  const opsData = await openAs(prefix);
  const reopen = async () => {
    await opsData.close();
    return openAs(prefix);
  };
  return { opsData, reopen };
}

describe("the contract of operational data on OpenSearch", () => opsDataContract({ open }));
describe("the contract of searches on OpenSearch", () => searchContract({ open }));
describe("the contract of history on OpenSearch", () => historyContract({ open }));
