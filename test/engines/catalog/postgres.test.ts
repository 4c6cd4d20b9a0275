import { describe } from "vitest";
import { catalogContract } from "../../../src/catalog/catalog.contract.ts";
import { sharedPostgresForFile } from "../../support/postgres-catalog.ts";

const postgres = sharedPostgresForFile();

describe("the catalog's contract on PostgreSQL as Debian has it", () => {
  catalogContract({
    async open({ clock, ids }) {
      const url = await postgres.emptyCatalog();
      const openIt = () => postgres.open({ url, ids, now: () => clock.now() });
      return { catalog: await openIt(), reopen: openIt };
    },
  });
});
