import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import path from "node:path";
import { type Cache, tool } from "./cache.ts";
import type { Engine, ServerPlace } from "./engine.ts";
import { goInstall, goProgramOfParts } from "./golang.ts";

const version = "1.37.2";
const helmVersion = "4.3.2";
const token = "administrator-of-the-engine";

/** Etcd in this process, the controllers in one of their own, since each answers signals by itself; the API server is what stays. */
const main = `package main

import (
	"net/url"
	"os"
	"os/exec"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

func main() {
	if os.Args[1] == "controllers" {
		command := controllers.NewControllerManagerCommand()
		command.SetArgs(os.Args[2:])
		os.Exit(cli.Run(command))
	}
	startStore(os.Args[1], os.Args[2], os.Args[3])
	go keepControllers(os.Args[4])
	command := apiserver.NewAPIServerCommand()
	command.SetArgs(os.Args[5:])
	os.Exit(cli.Run(command))
}

func startStore(directory string, client string, peer string) {
	config := embed.NewConfig()
	config.Dir = directory
	config.LogLevel = "error"
	config.UnsafeNoFsync = true
	config.ListenClientUrls = []url.URL{parsed(client)}
	config.AdvertiseClientUrls = config.ListenClientUrls
	config.ListenPeerUrls = []url.URL{parsed(peer)}
	config.AdvertisePeerUrls = config.ListenPeerUrls
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	store, err := embed.StartEtcd(config)
	if err != nil {
		panic(err)
	}
	<-store.Server.ReadyNotify()
}

// They give up where the API server does not answer yet.
func keepControllers(settings string) {
	for {
		program, _ := os.Executable()
		command := exec.Command(program, "controllers", "--kubeconfig="+settings, "--leader-elect=false", "--secure-port=0",
			"--use-service-account-credentials=false", "--service-account-private-key-file="+os.Getenv("ACCOUNTS_KEY"),
			"--root-ca-file="+os.Getenv("AUTHORITY"))
		command.Stderr = os.Stderr
		_ = command.Run()
		time.Sleep(time.Second)
	}
}

func parsed(address string) url.URL {
	found, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	return *found
}
`;

/**
 * The control plane of Kubernetes, built from its Go modules: etcd, the API server with access control and admission, and the
 * controllers, but no node. Pods are made and nothing runs them: a test says what a node would say. Helm
 * comes with it.
 */
export const kubernetes: Engine = {
  name: "kubernetes",
  title: `Kubernetes ${version}, without a node`,
  portsEach: 3,

  install: (cache: Cache) =>
    cache.directory(`kubernetes-${version}`, async (directory) => {
      await goProgramOfParts(directory, {
        name: "control-plane",
        module: `k8s.io/kubernetes@v${version}`,
        partsVersion: `v0${version.slice(1)}`,
        main,
        // What it says of itself: a chart may refuse an older one.
        texts: { "k8s.io/component-base/version.gitVersion": `v${version}` },
      });
      await goInstall(directory, `helm.sh/helm/v4/cmd/helm@v${helmVersion}`);
    }),

  async prepare(server) {
    const { programs, directory, ports } = server;
    const [port, client, peer] = ports;
    await makeKeys(server);
    const file = (name: string) => path.join(directory, name);
    writeFileSync(file("tokens.csv"), `${token},administrator,administrator,"system:masters"\n`, { mode: 0o600 });
    const kubeconfig = kubeconfigOf(server);
    writeFileSync(kubeconfig, kubeconfigFor(server, token), { mode: 0o600 });
    const store = `http://127.0.0.1:${client}`;
    return {
      command: path.join(programs, "control-plane"),
      args: [
        ...[file("store"), store, `http://127.0.0.1:${peer}`, kubeconfig],
        `--etcd-servers=${store}`,
        ...[`--secure-port=${port}`, "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"],
        // There is no network of pods in which the API server had an address.
        ...["--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/16"],
        ...[`--tls-cert-file=${certificateOf(server)}`, `--tls-private-key-file=${keyOf(server)}`],
        ...["--authorization-mode=RBAC", `--token-auth-file=${file("tokens.csv")}`],
        "--service-account-issuer=https://kubernetes.default.svc",
        ...[
          `--service-account-key-file=${file("accounts.pem")}`,
          `--service-account-signing-key-file=${file("accounts.pem")}`,
        ],
      ],
      env: { ACCOUNTS_KEY: file("accounts.pem"), AUTHORITY: certificateOf(server) },
    };
  },

  // Controllers make it; without it no pod is admitted.
  answers: (server) => found(server, "/api/v1/namespaces/default/serviceaccounts/default"),

  environment(all) {
    return { FX_EXECUTOR_KUBERNETES_KUBECONFIG: kubeconfigOf(all[0] as ServerPlace) };
  },
};

/** Of who may do all. */
export function kubeconfigOf({ directory }: ServerPlace): string {
  return path.join(directory, "administrator.kubeconfig");
}

/** For who shows this token, in this namespace. */
export function kubeconfigFor(server: ServerPlace, token: string, namespace = "default"): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "engine",
    contexts: [{ name: "engine", context: { cluster: "engine", user: "engine", namespace } }],
    clusters: [
      {
        name: "engine",
        cluster: { server: `https://127.0.0.1:${server.ports[0]}`, "certificate-authority": certificateOf(server) },
      },
    ],
    users: [{ name: "engine", user: { token } }],
  });
}

/** Its own authority; a node of a test may show it too. */
export function certificateOf({ directory }: ServerPlace): string {
  return path.join(directory, "certificate.pem");
}

export function keyOf({ directory }: ServerPlace): string {
  return path.join(directory, "key.pem");
}

async function found(server: ServerPlace, route: string): Promise<boolean> {
  const asked = get(`https://127.0.0.1:${server.ports[0]}${route}`, {
    ca: readFileSync(certificateOf(server)),
    headers: { authorization: `Bearer ${token}` },
    agent: false,
  });
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  answer.resume();
  return answer.statusCode === 200;
}

/** Of the server, and the one by which it signs the tokens of accounts. */
async function makeKeys(server: ServerPlace): Promise<void> {
  const accounts = path.join(server.directory, "accounts.pem");
  if (existsSync(accounts)) return;
  mkdirSync(server.directory, { recursive: true });
  const subject = ["-subj", "/CN=kubernetes", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
  const files = ["-keyout", keyOf(server), "-out", certificateOf(server)];
  await tool("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", ...subject, ...files]);
  await tool("openssl", ["genrsa", "-out", accounts, "2048"]);
}
