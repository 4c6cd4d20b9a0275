import { decodeRecord, encodeRecord } from "../src/events/bus-binding.ts";
import { topics } from "../src/events/topics.ts";
import { TypeLearner } from "../src/sinks/type-learner.ts";
import type { Bench } from "./support/bench.ts";
import { interleaved } from "./support/rounds.ts";
import { sampleEvent } from "./support/sample-event.ts";

const eventCount = 1_000;
const measureMs = 500;

/** What learning the types of events costs beside reading the events. */
export const eventTypes: Bench = {
  name: "event-types",
  title: "Learning event types",
  async run({ rounds, note }) {
    const records = Array.from({ length: eventCount }, () => encodeRecord(topics.events, sampleEvent("bench.learned")));
    const texts = records.map(({ value }) => Buffer.from(value).toString());
    const events = texts.map((text) => JSON.parse(text));
    const measured = await interleaved(
      [
        { name: "JSON.parse alone", measure: async () => rate(() => texts.forEach((text) => void JSON.parse(text))) },
        {
          name: "reading a record (parse and validate)",
          measure: async () => rate(() => records.forEach((record) => void decodeRecord(record))),
        },
        {
          name: "learning from a parsed event",
          measure: async () => {
            const learner = new TypeLearner("bench.learned", undefined);
            return rate(() => events.forEach((event) => void learner.see(event, 1)));
          },
        },
      ],
      rounds,
      note,
    );
    return {
      title: `${eventTypes.title}: events of one type, one core`,
      columns: ["work", "events/s", "aim events/s"],
      rows: measured.map(({ name, median }) => [name, median.events ?? 0, 200_000]),
      remarks: [
        "Learning looks at each event; in full at the first hundred, at those that say something new, and at few others.",
      ],
    };
  },
};

function rate(round: () => void): { events: number } {
  const began = performance.now();
  let count = 0;
  let elapsedMs = 0;
  while (elapsedMs < measureMs) {
    round();
    count += eventCount;
    elapsedMs = performance.now() - began;
  }
  return { events: (count / elapsedMs) * 1000 };
}
