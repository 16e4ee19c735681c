// Command peer runs real dskit members: the gossip KV service, a ring client, a ring lifecycler and the DNS
// provider, put together the way Pyroscope v1.18.0 does it. Each member has an HTTP control address of its own.
//
// Standard output carries exactly one JSON line, either
//
//	{"event":"ready","pid":…,"peers":[{"name","instanceId","gossipAddress","controlUrl"}]}
//	{"event":"failed","error":…}
//
// and standard error the log. SIGTERM leaves the cluster properly, POST /die does not.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
)

type peerAddress struct {
	Name          string `json:"name"`
	InstanceID    string `json:"instanceId"`
	GossipAddress string `json:"gossipAddress"`
	ControlURL    string `json:"controlUrl"`
}

func report(line any) {
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		fmt.Fprintln(os.Stderr, "peer: cannot write to standard output:", err)
		os.Exit(1)
	}
}

func fail(err error) {
	report(map[string]string{"event": "failed", "error": err.Error()})
	os.Exit(1)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	opts, err := parseOptions(os.Args[1:])
	if err == flag.ErrHelp {
		os.Exit(0)
	}
	if err != nil {
		fail(err)
	}
	nodes, err := startAll(ctx, opts)
	if err != nil {
		fail(err)
	}
	peers := make([]peerAddress, 0, len(nodes))
	for _, n := range nodes {
		peers = append(peers, n.address())
	}
	report(map[string]any{"event": "ready", "pid": os.Getpid(), "peers": peers})

	allLeft := make(chan struct{})
	go func() {
		for _, n := range nodes {
			<-n.left
		}
		close(allLeft)
	}()
	select {
	case <-allLeft:
	case <-ctx.Done():
	}
	os.Exit(leaveAll(nodes))
}

func leaveAll(nodes []*node) int {
	var wg sync.WaitGroup
	var failures atomic.Int32
	for _, n := range nodes {
		wg.Go(func() {
			if err := n.leave(); err != nil {
				fmt.Fprintf(os.Stderr, "peer: %s did not stop cleanly: %v\n", n.opts.kv.NodeName, err)
				failures.Add(1)
			}
			n.close()
		})
	}
	wg.Wait()
	if failures.Load() > 0 {
		return 1
	}
	return 0
}

// startAll starts the members one after another: from the second on, each also joins through the first.
func startAll(ctx context.Context, opts *options) ([]*node, error) {
	nodes := make([]*node, 0, opts.count)
	for i := range opts.count {
		o := opts.forPeer(i)
		if i > 0 {
			o.kv.JoinMembers = append(o.kv.JoinMembers, nodes[0].gossipAddress())
		}
		n, err := startNode(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("peer %d: %w", i, err)
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}
