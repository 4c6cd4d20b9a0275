import { describe } from "vitest";
import { contentsContract } from "../../../src/ops-data/contents.contract.ts";
import { historyContract } from "../../../src/ops-data/history.contract.ts";
import { metricsContract } from "../../../src/ops-data/metrics.contract.ts";
import { opsDataContract } from "../../../src/ops-data/ops-data.contract.ts";
import { searchContract } from "../../../src/ops-data/search.contract.ts";
import { freshPrefix, openOpsData } from "../../support/search-server.ts";

/** What the operational data promises, on the shared server of an engine. */
export function searchServerContracts(engine: string): void {
  const open = async () => {
    const prefix = freshPrefix();
    const opsData = await openOpsData(engine, prefix);
    const reopen = async () => {
      await opsData.close();
      return openOpsData(engine, prefix);
    };
    return { opsData, reopen };
  };
  describe(`the contract of operational data on ${engine}`, () => opsDataContract({ open }));
  describe(`the contract of searches on ${engine}`, () => searchContract({ open }));
  describe(`the contract of history on ${engine}`, () => historyContract({ open }));
  describe(`the contract of metrics on ${engine}`, () => metricsContract({ open }));
  describe(`the contract of carrying all of it on ${engine}`, () => contentsContract({ open }));
}
