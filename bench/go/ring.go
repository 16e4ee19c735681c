package main

import (
	"context"
	"fmt"
	"math/rand"
	"slices"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/grafana/dskit/flagext"
	"github.com/grafana/dskit/kv/codec"
	"github.com/grafana/dskit/kv/memberlist"
	"github.com/grafana/dskit/ring"
	"github.com/grafana/dskit/services"
)

// A store that holds one value and hands later ones straight to the ring that watches it.
type pushedStore struct {
	value    *ring.Desc
	mu       sync.Mutex
	deliver  func(any) bool
	watching chan struct{}
}

func (s *pushedStore) List(context.Context, string) ([]string, error) { return nil, nil }
func (s *pushedStore) Get(context.Context, string) (any, error)       { return s.value, nil }
func (s *pushedStore) Delete(context.Context, string) error           { return nil }
func (s *pushedStore) CAS(context.Context, string, func(any) (any, bool, error)) error {
	return nil
}
func (s *pushedStore) WatchKey(ctx context.Context, _ string, deliver func(any) bool) {
	s.mu.Lock()
	s.deliver = deliver
	s.mu.Unlock()
	close(s.watching)
	<-ctx.Done()
}
func (s *pushedStore) WatchPrefix(ctx context.Context, _ string, _ func(string, any) bool) {
	<-ctx.Done()
}

func randomTokens(instances, tokens int) [][]uint32 {
	random := rand.New(rand.NewSource(42))
	taken := make(map[uint32]struct{}, instances*tokens)
	out := make([][]uint32, instances)
	for i := range out {
		own := make([]uint32, 0, tokens)
		for len(own) < tokens {
			token := random.Uint32()
			if _, held := taken[token]; !held {
				taken[token] = struct{}{}
				own = append(own, token)
			}
		}
		slices.Sort(own)
		out[i] = own
	}
	return out
}

func instanceID(i, zones int) (string, string) {
	zone := ""
	if zones > 0 {
		zone = fmt.Sprintf("zone-%c", 'a'+i%zones)
	}
	return fmt.Sprintf("ingester-%s-%04d", zone, i), zone
}

func newDesc(req request) *ring.Desc {
	desc := ring.NewDesc()
	registered := time.Now().Add(-24 * time.Hour)
	zones := req.int("zones")
	for i, tokens := range randomTokens(req.int("instances"), req.int("tokens")) {
		id, zone := instanceID(i, zones)
		desc.AddIngester(id, fmt.Sprintf("10.%d.%d.%d:9095", i>>16&255, i>>8&255, i&255), zone, tokens, ring.ACTIVE, registered, false, time.Time{})
	}
	return desc
}

func startRing(desc *ring.Desc, zoneAware, cacheOff bool) (*ring.Ring, *pushedStore) {
	store := &pushedStore{value: desc, watching: make(chan struct{})}
	config := ring.Config{HeartbeatTimeout: 10 * time.Hour, ReplicationFactor: 3, ZoneAwarenessEnabled: zoneAware, SubringCacheDisabled: cacheOff}
	r, err := ring.NewWithStoreClientAndStrategy(config, "bench", "ring", store, ring.NewDefaultReplicationStrategy(), prometheus.NewRegistry(), log.NewNopLogger())
	if err != nil {
		panic(err)
	}
	if err := services.StartAndAwaitRunning(context.Background(), r); err != nil {
		panic(err)
	}
	<-store.watching
	return r, store
}

type keys uint32

func (k *keys) next() uint32 {
	*k = *k*1664525 + 1013904223
	return uint32(*k) ^ uint32(*k>>13)
}

// Keys of so many batches are made before, so that making them does not count.
const keySets = 4

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func tenants(count int) []string {
	out := make([]string, count)
	for i := range out {
		out[i] = fmt.Sprintf("tenant-%d", i)
	}
	return out
}

// copyDesc is a private copy, for benchmarks that merge into it or hand it over.
func copyDesc(desc *ring.Desc) *ring.Desc {
	return desc.Clone().(*ring.Desc)
}

// stamped returns a ring of one instance of desc with a heartbeat `ahead` seconds later.
func stamped(desc *ring.Desc, i, zones int, ahead int64, change func(*ring.InstanceDesc)) *ring.Desc {
	id, _ := instanceID(i, zones)
	instance := desc.Ingesters[id]
	instance.Timestamp += ahead
	if change != nil {
		change(&instance)
	}
	return &ring.Desc{Ingesters: map[string]ring.InstanceDesc{id: instance}}
}

func newKV() (*memberlist.KV, *memberlist.Client) {
	var config memberlist.KVConfig
	flagext.DefaultValues(&config)
	config.TCPTransport.BindAddrs = []string{"127.0.0.1"}
	config.TCPTransport.BindPort = 0
	config.Codecs = []codec.Codec{ring.GetCodec()}
	store := memberlist.NewKV(config, log.NewNopLogger(), noDNS{}, prometheus.NewRegistry())
	if err := services.StartAndAwaitRunning(context.Background(), store); err != nil {
		panic(err)
	}
	return store, must(memberlist.NewClient(store, ring.GetCodec()))
}

type noDNS struct{}

func (noDNS) Resolve(context.Context, []string) error { return nil }
func (noDNS) Addresses() []string                     { return nil }

func init() {
	benchmarks["ring.get"] = func(req request) func(int) {
		r, _ := startRing(newDesc(req), req.int("zones") > 0, true)
		descs, hosts, zones := ring.MakeBuffersForGet()
		key := keys(12345)
		return func(n int) {
			for range n {
				set := must(r.Get(key.next(), ring.Write, descs, hosts, zones))
				sink += len(set.Instances)
			}
		}
	}
	benchmarks["ring.getBatch"] = func(req request) func(int) {
		r, _ := startRing(newDesc(req), req.int("zones") > 0, true)
		descs, hosts, zones := ring.MakeBuffersForGet()
		key := keys(777)
		sets, turn := make([][]uint32, keySets), 0
		for i := range sets {
			for range req.int("keys") {
				sets[i] = append(sets[i], key.next())
			}
		}
		return func(n int) {
			for range n {
				turn = (turn + 1) % keySets
				for _, key := range sets[turn] {
					set := must(r.Get(key, ring.Write, descs, hosts, zones))
					sink += len(set.Instances)
				}
			}
		}
	}
	benchmarks["ring.replicationSetFor"] = func(req request) func(int) {
		r, _ := startRing(newDesc(req), req.int("zones") > 0, true)
		return func(n int) {
			for range n {
				sink += len(must(r.GetReplicationSetForOperation(ring.Read)).Instances)
			}
		}
	}
	benchmarks["ring.shuffleShard.uncached"] = func(req request) func(int) {
		r, _ := startRing(newDesc(req), req.int("zones") > 0, true)
		names, size, i := tenants(1000), req.int("size"), 0
		return func(n int) {
			for range n {
				sink += r.ShuffleShard(names[i%len(names)], size).InstancesCount()
				i++
			}
		}
	}
	cached := func(req request, use func(ring.ReadRing)) func(int) {
		r, _ := startRing(newDesc(req), req.int("zones") > 0, false)
		names, size, i := tenants(100), req.int("size"), 0
		for _, name := range names {
			r.ShuffleShard(name, size)
		}
		return func(n int) {
			for range n {
				use(r.ShuffleShard(names[i%len(names)], size))
				i++
			}
		}
	}
	benchmarks["ring.shuffleShard.cached"] = func(req request) func(int) {
		return cached(req, func(shard ring.ReadRing) { sink += shard.InstancesCount() })
	}
	benchmarks["ring.shuffleShard.cachedGet"] = func(req request) func(int) {
		descs, hosts, zones := ring.MakeBuffersForGet()
		key := keys(99)
		return cached(req, func(shard ring.ReadRing) {
			sink += len(must(shard.Get(key.next(), ring.Write, descs, hosts, zones)).Instances)
		})
	}
	// A new value arrives at the watcher until look-ups are answered from it.
	visible := func(req request, change func(*ring.InstanceDesc, int)) func(int) {
		zones := req.int("zones")
		desc := newDesc(req)
		_, store := startRing(desc, zones > 0, true)
		ticks := int64(0)
		return func(n int) {
			var took time.Duration
			for range n {
				ticks++
				// The copy stands for the one that the store hands to a watcher; only the ring's own work counts.
				next := copyDesc(store.value)
				id, _ := instanceID(int(ticks)%req.int("instances"), zones)
				instance := next.Ingesters[id]
				instance.Timestamp += ticks
				change(&instance, int(ticks))
				next.Ingesters[id] = instance
				store.value = next
				started := cpuNow()
				store.deliver(next)
				took += cpuNow() - started
			}
			counted = took
		}
	}
	benchmarks["ring.heartbeatVisible"] = func(req request) func(int) {
		return visible(req, func(*ring.InstanceDesc, int) {})
	}
	benchmarks["ring.tokenVisible"] = func(req request) func(int) {
		return visible(req, func(instance *ring.InstanceDesc, tick int) {
			tokens := slices.Clone(instance.Tokens)
			tokens[tick%len(tokens)] ^= 1
			slices.Sort(tokens)
			instance.Tokens = tokens
		})
	}
	benchmarks["ring.mergeHeartbeat"] = func(req request) func(int) {
		desc, zones := newDesc(req), req.int("zones")
		// Tokens of their own, as messages have them that were decoded.
		incoming := make([]*ring.Desc, req.int("instances"))
		for i := range incoming {
			incoming[i] = stamped(desc, i, zones, 0, func(instance *ring.InstanceDesc) {
				instance.Tokens = slices.Clone(instance.Tokens)
			})
		}
		ahead := int64(0)
		return func(n int) {
			for i := range n {
				one := incoming[i%len(incoming)]
				ahead++
				for id, instance := range one.Ingesters {
					instance.Timestamp += ahead
					one.Ingesters[id] = instance
				}
				change := must(desc.Merge(one, false))
				sink += len(change.MergeContent())
			}
		}
	}
	benchmarks["ring.mergeToken"] = func(req request) func(int) {
		desc, zones := newDesc(req), req.int("zones")
		ticks := int64(0)
		return func(n int) {
			for range n {
				ticks++
				one := stamped(desc, int(ticks)%req.int("instances"), zones, ticks, func(instance *ring.InstanceDesc) {
					tokens := slices.Clone(instance.Tokens)
					tokens[int(ticks)%len(tokens)] ^= 1
					slices.Sort(tokens)
					instance.Tokens = tokens
				})
				change := must(desc.Merge(one, false))
				sink += len(change.MergeContent())
			}
		}
	}
	benchmarks["ring.decode"] = func(req request) func(int) {
		data := must(ring.GetCodec().Encode(newDesc(req)))
		return func(n int) {
			for range n {
				sink += len(must(ring.GetCodec().Decode(data)).(*ring.Desc).Ingesters)
			}
		}
	}
	benchmarks["ring.encode"] = func(req request) func(int) {
		desc := newDesc(req)
		return func(n int) {
			for range n {
				sink += len(must(ring.GetCodec().Encode(desc)))
			}
		}
	}
	benchmarks["ring.decodeMergeNothingNew"] = func(req request) func(int) {
		desc := newDesc(req)
		data := must(ring.GetCodec().Encode(desc))
		return func(n int) {
			for range n {
				incoming := must(ring.GetCodec().Decode(data)).(*ring.Desc)
				if change := must(desc.Merge(incoming, false)); change != nil {
					panic("a state that brings nothing new changed something")
				}
			}
		}
	}
	benchmarks["kv.cas"] = func(req request) func(int) {
		_, client := newKV()
		desc, zones := newDesc(req), req.int("zones")
		set := func(update func(*ring.Desc) *ring.Desc) {
			err := client.CAS(context.Background(), "ring", func(in any) (any, bool, error) {
				if in == nil {
					return update(ring.NewDesc()), true, nil
				}
				return update(in.(*ring.Desc)), true, nil
			})
			if err != nil {
				panic(err)
			}
		}
		set(func(*ring.Desc) *ring.Desc { return desc })
		ticks := int64(0)
		return func(n int) {
			for range n {
				ticks++
				id, _ := instanceID(int(ticks)%req.int("instances"), zones)
				set(func(current *ring.Desc) *ring.Desc {
					instance := current.Ingesters[id]
					instance.Timestamp += ticks
					current.Ingesters[id] = instance
					return current
				})
			}
		}
	}
	benchmarks["kv.applyMessage"] = func(req request) func(int) {
		store, client := newKV()
		desc, zones := newDesc(req), req.int("zones")
		err := client.CAS(context.Background(), "ring", func(any) (any, bool, error) { return copyDesc(desc), true, nil })
		if err != nil {
			panic(err)
		}
		ticks := int64(0)
		return func(n int) {
			messages := make([][]byte, n)
			for i := range messages {
				ticks++
				one := stamped(desc, int(ticks)%req.int("instances"), zones, ticks, nil)
				pair := memberlist.KeyValuePair{Key: "ring", Value: must(ring.GetCodec().Encode(one)), Codec: ring.GetCodec().CodecID()}
				messages[i] = must(pair.Marshal())
			}
			started := cpuNow()
			for chunk := range slices.Chunk(messages, notifiedAtOnce) {
				for _, message := range chunk {
					store.NotifyMsg(message)
				}
				awaitIdle()
			}
			counted = cpuNow() - started
			id, _ := instanceID(int(ticks)%req.int("instances"), zones)
			stored := must(client.Get(context.Background(), "ring")).(*ring.Desc).Ingesters[id].Timestamp
			if want := desc.Ingesters[id].Timestamp + ticks; stored != want {
				panic(fmt.Sprintf("the last message was not applied: %d is stored, not %d", stored, want))
			}
		}
	}
}

// notifiedAtOnce messages fit in the queue of a key; more would be dropped.
const notifiedAtOnce = 512

// awaitIdle returns once the workers that were given something to do have nothing left: while waiting costs no
// more processor time than waiting does.
func awaitIdle() {
	for quiet := 0; quiet < 2; {
		before := cpuNow()
		time.Sleep(200 * time.Microsecond)
		if cpuNow()-before < 100*time.Microsecond {
			quiet++
		} else {
			quiet = 0
		}
	}
}
