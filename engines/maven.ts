import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { tool } from "./cache.ts";

/** Brings artifacts, `group:name:version`, with everything that they need, into `directory`. */
export async function mavenJars(artifacts: readonly string[], directory: string): Promise<void> {
  const dependencies = artifacts.map((artifact) => `<dependency>${coordinates(artifact)}</dependency>`);
  const pom = writePom(directory, `<dependencies>${dependencies.join("\n")}</dependencies>`);
  await maven(["-f", pom, "dependency:copy-dependencies", `-DoutputDirectory=${directory}`]);
}

/** Brings one archive, `group:name:version`, and unpacks it into `directory`. */
export async function mavenZip(artifact: string, directory: string): Promise<void> {
  const item = `<artifactItem>${coordinates(artifact)}<type>zip</type></artifactItem>`;
  const plugin = `<groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId>
<configuration><artifactItems>${item}</artifactItems><outputDirectory>${directory}</outputDirectory></configuration>`;
  const pom = writePom(directory, `<build><plugins><plugin>${plugin}</plugin></plugins></build>`);
  await maven(["-f", pom, "dependency:unpack"]);
  for (const name of ["pom.xml", "target"]) rmSync(path.join(directory, name), { recursive: true, force: true });
}

function coordinates(artifact: string): string {
  const [group, name, version] = artifact.split(":");
  return `<groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version>`;
}

function writePom(directory: string, content: string): string {
  const pom = path.join(directory, "pom.xml");
  writeFileSync(
    pom,
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>engine</groupId><artifactId>engine</artifactId><version>1</version>
${content}</project>
`,
  );
  return pom;
}

/** Twice, where a registry is tired at first: what has come is not fetched again. */
async function maven(args: readonly string[]): Promise<void> {
  const all = ["-q", "-B", ...args];
  await tool("mvn", all).catch(() => tool("mvn", all));
}
