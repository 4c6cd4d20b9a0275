import { readFileSync } from "node:fs";
import { get } from "node:https";
import { certificatesIn, makeCertificates } from "./certificates.ts";
import { agentOf, consul, portsOf } from "./consul.ts";
import type { Engine, ServerPlace } from "./engine.ts";

/** The same server as others run it: over TLS alone, and for clients alone that show a certificate of its authority. */
export const securedConsul: Engine = {
  ...consul,
  name: "consul-secured",

  async prepare(place) {
    const { authorityFile, server } = await makeCertificates(place.directory);
    const files = { ca_file: authorityFile, cert_file: server.certificateFile, key_file: server.keyFile };
    return agentOf(place, {
      ports: { ...portsOf(place), http: -1, https: place.ports[0] },
      tls: { https: { ...files, verify_incoming: true } },
    });
  },

  answers(place) {
    const { authorityFile, client } = certificatesIn(place.directory);
    const [ca, cert, key] = [authorityFile, client.certificateFile, client.keyFile].map((file) => readFileSync(file));
    const { FX_CONFIG_STORE_TOKEN: token } = consul.environment([place]);
    return new Promise((resolve, reject) => {
      const options = { ca, cert, key, headers: { "x-consul-token": token } };
      get(`${urlOf(place)}/v1/kv/engine?keys&consistent`, options, (answer) => {
        resolve(answer.resume().statusCode === 404);
      }).on("error", reject);
    });
  },

  environment(all) {
    const place = all[0] as ServerPlace;
    const { authorityFile, client } = certificatesIn(place.directory);
    return {
      ...consul.environment(all),
      FX_CONFIG_STORE_URL: urlOf(place),
      FX_CONFIG_STORE_AUTHORITY_FILE: authorityFile,
      FX_CONFIG_STORE_CERTIFICATE_FILE: client.certificateFile,
      FX_CONFIG_STORE_KEY_FILE: client.keyFile,
    };
  },
};

function urlOf({ ports }: ServerPlace): string {
  return `https://127.0.0.1:${ports[0]}`;
}
