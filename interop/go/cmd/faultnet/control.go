package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"sort"
)

const maxControlBodyBytes = 1 << 20

type attachRequest struct {
	Namespace string       `json:"namespace"`
	Device    string       `json:"device"`
	Address   netip.Prefix `json:"address"`
}

type detachRequest struct {
	Address netip.Addr `json:"address"`
}

// linkRequest names links by both ends; an empty list stands for all addresses.
type linkRequest struct {
	From       []netip.Addr `json:"from"`
	To         []netip.Addr `json:"to"`
	Impairment impairment   `json:"impairment"`
}

type blockRequest struct {
	From    []netip.Addr `json:"from"`
	To      []netip.Addr `json:"to"`
	Blocked bool         `json:"blocked"`
}

// partitionRequest: no packet passes between different groups; the addresses in no group form one more group.
type partitionRequest struct {
	Groups [][]netip.Addr `json:"groups"`
}

type linkStats struct {
	From       netip.Addr   `json:"from"`
	To         netip.Addr   `json:"to"`
	Blocked    bool         `json:"blocked"`
	Impairment impairment   `json:"impairment"`
	Counters   linkCounters `json:"counters"`
}

type stats struct {
	Links      []linkStats `json:"links"`
	Unroutable uint64      `json:"unroutable"`
}

func routes(n *network) http.Handler {
	mux := http.NewServeMux()
	handle(mux, "POST /attach", func(r attachRequest) error { return n.attach(r.Namespace, r.Device, r.Address) })
	handle(mux, "POST /detach", func(r detachRequest) error { return n.detach(r.Address) })
	handle(mux, "POST /links", func(r linkRequest) error {
		if err := r.Impairment.validate(); err != nil {
			return err
		}
		return n.each(r.From, r.To, func(l *link) { l.impairment = r.Impairment })
	})
	handle(mux, "POST /block", func(r blockRequest) error {
		return n.each(r.From, r.To, func(l *link) { l.blocked = r.Blocked })
	})
	handle(mux, "POST /partition", func(r partitionRequest) error { return n.partition(r.Groups) })
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(n.stats())
	})
	return mux
}

// handle answers a JSON request with {} or with 400 and {"error"}.
func handle[Request any](mux *http.ServeMux, pattern string, f func(Request) error) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		var request Request
		dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxControlBodyBytes))
		dec.DisallowUnknownFields()
		err := dec.Decode(&request)
		if err == nil {
			err = f(request)
		}
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
			return
		}
		_, _ = w.Write([]byte("{}\n"))
	})
}

func (n *network) partition(groups [][]netip.Addr) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	groupOf := map[netip.Addr]int{}
	for i, group := range groups {
		for _, addr := range group {
			if _, ok := n.devices[addr]; !ok {
				return fmt.Errorf("%v is not attached", addr)
			}
			if _, twice := groupOf[addr]; twice {
				return fmt.Errorf("%v is in two groups", addr)
			}
			groupOf[addr] = i + 1
		}
	}
	for key, l := range n.links {
		l.blocked = groupOf[key.from] != groupOf[key.to]
	}
	return nil
}

func (n *network) stats() stats {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := stats{Links: []linkStats{}, Unroutable: n.unroutable}
	for key, l := range n.links {
		all.Links = append(all.Links, linkStats{From: key.from, To: key.to, Blocked: l.blocked, Impairment: l.impairment, Counters: l.counters})
	}
	sort.Slice(all.Links, func(i, j int) bool {
		a, b := all.Links[i], all.Links[j]
		if a.From == b.From {
			return a.To.Less(b.To)
		}
		return a.From.Less(b.From)
	})
	return all
}
