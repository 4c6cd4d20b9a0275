import { expect, test } from "vitest";
import { loadSettings } from "../../../src/config/settings.ts";
import { placeOf } from "../../../src/platform/copy/place-of.ts";
import { ports } from "../../../src/platform/roles.ts";

const secret = "s3cret-word";

function placesOf(environment: Record<string, string>): string[] {
  const { settings } = loadSettings({ environment, directory: "/nowhere" });
  return ports.map((port) => placeOf(settings, port));
}

test("what is embedded is in the data directory", () => {
  const places = placesOf({});
  expect(new Set(places)).toEqual(new Set(["the data directory /nowhere/.fx"]));
});

test("S1: an engine is told by its address and by what is this installation's there, and nothing secret is told", () => {
  const places = placesOf({
    FX_BUS_DRIVER: "kafka",
    FX_BUS_BROKERS: "kafka-1:9092,kafka-2:9092",
    FX_BUS_PREFIX: "one.",
    FX_BUS_USER: "fx",
    FX_BUS_PASSWORD: secret,
    FX_CATALOG_DRIVER: "postgres",
    FX_CATALOG_URL: `postgres://fx:${secret}@db.example.com:5432/fx?sslmode=require`,
    FX_CONFIG_STORE_DRIVER: "consul",
    FX_CONFIG_STORE_URL: "https://consul.example.com:8501",
    FX_CONFIG_STORE_TOKEN: secret,
    FX_ARTIFACT_STORE_DRIVER: "s3",
    FX_ARTIFACT_STORE_BUCKET: "files",
    FX_ARTIFACT_STORE_ENDPOINT: "https://s3.example.com",
    FX_ARTIFACT_STORE_ACCESS_KEY_ID: "fx",
    FX_ARTIFACT_STORE_SECRET_ACCESS_KEY: secret,
    FX_OPS_DATA_DRIVER: "elasticsearch",
    FX_OPS_DATA_URL: "https://search.example.com:9200",
    FX_OPS_DATA_USER: "fx",
    FX_OPS_DATA_PASSWORD: secret,
  });
  expect(places).toEqual([
    "Kafka at kafka-1:9092,kafka-2:9092, below one.",
    "PostgreSQL at db.example.com:5432/fx",
    "Consul at https://consul.example.com:8501, below fx",
    "the bucket files at https://s3.example.com",
    "Elasticsearch at https://search.example.com:9200, below fx",
  ]);
});
