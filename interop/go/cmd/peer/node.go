package main

import (
	"context"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/hashicorp/memberlist"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/grafana/dskit/dns"
	"github.com/grafana/dskit/kv"
	"github.com/grafana/dskit/kv/codec"
	kvmemberlist "github.com/grafana/dskit/kv/memberlist"
	"github.com/grafana/dskit/ring"
	"github.com/grafana/dskit/services"
)

// node is one member with everything that belongs to it.
type node struct {
	opts    *options
	logger  log.Logger
	reg     *prometheus.Registry
	events  *eventLog
	kvInit  *kvmemberlist.KVInitService
	store   *kvmemberlist.KV
	members *memberTable
	status  http.Handler

	ringKV  *kvmemberlist.Client
	ring    *ring.Ring
	classic *ring.Lifecycler
	basic   *ring.BasicLifecycler

	control    *http.Server
	controlURL string
	cancel     context.CancelFunc
	leaveOnce  sync.Once
	leaveErr   error
	left       chan struct{}
}

// startNode returns once gossip, ring and lifecycler are running. The instance may still be PENDING then.
func startNode(ctx context.Context, opts *options) (*node, error) {
	n := &node{opts: opts, reg: prometheus.NewRegistry(), events: newEventLog(), left: make(chan struct{})}
	n.reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	n.logger = newLogger(opts, n.events)

	if err := n.startKV(ctx); err != nil {
		return nil, err
	}
	if err := n.startRing(ctx); err != nil {
		return nil, err
	}
	watchCtx, cancel := context.WithCancel(context.Background())
	n.cancel = cancel
	go n.watchMembers(watchCtx)
	go n.watchRing(watchCtx)

	listener, err := net.Listen("tcp", opts.controlAddr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for control requests: %w", err)
	}
	n.controlURL = "http://" + listener.Addr().String()
	n.control = &http.Server{Handler: n.routes(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = n.control.Serve(listener) }()
	return n, nil
}

func (n *node) startKV(ctx context.Context) error {
	n.opts.kv.Codecs = []codec.Codec{ring.GetCodec()}
	if n.opts.partitions {
		n.opts.kv.Codecs = append(n.opts.kv.Codecs, ring.GetPartitionRingCodec())
	}
	for _, id := range n.opts.textCodecIDs {
		n.opts.kv.Codecs = append(n.opts.kv.Codecs, textCodec{id: id})
	}
	dnsReg := prometheus.WrapRegistererWithPrefix("pyroscope_",
		prometheus.WrapRegistererWith(prometheus.Labels{"name": "memberlist"}, n.reg))
	provider := dns.NewProvider(n.logger, dnsReg, n.opts.resolverType)
	n.kvInit = kvmemberlist.NewKVInitService(&n.opts.kv, n.logger, provider, n.reg)
	if err := startService(ctx, n.kvInit); err != nil {
		return fmt.Errorf("cannot start the memberlist KV service: %w", err)
	}
	var err error
	if n.store, err = n.kvInit.GetMemberlistKV(); err != nil {
		return fmt.Errorf("cannot create the memberlist KV: %w", err)
	}
	if err := n.store.AwaitRunning(ctx); err != nil {
		return fmt.Errorf("the memberlist KV did not start: %w", err)
	}
	list, err := memberlistOf(n.kvInit)
	if err != nil {
		return err
	}
	if n.members, err = newMemberTable(list); err != nil {
		return err
	}
	page := template.Must(template.New("members").Parse("{{range .SortedMembers}}{{.Name}} {{.Address}}\n{{end}}"))
	n.status = kvmemberlist.NewHTTPStatusHandler(n.kvInit, page)
	n.ringKV, err = kvmemberlist.NewClient(n.store, ring.GetCodec())
	return err
}

// memberlistOf takes the gossip engine out of the status page's template data, the one public way to it.
func memberlistOf(kvInit *kvmemberlist.KVInitService) (*memberlist.Memberlist, error) {
	var list *memberlist.Memberlist
	take := func(l *memberlist.Memberlist) string { list = l; return "" }
	page, err := template.New("take").Funcs(template.FuncMap{"take": take}).Parse("{{take .Memberlist}}")
	if err != nil {
		return nil, err
	}
	kvmemberlist.NewHTTPStatusHandler(kvInit, page).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	if list == nil {
		return nil, fmt.Errorf("the status page gave no memberlist")
	}
	return list, nil
}

func (n *node) startRing(ctx context.Context) error {
	o := n.opts.ring
	reg := prometheus.WrapRegistererWithPrefix("pyroscope_", n.reg)
	cfg := ring.Config{
		HeartbeatTimeout:     o.heartbeatTimeout,
		ReplicationFactor:    o.replicationFactor,
		ZoneAwarenessEnabled: o.zoneAwareness,
		KVStore:              kv.Config{Store: "memberlist", Prefix: o.prefix},
	}
	cfg.KVStore.MemberlistKV = n.kvInit.GetMemberlistKV
	var err error
	if n.ring, err = ring.New(cfg, o.name, o.key, n.logger, reg); err != nil {
		return fmt.Errorf("cannot create the ring client: %w", err)
	}
	if err := startService(ctx, n.ring); err != nil {
		return fmt.Errorf("the ring client did not start: %w", err)
	}
	generator, err := n.tokenGenerator()
	if err != nil {
		return err
	}
	switch o.lifecycler {
	case lifecyclerClassic:
		return n.startClassic(ctx, cfg, generator, reg)
	case lifecyclerBasic:
		return n.startBasic(ctx, cfg, generator, reg)
	default:
		return nil
	}
}

func (n *node) tokenGenerator() (ring.TokenGenerator, error) {
	o := n.opts.ring
	if !o.spreadMinimizing {
		return nil, nil
	}
	generator, err := ring.NewSpreadMinimizingTokenGenerator(o.instanceID, o.zone, o.zones, true)
	if err != nil {
		return nil, fmt.Errorf("cannot use spread-minimizing tokens: %w", err)
	}
	return generator, nil
}

func (n *node) startClassic(ctx context.Context, cfg ring.Config, generator ring.TokenGenerator, reg prometheus.Registerer) error {
	o := n.opts.ring
	lc := ring.LifecyclerConfig{
		RingConfig:               cfg,
		NumTokens:                o.numTokens,
		HeartbeatPeriod:          o.heartbeatPeriod,
		HeartbeatTimeout:         o.heartbeatTimeout,
		ObservePeriod:            o.observePeriod,
		JoinAfter:                o.joinAfter,
		MinReadyDuration:         o.minReadyDuration,
		TokensFilePath:           o.tokensFilePath,
		Zone:                     o.zone,
		UnregisterOnShutdown:     o.unregisterOnShutdown,
		ReadinessCheckRingHealth: o.readinessCheckRingHealth,
		Addr:                     o.instanceAddr,
		Port:                     o.instancePort,
		ID:                       o.instanceID,
		RingTokenGenerator:       generator,
	}
	var err error
	if n.classic, err = ring.NewLifecycler(lc, nil, o.name, o.key, true, n.logger, reg); err != nil {
		return fmt.Errorf("cannot create the lifecycler: %w", err)
	}
	if err := startService(ctx, n.classic); err != nil {
		return fmt.Errorf("the lifecycler did not start: %w", err)
	}
	return nil
}

func (n *node) startBasic(ctx context.Context, cfg ring.Config, generator ring.TokenGenerator, reg prometheus.Registerer) error {
	o := n.opts.ring
	store, err := kv.NewClient(cfg.KVStore, ring.GetCodec(), kv.RegistererWithKVName(reg, o.name+"-lifecycler"), n.logger)
	if err != nil {
		return fmt.Errorf("cannot create the lifecycler's KV client: %w", err)
	}
	state := ring.InstanceState(ring.InstanceState_value[o.registerState])
	var delegate ring.BasicLifecyclerDelegate = ring.NewInstanceRegisterDelegate(state, o.numTokens)
	delegate = ring.NewLeaveOnStoppingDelegate(delegate, n.logger)
	delegate = ring.NewTokensPersistencyDelegate(o.tokensFilePath, state, delegate, n.logger)
	if o.autoForgetPeriod > 0 {
		delegate = ring.NewAutoForgetDelegate(o.autoForgetPeriod, delegate, n.logger)
	}
	lc := ring.BasicLifecyclerConfig{
		ID:                              o.instanceID,
		Addr:                            net.JoinHostPort(o.instanceAddr, fmt.Sprint(o.instancePort)),
		Zone:                            o.zone,
		HeartbeatPeriod:                 o.heartbeatPeriod,
		HeartbeatTimeout:                o.heartbeatTimeout,
		TokensObservePeriod:             o.observePeriod,
		NumTokens:                       o.numTokens,
		KeepInstanceInTheRingOnShutdown: !o.unregisterOnShutdown,
		RingTokenGenerator:              generator,
	}
	if n.basic, err = ring.NewBasicLifecycler(lc, o.name, o.key, store, delegate, n.logger, reg); err != nil {
		return fmt.Errorf("cannot create the lifecycler: %w", err)
	}
	if err := startService(ctx, n.basic); err != nil {
		return fmt.Errorf("the lifecycler did not start: %w", err)
	}
	return nil
}

// startService gives up waiting when ctx ends, but does not tie the service's life to ctx: leave stops the
// services one after another.
func startService(ctx context.Context, s services.Service) error {
	if err := s.StartAsync(context.Background()); err != nil {
		return err
	}
	return s.AwaitRunning(ctx)
}

func (n *node) gossipAddress() string { return n.members.list.LocalNode().Address() }

func (n *node) address() peerAddress {
	return peerAddress{
		Name:          n.members.list.LocalNode().Name,
		InstanceID:    n.opts.ring.instanceID,
		GossipAddress: n.gossipAddress(),
		ControlURL:    n.controlURL,
	}
}

// leave stops lifecycler, ring and gossip in this order, so that the last ring change is still broadcast.
// The control address keeps answering until the process ends.
func (n *node) leave() error {
	n.leaveOnce.Do(func() {
		ctx := context.Background()
		var stopping []services.Service
		if n.classic != nil {
			stopping = append(stopping, n.classic)
		}
		if n.basic != nil {
			stopping = append(stopping, n.basic)
		}
		for _, s := range append(stopping, n.ring, n.kvInit) {
			if err := services.StopAndAwaitTerminated(ctx, s); err != nil && n.leaveErr == nil {
				n.leaveErr = err
			}
		}
		n.cancel()
		close(n.left)
	})
	return n.leaveErr
}

// close lets running control requests finish.
func (n *node) close() {
	grace, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = n.control.Shutdown(grace)
}
