import path from "node:path";
import { type Cache, tool } from "./cache.ts";
import type { Engine, ServerPlace } from "./engine.ts";
import { mavenZip } from "./maven.ts";
import { clusterAnswers, layDown, settingsOf } from "./search-server.ts";

/** The last of its line that a Java 17 runs. */
const version = "8.19.5";
const user = "fx";
const password = "engines";
/** Of that password, by bcrypt. */
const hash = "$2a$10$abcdefghijklmnopqrstuuUin/fbHBtdxPZoB8rn1Nj9thMDQLoWa";

const guarded = { "xpack.security.enabled": true, "xpack.security.autoconfiguration.enabled": false };

/** From its Maven artifact: the server with its security and without the other modules of the download. */
export const elasticsearch: Engine = {
  name: "elasticsearch",
  title: `Elasticsearch ${version}`,
  portsEach: 2,

  install: (cache: Cache) =>
    cache.directory(`elasticsearch-${version}`, (directory) =>
      mavenZip(`org.elasticsearch.distribution.integ-test-zip:elasticsearch:${version}`, directory),
    ),

  async prepare(server) {
    const laid = layDown(server, {
      title: this.title,
      settings: { ...settingsOf(server), ...guarded },
      files: { users: `${user}:${hash}\n`, users_roles: `superuser:${user}\n` },
    });
    const env = {
      ES_JAVA_HOME: await javaHome(),
      ES_JAVA_OPTS: "-Xms512m -Xmx512m",
      CLI_JAVA_OPTS: "-Xms16m -Xmx64m -XX:+UseSerialGC",
      ES_TMPDIR: path.join(server.directory, "tmp"),
    };
    return {
      command: path.join(laid.home, "bin/elasticsearch"),
      args: [],
      env,
      ...(laid.user && { user: laid.user }),
    };
  },

  answers: (server) => clusterAnswers(urlOf(server)),

  environment(all) {
    return {
      FX_OPS_DATA_DRIVER: "elasticsearch",
      FX_OPS_DATA_URL: new URL(urlOf(all[0] as ServerPlace)).origin,
      FX_OPS_DATA_USER: user,
      FX_OPS_DATA_PASSWORD: password,
      FX_OPS_DATA_REPLICAS: "0",
    };
  },
};

function urlOf({ ports }: ServerPlace): string {
  return `http://${user}:${password}@127.0.0.1:${ports[0]}`;
}

/** Of the `java` that is found; the server's own script looks for a home only. */
async function javaHome(): Promise<string> {
  return path.dirname(path.dirname(await tool("sh", ["-c", 'readlink -f "$(command -v java)"'])));
}
