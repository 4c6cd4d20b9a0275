import type { Settings } from "../config/settings.ts";
import { PlatformError, type Problem } from "../foundation/errors.ts";

/** What a process of the platform may be. Of each there may be any number, where the engines are shared. */
export const allRoles = ["manager", "router", "executor", "sink"] as const;
export type Role = (typeof allRoles)[number];

export const ports = ["bus", "catalog", "configStore", "artifactStore", "opsData"] as const;
export type Port = (typeof ports)[number];

const portsOfRole: Record<Role, readonly Port[]> = {
  manager: ports,
  router: ["bus", "catalog"],
  executor: ["bus", "catalog", "configStore", "artifactStore"],
  sink: ["bus", "catalog", "opsData"],
};

/** The drivers that keep everything below the data directory of one process. */
const embedded: Record<Port, string> = {
  bus: "sqlite",
  catalog: "sqlite",
  configStore: "sqlite",
  artifactStore: "filesystem",
  opsData: "sqlite",
};

/** The engines that a process of these roles works with. */
export function portsOf(roles: readonly Role[]): Port[] {
  return ports.filter((port) => roles.some((role) => portsOfRole[role].includes(port)));
}

/** Drivers by port. */
export type Drivers = { readonly [Name in Port]: { readonly driver: string } };

/** Whether a port's engine keeps everything below the data directory. */
export function isEmbedded(settings: Drivers, port: Port): boolean {
  return settings[port].driver === embedded[port];
}

/** Whether several processes may work on one installation: they meet in engines that none has to itself. */
export function isShared(settings: Drivers): boolean {
  return !ports.some((port) => isEmbedded(settings, port));
}

/** Whether any server has to be there. */
export function hasEngines(settings: Settings): boolean {
  return !ports.every((port) => isEmbedded(settings, port));
}

/** Throws `invalid-input` where a process of these roles would work apart from those of the others. */
export function requireSharedEngines(settings: Settings, roles: readonly Role[]): void {
  if (allRoles.every((role) => roles.includes(role))) return;
  const needed = portsOf(roles);
  const problems: Problem[] = needed
    .filter((port) => isEmbedded(settings, port))
    .map((port) => ({ path: `${port}.driver`, message: `is ${embedded[port]}, which one process has to itself` }));
  if (settings.secretsKey === undefined && needed.includes("configStore")) {
    problems.push({ path: "secretsKey", message: "is not set, and each process would make its own" });
  }
  if (settings.token === undefined && roles.includes("manager")) {
    problems.push({ path: "token", message: "is not set, and each manager would make its own" });
  }
  if (problems.length === 0) return;
  const text = problems.map(({ path, message }) => `${path} ${message}`).join("; ");
  throw new PlatformError(
    "invalid-input",
    `${roles.join(", ")} alone needs engines that the other roles reach too (docs/deploy.md has a whole example; fx start runs all roles in one process): ${text}`,
    { problems },
  );
}
