package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"syscall"
	"time"

	kvmemberlist "github.com/grafana/dskit/kv/memberlist"
	"github.com/grafana/dskit/ring"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const maxControlBodyBytes = 64 << 20

// errBadRequest marks a mistake of the caller: it is answered 400, everything else 500.
var errBadRequest = errors.New("bad request")

func (n *node) routes() http.Handler {
	mux := http.NewServeMux()
	answer := func(pattern string, f func(*http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxControlBodyBytes)
			result, err := f(r)
			status := http.StatusOK
			if err != nil {
				status, result = http.StatusInternalServerError, map[string]string{"error": err.Error()}
				if errors.Is(err, errBadRequest) {
					status = http.StatusBadRequest
				}
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			enc := json.NewEncoder(w)
			enc.SetEscapeHTML(false)
			_ = enc.Encode(result)
		})
	}
	answer("GET /status", func(*http.Request) (any, error) { return n.statusView(), nil })
	answer("GET /members", func(*http.Request) (any, error) { return n.members.view(), nil })
	answer("GET /events", n.handleEvents)
	answer("GET /ring", func(r *http.Request) (any, error) { return n.readRing(r) })
	answer("GET /ringbytes", n.handleRingBytes)
	answer("GET /text", n.handleReadText)
	answer("POST /cas", n.handleCAS)
	answer("POST /delete", n.handleDelete)
	answer("POST /get", n.handleLookup)
	answer("POST /shuffle-shard", n.handleShuffleShard)
	answer("GET /replication-set", n.handleReplicationSet)
	answer("POST /state", n.handleState)
	answer("POST /read-only", n.handleReadOnly)
	answer("POST /join", n.handleJoin)
	answer("POST /leave", func(*http.Request) (any, error) { return map[string]bool{"left": true}, n.leave() })
	answer("POST /die", func(*http.Request) (any, error) { return nil, syscall.Kill(syscall.Getpid(), syscall.SIGKILL) })
	mux.HandleFunc("GET /ready", n.handleReady)
	mux.Handle("GET /metrics", promhttp.HandlerFor(n.reg, promhttp.HandlerOpts{}))
	mux.Handle("/memberlist", n.status)
	mux.Handle("/ring-page", n.ring)
	return mux
}

func badRequest(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errBadRequest, fmt.Sprintf(format, args...))
}

func decodeBody(r *http.Request, into any) error {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return badRequest("the body is not what this address takes: %v", err)
	}
	return nil
}

func (n *node) statusView() map[string]any {
	state := "none"
	switch {
	case n.classic != nil:
		state = n.classic.GetState().String()
	case n.basic != nil:
		state = n.basic.GetState().String()
	}
	return map[string]any{
		"name":              n.members.list.LocalNode().Name,
		"gossipAddress":     n.gossipAddress(),
		"healthScore":       n.members.list.GetHealthScore(),
		"numMembers":        n.members.list.NumMembers(),
		"instanceId":        n.opts.ring.instanceID,
		"instanceState":     state,
		"ringInstanceCount": n.ring.InstancesCount(),
	}
}

func (n *node) handleEvents(r *http.Request) (any, error) {
	since := uint64(0)
	if s := r.URL.Query().Get("since"); s != "" {
		var err error
		if since, err = strconv.ParseUint(s, 10, 64); err != nil {
			return nil, badRequest("since=%q is not a sequence number", s)
		}
	}
	return n.events.since(since), nil
}

func (n *node) ringKey(r *http.Request) string {
	if key := r.URL.Query().Get("key"); key != "" {
		return key
	}
	return n.opts.ring.prefix + n.opts.ring.key
}

func (n *node) readRing(r *http.Request) (ringView, error) {
	value, err := n.ringKV.Get(r.Context(), n.ringKey(r))
	if err != nil {
		return ringView{}, err
	}
	desc, ok := value.(*ring.Desc)
	if value != nil && !ok {
		return ringView{}, badRequest("key %q holds a %T, not a ring", n.ringKey(r), value)
	}
	return newRingView(desc), nil
}

func (n *node) handleRingBytes(r *http.Request) (any, error) {
	view, err := n.readRing(r)
	if err != nil {
		return nil, err
	}
	return view.digest()
}

// instancePatch changes the fields it names; a missing entry is made from them.
type instancePatch struct {
	ID                       string    `json:"id"`
	Addr                     *string   `json:"addr"`
	Timestamp                *int64    `json:"timestamp"` // default: now
	State                    *string   `json:"state"`
	Tokens                   *[]uint32 `json:"tokens"`
	Zone                     *string   `json:"zone"`
	RegisteredTimestamp      *int64    `json:"registeredTimestamp"`
	ReadOnlyUpdatedTimestamp *int64    `json:"readOnlyUpdatedTimestamp"`
	ReadOnly                 *bool     `json:"readOnly"`
}

func (p instancePatch) apply(desc *ring.Desc) error {
	i := desc.Ingesters[p.ID]
	i.Id = p.ID
	i.Timestamp = time.Now().Unix()
	if p.State != nil {
		state, ok := ring.InstanceState_value[*p.State]
		if !ok {
			return badRequest("instance %q: unknown state %q", p.ID, *p.State)
		}
		i.State = ring.InstanceState(state)
	}
	if p.Tokens != nil {
		i.Tokens = slices.Sorted(slices.Values(*p.Tokens))
	}
	set(&i.Addr, p.Addr)
	set(&i.Timestamp, p.Timestamp)
	set(&i.Zone, p.Zone)
	set(&i.RegisteredTimestamp, p.RegisteredTimestamp)
	set(&i.ReadOnlyUpdatedTimestamp, p.ReadOnlyUpdatedTimestamp)
	set(&i.ReadOnly, p.ReadOnly)
	desc.Ingesters[p.ID] = i
	return nil
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

type casRequest struct {
	Key    string          `json:"key"`   // with prefix; default: the ring's
	Codec  string          `json:"codec"` // of a text value
	Text   *text           `json:"text"`
	Set    []instancePatch `json:"set"`
	Remove []string        `json:"remove"`
}

func (n *node) handleCAS(r *http.Request) (any, error) {
	var req casRequest
	if err := decodeBody(r, &req); err != nil {
		return nil, err
	}
	if req.Text != nil {
		client, err := kvmemberlist.NewClient(n.store, textCodec{id: req.Codec})
		if err != nil {
			return nil, badRequest("codec %q is not registered here, start the peer with -text-codecs: %v", req.Codec, err)
		}
		return map[string]bool{"ok": true}, client.CAS(r.Context(), req.Key, func(any) (any, bool, error) { return req.Text.Clone(), true, nil })
	}
	key := req.Key
	if key == "" {
		key = n.opts.ring.prefix + n.opts.ring.key
	}
	return map[string]bool{"ok": true}, n.ringKV.CAS(r.Context(), key, func(in any) (any, bool, error) {
		desc := ring.GetOrCreateRingDesc(in)
		for _, p := range req.Set {
			if err := p.apply(desc); err != nil {
				return nil, false, err
			}
		}
		for _, id := range req.Remove {
			desc.RemoveIngester(id)
		}
		return desc, true, nil
	})
}

func (n *node) handleReadText(r *http.Request) (any, error) {
	key := r.URL.Query().Get("key")
	client, err := kvmemberlist.NewClient(n.store, textCodec{id: r.URL.Query().Get("codec")})
	if err != nil {
		return nil, badRequest("%v", err)
	}
	value, err := client.Get(r.Context(), key)
	if err != nil {
		return nil, err
	}
	t, ok := value.(*text)
	if value != nil && !ok {
		return nil, badRequest("key %q holds a %T, not a text", key, value)
	}
	return map[string]any{"found": t != nil, "value": t}, nil
}

func (n *node) handleDelete(r *http.Request) (any, error) {
	key := r.URL.Query().Get("key")
	if key == "" {
		return nil, badRequest("name the key: ?key=…")
	}
	return map[string]bool{"ok": true}, n.ringKV.Delete(r.Context(), key)
}

var operations = map[string]ring.Operation{
	"Write": ring.Write, "WriteNoExtend": ring.WriteNoExtend, "Read": ring.Read, "Reporting": ring.Reporting,
}

func operation(name string) (ring.Operation, error) {
	op, ok := operations[name]
	if !ok {
		return 0, badRequest("unknown operation %q: use Write, WriteNoExtend, Read or Reporting", name)
	}
	return op, nil
}

type replicaSet struct {
	Instances            []string `json:"instances"`
	MaxErrors            int      `json:"maxErrors"`
	MaxUnavailableZones  int      `json:"maxUnavailableZones"`
	ZoneAwarenessEnabled bool     `json:"zoneAwarenessEnabled"`
	Error                string   `json:"error,omitempty"`
}

func newReplicaSet(set ring.ReplicationSet, err error) replicaSet {
	view := replicaSet{Instances: []string{}, MaxErrors: set.MaxErrors, MaxUnavailableZones: set.MaxUnavailableZones, ZoneAwarenessEnabled: set.ZoneAwarenessEnabled}
	for _, i := range set.Instances {
		view.Instances = append(view.Instances, i.Id)
	}
	if err != nil {
		view.Error = err.Error()
	}
	return view
}

type lookupRequest struct {
	Keys []uint32 `json:"keys"`
	Op   string   `json:"op"`
	// With an identifier the keys are looked up in that tenant's shuffle shard.
	Identifier string `json:"identifier"`
	ShardSize  int    `json:"shardSize"`
}

func (n *node) shard(identifier string, size int) ring.ReadRing {
	if identifier == "" {
		return n.ring
	}
	return n.ring.ShuffleShard(identifier, size)
}

func (n *node) handleLookup(r *http.Request) (any, error) {
	var req lookupRequest
	if err := decodeBody(r, &req); err != nil {
		return nil, err
	}
	op, err := operation(req.Op)
	if err != nil {
		return nil, err
	}
	shard := n.shard(req.Identifier, req.ShardSize)
	sets := make([]replicaSet, 0, len(req.Keys))
	for _, key := range req.Keys {
		sets = append(sets, newReplicaSet(shard.Get(key, op, nil, nil, nil)))
	}
	return sets, nil
}

func (n *node) handleShuffleShard(r *http.Request) (any, error) {
	var req struct {
		Identifiers []string `json:"identifiers"`
		ShardSize   int      `json:"shardSize"`
	}
	if err := decodeBody(r, &req); err != nil {
		return nil, err
	}
	shards := make([]replicaSet, 0, len(req.Identifiers))
	for _, id := range req.Identifiers {
		set := newReplicaSet(n.ring.ShuffleShard(id, req.ShardSize).GetAllHealthy(ring.Reporting))
		slices.Sort(set.Instances)
		shards = append(shards, set)
	}
	return shards, nil
}

func (n *node) handleReplicationSet(r *http.Request) (any, error) {
	op, err := operation(r.URL.Query().Get("op"))
	if err != nil {
		return nil, err
	}
	set := newReplicaSet(n.ring.GetReplicationSetForOperation(op))
	slices.Sort(set.Instances)
	return set, nil
}

func (n *node) handleState(r *http.Request) (any, error) {
	name := r.URL.Query().Get("state")
	state, ok := ring.InstanceState_value[name]
	if !ok {
		return nil, badRequest("unknown state %q", name)
	}
	done := map[string]bool{"ok": true}
	switch {
	case n.classic != nil:
		return done, n.classic.ChangeState(r.Context(), ring.InstanceState(state))
	case n.basic != nil:
		return done, n.basic.ChangeState(r.Context(), ring.InstanceState(state))
	default:
		return nil, badRequest("this peer runs no lifecycler")
	}
}

func (n *node) handleReadOnly(r *http.Request) (any, error) {
	value, err := strconv.ParseBool(r.URL.Query().Get("value"))
	if err != nil {
		return nil, badRequest("value must be true or false")
	}
	done := map[string]bool{"ok": true}
	switch {
	case n.classic != nil:
		return done, n.classic.ChangeReadOnlyState(r.Context(), value)
	case n.basic != nil:
		return done, n.basic.ChangeReadOnlyState(r.Context(), value)
	default:
		return nil, badRequest("this peer runs no lifecycler")
	}
}

func (n *node) handleJoin(r *http.Request) (any, error) {
	reached, err := n.store.JoinMembers(r.URL.Query()["address"])
	return map[string]int{"reached": reached}, err
}

func (n *node) handleReady(w http.ResponseWriter, r *http.Request) {
	if n.classic != nil {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		if err := n.classic.CheckReady(ctx); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
	}
	_, _ = fmt.Fprintln(w, "ready")
}
