// Command faultnet is an IP network in user space with faults on demand. Each attached network namespace gets a
// TUN device; packets travel between them through this process, which delays, drops, doubles, reorders or blocks
// them per directed link. With the same seed and the same packets on a link the same ones are hit.
//
// Standard output carries one JSON line: {"event":"ready","controlUrl":…} or {"event":"failed","error":…}.
// The devices vanish with the process, however it ends.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func report(line any) {
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		fmt.Fprintln(os.Stderr, "faultnet: cannot write to standard output:", err)
		os.Exit(1)
	}
}

func main() {
	seed := flag.Uint64("seed", 1, "seed of all random decisions")
	control := flag.String("control.listen-addr", "127.0.0.1:0", "address of the HTTP control port")
	flag.Parse()

	listener, err := net.Listen("tcp", *control)
	if err != nil {
		report(map[string]string{"event": "failed", "error": err.Error()})
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	network := newNetwork(*seed)
	server := &http.Server{Handler: routes(network), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	report(map[string]any{"event": "ready", "controlUrl": "http://" + listener.Addr().String()})

	<-ctx.Done()
	_ = server.Close()
	network.close()
}
