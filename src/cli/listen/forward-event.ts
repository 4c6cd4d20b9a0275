import { setTimeout as pause } from "node:timers/promises";
import type { CloudEvent } from "../../events/cloud-event.ts";
import { messageOf } from "../../foundation/errors.ts";
import { httpRequest, textOf } from "../connection/http-request.ts";

export type Delivery = { delivered: true; status: number } | { delivered: false; reason: string };

/** Before each try but the first. */
const pausesMs = [500, 2000];

/** Posts an event to an address in structured mode. Tries again what was not answered, or answered with 5xx. */
export async function forwardEvent(event: CloudEvent, target: string): Promise<Delivery> {
  let last = await tryOnce(event, target);
  for (const pauseMs of pausesMs) {
    if (last.delivered) break;
    await pause(pauseMs);
    last = await tryOnce(event, target);
  }
  return last;
}

async function tryOnce(event: CloudEvent, target: string): Promise<Delivery> {
  try {
    const answer = await httpRequest(target, {
      method: "POST",
      headers: { "content-type": "application/cloudevents+json" },
      body: JSON.stringify(event),
    });
    const status = answer.statusCode ?? 0;
    await textOf(answer);
    return status >= 500 ? { delivered: false, reason: `answered ${status}` } : { delivered: true, status };
  } catch (error) {
    return { delivered: false, reason: messageOf(error) };
  }
}
