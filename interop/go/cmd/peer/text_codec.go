package main

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	kvmemberlist "github.com/grafana/dskit/kv/memberlist"
)

// text is a value of which the higher version wins, and of equal versions the greater body.
// On the wire: the version in decimal, a line feed, the body.
type text struct {
	Version int64  `json:"version"`
	Body    string `json:"body"`
}

func (t *text) Merge(other kvmemberlist.Mergeable, _ bool) (kvmemberlist.Mergeable, error) {
	if other == nil {
		return nil, nil
	}
	o, ok := other.(*text)
	if !ok {
		return nil, fmt.Errorf("cannot merge %T into a text value", other)
	}
	if o == nil || o.Version < t.Version || (o.Version == t.Version && o.Body <= t.Body) {
		return nil, nil
	}
	*t = *o
	return t.Clone(), nil
}

func (t *text) MergeContent() []string { return []string{strconv.FormatInt(t.Version, 10)} }

func (t *text) RemoveTombstones(time.Time) (total, removed int) { return 0, 0 }

func (t *text) Clone() kvmemberlist.Mergeable {
	c := *t
	return &c
}

// textCodec understands text values under a codec id of the caller's choice.
type textCodec struct{ id string }

func (c textCodec) CodecID() string { return c.id }

func (c textCodec) Decode(b []byte) (any, error) {
	version, body, found := bytes.Cut(b, []byte("\n"))
	n, err := strconv.ParseInt(string(version), 10, 64)
	if !found || err != nil {
		return nil, fmt.Errorf("not a text value: it must start with a decimal version and a line feed")
	}
	return &text{Version: n, Body: string(body)}, nil
}

func (c textCodec) Encode(v any) ([]byte, error) {
	t, ok := v.(*text)
	if !ok {
		return nil, fmt.Errorf("cannot encode %T as a text value", v)
	}
	return append(strconv.AppendInt(nil, t.Version, 10), "\n"+t.Body...), nil
}
