package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/grafana/dskit/ring"
)

// walkLine keeps the order in which instances were met.
func walkLine(set ring.ReplicationSet, err error) string {
	if err != nil {
		return errorLine(err)
	}
	ids := make([]string, 0, len(set.Instances))
	for _, instance := range set.Instances {
		ids = append(ids, instance.Id)
	}
	return setText(ids, set)
}

// setLine puts the instances in byte order of their ids.
func setLine(set ring.ReplicationSet, err error) string {
	if err != nil {
		return errorLine(err)
	}
	ids := make([]string, 0, len(set.Instances))
	for _, instance := range set.Instances {
		ids = append(ids, instance.Id)
	}
	slices.Sort(ids)
	return setText(ids, set)
}

func setText(ids []string, set ring.ReplicationSet) string {
	return strings.Join(ids, " ") + " | " + strconv.Itoa(set.MaxErrors) + " " +
		strconv.Itoa(set.MaxUnavailableZones) + " " + strconv.FormatBool(set.ZoneAwarenessEnabled)
}

func countsLine(r ring.ReadRing) string {
	return strings.Join([]string{
		strconv.Itoa(r.InstancesCount()), strconv.Itoa(r.InstancesWithTokensCount()),
		strconv.Itoa(r.WritableInstancesWithTokensCount()), strconv.Itoa(r.ZonesCount()),
		strconv.Itoa(r.ReplicationFactor()),
	}, " ")
}

func rangesText(ranges ring.TokenRanges, err error) string {
	if errors.Is(err, ring.ErrInstanceNotFound) {
		return " " + errorLine(err)
	}
	if err != nil {
		return " ! token ranges"
	}
	text := ""
	for i := 0; i+1 < len(ranges); i += 2 {
		text += fmt.Sprintf(" %d-%d", ranges[i], ranges[i+1])
	}
	return text
}

// errorLine is the kind of an error. The shortage of a key has no type of its own: its text tells how many instances
// are needed, how many there are, and the addresses of the others in the order in which they were met.
func errorLine(err error) string {
	text := err.Error()
	switch {
	case errors.Is(err, ring.ErrEmptyRing):
		return "! empty"
	case errors.Is(err, ring.ErrTooManyUnhealthyInstances):
		return "! too many unhealthy"
	case errors.Is(err, ring.ErrInstanceNotFound):
		return "! unknown instance"
	case strings.HasPrefix(text, "per-call replication factor"):
		return "! replication factor"
	}
	rest, isShortage := strings.CutPrefix(text, "at least ")
	required, rest, _ := strings.Cut(rest, " ")
	_, rest, isComplete := strings.Cut(rest, "could only find ")
	if !isShortage || !isComplete {
		return "! other: " + text
	}
	healthy, unhealthy, _ := strings.Cut(rest, " - unhealthy instances: ")
	return "! " + healthy + " of " + required + ", not " + unhealthy
}
