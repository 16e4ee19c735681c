package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/dskit/ring"
	"github.com/grafana/dskit/services"
	"github.com/prometheus/client_golang/prometheus"
)

type ringConfig struct {
	ReplicationFactor    int      `json:"replicationFactor"`
	HeartbeatTimeoutMs   int64    `json:"heartbeatTimeoutMs"`
	ZoneAwarenessEnabled bool     `json:"zoneAwarenessEnabled"`
	ExcludedZones        []string `json:"excludedZones"`
	// IgnoreUnhealthy: one healthy instance is enough.
	IgnoreUnhealthy bool `json:"ignoreUnhealthy"`
}

// openRing is a running ring with the keys that it is asked for.
type openRing struct {
	ring  *ring.Ring
	store *memoryStore
	keys  []uint32
	// ids of the latest value, in byte order.
	ids []string
}

func reopen(before *openRing, asked request) (*openRing, error) {
	if before != nil {
		if err := services.StopAndAwaitTerminated(context.Background(), before.ring); err != nil {
			return nil, err
		}
	}
	desc, err := decode(asked.Desc)
	if err != nil {
		return nil, err
	}
	ids := idsOf(desc)
	strategy := ring.NewDefaultReplicationStrategy()
	if asked.Config.IgnoreUnhealthy {
		strategy = ring.NewIgnoreUnhealthyInstancesReplicationStrategy()
	}
	config := ring.Config{
		ReplicationFactor:    asked.Config.ReplicationFactor,
		HeartbeatTimeout:     time.Duration(asked.Config.HeartbeatTimeoutMs) * time.Millisecond,
		ZoneAwarenessEnabled: asked.Config.ZoneAwarenessEnabled,
		ExcludedZones:        asked.Config.ExcludedZones,
	}
	store := newMemoryStore(desc)
	r, err := ring.NewWithStoreClientAndStrategy(config, "diff", "ring", store, strategy, prometheus.NewRegistry(), log.NewNopLogger())
	if err != nil {
		return nil, err
	}
	if err := services.StartAndAwaitRunning(context.Background(), r); err != nil {
		return nil, err
	}
	return &openRing{ring: r, store: store, keys: asked.Keys, ids: ids}, nil
}

// update returns when the ring has taken the value over.
func (o *openRing) update(encoded []byte) error {
	desc, err := decode(encoded)
	if err != nil {
		return err
	}
	o.ids = idsOf(desc)
	o.store.push(desc)
	return nil
}

func decode(encoded []byte) (*ring.Desc, error) {
	value, err := ring.GetCodec().Decode(encoded)
	if err != nil {
		return nil, fmt.Errorf("decode ring: %w", err)
	}
	desc := value.(*ring.Desc)
	if desc.Ingesters == nil {
		// The codec leaves an empty ring without a map, and Merge would panic.
		desc.Ingesters = map[string]ring.InstanceDesc{}
	}
	return desc, nil
}

func idsOf(desc *ring.Desc) []string {
	ids := make([]string, 0, len(desc.Ingesters))
	for id := range desc.Ingesters {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// operation is one of the reference's by name, or "mask:<number>".
type operation struct {
	name string
	ring.Operation
}

func (o *operation) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &o.name); err != nil {
		return err
	}
	named := map[string]ring.Operation{
		"Write": ring.Write, "WriteNoExtend": ring.WriteNoExtend, "Read": ring.Read, "Reporting": ring.Reporting,
	}
	if op, ok := named[o.name]; ok {
		o.Operation = op
		return nil
	}
	mask, found := strings.CutPrefix(o.name, "mask:")
	number, err := strconv.ParseUint(mask, 10, 32)
	if !found || err != nil {
		return fmt.Errorf("unknown operation %q", o.name)
	}
	o.Operation = ring.Operation(number)
	return nil
}
