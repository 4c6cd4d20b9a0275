import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Certificates, certificatesIn, makeCertificates } from "./certificates.ts";
import type { Engine, ServerPlace } from "./engine.ts";
import { answersTo, brokerOf, kafka, prepareBroker, propertiesOf } from "./kafka.ts";

/** Users that the server knows from its first start, by their passwords (SCRAM-SHA-512 or PLAIN). */
export const kafkaUsers = { admin: "admin-secret", platform: "platform-secret", outside: "outside-secret" } as const;
export type KafkaUser = keyof typeof kafkaUsers;

/**
 * The same server as others run it: TLS, users, and nothing allowed but what an access rule allows. Only `admin` may all. A
 * second address takes no passwords, but certificates: who shows one of `CN=platform` is the user `platform`.
 */
export const securedKafka: Engine = {
  ...kafka,
  name: "kafka-secured",
  portsEach: 3,

  async prepare(server, all) {
    const { authorityFile } = await makeCertificates(server.directory);
    const properties = propertiesOf(server, all);
    const { listeners, "advertised.listeners": advertised } = properties;
    const secured = {
      ...properties,
      listeners: `${listeners.replace("PLAINTEXT://", "SASL_SSL://")},SSL://${certifiedBrokerOf(server)}`,
      "advertised.listeners": `${advertised.replace("PLAINTEXT://", "SASL_SSL://")},SSL://${certifiedBrokerOf(server)}`,
      "listener.security.protocol.map": "SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:PLAINTEXT",
      "inter.broker.listener.name": "SASL_SSL",
      "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
      "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
      "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": `org.apache.kafka.common.security.scram.ScramLoginModule required username="admin" password="${kafkaUsers.admin}";`,
      "listener.name.sasl_ssl.plain.sasl.jaas.config": `org.apache.kafka.common.security.plain.PlainLoginModule required ${plainUsers};`,
      "ssl.keystore.type": "PEM",
      "ssl.keystore.location": keyStoreOf(server),
      "ssl.truststore.type": "PEM",
      "ssl.truststore.location": authorityFile,
      "listener.name.ssl.ssl.client.auth": "required",
      "listener.name.ssl.ssl.principal.mapping.rules": "RULE:^CN=(.*)$/$1/",
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
      FX_BUS_AUTHORITY_FILE: certificatesOf(all[0] as ServerPlace).authorityFile,
      FX_BUS_USER: "platform",
      FX_BUS_PASSWORD: kafkaUsers.platform,
    };
  },
};

/** What a client program of this user is made with. */
export function accessOf(server: ServerPlace, user: KafkaUser) {
  return {
    tls: { ca: readFileSync(certificatesOf(server).authorityFile, "utf8") },
    sasl: { mechanism: "SCRAM-SHA-512" as const, username: user, password: kafkaUsers[user] },
  };
}

export function certificatesOf({ directory }: ServerPlace): Certificates {
  return certificatesIn(directory);
}

/** Where certificates are asked for, and nothing else. */
export function certifiedBrokerOf({ ports }: ServerPlace): string {
  return `127.0.0.1:${ports[2]}`;
}

const plainUsers = Object.entries(kafkaUsers)
  .map(([name, password]) => `user_${name}="${password}"`)
  .join(" ");

/** The server's key and certificate in one file, as Kafka wants them. */
function keyStoreOf(place: ServerPlace): string {
  const store = path.join(place.directory, "key-and-certificate.pem");
  const { certificateFile, keyFile } = certificatesOf(place).server;
  writeFileSync(store, readFileSync(keyFile, "utf8") + readFileSync(certificateFile, "utf8"), { mode: 0o600 });
  return store;
}
