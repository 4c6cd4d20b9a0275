import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.ts";
import type { LinkId, VersionId } from "../../../src/foundation/ids.ts";
import type { RoutableLink } from "../../../src/services/link.ts";
import { LinkIndex } from "../../../src/services/link-index.ts";

function link(id: string, changes: Partial<RoutableLink> = {}): RoutableLink {
  return {
    id: id as LinkId,
    project: "shop",
    service: "price",
    version: "active",
    eventType: "order.placed",
    filter: undefined,
    active: true,
    origin: "person",
    createdAt: 0,
    target: { active: true, version: "v1" as VersionId, priority: 5, concurrencyKey: undefined },
    ...changes,
  };
}

function event(changes: Partial<CloudEvent> = {}): CloudEvent {
  return { specversion: "1.0", id: "1", source: "/test", type: "order.placed", ...changes };
}

function matched(links: RoutableLink[], changes: Partial<CloudEvent> = {}): string[] {
  return new LinkIndex(1, links).match(event(changes)).matches.map(({ link: { id } }) => id);
}

describe("matching", () => {
  test("one event type starts every service that is linked to it", () => {
    expect(matched([link("a"), link("b", { service: "stock" }), link("c", { eventType: "order.paid" })])).toEqual([
      "a",
      "b",
    ]);
  });

  test("a trailing .* matches every type below its prefix and not the prefix itself", () => {
    const links = [link("deep", { eventType: "order.*" })];
    expect(matched(links, { type: "order.placed" })).toEqual(["deep"]);
    expect(matched(links, { type: "order.placed.late" })).toEqual(["deep"]);
    expect(matched(links, { type: "order" })).toEqual([]);
    expect(matched(links, { type: "orders.placed" })).toEqual([]);
  });

  test("two versions of one service run side by side", () => {
    const second = link("b", { version: "v2" as VersionId });
    second.target.version = "v2" as VersionId;
    const { matches } = new LinkIndex(1, [link("a"), second]).match(event());
    expect(matches.map(({ version }) => version)).toEqual(["v1", "v2"]);
  });

  test("near misses are told with the reason of each", () => {
    const off = link("service off", {
      target: { active: false, version: "v1" as VersionId, priority: 5, concurrencyKey: undefined },
    });
    const gone = link("no version", {
      target: { active: true, version: undefined, priority: 5, concurrencyKey: undefined },
    });
    const { matches, misses } = new LinkIndex(1, [
      link("link off", { active: false }),
      off,
      gone,
      link("filter", { filter: "event.data.total > 100" }),
    ]).match(event({ data: { total: 1 } }));
    expect(matches).toEqual([]);
    expect(misses.map(({ linkId, reason }) => [linkId, reason])).toEqual([
      ["link off", "the link is switched off"],
      ["service off", "the service is switched off"],
      ["no version", 'the service has no version "active"'],
      ["filter", "filter is false: event.data.total > 100"],
    ]);
  });

  test("D19: a project's links see its own and shared events, and of others not even a near miss", () => {
    const links = [link("a"), link("b", { project: "bank" })];
    expect(matched(links)).toEqual(["a", "b"]);
    expect(matched(links, { fxproject: "bank" })).toEqual(["b"]);
    expect(new LinkIndex(1, links).match(event({ fxproject: "bank" })).misses).toEqual([]);
  });

  test("a stored filter that no longer compiles matches nothing and says why", () => {
    const { matches, misses } = new LinkIndex(1, [link("a", { filter: "event." })]).match(event());
    expect(matches).toEqual([]);
    expect(misses[0]?.reason).toMatch(/not a valid CEL expression/);
  });

  test("the index finds exactly what a look at every link finds", () => {
    const segment = fc.constantFrom("a", "b", "order", "x1");
    const type = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("."));
    const pattern = fc.tuple(type, fc.boolean()).map(([text, wild]) => (wild ? `${text}.*` : text));
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 30 }), type, (patterns, eventType) => {
        const links = patterns.map((eventTypePattern, at) => link(String(at), { eventType: eventTypePattern }));
        const expected = links
          .filter(({ eventType: p }) => (p.endsWith(".*") ? eventType.startsWith(p.slice(0, -1)) : p === eventType))
          .map(({ id }) => id as string);
        expect(matched(links, { type: eventType }).sort()).toEqual(expected.sort());
        expect(new LinkIndex(1, links).wants(eventType)).toBe(expected.length > 0);
      }),
    );
  });
});
