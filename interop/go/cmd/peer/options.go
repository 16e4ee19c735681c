package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/grafana/dskit/dns"
	"github.com/grafana/dskit/flagext"
	"github.com/grafana/dskit/kv/memberlist"
	"github.com/grafana/dskit/ring"
)

const (
	lifecyclerClassic = "classic"
	lifecyclerBasic   = "basic"
	lifecyclerNone    = "none"
)

type ringOptions struct {
	name, key, prefix              string
	lifecycler                     string
	instanceID, instanceAddr, zone string
	instancePort                   int
	numTokens                      int
	replicationFactor              int
	zoneAwareness                  bool
	heartbeatPeriod                time.Duration
	heartbeatTimeout               time.Duration
	observePeriod, joinAfter       time.Duration
	minReadyDuration               time.Duration
	autoForgetPeriod               time.Duration
	tokensFilePath                 string
	unregisterOnShutdown           bool
	readinessCheckRingHealth       bool
	registerState                  string
	zones                          flagext.StringSliceCSV
	spreadMinimizing               bool
}

type options struct {
	kv           memberlist.KVConfig
	ring         ringOptions
	resolverType dns.ResolverType
	controlAddr  string
	textCodecIDs flagext.StringSliceCSV
	partitions   bool
	logLevel     string
	count        int
}

func parseOptions(args []string) (*options, error) {
	o := &options{resolverType: dns.GolangResolverType}
	fs := flag.NewFlagSet("peer", flag.ContinueOnError)
	fs.SetOutput(os.Stderr)
	o.kv.RegisterFlags(fs)

	fs.IntVar(&o.count, "count", 1, "members in this process; names and instance ids get the suffix -0, -1, … when it is above 1, fixed ports count up")
	fs.StringVar(&o.controlAddr, "control.listen-addr", "127.0.0.1:0", "address of the HTTP control port; with a fixed port and several members the port counts up")
	fs.Var(&o.resolverType, "dns.resolver-type", "golang or miekgdns")
	fs.Var(&o.textCodecIDs, "text-codecs", "comma list of codec ids under which versioned text values are understood")
	fs.BoolVar(&o.partitions, "partition-ring-codec", false, "also register the partition ring codec")
	fs.StringVar(&o.logLevel, "log.level", "info", "debug, info, warn or error")

	r := &o.ring
	fs.StringVar(&r.name, "ring.name", "ingester", "value of the name label of ring metrics")
	fs.StringVar(&r.key, "ring.key", "ring", "key of the ring in the KV store, without prefix")
	fs.StringVar(&r.prefix, "ring.prefix", "collectors/", "prefix of the ring key")
	fs.StringVar(&r.lifecycler, "ring.lifecycler", lifecyclerClassic, "classic, basic, or none to read only")
	fs.StringVar(&r.instanceID, "ring.instance-id", "", "instance id; default is the node name")
	fs.StringVar(&r.instanceAddr, "ring.instance-addr", "127.0.0.1", "instance IP")
	fs.IntVar(&r.instancePort, "ring.instance-port", 4040, "instance port")
	fs.StringVar(&r.zone, "ring.zone", "", "availability zone")
	fs.Var(&r.zones, "ring.zones", "comma list of zones that the members of this process get in turn")
	fs.IntVar(&r.numTokens, "ring.num-tokens", 128, "tokens to register")
	fs.BoolVar(&r.spreadMinimizing, "ring.spread-minimizing", false, "spread-minimizing tokens; ids must end in -<number>, zones must be given with -ring.zones")
	fs.IntVar(&r.replicationFactor, "ring.replication-factor", 1, "replication factor of look-ups")
	fs.BoolVar(&r.zoneAwareness, "ring.zone-awareness-enabled", false, "zone-aware look-ups")
	fs.DurationVar(&r.heartbeatPeriod, "ring.heartbeat-period", 5*time.Second, "heartbeat period, 0 = off")
	fs.DurationVar(&r.heartbeatTimeout, "ring.heartbeat-timeout", time.Minute, "age at which an instance counts as unhealthy, 0 = never")
	fs.DurationVar(&r.observePeriod, "ring.observe-period", 0, "how long tokens must stay undisputed")
	fs.DurationVar(&r.joinAfter, "ring.join-after", 0, "classic: wait before taking tokens")
	fs.DurationVar(&r.minReadyDuration, "ring.min-ready-duration", 15*time.Second, "classic: readiness delay")
	fs.DurationVar(&r.autoForgetPeriod, "ring.auto-forget-period", 0, "basic: forget instances silent for longer, 0 = off")
	fs.StringVar(&r.tokensFilePath, "ring.tokens-file-path", "", "file that keeps the tokens over restarts")
	fs.BoolVar(&r.unregisterOnShutdown, "ring.unregister-on-shutdown", true, "remove the instance when stopping")
	fs.BoolVar(&r.readinessCheckRingHealth, "ring.readiness-check-ring-health", true, "classic: readiness looks at every instance")
	fs.StringVar(&r.registerState, "ring.register-state", "ACTIVE", "basic: state to register with")

	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q: only flags are understood", fs.Arg(0))
	}
	return o, o.validate()
}

func (o *options) validate() error {
	if o.count < 1 {
		return fmt.Errorf("-count is %d, must be at least 1", o.count)
	}
	if !slices.Contains([]string{lifecyclerClassic, lifecyclerBasic, lifecyclerNone}, o.ring.lifecycler) {
		return fmt.Errorf("-ring.lifecycler is %q, must be classic, basic or none", o.ring.lifecycler)
	}
	if _, ok := ring.InstanceState_value[o.ring.registerState]; !ok {
		return fmt.Errorf("-ring.register-state is %q, must be ACTIVE, LEAVING, PENDING or JOINING", o.ring.registerState)
	}
	return nil
}

// forPeer gives the options of the i-th member of this process.
func (o *options) forPeer(i int) *options {
	p := *o
	p.kv.JoinMembers = slices.Clone(o.kv.JoinMembers)
	if p.kv.NodeName == "" {
		p.kv.NodeName, _ = os.Hostname()
	}
	if o.count > 1 {
		p.kv.NodeName = fmt.Sprintf("%s-%d", p.kv.NodeName, i)
		if p.ring.instanceID != "" {
			p.ring.instanceID = fmt.Sprintf("%s-%d", p.ring.instanceID, i)
		}
		if p.kv.TCPTransport.BindPort != 0 {
			p.kv.TCPTransport.BindPort += i
		}
		p.ring.instancePort += i
		if p.ring.tokensFilePath != "" {
			p.ring.tokensFilePath = fmt.Sprintf("%s-%d", p.ring.tokensFilePath, i)
		}
		p.controlAddr = addToPort(p.controlAddr, i)
	}
	if p.ring.instanceID == "" {
		p.ring.instanceID = p.kv.NodeName
	}
	if len(p.ring.zones) > 0 {
		p.ring.zone = p.ring.zones[i%len(p.ring.zones)]
	}
	return &p
}

func addToPort(addr string, i int) string {
	colon := strings.LastIndexByte(addr, ':')
	var port int
	if _, err := fmt.Sscanf(addr[colon+1:], "%d", &port); err != nil || port == 0 {
		return addr
	}
	return fmt.Sprintf("%s:%d", addr[:colon], port+i)
}
