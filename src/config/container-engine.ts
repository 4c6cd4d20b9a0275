import { join } from "node:path";
import type { Settings } from "./settings-schema.ts";

/**
 * Where a container engine may listen: what the setting says alone, else what engines' own clients would take, in
 * their order. Empty: containers are switched off.
 */
export function containerEngines({ executor }: Settings): string[] {
  const { engine } = executor.containers;
  if (engine === "off") return [];
  if (engine !== undefined) return [engine];
  const { DOCKER_HOST, CONTAINER_HOST, XDG_RUNTIME_DIR, HOME } = process.env;
  const told = [DOCKER_HOST, CONTAINER_HOST].filter((address) => address !== undefined && address !== "");
  if (told.length > 0) return told as string[];
  const sockets = ["/var/run/docker.sock", "/run/podman/podman.sock"];
  if (XDG_RUNTIME_DIR) sockets.push(join(XDG_RUNTIME_DIR, "docker.sock"), join(XDG_RUNTIME_DIR, "podman/podman.sock"));
  if (HOME) sockets.push(join(HOME, ".docker/run/docker.sock"));
  return sockets.map((path) => `unix://${path}`);
}
