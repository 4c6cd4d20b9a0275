import type { Command } from "commander";
import type { Time } from "../connection/wire.ts";
import { type Session, withSession } from "../session.ts";
import type { Column } from "../terminal/column.ts";
import { clockText } from "../terminal/times.ts";

interface ProjectAnswer {
  name: string;
  description: string;
  createdAt: Time;
}

const columns: Column<ProjectAnswer>[] = [
  { title: "project", of: ({ name }) => name },
  { title: "made", of: ({ createdAt }) => clockText(createdAt, Date.now()) },
  { title: "description", of: ({ description }) => description },
];

export function defineProjects(program: Command): Command {
  const projects = program.command("projects").description("the projects that services belong to, and changes to them");
  projects
    .command("list", { isDefault: true })
    .description("the projects (the default: `fx projects`)")
    .action(withSession(list));
  projects
    .command("create")
    .description("make a project; `deploy --project` makes a missing one by itself")
    .argument("<name>", "lower-case letters, digits, _ and -")
    .option("--description <text>", "what it is for", "")
    .action(withSession(create));
  projects
    .command("delete")
    .description("delete a project that has no services")
    .argument("<name>")
    .action(withSession(remove));
  return projects;
}

async function list({ api, terminal }: Session): Promise<void> {
  const { items } = await api.list<ProjectAnswer>("/api/v1/projects", {}, 100_000);
  await terminal.list(items, columns, "no project yet: `fx projects create <name>`");
}

async function create({ api, terminal }: Session, name: string, options: { description: string }): Promise<void> {
  const { body } = await api.send<ProjectAnswer>("POST", "/api/v1/projects", { json: { name, ...options } });
  await terminal.one(body, () => `made project ${body.name}`);
  terminal.next(`fx deploy <directory> --project ${body.name}`);
}

async function remove({ api, terminal }: Session, name: string): Promise<void> {
  await api.send("DELETE", `/api/v1/projects/${encodeURIComponent(name)}`);
  await terminal.one({ deleted: name }, () => `deleted project ${name}`);
}
