// Nodes of dskit's memberlist KV in one process, told what to do by a line of JSON each way: the peer of the cluster
// of ours that is measured beside it.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"time"
)

type request struct {
	Do        string `json:"do"`
	First     int    `json:"first"`
	Count     int    `json:"count"`
	Total     int    `json:"total"`
	Tokens    int    `json:"tokens"`
	Join      string `json:"join"`
	On        bool   `json:"on"`
	Node      int    `json:"node"`
	EveryMs   int    `json:"everyMs"`
	TimeoutMs int    `json:"timeoutMs"`
}

type answer struct {
	Error     string    `json:"error,omitempty"`
	Seed      string    `json:"seed,omitempty"`
	VisibleMs []float64 `json:"visibleMs,omitempty"`
	CPUMs     float64   `json:"cpuMs,omitempty"`
	Beats     float64   `json:"beats,omitempty"`
	Packets   float64   `json:"packets,omitempty"`
	Dropped   float64   `json:"dropped,omitempty"`
}

func handle(c *cluster, r request) (answer, error) {
	switch r.Do {
	case "start":
		seed, err := c.start(r)
		return answer{Seed: seed}, err
	case "register":
		return answer{}, c.register(r.Tokens, r.Total)
	case "watch":
		return answer{}, c.watch(r.On)
	case "cas":
		visible, err := c.cas(r.Node, time.Duration(r.TimeoutMs)*time.Millisecond)
		return answer{VisibleMs: visible}, err
	case "heartbeat":
		c.heartbeat(time.Duration(r.EveryMs) * time.Millisecond)
		return answer{}, nil
	case "usage":
		return usage(c)
	default:
		return answer{}, fmt.Errorf("unknown request %q", r.Do)
	}
}

func usage(c *cluster) (answer, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return answer{}, err
	}
	return answer{
		CPUMs:   float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6,
		Beats:   c.sum("memberlist_client_cas_success_total"),
		Packets: c.sum("memberlist_tcp_transport_packets_sent_total"),
		Dropped: c.sum("memberlist_tcp_transport_packets_dropped_total"),
	}, nil
}

func main() {
	var nodes cluster
	lines := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var r request
		var a answer
		err := json.Unmarshal(lines.Bytes(), &r)
		if err == nil {
			a, err = handle(&nodes, r)
		}
		if err != nil {
			a.Error = err.Error()
		}
		if err := out.Encode(a); err != nil {
			return
		}
	}
}
