package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/grafana/dskit/ring"
)

// keysInSubrings is how many of the keys are looked up in each subring and shard.
const keysInSubrings = 4

type shardRequest struct {
	Tenant string `json:"tenant"`
	Size   int    `json:"size"`
	// LookbackMs: 0 for none.
	LookbackMs int64 `json:"lookbackMs"`
}

func (o *openRing) getLines(asked request) []string {
	keys := o.keys
	if asked.MaxKeys > 0 {
		keys = keys[:min(asked.MaxKeys, len(keys))]
	}
	lines := make([]string, 0, len(keys))
	descs, hosts, zones := ring.MakeBuffersForGet()
	for _, key := range keys {
		var set ring.ReplicationSet
		var err error
		if asked.ReplicationFactor > 0 {
			set, err = o.ring.GetWithOptions(key, asked.Operation.Operation,
				ring.WithBuffers(descs, hosts, zones), ring.WithReplicationFactor(asked.ReplicationFactor))
		} else {
			set, err = o.ring.Get(key, asked.Operation.Operation, descs, hosts, zones)
		}
		lines = append(lines, walkLine(set, err))
	}
	return lines
}

func (o *openRing) wholeLines(asked request) []string {
	lines := []string{}
	for _, op := range asked.Operations {
		healthy, err := o.ring.GetAllHealthy(op.Operation)
		lines = append(lines, "all healthy for "+op.name+": "+setLine(healthy, err))
		whole, err := o.ring.GetReplicationSetForOperation(op.Operation)
		lines = append(lines, "set for "+op.name+": "+setLine(whole, err))
		subring := o.ring.GetSubringForOperationStates(op.Operation)
		lines = append(lines, o.subringLines("subring for "+op.name, subring, asked.Operations)...)
	}
	lines = append(lines, "counts: "+countsLine(o.ring))
	for _, zone := range asked.Zones {
		lines = append(lines, "counts in zone "+zone+": "+strings.Join([]string{
			strconv.Itoa(o.ring.InstancesInZoneCount(zone)),
			strconv.Itoa(o.ring.InstancesWithTokensInZoneCount(zone)),
			strconv.Itoa(o.ring.WritableInstancesWithTokensInZoneCount(zone)),
		}, " "))
	}
	for _, id := range asked.IDs {
		state, err := o.ring.GetInstanceState(id)
		text := state.String()
		if err != nil {
			text = errorLine(err)
		}
		lines = append(lines, "state of "+id+": "+text)
	}
	return lines
}

func (o *openRing) shardLines(asked request) []string {
	lines := []string{}
	now := time.UnixMilli(asked.NowUnixMs)
	for _, wanted := range asked.Shards {
		var shard ring.ReadRing
		if wanted.LookbackMs == 0 {
			shard = o.ring.ShuffleShard(wanted.Tenant, wanted.Size)
		} else {
			lookback := time.Duration(wanted.LookbackMs) * time.Millisecond
			shard = o.ring.ShuffleShardWithLookback(wanted.Tenant, wanted.Size, lookback, now)
		}
		what := wanted.Tenant + " " + strconv.Itoa(wanted.Size) + " " + strconv.FormatInt(wanted.LookbackMs, 10)
		lines = append(lines, o.subringLines(what, shard, asked.Operations)...)
	}
	return lines
}

// subringLines tells who is in a part of the ring, and what look-ups in it find.
func (o *openRing) subringLines(what string, subring ring.ReadRing, operations []operation) []string {
	members := []string{}
	for _, id := range o.ids {
		if subring.HasInstance(id) {
			members = append(members, id)
		}
	}
	lines := []string{what + ": " + strings.Join(members, " "), what + ", counts: " + countsLine(subring)}
	for _, op := range operations {
		set, err := subring.GetReplicationSetForOperation(op.Operation)
		lines = append(lines, what+", set for "+op.name+": "+setLine(set, err))
		for _, key := range o.keys[:min(keysInSubrings, len(o.keys))] {
			found, err := subring.Get(key, op.Operation, nil, nil, nil)
			lines = append(lines, what+", "+op.name+" "+strconv.FormatUint(uint64(key), 10)+": "+walkLine(found, err))
		}
	}
	return lines
}

func (o *openRing) rangeLines(ids []string) []string {
	lines := []string{}
	for _, id := range ids {
		ranges, err := o.ring.GetTokenRangesForInstance(id)
		lines = append(lines, id+":"+rangesText(ranges, err))
	}
	return lines
}
