// Command ringdiff answers questions about hash rings with the reference's own code, so that a test can compare
// answers. It reads one JSON request a line from standard input and writes one JSON line for each.
//
//	open          makes a ring of an encoded value; it replaces the one before
//	update        gives the ring's watcher a later value
//	get           the instances of each of the ring's keys
//	whole         the whole ring by operation, and its counts
//	shards        shards of tenants, with look-ups in them
//	token-ranges  the keys that instances hold
//	merge         merges one encoded ring into another
//
// An answer is the SHA-256 of lines of text joined by line feeds; a request with "details" gets the lines, too.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// request has the fields of all types of requests.
type request struct {
	Type    string `json:"type"`
	Details bool   `json:"details"`

	// open, update
	Desc   []byte     `json:"desc"`
	Config ringConfig `json:"config"`
	Keys   []uint32   `json:"keys"`

	// get: of the first MaxKeys keys, all when 0.
	Operation         operation `json:"operation"`
	ReplicationFactor int       `json:"replicationFactor"`
	MaxKeys           int       `json:"maxKeys"`

	// whole, shards
	Operations []operation    `json:"operations"`
	Zones      []string       `json:"zones"`
	NowUnixMs  int64          `json:"nowUnixMs"`
	Shards     []shardRequest `json:"shards"`

	// whole, token-ranges
	IDs []string `json:"ids"`

	// merge
	Mine     []byte `json:"mine"`
	Incoming []byte `json:"incoming"`
}

type answer struct {
	SHA256 string   `json:"sha256,omitempty"`
	Lines  []string `json:"lines,omitempty"`
	Error  string   `json:"error,omitempty"`
}

func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var open *openRing
	for {
		var asked request
		if err := in.Decode(&asked); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			fmt.Fprintln(os.Stderr, "ringdiff: standard input:", err)
			os.Exit(1)
		}
		var lines []string
		var err error
		if asked.Type == "open" {
			open, err = reopen(open, asked)
		} else {
			lines, err = open.answer(asked)
		}
		reply := answer{}
		if err != nil {
			reply.Error = err.Error()
		} else {
			sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
			reply.SHA256 = hex.EncodeToString(sum[:])
		}
		if asked.Details {
			reply.Lines = lines
		}
		if err := out.Encode(reply); err != nil {
			fmt.Fprintln(os.Stderr, "ringdiff: standard output:", err)
			os.Exit(1)
		}
	}
}

func (o *openRing) answer(asked request) ([]string, error) {
	if asked.Type == "merge" {
		return mergeLines(asked)
	}
	if o == nil {
		return nil, fmt.Errorf("%q needs a ring: open one first", asked.Type)
	}
	switch asked.Type {
	case "update":
		return nil, o.update(asked.Desc)
	case "get":
		return o.getLines(asked), nil
	case "whole":
		return o.wholeLines(asked), nil
	case "shards":
		return o.shardLines(asked), nil
	case "token-ranges":
		return o.rangeLines(asked.IDs), nil
	}
	return nil, fmt.Errorf("unknown request %q", asked.Type)
}
