package main

import (
	"context"

	"github.com/grafana/dskit/ring"
)

// memoryStore holds one value for one watcher.
type memoryStore struct {
	first    *ring.Desc
	watching chan func(any) bool
	watch    func(any) bool
}

func newMemoryStore(first *ring.Desc) *memoryStore {
	return &memoryStore{first: first, watching: make(chan func(any) bool, 1)}
}

// push runs the watcher with the value. The watcher may change the value.
func (s *memoryStore) push(desc *ring.Desc) {
	if s.watch == nil {
		s.watch = <-s.watching
	}
	s.watch(desc)
}

func (s *memoryStore) Get(context.Context, string) (any, error) { return s.first, nil }

func (s *memoryStore) WatchKey(ctx context.Context, _ string, watch func(any) bool) {
	s.watching <- watch
	<-ctx.Done()
}

func (s *memoryStore) WatchPrefix(ctx context.Context, _ string, _ func(string, any) bool) {
	<-ctx.Done()
}

func (s *memoryStore) List(context.Context, string) ([]string, error) { return nil, nil }
func (s *memoryStore) Delete(context.Context, string) error           { return nil }
func (s *memoryStore) CAS(context.Context, string, func(any) (any, bool, error)) error {
	return nil
}
