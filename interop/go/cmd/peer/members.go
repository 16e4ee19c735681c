package main

import (
	"context"
	"fmt"
	"reflect"
	"sort"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/hashicorp/memberlist"
)

const memberPollInterval = 20 * time.Millisecond

// memberView is what one member thinks of another, dead and left ones included.
type memberView struct {
	Name              string  `json:"name"`
	Addr              string  `json:"addr"`
	Port              uint16  `json:"port"`
	Meta              []byte  `json:"meta"`
	State             string  `json:"state"`
	Incarnation       uint32  `json:"incarnation"`
	StateChangeUnixMs float64 `json:"stateChangeUnixMs"`
	// Confirmations, ConfirmationsWanted: of the running suspicion, absent without one.
	Confirmations       *int32 `json:"confirmations,omitempty"`
	ConfirmationsWanted *int32 `json:"confirmationsWanted,omitempty"`
}

// memberTable reads the engine's own table of members. Its public Members() hides the dead and does not
// tell suspects from the living, and dskit holds the only event delegate, so the fields are read directly,
// under the engine's own lock.
type memberTable struct {
	list   *memberlist.Memberlist
	lock   *sync.RWMutex
	nodes  reflect.Value
	timers reflect.Value
}

func newMemberTable(list *memberlist.Memberlist) (*memberTable, error) {
	engine := reflect.ValueOf(list).Elem()
	lock, nodes, timers := engine.FieldByName("nodeLock"), engine.FieldByName("nodeMap"), engine.FieldByName("nodeTimers")
	if !lock.IsValid() || lock.Type() != reflect.TypeFor[sync.RWMutex]() || !nodes.IsValid() || nodes.Kind() != reflect.Map || !timers.IsValid() || timers.Kind() != reflect.Map {
		return nil, fmt.Errorf("this version of memberlist keeps its members differently: adapt memberTable")
	}
	return &memberTable{list: list, lock: (*sync.RWMutex)(unsafe.Pointer(lock.UnsafeAddr())), nodes: nodes, timers: timers}, nil
}

// view returns all known members sorted by name.
func (t *memberTable) view() []memberView {
	t.lock.RLock()
	defer t.lock.RUnlock()
	views := make([]memberView, 0, t.nodes.Len())
	for it := t.nodes.MapRange(); it.Next(); {
		state := it.Value().Elem()
		info := (*memberlist.Node)(unsafe.Pointer(state.FieldByName("Node").UnsafeAddr()))
		changed := (*time.Time)(unsafe.Pointer(state.FieldByName("StateChange").UnsafeAddr()))
		v := memberView{
			Name:              info.Name,
			Addr:              info.Addr.String(),
			Port:              info.Port,
			Meta:              info.Meta,
			State:             stateName(memberlist.NodeStateType(state.FieldByName("State").Int())),
			Incarnation:       uint32(state.FieldByName("Incarnation").Uint()),
			StateChangeUnixMs: unixMs(*changed),
		}
		if timer := t.timers.MapIndex(it.Key()); timer.IsValid() {
			confirmed := atomic.LoadInt32((*int32)(unsafe.Pointer(timer.Elem().FieldByName("n").UnsafeAddr())))
			wanted := int32(timer.Elem().FieldByName("k").Int())
			v.Confirmations, v.ConfirmationsWanted = &confirmed, &wanted
		}
		views = append(views, v)
	}
	sort.Slice(views, func(i, j int) bool { return views[i].Name < views[j].Name })
	return views
}

func stateName(s memberlist.NodeStateType) string {
	switch s {
	case memberlist.StateAlive:
		return "alive"
	case memberlist.StateSuspect:
		return "suspect"
	case memberlist.StateDead:
		return "dead"
	case memberlist.StateLeft:
		return "left"
	default:
		return fmt.Sprintf("state %d", s)
	}
}

func unixMs(t time.Time) float64 { return float64(t.UnixMicro()) / 1000 }

// watchMembers turns differences between two looks into events, stamped with the engine's own time of the change.
func (n *node) watchMembers(ctx context.Context) {
	ticker := time.NewTicker(memberPollInterval)
	defer ticker.Stop()
	last := map[string]memberView{}
	for {
		now := map[string]memberView{}
		for _, v := range n.members.view() {
			now[v.Name] = v
			n.recordMemberChange(last[v.Name], v)
		}
		for name, v := range last {
			if _, ok := now[name]; !ok {
				n.events.add(event{Type: "member", Member: name, From: v.State, To: "forgotten"})
			}
		}
		last = now
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (n *node) recordMemberChange(before, after memberView) {
	confirmed := after.Confirmations != nil && (before.Confirmations == nil || *before.Confirmations != *after.Confirmations)
	switch {
	case before.State != after.State || before.StateChangeUnixMs != after.StateChangeUnixMs:
		n.events.add(event{Type: "member", UnixMs: after.StateChangeUnixMs, Member: after.Name, From: before.State,
			To: after.State, Incarnation: after.Incarnation, Confirmations: after.Confirmations, ConfirmationsWanted: after.ConfirmationsWanted})
	case confirmed:
		n.events.add(event{Type: "confirmation", Member: after.Name, Incarnation: after.Incarnation,
			Confirmations: after.Confirmations, ConfirmationsWanted: after.ConfirmationsWanted})
	case before.Incarnation != after.Incarnation:
		n.events.add(event{Type: "incarnation", Member: after.Name, Incarnation: after.Incarnation})
	}
}
