import type { CloudEvent } from "../../src/events/cloud-event.ts";

const idDigits = 12;
let lastId = 0;

/** An event of 500 bytes of JSON; `id` is fresh each time. */
export function sampleEvent(type = "bench.measured"): CloudEvent {
  const event = {
    specversion: "1.0",
    id: nextId(),
    source: "/bench/station-17",
    type,
    time: "2026-11-24T08:15:30.250Z",
    datacontenttype: "application/json",
    data: {
      station: "station-17",
      place: { latitude: 47.6, longitude: -122.3, elevation: 56 },
      measured: { celsius: 21.5, humidity: 0.43, pressure: 1013.2, wind: 4.1, rain: 0 },
      hourly: [20.1, 20.4, 20.9, 21.3, 21.5, 21.4],
      quality: "good",
      note: "",
    },
  } satisfies CloudEvent;
  event.data.note = "x".repeat(Math.max(0, 500 - Buffer.byteLength(JSON.stringify(event))));
  return event;
}

/** Bodies of so many events each, made without much work: the load generator shares the machine with what it measures. */
export function eventBodies(eventsPerBody: number): () => Buffer {
  const events = Array.from({ length: eventsPerBody }, () => sampleEvent());
  const body = Buffer.from(JSON.stringify(eventsPerBody === 1 ? events[0] : events));
  const places = events.map(({ id }) => body.indexOf(`"${id}"`) + 1);
  return () => {
    for (const place of places) body.write(nextId(), place, "latin1");
    return Buffer.from(body);
  };
}

function nextId(): string {
  lastId += 1;
  return `${process.pid}-${String(lastId).padStart(idDigits, "0")}`;
}
