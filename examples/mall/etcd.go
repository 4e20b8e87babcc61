package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/types/known/durationpb"

	"facet/examples/mall/backend"
	"facet/internal/app"
	"facet/internal/conf"
	"facet/internal/etcd"
	"facet/internal/etcd/embedded"
	"facet/internal/history"
	"facet/internal/snapshot"
	"facet/internal/source"
)

// appName is what the mall is called in etcd.
const appName = "mall"

// seedTimeout bounds the start of etcd and the first push.
const seedTimeout = 30 * time.Second

// store is an etcd of the mall's own, which holds its documents. Its data goes when the mall does.
type store struct {
	server *embedded.Server
	client *clientv3.Client
	layout etcd.Layout
	dir    string
}

// startStore runs an etcd with the documents of the sample.
func startStore(ctx context.Context, addr string, services backend.Addresses) (s *store, err error) {
	ctx, cancel := context.WithTimeout(ctx, seedTimeout)
	defer cancel()
	s = &store{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("-etcd %s: %w", addr, err), s.stop())
		}
	}()
	if s.dir, err = os.MkdirTemp("", "facet-mall-"); err != nil {
		return s, err
	}
	if s.server, err = embedded.Start(ctx, embedded.Options{Dir: s.dir, Addr: addr, NoFsync: true}); err != nil {
		return s, err
	}
	settings := &conf.Etcd{Endpoints: []string{s.server.Addr()}, DialTimeout: durationpb.New(seedTimeout)}
	if s.client, err = etcd.Connect(context.WithoutCancel(ctx), settings); err != nil {
		return s, err
	}
	if s.layout, err = etcd.NewLayout("/facet", appName); err != nil {
		return s, err
	}
	documents, err := sampleDocuments(services)
	if err != nil {
		return s, err
	}
	_, err = s.history().Push(ctx, history.Set{}, documents, history.Record{Author: "mall", Message: "the sample"})
	return s, err
}

// sampleDocuments are those that are built in.
func sampleDocuments(services backend.Addresses) ([]snapshot.Document, error) {
	sample, err := newDocuments(services)
	if err != nil {
		return nil, err
	}
	values, err := sample.Load()
	return app.Documents(values), err
}

func (s *store) history() *history.Store { return history.New(s.client, s.layout) }

func (s *store) documents() *source.Etcd { return source.NewEtcd(s.client, s.layout.Live()) }

// stop ends what was started, and removes its data.
func (s *store) stop() error {
	var errs []error
	if s.client != nil {
		errs = append(errs, s.client.Close())
	}
	if s.server != nil {
		s.server.Close()
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}
