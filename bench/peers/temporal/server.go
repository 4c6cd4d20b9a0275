// The development server of Temporal's command line, with its own code and its own settings, and without the rest of the command.
// Arguments: port, and a database file; without one it keeps everything in memory, as `temporal server start-dev` does.
package main

import (
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/google/uuid"
	"github.com/temporalio/cli/internal/devserver"
)

func main() {
	port, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	options := devserver.StartOptions{
		FrontendIP:             "127.0.0.1",
		FrontendPort:           port,
		UIIP:                   "127.0.0.1",
		UIPort:                 devserver.MustGetFreePort("127.0.0.1"),
		UIDisableNewsFetch:     true,
		Namespaces:             []string{"default"},
		ClusterID:              uuid.NewString(),
		MasterClusterName:      "active",
		CurrentClusterName:     "active",
		InitialFailoverVersion: 1,
		Logger:                 slog.New(slog.NewTextHandler(os.Stderr, nil)),
		LogLevel:               slog.LevelError,
		MetricsPort:            devserver.MustGetFreePort("127.0.0.1"),
		DynamicConfigValues: map[string]any{
			"system.forceSearchAttributesCacheRefreshOnRead": true,
			"system.forceNexusEndpointRefreshOnRead":         true,
			"frontend.persistenceMaxQPS":                     10000,
			"history.persistenceMaxQPS":                      45000,
		},
	}
	if len(os.Args) > 2 {
		options.DatabaseFile = os.Args[2]
	}
	server, err := devserver.Start(options)
	if err != nil {
		panic(err)
	}
	defer server.Stop()
	fmt.Printf("ready on %d\n", port)
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	<-ended
}
