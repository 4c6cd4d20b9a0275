import type { CloudEvent } from "../../events/cloud-event.ts";
import { derivedEventId } from "../../events/event-key.ts";
import { platformEventTypes } from "../../events/reserved-types.ts";
import type { ServiceVersion } from "../../services/service.ts";
import type { DeployedVersion } from "../services.ts";
import { adoptedFrom, layManifestLinks } from "./activate-version.ts";
import { moveLinkEpoch } from "./link-epoch.ts";
import { hold, linksLock, serviceLock } from "./locks.ts";
import { announce } from "./outbox.ts";
import { ensureProject } from "./projects.ts";
import { readService, readVersion, versionOf, versionRowOf } from "./service-rows.ts";
import { inTransaction, type StoreContext } from "./store-context.ts";
import { reopenLimited } from "./turns.ts";

/** The same content again becomes the active version; where it is that already, nothing changes at all. */
export function deploy(context: StoreContext, version: Omit<ServiceVersion, "createdAt">): Promise<DeployedVersion> {
  const { id, project, name } = version;
  return inTransaction(context, async (tx, now) => {
    await hold(context, tx, [linksLock, serviceLock({ project, service: name })]);
    await ensureProject(tx, project, now);
    const there = await readVersion(tx, project, name, id);
    const former = await readService(tx, project, name);
    if (there && former?.active_version === id) return { version: versionOf(there), created: false, former: id };

    const unset = {
      active: 1,
      active_pinned: 0,
      priority: 5,
      priority_pinned: 0,
      grants: "[]",
      schedule: null,
      schedule_since: null,
      schedule_next: null,
      schedule_fired: null,
      schedule_paused: 0,
    };
    const row = there ?? versionRowOf(version, now);
    const stored = versionOf(row);
    const adopted = { active_version: id, updated_at: now, ...adoptedFrom(stored.manifest, former ?? unset, now) };
    if (former === undefined) {
      const service = { project, name, created_at: now, ...unset, ...adopted };
      await tx.insertInto("services").values(service).execute();
    } else {
      await tx.updateTable("services").set(adopted).where("project", "=", project).where("name", "=", name).execute();
    }
    if (there === undefined) await tx.insertInto("versions").values(row).execute();
    await reopenLimited(tx, { project, service: name });
    await layManifestLinks(tx, context.ids, version, stored.manifest, now);
    const epoch = await moveLinkEpoch(tx);
    await announce(tx, [deployedEvent(stored, epoch, now)]);
    return { version: stored, created: there === undefined, former: former?.active_version ?? undefined };
  });
}

/** The epoch tells apart the deploys that make one version active again and again. */
function deployedEvent({ project, name, id }: ServiceVersion, epoch: number, now: number): CloudEvent {
  const eventId = derivedEventId(platformEventTypes.serviceDeployed, project, name, id, String(epoch));
  return {
    specversion: "1.0",
    id: eventId,
    source: `/projects/${project}/services/${name}`,
    type: platformEventTypes.serviceDeployed,
    subject: `${project}/${name}`,
    time: new Date(now).toISOString(),
    datacontenttype: "application/json",
    correlationid: eventId,
    sequence: "0",
    fxproject: project,
    data: { project, service: name, version: id },
  };
}
