package main

import (
	"fmt"
	"strings"

	"github.com/grafana/dskit/ring"
)

// mergeLines: the merged ring, then "change" and the change, or "no change".
func mergeLines(asked request) ([]string, error) {
	mine, err := decode(asked.Mine)
	if err != nil {
		return nil, err
	}
	incoming, err := decode(asked.Incoming)
	if err != nil {
		return nil, err
	}
	merged, err := mine.Merge(incoming, false)
	if err != nil {
		return nil, err
	}
	lines := descLines(mine)
	if change, ok := merged.(*ring.Desc); ok && change != nil {
		return append(append(lines, "change"), descLines(change)...), nil
	}
	return append(lines, "no change"), nil
}

func descLines(desc *ring.Desc) []string {
	lines := []string{}
	for _, id := range idsOf(desc) {
		i := desc.Ingesters[id]
		tokens := make([]string, 0, len(i.Tokens))
		for _, token := range i.Tokens {
			tokens = append(tokens, fmt.Sprint(token))
		}
		lines = append(lines, fmt.Sprintf("%s: %s %s %d %s %d %t %d [%s]", id, i.Id, i.Addr, i.Timestamp, i.State,
			i.RegisteredTimestamp, i.ReadOnly, i.ReadOnlyUpdatedTimestamp, strings.Join(tokens, " "))+" "+i.Zone)
	}
	return lines
}
