package etcd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	kratosetcd "github.com/go-kratos/kratos/contrib/config/etcd/v2"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Bounds on requests. An etcd that is there answers in milliseconds; one that is not must be asked again soon.
const (
	listTimeout  = 3 * time.Second
	checkTimeout = 2 * time.Second
)

// ErrNoDocuments is that of a prefix without keys. It is an error, not an empty set, because an etcd that was wiped
// must not take everything out of service.
var ErrNoDocuments = errors.New("no documents")

// List returns what is below a prefix. A prefix without keys is ErrNoDocuments.
func List(ctx context.Context, client *clientv3.Client, prefix string) (Set, error) {
	m, err := list(ctx, client, prefix)
	if err != nil {
		return Set{}, err
	}
	if len(m.entries) == 0 {
		return Set{}, emptyError(prefix)
	}
	return m.set(), nil
}

// list reads all keys through Kratos' source for etcd.
func list(ctx context.Context, client *clientv3.Client, prefix string) (*mirror, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	recorder := &recorder{KV: client.KV}
	source, err := kratosetcd.New(&clientv3.Client{KV: recorder},
		kratosetcd.WithContext(ctx), kratosetcd.WithPath(prefix), kratosetcd.WithPrefix(true))
	if err != nil {
		return nil, err
	}
	values, err := source.Load()
	if err != nil {
		return nil, explain(client, prefix, err)
	}
	return newMirror(prefix, values, recorder.answer), nil
}

// recorder keeps etcd's answer. Kratos' source passes on keys and values only; the answer also says at which revision
// they were so, and at which each was changed.
type recorder struct {
	clientv3.KV
	answer *clientv3.GetResponse
}

// Get implements clientv3.KV.
func (r *recorder) Get(ctx context.Context, key string, options ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	var err error
	r.answer, err = r.KV.Get(ctx, key, options...)
	return r.answer, err
}

// explain says which etcd an error is from, and what was asked of it.
func explain(client *clientv3.Client, prefix string, err error) error {
	return fmt.Errorf("etcd at %s: reading %s: %w", strings.Join(client.Endpoints(), ", "), prefix, err)
}

func emptyError(prefix string) error {
	return fmt.Errorf("%w under %s in etcd", ErrNoDocuments, prefix)
}
