import { mkdirSync } from "node:fs";
import path from "node:path";
import type { Cache } from "./cache.ts";
import type { Engine, ServerPlace, StartCommand } from "./engine.ts";
import { goProgram } from "./golang.ts";

/** The newest whose modules are all published under an open-source licence. */
const version = "1.14.11";
const token = "6f6b5a0e-0f3c-4d5e-9a51-0c1b2d3e4f50";

const main = `package main

import (
	"os"

	mcli "github.com/mitchellh/cli"

	"github.com/hashicorp/consul/command"
	"github.com/hashicorp/consul/command/cli"
)

func main() {
	ui := &cli.BasicUI{BasicUi: mcli.BasicUi{Writer: os.Stdout, ErrorWriter: os.Stderr}}
	program := &mcli.CLI{Args: os.Args[1:], Commands: command.RegisteredCommands(ui), Name: "consul"}
	code, _ := program.Run()
	os.Exit(code)
}
`;

/** Built from its Go module; one server, with access control: who shows no token may do nothing. */
export const consul: Engine = {
  name: "consul",
  title: `Consul ${version}`,
  portsEach: 4,

  install: (cache: Cache) =>
    cache.directory(`consul-${version}`, (directory) =>
      goProgram(directory, "consul", `github.com/hashicorp/consul v${version}`, main),
    ),

  prepare: async (server) => agentOf(server, { ports: { ...portsOf(server), http: server.ports[0], https: -1 } }),

  async answers(server) {
    const headers = { "x-consul-token": token };
    const response = await fetch(`${urlOf(server)}/v1/kv/engine?keys&consistent`, { headers });
    return response.status === 200 || response.status === 404;
  },

  environment(all) {
    return {
      FX_CONFIG_STORE_DRIVER: "consul",
      FX_CONFIG_STORE_URL: urlOf(all[0] as ServerPlace),
      FX_CONFIG_STORE_TOKEN: token,
    };
  },
};

/** `settings`: beside what each of our agents has. */
export function agentOf({ programs, directory }: ServerPlace, settings: object): StartCommand {
  const data = path.join(directory, "data");
  mkdirSync(data, { recursive: true });
  const all = {
    acl: { enabled: true, default_policy: "deny", tokens: { initial_management: token, agent: token } },
    disable_update_check: true,
    // A write is answered sooner: there is no other server to wait for.
    performance: { raft_multiplier: 1 },
    ...settings,
  };
  const args = ["agent", "-server", "-bootstrap-expect=1", "-node=engine", "-bind=127.0.0.1", "-client=127.0.0.1"];
  return {
    command: path.join(programs, "consul"),
    args: [...args, `-data-dir=${data}`, "-log-level=warn", `-hcl=${JSON.stringify(all)}`],
  };
}

/** All but those that clients use, which the first is kept for. */
export function portsOf({ ports: [, server, serf, wan] }: ServerPlace) {
  return { server, serf_lan: serf, serf_wan: wan, dns: -1, grpc: -1, grpc_tls: -1 };
}

function urlOf({ ports }: ServerPlace): string {
  return `http://127.0.0.1:${ports[0]}`;
}
