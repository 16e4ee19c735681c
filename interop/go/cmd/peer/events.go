package main

import (
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"os"
)

const maxEvents = 20_000

// event is one thing a member noticed. UnixMs is wall time with microseconds; all members of a machine share it.
type event struct {
	Seq                 uint64  `json:"seq"`
	UnixMs              float64 `json:"unixMs"`
	Type                string  `json:"type"` // member, confirmation, incarnation, probe-failed, declared-dead, refuted, instance
	Member              string  `json:"member,omitempty"`
	From                string  `json:"from,omitempty"`
	To                  string  `json:"to,omitempty"`
	Incarnation         uint32  `json:"incarnation,omitempty"`
	Confirmations       *int32  `json:"confirmations,omitempty"`
	ConfirmationsWanted *int32  `json:"confirmationsWanted,omitempty"`
	Timestamp           int64   `json:"timestamp,omitempty"`
	Tokens              int     `json:"tokens,omitempty"`
}

// eventLog keeps the newest maxEvents events.
type eventLog struct {
	mu     sync.Mutex
	next   uint64
	events []event
}

func newEventLog() *eventLog { return &eventLog{next: 1} }

func (l *eventLog) add(e event) {
	if e.UnixMs == 0 {
		e.UnixMs = unixMs(time.Now())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e.Seq = l.next
	l.next++
	if len(l.events) >= maxEvents {
		l.events = append(l.events[:0], l.events[maxEvents/10:]...)
	}
	l.events = append(l.events, e)
}

func (l *eventLog) since(seq uint64) []event {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := []event{}
	for _, e := range l.events {
		if e.Seq > seq {
			found = append(found, e)
		}
	}
	return found
}

var (
	probeFailedLine  = regexp.MustCompile(`^Suspect (\S+) has failed, no acks received`)
	declaredDeadLine = regexp.MustCompile(`^Marking (\S+) as failed, suspect timeout reached \((\d+) peer`)
	refutedLine      = regexp.MustCompile(`^Refuting an? (suspect|dead|alive) message`)
)

// logWatcher passes log lines on and records those that tell of failure detection: a member's own failed probe
// and its own verdict show nowhere else.
type logWatcher struct {
	next   log.Logger
	events *eventLog
}

func newLogger(opts *options, events *eventLog) log.Logger {
	logger := log.NewLogfmtLogger(log.NewSyncWriter(os.Stderr))
	logger = log.With(logger, "ts", log.DefaultTimestampUTC, "peer", opts.kv.NodeName)
	logger = level.NewFilter(logger, level.Allow(level.ParseDefault(opts.logLevel, level.InfoValue())))
	return logWatcher{next: logger, events: events}
}

func (w logWatcher) Log(keyvals ...any) error {
	for i := 0; i+1 < len(keyvals); i += 2 {
		if text, ok := keyvals[i+1].(string); ok && keyvals[i] == "msg" {
			w.watch(text)
		}
	}
	return w.next.Log(keyvals...)
}

func (w logWatcher) watch(text string) {
	if m := probeFailedLine.FindStringSubmatch(text); m != nil {
		w.events.add(event{Type: "probe-failed", Member: m[1]})
	} else if m := declaredDeadLine.FindStringSubmatch(text); m != nil {
		e := event{Type: "declared-dead", Member: m[1]}
		if n, err := strconv.ParseInt(m[2], 10, 32); err == nil {
			confirmed := int32(n)
			e.Confirmations = &confirmed
		}
		w.events.add(e)
	} else if m := refutedLine.FindStringSubmatch(text); m != nil {
		w.events.add(event{Type: "refuted", From: m[1]})
	}
}
