import { driftEvent } from "../../events/drift-event.ts";
import { isReservedType } from "../../events/reserved-types.ts";
import { mergeTypeShapes } from "../../events/schema/fold-shape.ts";
import { isDataRequired, renderSchema } from "../../events/schema/render-schema.ts";
import { type DataSchema, schemaChanges } from "../../events/schema/schema-changes.ts";
import { driftOf } from "../../events/schema/settled.ts";
import { emptyTypeShape, type TypeShape } from "../../events/schema/shape.ts";
import { decodeShape, encodeShape } from "../../events/schema/shape-codec.ts";
import {
  type Learned,
  maxEventTypes,
  maxProducers,
  maxVersions,
  type Producer,
  type TypeObservation,
} from "../event-types.ts";
import { announce } from "./outbox.ts";
import type { Tx } from "./store-context.ts";

/** Adds what was seen of one type. Whether its schema drifted is decided here, against what all sinks have learned. */
export async function learnType(tx: Tx, observation: TypeObservation, now: number): Promise<Learned> {
  const { type, shape } = observation;
  const row = await tx
    .selectFrom("event_types")
    .select(["first_seen", "last_seen", "count", "version", "producers"])
    .where("type", "=", type)
    .executeTakeFirst();
  if (row === undefined) return observation.known ? answer(type, "forgotten") : insertType(tx, observation, now);
  const change = {
    count: row.count + observation.count,
    last_seen: Math.max(row.last_seen, observation.lastSeen),
    producers: JSON.stringify(mergeProducers(JSON.parse(row.producers), observation.producers)),
  };
  if (shape === undefined) {
    await tx.updateTable("event_types").set(change).where("type", "=", type).execute();
    return answer(type, "learned");
  }
  const stored = await tx.selectFrom("event_types").select("shape").where("type", "=", type).executeTakeFirstOrThrow();
  const merged = decodeShape(stored.shape);
  // A copy: a transaction that is tried again must find the observation as it was.
  mergeTypeShapes(merged, structuredClone(shape));
  const before = decodeShape(stored.shape);
  const { version, drifted } = await writeVersion(tx, { ...row, type, before }, merged, now);
  await tx
    .updateTable("event_types")
    .set({ ...change, version, shape: encodeShape(merged) })
    .where("type", "=", type)
    .execute();
  return answer(type, drifted ? "drifted" : "learned", merged);
}

async function insertType(tx: Tx, observation: TypeObservation, now: number): Promise<Learned> {
  const { type, firstSeen, lastSeen, count, producers, shape = emptyTypeShape() } = observation;
  const { known } = await tx
    .selectFrom("event_types")
    .select(({ fn }) => fn.countAll<number>().as("known"))
    .executeTakeFirstOrThrow();
  if (Number(known) >= maxEventTypes) return answer(type, "refused");
  await tx
    .insertInto("event_types")
    .values({
      type,
      first_seen: firstSeen,
      last_seen: lastSeen,
      count,
      version: 1,
      producers: JSON.stringify(mergeProducers([], producers)),
      shape: encodeShape(shape),
    })
    .execute();
  await insertVersion(tx, type, 1, dataSchemaOf(shape), [], now);
  return answer(type, "learned", shape);
}

interface Current {
  type: string;
  version: number;
  first_seen: number;
  before: TypeShape;
}

/** A new version where a settled place of the schema changed; else the current one is made more exact in its place. */
async function writeVersion(
  tx: Tx,
  { type, version, first_seen, before }: Current,
  merged: TypeShape,
  now: number,
): Promise<{ version: number; drifted: boolean }> {
  const after = dataSchemaOf(merged);
  const changes = driftOf(schemaChanges(dataSchemaOf(before), after), before);
  if (changes.length === 0) {
    await tx
      .updateTable("event_type_versions")
      .set({ schema: JSON.stringify(after.schema), data_required: after.dataRequired ? 1 : 0 })
      .where("type", "=", type)
      .where("n", "=", version)
      .execute();
    return { version, drifted: false };
  }
  const next = version + 1;
  await insertVersion(tx, type, next, after, changes, now);
  await tx
    .deleteFrom("event_type_versions")
    .where("type", "=", type)
    .where("n", "<=", next - maxVersions)
    .execute();
  // The platform's own types drift with its releases; that this type drifts must not be told by its own events.
  if (isReservedType(type)) return { version: next, drifted: false };
  const drift = { type, firstSeen: first_seen, fromVersion: version, toVersion: next, changes, now };
  await announce(tx, [driftEvent(drift)]);
  return { version: next, drifted: true };
}

async function insertVersion(
  tx: Tx,
  type: string,
  n: number,
  { schema, dataRequired }: DataSchema,
  changes: object[],
  now: number,
): Promise<void> {
  await tx
    .insertInto("event_type_versions")
    .values({
      type,
      n,
      schema: JSON.stringify(schema),
      data_required: dataRequired ? 1 : 0,
      changes: JSON.stringify(changes),
      created_at: now,
    })
    .execute();
}

function dataSchemaOf(shape: TypeShape): DataSchema {
  return { schema: renderSchema(shape), dataRequired: isDataRequired(shape) };
}

function mergeProducers(known: readonly Producer[], seen: readonly Producer[]): Producer[] {
  const merged = new Map(known.map((producer) => [`${producer.project ?? ""} ${producer.source}`, producer]));
  for (const producer of seen) {
    const key = `${producer.project ?? ""} ${producer.source}`;
    const former = merged.get(key);
    merged.set(key, {
      ...producer,
      count: producer.count + (former?.count ?? 0),
      lastSeen: Math.max(producer.lastSeen, former?.lastSeen ?? 0),
    });
  }
  return [...merged.values()].sort((left, right) => right.lastSeen - left.lastSeen).slice(0, maxProducers);
}

function answer(type: string, outcome: Learned["outcome"], shape?: TypeShape): Learned {
  return { type, outcome, shape };
}
