import { readFileSync } from "node:fs";

/** As whom a server runs that refuses to be root, and where it needs a user with a name; undefined: as we do. */
export function serverUser(server: string): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [, uid, gid] = /^nobody:[^:]*:(\d+):(\d+)/m.exec(readFileSync("/etc/passwd", "utf8")) ?? [];
  if (uid === undefined) throw new Error(`${server} does not run as root, and this machine has no user 'nobody'`);
  return { uid: Number(uid), gid: Number(gid) };
}
