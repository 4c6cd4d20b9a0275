import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { copyFile, cp, mkdir, symlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { Cache, cacheRoot, tool } from "../../engines/cache.ts";
import type { Podman } from "./podman.ts";

const repository = resolve(import.meta.dirname, "../..");
const release = "bookworm";
const baseImage = "localhost/node-on-debian:latest";
/** Where a step of the build finds who this machine trusts. */
const authorities = "/run/authorities.pem";

export const image = "localhost/streamzero-fx:latest";

/**
 * Builds deploy/Dockerfile. Its base image is made here, of Debian's packages and the Node of the tests, because a machine that tests
 * need reach no registry of images. npm asks the registry that it asks on this machine.
 */
export async function buildImage(podman: Podman, directory: string): Promise<void> {
  await podman.run("import", await packBase(directory), baseImage);
  const mounts = await npmMounts(directory);
  const built = [
    "--file",
    join(repository, "deploy/Dockerfile"),
    "--tag",
    image,
    `--build-arg=NODE_IMAGE=${baseImage}`,
  ];
  // One layer: each costs a copy of the whole.
  const ways = ["--pull=never", "--network=host", "--isolation=chroot", "--layers=false", ...mounts];
  await podman.run("build", ...ways, ...built, repository);
}

/** What Docker's image `node` is made of, as a tar. */
async function packBase(directory: string): Promise<string> {
  const root = join(directory, "root");
  const packed = await debian();
  await mkdir(root);
  await tool("tar", ["-C", root, "-xf", packed]);
  const programs = join(root, "usr/local/bin");
  await copyFile(process.execPath, join(programs, "node"));
  const npm = dirname(dirname(realpathSync(await tool("sh", ["-c", "command -v npm"]))));
  await cp(npm, join(root, "usr/local/lib/node_modules/npm"), { recursive: true });
  for (const name of ["npm", "npx"]) {
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(programs, name));
  }
  const archive = `${root}.tar`;
  await tool("tar", ["-C", root, "-cf", archive, "."]);
  return archive;
}

/** Debian's smallest system, with what Node links to. */
async function debian(): Promise<string> {
  const cache = new Cache(cacheRoot(), console.error);
  const packed = await cache.directory(`debian-${release}`, async (directory) => {
    const root = join(directory, "root");
    await tool("debootstrap", ["--variant=minbase", "--include=libatomic1,libstdc++6", release, root]);
    await tool("tar", [
      "-C",
      root,
      "--exclude=./var/cache/apt/archives/*.deb",
      "-cf",
      join(directory, "root.tar"),
      ".",
    ]);
    await tool("rm", ["-rf", "--one-file-system", root]);
  });
  return join(packed, "root.tar");
}

/** npm's settings of this machine for the time of the build; the image keeps nothing of them. */
async function npmMounts(directory: string): Promise<string[]> {
  const asked = async (key: string) => (await tool("npm", ["config", "get", key])).replace(/^(null|undefined)$/, "");
  const files = [await asked("globalconfig"), await asked("userconfig")].filter((file) => existsSync(file));
  const settings = files.flatMap((file) => readFileSync(file, "utf8").split("\n"));
  const trusted = (await asked("cafile")) || process.env.NODE_EXTRA_CA_CERTS;
  const kept = settings.filter((line) => !/^\s*(cafile|prefix|nodedir)\b/.test(line));
  if (trusted) kept.push(`cafile=${authorities}`);
  const file = join(directory, "npmrc");
  writeFileSync(file, kept.join("\n"), { mode: 0o600 });
  const authority = trusted ? [`--volume=${trusted}:${authorities}:ro`] : [];
  return [`--volume=${file}:/root/.npmrc:ro`, ...authority];
}
