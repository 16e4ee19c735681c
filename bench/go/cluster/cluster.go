package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/dskit/flagext"
	"github.com/grafana/dskit/kv/codec"
	"github.com/grafana/dskit/kv/memberlist"
	"github.com/grafana/dskit/ring"
	"github.com/grafana/dskit/services"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	ringKey = "ring"
	// Nodes that start at a time.
	startWidth = 8
	// Long enough for push/pulls to heal what gossip missed.
	settleTime = 180 * time.Second
)

type addresses struct{ list []string }

func (a *addresses) Resolve(_ context.Context, list []string) error { a.list = list; return nil }
func (a *addresses) Addresses() []string                            { return a.list }

type node struct {
	id       string
	index    int
	kv       *memberlist.KV
	client   *memberlist.Client
	registry *prometheus.Registry
	stamp    int64
}

// What watchers look out for: the heartbeat of one instance.
type seen struct {
	node int
	ring *ring.Desc
	at   time.Time
}

type cluster struct {
	nodes     []*node
	seen      chan seen
	unwatch   context.CancelFunc
	stopBeats context.CancelFunc
	beats     sync.WaitGroup
}

func startNode(index int, join string) (*node, error) {
	var cfg memberlist.KVConfig
	flagext.DefaultValues(&cfg)
	cfg.TCPTransport.BindAddrs = []string{"127.0.0.1"}
	cfg.TCPTransport.BindPort = 0
	cfg.NodeName = fmt.Sprintf("node-%03d", index)
	cfg.RandomizeNodeName = false
	cfg.Codecs = []codec.Codec{ring.GetCodec()}
	if join != "" {
		cfg.JoinMembers = []string{join}
	}
	registry := prometheus.NewRegistry()
	kv := memberlist.NewKV(cfg, log.NewNopLogger(), &addresses{}, registry)
	if err := services.StartAndAwaitRunning(context.Background(), kv); err != nil {
		return nil, err
	}
	client, err := memberlist.NewClient(kv, ring.GetCodec())
	if err != nil {
		return nil, err
	}
	return &node{id: cfg.NodeName, index: index, kv: kv, client: client, registry: registry}, nil
}

func (n *node) sum(name string) float64 {
	families, err := n.registry.Gather()
	if err != nil {
		return 0
	}
	total := 0.0
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			total += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
		}
	}
	return total
}

// beat renews the heartbeat of the node's own instance.
func (n *node) beat() error {
	n.stamp = max(n.stamp+1, time.Now().Unix())
	return n.client.CAS(context.Background(), ringKey, func(in interface{}) (interface{}, bool, error) {
		desc := ring.GetOrCreateRingDesc(in)
		instance := desc.Ingesters[n.id]
		instance.Timestamp = n.stamp
		desc.Ingesters[n.id] = instance
		return desc, true, nil
	})
}

func (n *node) instances() int {
	value, err := n.client.Get(context.Background(), ringKey)
	if desc, ok := value.(*ring.Desc); err == nil && ok && desc != nil {
		return len(desc.Ingesters)
	}
	return 0
}

func (c *cluster) sum(name string) float64 {
	total := 0.0
	for _, n := range c.nodes {
		total += n.sum(name)
	}
	return total
}

func (c *cluster) start(r request) (string, error) {
	first, err := startNode(r.First, r.Join)
	if err != nil {
		return "", err
	}
	seed := fmt.Sprintf("127.0.0.1:%d", first.kv.GetListeningPort())
	join := r.Join
	if join == "" {
		join = seed
	}
	c.nodes = make([]*node, r.Count)
	c.nodes[0] = first
	failures := make([]error, r.Count)
	width := make(chan struct{}, startWidth)
	var all sync.WaitGroup
	for i := 1; i < r.Count; i++ {
		width <- struct{}{}
		all.Go(func() {
			c.nodes[i], failures[i] = startNode(r.First+i, join)
			<-width
		})
	}
	all.Wait()
	if err := errors.Join(failures...); err != nil {
		return "", err
	}
	return seed, c.await("members", r.Total, func(n *node) int {
		return int(n.sum("memberlist_client_cluster_members_count"))
	})
}

// await waits until each node counts want of what.
func (c *cluster) await(what string, want int, count func(*node) int) error {
	until := time.Now().Add(settleTime)
	for _, n := range c.nodes {
		for got := count(n); got != want; got = count(n) {
			if time.Now().After(until) {
				return fmt.Errorf("%s has %d %s of %d after %s", n.id, got, what, want, settleTime)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return nil
}

// register puts one instance per node into the ring.
func (c *cluster) register(tokens, total int) error {
	now := time.Now().Unix()
	err := c.nodes[0].client.CAS(context.Background(), ringKey, func(in interface{}) (interface{}, bool, error) {
		desc := ring.GetOrCreateRingDesc(in)
		for _, n := range c.nodes {
			n.stamp = now
			desc.Ingesters[n.id] = ring.InstanceDesc{
				Id: n.id, Addr: fmt.Sprintf("127.0.0.1:%d", n.kv.GetListeningPort()), State: ring.ACTIVE,
				Tokens: tokensOf(n.index, tokens), Timestamp: now, RegisteredTimestamp: now,
			}
		}
		return desc, true, nil
	})
	if err != nil {
		return err
	}
	return c.await("instances", total, (*node).instances)
}

// tokensOf returns tokens that look random and that no other node has: the finaliser of murmur3 maps no two numbers
// to one.
func tokensOf(node, count int) []uint32 {
	tokens := make([]uint32, count)
	for i := range tokens {
		h := uint32(node*count + i + 1)
		h = (h ^ h>>16) * 0x85ebca6b
		h = (h ^ h>>13) * 0xc2b2ae35
		tokens[i] = h ^ h>>16
	}
	slices.Sort(tokens)
	return tokens
}

func (c *cluster) watch(on bool) error {
	if c.unwatch != nil {
		c.unwatch()
		c.unwatch = nil
	}
	if !on {
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.unwatch = cancel
	c.seen = make(chan seen, 1<<16)
	events := c.seen
	for i, n := range c.nodes {
		go n.client.WatchKey(ctx, ringKey, func(value interface{}) bool {
			if desc, ok := value.(*ring.Desc); ok {
				events <- seen{node: i, ring: desc, at: time.Now()}
			}
			return true
		})
	}
	return nil
}

// cas beats once on one node and returns after how many milliseconds each node's watcher saw it. Those that did not
// within the limit are left out.
func (c *cluster) cas(index int, limit time.Duration) ([]float64, error) {
	n := c.nodes[index]
	for len(c.seen) > 0 {
		<-c.seen
	}
	started := time.Now()
	if err := n.beat(); err != nil {
		return nil, err
	}
	visible := make([]float64, 0, len(c.nodes))
	known := make([]bool, len(c.nodes))
	late := time.After(limit)
	for len(visible) < len(c.nodes) {
		select {
		case event := <-c.seen:
			if !known[event.node] && event.ring.Ingesters[n.id].Timestamp >= n.stamp {
				known[event.node] = true
				visible = append(visible, float64(event.at.Sub(started).Nanoseconds())/1e6)
			}
		case <-late:
			return visible, nil
		}
	}
	return visible, nil
}

// heartbeat lets each node beat once per period, one after the other; 0 stops it.
func (c *cluster) heartbeat(every time.Duration) {
	if c.stopBeats != nil {
		c.stopBeats()
		c.beats.Wait()
		c.stopBeats = nil
	}
	if every == 0 {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.stopBeats = cancel
	c.beats.Go(func() {
		ticker := time.NewTicker(every / time.Duration(len(c.nodes)))
		defer ticker.Stop()
		for i := 0; ; i++ {
			select {
			case <-ticker.C:
				// A beat that changes nothing fails; the next one counts.
				_ = c.nodes[i%len(c.nodes)].beat()
			case <-ctx.Done():
				return
			}
		}
	})
}
