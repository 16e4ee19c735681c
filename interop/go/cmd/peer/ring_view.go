package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"sort"

	"github.com/grafana/dskit/ring"
)

// instanceView is one ring entry. Field order is part of the canonical form.
type instanceView struct {
	ID                       string   `json:"id"`
	Addr                     string   `json:"addr"`
	Timestamp                int64    `json:"timestamp"`
	State                    string   `json:"state"`
	Tokens                   []uint32 `json:"tokens"`
	Zone                     string   `json:"zone"`
	RegisteredTimestamp      int64    `json:"registeredTimestamp"`
	ReadOnlyUpdatedTimestamp int64    `json:"readOnlyUpdatedTimestamp"`
	ReadOnly                 bool     `json:"readOnly"`
}

type ringView struct {
	Instances []instanceView `json:"instances"`
}

func newRingView(desc *ring.Desc) ringView {
	view := ringView{Instances: []instanceView{}}
	for id, i := range desc.GetIngesters() {
		tokens := slices.Sorted(slices.Values(i.Tokens))
		if tokens == nil {
			tokens = []uint32{}
		}
		view.Instances = append(view.Instances, instanceView{
			ID: id, Addr: i.Addr, Timestamp: i.Timestamp, State: i.State.String(), Tokens: tokens, Zone: i.Zone,
			RegisteredTimestamp: i.RegisteredTimestamp, ReadOnlyUpdatedTimestamp: i.ReadOnlyUpdatedTimestamp, ReadOnly: i.ReadOnly,
		})
	}
	sort.Slice(view.Instances, func(i, j int) bool { return view.Instances[i].ID < view.Instances[j].ID })
	return view
}

// canonical is JSON without spaces, instances in byte order of their ids, tokens ascending, characters unescaped:
// the text that JSON.stringify gives for the same data.
func (v ringView) canonical() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func (v ringView) digest() (map[string]string, error) {
	text, err := v.canonical()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	return map[string]string{"sha256": hex.EncodeToString(sum[:]), "json": string(text)}, nil
}

// watchRing records every ring entry that changed.
func (n *node) watchRing(ctx context.Context) {
	last := map[string]instanceView{}
	n.ringKV.WatchKey(ctx, n.opts.ring.prefix+n.opts.ring.key, func(v any) bool {
		desc, ok := v.(*ring.Desc)
		if !ok || desc == nil {
			return true
		}
		now := map[string]instanceView{}
		for _, i := range newRingView(desc).Instances {
			now[i.ID] = i
			before, known := last[i.ID]
			if !known || before.Timestamp != i.Timestamp || before.State != i.State || !slices.Equal(before.Tokens, i.Tokens) {
				n.events.add(event{Type: "instance", Member: i.ID, From: before.State, To: i.State, Timestamp: i.Timestamp, Tokens: len(i.Tokens)})
			}
		}
		for id, i := range last {
			if _, ok := now[id]; !ok {
				n.events.add(event{Type: "instance", Member: id, From: i.State, To: "gone"})
			}
		}
		last = now
		return true
	})
}
