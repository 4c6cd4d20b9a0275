import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { tool } from "./cache.ts";
import type { Engine, ServerPlace } from "./engine.ts";
import { answersTo, brokerOf, kafka, prepareBroker, propertiesOf } from "./kafka.ts";

/** Users that the server knows from its first start, by what they prove themselves with (SCRAM-SHA-512). */
export const kafkaUsers = { admin: "admin-secret", platform: "platform-secret", outside: "outside-secret" } as const;
export type KafkaUser = keyof typeof kafkaUsers;

/** The same server as others run it: TLS, users, and nothing allowed but what an access rule allows. Only `admin` may all. */
export const securedKafka: Engine = {
  ...kafka,
  name: "kafka-secured",

  async prepare(server, all) {
    const keyStore = await makeCertificate(server);
    const properties = propertiesOf(server, all);
    const { listeners, "advertised.listeners": advertised } = properties;
    const secured = {
      ...properties,
      listeners: listeners.replace("PLAINTEXT://", "SASL_SSL://"),
      "advertised.listeners": advertised.replace("PLAINTEXT://", "SASL_SSL://"),
      "listener.security.protocol.map": "SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT",
      "inter.broker.listener.name": "SASL_SSL",
      "sasl.enabled.mechanisms": "SCRAM-SHA-512",
      "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
      "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": `org.apache.kafka.common.security.scram.ScramLoginModule required username="admin" password="${kafkaUsers.admin}";`,
      "ssl.keystore.type": "PEM",
      "ssl.keystore.location": keyStore,
      "ssl.truststore.type": "PEM",
      "ssl.truststore.location": authorityFileOf(server),
      // Who shows no certificate is welcome; a certificate that is shown must be a known one.
      "ssl.client.auth": "requested",
      "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
      // The controller is asked by its own broker alone, which needs no name there.
      "super.users": "User:admin;User:ANONYMOUS",
    };
    const users = Object.entries(kafkaUsers).flatMap(([name, password]) => [
      "--add-scram",
      `SCRAM-SHA-512=[name=${name},password=${password}]`,
    ]);
    return prepareBroker(server, secured, users);
  },

  answers: (server) => answersTo({ bootstrapBrokers: [brokerOf(server)], ...accessOf(server, "admin") }),

  environment(all) {
    return {
      ...kafka.environment(all),
      FX_BUS_TLS: "true",
      FX_BUS_AUTHORITY_FILE: authorityFileOf(all[0] as ServerPlace),
      FX_BUS_USER: "platform",
      FX_BUS_PASSWORD: kafkaUsers.platform,
    };
  },
};

/** What a client program of this user is made with. */
export function accessOf(server: ServerPlace, user: KafkaUser) {
  return {
    tls: { ca: readFileSync(authorityFileOf(server), "utf8") },
    sasl: { mechanism: "SCRAM-SHA-512" as const, username: user, password: kafkaUsers[user] },
  };
}

/** Signs the server's certificate: it is its own authority. */
export function authorityFileOf({ directory }: ServerPlace): string {
  return path.join(directory, "certificate.pem");
}

/** Answers the file with the key and the certificate. */
async function makeCertificate(server: ServerPlace): Promise<string> {
  const { directory } = server;
  const store = path.join(directory, "key-and-certificate.pem");
  if (existsSync(store)) return store;
  mkdirSync(directory, { recursive: true });
  const key = path.join(directory, "key.pem");
  const subject = ["-subj", "/CN=kafka", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
  const files = ["-keyout", key, "-out", authorityFileOf(server)];
  await tool("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", ...subject, ...files]);
  writeFileSync(store, readFileSync(key, "utf8") + readFileSync(authorityFileOf(server), "utf8"), { mode: 0o600 });
  return store;
}
