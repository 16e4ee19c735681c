package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"
)

// maxQueuedBytes is what one link may hold back, as a router's buffer would.
const maxQueuedBytes = 4 << 20

// impairment is what a directed link does to packets. The zero value is a perfect link.
type impairment struct {
	LatencyMs float64 `json:"latencyMs"`
	// JitterMs: the delay is uniform in latency ± jitter, never below 0. Order is kept.
	JitterMs float64 `json:"jitterMs"`
	// Loss, Duplicate, Reorder: probabilities from 0 to 1.
	Loss      float64 `json:"loss"`
	Duplicate float64 `json:"duplicate"`
	// Reorder: a hit packet is held back by up to ReorderMs more, and later ones overtake it.
	Reorder   float64 `json:"reorder"`
	ReorderMs float64 `json:"reorderMs"`
	// RateBytesPerS: 0 = unlimited.
	RateBytesPerS float64 `json:"rateBytesPerS"`
}

func (i impairment) validate() error {
	for name, p := range map[string]float64{"loss": i.Loss, "duplicate": i.Duplicate, "reorder": i.Reorder} {
		if p < 0 || p > 1 {
			return fmt.Errorf("%s is %v, must be from 0 to 1", name, p)
		}
	}
	for name, v := range map[string]float64{"latencyMs": i.LatencyMs, "jitterMs": i.JitterMs, "reorderMs": i.ReorderMs, "rateBytesPerS": i.RateBytesPerS} {
		if v < 0 {
			return fmt.Errorf("%s is %v, must not be negative", name, v)
		}
	}
	if i.Reorder > 0 && i.ReorderMs == 0 {
		return fmt.Errorf("reorder needs reorderMs, by how much a packet may be held back")
	}
	return nil
}

type linkCounters struct {
	Packets        uint64 `json:"packets"`
	Bytes          uint64 `json:"bytes"`
	Delivered      uint64 `json:"delivered"`
	DeliveredBytes uint64 `json:"deliveredBytes"`
	Lost           uint64 `json:"lost"`
	Duplicated     uint64 `json:"duplicated"`
	Reordered      uint64 `json:"reordered"`
	Blocked        uint64 `json:"blocked"`
	Overflowed     uint64 `json:"overflowed"`
}

// link is one direction between two addresses. It is used under the network's lock.
type link struct {
	impairment  impairment
	blocked     bool
	random      *rand.Rand
	busyUntil   time.Time
	lastDue     time.Time
	queuedBytes int
	counters    linkCounters
}

func newLink(seed uint64, from, to netip.Addr) *link {
	f, t := from.As4(), to.As4()
	var stream uint64
	for _, b := range append(f[:], t[:]...) {
		stream = stream<<8 | uint64(b)
	}
	return &link{random: rand.New(rand.NewPCG(seed, stream))}
}

// plan decides the fate of one packet: the times at which copies arrive, none when it is lost.
// It always draws the same number of random values, so that one setting does not shift another's luck.
func (l *link) plan(now time.Time, size int) []time.Time {
	loss, duplicate, reorder := l.random.Float64(), l.random.Float64(), l.random.Float64()
	jitter, held := 2*l.random.Float64()-1, l.random.Float64()
	l.counters.Packets++
	l.counters.Bytes += uint64(size)
	i := l.impairment
	switch {
	case l.blocked:
		l.counters.Blocked++
		return nil
	case loss < i.Loss:
		l.counters.Lost++
		return nil
	case l.queuedBytes+size > maxQueuedBytes:
		l.counters.Overflowed++
		return nil
	}
	due := now
	if i.RateBytesPerS > 0 {
		if l.busyUntil.Before(now) {
			l.busyUntil = now
		}
		l.busyUntil = l.busyUntil.Add(seconds(float64(size) / i.RateBytesPerS))
		due = l.busyUntil
	}
	due = due.Add(seconds(max(0, i.LatencyMs+jitter*i.JitterMs) / 1000))
	if reorder < i.Reorder {
		l.counters.Reordered++
		due = due.Add(seconds(held * i.ReorderMs / 1000))
	} else {
		if due.Before(l.lastDue) {
			due = l.lastDue
		}
		l.lastDue = due
	}
	if duplicate < i.Duplicate {
		l.counters.Duplicated++
		return []time.Time{due, due}
	}
	return []time.Time{due}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
