import type { Command } from "commander";
import { isReservedType } from "../../events/reserved-types.ts";
import { defaultProject } from "../../services/service-ref.ts";
import type { LinkAnswer } from "../connection/wire.ts";
import { serviceRefOf } from "../service-ref.ts";
import { type Session, withSession } from "../session.ts";
import { wholeVersion } from "../whole-version.ts";

interface LinkOptions {
  version: string;
  filter?: string;
  project: string;
  off?: boolean;
}

export function defineLink(program: Command): Command {
  return program
    .command("link")
    .description("let an event type start a service, from now on, with no redeploy")
    .argument("<eventType>", 'exact ("order.placed"), or with a trailing ".*" ("order.*")')
    .argument("<service>", "project/name, or a name")
    .option("--version <version>", 'a version\'s id, or "active" to follow the active one', "active")
    .option("--filter <expression>", "CEL over `event`, e.g. 'event.data.total > 100'")
    .option("--project <project>", "the project of a bare service name", defaultProject)
    .option("--off", "lay it switched off")
    .action(withSession(link));
}

async function link({ api, terminal }: Session, eventType: string, service: string, options: LinkOptions) {
  const ref = serviceRefOf(service, options.project);
  const { project, name, text } = ref;
  const { body, status } = await api.send<LinkAnswer>("POST", "/api/v1/links", {
    json: {
      project,
      service: name,
      version: await wholeVersion(api, ref, options.version),
      eventType,
      ...(options.filter === undefined ? {} : { filter: options.filter }),
      active: !options.off,
    },
  });
  await terminal.one(body, () => {
    const filter = body.filter ? `, where ${body.filter}` : "";
    const verb = status === 200 ? "already starts" : body.active ? "starts" : "would start (switched off)";
    return `${body.eventType} ${verb} ${text}${filter}  (link ${body.id})`;
  });
  terminal.next(nextOf(body.eventType));
}

/** Nobody can send the platform's own types (rule D3): these are waited for. */
function nextOf(eventType: string): string {
  if (!isReservedType(eventType)) return `fx send ${eventType.replace(/\.\*$/, ".something")} --data '{}' --wait`;
  return eventType.endsWith("*") ? "fx events --follow" : `fx events --follow --type ${eventType}`;
}
