import type { AdapterMarkStore } from "../adapter-marks.ts";
import { inTransaction, type StoreContext } from "./store-context.ts";

export function adapterMarkStore(context: StoreContext): AdapterMarkStore {
  return {
    async marks(adapter) {
      const rows = await context.db
        .selectFrom("adapter_marks")
        .select(["key", "mark"])
        .where("adapter", "=", adapter)
        .execute();
      return new Map(rows.map(({ key, mark }) => [key, mark]));
    },

    update: (adapter, { set, forget }) =>
      inTransaction(context, async (tx) => {
        for (const [key, mark] of set) {
          await tx
            .insertInto("adapter_marks")
            .values({ adapter, key, mark })
            .onConflict((conflict) => conflict.columns(["adapter", "key"]).doUpdateSet({ mark }))
            .execute();
        }
        for (const key of forget) {
          await tx.deleteFrom("adapter_marks").where("adapter", "=", adapter).where("key", "=", key).execute();
        }
      }),
  };
}
