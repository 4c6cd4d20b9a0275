import path from "node:path";
import type { Cache } from "./cache.ts";
import type { Engine, ServerPlace } from "./engine.ts";
import { mavenZip } from "./maven.ts";
import { clusterAnswers, layDown, settingsOf } from "./search-server.ts";

const version = "2.19.3";
const jvm = ["-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/** From its Maven artifact: the server without the modules and plugins of the download, that of security among them. */
export const opensearch: Engine = {
  name: "opensearch",
  title: `OpenSearch ${version}`,
  portsEach: 2,

  install: (cache: Cache) =>
    cache.directory(`opensearch-${version}`, (directory) =>
      mavenZip(`org.opensearch.distribution.integ-test-zip:opensearch:${version}`, directory),
    ),

  async prepare(server) {
    const { home, user } = layDown(server, { title: this.title, settings: settingsOf(server) });
    const properties = {
      "java.io.tmpdir": path.join(server.directory, "tmp"),
      "opensearch.path.home": home,
      "opensearch.path.conf": path.join(home, "config"),
      "opensearch.distribution.type": "zip",
      "opensearch.bundled_jdk": "false",
      "java.security.manager": "allow",
    };
    const defined = Object.entries(properties).map(([name, value]) => `-D${name}=${value}`);
    const args = [...jvm, ...defined, "-cp", path.join(home, "lib/*"), "org.opensearch.bootstrap.OpenSearch"];
    return { command: "java", args, ...(user && { user }) };
  },

  answers: (server) => clusterAnswers(urlOf(server)),

  environment(all) {
    return {
      FX_OPS_DATA_DRIVER: "elasticsearch",
      FX_OPS_DATA_URL: urlOf(all[0] as ServerPlace),
      FX_OPS_DATA_REPLICAS: "0",
    };
  },
};

function urlOf({ ports }: ServerPlace): string {
  return `http://127.0.0.1:${ports[0]}`;
}
