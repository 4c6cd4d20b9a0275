import { setTimeout as pause } from "node:timers/promises";
import { PgBoss } from "pg-boss";
import { drive } from "./drive.mjs";

const boss = new PgBoss({
  connectionString: process.env.DATABASE_URL,
  supervise: false,
  schedule: false,
  migrate: false,
});
boss.on("error", console.error);
await boss.start();

async function allCompleted() {
  for (;;) {
    const { rows } = await boss
      .getDb()
      .executeSql("select exists (select from pgboss.job where state < 'completed') as some");
    if (!rows[0].some) return;
    await pause(5);
  }
}

await drive({
  async burst(numbers) {
    await boss.insert(
      "job",
      numbers.map((number) => ({ data: { number } })),
    );
    await allCompleted();
  },
  async one(number) {
    await boss.send("job", { number });
  },
  async flow(steps, n) {
    await boss.send("step", { left: steps, n });
    await allCompleted();
  },
});
