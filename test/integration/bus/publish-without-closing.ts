// Publishes one record and comes to its end without closing the bus.
import { openSqliteBus } from "../../../src/bus/sqlite.ts";
import { topics } from "../../../src/events/topics.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { silentLog } from "../../../src/foundation/log.ts";

const bus = openSqliteBus({ path: process.argv[2] ?? "", clock: systemClock, log: silentLog, partitions: 1 });
void bus.publish([{ topic: topics.events, key: "k", value: Buffer.from("last") }]);
