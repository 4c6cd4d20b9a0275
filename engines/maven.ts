import { writeFileSync } from "node:fs";
import path from "node:path";
import { tool } from "./cache.ts";

/** Brings artifacts, `group:name:version`, with everything that they need, into `directory`. */
export async function mavenJars(artifacts: readonly string[], directory: string): Promise<void> {
  const dependencies = artifacts.map((artifact) => {
    const [group, name, version] = artifact.split(":");
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`;
  });
  const pom = path.join(directory, "pom.xml");
  writeFileSync(
    pom,
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>engine</groupId><artifactId>engine</artifactId><version>1</version>
<dependencies>${dependencies.join("\n")}</dependencies></project>
`,
  );
  await tool("mvn", ["-q", "-B", "-f", pom, "dependency:copy-dependencies", `-DoutputDirectory=${directory}`]);
}
