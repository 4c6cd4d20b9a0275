import type { ScheduleStore } from "../schedules.ts";
import type { StoreContext } from "./store-context.ts";

export function scheduleStore({ db }: StoreContext): ScheduleStore {
  return {
    async list() {
      const rows = await db
        .selectFrom("services")
        .innerJoin("versions", (join) =>
          join
            .onRef("versions.project", "=", "services.project")
            .onRef("versions.name", "=", "services.name")
            .onRef("versions.id", "=", "services.active_version"),
        )
        .where("services.active", "=", 1)
        .where("services.schedule", "is not", null)
        .orderBy("services.project")
        .orderBy("services.name")
        .select([
          "services.project",
          "services.name",
          "services.priority",
          "services.schedule",
          "services.schedule_since",
          "versions.id",
          "versions.concurrency_key",
        ])
        .execute();
      return rows.map((row) => {
        const [cron, timezone] = JSON.parse(row.schedule ?? "[]") as [string, string];
        return {
          project: row.project,
          service: row.name,
          version: row.id,
          cron,
          timezone,
          priority: row.priority,
          concurrencyKey: row.concurrency_key ?? undefined,
          since: row.schedule_since ?? 0,
        };
      });
    },

    async advance({ project, service, firedAt }) {
      await db
        .updateTable("services")
        .set({ schedule_since: firedAt })
        .where("project", "=", project)
        .where("name", "=", service)
        .where("schedule_since", "<", firedAt)
        .execute();
    },
  };
}
