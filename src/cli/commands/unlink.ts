import type { Command } from "commander";
import { defaultProject } from "../../services/service-ref.ts";
import { CliError } from "../cli-error.ts";
import type { LinkAnswer } from "../connection/wire.ts";
import { serviceRefOf } from "../service-ref.ts";
import { type Session, withSession } from "../session.ts";

export function defineUnlink(program: Command): Command {
  return program
    .command("unlink")
    .description("remove a link; a redeploy does not bring it back")
    .argument("<link>", "a link's id, or an event type when a service follows")
    .argument("[service]", "project/name, or a name: removes every link from the type to it")
    .option("--project <project>", "the project of a bare service name", defaultProject)
    .action(withSession(unlink));
}

async function unlink(session: Session, link: string, service: string | undefined, options: { project: string }) {
  const { api, terminal } = session;
  const links = service === undefined ? [{ id: link }] : await linksBetween(session, link, service, options.project);
  for (const { id } of links) await api.send("DELETE", `/api/v1/links/${encodeURIComponent(id)}`);
  await terminal.one({ removed: links.map(({ id }) => id) }, () =>
    links.map(({ id }) => `removed link ${id}`).join("\n"),
  );
  terminal.next("fx links");
}

async function linksBetween({ api }: Session, eventType: string, service: string, project: string) {
  const ref = serviceRefOf(service, project);
  const { items } = await api.list<LinkAnswer>("/api/v1/links", { service: ref.text, eventType }, 1000);
  const found = items.filter((item) => item.eventType === eventType && item.service === ref.name);
  if (found.length > 0) return found;
  throw new CliError({ what: `no link joins ${eventType} to ${ref.text}`, fix: "fx links", exit: "notFound" });
}
