// Publishes for ever and prints each acknowledged place as a line of JSON. Its parent kills it.
import { writeSync } from "node:fs";
import { openSqliteBus } from "../../../src/bus/sqlite.ts";
import { topics } from "../../../src/events/topics.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { silentLog } from "../../../src/foundation/log.ts";

const bus = openSqliteBus({ path: process.argv[2] ?? "", clock: systemClock, log: silentLog });

/** A parent that is slow to read must not end it: the pipe takes the line once there is room. */
function say(line: string): void {
  for (;;) {
    try {
      writeSync(1, line);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
  }
}

async function publishForEver(name: string): Promise<never> {
  for (let n = 0; ; n += 1) {
    const values = [`${name}/${n}/first`, `${name}/${n}/second`];
    const places = await bus.publish(
      values.map((value) => ({ topic: topics.events, key: `${name}-${n % 7}`, value: Buffer.from(value) })),
    );
    for (const [index, place] of places.entries()) {
      say(`${JSON.stringify({ value: values[index], ...place })}\n`);
    }
  }
}

await Promise.all(["one", "two", "three"].map(publishForEver));
